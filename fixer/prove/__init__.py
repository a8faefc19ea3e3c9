"""Whether a result is what was meant."""
