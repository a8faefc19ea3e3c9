"""One run over a copy of the corpus, with `--write`, for all tests that look at what came of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import pytest

from fixer import app, parallel
from fixer.config import Config
from fixer.discover import is_compose, is_manifest
from fixer.model import FileChange, Result
from tests.engine.properties import check_rounds, recorded
from tests.rigs import judge

CONFIG = Config()


@dataclass
class Run:
    """A run over a copy of the corpus, with `--write`, and a second one over what it left."""

    folder: Path
    first: Result
    second: Result
    before: dict[str, bytes]


@pytest.fixture(scope="session")
def whole_run(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("corpus") / "corpus"
    shutil.copytree(shared / "corpus", folder, symlinks=True)
    # all in this process, so that every round is seen
    with recorded() as rounds, mock.patch.object(parallel, "WORTH_IT", 10**9):
        result = app.fix(folder, config=CONFIG)
    assert len(rounds) > 900
    check_rounds(rounds)
    before = {c.path: c.before for c in result.changes}
    modes = {c.path: os.stat(folder / c.path).st_mode for c in result.changes}
    first = app.write_changes(result)
    assert {p: os.stat(folder / p).st_mode for p in modes} == modes
    return Run(folder, first, app.fix(folder, config=CONFIG), before)


@pytest.fixture(scope="session")
def corpus_run(whole_run: Run) -> Run:
    """Give what came of the Dockerfiles."""
    return part(whole_run, "Dockerfile")


@pytest.fixture(scope="session")
def manifest_run(whole_run: Run) -> Run:
    """Give what came of the manifests."""
    return part(whole_run, "manifest")


@pytest.fixture(scope="session")
def compose_run(whole_run: Run) -> Run:
    """Give what came of the files of Compose."""
    return part(whole_run, "Compose")


def part(run: Run, kind: str) -> Run:
    return replace(run, first=only(run.first, kind), second=only(run.second, kind))


def only(result: Result, kind: str) -> Result:
    """Give the part of a result that is about files of one kind."""
    services = {f.path for f in result.findings if f.rule.startswith("CS")}

    def belongs(path: str) -> bool:
        if is_compose(path) or path in services:  # some are files of Compose by what they hold
            return kind == "Compose"
        return kind == ("manifest" if is_manifest(path) else "Dockerfile")

    return result._replace(
        findings=tuple(f for f in result.findings if belongs(f.path)),
        skipped=tuple(s for s in result.skipped if belongs(s.path)),
        changes=tuple(c for c in result.changes if belongs(c.path)),
    )


@dataclass
class Judged:
    """What independent scanners say of changed files: of some of them as they were, and of all as they are."""

    asked_before: int
    before: judge.Verdict
    after: judge.Verdict
    names: dict[Path, str]


def judged(judges: Callable[..., judge.Verdict], changes: Sequence[FileChange], name: str, folder: Path) -> Judged:
    """Ask the scanners about changed files, each in a folder of its own under one name.

    That files failed before shows that the scanners can see it, for which every fourth is enough.
    """
    names: dict[Path, str] = {}
    earlier = changes[::4]
    for kind, some in (("before", earlier), ("after", changes)):
        for n, change in enumerate(some):
            file = folder / kind / str(n) / name
            file.parent.mkdir(parents=True)
            file.write_bytes(change.before if kind == "before" else change.after)
            names[file.resolve()] = change.path
    return Judged(len(earlier), judges(folder / "before"), judges(folder / "after"), names)
