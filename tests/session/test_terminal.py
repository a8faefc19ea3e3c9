"""A whole session at a real terminal, one that is killed and taken up, and one without a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixer.cli.fix import command
from fixer.cli.options import ReportFormat
from fixer.errors import UsageError
from tests.deliver.repos import ROOT, git, made
from tests.session.people import FILES, Terminal


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return made(tmp_path / "repo", FILES)


def test_yes_undo_and_end_at_a_terminal(repo: Path, tmp_path: Path) -> None:
    with Terminal("fix", "-i", cwd=repo, TERM="xterm-256color", XDG_STATE_HOME=str(tmp_path / "state")) as one:
        shown = one.until(r"\[1/7\] DF001 api/Dockerfile:4 >")
        assert "\x1b[32m  +USER 1000:1000" in shown  # in green, and with its sign
        assert "\x1b[6n" not in shown  # nobody asks the terminal where its cursor is
        one.press("y")
        assert "fixed   DF001 root-user api/Dockerfile:4" in one.until(r"\[2/7\] DF001 job/Dockerfile:4 >")
        one.press("u")
        assert "taken back:" in one.until(r"\[1/7\] DF001 api/Dockerfile:4 >")
        one.press("y")
        one.until(r"\[2/7\] [^>]*>")
        assert git(repo, "status", "--porcelain") == ""
        one.press("q")
        one.until(r"y n c >")
        one.press("y")
        assert "1 file written" in one.until("the answers are kept")
        assert one.code() == 1
    assert git(repo, "status", "--porcelain").split() == ["M", "api/Dockerfile"]


def test_killed_taken_up_and_interrupted_without_colours(repo: Path, tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "TERM": "dumb", "NO_COLOR": "1"}
    with Terminal("fix", "-i", cwd=repo, **state) as one:
        shown = one.until(r"\[1/7\] [^>]*>")
        one.press("y")
        shown += one.until(r"\[2/7\] [^>]*>")
        one.press("n")
        shown += one.until(r"\[3/7\] [^>]*>")
        one.kill()
    assert {path: (repo / path).read_bytes() for path in FILES} == FILES
    assert git(repo, "status", "--porcelain") == ""
    assert "\x1b" not in shown
    with Terminal("fix", "-i", cwd=repo, **{**state, "TERM": "xterm"}) as again:
        shown += again.until("y n q >")
        assert "A session was left here: 2 answers, 1 file to write." in shown
        again.press("y")
        shown += again.until(r"\[3/7\] DF001 odd/Dockerfile:2 >")
        assert "\x1b[3" not in shown
        again.press("\x03")
        assert again.code() == 130
        assert "Traceback" not in again.shown
    assert len(list((tmp_path / "state/fixer/sessions").iterdir())) == 1


def test_without_a_terminal_it_is_an_error(repo: Path) -> None:
    words = [sys.executable, "-m", "fixer", "fix", "-i", str(repo)]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "fixer: fix -i asks questions; run it at a terminal, or leave out -i to get the diff\n"


def test_options_that_contradict_it() -> None:
    said = "leave out --write, --diff, --rev, --branch and reports"
    with pytest.raises(UsageError, match=said):
        command(interactive=True, write=True)
    with pytest.raises(UsageError, match=said):
        command(interactive=True, diff=True)
    with pytest.raises(UsageError, match=said):
        command(interactive=True, branch="b")
    with pytest.raises(UsageError, match=said):
        command(interactive=True, rev="HEAD")
    with pytest.raises(UsageError, match=said):
        command(interactive=True, output=ReportFormat.JSON)
