"""What one build is, and how the words of a file that describes it become paths and names of this repository.

A word that only the run knows (a parameter, the output of a command, an entry of a matrix) is never guessed: a build
whose Dockerfile or target is such a word is none that anybody can follow.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fixer.lazy import regex
from fixer.syntax.expand import expand
from fixer.tuples import NamedTuple
from fixer.understand.builds import Build, Read

Steps = tuple[str | int, ...]
Env = Mapping[str, "str | None"]

# Stands for what only the run knows, and is in no name of a file or image.
UNKNOWN = "\ufffd"
# Begins a path that starts at the top of the repository, whatever folder it is said in.
TOP = "/\ufffe"
_EXPRESSION = regex(r"\$\{\{.{0,300}?\}\}")
_VARIABLE = regex(r"\$\{[^{}]*\}|\$\w+|\$\([^()]*\)|`[^`]*`")
_IMAGE = regex(r"[A-Za-z0-9][A-Za-z0-9._:/@*-]*")
_DEEPEST = 8
_LONGEST = 4000


class Hint(NamedTuple):
    """A file that may describe builds: its path and text, and what reads its neighbours."""

    path: str
    text: str
    read: Read

    @property
    def folder(self) -> str:
        """The folder that it lies in, "" for the root."""
        return posixpath.dirname(self.path)


class Spot(NamedTuple):
    """Where a build is written: the line, from 1, and the words that tell it from others of the file."""

    line: int
    words: str


class Said(NamedTuple):
    """What a file says of a build, with variables filled in; None where it says nothing.

    `base` is the folder that the Dockerfile is named from, which is the context unless it is given.
    """

    context: str | None = None
    dockerfile: str | None = None
    target: str | None = None
    images: tuple[str, ...] = ()
    args: tuple[tuple[str, str], ...] = ()
    base: str | None = None
    aside: bool = False


def docker_build(hint: Hint, spot: Spot, said: Said, folder: str | None = None) -> Iterator[Build]:
    """The build that a file describes; none where its Dockerfile or its target is not known.

    `folder` is the one that the context is named from, the folder of the file unless it is given.
    """
    folder = hint.folder if folder is None else folder
    context = inside(folder, "." if said.context is None else said.context)
    base = context if said.base is None else inside(said.base, ".")
    file = None if base is None and said.dockerfile is None else inside(base or "", said.dockerfile or "Dockerfile")
    if said.base is not None and said.dockerfile is None:
        file = None if context is None else inside(context, "Dockerfile")
    if base is None and said.dockerfile is not None and not said.dockerfile.startswith(TOP):
        file = None
    target = said.target or ""
    if file is None or UNKNOWN in target:
        return
    evidence = f"{hint.path}:{spot.line}: {spot.words}"
    images = tuple(dict.fromkeys(one for image in said.images if (one := image_name(image))))
    known = tuple((name, value) for name, value in said.args if UNKNOWN not in name + value)
    yield Build(file, context, target, evidence, images, known, path=hint.path, line=spot.line, aside=said.aside)


def other_build(hint: Hint, spot: Spot, tool: str, images: Iterable[str], aside: bool = False) -> Iterator[Build]:
    """A build by a tool that reads no Dockerfile: the names that it gives are not those of another build."""
    names = tuple(one for image in images if (one := image_name(image)))
    if names:
        evidence = f"{hint.path}:{spot.line}: {spot.words}"
        yield Build("", None, "", evidence, names, path=hint.path, line=spot.line, tool=tool, aside=aside)


def inside(folder: str, path: str) -> str | None:
    """A path relative to the root, "" for the root itself.

    One that leads out of it comes back as it is and names no file of ours; None for what is no path of this machine,
    or only known to the run.
    """
    if UNKNOWN in path or "://" in path or path.startswith(("git@", "~", "-")):
        return None
    if path.startswith(TOP):
        folder, path = "", path[len(TOP) :].lstrip("/")
    if path.startswith("/"):
        return None
    joined = posixpath.normpath(posixpath.join(folder, path.replace("\\", "/")))
    return "" if joined == "." else joined


def image_name(text: str) -> str:
    """The name of an image with its tag, `:*` for a tag that only the run knows; "" where the name is not known."""
    text = text.strip().strip("\"'")
    head, slash, tail = text.rpartition("/")
    name, colon, tag = tail.partition(":")
    if UNKNOWN in tag:
        tag = "*"
    whole = head + slash + name + colon + tag
    return whole if _IMAGE.fullmatch(whole) and UNKNOWN not in whole and not whole.endswith((":", "/")) else ""


def fill(text: str, env: Env) -> str:
    """A text with its variables filled in, each that only the run knows replaced by `UNKNOWN`."""
    if "$" not in text and "`" not in text:
        return text
    text = _EXPRESSION.sub(UNKNOWN, text)
    for _ in range(_DEEPEST):
        if len(text) > _LONGEST:
            return UNKNOWN  # variables that double each other would fill the memory
        filled = _VARIABLE.sub(lambda match: _value(match[0], env), text)
        if filled == text:
            break
        text = filled
    return re.sub(r"\$\S*", UNKNOWN, text)


def _value(word: str, env: Env) -> str:
    if word.startswith(("$(", "`")):
        return UNKNOWN
    value = expand(word, env, "\0", None)
    return UNKNOWN if value is None else value


def texts(value: Any, env: Env) -> str | None:
    """A value of a file as a filled text, `UNKNOWN` for one that is no text, None for one that is not there."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return UNKNOWN
    return fill(str(value), env)


def rows(value: Any) -> list[tuple[str, Any]]:
    """Build arguments as they are written, as a map or as a list of `name=value`; in a list only those with a value."""
    if isinstance(value, dict):
        return [(str(name), one) for name, one in value.items()]
    words = [str(one).partition("=") for one in value if isinstance(one, str)] if isinstance(value, list) else []
    return [(name, rest) for name, eq, rest in words if eq]


def pairs(value: Any, env: Env) -> tuple[tuple[str, str], ...]:
    """Build arguments with their variables filled in; those without a value come from the run."""
    return tuple((name, filled) for name, one in rows(value) if (filled := texts(one, env)) is not None)
