"""The documents of a YAML stream, found without parsing it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import AnyStr, Generic

from fixer.model import Span
from fixer.tuples import NamedTuple

# A document marker at the start of a line is one wherever it stands: no scalar may hold it.
_FIRST_MARK = re.compile(r"(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")
# With what stands before it written out, a search looks at the ends of lines alone.
_INNER_MARK = re.compile(r"\n(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")
_INNER_MARKS = ("\n---", "\n...")
_CONTENT = re.compile(r"^[ \t]*[^\s#%]", re.MULTILINE)


class AnyOf(Generic[AnyStr]):
    """Expressions of which one has to be found.

    Where each begins with fixed letters, they are found one by one in a third of the time that one expression takes
    that has them all as alternatives.
    """

    def __init__(self, *patterns: re.Pattern[AnyStr]) -> None:
        self.patterns: tuple[re.Pattern[AnyStr], ...] = patterns

    def search(self, text: AnyStr, start: int = 0, end: int = sys.maxsize) -> bool:
        """Whether one of the expressions is found between two offsets."""
        for pattern in self.patterns:  # noqa: SIM110 (a generator takes as long as what it would ask)
            if pattern.search(text, start, end) is not None:
                return True
        return False


class Slice(NamedTuple):
    """One document: its number in the stream, from 0, and its characters, markers and directives included."""

    number: int
    span: Span


def slices(text: str, matters: re.Pattern[str] | AnyOf[str] | None = None) -> Iterator[Slice]:
    """The documents of a stream, in order; with `matters`, only those in which one of its patterns is found.

    Comments and directives go with the `---` behind them; comments before a `---` that ends a document, with that
    document. A stream of nothing but comments has no document.
    """
    if matters is not None and not matters.search(text):
        return
    for found in _slices(text):
        if matters is None or matters.search(text, *found.span):
            yield found


def _slices(text: str) -> Iterator[Slice]:
    index = start = 0
    opened = False
    for at in _marks(text):
        begins = text[at] == "-"
        held = opened or _CONTENT.search(text, start, at) is not None
        end = at if begins else _line_end(text, at)
        if held:
            yield Slice(index, Span(start, end))
            index += 1
        if held or not begins:
            start = end
        opened = begins
    if opened or _CONTENT.search(text, start) is not None:
        yield Slice(index, Span(start, len(text)))


def _marks(text: str) -> Iterator[int]:
    """The offsets of all document markers."""
    if _FIRST_MARK.match(text) is not None:
        yield 0
    # Most streams have no mark but at their beginning, which is seen sooner than by a look at each line.
    if any(mark in text for mark in _INNER_MARKS):
        for mark in _INNER_MARK.finditer(text):
            yield mark.start() + 1


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
