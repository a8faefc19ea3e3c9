"""Many repositories: bounds on each, parts of them, and a run that is killed and taken up."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from fixer.deliver.fleet import Bounds, computed, listed, shard
from fixer.errors import FixerError, UsageError
from fixer.forge.base import State
from fixer.forge.memory import Memory
from tests.deliver.hosting import BEFORE, branches, commit, git, hosted

ROOT = Path(__file__).resolve().parents[2]
MANY = 200 if os.environ.get("FIXER_ALL") else 40


def fixer(folder: Path, *words: str | Path, check: int | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*words), env=environment(folder), cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert check is None or done.returncode == check, done.stdout + done.stderr
    return done


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "fixer", *map(str, words)]


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_", "GITLAB_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state")}


# --- processes --------------------------------------------------------------------------------------------------------


def job(what: str) -> bytes:
    """Do what the item says, in another process."""
    if what == "hang":
        subprocess.run(["sleep", "1000"], check=False)
    elif what == "memory":
        return b"x" * (8 << 30)
    elif what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "refuse":
        raise FixerError("no such repository")
    return f"done: {what}".encode()


def test_each_has_its_bounds_and_the_others_go_on() -> None:
    items = ["one", "hang", "memory", "die", "refuse", "two"]
    found = dict(computed(job, items, Bounds(seconds=8, memory=2 << 30, at_once=3)))
    assert set(found) == set(items)
    assert (found["one"].data, found["two"].data) == (b"done: one", b"done: two")
    assert "longer than 8 seconds" in found["hang"].why
    assert "needs more than 2048 MiB" in found["memory"].why
    assert "ended by itself (-9)" in found["die"].why
    assert found["refuse"].why == "no such repository"


def test_what_a_process_started_ends_with_it() -> None:
    before = sleeping()
    list(computed(job, ["hang"], Bounds(seconds=5)))
    assert sleeping() == before


def sleeping() -> int:
    count = 0
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += file.read_bytes() == b"sleep\x001000\x00"
        except OSError:
            continue
    return count


# --- lists and parts --------------------------------------------------------------------------------------------------


def test_a_list_has_a_repository_a_line(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# ours\nacme/shop\n\n  acme/web  # the site\nhttps://example.com/a#b\n")
    assert listed(tmp_path / "list") == ["acme/shop", "acme/web", "https://example.com/a#b"]
    with pytest.raises(UsageError, match="list of repositories"):
        listed(tmp_path / "absent")


def test_each_repository_is_in_one_part_whatever_the_others_are() -> None:
    names = [f"acme/r{n}" for n in range(100)]
    parts = [shard(names, f"{n}/3") for n in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert all(len(part) > 15 for part in parts)
    assert shard(names[:50], "2/3") == [name for name in parts[1] if name in names[:50]]
    assert shard(names, "") == names


@pytest.mark.parametrize("which", ["0/3", "4/3", "1", "x/y", "1/0", "-1/3"])
def test_a_part_that_there_is_not_is_refused(which: str) -> None:
    with pytest.raises(UsageError, match="--shard"):
        shard(["a"], which)


# --- commands ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def forge(tmp_path: Path) -> Memory:
    forge = Memory(tmp_path / "forge")
    hosted(forge.folder)
    return forge


def test_plan_and_publish_as_two_jobs(forge: Memory, tmp_path: Path) -> None:
    fixer(tmp_path, "plan", "forge/acme/shop", "--forge", "memory", "--out", "plan.json", check=0)
    assert branches(forge.folder / "acme/shop.git") == {}
    words = ("publish", "plan.json", "--forge", "memory", "--labels", "security")
    done = fixer(tmp_path, *words, "--mode", "plan", check=0)
    assert "web" in done.stdout
    assert list(forge.requests("acme/shop")) == []
    done = fixer(tmp_path, *words, check=0)
    (found,) = forge.requests("acme/shop")
    assert found.url in done.stdout
    assert (found.state, found.labels, found.draft) == (State.OPEN, ("security",), False)
    assert "unchanged" in fixer(tmp_path, *words, check=0).stdout


def test_the_plan_of_a_folder_is_that_of_its_forge(forge: Memory, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(forge.folder / "acme/shop.git"), "work")
    (tmp_path / "work/web/Dockerfile").write_bytes(b"not committed, so nobody reads it")
    fixer(tmp_path, "plan", "work", "--out", "a.json", check=0)
    fixer(tmp_path, "plan", "forge/acme/shop", "--forge", "memory", "--out", "b.json", check=0)
    first, second = ((tmp_path / name).read_text().splitlines()[3:] for name in ("a.json", "b.json"))
    assert first == second
    assert len(first) > 10


def test_the_whole_of_it_is_shown_without_a_file(forge: Memory, tmp_path: Path) -> None:
    done = fixer(tmp_path, "plan", "forge/acme/shop", "--forge", "memory", check=0)
    assert "## If you do not want this" in done.stdout


def test_a_mode_that_only_shows_opens_nothing(forge: Memory, tmp_path: Path) -> None:
    done = fixer(tmp_path, "pr", "forge/acme/shop", "--forge", "memory", check=0)
    assert "nonroot/web-" in done.stdout
    assert list(forge.requests("acme/shop")) == []


def test_all_of_an_owner_but_what_is_archived(forge: Memory, tmp_path: Path) -> None:
    hosted(forge.folder, "acme/web")
    hosted(forge.folder, "acme/old")
    hosted(forge.folder, "acme/copy")
    forge.settings("acme/old", archived=True)
    forge.settings("acme/copy", fork=True)
    fixer(tmp_path, "pr", "--org", "forge/acme", "--forge", "memory", "--mode", "draft", check=0)
    opened = {one: len(list(forge.requests(f"acme/{one}"))) for one in ("shop", "web", "old", "copy")}
    assert opened == {"shop": 1, "web": 1, "old": 0, "copy": 0}


def test_what_fails_is_told_and_stops_nothing(forge: Memory, tmp_path: Path) -> None:
    commit(hosted(forge.folder, "acme/bad"), {"fixer.toml": b"goal = 3\n", "Dockerfile": BEFORE})
    words = ["pr", "forge/acme/absent", "forge/acme/bad", "forge/acme/shop", "--forge", "memory", "--mode", "full"]
    done = fixer(tmp_path, *words, check=2)
    assert "acme/absent: failed" in done.stdout
    assert "acme/bad: failed" in done.stdout
    assert "fixer.toml" in done.stdout
    assert "3 repositories: 2 failed, 1 opened" in done.stdout
    assert len(list(forge.requests("acme/shop"))) == 1


def test_what_is_left_for_a_person_is_in_the_exit_code(forge: Memory, tmp_path: Path) -> None:
    commit(forge.folder / "acme/shop.git", {"Dockerfile": b"FROM unknown.example/thing\n"})
    assert "left for a person" in fixer(tmp_path, "plan", "forge/acme/shop", "--forge", "memory", check=1).stdout


def test_names_that_mean_harm_do_none(forge: Memory, tmp_path: Path) -> None:
    names = [
        "a\n@admin\n/merge",
        "-rf",
        "<img src=x>",
        "](https:--evil.example)",
        "we\udcffird",
        "x\x1b[2J",
        "`tick` | cell",
        "Fixes #1",
        "[skip ci]",
        ".GIT",
    ]
    path = forge.folder / "acme/shop.git"
    commit(path, {f"{name}/Dockerfile": BEFORE for name in names})
    words = ("pr", "forge/acme/shop", "--forge", "memory", "--mode", "full", "--max-open", "50")
    done = fixer(tmp_path, *words)
    found = list(forge.requests("acme/shop"))
    assert len(found) == len(names) - 1, done.stdout  # what looks like git's own is not read
    assert "\x1b" not in done.stdout
    for one in found:
        visible = one.title + one.body.rpartition("<!--")[0]
        message = git(path, "log", "-1", "--format=%B", one.branch)
        for bad in ("@admin", "\n/merge", "<img", "](", "#1", "\x1b", "[skip"):
            assert bad not in visible, visible
            assert bad not in message, message
        assert git(path, "diff", "--name-only", "-z", "main", one.branch).count("\0") == 1
    again = fixer(tmp_path, *words)
    assert again.stdout.count(": unchanged: file:") == len(found)


@pytest.mark.parametrize(
    "words",
    [["pr"], ["pr", "-x"], ["pr", "ext::sh", "--mode", "full"], ["publish", "absent.json"], ["plan", "nowhere"]],
)
def test_words_that_mean_nothing_are_told_in_a_sentence(tmp_path: Path, words: list[str]) -> None:
    done = fixer(tmp_path, *words, check=2)
    assert done.stdout + done.stderr


# --- killed -----------------------------------------------------------------------------------------------------------


def opened(folder: Path) -> Counter[str]:
    data = sqlite3.connect(f"file:{folder}/forge.sqlite?mode=ro", uri=True, timeout=30)
    try:
        return Counter(name for (name,) in data.execute("SELECT repository FROM requests"))
    finally:
        data.close()


def killed(folder: Path, words: Sequence[str | Path], forge: Path, many: int) -> None:
    """Start a run, and kill it as soon as so many requests are open."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command(*words), env=environment(folder), cwd=folder, stdout=log, stderr=log)
        try:
            while opened(forge).total() < many:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.02)
        finally:
            process.kill()
            process.wait()


def test_a_run_that_is_killed_opens_each_request_once(tmp_path: Path) -> None:
    forge = Memory(tmp_path / "forge")
    first = hosted(forge.folder, "acme/r0")
    names = [f"acme/r{n}" for n in range(MANY)]
    for name in names[1:]:
        shutil.copytree(first, forge.folder / f"{name}.git")
    (tmp_path / "list").write_text("".join(f"forge/{name}\n" for name in names))
    words = ["pr", "--repos", "list", "--forge", "memory", "--mode", "full", "--state", "ledger", "--jobs", "3"]
    killed(tmp_path, words, forge.folder, MANY // 3)
    killed(tmp_path, words, forge.folder, MANY * 2 // 3)
    before = opened(forge.folder).total()
    assert before < MANY
    done = fixer(tmp_path, *words, check=0)
    assert "are done already by the run that was interrupted" in done.stdout
    assert f"{MANY} repositories: " in done.stdout
    assert opened(forge.folder) == Counter(names)
    assert done.stdout.count(": opened: file:") == MANY - before
    for name in names[::20]:
        assert len(branches(forge.folder / f"{name}.git")) == 1
        git(forge.folder / f"{name}.git", "fsck", "--strict")
