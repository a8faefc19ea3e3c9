"""`fixer init` at the terminal: it shows, asks, and writes what was shown."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from fixer import __main__ as program
from fixer.errors import UsageError


class Typed(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitlab-ci.yml").write_text("build:\n  script: make\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        program._run(["init", *words])
    return int(str(caught.value.code))


def files(tree: Path) -> set[str]:
    return {path.name for path in tree.iterdir()} - {".git", ".gitlab-ci.yml"}


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr(sys, "stdin", Typed(typed))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")


def test_where_nobody_can_be_asked_it_says_what_to_give(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="give --yes"):
        program._run(["init"])
    out, _ = capfd.readouterr()
    assert "+++ b/fixer.toml" in out
    assert files(tree) == set()


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_person_decides(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], typed: str, code: int
) -> None:
    at_a_terminal(monkeypatch, typed)
    assert run() == code
    assert files(tree) == (set() if code else {"fixer.toml", ".pre-commit-config.yaml"})
    assert ("fixer-check:" in (tree / ".gitlab-ci.yml").read_text()) is not bool(code)
    told = capfd.readouterr().err
    assert ("nothing was written" in told) is bool(code)
    assert ("written: fixer.toml" in told) is not bool(code)


def test_an_end_of_input_is_no_yes(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "")
    assert run() == 130
    assert files(tree) == set()


def test_what_it_shows_is_what_it_writes_and_twice_is_once(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError):
        program._run(["init"])
    shown = capfd.readouterr().out
    checked = subprocess.run(["git", "apply", "--check", "-"], cwd=tree, input=shown.encode(), check=False)
    assert checked.returncode == 0
    assert run("--yes") == 0
    written = {path: path.read_bytes() for path in sorted(tree.iterdir()) if path.is_file()}
    undone = subprocess.run(["git", "apply", "-R", "-"], cwd=tree, input=shown.encode(), check=False)
    assert undone.returncode == 0
    assert files(tree) == set()
    assert run("--yes") == 0
    assert {path: path.read_bytes() for path in sorted(tree.iterdir()) if path.is_file()} == written
    capfd.readouterr()
    assert run() == 0
    out, told = capfd.readouterr()
    assert out == ""
    assert told.endswith("nothing to write\n")


def test_what_is_left_for_a_person_is_told(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / ".gitlab-ci.yml").write_text("- list\n")
    assert run("--yes", "--no-hook") == 1
    assert "by hand" in capfd.readouterr().err
    assert files(tree) == {"fixer.toml"}
