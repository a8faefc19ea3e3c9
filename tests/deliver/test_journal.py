"""The journal of a run: exact bytes and modes come back, what changed since stays, and nothing else is believed."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from fixer.deliver import journal
from fixer.deliver.journal import keep, undo
from fixer.deliver.write import write
from fixer.errors import FixerError
from fixer.model import FileChange
from tests.deliver.repos import BAD, ROOT, fixer, git, made


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return made(tmp_path / "repo", {"a/Dockerfile": BAD, "b/Dockerfile": b"\xef\xbb\xbf" + BAD.replace(b"\n", b"\r\n")})


def change(root: Path, path: str, after: bytes = b"after") -> FileChange:
    return FileChange(path, (root / path).read_bytes(), after, root=str(root))


def written(root: Path, *paths: str) -> None:
    changes = [change(root, path) for path in paths]
    keep(changes)
    for one in changes:
        write(root / one.path, one)


def only(place: Path) -> Path:
    (file,) = (place / "fixer").iterdir()
    return file


def test_the_state_of_tests_is_not_the_person_s() -> None:
    code = "import os; print(os.environ['XDG_STATE_HOME'])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert not Path(said).is_relative_to(Path.home() / ".local")


def test_bytes_and_modes_come_back(repo: Path) -> None:
    (repo / "a/Dockerfile").chmod(0o755)
    git(repo, "commit", "-qam", "Make it a program")
    before = {
        path: ((repo / path).read_bytes(), (repo / path).stat().st_mode) for path in ("a/Dockerfile", "b/Dockerfile")
    }
    assert fixer(repo, "fix", "--write").returncode in (0, 1)
    assert all((repo / path).read_bytes() != data for path, (data, _) in before.items())
    done = fixer(repo / "a", "undo")
    assert (done.returncode, done.stdout.count("as it was before")) == (0, 2)
    assert before == {path: ((repo / path).read_bytes(), (repo / path).stat().st_mode) for path in before}
    assert git(repo, "status", "--porcelain") == ""


def test_nothing_to_undo(repo: Path, tmp_path: Path) -> None:
    for folder in (repo, tmp_path):
        done = fixer(folder, "undo")
        assert (done.returncode, "no run of 'fixer fix --write' here" in done.stderr) == (2, True)


def test_what_was_taken_back_is_not_taken_back_again(repo: Path) -> None:
    written(repo, "a/Dockerfile")
    undo(repo)
    with pytest.raises(FixerError, match="no run"):
        undo(repo)


def test_only_the_last_run_is_taken_back(repo: Path) -> None:
    written(repo, "a/Dockerfile")
    written(repo, "b/Dockerfile")
    undo(repo)
    assert (repo / "a/Dockerfile").read_bytes() == b"after"
    assert (repo / "b/Dockerfile").read_bytes() != b"after"


def test_a_run_that_changes_nothing_keeps_what_is_known_of_the_one_before(repo: Path) -> None:
    assert fixer(repo, "fix", "--write").returncode in (0, 1)
    git(repo, "commit", "-qam", "Fix")
    assert fixer(repo, "fix", "--write").returncode in (0, 1)
    assert len(undo(repo).restored) == 2


def test_what_changed_since_is_left_and_can_be_taken_back_later(repo: Path) -> None:
    written(repo, "a/Dockerfile", "b/Dockerfile")
    (repo / "a/Dockerfile").write_bytes(b"mine")
    done = fixer(repo, "undo")
    assert (done.returncode, "was changed since" in done.stderr) == (1, True)
    assert (repo / "a/Dockerfile").read_bytes() == b"mine"
    (repo / "a/Dockerfile").write_bytes(b"after")
    assert not undo(repo).left
    assert (repo / "a/Dockerfile").read_bytes() == BAD


@pytest.mark.parametrize("what", ["gone", "folder", "link"])
def test_what_is_no_file_any_more_is_left(repo: Path, tmp_path: Path, what: str) -> None:
    written(repo, "a/Dockerfile")
    (repo / "a/Dockerfile").unlink()
    outside = tmp_path / "outside"
    outside.write_bytes(b"after")
    if what == "folder":
        (repo / "a/Dockerfile").mkdir()
    elif what == "link":
        (repo / "a/Dockerfile").symlink_to(outside)
    (left,) = undo(repo).left
    assert "is no file any more" in left.message
    assert outside.read_bytes() == b"after"


def test_a_run_that_was_killed_between_two_files_is_taken_back(repo: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from fixer import app, config; import fixer.app as a\n"
        "real = a.write\n"
        "def one(file, change):\n    real(file, change); os.kill(os.getpid(), signal.SIGKILL)\n"
        "a.write = one\n"
        "app.write_changes(app.fix(Path(sys.argv[1]), config=config.Config()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, repo], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -9
    assert git(repo, "status", "--porcelain") == "M a/Dockerfile"
    assert not undo(repo).left
    assert git(repo, "status", "--porcelain") == ""


def test_outside_of_git_the_named_folder_and_all_below_it_know(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    (folder / "a").mkdir(parents=True)
    (folder / "a/Dockerfile").write_bytes(BAD)
    written(folder, "a/Dockerfile")
    assert undo(folder / "a").restored == (str(folder / "a/Dockerfile"),)
    assert (folder / "a/Dockerfile").read_bytes() == BAD


def test_two_repositories_of_one_run_are_taken_back_each_for_itself(repo: Path, tmp_path: Path) -> None:
    other = made(tmp_path / "other", {"Dockerfile": BAD})
    assert fixer(tmp_path, "fix", "--write", repo, "other/Dockerfile").returncode in (0, 1)
    assert (other / "Dockerfile").read_bytes() != BAD
    assert undo(other).restored == (str(other / "Dockerfile"),)
    assert (other / "Dockerfile").read_bytes() == BAD
    assert len(undo(repo).restored) == 2


def test_a_file_that_was_named_from_elsewhere_is_known_to_its_repository(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert fixer(tmp_path / "elsewhere", "fix", "--write", repo / "a/Dockerfile").returncode in (0, 1)
    assert undo(repo).restored == (str(repo / "a/Dockerfile"),)


def test_a_name_that_is_no_text_comes_back(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.Dockerfile")
    (tmp_path / name).write_bytes(BAD)
    written(tmp_path, name)
    assert undo(tmp_path).restored == (f"{tmp_path}/caf\\xe9.Dockerfile",)
    assert (tmp_path / name).read_bytes() == BAD


def test_files_are_written_and_the_missing_journal_is_told(repo: Path, place: Path) -> None:
    place.write_bytes(b"no folder")
    done = fixer(repo, "fix", "--write")
    assert "'fixer undo' will not take it back" in done.stderr
    assert (repo / "a/Dockerfile").read_bytes() != BAD
    with pytest.raises(FixerError, match="no run"):
        undo(repo)


def test_without_a_home_folder_the_missing_journal_is_told(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(OSError, match="no home folder is known"):
        keep([change(repo, "a/Dockerfile")])
    with pytest.raises(FixerError, match="no home folder is known"):
        undo(repo)


def test_only_its_owner_can_read_the_journal(repo: Path, place: Path) -> None:
    old = os.umask(0)
    try:
        written(repo, "a/Dockerfile")
    finally:
        os.umask(old)
    assert only(place).stat().st_mode & 0o777 == 0o600
    assert (place / "fixer").stat().st_mode & 0o777 == 0o700


def _row(**more: Any) -> Any:
    row = {"path": "p", "name": base64.b64encode(b"/nothing").decode(), "before": "", "after": ""}
    return {"version": 1, "files": [row | more]}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        json.dumps({"version": 9, "files": []}).encode(),
        json.dumps({"version": 1, "files": [7]}).encode(),
        json.dumps({"version": 1, "files": [{}]}).encode(),
        json.dumps({"version": 1, "files": {"a": 1}}).encode(),
        json.dumps(_row(before="?")).encode(),
        json.dumps(_row(before=base64.b64encode(b"no zlib").decode())).encode(),
        json.dumps(_row(before=base64.b64encode(zlib.compress(b"0" * 50_000_000)).decode())).encode(),
        json.dumps(_row(before=7)).encode(),
    ],
    ids=range(13),
)
def test_a_journal_that_is_none_is_told(repo: Path, place: Path, text: bytes) -> None:
    written(repo, "a/Dockerfile")
    only(place).write_bytes(text)
    with pytest.raises(FixerError, match="take the changes back by hand"):
        undo(repo)
    assert (repo / "a/Dockerfile").read_bytes() == b"after"


def test_a_journal_does_not_write_outside_of_its_repository(repo: Path, place: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"after")
    written(repo, "a/Dockerfile")
    raw = json.loads(only(place).read_bytes())
    raw["files"][0]["name"] = base64.b64encode(os.fsencode(repo / "../outside")).decode()
    only(place).write_text(json.dumps(raw))
    with pytest.raises(FixerError, match="outside"):
        undo(repo)
    assert outside.read_bytes() == b"after"


def test_the_way_to_a_journal_is_the_same_through_a_link(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo)
    keep([change(tmp_path / "link", "a/Dockerfile")])
    assert journal.undo(repo).restored == (str(repo / "a/Dockerfile"),)
