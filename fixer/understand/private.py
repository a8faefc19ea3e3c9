"""What a COPY brings that only its owner can read or start, and its owner is root unless the COPY says otherwise.

The mode comes with the file: from `--chmod`, from the build context on the disk, from a URL (0600), or from a step of
the stage that it is copied out of. Questions are asked of one path at a time, so that no folder is searched in vain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import basename, join

from fixer.lazy import regex
from fixer.syntax.shell import commands
from fixer.tuples import NamedTuple
from fixer.understand import shelloptions as options
from fixer.understand.image import Copy, Image, script_of
from fixer.understand.making import SYSTEM, below
from fixer.understand.modes import keeps_out, lets_in, number
from fixer.understand.places import Step, steps
from fixer.understand.process import context_paths
from fixer.understand.shellroot import chmod_words

Images = Mapping[int, Image]
_CHANGES_MODES = regex(r"\b(?:chmod|umask|cp|mv|install)\b")
_SCRIPT = regex(r".*\.(?:sh|bash|py|pl|rb|php|js)|.*entry-?point.*")
_FROM_URL = "a file from a URL has mode 600"
_DEPTH = 8  # copies of copies; a file that goes further is not followed
_QUESTIONS = 200  # for one COPY; a file that is copied to and fro has no end
_END = 1 << 60


class Private(NamedTuple):
    """What one COPY brings: its place in the image, why others cannot use it, and whether `--chown` can mend that.

    It cannot where a whole tree goes to a folder of the system.
    """

    copy: Copy
    path: str
    why: str
    mendable: bool


class _Why(NamedTuple):
    """Why something at or below a path is private; `exact` tells that it is the path itself, and a single file."""

    text: str
    exact: bool


def private(image: Image, copy: Copy, images: Images) -> Private | None:
    """What a COPY or ADD brings that only its owner can read or start, or None.

    Args:
        image: the image that it stands in.
        copy: the instruction.
        images: the images of all stages of the file, by index.
    """
    if copy.destination is None:
        return None
    for source in copy.sources:
        found = _Follower(images).brought(image, copy, source, _DEPTH)
        if found is None:
            continue
        inside = copy.is_folder and found.exact
        path = join(copy.destination, basename(source.rstrip("/"))) if inside else copy.destination
        if not _settled(image, copy, path, found):
            mendable = found.exact or copy.destination not in SYSTEM
            return Private(copy, path, f"line {copy.item.line}: {found.text}", mendable)
    return None


def masked(image: Image) -> Iterator[str]:
    """Sentences about steps of an image that make files which only root can read or start, by their umask."""
    for item in image.runs_about(("umask",)):
        words = [step.command.args[0].text for step in steps(image, item) if _shut_mask(step)]
        if words and image.user_at(item).root is not False:
            yield f"line {item.line} makes files under umask {words[0]}, which only root can use"


def _shut_mask(step: Step) -> bool:
    return step.command.name == "umask" and bool(step.command.args) and _shuts(step.command.args[0].text)


def _shuts(mask: str) -> bool:
    """Whether a umask keeps others from reading or starting what is made under it."""
    value = number(mask)
    return value is not None and bool(value & 0o005)


def _settled(image: Image, copy: Copy, path: str, found: _Why) -> bool:
    """Whether a later step of the image lets others in, or has used up what was for the build alone."""
    for item in image.runs:
        after = steps(image, item) if item.index > copy.item.index else ()
        if any(_opens(step, path, found) or _takes_away(step, path) for step in after):
            return True
        if found.text == _FROM_URL and any(_works_with(step, path) for step in after):
            return True
    return False


def _opens(step: Step, path: str, found: _Why) -> bool:
    """Whether a command lets others read a file, or start it where it is no script and need not be read."""
    if step.command.name != "chmod":
        return False
    recursive, mode, words = chmod_words(step.command)
    text = mode.text if mode is not None else ""
    starts = found.text == _FROM_URL and "x" in text and not _SCRIPT.fullmatch(path)
    if not text or not (lets_in(text) or starts):
        return False
    places = [step.place(word) for word in words]
    return (found.exact and path in places) or (recursive and any(place and below(path, place) for place in places))


def _takes_away(step: Step, path: str) -> bool:
    return step.command.name == "rm" and any(below(path, place) for place in step.places())


def _works_with(step: Step, path: str) -> bool:
    """Whether a command works with a file, other than by setting who may use it."""
    return step.command.name not in ("chmod", "chown", "chgrp", "ln") and path in step.places()


class _Follower:
    """Follows one path through the stages of a file."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self.questions = _QUESTIONS

    def brought(self, image: Image, copy: Copy, source: str, depth: int) -> _Why | None:
        """Why what one source of a COPY brings is private."""
        if not depth or not source:
            return None
        flag = copy.item.flag("chmod")
        if flag is not None and flag.value:
            shut = keeps_out(flag.value)
            return _Why(f"--chmod={flag.value} keeps others out", not source.endswith("/")) if shut else None
        if copy.origin:
            elder = self._stage(copy.origin, image)
            return self._left(elder, join("/", source).rstrip("/") or "/", depth - 1) if elder is not None else None
        if "://" in source:
            return _Why(_FROM_URL, True) if copy.item.keyword == "ADD" and ".git" not in source else None
        found = image.context_modes(source)
        return found and _Why(f"{found[0]} has mode {found[1]:o} in the build context", found[2])

    def _stage(self, name: str, image: Image) -> Image | None:
        """The image of an earlier stage, by its name or number."""
        for index, other in self.images.items():
            if index < image.stage.index and (name == str(index) or other.stage.name == name.lower()):
                return other
        return None

    def _left(self, image: Image, path: str, depth: int, until: tuple[int, int] = (_END, 0)) -> _Why | None:
        """Why what lies at or below a path is private, when all before a command is done.

        `until` is the index of an instruction and the place of the command in its script.
        """
        found: _Why | None = None
        self.questions -= 1
        for stage in image.stage.chain if depth and self.questions > 0 else ():
            for item in stage.body:
                if item.index > until[0]:
                    return found
                if item.keyword in ("COPY", "ADD"):
                    copy = next(c for c in image.all_copies if c.item is item)
                    found = self._copied(image, copy, path, depth) or found
                elif item.keyword == "RUN" and _CHANGES_MODES.search(item.logical):
                    before = until[1] if item.index == until[0] else _END
                    for step in (s for s in steps(image, item) if s.command.start < before):
                        found = self._after(image, step, path, found, depth)
        return found

    def _copied(self, image: Image, copy: Copy, path: str, depth: int) -> _Why | None:
        """What a COPY of an earlier stage puts at or below a path."""
        wider = copy.destination is not None and copy.destination != path and below(copy.destination, path)
        for source in copy.sources:
            for one in (source,) if wider else context_paths(source, copy, path):
                found = self.brought(image, copy, one, depth - 1)
                if found is not None:
                    return found
        return None

    def _after(self, image: Image, step: Step, path: str, found: _Why | None, depth: int) -> _Why | None:
        """What one command makes of a path."""
        name, line = step.command.name, step.item.line
        if name == "chmod":
            return _chmod(step, path, found)
        if name in ("cp", "mv", "install"):
            for source, target, mode in _moves(step):
                if path not in (target, join(target, basename(source))) and not below(target, path):
                    continue
                if keeps_out(mode):
                    return _Why(f"install -m {mode} of line {line} keeps others out", True)
                if name != "install" and source:
                    found = self._left(image, source, depth - 1, (step.item.index, step.command.start)) or found
        mask = _mask(step) if name != "umask" else ""
        if mask and any(below(place, path) for place in step.places()):
            return _Why(f"it is made under umask {mask} on line {line}", True)
        return found


def _moves(step: Step) -> Iterator[tuple[str, str, str]]:
    """What `cp`, `mv` or `install` brings from where to where, and the mode that it gets."""
    found = options.read(step.command.args, options.INSTALL if step.command.name == "install" else options.COPY)
    words, mode = list(found.positional), found.values.get("mode")
    into = found.values.get("target-directory") or (words.pop() if words else None)
    target = step.place(into) if into is not None else ""
    for word in words if target else ():
        yield step.place(word), target, mode.text if mode is not None else ""


def _mask(step: Step) -> str:
    """The umask in force, when it keeps others out; else an empty string."""
    before = [c for c in commands(script_of(step.item)) if c.name == "umask" and c.start < step.command.start]
    word = before[-1].args[0].text if before and before[-1].args else ""
    return word if _shuts(word) else ""


def _chmod(step: Step, path: str, found: _Why | None) -> _Why | None:
    recursive, mode, words = chmod_words(step.command)
    for word in words if mode is not None else ():
        every = word.text.endswith("/*")
        target = step.place(word._replace(text=word.text.removesuffix("/*")))
        whole = recursive or every
        covers = target == path or (whole and below(path, target))
        if not target or not (covers or below(target, path)):
            continue
        assert mode is not None
        if keeps_out(mode.text):
            found = _Why(f"chmod {mode.text} of line {step.item.line} keeps others out", target == path and not whole)
        elif covers and lets_in(mode.text):
            found = None
    return found
