"""Syntax: what is written where, with the place of every character."""
