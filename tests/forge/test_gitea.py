"""Gitea and Forgejo: what is asked of them, and what is made of their answers."""

from __future__ import annotations

from typing import Any

import pytest

from fixer.errors import UsageError
from fixer.forge.base import Draft, ForgeError, Hosted, Login, Request, State
from fixer.forge.gitea import Gitea
from tests.forge.server import Answer, Server, paged, served

API = "/api/v1"
REPOSITORY = f"{API}/repos/shop/web"
TOKEN = "t0ken-of-the-test-0123456789"
SHA = "5" * 40
DRAFT = Draft("nonroot/web-1", "main", "Run web as a user", "Because.", ("security", "nonroot"))


def pull(number: int = 1, **other: Any) -> dict[str, Any]:
    """A pull request as Gitea writes it."""
    return {
        "number": number,
        "state": "open",
        "title": "Run web as a user",
        "body": "Because.",
        "user": {"login": "fixer-bot"},
        "html_url": f"https://codeberg.org/shop/web/pulls/{number}",
        "labels": [{"id": 3, "name": "security"}],
        "merged": False,
        "head": {"label": "nonroot/web-1", "ref": "nonroot/web-1", "sha": SHA, "repo_id": 7},
        "base": {"label": "main", "ref": "main", "sha": "4" * 40, "repo_id": 7},
        **other,
    }


def repository(name: str = "shop/web", **other: Any) -> dict[str, Any]:
    return {"full_name": name, "default_branch": "main", "clone_url": "ext::sh -c evil", **other}


def ready(server: Server) -> Gitea:
    return Gitea(server.address, TOKEN, 5)


@pytest.mark.parametrize("other", [{"mirror": True}, {"has_pull_requests": False}])
def test_a_repository_is_cloned_from_the_forge_that_was_asked(other: dict[str, Any]) -> None:
    with served({f"GET {REPOSITORY}": repository(fork=True, **other)}) as server:
        found = ready(server).repository("shop/web")
    assert found == Hosted("shop/web", f"{server.address}/shop/web.git", "main", False, True, True)
    assert server.asked[0].headers["authorization"] == f"token {TOKEN}"


def test_all_repositories_are_listed_page_by_page() -> None:
    rows = [repository(f"shop/part-{number}") for number in range(120)]
    with served({f"GET {API}/orgs/shop/repos": paged(rows, 50)}) as server:
        assert [one.name for one in ready(server).repositories("shop")] == [row["full_name"] for row in rows]
    with served({f"GET {API}/users/ann/repos": [repository("ann/web")]}) as server:
        assert [one.name for one in ready(server).repositories("ann")] == ["ann/web"]
        with pytest.raises(UsageError, match="no owner"):
            list(ready(server).repositories("shop/sub"))


def test_a_request_is_read() -> None:
    with served({f"GET {REPOSITORY}/pulls": [pull()]}) as server:
        (found,) = ready(server).requests("shop/web", "nonroot/web-1")
    url = "https://codeberg.org/shop/web/pulls/1"
    words = ("Run web as a user", "Because.", "fixer-bot", url)
    assert found == Request(1, State.OPEN, "nonroot/web-1", "main", SHA, *words, "", ("security",), False)
    assert server.asked[0].query == {"state": "all", "limit": "50", "page": "1"}


def test_a_request_whose_branch_is_gone_keeps_its_name() -> None:
    gone = {"label": "nonroot/web-1", "ref": "refs/pull/1/head", "sha": "", "repo_id": 7}
    with served({f"GET {REPOSITORY}/pulls": [pull(head=gone, state="closed", merged=True)]}) as server:
        (found,) = ready(server).requests("shop/web", "nonroot/web-1")
    assert (found.state, found.head) == (State.MERGED, "")


def test_newest_come_first_and_forks_not_at_all() -> None:
    rows = [pull(1), pull(3), pull(4, head={**pull()["head"], "repo_id": 8}), pull(2)]
    with served({f"GET {REPOSITORY}/pulls": rows}) as server:
        assert [one.number for one in ready(server).requests("shop/web")] == [3, 2, 1]


def test_the_last_who_closed_counts() -> None:
    timeline = [
        {"type": "close", "user": {"login": "fixer-bot"}},
        {"type": "reopen", "user": {"login": "bob"}},
        {"type": "close", "user": {"login": "ann"}},
        {"type": "comment", "user": {"login": "carl"}},
    ]
    routes = {
        f"GET {REPOSITORY}/pulls": [pull(2, state="closed", user={"login": "bob"}), pull(1, state="closed")],
        f"GET {REPOSITORY}/issues/1/timeline": paged(timeline, 2),
        f"GET {API}/user": {"login": "fixer-bot"},
    }
    with served(routes) as server:
        assert [one.closed_by for one in ready(server).requests("shop/web")] == ["", "ann"]


@pytest.mark.parametrize("draft", [False, True])
def test_a_request_is_opened_with_labels_that_are_made(draft: bool) -> None:
    title = "WIP: Run web as a user" if draft else "Run web as a user"
    routes = {
        f"GET {REPOSITORY}/labels": paged([{"id": 3, "name": "security"}], 50),
        f"POST {REPOSITORY}/labels": Answer({"id": 4, "name": "nonroot"}, 201),
        f"POST {REPOSITORY}/pulls": Answer(pull(5, title=title), 201),
    }
    with served(routes) as server:
        made = ready(server).open("shop/web", DRAFT._replace(draft=draft))
    assert (made.number, made.title, made.draft) == (5, "Run web as a user", draft)
    label = {"name": "nonroot", "color": "#ededed"}
    what = {"base": "main", "head": "nonroot/web-1", "title": title, "body": "Because.", "labels": [3, 4]}
    assert server.said("POST") == [(f"{REPOSITORY}/labels", label), (f"{REPOSITORY}/pulls", what)]


def test_labels_of_the_organisation_are_used() -> None:
    routes = {
        f"GET {API}/orgs/shop/labels": [{"id": 1, "name": "security"}, {"id": 2, "name": "nonroot"}],
        f"GET {REPOSITORY}/labels": [],
        f"POST {REPOSITORY}/pulls": Answer(pull(5), 201),
    }
    with served(routes) as server:
        ready(server).open("shop/web", DRAFT)
    assert server.said("POST")[0][1]["labels"] == [1, 2]


@pytest.mark.parametrize("draft", [False, True])
def test_an_update_keeps_what_is_not_its_own(draft: bool) -> None:
    title = "WIP: Old" if draft else "Old"
    routes = {
        f"GET {REPOSITORY}/pulls/1": pull(title=title),
        f"PATCH {REPOSITORY}/pulls/1": Answer(pull(), 201),
        f"GET {REPOSITORY}/labels": [{"id": 4, "name": "nonroot"}],
        f"POST {REPOSITORY}/issues/1/labels": [{"name": "security"}, {"name": "nonroot"}],
    }
    with served(routes) as server:
        made = ready(server).update("shop/web", 1, DRAFT)
    assert made.labels == ("security", "nonroot")
    said = "WIP: Run web as a user" if draft else "Run web as a user"
    assert server.said("PATCH") == [(f"{REPOSITORY}/pulls/1", {"title": said, "body": "Because.", "base": "main"})]
    assert server.said("POST") == [(f"{REPOSITORY}/issues/1/labels", {"labels": [4]})]


def test_it_says_something_and_closes() -> None:
    routes = {f"POST {REPOSITORY}/issues/1/comments": Answer({}, 201), f"PATCH {REPOSITORY}/pulls/1": Answer({}, 201)}
    with served(routes) as server:
        ready(server).comment("shop/web", 1, "No longer needed.")
        ready(server).close("shop/web", 1)
    assert server.said("POST") == [(f"{REPOSITORY}/issues/1/comments", {"body": "No longer needed."})]
    assert server.said("PATCH") == [(f"{REPOSITORY}/pulls/1", {"state": "closed"})]


def test_the_identity_is_asked_once() -> None:
    with served({f"GET {API}/user": {"login": "fixer-bot"}}) as server:
        forge = ready(server)
        assert (forge.identity(), forge.identity()) == ("fixer-bot", "fixer-bot")
        assert forge.login() == Login("oauth2", TOKEN)
    assert len(server.asked) == 1


@pytest.mark.parametrize("other", [{"state": "gone"}, {"number": None}, {"base": {"label": "-x", "repo_id": 7}}])
def test_what_git_would_be_given_has_to_be_right(other: dict[str, Any]) -> None:
    routes = {f"GET {REPOSITORY}/pulls": [pull(**other)]}
    with served(routes) as server, pytest.raises(ForgeError, match="makes no sense"):
        list(ready(server).requests("shop/web"))
