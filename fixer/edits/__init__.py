"""Symbolic changes, and how they become byte edits."""
