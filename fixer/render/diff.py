"""Unified diffs that `git apply` accepts, for any bytes: CRLF, missing final newlines, odd encodings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from fixer.model import FileChange

CONTEXT = 3
_ODD = re.compile(rb'[\x00-\x1f\x7f"\\]|\xc2[\x80-\x9f]')
_NO_NEWLINE = b"\n\\ No newline at end of file\n"


def diff(change: FileChange) -> bytes:
    """The diff of one file, with `a/` and `b/` before its path from the top of its repository."""
    name = (change.repository_path or change.path).lstrip("/").encode("utf-8", "surrogateescape")
    head = b"--- " + _quoted(b"a/" + name) + b"\n+++ " + _quoted(b"b/" + name) + b"\n"
    return head + b"".join(_hunks(_lines(change.before), _lines(change.after)))


def _quoted(name: bytes) -> bytes:
    """A name as git writes it: what a terminal would obey is escaped, and a tab ends a name with blanks."""
    if _ODD.search(name):
        return b'"' + _ODD.sub(_escaped, name) + b'"'
    return name + b"\t" if b" " in name else name


def _escaped(odd: re.Match[bytes]) -> bytes:
    return b"\\" + odd[0] if odd[0] in b'"\\' else b"".join(b"\\%03o" % byte for byte in odd[0])


def _lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    lines = [part + b"\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _hunks(old: list[bytes], new: list[bytes]) -> Iterator[bytes]:
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        first, last = group[0], group[-1]
        yield b"@@ -%s +%s @@\n" % (_range(first[1], last[2]), _range(first[3], last[4]))
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from _marked(b" ", old[a:b])
                continue
            yield from _marked(b"-", old[a:b])
            yield from _marked(b"+", new[c:d])


def _marked(mark: bytes, lines: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield mark + (line if line.endswith(b"\n") else line + _NO_NEWLINE)


def _range(start: int, stop: int) -> bytes:
    length = stop - start
    if length == 1:
        return b"%d" % (start + 1)
    return b"%d,%d" % (start + 1 if length else start, length)
