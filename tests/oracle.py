"""BuildKit's own parser (the `dockerfile` package) beside the project's scanner: do they read the same thing?

BuildKit's line parser checks neither the names of instructions nor flags, so the scanner's own extra checks can be
left out of the comparison. Bytes that are no UTF-8 are compared as replacement characters.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import dockerfile as buildkit

from fixer.errors import Unreadable
from fixer.source import SourceFile
from fixer.syntax import dockerfile as scanner
from fixer.syntax.dockerfile import Dockerfile, Instruction

_JSON = ("ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME")


@dataclass(frozen=True)
class Read:
    """One instruction as both parsers can tell it. `logical` is None where BuildKit's text holds heredoc bodies."""

    name: str
    line: int
    end_line: int
    flags: tuple[str, ...]
    json: tuple[str, ...] | None
    heredocs: tuple[tuple[str, str], ...]
    logical: str | None


class Refused(Exception):
    """BuildKit does not take the file."""


class Unclear(Exception):
    """BuildKit cuts inside a character, and its answer cannot be handed over."""


def _plain(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def theirs(data: bytes) -> list[Read]:
    """What BuildKit reads.

    Raises:
        Refused: when it does not parse.
    """
    if b"\0" in data:
        raise Refused("a NUL byte, which the package cannot be handed")
    try:
        commands = buildkit.parse_string(data.decode("utf-8", "replace"))
        return [_their(command) for command in commands]
    except buildkit.GoParseError as error:
        raise Refused(str(error)) from error
    except UnicodeDecodeError as error:
        raise Unclear from error


def _their(command: Any) -> Read:
    if command.cmd is None:
        raise Refused("a continuation of nothing, which BuildKit refuses behind its parser")
    heredocs = tuple((h.name, h.content) for h in command.heredocs)
    json = tuple(command.value) if command.json and not command.sub_cmd and command.cmd.upper() in _JSON else None
    logical = command.original.lstrip(scanner._SPACE) if command.sub_cmd is None and not heredocs else None
    # BuildKit reads flags byte by byte, and makes a character of each.
    flags = tuple(flag.encode("latin-1", "replace").decode("utf-8") for flag in command.flags)
    return Read(command.cmd, command.start_line, command.end_line, flags, json, heredocs, logical)


def ours(data: bytes, *, lines_only: bool = True) -> list[Read]:
    """What the scanner reads; with `lines_only` its checks of names, flags and stages are left out.

    Raises:
        Unreadable: when it does not parse.
    """
    text = SourceFile("Dockerfile", data).text
    if lines_only:
        with without_checks():
            return _read(scanner.parse(text))
    return _read(scanner.parse(text))


_LOCK = threading.Lock()


@contextmanager
def without_checks() -> Iterator[None]:
    """The scanner takes what BuildKit's line parser takes, and leaves the rest to nobody."""
    with _LOCK, mock.patch.object(scanner, "_validate", _line_checks):
        yield


def _line_checks(items: list[Instruction]) -> None:
    """What BuildKit's line parser checks itself."""
    for item in [*items, *(i.trigger for i in items if i.trigger is not None)]:
        find = scanner._arity_pairs if item.keyword in ("ENV", "LABEL") else scanner._array_problem
        problem = find(item) if item.args != item.escape else ""
        if problem:
            raise Unreadable("syntax", problem)


def _read(tree: Dockerfile) -> list[Read]:
    out: list[Read] = []
    for item in tree:
        flags = tuple(_plain("--" + f.name + ("" if f.value is None else f"={f.value}")) for f in item.flags)
        docs = () if item.trigger else tuple((_plain(h.name), _plain(h.content)) for h in item.heredocs)
        logical = None if docs or item.trigger else _plain(item.logical)
        json = None if item.json is None else tuple(_plain(word) for word in item.json)
        out.append(Read(_plain(item.name), item.line, item.end_line, flags, json, docs, logical))
    return out


def difference(data: bytes) -> str:
    """How the two readings differ, or an empty string; that both refuse the file is agreement."""
    try:
        expected: list[Read] | str = theirs(data)
    except Unclear:
        return ""
    except Refused as error:
        expected = f"refused: {error}"
    try:
        found: list[Read] | str = ours(data)
    except Unreadable as error:
        found = f"refused: {error}"
    if isinstance(expected, str) or isinstance(found, str):
        if isinstance(expected, str) and isinstance(found, str):
            return ""
        return f"BuildKit: {expected}\nfixer:    {found}"
    for one, two in zip(expected, found, strict=False):
        if one != two:
            return f"BuildKit: {one}\nfixer:    {two}"
    return "" if len(expected) == len(found) else f"BuildKit: {len(expected)} instructions, fixer: {len(found)}"


def parses(data: bytes) -> bool:
    """Whether BuildKit takes these bytes."""
    try:
        theirs(data)
    except Refused:
        return False
    return True
