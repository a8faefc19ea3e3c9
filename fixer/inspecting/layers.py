"""`/etc/passwd` and `/etc/group` of an image, out of its layers: the uppermost that has a file decides.

Layers come from the top, and no more of them are read than it takes. Whiteouts (`.wh.`) hide what lies below, links are
followed inside of the image alone.
"""

from __future__ import annotations

import posixpath
import zlib
from collections.abc import Callable, Iterable

from fixer.inspecting.configuration import Files
from fixer.inspecting.tarred import Broken, Entry, Stream, Tar, clean
from fixer.inspecting.unseen import Unseen
from fixer.model import INVALID

PASSWD, GROUP = "etc/passwd", "etc/group"
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_MOST_FILE = 1 << 20
_MOST_KEPT = 16 << 20
_MOST_LINKS = 16
_MOST_UNPACKED = 16 << 30
_MOST_ENTRIES = 4_000_000
_PIECE = 1 << 16
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW = 128 << 20


class Unpacked:
    """The bytes of a layer, unpacked as they are read, whatever its media type says about how it is packed."""

    def __init__(self, packed: Stream) -> None:
        self._packed = packed
        self._start = _at_least(packed, 4)
        self._given = 0
        self._damaged: type[Exception] = zlib.error
        if self._start.startswith(_ZSTD):
            import zstandard

            self._damaged = zstandard.ZstdError
            source = _Joined(self._start, packed)
            unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
            self._read: Callable[[int], bytes] = unpacker.stream_reader(
                source,  # type: ignore[arg-type]
                read_size=_PIECE,
                read_across_frames=True,
            ).read
        elif self._start.startswith(_GZIP):
            self._read = _Gunzip(_Joined(self._start, packed)).read
        else:
            self._read = _Joined(self._start, packed).read

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many.

        Raises:
            Broken: when they cannot be unpacked, or become too many.
        """
        try:
            data = self._read(min(size, _PIECE))
        except (zlib.error, self._damaged) as error:
            raise Broken("it cannot be unpacked") from error
        self._given += len(data)
        if self._given > _MOST_UNPACKED:
            raise Broken("it unpacks to more than 16 GiB")
        return data


def _at_least(stream: Stream, size: int) -> bytes:
    data = b""
    while len(data) < size and (piece := stream.read(size - len(data))):
        data += piece
    return data


class _Joined:
    """A stream whose first bytes were read already."""

    def __init__(self, start: bytes, rest: Stream) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if self._start:
            data, self._start = self._start[:size], self._start[size:]
            return data
        return self._rest.read(size)


class _Gunzip:
    """One or several members of gzip, behind each other, never more unpacked than is asked for."""

    def __init__(self, packed: Stream) -> None:
        self._packed = packed
        self._member = zlib.decompressobj(wbits=31)
        self._input = b""

    def read(self, size: int, /) -> bytes:
        while True:
            if self._member.eof:
                rest = self._member.unused_data or self._packed.read(_PIECE)
                if not rest.strip(b"\0"):
                    return b""
                self._member, self._input = zlib.decompressobj(wbits=31), rest
            if not self._input:
                self._input = self._packed.read(_PIECE)
                if not self._input:
                    raise Broken("it ends too early")
            data = self._member.decompress(self._input, size)
            self._input = self._member.unconsumed_tail
            if data:
                return data


class Accounts:
    """What the layers hold of the files that know accounts, the uppermost first."""

    def __init__(self) -> None:
        self._found: dict[str, Entry] = {}
        self._data: dict[str, bytes] = {}
        self._hidden: set[str] = set()
        self._emptied: set[str] = set()
        self._kept = 0

    def add(self, layer: Stream) -> None:
        """Read the next lower layer to its end.

        Raises:
            Unseen: when it is no layer, or too much.
        """
        try:
            self._add(Tar(Unpacked(layer)))
        except Broken as error:
            raise self._invalid(f"a layer is damaged: {error}") from error

    def _add(self, tar: Tar) -> None:
        had = frozenset(self._found)
        above = frozenset(path for path in had if self._found[path].kind != "folder") | self._hidden
        emptied = frozenset(self._emptied)
        hidden: set[str] = set()
        for number, entry in enumerate(tar.entries()):
            if number > _MOST_ENTRIES:
                raise Broken("it has more than four million entries")
            folder, name = posixpath.split(entry.path)
            if name == _OPAQUE:
                self._emptied.add(folder)
            elif name.startswith(_WHITEOUT):
                hidden.add(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
            elif _matters(entry.path) and entry.path not in had and not _covered(entry.path, above, emptied):
                self._keep(entry, tar)
        self._hidden |= hidden

    def _keep(self, entry: Entry, tar: Tar) -> None:
        """Of one path in one layer the last entry counts."""
        self._found[entry.path] = entry
        self._data.pop(entry.path, None)
        if entry.kind != "file":
            return
        self._kept += entry.size
        if entry.size > _MOST_FILE or self._kept > _MOST_KEPT:
            if entry.path in (PASSWD, GROUP):
                raise Broken(f"/{entry.path} is too large")
            return
        self._data[entry.path] = tar.content()

    @property
    def settled(self) -> bool:
        """Whether no lower layer can change what is known of both files."""
        return all(self._state(path) is not None for path in (PASSWD, GROUP))

    def _state(self, path: str) -> bytes | None:
        """The content of a file, b"" for one that is gone, None where lower layers have to tell."""
        for _ in range(_MOST_LINKS):
            entry = self._found.get(path)
            if entry is None:
                parent = self._link_above(path)
                if parent is None:
                    gone = _covered(path, frozenset(self._hidden), frozenset(self._emptied))
                    return b"" if gone else None
                path = parent
            elif entry.kind == "file":
                return self._data.get(path)
            elif entry.kind == "link":
                path = clean(entry.target)
            elif entry.kind == "symlink":
                path = clean(posixpath.join(posixpath.dirname(path), entry.target))
            else:
                return b""
        raise self._invalid(f"the links from /{path} lead in a circle")

    def _link_above(self, path: str) -> str | None:
        """The path with its first folder that is a link replaced by what that names."""
        parts = path.split("/")
        for end in range(1, len(parts)):
            folder = "/".join(parts[:end])
            entry = self._found.get(folder)
            if entry is not None and entry.kind == "symlink":
                rest = "/".join(parts[end:])
                return clean(posixpath.join(posixpath.dirname(folder), entry.target, rest))
        return None

    def files(self) -> Files:
        """Both files, once all layers that matter were read.

        Raises:
            Unseen: when a link leads to where nothing was kept.
        """
        return Files(self._text(PASSWD), self._text(GROUP))

    def _text(self, path: str) -> str | None:
        data = self._state(path)
        if data is None and path in self._found:
            raise self._invalid(f"/{path} is a link to a file that could not be read")
        return (data or b"").decode("utf-8", "replace") or None

    def _invalid(self, why: str) -> Unseen:
        return Unseen(INVALID, f"{why}; push it anew, or tell its user with [images] in fixer.toml")


def _matters(path: str) -> bool:
    """Whether a path may be one of the files, what they are linked to, or a folder on the way that is a link."""
    folder, name = posixpath.split(path)
    return folder == "etc" or name in ("passwd", "group") or path in _FOLDERS


_FOLDERS = frozenset({"etc", "usr", "usr/etc", "usr/share", "usr/lib", "private", "private/etc"})


def _covered(path: str, hidden: frozenset[str], emptied: frozenset[str]) -> bool:
    """Whether an upper layer hides a path: it has it itself, or takes it or a folder above it away, or empties one."""
    parts = path.split("/")
    ways = ["/".join(parts[:end]) for end in range(len(parts))]
    return path in hidden or any(way in hidden for way in ways[1:]) or any(way in emptied for way in ways)


def accounts(layers: Iterable[Callable[[Accounts], None]]) -> Files:
    """The account files of an image.

    Args:
        layers: each reads one layer into what is given to it, the uppermost first.

    Raises:
        Unseen: when a layer cannot be read, or is not what it says.
    """
    found = Accounts()
    for read in layers:
        if found.settled:
            break
        read(found)
    return found.files()
