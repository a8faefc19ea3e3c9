"""Every application of apps/ on a real engine: it works as root, and after the fix it does so without."""

from __future__ import annotations

import os
from concurrent.futures import Future

import pytest

from tests.e2e.ground import SEEN, Case, Outcome, cases

ALL = cases()
PARAMS = [pytest.param(case, id=case.name) for case in ALL]
# One of each kind, of those that build or run differently; FIXER_ALL=1 tries the others too.
EACH_TIME = frozenset(
    "c-on-scratch compose-root-user env-data-dir hardened-deployment log-directory needs-chroot nginx-site-moved"
    " node-build-to-nginx pid-file-in-run self-dropping shared-volume sqlite-in-app static-below-root"
    " upload-folder".split()
)
TRIED = PARAMS if os.environ.get("FIXER_ALL") else [one for one in PARAMS if one.id in EACH_TIME]


def test_there_are_enough_applications() -> None:
    assert len(ALL) >= 28
    assert sum(case.expect == "holds" for case in ALL) >= 24
    assert sum(case.expect == "refused" for case in ALL) >= 4
    assert {case.name for case in ALL} > EACH_TIME


@pytest.mark.parametrize("case", PARAMS)
def test_a_case_says_what_it_is_about(case: Case) -> None:
    assert case.what
    assert case.smoke
    assert case.expect in ("holds", "refused", "manual", "repaired")
    assert bool(case.code) == (case.expect in ("refused", "manual"))
    assert bool(case.repair) == (case.expect == "repaired")


@pytest.mark.parametrize("case", TRIED)
def test_an_application_works_without_root(engine: object, outcomes: dict[str, Future[Outcome]], case: Case) -> None:
    outcome = outcomes[case.name].result()
    SEEN.append((case, outcome))
    assert (outcome.word, outcome.code) == (case.expect, case.code), outcome.detail
    if case.expect in ("holds", "repaired"):
        assert outcome.uids
        assert "0" not in outcome.uids
