"""What the steps of a build put into the working directory as root, and the step in which it changes hands.

That is the step that puts it there: a later one would copy all of it into a layer of its own. What would be copied a
second time all the same, or stands in a step that cannot be continued, stays with root and is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from posixpath import basename, dirname

from fixer.lazy import regex
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.shell import Word
from fixer.tuples import NamedTuple
from fixer.understand.bringing import Kind, brought
from fixer.understand.gitowner import asked, with_repository
from fixer.understand.image import OWNERS, Image, holds, script_of
from fixer.understand.making import SYSTEM, below
from fixer.understand.places import Step, container_path, mounts, script_end, steps
from fixer.understand.process import Running
from fixer.understand.stages import Stage, join

# What a program in the working directory is started by: a path, or a file of a kind that is started.
_STARTED = regex(r"(?!-)(?![a-z]+://)(?:\S*/\S+|\S+\.(?:jar|war|py|js|mjs|rb|php|pl|dll|sh))")
# A step that works elsewhere and brings something here has one of these words, or the name of the folder.
_FROM_ELSEWHERE = ("$", "tar", "unzip", "git", "cp", "mv", "rsync")
_REMOVES = frozenset({"rm", "rmdir", "mv"})


class Filled(NamedTuple):
    """What one step puts at `path`: a folder with all below it, or a single file.

    `item` is the step in which it changes hands, None where that has to wait for a later one; `sure` is False when the
    folder may not be there.
    """

    path: str
    folder: bool
    why: str
    item: Instruction | None
    sure: bool = True


class Filling(NamedTuple):
    """What changes hands where it is put, and sentences about what stays with root."""

    handed: tuple[Filled, ...] = ()
    left: tuple[str, ...] = ()


class _Put(NamedTuple):
    """What one step puts somewhere; `start` is the place of the command in the script."""

    stage: Stage
    item: Instruction
    path: str
    kind: Kind
    file: bool
    sure: bool
    packages: str
    name: str
    start: int

    @property
    def why(self) -> str:
        return f"line {self.item.line}: {self.name} {self.kind.value} it"


def filling(running: Running, owners: frozenset[str]) -> Filling:
    """What becomes of what the steps of an image put into its working directory.

    Args:
        running: the process and its image.
        owners: names and number of the user that the image will run as; what a step gives it is settled.
    """
    image = running.image
    here = image.workdir
    if not here or here == "/" or not image.stage.sets_workdir or below(here, "/root"):
        return Filling()
    puts = [put for put in _puts(running, here) if not _given_away(image, put, owners) and not _gone(image, put)]
    return _Sorter(here).sort(puts, _read(image, here, puts))


def _read(image: Image, here: str, puts: list[_Put]) -> _Put | None:
    """The last step in which git reads the working directory, when something before it would have changed hands."""
    item = asked(image, here, -1)
    if item is None:
        return None
    early = [put.item for put in puts]
    early += [one.item for one in image.all_copies if one.destination == here and with_repository(image, one)]
    if all(one.index >= item.index for one in early):
        return None
    return _Put(
        image.stage_of(item),
        item,
        here,
        Kind.READ,
        False,
        True,
        "",
        "git, which refuses the folder of another user,",
        0,
    )


class _Sorter:
    """Decides about each put, in order."""

    def __init__(self, here: str) -> None:
        self.here = here
        self.handed: list[Filled] = []
        self.left: list[str] = []
        self.packages: dict[str, Instruction] = {}

    def sort(self, puts: list[_Put], read: _Put | None) -> Filling:
        # what a program of the project made, it may want to write wherever it is: all goes, behind the last of them
        last = next((put for put in reversed(puts) if put.kind is Kind.RUN and put.path), None)
        if read is not None and (last is None or read.item.index > last.item.index):
            last = read  # git refuses a folder of another user
        if last is not None and self.here not in SYSTEM:
            item = last.item if _can_go(last, self.here) else None
            self.handed.append(Filled(self.here, True, last.why, item))
            puts = [put for put in puts if put.item.index > last.item.index]
        if any(one.item is None for one in self.handed):
            puts = []  # all goes, whoever put it there
        for put in sorted(puts, key=lambda put: (put.item.index, put.kind is Kind.UNKNOWN, not put.sure)):
            if not self._covered(put):
                self._decide(put)
        return Filling(tuple(self.handed), tuple(dict.fromkeys(self.left)))

    def _covered(self, put: _Put) -> bool:
        """Whether the same step hands it over already, with the folder around it."""
        return any(one.item is put.item and one.folder and below(put.path, one.path) for one in self.handed)

    def _decide(self, put: _Put) -> None:
        own = f"{put.name} of line {put.item.line}"
        if put.kind is Kind.UNKNOWN or not put.path:
            self.left.append(f"what {own} leaves in {put.path or self.here} is not known, and stays with root")
            return
        path, sure, packages = put.path, put.sure, join(put.path, put.packages)
        if put.packages and (path in SYSTEM or self._again(put, path)):
            path, sure = packages, False
        first = self.packages.setdefault(packages, put.item) if put.packages else put.item
        if first is not put.item or self._again(put, path) or path in SYSTEM or not _can_go(put, path):
            self.left.append(f"what {own} {put.kind.value} in {path} stays with root")
            return
        self.handed = [one for one in self.handed if one.item is not put.item or not below(one.path, path)]
        self.handed.append(Filled(path, not put.file, put.why, put.item, sure))

    def _again(self, put: _Put, path: str) -> bool:
        """Whether handing a folder over would copy what an earlier step has handed over already."""
        if put.file:
            return False
        return any(one.folder and one.item is not put.item and below(one.path, path) for one in self.handed)


def _can_go(put: _Put, path: str) -> bool:
    """Whether the step can be continued with a chown of this path."""
    return script_end(put.item) is not None and not any(
        below(mount, path) or below(path, mount) for mount in mounts(put.stage, put.item)
    )


def _puts(running: Running, here: str) -> Iterator[_Put]:
    """What all steps of root put at or below the working directory, in order."""
    image = running.image
    words = (basename(here), *_FROM_ELSEWHERE)
    there = False
    for stage in image.stage.chain:
        for item in stage.body:
            if item.keyword == "RUN" and image.user_at(item).root is not False:
                if not below(stage.workdir(item) or "/", here) and not holds(item.logical, words):
                    continue
                found = list(_of_step(running, item, here, there))
                yield from found
                there = there or any(below(put.path, here) for put in found) or _makes(image, item, here)
            elif item.keyword == "WORKDIR":
                there = there or below(stage.workdir(item) or "/", here)
            elif item.keyword in ("COPY", "ADD"):
                there = there or any(c.item is item and below(c.destination or "/", here) for c in image.all_copies)


def _makes(image: Image, item: Instruction, here: str) -> bool:
    return "mkdir" in item.logical and any(
        step.command.name == "mkdir" and any(below(p, here) for p in step.places()) for step in steps(image, item)
    )


def _of_step(running: Running, item: Instruction, here: str, there: bool) -> Iterator[_Put]:
    """What one RUN puts there and does not take away again."""
    every = steps(running.image, item)
    for n, step in enumerate(every):
        for one in brought(step, here):
            path, sure = one.path, True
            if not below(path, here):
                if there or not _started_in(running, here):
                    continue
                # nothing else can have put there what is started from it
                linked = any(s.command.name == "ln" and here in s.places() for s in every)
                path, sure = "" if linked else here, False
            elif path != here and (step.command.conditional or _may_fail(step)):
                path = here if there else ""
            file = one.file and path == one.path
            if not path or not any(_takes_away(later, path, file) for later in every[n + 1 :]):
                name, start = step.command.name, step.command.start
                yield _Put(step.stage, item, path, one.kind, file, sure, one.packages, name, start)


def _may_fail(step: Step) -> bool:
    """Whether the script goes on when the command fails."""
    return re.match(r"[\s\\)}]*\|\|", script_of(step.item)[step.command.end :]) is not None


def _takes_away(step: Step, path: str, file: bool) -> bool:
    """Whether a command removes or moves a path, or may do so with a pattern."""
    if step.command.name == "find":
        return file and any(word.text == "-delete" for word in step.command.args)
    if step.command.name not in _REMOVES:
        return False
    words = step.command.args[:-1] if step.command.name == "mv" else step.command.args
    return any(_names(step, word, path, file) for word in words if not word.text.startswith("-"))


def _names(step: Step, word: Word, path: str, file: bool) -> bool:
    """Whether a word means a path or a folder around it; a word that only the build knows may mean any file."""
    text = step.values.shown(word)
    if not re.search(r"[*?\[]", text):
        place = step.place(word)
        return below(path, place) if place else file
    folder = step.place(word._replace(text=dirname(text) or ("/" if text.startswith("/") else "."), literal=True))
    return folder != "" and fnmatchcase(path, join(folder, basename(text)))


def _gone(image: Image, put: _Put) -> bool:
    """Whether a later step of the build takes a file away again."""
    later = (item for item in image.runs if item.index > put.item.index) if put.file else ()
    return any(_takes_away(step, put.path, True) for item in later for step in steps(image, item))


def _started_in(running: Running, here: str) -> bool:
    """Whether the process is started from a file that must lie in its working directory."""
    for _, words in running.commands:
        for word in words:
            if word and _STARTED.fullmatch(word) and below(join(here, word), here):
                return True
    return False


def _given_away(image: Image, put: _Put, owners: frozenset[str]) -> bool:
    """Whether a later command of the file gives it to the user, with all below it."""
    for item in image.runs_about(OWNERS):
        stage = image.stage_of(item)
        for chown in image.shell(item).chowns if item.index >= put.item.index else ():
            if item is put.item and chown.command.start < put.start:
                continue
            words = [word.removesuffix("/*") for word in chown.paths]
            paths = [container_path(word, chown.command, stage, item) for word in words]
            mine = (stage.expand(chown.owner, item) or chown.owner) in owners and (chown.recursive or put.file)
            if mine and put.path and any(path and below(put.path, path) for path in paths):
                return True
    return False
