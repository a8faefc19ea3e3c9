"""The manifests of the corpus with the goal `hardened`: fixed twice, and held to the checks of other scanners.

Most images of the corpus are known to nobody, and their pods stay as they are. So that there is enough to hold, the
configuration says of each of them that it works as 10001:10001 and writes /tmp alone.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixer import app
from fixer.config import Config, ImageConfig
from fixer.discover import is_manifest
from fixer.model import FileChange, Goal, Severity, Status
from fixer.source import SourceFile
from fixer.syntax.yaml import load_stream
from fixer.understand.workloads import mapping, pod_templates, sequence
from tests.corpus.conftest import Run, judged, only
from tests.rigs import judge

DECLARED = ImageConfig(user="10001:10001", writable=("/tmp",))
# What a pod has to pass about which nothing is left to say.
CHECKS = {f"KSV-{n:04d}" for n in (1, 3, 12, 14, 17, 20, 21, 30, 104, 105, 106)}
CHECKS |= {f"CKV_K8S_{n}" for n in (16, 20, 22, 23, 28, 29, 30, 31, 37, 38, 40)}


@pytest.fixture(scope="module")
def hardened_run(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give what came of the manifests, whose images are declared as far as nobody knows a user of them."""
    folder = tmp_path_factory.mktemp("hardened") / "corpus"
    shutil.copytree(shared / "corpus", folder, symlinks=True)
    told = app.check(folder, config=Config(goal=Goal.HARDENED)).findings
    unknown = {f.refusal.about for f in told if f.rule == "KS001" and f.refusal is not None and f.refusal.about}
    config = Config(goal=Goal.HARDENED, images=dict.fromkeys(sorted(unknown), DECLARED))
    first = app.write_changes(app.fix(folder, config=config))
    second = app.fix(folder, config=config)
    return Run(folder, only(first, "manifest"), only(second, "manifest"), {c.path: c.before for c in first.changes})


def test_the_figures(hardened_run: Run) -> None:
    """`-rP` shows them."""
    findings = hardened_run.first.findings
    counts = Counter((f.rule, f.status.value, f.refusal.code if f.refusal else "") for f in findings)
    print(f"{len(hardened_run.first.changes)} files changed, {len(clean(hardened_run))} with nothing left")  # noqa: T201
    for (rule, status, why), number in sorted(counts.items()):
        print(f"  {rule} {status} {why}: {number}")  # noqa: T201
    assert len(hardened_run.first.changes) > 400
    assert not any(f.refusal is not None and f.refusal.code == "after-condition" for f in findings)


def test_a_second_run_changes_nothing(hardened_run: Run) -> None:
    assert [c.path for c in hardened_run.second.changes] == []
    assert [f for f in hardened_run.second.findings if f.status is Status.FIXED] == []


def test_what_is_called_fixed_is_gone(hardened_run: Run) -> None:
    told = {(f.path, f.rule, f.message) for f in hardened_run.first.findings if f.status is Status.REFUSED}
    for finding in hardened_run.second.findings:
        assert (finding.path, finding.rule, finding.message) in told, finding


def test_another_reader_finds_pods_that_kubernetes_takes(hardened_run: Run) -> None:
    """The result parses; no two volumes have one name, no two mounts one place, and what is mounted is there."""
    mounted = 0
    for change in hardened_run.first.changes:
        before, after = (load_stream(SourceFile(change.path, data).text) for data in (change.before, change.after))
        for old, new in zip(before, after, strict=True):
            for was, pod in zip(pod_templates(old), pod_templates(new), strict=True):
                old_volumes, volumes = (names(sequence(one.spec.get("volumes"))) for one in (was, pod))
                made = volumes[len(old_volumes) :]
                mounted += len(made)
                assert old_volumes == volumes[: len(old_volumes)], change.path
                assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) for name in made), change.path
                assert len({*made, *old_volumes}) == len(made) + len(set(old_volumes)), change.path
                for had, container in zip(was.containers, pod.containers, strict=True):
                    mounts = sequence(container.value.get("volumeMounts"))
                    fresh = mounts[len(sequence(had.value.get("volumeMounts"))) :]
                    assert set(names(fresh)) <= set(made), change.path
                    paths = [mapping(one).get("mountPath") for one in mounts]
                    assert all(paths.count(one["mountPath"]) == 1 for one in fresh), change.path
    print(f"{mounted} volumes made")  # noqa: T201
    assert mounted > 300


def names(rows: list[Any]) -> list[str]:
    return [str(mapping(row).get("name")) for row in rows]


def test_nothing_left_means_that_scanners_find_nothing(
    judges: Callable[..., judge.Verdict], hardened_run: Run, tmp_path: Path
) -> None:
    changes = clean(hardened_run)
    found = judged(judges, changes, "pod.yaml", tmp_path)
    before, after = failing(found.before), failing(found.after)
    print(f"failed before: {len(before)} of {found.asked_before}, after: {len(after)} of {len(changes)}")  # noqa: T201
    checks = Counter(check for some in before.values() for check in some)
    print(f"  before: {dict(sorted(checks.items()))}")  # noqa: T201
    assert len(changes) > 100
    assert len(before) > found.asked_before * 0.9
    assert {found.names[path]: some for path, some in after.items()} == {}


def clean(run: Run) -> list[FileChange]:
    """The files that were changed and of which nothing is left to say, by whatever rule."""
    left = {f.path for f in run.second.findings if f.severity > Severity.INFO} | {s.path for s in run.second.skipped}
    return [c for c in run.first.changes if c.path not in left and is_manifest(c.path)]


def failing(verdict: judge.Verdict) -> dict[Path, set[str]]:
    """The checks of this test that fail, by file."""
    rows = {path: {one for ids in tools.values() for one in ids} & CHECKS for path, tools in verdict.files.items()}
    for path, found in rows.items():
        # checkov looks for the profile of a ReplicationController in the annotations of old alone
        if b"ReplicationController" in path.read_bytes():
            found.discard("CKV_K8S_31")
    return {path: found for path, found in rows.items() if found}
