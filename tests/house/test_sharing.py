"""How the tests are shared by several processes, and that none may be skipped for want of what has to be there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sharing import ENGINE, GOLDEN, LONGEST, OWN, WHOLE_RUN, unit

ROOT = Path(__file__).resolve().parents[2]
CASES = """
import pytest

@pytest.fixture
def shared():
    return None

def test_one(shared):
    pytest.skip("for want of one repository")

@pytest.fixture
def part(shared):
    pytest.skip("for want of one folder")

def test_two(part):
    pass

@pytest.mark.xfail(reason="known")
def test_three(shared):
    assert False

def test_four():
    pytest.skip("for want of something else")
"""
PROVED = """
from dataclasses import asdict
from tests.proof.rig import Report

def test_it(record_property):
    report = Report("alpine", "a-case", "safe", "works", ("10001", "10002"), 1.25)
    record_property("proof", asdict(report))
"""


def run(folder: Path, text: str, processes: int, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run tests of their own, with the hooks of this suite."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = corpus\n")
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "test_cases.py").write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", f"-n{processes}", "-p", "no:hypothesispytest", str(folder)]
    return subprocess.run(
        command, cwd=folder, env=environment | settings, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("processes", "required", "summary"),
    [
        (2, "", "3 skipped, 1 xfailed"),
        (2, "1", "1 failed, 1 skipped, 1 xfailed, 1 error"),
        (0, "1", "1 failed, 1 skipped, 1 xfailed, 1 error"),
    ],
)
def test_a_skipped_test_fails_when_what_it_needs_is_there(
    tmp_path: Path, processes: int, required: str, summary: str
) -> None:
    done = run(tmp_path, CASES, processes, FIXER_REQUIRE_SHARED=required)
    assert summary in (done.stdout.splitlines() or [""])[-1], done.stdout + done.stderr
    assert done.returncode == (1 if required else 0)
    assert ("for want of one folder, and FIXER_REQUIRE_SHARED is set" in done.stdout) == bool(required)


def test_proofs_of_another_process_are_in_the_table(tmp_path: Path) -> None:
    done = run(tmp_path, PROVED, 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a-case" in done.stdout
    assert "10001 10002" in done.stdout
    assert "all: 1 cases, 1 safe and works" in done.stdout


def test_golden_cases_stay_together_by_their_rule() -> None:
    names = ("test_case[root-user/bad-a]", "test_the_case_saved_in_another_way[root-user/ok-b-crlf]")
    assert len({unit(f"{GOLDEN}::{name}") for name in names}) == 1
    assert unit(f"{GOLDEN}::test_case[latest-tag/ok-a]") != unit(f"{GOLDEN}::{names[0]}")


def test_what_shares_an_engine_or_a_run_stays_together() -> None:
    assert {unit(f"{file}::test_x") for file in ENGINE} == {"engine"}
    assert {unit(f"{file}::test_x[a/b]") for file in WHOLE_RUN} == {"whole run"}


@pytest.mark.parametrize(("fixture", "named"), [("engine", (*ENGINE, *OWN)), ("whole_run", WHOLE_RUN)])
def test_whoever_asks_for_it_is_named(request: pytest.FixtureRequest, fixture: str, named: tuple[str, ...]) -> None:
    """Of all tests that this run has collected."""
    asking = {one.nodeid for one in request.session.items if fixture in getattr(one, "fixturenames", ())}
    assert {one.partition("::")[0] for one in asking if not one.startswith(named)} == set()


@pytest.mark.parametrize("path", [*ENGINE, *WHOLE_RUN, *OWN, GOLDEN, *(one for one in LONGEST if "/" in one)])
def test_what_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()
