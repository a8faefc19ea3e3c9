"""What can go wrong, each with the sentence that a person reads: place, what, why, what to do."""

from __future__ import annotations


class FixerError(Exception):
    """Anything that ends a run with exit code 2 and one sentence instead of a traceback."""


class UsageError(FixerError):
    """An argument or a configuration value that cannot be meant."""


class Unreadable(Exception):
    """A file that the program does not handle; it is left untouched, counted, and stops nothing.

    `reason` is a stable code for machines, `message` the sentence for people.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
