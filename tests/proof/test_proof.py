"""Every Dockerfile of the cases_*.py files, on a real engine: root before, nobody special after, and still at work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict

import pytest

from tests.proof import cases_alpine, cases_debian, cases_distroless, cases_nginx, cases_node, cases_python
from tests.proof.rig import Bench, Case, Report

BASES = {
    "debian": cases_debian.CASES,
    "alpine": cases_alpine.CASES,
    "python": cases_python.CASES,
    "node": cases_node.CASES,
    "nginx": cases_nginx.CASES,
    "distroless": cases_distroless.CASES,
}
ALL = [(base, case) for base, cases in BASES.items() for case in cases]


def test_there_are_enough_cases() -> None:
    assert all(sum(not case.left_alone for case in cases) >= 20 for cases in BASES.values())
    names = Counter((base, case.name) for base, case in ALL)
    assert max(names.values()) == 1


PARAMS = [
    pytest.param(
        (base, case), id=f"{base}-{case.name}", marks=[pytest.mark.xfail(reason=case.known)] if case.known else []
    )
    for base, case in ALL
]


@pytest.mark.parametrize("proof", PARAMS)
def test_it_runs_without_root_and_still_works(
    engine: object,
    bench: Bench,
    proofs: dict[tuple[str, str], Future[Report]],
    proof: tuple[str, Case],
    record_property: Callable[[str, object], None],
) -> None:
    base, case = proof
    report = proofs[base, case.name].result()
    record_property("proof", asdict(report))
    problems = "\n\n".join(report.failures)
    assert not problems, f"{problems}\n\n--- the fixed Dockerfile ({report.safety}: {report.risk})\n{report.after}"
