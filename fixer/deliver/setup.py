"""What `fixer init` writes into a repository: its settings, the hook of pre-commit, and the job of its CI.

Nothing is ever written over: a file that is there is left, or gets one entry more, byte for byte in its own style.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fixer import config as configuration
from fixer.deliver.journal import top_of
from fixer.deliver.write import write
from fixer.errors import FixerError, Unreadable, UsageError, plainly
from fixer.model import Ci, EnsureItem, FileChange, SetKey, YamlChange
from fixer.source import SourceFile
from fixer.templates import read_template, render
from fixer.tuples import NamedTuple

HOOKS = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/nonroot-check.yml"
PIPELINE = ".gitlab-ci.yml"
_JOB = "fixer-check"
# Whoever has one of these words in a file has set it up already, in whatever way.
_SET_UP = ("nonroot-fixer", "fixer-check", "fixer-fix", "fixer check", "fixer fix")
_NEW = 0o644


class Part(NamedTuple):
    """One thing that is set up: its change, or the sentence that says why there is none.

    `left` tells that a person has to do it; `new` that the file was not there.
    """

    path: str
    change: FileChange | None = None
    new: bool = False
    why: str = ""
    left: bool = False


def parts(folder: Path, version: str, ci: Ci = Ci.AUTO, hook: bool = True) -> tuple[Part, ...]:
    """What would be set up in the repository of a folder (or in the folder, outside of one).

    The hook and the job are those of this `version` of the program.

    Raises:
        UsageError: when there is no such folder.
    """
    if not os.path.isdir(folder):
        what = "is no folder" if os.path.lexists(folder) else "no such folder"
        raise UsageError(f"{folder}: {what}; name the folder of a repository")
    top = top_of(folder)
    found = [_settings(folder, top)]
    if hook:
        found.append(_hook(top, version))
    return (*found, *_jobs(top, ci, version))


def carry_out(some: tuple[Part, ...]) -> tuple[str, ...]:
    """Write what was shown; the paths that were written.

    Raises:
        FixerError: when one cannot be written; it names those that were.
    """
    done: list[str] = []
    for part in some:
        if part.change is None:
            continue
        try:
            _write(part.change, part.new)
        except FixerError as error:
            before = f"; written before it: {', '.join(done)}" if done else ""
            raise FixerError(f"{error}{before}") from None
        done.append(part.path)
    return tuple(done)


def _write(change: FileChange, new: bool) -> None:
    file = Path(change.root, change.path)
    if not new:
        write(file, change)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Not over what came meanwhile, and through no link.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _NEW)
        with os.fdopen(handle, "wb") as out:
            out.write(change.after)
    except OSError as error:
        raise FixerError(f"{change.path}: cannot be written ({plainly(error)}); check the folder") from None


# --- each part --------------------------------------------------------------------------------------------------------


def _settings(folder: Path, top: Path) -> Part:
    found = configuration.find(folder)
    if found is not None:
        return Part(configuration.FILE, why=f"{os.path.relpath(found, top)} has settings already")
    return _whole(top, configuration.FILE, read_template("init/fixer.toml"))


def _hook(top: Path, version: str) -> Part:
    text = render("init/pre-commit.yaml.j2", version=version)
    if not os.path.lexists(top / HOOKS):
        return _whole(top, HOOKS, text)
    return _grown(top, HOOKS, text, lambda held, own: EnsureItem(held.number, ("repos",), own["repos"][0]))


def _jobs(top: Path, ci: Ci, version: str) -> Iterator[Part]:
    kinds = _kinds(top) if ci is Ci.AUTO else [ci]
    if Ci.GITHUB in kinds:
        yield _workflow(top, version)
    if Ci.GITLAB in kinds:
        text = render("init/gitlab.yml.j2", version=version)
        there = os.path.lexists(top / PIPELINE)
        yield _grown(top, PIPELINE, text, _job) if there else _whole(top, PIPELINE, text)
    if not kinds:
        yield Part("CI", why="nothing tells which CI the repository has; --ci github or --ci gitlab writes a job")


def _workflow(top: Path, version: str) -> Part:
    folder = top / Path(WORKFLOW).parent
    for file in sorted(folder.glob("*.y*ml")) if not _linked(top, WORKFLOW) else ():
        if file.is_file() and not file.is_symlink() and any(word in _text(file) for word in _SET_UP):
            return Part(WORKFLOW, why=f"{file.relative_to(top).as_posix()} runs fixer already")
    return _whole(top, WORKFLOW, render("init/github.yml.j2", version=version))


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""


def _kinds(top: Path) -> list[Ci]:
    """The CI that a repository has: by its files, else by where it was copied from."""
    kinds = [Ci.GITHUB] if os.path.isdir(top / ".github") else []
    if os.path.lexists(top / PIPELINE):
        kinds.append(Ci.GITLAB)
    return kinds or _by_origin(top)


def _by_origin(top: Path) -> list[Ci]:
    from fixer.deliver.gitremote import origin_of
    from fixer.forge.find import target

    if not os.path.exists(top / ".git"):
        return []
    try:
        kind = target(origin_of(top)).kind
    except FixerError:
        return []
    return [Ci(kind)] if kind in (Ci.GITHUB, Ci.GITLAB) else []


# --- files ------------------------------------------------------------------------------------------------------------


def _linked(top: Path, path: str) -> str:
    """The first part of a path below the top that is a link, "" for none."""
    place = top
    for name in Path(path).parts:
        place /= name
        if place.is_symlink():
            return place.relative_to(top).as_posix()
    return ""


def _whole(top: Path, path: str, text: str) -> Part:
    """A file that is not there yet."""
    link = _linked(top, path)
    if link:
        return Part(path, why=f"{link} is a link, and none is followed; write the file by hand:\n{text}", left=True)
    if os.path.lexists(top / path):
        return Part(path, why=f"{path} is there already")
    return Part(path, FileChange(path, b"", text.encode(), root=str(top)), new=True)


class _Held(NamedTuple):
    """What a file of YAML holds: its last document, and the number of it."""

    value: Any
    number: int


def _grown(top: Path, path: str, text: str, grow: Any) -> Part:
    """A file that is there, with one entry more.

    Args:
        top: the top of the repository.
        path: the file.
        text: what a file with nothing else would be.
        grow: makes the change from what the file holds and from the value of `text`.
    """
    by_hand = f"write this into it by hand:\n{text}"
    file = top / path
    if _linked(top, path):
        return Part(path, why=f"{path} is a link, and none is followed; {by_hand}", left=True)
    try:
        source = SourceFile(path, file.read_bytes())
        if any(word in source.text for word in _SET_UP):
            return Part(path, why=f"{path} runs fixer already")
        after = _with(source, text, grow)
    except OSError as error:
        return Part(path, why=f"{path} cannot be read ({plainly(error)}); {by_hand}", left=True)
    except Unreadable as error:
        return Part(path, why=f"{path}: {error.message}; {by_hand}", left=True)
    return Part(path, FileChange(path, source.data, after.data, root=str(top)))


def _with(source: SourceFile, text: str, grow: Any) -> SourceFile:
    from fixer.prove.yaml import rewrite
    from fixer.syntax.yaml import load_stream

    documents = load_stream(source.text)
    if not documents:  # nothing but comments
        gap = source.newline if source.text and not source.text.endswith("\n") else ""
        return source.with_text(source.text + gap + text.replace("\n", source.newline))
    held = _Held(documents[-1], len(documents) - 1)
    change: YamlChange = grow(held, load_stream(text)[0])
    done = rewrite(source, {"init": [change]})
    for refusal in done.refused.values():
        raise Unreadable(refusal.code, refusal.message)
    return done.after


def _job(held: _Held, own: Any) -> YamlChange:
    """The job of GitLab in a file that has others, in a stage that is there."""
    job = own[_JOB]
    value = held.value if isinstance(held.value, dict) else {}
    stages = value.get("stages")
    # Without a stage it is that of tests; what is included may have others. The first one of all is always there.
    if "test" not in stages if isinstance(stages, list) else "include" in value:
        job = {"stage": ".pre", **job}
    if "workflow" in value:  # which says for what there are pipelines; without a rule the job skips merge requests
        job = {**job, "rules": [{"when": "on_success"}]}
    return SetKey(held.number, (), _JOB, job)
