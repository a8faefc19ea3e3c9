"""Modes that a build sets and that let everybody write, and how each is closed again."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from fixer.decide import Decision
from fixer.lazy import regex
from fixer.model import Change, Fix, HandOver, Refusal, ReplaceText, Safety, SetFlag, Span
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.shell import Command, Word
from fixer.tuples import NamedTuple
from fixer.understand import shelloptions as options
from fixer.understand.image import Copy
from fixer.understand.making import SYSTEM, below
from fixer.understand.modes import closed, number, world_writable
from fixer.understand.places import command_span, container_path, word_span
from fixer.understand.shellroot import chmod_words
from fixer.understand.stages import Stage, join

_STICKY_PLACES = ("/tmp", "/var/tmp")
_PROGRAMS = regex(r".*/s?bin/[^/]+|.*\.(sh|bash|py|pl|rb|jar|js|php|so)|.*(entrypoint|entry-point)[^/]*")
_GIVE = "give the files to the user of the image with chown"
_RISK = "whoever else wrote here (another user, a volume that somebody else owns) no longer can"


class Opened(NamedTuple):
    """One command or COPY that opens `paths` to everybody; `targets` are their absolute paths, None if unknown."""

    item: Instruction
    at: Instruction | Span
    how: str
    mode: str
    paths: tuple[str, ...]
    targets: tuple[str | None, ...]
    recursive: bool
    place: Span | None


def opened(decision: Decision, stage: Stage, item: Instruction) -> Iterator[Opened]:
    """What one instruction opens to everybody."""
    if item.keyword != "RUN":
        flag = item.flag("chmod")
        if flag is not None and flag.value and world_writable(flag.value):
            copy = next(c for c in decision.image.all_copies if c.item is item)
            where = copy.destination or item.words[-1].text
            how = f"{item.keyword} --chmod={flag.value}"
            yield Opened(item, item, how, flag.value, (where,), _copied(copy), True, flag.span)
        return
    facts = decision.image.shell(item)
    gone = {path for removed in facts.removes for path in removed.paths}
    for command in facts.commands:
        mode, paths, recursive = _read(command)
        if mode is None or not (_no_mask(mode) if command.name == "umask" else world_writable(mode.text)):
            continue
        how = f"{command.name} {'-m ' if command.name in ('mkdir', 'install') else ''}{mode.text}"
        targets = tuple(container_path(word.text, command, stage, item) for word in paths)
        shown = tuple(word.text for word in paths)
        if shown and gone.issuperset(shown):
            continue
        at, place = command_span(item, command), word_span(item, mode)
        yield Opened(item, at, how, mode.text, shown, targets, recursive, place)


def _copied(copy: Copy) -> tuple[str | None, ...]:
    """What a COPY makes: the destination, or in a folder each source under its own name."""
    if copy.destination is None or not copy.is_folder:
        return (copy.destination,)
    return tuple(join(copy.destination, posixpath.basename(source.rstrip("/"))) for source in copy.sources)


def _read(command: Command) -> tuple[Word | None, list[Word], bool]:
    """The mode that a command sets, on which paths, and whether on all below."""
    if command.name == "chmod":
        recursive, mode, paths = chmod_words(command)
        return mode, paths, recursive
    if command.name in ("mkdir", "install"):
        found = options.read(command.args, options.MKDIR if command.name == "mkdir" else options.INSTALL)
        every = command.name == "mkdir" or "directory" in found.flags
        return found.values.get("mode"), found.positional if every else found.positional[-1:], False
    if command.name == "umask" and len(command.args) == 1:
        return command.args[0], [], False
    return None, [], False


def _no_mask(mode: Word) -> bool:
    value = number(mode.text)
    return value is not None and not value & 0o002


def closing(decision: Decision, found: Opened, stays: Refusal | None) -> Fix | Refusal:
    """How to take the write access of others away without taking it from the program.

    Args:
        decision: the image.
        found: what is open.
        stays: why nothing can be handed over to the user of the image, or None.
    """
    mode = closed(found.mode)
    if not found.paths or mode is None:
        return Refusal("unclear-mode", f"take the write access of others away here, and {_GIVE}")
    if found.place is None:
        return Refusal("no-place", f"this form is not edited; write mode {mode} here, and {_GIVE}")
    if all(path in _STICKY_PLACES for path in found.targets) and number(found.mode) == 0o777:
        return _fix(found, "1777", "the folder gets the sticky bit", Safety.SAFE, ())
    if all(_started(decision, path) for path in found.targets):
        return _fix(found, mode, f"mode {mode}", Safety.REVIEW, ())
    if decision.identity is None:
        remedy = f"who the image runs as is not known; write mode {mode} here, and chown it to that user"
        return Refusal("no-identity", remedy)
    return stays or _handed_over(decision, found, mode)


def _handed_over(decision: Decision, found: Opened, mode: str) -> Fix | Refusal:
    identity, stage = decision.identity, decision.image.stage
    assert identity is not None
    steps: list[Change] = []
    write = f"write mode {mode} here, and chown"
    for path in found.targets:
        if path is None:
            remedy = f"the path is a pattern or only known in the build; {write} it to {identity.owner}"
            return Refusal("path-not-resolved", remedy)
        if path in SYSTEM or below(path, "/etc"):
            remedy = f"{path} belongs to the system; {write} only what the program writes to {identity.owner}"
            return Refusal("system-folder", remedy)
        if found.item.keyword == "RUN" and not _started(decision, path):
            steps.append(HandOver(stage.index, path, identity.owner, found.recursive, False))
    if found.item.keyword != "RUN":
        steps += [] if found.item.flag("chown") else [SetFlag(found.item.index, "chown", identity.owner)]
    elif not decision.is_root and not _has_root_step(decision, found.item):
        remedy = f"no step behind this one runs as root; {write} it to {identity.owner} before USER"
        return Refusal("no-root-step", remedy)
    given = f", and hand it over to {identity.owner}" if steps else ""
    return _fix(found, mode, f"mode {mode}{given}", Safety.REVIEW, tuple(steps))


def _has_root_step(decision: Decision, item: Instruction) -> bool:
    """Whether a RUN before the last USER of the stage itself runs as root, and after this step."""
    own = decision.image.own_user
    return own is not None and own.index > item.index and decision.image.user_at(own).root is True


def _started(decision: Decision, path: str | None) -> bool:
    """Whether a path is a program or a script: it is started, and nobody needs to write it."""
    return path is not None and (bool(_PROGRAMS.fullmatch(path)) or path in decision.running.script_paths)


def _fix(found: Opened, mode: str, title: str, safety: Safety, steps: tuple[Change, ...]) -> Fix:
    assert found.place is not None
    change: Change = ReplaceText(found.place, mode)
    if found.item.keyword != "RUN":
        change = SetFlag(found.item.index, "chmod", mode)
    return Fix(title, safety, "" if safety is Safety.SAFE else _RISK, (change, *steps))
