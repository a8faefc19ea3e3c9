"""Unified diffs that `git apply` accepts, for any bytes: CRLF, missing final newlines, odd encodings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

from fixer.model import FileChange

_Opcode = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]

CONTEXT = 3
# difflib compares every line with all that are the same, which in long files of like objects takes hours.
_LONG = 3000
_WINDOW = 400  # lines in which two texts have met again behind a change
_MEET = 4  # equal lines after which they have
_ODD = re.compile(rb'[\x00-\x1f\x7f"\\]|\xc2[\x80-\x9f]')
_NO_NEWLINE = b"\n\\ No newline at end of file\n"


def diff(change: FileChange, *, new: bool = False) -> bytes:
    """The diff of one file, with `a/` and `b/` before its path from the top of its repository.

    A `new` file is one that was not there before.
    """
    name = change.whole_path.lstrip("/").encode("utf-8", "surrogateescape")
    old = b"/dev/null" if new else _quoted(b"a/" + name)
    head = b"--- " + old + b"\n+++ " + _quoted(b"b/" + name) + b"\n"
    return head + b"".join(_hunks(lines_of(change.before), lines_of(change.after)))


def _quoted(name: bytes) -> bytes:
    """A name as git writes it: what a terminal would obey is escaped, and a tab ends a name with blanks."""
    if _ODD.search(name):
        return b'"' + _ODD.sub(_escaped, name) + b'"'
    return name + b"\t" if b" " in name else name


def _escaped(odd: re.Match[bytes]) -> bytes:
    return b"\\" + odd[0] if odd[0] in b'"\\' else b"".join(b"\\%03o" % byte for byte in odd[0])


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a file with their ends; the last may have none."""
    parts = data.split(b"\n")
    lines = [part + b"\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def groups(
    old: list[bytes], new: list[bytes], context: int = CONTEXT
) -> Iterator[list[tuple[str, int, int, int, int]]]:
    """What differs between two files, with some equal lines around it, as difflib tells it.

    Args:
        old: the lines of the one.
        new: the lines of the other.
        context: how many equal lines stand around a change.
    """
    exact = len(old) <= _LONG
    matcher = SequenceMatcher(None, old, new, autojunk=False) if exact else _Nearby(old, new)
    yield from matcher.get_grouped_opcodes(context)


def lines_before(change: FileChange) -> list[int]:
    """For each line after a change the line before it, from 1, where it stood; a new line gives the one above it."""
    old, new = lines_of(change.before), lines_of(change.after)
    out: list[int] = []
    for group in groups(old, new, 0):
        for _, a, b, c, d in group:
            out += range(a - c + len(out) + 1, a + 1)  # those that are equal
            out += (max(1, min(a + n + 1, max(a, b))) for n in range(d - c))
    return [*out, *range(len(old) - len(new) + len(out) + 1, len(old) + 1)]


def _hunks(old: list[bytes], new: list[bytes]) -> Iterator[bytes]:
    for group in groups(old, new):
        first, last = group[0], group[-1]
        yield b"@@ -%s +%s @@\n" % (_range(first[1], last[2]), _range(first[3], last[4]))
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from _marked(b" ", old[a:b])
                continue
            yield from _marked(b"-", old[a:b])
            yield from _marked(b"+", new[c:d])


class _Nearby(SequenceMatcher[bytes]):
    """Groups what `_nearby` finds as difflib does."""

    def __init__(self, old: list[bytes], new: list[bytes]) -> None:
        super().__init__(None, [], [])
        self.found = list(_nearby(old, new))

    def get_opcodes(self) -> list[_Opcode]:
        """What differs."""
        return self.found


def _nearby(old: list[bytes], new: list[bytes]) -> Iterator[_Opcode]:
    """What differs, in the form of difflib, found by walking along both texts: changes are small and far apart.

    Where the texts do not meet again within a window, all that is left counts as changed.
    """
    a = b = 0
    while a < len(old) or b < len(new):
        start = a
        while a < len(old) and b < len(new) and old[a] == new[b]:
            a, b = a + 1, b + 1
        if a > start:
            yield ("equal", start, a, b - (a - start), b)
        if a < len(old) or b < len(new):
            c, d = _meeting(old, new, a, b)
            kind: Literal["replace", "delete", "insert"] = "delete" if d == b else "insert" if c == a else "replace"
            yield (kind, a, c, b, d)
            a, b = c, d


def _meeting(old: list[bytes], new: list[bytes], a: int, b: int) -> tuple[int, int]:
    """The nearest place behind two lines from which on both texts are equal for a while."""
    for distance in range(1, _WINDOW):
        for more in range(distance + 1):
            c, d = a + more, b + distance - more
            if c > len(old) or d > len(new):
                continue
            some = old[c : c + _MEET]
            if some == new[d : d + _MEET] and (some or (c == len(old) and d == len(new))):
                return c, d
    return len(old), len(new)


def _marked(mark: bytes, lines: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield mark + (line if line.endswith(b"\n") else line + _NO_NEWLINE)


def _range(start: int, stop: int) -> bytes:
    length = stop - start
    if length == 1:
        return b"%d" % (start + 1)
    return b"%d,%d" % (start + 1 if length else start, length)
