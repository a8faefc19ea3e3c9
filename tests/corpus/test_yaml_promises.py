"""What holds for every YAML file of the corpus that is fixed, whether it holds manifests or services of Compose."""

from __future__ import annotations

import re

import pytest

from fixer.model import Safety, Severity, Status
from tests.corpus.conftest import Run


@pytest.fixture(params=["manifests", "compose"])
def run(request: pytest.FixtureRequest, manifest_run: Run, compose_run: Run) -> Run:
    """Give what came of the files of each kind."""
    return manifest_run if request.param == "manifests" else compose_run


def test_what_is_written_is_what_was_told(run: Run) -> None:
    for change in run.first.changes:
        assert (run.folder / change.path).read_bytes() == change.after
        assert run.before[change.path] == change.before


def test_a_second_run_changes_nothing(run: Run) -> None:
    assert [c.path for c in run.second.changes] == []
    assert [f for f in run.second.findings if f.status is Status.FIXED] == []


def test_what_is_called_fixed_is_gone(run: Run) -> None:
    told = {(f.path, f.rule, f.message) for f in run.first.findings if f.status is Status.REFUSED}
    for finding in run.second.findings:
        if finding.severity > Severity.INFO:
            assert (finding.path, finding.rule, finding.message) in told, finding


def test_every_finding_is_fixed_or_refused_with_a_reason(run: Run) -> None:
    fixed = {f.path for f in run.first.findings if f.status is Status.FIXED}
    assert fixed == {c.path for c in run.first.changes}
    for finding in run.first.findings:
        if finding.status is Status.FIXED:
            assert finding.fix is not None
            assert finding.fix.safety is Safety.SAFE or finding.fix.risk
        else:
            assert finding.refusal is not None
            assert re.fullmatch(r"[a-z][a-z0-9-]+", finding.refusal.code)
            assert len(finding.refusal.message) > 20
