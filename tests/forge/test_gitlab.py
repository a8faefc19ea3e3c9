"""GitLab: what is asked of it, and what is made of its answers."""

from __future__ import annotations

from typing import Any

import pytest

from fixer.errors import UsageError
from fixer.forge.base import Draft, ForgeError, Hosted, Login, Request, State
from fixer.forge.gitlab import GitLab
from tests.forge.server import Answer, Server, paged, served

PROJECT = "/api/v4/projects/shop%2Fparts%2Fweb"
REQUESTS = f"{PROJECT}/merge_requests"
TOKEN = "t0ken-of-the-test-0123456789"
SHA = "5" * 40
DRAFT = Draft("nonroot/web-1", "main", "Run web as a user", "Because.", ("security", "nonroot"))
NAME = "shop/parts/web"


def request(number: int = 1, **other: Any) -> dict[str, Any]:
    """A merge request as GitLab writes it."""
    return {
        "id": 1000 + number,
        "iid": number,
        "state": "opened",
        "title": "Run web as a user",
        "description": "Because.",
        "author": {"username": "fixer-bot"},
        "web_url": f"https://gitlab.com/{NAME}/-/merge_requests/{number}",
        "labels": ["security"],
        "draft": False,
        "source_branch": "nonroot/web-1",
        "target_branch": "main",
        "source_project_id": 7,
        "target_project_id": 7,
        "sha": SHA,
        "closed_by": None,
        **other,
    }


def project(name: str = NAME, **other: Any) -> dict[str, Any]:
    return {"path_with_namespace": name, "default_branch": "main", "http_url_to_repo": "ext::sh -c evil", **other}


def ready(server: Server) -> GitLab:
    return GitLab(server.address, TOKEN, 5)


def test_a_project_is_cloned_from_the_forge_that_was_asked() -> None:
    with served({f"GET {PROJECT}": project(archived=True, forked_from_project={"id": 1})}) as server:
        found = ready(server).repository(NAME)
    assert found == Hosted(NAME, f"{server.address}/{NAME}.git", "main", True, True, False)
    assert server.asked[0].headers["private-token"] == TOKEN


@pytest.mark.parametrize(
    "other",
    [
        {"merge_requests_access_level": "disabled"},
        {"repository_access_level": "disabled"},
        {"merge_requests_enabled": False},
        {"marked_for_deletion_on": "2026-12-01"},
    ],
)
def test_where_nothing_can_be_requested(other: dict[str, Any]) -> None:
    with served({f"GET {PROJECT}": project(**other)}) as server:
        assert ready(server).repository(NAME).disabled is True


def test_all_projects_of_a_group_are_listed() -> None:
    rows = [project(f"shop/sub/part-{number}") for number in range(120)]
    with served({"GET /api/v4/groups/shop%2Fsub/projects": paged(rows, 50)}) as server:
        assert [one.name for one in ready(server).repositories("shop/sub")] == [
            row["path_with_namespace"] for row in rows
        ]
    assert [one.query["page"] for one in server.asked] == ["1", "2", "3"]
    assert server.asked[0].query["include_subgroups"] == "true"


def test_who_is_no_group_is_a_user() -> None:
    with served({"GET /api/v4/users/ann/projects": [project("ann/web")]}) as server:
        assert [one.name for one in ready(server).repositories("ann")] == ["ann/web"]
        with pytest.raises(ForgeError, match="no such"):
            list(ready(server).repositories("ann/sub"))


def test_a_request_is_read() -> None:
    with served({f"GET {REQUESTS}": [request(closed_by={"username": "ann"}, state="closed")]}) as server:
        (found,) = ready(server).requests(NAME, "nonroot/web-1")
    url = f"https://gitlab.com/{NAME}/-/merge_requests/1"
    words = ("Run web as a user", "Because.", "fixer-bot", url)
    assert found == Request(1, State.CLOSED, "nonroot/web-1", "main", SHA, *words, "ann", ("security",), False)
    asked = {"state": "all", "scope": "all", "order_by": "created_at", "sort": "desc", "source_branch": "nonroot/web-1"}
    assert server.asked[0].query == {**asked, "per_page": "50", "page": "1"}


def test_all_requests_are_listed_page_by_page() -> None:
    with served({f"GET {REQUESTS}": paged([request(number) for number in range(120, 0, -1)], 50)}) as server:
        assert [one.number for one in ready(server).requests(NAME)] == list(range(120, 0, -1))


@pytest.mark.parametrize(
    ("state", "became"),
    [("opened", State.OPEN), ("locked", State.OPEN), ("closed", State.CLOSED), ("merged", State.MERGED)],
)
def test_states(state: str, became: State) -> None:
    with served({f"GET {REQUESTS}": [request(state=state, sha=None)]}) as server:
        (found,) = ready(server).requests(NAME)
    assert (found.state, found.head) == (became, "")


@pytest.mark.parametrize("other", [{"state": "gone"}, {"iid": None}, {"source_branch": "-x"}, {"sha": "main"}])
def test_what_git_would_be_given_has_to_be_right(other: dict[str, Any]) -> None:
    with served({f"GET {REQUESTS}": [request(**other)]}) as server, pytest.raises(ForgeError, match="makes no sense"):
        list(ready(server).requests(NAME))


def test_requests_from_elsewhere_are_not_ours() -> None:
    rows = [request(3, source_project_id=8), request(2, source_branch="nonroot/web-10"), request(1)]
    with served({f"GET {REQUESTS}": rows}) as server:
        assert [one.number for one in ready(server).requests(NAME, "nonroot/web-1")] == [1]


def test_a_request_is_opened() -> None:
    with served({f"POST {REQUESTS}": Answer(request(5, title="Draft: Run web as a user", draft=True), 201)}) as server:
        made = ready(server).open(NAME, DRAFT._replace(draft=True))
    assert (made.number, made.draft, made.title) == (5, True, "Run web as a user")
    what = {
        "source_branch": "nonroot/web-1",
        "target_branch": "main",
        "title": "Draft: Run web as a user",
        "description": "Because.",
        "labels": "security,nonroot",
    }
    assert server.said("POST") == [(REQUESTS, what)]


def test_a_label_with_a_comma_would_be_two() -> None:
    with served({}) as server:
        with pytest.raises(UsageError, match="without a comma"):
            ready(server).open(NAME, DRAFT._replace(labels=("a,b",)))
        assert server.asked == []


@pytest.mark.parametrize("draft", [False, True])
def test_an_update_keeps_what_is_not_its_own(draft: bool) -> None:
    before = request(title="Draft: Old" if draft else "Old", draft=draft)
    with served({f"GET {REQUESTS}/1": before, f"PUT {REQUESTS}/1": request(draft=draft)}) as server:
        ready(server).update(NAME, 1, DRAFT._replace(draft=not draft))
    what = {
        "target_branch": "main",
        "title": "Draft: Run web as a user" if draft else "Run web as a user",
        "description": "Because.",
        "add_labels": "security,nonroot",
    }
    assert server.said("PUT") == [(f"{REQUESTS}/1", what)]


def test_no_line_is_a_command() -> None:
    """GitLab does what a line of a text says: /merge, /close, /assign."""
    body = "/merge\nDo not /close.\n/etc/passwd\r\n  /assign @ann\n1/2\n\n/label ~x"
    harmless = "\\/merge\nDo not /close.\n\\/etc/passwd\r\n  /assign @ann\n1/2\n\n\\/label ~x"
    routes = {
        f"POST {REQUESTS}": Answer(request(description=harmless), 201),
        f"POST {REQUESTS}/1/notes": Answer({}, 201),
        f"GET {REQUESTS}/1": request(),
        f"PUT {REQUESTS}/1": request(description=harmless),
    }
    with served(routes) as server:
        forge = ready(server)
        made = forge.open(NAME, DRAFT._replace(body=body))
        forge.comment(NAME, 1, body)
        forge.update(NAME, 1, DRAFT._replace(body=body))
    sent = [said["description"] if "description" in said else said["body"] for _, said in server.said("POST")]
    assert sent == [harmless, harmless]
    assert server.said("PUT")[0][1]["description"] == harmless
    assert made.body == body


def test_it_says_something_and_closes() -> None:
    with served({f"POST {REQUESTS}/1/notes": Answer({}, 201), f"PUT {REQUESTS}/1": request(state="closed")}) as server:
        ready(server).comment(NAME, 1, "No longer needed.")
        ready(server).close(NAME, 1)
    assert server.said("POST") == [(f"{REQUESTS}/1/notes", {"body": "No longer needed."})]
    assert server.said("PUT") == [(f"{REQUESTS}/1", {"state_event": "close"})]


def test_the_identity_is_asked_once() -> None:
    with served({"GET /api/v4/user": {"username": "fixer-bot"}}) as server:
        forge = ready(server)
        assert (forge.identity(), forge.identity()) == ("fixer-bot", "fixer-bot")
        assert forge.login() == Login("oauth2", TOKEN)
    assert len(server.asked) == 1


def test_the_token_of_a_job_goes_by_another_name() -> None:
    with served({"GET /api/v4/job": {"user": {"username": "ann"}}}) as server:
        forge = GitLab(server.address, TOKEN, 5, job=True)
        assert forge.identity() == "ann"
        assert forge.login() == Login("gitlab-ci-token", TOKEN)
    assert server.asked[0].headers["job-token"] == TOKEN
    assert "private-token" not in server.asked[0].headers


def test_limits_are_not_waited_for() -> None:
    with served({"*": Answer({"message": "Retry later"}, 429, {"Retry-After": "9"})}) as server:
        with pytest.raises(ForgeError) as caught:
            ready(server).open(NAME, DRAFT)
        assert len(server.asked) == 1
    assert caught.value.again_after == 9.0
