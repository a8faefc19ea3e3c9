"""The forge in a folder behaves like GitHub, and is ill when it is told to."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fixer.errors import UsageError
from fixer.forge.base import Draft, Forge, ForgeError, State
from fixer.forge.memory import Fault, Memory, Trouble
from tests.forge.made import bare, commit, git

DRAFT = Draft("nonroot/web-1", "main", "Run web as a user", "Because root is a problem.", ("security", "nonroot"))


@pytest.fixture
def forge(tmp_path: Path) -> Memory:
    path = bare(tmp_path, "shop/web")
    commit(path, "nonroot/web-1", "Run as a user", base="main")
    return Memory(tmp_path)


@pytest.fixture
def path(forge: Memory) -> Path:
    return forge.folder / "shop/web.git"


def test_it_is_a_forge(forge: Memory) -> None:
    one: Forge = forge
    assert one.identity() == "fixer-bot"
    assert one.login() is None


def test_it_knows_its_repositories(forge: Memory, path: Path) -> None:
    bare(forge.folder, "shop/api")
    forge.settings("shop/api", archived=True)
    api, web = forge.repositories("shop")
    assert (web.name, web.clone_url, web.default_branch, web.archived) == ("shop/web", str(path), "main", False)
    assert (api.name, api.archived, api.fork, api.disabled) == ("shop/api", True, False, False)
    assert forge.repository("shop/web") == web


@pytest.mark.parametrize("name", ["shop/none", "shop", "../web", "shop/../shop/web", "/etc", "-x/y", "", "shop/web\n"])
def test_what_is_no_repository_is_told(forge: Memory, name: str) -> None:
    with pytest.raises((ForgeError, UsageError), match=r"no such repository|can be no repository"):
        forge.repository(name)


def test_a_request_is_opened_once(forge: Memory, path: Path) -> None:
    made = forge.open("shop/web", DRAFT)
    assert (made.number, made.state, made.branch, made.base) == (1, State.OPEN, "nonroot/web-1", "main")
    assert made.head == git(path, "rev-parse", "nonroot/web-1")
    assert (made.author, made.labels, made.draft, made.closed_by) == ("fixer-bot", ("security", "nonroot"), False, "")
    with pytest.raises(ForgeError, match=r"already exists for shop:nonroot/web-1") as caught:
        forge.open("shop/web", DRAFT)
    assert caught.value.status == 422
    assert list(forge.requests("shop/web")) == [made]


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (DRAFT._replace(branch="nonroot/none"), "head nonroot/none is no branch"),
        (DRAFT._replace(branch="main"), "No commits between main and main"),
        (DRAFT._replace(base="none"), "base none is no branch"),
        (DRAFT._replace(base=""), "base"),
        (DRAFT._replace(body="x" * 65_537), "body is too long"),
        (DRAFT._replace(title=" "), "blank"),
    ],
)
def test_what_github_refuses_is_refused(forge: Memory, draft: Draft, why: str) -> None:
    with pytest.raises(ForgeError, match=why) as caught:
        forge.open("shop/web", draft)
    assert (caught.value.status, caught.value.again_after) == (422, None)
    assert list(forge.requests("shop/web")) == []


def test_an_archived_repository_is_only_read(forge: Memory) -> None:
    forge.open("shop/web", DRAFT)
    forge.settings("shop/web", archived=True)
    for write in (
        lambda: forge.open("shop/web", DRAFT),
        lambda: forge.update("shop/web", 1, DRAFT),
        lambda: forge.comment("shop/web", 1, "Hello"),
        lambda: forge.close("shop/web", 1),
    ):
        with pytest.raises(ForgeError, match="archived"):
            write()
    assert next(forge.requests("shop/web")).state is State.OPEN


def test_a_request_follows_its_branch(forge: Memory, path: Path) -> None:
    before = forge.open("shop/web", DRAFT)
    moved = commit(path, "nonroot/web-1", "A person's commit")
    (after,) = forge.requests("shop/web", "nonroot/web-1")
    assert after == before._replace(head=moved)


def test_a_branch_that_goes_closes_its_request(forge: Memory, path: Path) -> None:
    before = forge.open("shop/web", DRAFT)
    git(path, "update-ref", "-d", "refs/heads/nonroot/web-1")
    (after,) = forge.requests("shop/web")
    assert after == before._replace(state=State.CLOSED, closed_by="somebody")


def test_it_is_told_who_closed(forge: Memory) -> None:
    forge.open("shop/web", DRAFT)
    Memory(forge.folder, "person").close("shop/web", 1)
    forge.close("shop/web", 1)  # which changes nothing any more
    (after,) = forge.requests("shop/web")
    assert (after.state, after.closed_by) == (State.CLOSED, "person")
    assert forge.open("shop/web", DRAFT).number == 2
    assert [one.number for one in forge.requests("shop/web")] == [2, 1]
    with pytest.raises(ForgeError, match="already exists"):
        forge.reopen("shop/web", 1)


def test_a_closed_request_is_opened_again(forge: Memory) -> None:
    made = forge.open("shop/web", DRAFT)
    forge.close("shop/web", 1)
    forge.reopen("shop/web", 1)
    assert list(forge.requests("shop/web")) == [made]


def test_a_closed_request_stays_where_it_was(forge: Memory, path: Path) -> None:
    made = forge.open("shop/web", DRAFT)
    forge.close("shop/web", 1)
    commit(path, "nonroot/web-1", "Later")
    assert next(forge.requests("shop/web")).head == made.head


def test_a_merge_moves_the_base(forge: Memory, path: Path) -> None:
    made = forge.open("shop/web", DRAFT)
    Memory(forge.folder, "person").merge("shop/web", 1)
    assert git(path, "rev-parse", "main") == made.head
    (after,) = forge.requests("shop/web")
    assert (after.state, after.closed_by) == (State.MERGED, "person")
    with pytest.raises(ForgeError, match="not mergeable"):
        forge.merge("shop/web", 1)


def test_a_push_to_the_base_merges(forge: Memory, path: Path) -> None:
    made = forge.open("shop/web", DRAFT)
    git(path, "update-ref", "refs/heads/main", made.head)
    assert next(forge.requests("shop/web")).state is State.MERGED


def test_an_update_keeps_what_people_added(forge: Memory) -> None:
    forge.open("shop/web", DRAFT._replace(draft=True))
    said = DRAFT._replace(title="New", body="Newer", labels=("late", "security"))
    after = forge.update("shop/web", 1, said)
    assert (after.title, after.body, after.labels) == ("New", "Newer", ("security", "nonroot", "late"))
    assert (after.draft, after.branch, after.number) == (True, "nonroot/web-1", 1)


def test_comments_are_kept(forge: Memory) -> None:
    forge.open("shop/web", DRAFT)
    forge.comment("shop/web", 1, "One")
    Memory(forge.folder, "person").comment("shop/web", 1, "Two")
    assert forge.comments("shop/web", 1) == [("fixer-bot", "One"), ("person", "Two")]
    with pytest.raises(ForgeError, match="no such"):
        forge.comment("shop/web", 9, "Three")


def test_branches_are_looked_up_by_name(forge: Memory, path: Path) -> None:
    commit(path, "nonroot/web-2", "Another", base="main")
    forge.open("shop/web", DRAFT)
    forge.open("shop/web", DRAFT._replace(branch="nonroot/web-2"))
    assert [one.number for one in forge.requests("shop/web", "nonroot/web-1")] == [1]
    assert [one.number for one in forge.requests("shop/web", "nonroot/web")] == []


@pytest.mark.parametrize(
    ("trouble", "again"),
    [
        (Trouble.TIMEOUT, 30.0),
        (Trouble.LIMIT, 7.0),
        (Trouble.BROKEN, 30.0),
        (Trouble.ELSEWHERE, None),
        (Trouble.NONSENSE, None),
    ],
)
def test_trouble_comes_once(forge: Memory, trouble: Trouble, again: float | None) -> None:
    forge.faults.append(Fault("open", trouble, seconds=7))
    assert forge.identity() == "fixer-bot"  # which is no opening
    with pytest.raises(ForgeError) as caught:
        forge.open("shop/web", DRAFT)
    assert caught.value.again_after == again
    assert list(forge.requests("shop/web")) == []
    assert forge.open("shop/web", DRAFT).number == 1


def test_an_answer_may_be_lost_after_the_deed(forge: Memory) -> None:
    forge.faults.append(Fault("open", Trouble.TIMEOUT, done=True))
    with pytest.raises(ForgeError, match="did not answer"):
        forge.open("shop/web", DRAFT)
    assert [one.number for one in forge.requests("shop/web")] == [1]


def test_a_slow_answer_comes(forge: Memory) -> None:
    forge.faults.append(Fault("", Trouble.SLOW, seconds=0.01))
    assert forge.identity() == "fixer-bot"
    assert forge.faults == []


def test_hooks_do_not_run(forge: Memory, path: Path, tmp_path: Path) -> None:
    hook = path / "hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    forge.open("shop/web", DRAFT)
    forge.merge("shop/web", 1)
    assert not (tmp_path / "ran").exists()


def test_several_at_once_number_their_requests(forge: Memory, path: Path) -> None:
    for number in range(12):
        commit(path, f"nonroot/part-{number}", f"Part {number}", base="main")
    ready = threading.Barrier(3)

    def work(first: int) -> None:
        mine = Memory(forge.folder)
        ready.wait(30)
        for number in range(first, 12, 3):
            mine.open("shop/web", DRAFT._replace(branch=f"nonroot/part-{number}", title=f"{number}"))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert sorted(one.number for one in forge.requests("shop/web")) == list(range(1, 13))
    assert sorted(int(one.title) for one in forge.requests("shop/web")) == list(range(12))


def test_what_is_killed_leaves_the_forge_as_it_was(forge: Memory) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from fixer.forge.base import Draft\nfrom fixer.forge.memory import Memory\n"
        "class Dying(Memory):\n"
        "    def _one(self, *arguments):\n"
        "        os.kill(os.getpid(), 9)\n"
        "Dying(Path(sys.argv[1])).open('shop/web', Draft('nonroot/web-1', 'main', 'x', 'y'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, forge.folder], timeout=60, check=False)
    assert done.returncode == -9
    assert list(forge.requests("shop/web")) == []
    assert forge.open("shop/web", DRAFT).number == 1
