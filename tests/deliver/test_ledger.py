"""The ledger, the lock of a publisher, and the pace, with a clock that tests move."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from fixer import masking
from fixer.deliver.ledger import End, Ended, Ledger, exit_code, only_publisher, whole
from fixer.deliver.pace import LIMITS, MOST_WAIT, Pace, Paced
from fixer.errors import FixerError, UsageError
from fixer.forge.base import Draft, ForgeError
from fixer.forge.memory import Fault, Memory, Trouble
from tests.deliver.hosting import NAME, commit, hosted

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    """A time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def ledger(file: Path) -> Ledger:
    return Ledger(file, Clock())


# --- the ledger -------------------------------------------------------------------------------------------------------


def test_what_was_told_is_there_in_another_process_of_the_same_question(tmp_path: Path) -> None:
    told = [Ended("a/b", "", End.OPENED), Ended("a/b", "web", End.OPENED, "", "nonroot/x", "https://x/1")]
    one = ledger(tmp_path / "state/x.sqlite")
    run = one.begin(["a/b", "c/d"])
    for ended in told:
        one.tell(run, ended)
    other = ledger(tmp_path / "state/x.sqlite")
    assert other.begin(["a/b", "c/d"]) == run
    assert other.ends(run) == told
    assert other.done(run) == {"a/b"}
    one.close()
    other.close()


def test_a_run_that_has_ended_begins_anew(tmp_path: Path) -> None:
    one = ledger(tmp_path / "x.sqlite")
    run = one.begin(["a/b"])
    one.tell(run, Ended("a/b", "", End.UNCHANGED))
    assert one.begin(["a/b", "other"]) != run
    one.finish(run)
    again = one.begin(["a/b"])
    assert again != run
    assert one.done(again) == frozenset()
    one.close()


def test_failures_and_repositories_that_have_not_ended_are_tried_again(tmp_path: Path) -> None:
    one = ledger(tmp_path / "x.sqlite")
    run = one.begin(["x"])
    one.tell(run, Ended("failed", "", End.FAILED, "why"))
    one.tell(run, Ended("half", "web", End.OPENED))
    one.tell(run, Ended("skipped", "", End.SKIPPED, "why"))
    assert one.done(run) == {"skipped"}
    one.tell(run, Ended("failed", "", End.OPENED))
    assert one.done(run) == {"skipped", "failed"}
    one.close()


def test_killed_at_once_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    code = (
        "import sys, os, signal; from pathlib import Path; from fixer.deliver.ledger import *\n"
        "ledger = Ledger(Path(sys.argv[1])); run = ledger.begin(['x'])\n"
        "for n in range(50): ledger.tell(run, Ended(f'r{n}', '', End.OPENED))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, str(file)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    one = ledger(file)
    assert len(one.done(one.begin(["x"]))) == 50
    one.close()


def test_no_secret_is_kept(tmp_path: Path) -> None:
    masking.register("s3cret-token")
    try:
        one = ledger(tmp_path / "x.sqlite")
        one.tell(1, Ended("a", "", End.FAILED, "said s3cret-token"))
        assert one.ends(1)[0].why == "said ***"
        one.close()
    finally:
        masking.forget()


def test_names_that_are_no_utf_8_are_kept(tmp_path: Path) -> None:
    one = ledger(tmp_path / "x.sqlite")
    one.tell(1, Ended("a\udcff", "", End.SKIPPED, "\udcff"))
    assert one.ends(1) == [Ended("a?", "", End.SKIPPED, "?")]
    one.close()


def test_another_file_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no database " * 100)
    with pytest.raises(UsageError, match="--state"):
        ledger(tmp_path / "x")
    data = sqlite3.connect(tmp_path / "y")
    data.execute("PRAGMA user_version = 99")
    data.close()
    with pytest.raises(UsageError, match="another version"):
        ledger(tmp_path / "y")
    with pytest.raises(UsageError, match="--state"):
        ledger(tmp_path / "x" / "y")


@pytest.mark.parametrize(
    ("ends", "left", "code"),
    [
        ([], 0, 0),
        ([End.OPENED, End.UPDATED, End.UNCHANGED], 0, 0),
        ([End.OPENED], 2, 1),
        ([End.OPENED, End.SKIPPED], 0, 1),
        ([End.SKIPPED, End.FAILED], 0, 2),
    ],
)
def test_the_exit_code_tells_the_truth(ends: list[End], left: int, code: int) -> None:
    assert exit_code([Ended("a", "", end) for end in ends], left) == code


def test_the_end_of_a_repository_is_the_worst_of_its_units() -> None:
    units = [Ended("a", "x", End.OPENED), Ended("a", "y", End.SKIPPED, "why"), Ended("a", "z", End.UNCHANGED)]
    assert whole("a", units) == Ended("a", "", End.SKIPPED, "why")
    assert whole("a", units[::2]).end is End.OPENED
    assert whole("a", []).end is End.UNCHANGED


# --- one publisher ----------------------------------------------------------------------------------------------------


def test_one_publisher_for_each_identity(tmp_path: Path) -> None:
    with only_publisher("bot", tmp_path):
        with pytest.raises(FixerError, match="another run publishes as bot"), only_publisher("bot", tmp_path):
            pass
        with only_publisher("other", tmp_path):
            pass
    with only_publisher("bot", tmp_path):
        pass


def test_a_publisher_that_was_killed_frees_the_place(tmp_path: Path) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path; from fixer.deliver.ledger import only_publisher\n"
        "with only_publisher('bot', Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    with only_publisher("bot", tmp_path):
        pass


# --- the pace ---------------------------------------------------------------------------------------------------------


def times(pace: Pace, clock: Clock, many: int) -> list[float]:
    out = []
    for _ in range(many):
        pace.wait()
        out.append(clock.now)
    return out


def most(at: list[float], seconds: float) -> int:
    return max(sum(start <= one < start + seconds for one in at) for start in at)


def test_no_more_is_written_than_forges_allow() -> None:
    clock = Clock()
    at = times(Pace(LIMITS, None, clock, clock.sleep), clock, 1200)
    assert most(at, 60) <= 80
    assert most(at, 3600) == 500
    assert min(after - before for before, after in pairwise(at)) >= 1


def test_the_calls_of_the_run_before_count_too(tmp_path: Path) -> None:
    clock = Clock()
    at = times(Pace(LIMITS, tmp_path / "calls", clock, clock.sleep), clock, 500)
    clock.now += 1
    more = times(Pace(LIMITS, tmp_path / "calls", clock, clock.sleep), clock, 10)
    assert most(at + more, 3600) == 500


def test_a_forge_that_asks_to_wait_is_waited_for(tmp_path: Path) -> None:
    forge = Memory(tmp_path)
    commit(hosted(tmp_path), {"x": b"2"}, "nonroot/x-1")
    forge.faults = [Fault("open", Trouble.LIMIT, seconds=77), Fault("comment", Trouble.LIMIT, seconds=33)]
    clock = Clock()
    paced = Paced(forge, Pace((), None, clock, clock.sleep))
    made = paced.open(NAME, Draft("nonroot/x-1", "main", "T", "B"))
    paced.comment(NAME, made.number, "once")
    assert clock.slept == [77, 33]
    assert len(forge.comments(NAME, 1)) == 1


def test_a_wait_that_is_too_long_is_told_instead(tmp_path: Path) -> None:
    hosted(tmp_path)
    forge = Memory(tmp_path)
    forge.faults = [Fault("requests", Trouble.LIMIT, seconds=MOST_WAIT * 2)]
    clock = Clock()
    with pytest.raises(ForgeError, match="in 30 minutes, run again then"):
        Paced(forge, Pace((), None, clock, clock.sleep)).requests(NAME)
    assert clock.slept == []


def test_what_never_works_ends(tmp_path: Path) -> None:
    hosted(tmp_path)
    forge = Memory(tmp_path)
    forge.faults = [Fault("repository", Trouble.BROKEN)] * 10
    clock = Clock()
    with pytest.raises(ForgeError):
        Paced(forge, Pace((), None, clock, clock.sleep)).repository(NAME)
    assert len(clock.slept) == 3


def test_a_comment_whose_answer_is_lost_is_not_made_twice(tmp_path: Path) -> None:
    forge = Memory(tmp_path)
    commit(hosted(tmp_path), {"x": b"2"}, "nonroot/x-1")
    forge.open(NAME, Draft("nonroot/x-1", "main", "T", "B"))
    forge.faults = [Fault("comment", Trouble.TIMEOUT, done=True)]
    clock = Clock()
    with pytest.raises(ForgeError):
        Paced(forge, Pace((), None, clock, clock.sleep)).comment(NAME, 1, "once")
    assert len(forge.comments(NAME, 1)) == 1


@pytest.fixture(params=["identity", "repository", "requests", "update", "close"])
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Memory, str, Callable[[Paced], object]]:
    forge = Memory(tmp_path)
    commit(hosted(tmp_path), {"x": b"2"}, "nonroot/x-1")
    draft = Draft("nonroot/x-1", "main", "T", "B")
    forge.open(NAME, draft)
    calls: dict[str, Callable[[Paced], object]] = {
        "identity": lambda paced: paced.identity(),
        "repository": lambda paced: paced.repository(NAME),
        "requests": lambda paced: list(paced.requests(NAME)),
        "update": lambda paced: paced.update(NAME, 1, draft),
        "close": lambda paced: paced.close(NAME, 1),
    }
    return forge, request.param, calls[request.param]


def test_what_may_be_asked_twice_is(asked: tuple[Memory, str, Callable[[Paced], object]]) -> None:
    forge, name, call = asked
    forge.faults = [Fault(name, Trouble.BROKEN)]
    clock = Clock()
    call(Paced(forge, Pace((), None, clock, clock.sleep)))
    assert len(clock.slept) == 1
