"""Why an image could not be read, and how long one has for it."""

from __future__ import annotations

import time

from fixer.model import UNREACHABLE


class Unseen(Exception):
    """An image that was not read; it stays unknown, and stops nothing.

    `reason` is one of `fixer.model.UNREAD_IMAGE`, `message` the sentence for people, without any secret.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Deadline:
    """The seconds that somebody has for an answer, all its parts together."""

    def __init__(self, seconds: float, who: str) -> None:
        self.seconds = seconds
        self.who = who
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left.

        Raises:
            Unseen: when there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise Unseen(UNREACHABLE, too_slow(self.who, self.seconds))
        return left


def too_slow(who: str, seconds: float) -> str:
    """The sentence about somebody who takes too long."""
    return f"{who} did not answer within {seconds:g} seconds; try again, or raise inspect-timeout in fixer.toml"
