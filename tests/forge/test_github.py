"""GitHub: what is asked of it, and what is made of its answers."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fixer import masking
from fixer.errors import UsageError
from fixer.forge.base import Draft, ForgeError, Hosted, Login, Request, State
from fixer.forge.github import App, GitHub
from tests.forge.server import Answer, Asked, Server, paged, served

API = "/api/v3"
PULLS = f"{API}/repos/shop/web/pulls"
TOKEN = "t0ken-of-the-test-0123456789"
SHA = "5" * 40
DRAFT = Draft("nonroot/web-1", "main", "Run web as a user", "Because.", ("security", "nonroot"))


def pull(number: int = 1, **other: Any) -> dict[str, Any]:
    """A pull request as GitHub writes it."""
    repo = {"id": 7, "full_name": "shop/web"}
    return {
        "number": number,
        "state": "open",
        "title": "Run web as a user",
        "body": "Because.",
        "user": {"login": "fixer-bot"},
        "html_url": f"https://github.com/shop/web/pull/{number}",
        "labels": [{"name": "security"}],
        "draft": False,
        "merged_at": None,
        "head": {"ref": "nonroot/web-1", "sha": SHA, "repo": repo},
        "base": {"ref": "main", "sha": "4" * 40, "repo": repo},
        **other,
    }


def repository(name: str = "shop/web", **other: Any) -> dict[str, Any]:
    return {"full_name": name, "default_branch": "main", "clone_url": "ext::sh -c evil", **other}


def ready(server: Server) -> GitHub:
    return GitHub(server.address, TOKEN, 5)


@pytest.fixture(scope="module")
def key() -> str:
    """A private key, as GitHub makes them."""
    done = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_repository_is_cloned_from_the_forge_that_was_asked() -> None:
    with served({f"GET {API}/repos/shop/web": repository(archived=True, fork=True, disabled=True)}) as server:
        found = ready(server).repository("shop/web")
    assert found == Hosted("shop/web", f"{server.address}/shop/web.git", "main", True, True, True)


def test_all_repositories_are_listed_page_by_page() -> None:
    rows = [repository(f"shop/part-{number}") for number in range(250)]
    with served({f"GET {API}/orgs/shop/repos": paged(rows, 100)}) as server:
        assert [one.name for one in ready(server).repositories("shop")] == [row["full_name"] for row in rows]
    assert [one.query["page"] for one in server.asked] == ["1", "2", "3"]


def test_who_is_no_organisation_is_a_user() -> None:
    with served({f"GET {API}/users/ann/repos": [repository("ann/web")]}) as server:
        assert [one.name for one in ready(server).repositories("ann")] == ["ann/web"]
    assert [one.path for one in server.asked] == [f"{API}/orgs/ann/repos", f"{API}/users/ann/repos"]


@pytest.mark.parametrize("owner", ["", "..", "shop/sub", "shop?x", "-x"])
def test_what_is_no_owner_is_not_asked_for(owner: str) -> None:
    with served({}) as server:
        with pytest.raises(UsageError):
            list(ready(server).repositories(owner))
        assert server.asked == []


def test_a_request_is_read() -> None:
    with served({f"GET {PULLS}": [pull()]}) as server:
        (found,) = ready(server).requests("shop/web", "nonroot/web-1")
    url = "https://github.com/shop/web/pull/1"
    words = ("Run web as a user", "Because.", "fixer-bot", url)
    assert found == Request(1, State.OPEN, "nonroot/web-1", "main", SHA, *words, "", ("security",), False)
    asked = {"state": "all", "sort": "created", "direction": "desc", "head": "shop:nonroot/web-1"}
    assert server.asked[0].query == {**asked, "per_page": "100", "page": "1"}


def test_all_requests_are_listed_page_by_page() -> None:
    with served({f"GET {PULLS}": paged([pull(number) for number in range(230, 0, -1)], 100)}) as server:
        assert [one.number for one in ready(server).requests("shop/web")] == list(range(230, 0, -1))
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("state", "other", "became"),
    [
        ("open", {}, State.OPEN),
        ("closed", {"merged_at": "2026-01-01T00:00:00Z"}, State.MERGED),
        ("closed", {}, State.CLOSED),
    ],
)
def test_states(state: str, other: dict[str, Any], became: State) -> None:
    routes = {f"GET {PULLS}": [pull(state=state, **other)], f"GET {API}/repos/shop/web/issues/1": {"closed_by": None}}
    with served(routes) as server:
        (found,) = ready(server).requests("shop/web", "nonroot/web-1")
    assert (found.state, found.closed_by) == (became, "")


def test_it_is_asked_who_closed_what_is_ours() -> None:
    rows = [pull(3, state="closed"), pull(2, state="closed", user={"login": "ann"}), pull(1)]
    routes = {
        f"GET {PULLS}": rows,
        f"GET {API}/user": {"login": "fixer-bot"},
        f"GET {API}/repos/shop/web/issues/3": {"closed_by": {"login": "ann"}},
        f"GET {API}/repos/shop/web/issues/2": {"closed_by": {"login": "bob"}},
    }
    with served(routes) as server:
        forge = ready(server)
        assert [one.closed_by for one in forge.requests("shop/web")] == ["ann", "", ""]
        assert [one.closed_by for one in forge.requests("shop/web", "nonroot/web-1")] == ["ann", "bob", ""]
    assert [one.path for one in server.asked].count(f"{API}/user") == 1


def test_requests_from_elsewhere_are_not_ours() -> None:
    fork = {"ref": "nonroot/web-1", "sha": SHA, "repo": {"full_name": "evil/web"}}
    rows = [
        pull(4, head=fork),
        pull(3, head={**fork, "repo": None}),
        pull(2, head={**fork, "ref": "nonroot/web-10", "repo": {"full_name": "shop/web"}}),
        pull(1),
    ]
    with served({f"GET {PULLS}": rows}) as server:
        assert [one.number for one in ready(server).requests("shop/web", "nonroot/web-1")] == [1]


def test_texts_of_any_kind_are_read() -> None:
    odd = pull(title=None, body=["x"], user=None, labels=[{"name": 7}, None, "bare", {"name": "good"}], draft="yes")
    with served({f"GET {PULLS}": [odd, pull(2, labels={"a": 1}, body="x" * 3_000_000)]}) as server:
        first, second = ready(server).requests("shop/web")
    assert (first.title, first.body, first.author, first.labels, first.draft) == ("", "", "", ("bare", "good"), False)
    assert second.labels == ()
    assert len(second.body) == 2_000_000


@pytest.mark.parametrize(
    "other",
    [
        {"number": "1"},
        {"number": True},
        {"number": 0},
        {"state": "locked"},
        {"state": ["open"]},
        {"head": {"ref": "--output=x", "sha": SHA, "repo": {"full_name": "shop/web"}}},
        {"head": {"ref": "a\nb", "sha": SHA, "repo": {"full_name": "shop/web"}}},
        {"head": {"ref": "a", "sha": "HEAD", "repo": {"full_name": "shop/web"}}},
        {"head": {"ref": "a", "sha": SHA + "\n", "repo": {"full_name": "shop/web"}}},
        {"base": {"ref": "../x", "repo": {"full_name": "shop/web"}}},
        {"base": {"ref": "main", "repo": None}},
    ],
)
def test_what_git_would_be_given_has_to_be_right(other: dict[str, Any]) -> None:
    with served({f"GET {PULLS}": [pull(**other)]}) as server, pytest.raises(ForgeError, match="makes no sense"):
        list(ready(server).requests("shop/web"))


def test_a_request_is_opened() -> None:
    routes = {
        f"POST {PULLS}": Answer(pull(5, labels=[], draft=True), 201),
        f"POST {API}/repos/shop/web/issues/5/labels": [{"name": "security"}, {"name": "nonroot"}],
    }
    with served(routes) as server:
        made = ready(server).open("shop/web", DRAFT._replace(draft=True))
    assert (made.number, made.draft, made.labels) == (5, True, ("security", "nonroot"))
    what = {"title": DRAFT.title, "body": "Because.", "base": "main", "head": "nonroot/web-1", "draft": True}
    labels = (f"{API}/repos/shop/web/issues/5/labels", {"labels": ["security", "nonroot"]})
    assert server.said("POST") == [(PULLS, what), labels]
    assert server.asked[0].headers["x-github-api-version"] == "2022-11-28"


def test_a_second_one_is_refused() -> None:
    said = {"message": "Validation Failed", "errors": [{"message": "A pull request already exists for shop:x."}]}
    with (
        served({f"POST {PULLS}": Answer(said, 422)}) as server,
        pytest.raises(ForgeError, match=r"Validation Failed; A pull request already exists for shop:x\.") as caught,
    ):
        ready(server).open("shop/web", DRAFT)
    assert (caught.value.status, caught.value.again_after) == (422, None)


def test_an_update_adds_the_labels_that_are_missing() -> None:
    routes = {
        f"PATCH {PULLS}/1": pull(title="New"),
        f"POST {API}/repos/shop/web/issues/1/labels": [{"name": "security"}, {"name": "nonroot"}, {"name": "theirs"}],
    }
    with served(routes) as server:
        made = ready(server).update("shop/web", 1, DRAFT._replace(title="New"))
    assert (made.title, made.labels) == ("New", ("security", "nonroot", "theirs"))
    assert server.said("PATCH") == [(f"{PULLS}/1", {"title": "New", "body": "Because.", "base": "main"})]
    assert server.said("POST") == [(f"{API}/repos/shop/web/issues/1/labels", {"labels": ["nonroot"]})]


def test_it_says_something_and_closes() -> None:
    routes = {f"POST {API}/repos/shop/web/issues/1/comments": Answer({}, 201), f"PATCH {PULLS}/1": pull(state="closed")}
    with served(routes) as server:
        ready(server).comment("shop/web", 1, "No longer needed.")
        ready(server).close("shop/web", 1)
    assert server.said("POST") == [(f"{API}/repos/shop/web/issues/1/comments", {"body": "No longer needed."})]
    assert server.said("PATCH") == [(f"{PULLS}/1", {"state": "closed"})]


def test_the_tokens_of_workflows_may_not_ask_who_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Answer({"message": "Resource not accessible by integration"}, 403)
    with served({f"GET {API}/user": refused}) as server:
        with pytest.raises(ForgeError, match="not accessible"):
            ready(server).identity()
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        assert ready(server).identity() == "github-actions[bot]"
        server.routes[f"GET {API}/user"] = Answer({"message": "API rate limit exceeded"}, 403, {"Retry-After": "5"})
        with pytest.raises(ForgeError, match="limits how often"):
            ready(server).identity()


def test_an_app_logs_in_anew_when_its_token_is_old(key: str) -> None:
    given = iter(["ghs_first-token-of-the-app", "ghs_second-token-of-the-app", "ghs_never-asked-for"])
    ends = iter([timedelta(seconds=-5), timedelta(hours=1)])

    def token(asked: Asked) -> Answer:
        assert asked.headers["authorization"].startswith("Bearer ey")
        until = (datetime.now(UTC) + next(ends)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Answer({"token": next(given), "expires_at": until}, 201)

    routes = {
        f"POST {API}/app/installations/42/access_tokens": token,
        f"GET {API}/app": {"slug": "nonroot-fixer"},
        f"GET {API}/repos/shop/web": repository(),
    }
    with served(routes) as server:
        forge = GitHub(server.address, App("12", key, 42), 5)
        assert forge.identity() == "nonroot-fixer[bot]"
        for _ in range(3):
            assert forge.repository("shop/web").name == "shop/web"
        assert forge.login() == Login("x-access-token", "ghs_second-token-of-the-app")
    sent = [one.headers["authorization"] for one in server.asked if one.path.endswith("/shop/web")]
    assert sent == ["token ghs_second-token-of-the-app"] * 3  # the first one had no time left
    everything = " ".join(one.headers["authorization"] for one in server.asked)
    assert "ghs_" not in masking.mask(everything)
    assert "ey" not in masking.mask(everything)


@pytest.mark.parametrize("key", ["garbage", "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", ""])
def test_a_key_that_is_none_is_told(key: str) -> None:
    with pytest.raises(UsageError, match="private key of the app is none"):
        GitHub("https://github.com", App("12", key, 42))


@pytest.mark.parametrize("answer", [{}, {"token": 7}, {"token": "ghs_x", "expires_at": "soon"}, [], {"token": None}])
def test_an_odd_token_is_no_traceback(key: str, answer: Any) -> None:
    with served({f"POST {API}/app/installations/42/access_tokens": Answer(answer, 201)}) as server:
        forge = GitHub(server.address, App("12", key, 42), 5)
        with pytest.raises(ForgeError, match="makes no sense"):
            forge.repository("shop/web")
        with pytest.raises(ForgeError, match="makes no sense"):
            forge.login()


def test_nothing_shows_a_key(key: str) -> None:
    with served({}) as server:
        shown = repr(App("12", key, 42)) + repr(ready(server).login()) + repr(ready(server)) + str(App("12", key, 42))
        assert ready(server).login() == Login("x-access-token", TOKEN)
        assert GitHub(server.address).login() is None
    assert TOKEN not in shown
    assert "PRIVATE" not in shown


@pytest.mark.parametrize(
    ("address", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://shop.ghe.com/", "https://api.shop.ghe.com"),
        ("https://git.example.com:8443", "https://git.example.com:8443/api/v3"),
        ("https://github.com.evil.example", "https://github.com.evil.example/api/v3"),
    ],
)
def test_where_the_interface_is(address: str, api: str) -> None:
    assert GitHub(address, TOKEN)._web.base == api


def test_two_forges_do_not_share_their_sessions() -> None:
    with served({f"GET {API}/repos/shop/web": repository()}) as one, served({"*": Answer({}, 404)}) as other:
        first, second = GitHub(one.address, TOKEN, 5), GitHub(other.address, "another-token-0123", 5)
        assert first.repository("shop/web").name == "shop/web"
        with pytest.raises(ForgeError, match="no such"):
            second.repository("shop/web")
        assert [row.headers["authorization"] for row in one.asked] == [f"token {TOKEN}"]
        assert [row.headers["authorization"] for row in other.asked] == ["token another-token-0123"]
