"""Bytes of one file, the text they decode to, and the way back without a changed byte."""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_left
from pathlib import Path

from fixer.errors import Unreadable
from fixer.lazy import lazy
from fixer.model import Edit
from fixer.tuples import NamedTuple

BOM = b"\xef\xbb\xbf"
# What is said of a Dockerfile that cannot be read: what to name instead, and what is wrong with a huge one.
A_DOCKERFILE = ("a Dockerfile", ", which no Dockerfile is; it was not read")
UTF16 = (b"\xff\xfe", b"\xfe\xff")
MAX_BYTES = 4 * 1024 * 1024
_LONG = 100_000


class _SourceFile(NamedTuple):
    path: str
    data: bytes


class SourceFile(_SourceFile):
    """One file as it was read.

    `path` is relative to the root of the run, with `/`. The text is UTF-8 with undecodable bytes kept as
    surrogates, without a byte order mark, so that `encode` gives back exactly the bytes that came in.
    """

    @lazy
    def text(self) -> str:
        """The decoded text.

        Raises:
            Unreadable: for UTF-16, NUL bytes, and files beyond 4 MiB.
        """
        data = self.data
        if len(data) > MAX_BYTES:
            raise Unreadable("too-large", "the file is larger than 4 MiB; split it, or leave it out with `exclude`")
        if data[:2] in UTF16 or b"\0" in data:
            raise Unreadable("encoding", "the file is UTF-16 or binary; save it as UTF-8 to have it checked")
        return data.removeprefix(BOM).decode("utf-8", "surrogateescape")

    @lazy
    def newline(self) -> str:
        """The line end that new lines take: that of the first line of the file."""
        first = self.text.find("\n")
        return "\r\n" if first > 0 and self.text[first - 1] == "\r" else "\n"

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character offset."""
        long = len(self.text) > _LONG
        above = bisect_left(self._ends, offset) if long else self.text.count("\n", 0, offset)
        return above + 1, offset - self.text.rfind("\n", 0, offset)

    @lazy
    def _ends(self) -> list[int]:
        """The offsets of all line ends: in a long file with many findings, counting takes longer."""
        return [match.start() for match in re.finditer("\n", self.text)]

    def with_text(self, text: str) -> SourceFile:
        """The same file with another text, its byte order mark kept."""
        mark = BOM if self.data.startswith(BOM) else b""
        return SourceFile(self.path, mark + text.encode("utf-8", "surrogateescape"))


def read_bytes(root: Path, path: str, what: str, too_large: str) -> bytes:
    """The bytes of one file below `root`.

    Args:
        root: the folder of the run.
        path: the file, relative to it.
        what: what a person should name instead of what is no file, such as "a Dockerfile".
        too_large: how the sentence about a file beyond 4 MiB goes on.

    Raises:
        Unreadable: when it is a link, no regular file, too large, or cannot be read.
    """
    file = os.path.join(root, path)
    try:
        info = os.lstat(file)
        if stat.S_ISLNK(info.st_mode):
            raise Unreadable("link", "this is a symbolic link; name the file that it points to")
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable("not-a-file", f"this is no regular file; name {what} or a folder")
        if info.st_size > MAX_BYTES:
            raise Unreadable("too-large", f"the file is larger than 4 MiB{too_large}")
        with open(file, "rb", buffering=0) as stream:  # read whole, it needs no buffer
            return stream.read()
    except OSError as error:
        raise Unreadable("unreadable", f"the file cannot be read ({error.strerror}); check its permissions") from error


def bytes_if_readable(root: Path, path: str) -> bytes | None:
    """The bytes of one file below `root`; None where `read_bytes` would raise."""
    try:
        return read_bytes(root, path, "a file", "")
    except Unreadable:
        return None


def apply_edits(text: str, edits: list[Edit]) -> str:
    """Apply edits that do not overlap; insertions at one offset keep the order in which they are given.

    Raises:
        ValueError: when two edits overlap.
    """
    out: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda e: (e.span.start, e.span.end)):
        if edit.span.start < at:
            raise ValueError(f"two edits overlap at offset {edit.span.start}")
        out += (text[at : edit.span.start], edit.text)
        at = edit.span.end
    out.append(text[at:])
    return "".join(out)
