"""The context of a build as a tar: a copy, so that the repository is never written.

Links stay links and are never followed, so that nothing from outside of the context comes along. What `.dockerignore`
names is left out by the rules of the engine itself (github.com/moby/patternmatcher), which are not those of git.
"""

from __future__ import annotations

import io
import os
import posixpath
import re
import stat
import tarfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from fixer.tuples import NamedTuple
from fixer.verify.said import tidy

MOST = 512 << 20
_MOST_FILES = 200_000
_MOST_DEEP = 200
_MOST_IGNORE = 1 << 20
_STRANGER = ".fixer.Dockerfile"  # a Dockerfile that is not in its context


class Unpacked(Exception):
    """A context that cannot be sent; `str()` is a sentence that says why."""


class Pattern(NamedTuple):
    """A line of `.dockerignore`; `keep` where it begins with `!`."""

    expression: re.Pattern[str]
    keep: bool


class Ignore:
    """The rules of one `.dockerignore`."""

    def __init__(self, text: str) -> None:
        self.patterns = list(_patterns(text))
        self.exceptions = any(pattern.keep for pattern in self.patterns)

    def ignores(self, path: str) -> bool:
        """Whether a path, relative to the context, is left out: the last line that names it or a folder above it."""
        names = path.split("/")
        paths = ["/".join(names[: number + 1]) for number in range(len(names))]
        for pattern in reversed(self.patterns):
            if any(pattern.expression.fullmatch(one) for one in paths):
                return not pattern.keep
        return False


def _patterns(text: str) -> Iterator[Pattern]:
    for line in text.removeprefix("\ufeff").split("\n"):
        if line.startswith("#") or not line.strip():
            continue
        line = line.strip()
        keep = line.startswith("!")
        words = line[1:].strip() if keep else line
        if not words:
            continue
        path = posixpath.normpath(words).lstrip("/")
        try:
            yield Pattern(_compiled(path), keep)
        except re.error as error:
            raise Unpacked(
                f".dockerignore has the pattern '{tidy(line, 80)}', which no engine reads: {error}"
            ) from None


def _compiled(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # a set in a set may come to mean something
        return re.compile(_expression(pattern), re.DOTALL)


def _expression(pattern: str) -> str:
    """A pattern as a regular expression."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern[at : at + 1] == "*":
            at += 1
            at += pattern[at : at + 1] == "/"
            out.append("(?:.*/)?" if at < len(pattern) else ".*")
        elif char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "\\" and at < len(pattern):
            out.append(re.escape(pattern[at]))
            at += 1
        elif char in "[]":
            out.append(char)
        else:
            out.append(char if char in "-^" else re.escape(char))
    return "".join(out)


class Packed(NamedTuple):
    """A context as it was sent: the name of its Dockerfile, and sentences about what was left out."""

    dockerfile: str
    notes: tuple[str, ...]


def dockerfile_text(root: Path, dockerfile: str, overlay: Mapping[str, bytes]) -> bytes:
    """The bytes of a Dockerfile, as the fix leaves it where it changes it.

    Raises:
        Unpacked: when it cannot be read, or lies outside of the tree.
    """
    if dockerfile in overlay:
        return overlay[dockerfile]
    path = _inside(root, dockerfile)
    try:
        return _content(path)
    except OSError as error:
        raise Unpacked(f"{tidy(dockerfile)} cannot be read: {error.strerror}") from None


def pack(
    root: Path,
    folder: str,
    dockerfile: tuple[str, bytes],
    overlay: Mapping[str, bytes],
    out: BinaryIO,
    most: int = MOST,
) -> Packed:
    """Write the context `folder` of the tree at `root` as a tar, with the files of `overlay` in place of its own.

    `dockerfile` is the path of the Dockerfile and its bytes; `overlay` is by path from the root.

    Raises:
        Unpacked: with one sentence, when that cannot be done within its bounds.
    """
    base = _inside(root, folder)
    if not base.is_dir():
        raise Unpacked(f"the folder {tidy(folder) or '.'}, which the build is sent, is not there")
    ignore = _ignore(root, folder, dockerfile[0], overlay)
    changed = {_below(folder, path): data for path, data in overlay.items() if _below(folder, path)}
    name = _below(folder, dockerfile[0])
    if name:
        changed[name] = dockerfile[1]
    packer = _Packer(out, most)
    with packer.tar:
        for path, entry in _walk(base, ignore):
            packer.add(path, entry, changed.pop(path, None))
        for path in sorted(changed):
            if not ignore.ignores(path):
                packer.add_bytes(path, changed[path])
        if not name or ignore.ignores(name):
            name = _STRANGER
            packer.add_bytes(name, dockerfile[1])
    return Packed(name, tuple(packer.notes))


class _Packer:
    def __init__(self, out: BinaryIO, most: int) -> None:
        self.tar = tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - the caller closes it
        self.left = most
        self.most = most
        self.files = 0
        self.notes: list[str] = []

    def add(self, path: str, entry: os.DirEntry[str], instead: bytes | None) -> None:
        """Add what lies in the folder, or other bytes in its place."""
        found = entry.stat(follow_symlinks=False)
        info = tarfile.TarInfo(path)
        info.mode = stat.S_IMODE(found.st_mode)
        info.mtime = max(0, int(found.st_mtime))
        if stat.S_ISLNK(found.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, os.readlink(entry.path)
            self._count(0)
            self.tar.addfile(info)
        elif stat.S_ISDIR(found.st_mode):
            info.type = tarfile.DIRTYPE
            self._count(0)
            self.tar.addfile(info)
        elif stat.S_ISREG(found.st_mode):
            self._file(info, entry.path, instead)

    def add_bytes(self, path: str, data: bytes) -> None:
        """Add a file that the folder does not hold."""
        self._data(tarfile.TarInfo(path), data)

    def _file(self, info: tarfile.TarInfo, path: str, instead: bytes | None) -> None:
        if instead is not None:
            self._data(info, instead)
            return
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            raise Unpacked(f"{tidy(info.name)} cannot be read: {error.strerror}") from None
        with open(descriptor, "rb") as file:
            info.size = os.fstat(descriptor).st_size
            self._count(info.size)
            try:
                self.tar.addfile(info, file)
            except OSError:
                raise Unpacked(f"{tidy(info.name)} changed while it was read; try again") from None

    def _data(self, info: tarfile.TarInfo, data: bytes) -> None:
        info.size = len(data)
        self._count(info.size)
        self.tar.addfile(info, io.BytesIO(data))

    def _count(self, size: int) -> None:
        self.left -= size
        self.files += 1
        if self.left < 0 or self.files > _MOST_FILES:
            bound = f"{self.most >> 20} MB" if self.left < 0 else f"{_MOST_FILES} files"
            raise Unpacked(
                f"the folder that the build is sent has more than {bound}; name in .dockerignore what it does not need"
            )


def _walk(base: Path, ignore: Ignore, below: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """What is sent, folders before what they hold, in a fixed order."""
    try:
        with os.scandir(base / below) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise Unpacked(f"the folder {tidy(below) or '.'} cannot be read: {error.strerror}") from None
    if below.count("/") > _MOST_DEEP:
        raise Unpacked(f"the folder {tidy(below, 80)} lies too deep; name it in .dockerignore")
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        ignored = ignore.ignores(path)
        if not ignored:
            yield path, entry
        if entry.is_dir(follow_symlinks=False) and (not ignored or ignore.exceptions):
            yield from _walk(base, ignore, path)


def _ignore(root: Path, folder: str, dockerfile: str, overlay: Mapping[str, bytes]) -> Ignore:
    """The rules for a context: those of its Dockerfile where it has its own, else those of the folder."""
    for path in (f"{dockerfile}.dockerignore", posixpath.join(folder, ".dockerignore")):
        data = overlay.get(path)
        if data is None:
            try:
                data = _content(_inside(root, path))
            except (OSError, Unpacked):
                continue
        return Ignore(data[:_MOST_IGNORE].decode("utf-8", "replace"))
    return Ignore("")


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        return file.read(8 << 20)


def _inside(root: Path, path: str) -> Path:
    """A path of the tree whose folders lead nowhere else."""
    whole = root.resolve()
    found = whole / path
    if not found.resolve().is_relative_to(whole):
        raise Unpacked(f"{tidy(path)} lies outside of the folder that is verified")
    return found


def _below(folder: str, path: str) -> str:
    """A path from the root as one from a folder; "" when it is not below."""
    base = posixpath.normpath(folder or ".")
    whole = posixpath.normpath(path)
    if base == ".":
        return "" if whole.startswith("../") else whole
    return whole[len(base) + 1 :] if whole.startswith(f"{base}/") else ""
