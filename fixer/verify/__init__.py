"""Proof by a container engine: an image is built and run before and after its fix, and what is seen is judged."""
