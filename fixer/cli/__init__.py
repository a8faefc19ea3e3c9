"""Typer commands, one file each: they parse words, call the application and set the exit code."""
