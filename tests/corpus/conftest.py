"""One run over a copy of the corpus, with `--write`, for all tests that look at what came of it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import pytest

from fixer import app, parallel
from fixer.config import Config
from fixer.discover import is_manifest
from fixer.model import Result
from tests.engine.properties import check_rounds, recorded

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
    return replace(whole_run, first=only(whole_run.first, False), second=only(whole_run.second, False))


@pytest.fixture(scope="session")
def manifest_run(whole_run: Run) -> Run:
    """Give what came of the manifests."""
    return replace(whole_run, first=only(whole_run.first, True), second=only(whole_run.second, True))


def only(result: Result, manifests: bool) -> Result:
    """Give the part of a result that is about manifests, or about everything else."""
    return result._replace(
        findings=tuple(f for f in result.findings if is_manifest(f.path) is manifests),
        skipped=tuple(s for s in result.skipped if is_manifest(s.path) is manifests),
        changes=tuple(c for c in result.changes if is_manifest(c.path) is manifests),
    )
