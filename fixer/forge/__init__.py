"""Forges: where repositories live and pull requests are read. One small protocol, one module for each forge."""
