"""The documents of a YAML stream, found without parsing it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from fixer.model import Span

# A document marker at the start of a line is one wherever it stands: no scalar may hold it.
_MARK = re.compile(r"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_CONTENT = re.compile(r"^[ \t]*[^\s#%]", re.MULTILINE)


class Slice(NamedTuple):
    """One document: its number in the stream, from 0, and its characters, markers and directives included."""

    number: int
    span: Span


def slices(text: str, matters: re.Pattern[str] | None = None) -> Iterator[Slice]:
    """The documents of a stream, in order; with `matters`, only those in which the pattern is found.

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
    for mark in _MARK.finditer(text):
        at = mark.start()
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


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
