"""Entries of a tar stream, read once from its beginning, with bounds on all that is kept.

The standard library keeps every header and reads extended ones whole, however large a hostile layer says that they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from fixer.tuples import NamedTuple

_BLOCK = 512
_MOST_EXTENDED = 1 << 20  # bytes of a long name or of extended headers
_PIECE = 1 << 16


class Stream(Protocol):
    """What gives at most so many bytes; nothing at its end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        ...


class Broken(Exception):
    """No tar stream, or one that ends too early or asks for too much."""


class Entry(NamedTuple):
    """One entry: a path without leading `/` or `./`, its kind (file, link, symlink, folder, other), size and target."""

    path: str
    kind: str
    size: int
    target: str


_KINDS = {b"0": "file", b"\0": "file", b"7": "file", b"1": "link", b"2": "symlink", b"5": "folder"}
_EXTENDED = (b"x", b"g", b"L", b"K")


class Tar:
    """A tar stream; `content` gives that of the entry which was read last."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._rest = 0
        self._padding = 0

    def entries(self) -> Iterator[Entry]:
        """All entries, in order.

        Raises:
            Broken: for anything that is no tar stream.
        """
        extended: dict[str, str] = {}
        while True:
            self._skip(self._rest + self._padding)
            header = self._exactly(_BLOCK, may_end=True)
            if not header.strip(b"\0"):
                return
            kind, size = header[156:157], _number(header[124:136])
            _check_sum(header)
            if kind in _EXTENDED:
                if size > _MOST_EXTENDED:
                    raise Broken("an extended header is too large")
                text = self._exactly(size)
                self._exactly(-size % _BLOCK)
                if kind != b"g":
                    extended |= _extended(kind, text)
                continue
            entry = _entry(header, kind, size, extended)
            extended = {}
            self._rest, self._padding = entry.size, -entry.size % _BLOCK
            yield entry

    def content(self) -> bytes:
        """The bytes of the last entry; who asks has looked at its size."""
        data = self._exactly(self._rest)
        self._rest = 0
        return data

    def _exactly(self, size: int, may_end: bool = False) -> bytes:
        pieces: list[bytes] = []
        missing = size
        while missing:
            piece = self.stream.read(min(missing, _PIECE))
            if not piece:
                if may_end and missing == size:
                    return b""
                raise Broken("it ends too early")
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def _skip(self, size: int) -> None:
        self._rest = self._padding = 0
        while size:
            piece = self.stream.read(min(size, _PIECE))
            if not piece:
                raise Broken("it ends too early")
            size -= len(piece)


def _entry(header: bytes, kind: bytes, size: int, extended: dict[str, str]) -> Entry:
    name = _text(header[:100])
    if header[257:263] == b"ustar\0" and header[345]:
        name = f"{_text(header[345:500])}/{name}"
    what = _KINDS.get(kind, "other")
    if "size" in extended:
        if not (extended["size"].isascii() and extended["size"].isdigit()):
            raise Broken("a size is no number")
        size = int(extended["size"])
    if what in ("link", "symlink", "folder"):
        size = 0
    return Entry(clean(extended.get("path", name)), what, size, extended.get("linkpath", _text(header[157:257])))


def clean(path: str) -> str:
    """A path from the root without leading slashes, dots and steps up; "" for the root itself."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # numbers that octal digits cannot hold
        value = int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
        if field[0] == 0xFF or value >= 1 << 62:
            raise Broken("a size is no number")
        return value
    digits = field.strip(b"\0 ") or b"0"
    if digits.translate(None, b"01234567"):
        raise Broken("a size is no number")
    return int(digits, 8)


def _check_sum(header: bytes) -> None:
    total = sum(header[:148]) + 8 * 32 + sum(header[156:])
    if _number(header[148:156]) != total:
        raise Broken("a checksum is wrong")


def _extended(kind: bytes, data: bytes) -> dict[str, str]:
    """What a long name of GNU or the records of a pax header say about the next entry."""
    if kind == b"L":
        return {"path": _text(data)}
    if kind == b"K":
        return {"linkpath": _text(data)}
    out: dict[str, str] = {}
    while data:
        length, blank, _ = data.partition(b" ")
        if not blank or not length.isdigit() or not len(length) < int(length) <= len(data):
            raise Broken("an extended header is malformed")
        key, _, value = data[len(length) + 1 : int(length) - 1].partition(b"=")
        if key in (b"path", b"linkpath", b"size"):
            out[key.decode()] = value.decode("utf-8", "surrogateescape")
        data = data[int(length) :]
    return out
