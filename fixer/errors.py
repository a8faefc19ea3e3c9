"""What can go wrong, each with the sentence that a person reads: place, what, why, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ZEROS = re.compile(r"0+(?=\d)")


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


def plainly(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read, without the numbers and names that Python adds."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is no UTF-8"
    return error.strerror or str(error)


def near(word: str, known: Iterable[str]) -> str:
    """The word that was probably meant, as the middle of a sentence: `, did you mean 'x'?`, or "" for none.

    Case and leading zeros do not count, so that `df1` is near `DF001`, and the beginning of one word alone is enough.
    """
    from difflib import get_close_matches

    plain = {_plain(one): one for one in known}
    word = _plain(word)
    begun = [one for one in plain if word and one.startswith(word)]
    close = [word] if word in plain else begun if len(begun) == 1 else get_close_matches(word, plain, 1)
    return f", did you mean '{plain[close[0]]}'?" if close else ""


def _plain(word: str) -> str:
    return _ZEROS.sub("", word.lower())
