"""Folders and files that a build makes and leaves in the image, in the order in which it makes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from posixpath import basename

from fixer.lazy import kept, regex
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.shell import Command
from fixer.tuples import NamedTuple
from fixer.understand.image import INSTALL, INSTALL_OPTIONS, Image, holds
from fixer.understand.places import container_path, mounts
from fixer.understand.shellroot import absolute
from fixer.understand.stages import Stage

# Handing one of these over gives away more than the application needs.
SYSTEM = frozenset(
    "/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /media /mnt /opt /proc /root /sbin /srv /sys"
    " /usr /usr/bin /usr/include /usr/lib /usr/lib64 /usr/libexec /usr/local /usr/local/bin /usr/local/etc"
    " /usr/local/lib /usr/local/sbin /usr/local/share /usr/local/src /usr/sbin /usr/share /usr/src /var"
    " /var/cache /var/lib /var/log /var/spool /go /go/src /go/bin".split()
)
# A folder made here is code, configuration or a step of the build, not data.
_NOT_DATA = tuple("/etc /usr /opt /bin /sbin /lib /lib64 /root /build /src /go /boot /gopath".split())
_TEMPORARY = ("/tmp", "/var/tmp")
_DATA_FILE = regex(r".*\.(?:log|db|sqlite3?|pid|sock|lock|dat|rdb|json\.lock)|.*state.*")
_DATA_PLACES = ("/var/log", "/var/lib", "/var/cache", "/var/spool", "/run", "/var/run")
_ARCHIVE = regex(r".*\.(?:tar|tar\.(?:gz|bz2|xz|zst)|tgz|tbz2?|txz)", re.IGNORECASE)
# What a step that makes a folder or a file is known by, with the words behind it; and one that may take it away again.
# The second pattern is the slow one, for words that stand in few steps.
_MAKES = regex(r"mkdir([^;&|\n)]*)|touch([^;&|\n)]*)|>>?(?!\s*(?:/dev/|&))\s*([^\s;&|)]*)")
_MAKES_TOO = regex(rf"\b(?:tee|truncate|dd|install\s+-(?:{'|'.join(INSTALL_OPTIONS)}))([^;&|\n)]*)")
_WORDS = ("mkdir", ">", "touch")
_RARE_WORDS = ("tee ", "truncate ", "dd ", *INSTALL)
_TAKES = regex(r"\brm\b|rmdir|\bmv\b")
_VARIABLE = regex(r"\$\{?(\w+)\}?(?=/|$)")
_PLAIN_PATH = regex(r"/[\w./+-]*")
_WHOLE = frozenset({"redirect", "tee", "truncate", "dd"})


class Made(NamedTuple):
    """A folder or file that the build leaves behind.

    `why` says how it comes about; `recursive` tells that what lies below it was made with it; `sure` is False when a
    condition in the script decides.
    """

    path: str
    why: str
    item: Instruction
    recursive: bool
    sure: bool
    file: bool = False


def below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    stem = folder.rstrip("/")
    return path.startswith(stem) and (path == folder or path.startswith(f"{stem}/"))  # most fail at once


def is_data(path: str, workdir: str | None) -> bool:
    """Whether a folder that a build makes is one for the data of the application."""
    if path in SYSTEM:
        return False
    if workdir and workdir not in SYSTEM and below(path, workdir):
        return True
    return not any(below(path, folder) for folder in _NOT_DATA)


@kept
def made(image: Image) -> tuple[Made, ...]:
    """What the build makes for data and does not take away again, each path once, by its first mention."""
    found: dict[str, Made] = {}
    here = image.workdir
    for stage in image.stage.chain:
        for item in stage.body:
            if item.keyword == "WORKDIR":
                path = stage.workdir(item)
                if path and path != here and is_data(path, here) and not _temporary(path):
                    found.setdefault(path, Made(path, f"line {item.line}: WORKDIR makes it", item, False, True))
            elif item.keyword == "RUN":
                _run(image, stage, item, found)
    out = (*found.values(), *_unpacked(image))
    return tuple(one for one in out if is_data(one.path, here))


def _may_make(stage: Stage, item: Instruction, workdir: str | None) -> bool:
    """Whether a step may make something for data: not where all that it makes is written out and surely is not."""
    return any(not _surely_no_data(stage, item, word, workdir) for word in _named(item.logical))


@lru_cache(maxsize=64)  # asked twice for the steps of one image
def _named(text: str) -> tuple[str, ...]:
    """The words behind what makes folders and files."""
    found = [*_MAKES.finditer(text)] if holds(text, _WORDS) else []
    if holds(text, _RARE_WORDS):
        found += _MAKES_TOO.finditer(text)
    return tuple([word for match in found for word in (match[match.lastindex or 0] or "?").split()])


def _surely_no_data(stage: Stage, item: Instruction, word: str, workdir: str | None) -> bool:
    if word.startswith("-"):
        return True
    word = word.strip("\"'")
    variable = _VARIABLE.match(word)
    if variable is not None and f"{variable[1]}=" not in item.logical:
        word = stage.expand(word, item) or ""
    return _PLAIN_PATH.fullmatch(word) is not None and ".." not in word and not is_data(word, workdir)


def _temporary(path: str) -> bool:
    return any(below(path, folder) for folder in _TEMPORARY)


def _run(image: Image, stage: Stage, item: Instruction, found: dict[str, Made]) -> None:
    """What one RUN makes and takes away, in the order of its commands."""
    if not (found and _TAKES.search(item.logical)) and not item.heredocs and not _may_make(stage, item, image.workdir):
        return
    shell = image.shell(item)
    events: list[tuple[int, str, Command, tuple[str, ...]]] = []
    events += [(one.command.start, "mkdir", one.command, one.paths) for one in shell.mkdirs]
    events += [(one.command.start, "touch", one.command, one.paths) for one in shell.touches]
    events += [(one.command.start, "rm", one.command, one.paths) for one in shell.removes]
    events += [(one.command.start, one.how, one.command, (one.path,)) for one in shell.writes if one.how in _WHOLE]
    events += [(c.start, "rm", c, tuple(w.text for w in c.args[:-1])) for c in shell.commands if c.name == "mv"]
    entered = {absolute(c.cwd, None, stage.workdir(item)) for c in shell.commands if c.cwd}
    foreign = tuple(mounts(stage, item))
    for _, how, command, words in sorted(events, key=lambda event: event[0]):
        for word in words:
            if how == "rm":
                _remove(word, command, stage, item, found)
                continue
            path = container_path(word, command, stage, item)
            if path is None and how == "mkdir":
                _partly_known(word, command, stage, item, found)
            if path is not None and any(below(path, mount) for mount in foreign):
                continue  # what a mount holds is not in the image
            if path is None or (_temporary(path) and (path in entered or path in _TEMPORARY)):
                continue
            sure = not (command.conditional or command.substitution)
            if how == "mkdir":
                why = f"line {item.line}: the build makes this folder"
                found.setdefault(path, Made(path, why, item, not _temporary(path), sure))
                top = "/" + path.split("/")[1]
                if top not in SYSTEM and is_data(top, image.workdir):
                    found.setdefault(top, Made(top, why, item, False, sure))
            elif sure and not _temporary(path) and _is_data_file(path, how, image.workdir):
                why = f"line {item.line}: the build makes this file"
                found.setdefault(path, Made(path, why, item, False, True, True))


def _partly_known(word: str, command: Command, stage: Stage, item: Instruction, found: dict[str, Made]) -> None:
    """For `mkdir /data/$name`, what is known of it: the folder in which those folders are."""
    known = re.split(r"[$`{]", word, maxsplit=1)[0].rpartition("/")[0]
    path = container_path(known, command, stage, item) if known else None
    foreign = path is None or any(below(path, mount) for mount in mounts(stage, item))
    if path is not None and path not in SYSTEM and not _temporary(path) and not foreign:
        why = f"line {item.line}: the build makes folders in it"
        found.setdefault(path, Made(path, why, item, True, False))


def unknown_folders(image: Image) -> Instruction | None:
    """The first RUN that makes a folder whose place only the build knows, outside of what is handed over anyway."""
    known = [one.path for one in made(image) if one.recursive]
    for stage in image.stage.chain:
        for item in stage.of("RUN"):
            if not item.heredocs and not (holds(item.logical, ("mkdir", *INSTALL)) and _may_make(stage, item, None)):
                continue
            for one in image.shell(item).mkdirs:
                for word in one.paths:
                    if container_path(word, one.command, stage, item) is not None:
                        continue
                    start = re.split(r"[$`{]", word, maxsplit=1)[0]
                    fixed = start.rstrip("/") or "/"
                    if not start or not any(below(fixed, f) for f in (*_NOT_DATA, *_TEMPORARY, *known)):
                        return item
    return None


def _remove(word: str, command: Command, stage: Stage, item: Instruction, found: dict[str, Made]) -> None:
    """Forget what a command takes away; a pattern takes away all below its folder."""
    pattern = re.search(r"[*?\[{]", word)
    plain = word[: pattern.start()].rpartition("/")[0] if pattern else word
    path = container_path(plain or ("/" if word.startswith("/") else "."), command, stage, item)
    if path is None:
        return
    for name in [n for n in found if below(n, path) and not (pattern and n == path)]:
        if command.conditional and not found[name].file:
            found[name] = found[name]._replace(sure=False)
        else:
            del found[name]


def _is_data_file(path: str, how: str, workdir: str | None) -> bool:
    if path in SYSTEM or below(path, "/home") or not is_data(path, workdir):
        return False
    if workdir and workdir not in SYSTEM and below(path, workdir):
        return True
    places = any(below(path, place) for place in _DATA_PLACES)
    return how == "touch" or places or is_data_file(path)


def is_data_file(path: str) -> bool:
    """Whether the name of a file says that programs write it: `shop.db`, `shop.pid`."""
    return _DATA_FILE.fullmatch(basename(path)) is not None


def _unpacked(image: Image) -> Iterator[Made]:
    """Where ADD unpacks archives: what comes out keeps the owner that it has in the archive, whatever --chown says."""
    for copy in image.all_copies:
        if copy.item.keyword != "ADD" or copy.destination is None:
            continue
        if any(_ARCHIVE.fullmatch(source) and "://" not in source for source in copy.sources):
            why = f"line {copy.item.line}: ADD unpacks an archive here"
            yield Made(copy.destination, why, copy.item, True, True)
