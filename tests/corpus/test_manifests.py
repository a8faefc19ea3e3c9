"""The manifests of the corpus: every one is judged or told why not, and none breaks the judge."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fixer.judging import Judged, judge
from fixer.pod_security import control_ids


@pytest.fixture(scope="session")
def judged(shared: Path) -> list[Judged]:
    return list(judge([shared / "corpus"], "restricted", "latest"))


def test_many_pods_are_judged_and_the_rest_is_told(judged: list[Judged]) -> None:
    verdicts = [verdict for one in judged for verdict in one.verdicts]
    skipped = [skip for one in judged for skip in one.skipped]
    reasons = Counter(skip.reason for skip in skipped)
    print(f"{len(judged)} files, {len(verdicts)} pod specs, {sum(v.allowed for v in verdicts)} allowed")  # noqa: T201
    print(f"{len(skipped)} skipped: {dict(reasons.most_common())}")  # noqa: T201
    assert len(verdicts) > 500
    assert {violation.control for verdict in verdicts for violation in verdict.violations} <= set(
        control_ids("restricted")
    )
    assert reasons["unparsable"] < 10
    assert reasons["template"] > 100
