"""Branches: made beside the work tree, the same everywhere, and never over the work of a person."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fixer.deliver.branches import Delivered, Step, deliver
from fixer.deliver.gitstore import Person, opened
from fixer.errors import FixerError, UsageError
from tests.deliver.repos import BAD, COMPOSE, GIT, ROOT, fixer, git, made, state, trapped

ANN = Person("Ann", "ann@example.org")
NEW = ("--branch", "nonroot/x")
OWN = (".git/refs/heads/nonroot/", ".git/logs/refs/heads/nonroot/")
REAL = (
    "dockersamples+example-voting-app",
    "aws-containers+retail-store-sample-app",
    "chainguard-dev+cs-workshop",
    "docker+awesome-compose",
    "GoogleCloudPlatform+microservices-demo",
)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    files = {"a/Dockerfile": BAD, "b/Dockerfile": BAD, "b/run.sh": b"#!/bin/sh\n", "db/compose.yaml": COMPOSE}
    folder = made(tmp_path / "repo", files)
    (folder / "b/run.sh").chmod(0o755)
    git(folder, "commit", "-qam", "Run it")
    return folder


def delivered(repo: Path, text: bytes = b"FROM scratch\n", base: str = "main", name: str = "nonroot/x") -> Delivered:
    with opened(repo) as store:
        return deliver(store, name, store.commit(base), [Step("Change a\n", {b"a/Dockerfile": text})], ANN, False)


# --- nothing of the person's is touched -----------------------------------------------------------


@pytest.mark.parametrize("name", REAL)
def test_leaves_a_real_repository_as_it_was_and_gives_what_write_gives(shared: Path, tmp_path: Path, name: str) -> None:
    repo = tmp_path / "repo"
    shutil.copytree(shared / "corpus" / name, repo, symlinks=True)
    made(repo)
    clean = tmp_path / "clean"
    git(tmp_path, "clone", "-q", str(repo), str(clean))
    mark = tmp_path / "mark"
    trapped(repo, mark)
    (repo / "not-committed").write_bytes(b"mine\n")
    (repo / "README.md").write_bytes(b"changed and not committed\n")
    before = state(repo, *OWN)
    done = fixer(repo, "fix", *NEW, "--author", "A <a@b.c>")
    assert "created" in done.stderr, done.stderr
    assert state(repo, *OWN) == before
    assert not mark.exists()
    assert git(repo, "fsck", "--no-dangling") == ""
    fixer(clean, "fix", "--write")
    git(clean, "add", "-u")
    assert git(repo, "rev-parse", "nonroot/x^{tree}") == git(clean, "write-tree")
    again = fixer(repo, "fix", *NEW, "--author", "A <a@b.c>")
    assert "already" in again.stderr


def test_the_traps_of_these_tests_would_leave_their_mark(repo: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    trapped(repo, mark)
    (repo / "a/Dockerfile").write_bytes(b"FROM other\n")
    git(repo, "-c", "commit.gpgSign=false", "commit", "-qam", "Set off", fails=True)
    sprung = mark.read_text()
    assert "trap.sh" in sprung
    assert "hooks/reference-transaction" in sprung


def test_asks_whether_it_is_dirty_without_running_filters(repo: Path, tmp_path: Path) -> None:
    trapped(repo, tmp_path / "mark")
    os.utime(repo / "a/Dockerfile", (1, 1))  # so that git has to read it
    before = state(repo)
    with opened(repo) as store:
        assert store.modified() == []
        (repo / "a/Dockerfile").write_bytes(b"FROM other\n")
        assert store.modified() == ["a/Dockerfile"]
    (repo / "a/Dockerfile").write_bytes(BAD)
    assert not (tmp_path / "mark").exists()
    assert state(repo)[".git/index"] == before[".git/index"]


def test_write_asks_first_where_something_is_not_committed(repo: Path) -> None:
    (repo / "b/run.sh").write_bytes(b"mine\n")
    before = state(repo)
    done = fixer(repo, "fix", "--write")
    assert done.returncode == 2
    assert "b/run.sh changed and not committed" in done.stderr
    assert state(repo) == before
    assert fixer(repo, "fix", "--write", "--allow-dirty").returncode in (0, 1)
    assert (repo / "a/Dockerfile").read_bytes() != BAD
    assert (repo / "b/run.sh").read_bytes() == b"mine\n"


# --- wherever the repository comes from -----------------------------------------------------------


def _bare(repo: Path, other: Path) -> Path:
    git(repo, "clone", "-q", "--bare", str(repo), str(other))
    return other


def _detached(repo: Path, other: Path) -> Path:
    git(repo, "checkout", "-q", "--detach")
    return repo


def _linked(repo: Path, other: Path) -> Path:
    git(repo, "worktree", "add", "-q", "--detach", str(other))
    return other


def _shallow(repo: Path, other: Path) -> Path:
    git(repo, "clone", "-q", "--depth=1", f"file://{repo}", str(other))
    return other


def _packed(repo: Path, other: Path) -> Path:
    git(repo, "gc", "-q")
    git(repo, "pack-refs", "--all")
    return repo


def _borrowing(repo: Path, other: Path) -> Path:
    git(repo, "clone", "-q", "--shared", str(repo), str(other))
    return other


@pytest.mark.parametrize("way", [_bare, _detached, _linked, _shallow, _packed, _borrowing])
def test_makes_the_same_commits_in_every_kind_of_repository(
    repo: Path, tmp_path: Path, way: Callable[[Path, Path], Path]
) -> None:
    fixer(repo, "fix", "--branch", "plain", "--author", "A <a@b.c>")
    wanted = git(repo, "rev-parse", "plain")
    there = way(repo, tmp_path / "other")
    head = git(there, "rev-parse", "HEAD")
    done = fixer(there, "fix", *NEW, "--author", "A <a@b.c>")
    assert "created: 3 commits" in done.stderr, done.stderr
    assert git(there, "rev-parse", "nonroot/x") == wanted
    assert git(there, "rev-parse", "HEAD") == head
    assert git(there, "fsck", "--no-dangling") == ""


def test_the_same_input_gives_the_same_ids_whoever_asks(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "else where"
    git(repo, "clone", "-q", str(repo), str(other))
    settings = tmp_path / "settings"
    settings.write_text("[user]\n\tname = Bob\n\temail = bob@example.org\n[core]\n\tautocrlf = true\n")
    one = fixer(repo, "fix", *NEW, "--author", "A <a@b.c>")
    two = fixer(
        other, "fix", *NEW, "--author", "A <a@b.c>", GIT_CONFIG_GLOBAL=str(settings), TZ="Asia/Tokyo", LC_ALL="C"
    )
    assert "created" in one.stderr + two.stderr
    assert git(repo, "rev-parse", "nonroot/x") == git(other, "rev-parse", "nonroot/x")
    assert git(repo, "log", "-1", "--format=%ad", "--date=raw", "nonroot/x") == "1700000000 +0200"


@pytest.mark.parametrize(("path", "changed"), [("a", "a/Dockerfile"), ("b/Dockerfile", "b/Dockerfile")])
def test_a_part_of_the_repository_is_enough(repo: Path, path: str, changed: str) -> None:
    assert "1 commit on HEAD" in fixer(repo, "fix", path, *NEW).stderr
    assert git(repo, "diff", "--name-only", "main", "nonroot/x") == changed
    assert changed in git(repo, "log", "-1", "--format=%B", "nonroot/x").splitlines()


def test_tells_paths_from_the_top_also_from_within_a_folder(repo: Path) -> None:
    fixer(repo / "db", "fix", *NEW)
    assert "db/compose.yaml" in git(repo, "log", "-1", "--format=%B", "nonroot/x").splitlines()


def test_a_hook_that_names_its_own_repository_does_not_mislead(repo: Path, tmp_path: Path) -> None:
    other = made(tmp_path / "other", {"Dockerfile": BAD})
    before = state(other)
    places = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": str(other / ".git/index")}
    done = fixer(repo, "fix", *NEW, **places, GIT_OBJECT_DIRECTORY=str(other / ".git/objects"))
    assert "created" in done.stderr, done.stderr
    assert state(other) == before
    assert git(repo, "rev-parse", "--verify", "nonroot/x")


# --- what git or this program does not read -------------------------------------------------------


def test_an_empty_repository_has_no_commit_to_start_from(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    done = fixer(tmp_path, "fix", *NEW)
    assert (done.returncode, "names no commit" in done.stderr) == (2, True)


def test_objects_by_sha256_are_refused(tmp_path: Path) -> None:
    repo = made(tmp_path / "r", {"Dockerfile": BAD}, "--object-format=sha256")
    done = fixer(repo, "fix", *NEW)
    assert (done.returncode, "sha256, which is not supported; use --write" in done.stderr) == (2, True)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_a_repository_that_git_does_not_trust_is_refused(repo: Path) -> None:
    for folder in (repo, repo / ".git"):
        os.chown(folder, 54321, 54321)
    done = fixer(repo, "fix", *NEW)
    assert (done.returncode, "dubious ownership" in done.stderr) == (2, True)
    assert not (repo / ".git/refs/heads/nonroot").exists()


def test_outside_of_a_repository(tmp_path: Path) -> None:
    done = fixer(tmp_path, "fix", *NEW, GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert (done.returncode, "is in no git repository" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["-x", "a..b", "a b", "a\nb", "HEAD", "x.lock", "", "@{-1}", "~"])
def test_what_can_be_no_branch_is_told_before_the_work(repo: Path, name: str) -> None:
    with opened(repo) as store, pytest.raises(UsageError, match="can be no name of a branch"):
        store.branch(name)


@pytest.mark.parametrize("name", ["nothing", "--all", "-h", "HEAD:a", "main^{tree}", "$(id)", ""])
def test_what_names_no_commit_is_told(repo: Path, name: str) -> None:
    with opened(repo) as store, pytest.raises(UsageError, match="names no commit"):
        store.commit(name)


@pytest.mark.parametrize("words", [("--write",), ("--diff",), ("--rev", "HEAD"), ("--annotate",)])
def test_options_that_do_not_go_with_a_branch(repo: Path, words: tuple[str, ...]) -> None:
    done = fixer(repo, "fix", *NEW, *words)
    assert (done.returncode, "--branch writes commits" in done.stderr) == (2, True)


# --- killed at any moment -------------------------------------------------------------------------

_MANY = """
import sys
from pathlib import Path
from fixer.deliver.branches import Step, deliver
from fixer.deliver.gitstore import Person, opened
with opened(Path(sys.argv[1])) as store:
    base = store.commit("main")
    steps = [Step(f"Step {n}", {b"a/Dockerfile": b"FROM scratch\\n" * n}) for n in range(1, 120)]
    print("ready", flush=True)
    deliver(store, "nonroot/x", base, steps, Person("A", "a@b.c"), False)
"""


def _started(repo: Path) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", _MANY, repo], stdout=subprocess.PIPE, env={**os.environ, **GIT, "PYTHONPATH": str(ROOT)}
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    return child


def test_a_kill_at_any_moment_leaves_a_valid_repository_and_no_half_branch(repo: Path) -> None:
    start = time.monotonic()
    assert _started(repo).wait() == 0
    whole = time.monotonic() - start
    final = git(repo, "rev-parse", "nonroot/x")
    killed = 0
    moments = 30 if os.environ.get("FIXER_ALL") else 10
    for n in range(moments):
        git(repo, "update-ref", "-d", "refs/heads/nonroot/x")
        git(repo, "gc", "-q", "--prune=now")
        child = _started(repo)
        time.sleep(whole * n / moments)
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        assert git(repo, "rev-parse", "--verify", "-q", "nonroot/x", fails=True) in ("", final)
        assert git(repo, "fsck", "--no-dangling") == ""
        (repo / ".git/refs/heads/nonroot/x.lock").unlink(missing_ok=True)
    assert killed >= moments // 3
    assert _started(repo).wait() == 0
    assert git(repo, "rev-parse", "nonroot/x") == final


# --- a branch that is there already ---------------------------------------------------------------


def test_ours_is_replaced_and_the_same_is_left(repo: Path) -> None:
    assert delivered(repo).state == "created"
    assert delivered(repo).state == "unchanged"
    assert delivered(repo, b"FROM other\n").state == "updated"
    assert git(repo, "rev-list", "--count", "main..nonroot/x") == "1"


def test_ours_follows_a_base_that_went_on(repo: Path) -> None:
    delivered(repo)
    (repo / "new").write_bytes(b"")
    git(repo, "add", "new")
    git(repo, "commit", "-qm", "Go on")
    assert delivered(repo).state == "updated"
    assert git(repo, "rev-parse", "nonroot/x^") == git(repo, "rev-parse", "main")


def _amended_words(repo: Path) -> None:
    text = git(repo, "log", "-1", "--format=%B")
    git(repo, "-c", "user.name=Bob", "commit", "-q", "--amend", "--date=1700000005 +0000", "-m", f"Better\n\n{text}")


def _amended_files(repo: Path) -> None:
    (repo / "a/Dockerfile").write_bytes(b"FROM mine\n")
    git(repo, "commit", "-qa", "--amend", "--no-edit")


def _commit_on_top(repo: Path) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", "Mine")


def _rebased(repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "other", "main")
    (repo / "new").write_bytes(b"")
    git(repo, "add", "new")
    git(repo, "commit", "-qm", "Go on")
    git(repo, "rebase", "-q", "other", "nonroot/x")


def _merged(repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "other", "main")
    (repo / "new").write_bytes(b"")
    git(repo, "add", "new")
    git(repo, "commit", "-qm", "Go on")
    git(repo, "checkout", "-q", "nonroot/x")
    git(repo, "merge", "-q", "--no-edit", "other")


@pytest.mark.parametrize("way", [_amended_words, _amended_files, _commit_on_top, _rebased, _merged])
def test_what_a_person_did_to_a_branch_stays(repo: Path, way: Callable[[Path], None]) -> None:
    delivered(repo)
    git(repo, "checkout", "-q", "nonroot/x")
    way(repo)
    git(repo, "checkout", "-q", "main")
    theirs = git(repo, "rev-parse", "nonroot/x")
    with pytest.raises(FixerError, match="has a commit that was not made here"):
        delivered(repo, b"FROM other\n")
    assert git(repo, "rev-parse", "nonroot/x") == theirs


def test_a_branch_of_a_person_stays_also_where_it_has_nothing_of_its_own(repo: Path) -> None:
    git(repo, "branch", "nonroot/x", "main~1")
    assert delivered(repo).state == "updated"
    git(repo, "checkout", "-q", "--orphan", "other")
    git(repo, "commit", "-qm", "Begin anew")
    with pytest.raises(FixerError, match="not made here"):
        delivered(repo, name="other")


def test_a_base_that_was_rewritten_leaves_the_branch(repo: Path) -> None:
    delivered(repo)
    git(repo, "commit", "-q", "--amend", "-m", "Another start")
    with pytest.raises(FixerError, match="not made here"):
        delivered(repo)


@pytest.mark.parametrize("bare", [False, True])
def test_a_branch_that_is_checked_out_somewhere_stays(repo: Path, tmp_path: Path, bare: bool) -> None:
    where = _bare(repo, tmp_path / "bare") if bare else repo
    delivered(where)
    git(where, "worktree", "add", "-q", str(tmp_path / "tree"), "nonroot/x")
    with pytest.raises(FixerError, match="is checked out"):
        delivered(where, b"FROM other\n")


def test_a_branch_that_waits_for_its_first_commit_stays(repo: Path) -> None:
    git(repo, "checkout", "-q", "--orphan", "nonroot/x")
    with pytest.raises(FixerError, match="is checked out"):
        delivered(repo)


def test_a_branch_that_moved_meanwhile_stays(repo: Path) -> None:
    first = delivered(repo).commits[-1]
    with opened(repo) as store, pytest.raises(FixerError, match="run again"):
        store.set_branch("nonroot/x", first, git(repo, "rev-parse", "main"))
    with opened(repo) as store, pytest.raises(FixerError, match="run again"):
        store.set_branch("nonroot/x", first, None)
    assert git(repo, "rev-parse", "nonroot/x") == first


def test_a_branch_cannot_stand_below_another(repo: Path) -> None:
    git(repo, "branch", "nonroot")
    done = fixer(repo, "fix", *NEW)
    assert (done.returncode, "branch 'nonroot/x' cannot be set" in done.stderr) == (2, True)


# --- what goes into the commits -------------------------------------------------------------------


def test_units_rules_and_all_end_at_the_same_tree(repo: Path) -> None:
    counts = {}
    for each in ("unit", "rule", "all"):
        fixer(repo, "fix", "--branch", each, "--commit-per", each)
        counts[each] = int(git(repo, "rev-list", "--count", f"main..{each}"))
    trees = {git(repo, "rev-parse", f"{each}^{{tree}}") for each in counts}
    assert len(trees) == 1
    assert (counts["unit"], counts["all"]) == (3, 1)
    assert counts["rule"] > 1
    assert all(line.startswith("Repair what ") for line in git(repo, "log", "--format=%s", "main..rule").splitlines())


def test_author_sign_off_and_base(repo: Path) -> None:
    git(repo, "branch", "old", "main~1")
    fixer(repo, "fix", *NEW, "--base", "old", "--sign-off", "--author", " Zoë <z@example.org> ")
    assert git(repo, "merge-base", "main", "nonroot/x") == git(repo, "rev-parse", "old")
    assert git(repo, "log", "-1", "--format=%an <%ae>|%cn", "nonroot/x") == "Zoë <z@example.org>|Zoë"
    assert "Signed-off-by: Zoë <z@example.org>" in git(repo, "log", "-1", "--format=%B", "nonroot/x").splitlines()


def test_an_author_without_address_is_told(repo: Path) -> None:
    assert "it takes a name and an address" in fixer(repo, "fix", *NEW, "--author", "Ann").stderr


def test_the_person_of_the_configuration_makes_the_commits(repo: Path) -> None:
    git(repo, "config", "user.name", "Cy\\n<x> Ltd")
    git(repo, "config", "user.email", "cy@example.org")
    fixer(repo, "fix", *NEW)
    assert git(repo, "log", "-1", "--format=%ae", "nonroot/x") == "cy@example.org"
    assert git(repo, "fsck", "--no-dangling") == ""


def test_old_modes_and_odd_rows_of_trees_stay(repo: Path) -> None:
    blob = git(repo, "hash-object", "-w", "--stdin", stdin=BAD)
    rows = (
        b"".join(
            mode + b" " + name + b"\0" + bytes.fromhex(blob)
            for mode, name in ((b"100664", b"Dockerfile"), (b"100755", b"run"), (b"120000", b"to"), (b"100664", b"z"))
        )
        + b"160000 zz\0"
        + bytes(range(20))
    )
    tree = git(repo, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=rows)
    with opened(repo) as store:
        after = store.changed(tree, {b"Dockerfile": b"FROM scratch\n"})
    raw = subprocess.run(["git", "cat-file", "tree", after], cwd=repo, capture_output=True, check=True).stdout
    blob_after = git(repo, "hash-object", "--stdin", stdin=b"FROM scratch\n")
    assert raw == rows.replace(bytes.fromhex(blob), bytes.fromhex(blob_after), 1)


def test_a_path_that_is_no_file_of_the_commit_is_told(repo: Path) -> None:
    with opened(repo) as store:
        tree = store.commit("main").tree
        for path in (b"a", b"nothing", b"a/Dockerfile/x"):
            with pytest.raises(FixerError, match="is no file of the commit"):
                store.changed(tree, {path: b""})


# --- reading a commit -----------------------------------------------------------------------------


def test_a_commit_is_read_as_its_checkout_is(repo: Path, tmp_path: Path) -> None:
    wanted = fixer(repo, "fix", "--diff"), fixer(repo, "check", "--format", "json")
    bare = _bare(repo, tmp_path / "bare")
    for path in ("a/Dockerfile", "b/Dockerfile", "db/compose.yaml"):
        (repo / path).write_bytes(b"FROM scratch\n")
    git(repo, "commit", "-qam", "Change all")
    for where, revision in ((repo, "HEAD~1"), (bare, "HEAD")):
        diff = fixer(where, "fix", "--rev", revision, "--diff")
        check = fixer(where, "check", "--rev", revision, "--format", "json")
        assert (diff.stdout, diff.returncode) == (wanted[0].stdout, wanted[0].returncode)
        assert (check.stdout, check.returncode) == (wanted[1].stdout, wanted[1].returncode)
    git(repo, "checkout", "-q", "HEAD~1")
    git(repo, "apply", "--check", stdin=wanted[0].stdout.encode())
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("path", "words"), [("../elsewhere", "is not in the repository"), ("nothing", "the commit has no such file")]
)
def test_a_path_that_the_commit_does_not_have(repo: Path, path: str, words: str) -> None:
    made(repo.parent / "elsewhere", {"Dockerfile": BAD})
    done = fixer(repo, "check", "--rev", "HEAD", ".", path)
    assert (done.returncode, words in done.stderr) == (2, True)
