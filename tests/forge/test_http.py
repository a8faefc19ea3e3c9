"""Every forge in every mood: one sentence each, nobody waits, and the token stays where it belongs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixer import masking
from fixer.errors import UsageError
from fixer.forge import http
from fixer.forge.base import Draft, Forge, ForgeError
from fixer.forge.gitea import Gitea
from fixer.forge.github import GitHub
from fixer.forge.gitlab import GitLab
from fixer.forge.http import Web, refusal, said
from tests.forge.server import Answer, served

TOKEN = "t0ken-of-the-test-0123456789"
DRAFT = Draft("nonroot/web-1", "main", "Run web as a user", "Because.")
FORGES: list[Callable[..., Forge]] = [GitHub, GitLab, Gitea]
EACH = pytest.mark.parametrize("make", FORGES, ids=lambda make: make.name)


def trouble(make: Callable[..., Forge], answer: Any, seconds: float = 5) -> ForgeError:
    """What reading and opening say to an answer: the same, and each is asked for once."""
    errors = []
    for act in (lambda forge: forge.repository("shop/web"), lambda forge: forge.open("shop/web", DRAFT)):
        with served({"*": answer}) as server:
            with pytest.raises(ForgeError) as caught:
                act(make(server.address, TOKEN, seconds))
            assert len(server.asked) == 1
            errors.append(caught.value)
    assert [str(one).replace("\n", "") for one in errors] == [str(one) for one in errors]
    assert TOKEN not in "".join(map(str, errors))
    assert errors[0].again_after == errors[1].again_after
    return errors[0]


@EACH
@pytest.mark.parametrize(
    ("answer", "words", "again"),
    [
        (Answer({"message": "Bad credentials"}, 401), "does not accept the token", None),
        (Answer({"message": "Must have push access"}, 403), r"does not allow that \(Must have push access\)", None),
        (Answer({"message": "Slow down"}, 403, {"Retry-After": "17"}), "limits how often", 17.0),
        (Answer({"message": "Slow down"}, 429, {"Retry-After": "17"}), "limits how often", 17.0),
        (Answer({"message": "Slow down"}, 429), "limits how often", 60.0),
        (Answer({"message": "You have exceeded a secondary rate limit."}, 403), "limits how often", 60.0),
        (Answer({"message": "x"}, 404), "has no such repository", None),
        (Answer({"message": "x"}, 410), "has no such repository", None),
        (Answer({"message": "taken"}, 409), r"refuses that \(taken\)", None),
        (Answer({"message": "bad", "errors": [{"message": "worse"}]}, 422), r"refuses that \(bad; worse\)", None),
        (Answer({}, 500), r"is in trouble \(status 500\)", 30.0),
        (Answer(b"<html>", 502), r"is in trouble \(status 502\)", 30.0),
        (Answer({}, 503, {"Retry-After": "120"}), "is in trouble", 120.0),
        (Answer({}, 202), r"is in trouble \(status 202\)", 30.0),
        (Answer({}, 418), "answers with status 418", None),
        (Answer({}, 304), "answers with status 304", None),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else "",
)
def test_what_is_no_good_is_told(make: Callable[..., Forge], answer: Answer, words: str, again: float | None) -> None:
    error = trouble(make, answer)
    assert error.again_after == again
    assert error.status == answer.status
    with pytest.raises(ForgeError, match=words):
        raise error


@EACH
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"[1]",
        b'"text"',
        b"7",
        b"{}",
        b"{",
        b"<html>hello</html>",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"full_name": 7, "path_with_namespace": [], "number": "1", "iid": {}}',
        b'{"full_name": "../../etc", "path_with_namespace": "../etc", "number": true, "iid": -1}',
        b'{"full_name": "a/b", "path_with_namespace": "a/b", "default_branch": "--upload-pack=x"}',
        b'{"full_name": "a/b", "path_with_namespace": "a/b", "default_branch": ["main"], "number": 1e400}',
    ],
)
@pytest.mark.parametrize("status", [200, 201])
def test_nonsense_is_no_traceback(make: Callable[..., Forge], body: bytes, status: int) -> None:
    assert "makes no sense" in str(trouble(make, Answer(body, status)))


@EACH
@pytest.mark.parametrize("rows", [b"{}", b"[[]]", b"[1, 2]", b'[{"number": "x"}]', b'[{"head": {}, "base": {}}]'])
def test_lists_of_nonsense_are_no_traceback(make: Callable[..., Forge], rows: bytes) -> None:
    with served({"*": Answer(rows)}) as server:
        forge = make(server.address, TOKEN, 5)
        if rows != b'[{"head": {}, "base": {}}]' or forge.name != "github":
            with pytest.raises(ForgeError, match="makes no sense"):
                list(forge.requests("shop/web"))
        with pytest.raises(ForgeError, match="makes no sense"):
            list(forge.repositories("shop"))


@EACH
def test_silence_is_not_waited_for(make: Callable[..., Forge]) -> None:
    error = trouble(make, Answer(silent=True), seconds=0.3)
    assert "did not answer within 0.3 seconds" in str(error)
    assert error.again_after == 30.0


@EACH
def test_a_trickle_is_not_waited_for(make: Callable[..., Forge]) -> None:
    error = trouble(make, Answer(b'{"a": "' + b"x" * 100_000 + b'"}', slow=True), seconds=0.3)
    assert "did not answer within 0.3 seconds" in str(error)


@EACH
def test_a_head_that_trickles_is_not_waited_for(make: Callable[..., Forge]) -> None:
    error = trouble(make, Answer(dripping=True), seconds=0.3)
    assert "did not answer within 0.3 seconds" in str(error)


@EACH
def test_a_broken_answer_is_told(make: Callable[..., Forge]) -> None:
    error = trouble(make, Answer(b'{"a":', headers={"content-length": "5000", "connection": "close"}))
    assert "broke off in the middle" in str(error)
    assert error.again_after == 30.0


@EACH
def test_too_much_is_not_read(make: Callable[..., Forge], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_MOST_BYTES", 100_000)
    assert "more than makes sense" in str(trouble(make, Answer(b" " * 200_000)))


@EACH
def test_what_cannot_be_reached_is_told(make: Callable[..., Forge]) -> None:
    with served({}) as server:
        address = server.address
    with pytest.raises(ForgeError, match=r"^127\.0\.0\.1:\d+ cannot be reached; check") as caught:
        make(address, TOKEN, 5).repository("shop/web")
    assert caught.value.again_after == 30.0


@EACH
def test_tls_that_nobody_vouches_for_is_told(make: Callable[..., Forge]) -> None:
    with served({}) as server, pytest.raises(ForgeError, match=r"certificate|cannot be reached"):
        make(server.address.replace("http:", "https:"), TOKEN, 5).repository("shop/web")


@EACH
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_gets_no_token(make: Callable[..., Forge], status: int) -> None:
    with served({"*": {"full_name": "a/b"}}) as thief:
        for where in (
            f"{thief.address}/api",
            f"//{thief.address[7:]}/x",
            thief.address.replace("127.0.0.1", "localhost"),
        ):
            error = trouble(make, Answer({}, status, {"Location": where}))
            assert "redirects to another address, which gets no token" in str(error)
            assert error.again_after is None
        assert thief.asked == []


@EACH
@pytest.mark.parametrize(
    "where", ["https://127.0.0.1:{port}/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://[/"]
)
def test_another_protocol_is_another_address(make: Callable[..., Forge], where: str) -> None:
    def handle(asked: Any) -> Answer:
        port = asked.headers["host"].rpartition(":")[2]
        return Answer({}, 302, {"Location": where.format(port=port)})

    assert "redirects to another address" in str(trouble(make, handle))


@EACH
def test_a_renamed_repository_is_read_and_not_written(make: Callable[..., Forge]) -> None:
    moved = {"full_name": "shop/new", "path_with_namespace": "shop/new", "default_branch": "main"}
    routes = {"GET /moved": moved, "*": Answer({}, 301, {"Location": "/moved"})}
    with served(routes) as server:
        forge = make(server.address, TOKEN, 5)
        found = forge.repository("shop/web")
        assert (found.name, found.clone_url) == ("shop/new", f"{server.address}/shop/new.git")
        with pytest.raises(ForgeError, match="has moved; name it as it is called now"):
            forge.open("shop/web", DRAFT)
        assert [one.verb for one in server.asked] == ["GET", "GET", "POST"]


@EACH
def test_a_circle_ends(make: Callable[..., Forge]) -> None:
    with served({"*": Answer({}, 302, {"Location": "/again"})}) as server:
        with pytest.raises(ForgeError, match="status 302"):
            make(server.address, TOKEN, 5).repository("shop/web")
        assert len(server.asked) == 4


@EACH
def test_pages_without_end_have_one(make: Callable[..., Forge], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixer.forge.answers._MOST_PAGES", 5)
    more = Answer([{}], headers={"Link": '</x>; rel="next"'})
    with served({"*": more}) as server, pytest.raises(ForgeError, match="more pages than anybody"):
        list(make(server.address, TOKEN, 5).repositories("shop"))
    assert len(server.asked) == 5


@EACH
def test_the_passwords_of_files_stay_there(make: Callable[..., Forge], monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = Path.home() / ".netrc"
    netrc.write_text("machine 127.0.0.1 login person password of-the-file\n")
    netrc.chmod(0o600)
    with served({"*": Answer({}, 404)}) as server:
        with pytest.raises(ForgeError):
            make(server.address, "", 5).repository("shop/web")
        (asked,) = server.asked
    assert not {"authorization", "private-token", "job-token"} & set(asked.headers)


@EACH
def test_each_request_has_the_token(make: Callable[..., Forge]) -> None:
    with served({"*": Answer({}, 404)}) as server:
        forge = make(server.address, TOKEN, 5)
        with pytest.raises(ForgeError):
            forge.repository("shop/web")
        (asked,) = server.asked
    assert TOKEN in asked.headers.get("authorization", "") + asked.headers.get("private-token", "")
    assert asked.headers["user-agent"] == "nonroot-fixer"
    assert asked.headers["accept-encoding"] == "identity"
    assert TOKEN not in asked.path
    assert TOKEN not in masking.mask(f"a {TOKEN} b")


@EACH
def test_a_token_in_an_answer_is_not_repeated(make: Callable[..., Forge]) -> None:
    message = f"who is {TOKEN}?\x1b[31m\nred"
    assert "who is ***? [31m red" in str(trouble(make, Answer({"message": message}, 422)))


@EACH
@pytest.mark.parametrize(
    "name", ["web", "../web", "shop/..", "shop/web?x=1", "shop/web#x", "shop/%2e%2e", "-x/y", "a b/c", "shop/web\n", ""]
)
def test_what_is_no_name_is_not_asked_for(make: Callable[..., Forge], name: str) -> None:
    with served({}) as server:
        with pytest.raises(UsageError, match="can be no repository"):
            make(server.address, TOKEN, 5).repository(name)
        assert server.asked == []


@EACH
@pytest.mark.parametrize(
    "address", ["", "git.example.com", "ftp://x", "https://", "https://u:p@x", "https://x:99999", "https://[x"]
)
def test_what_is_no_address_is_told(make: Callable[..., Forge], address: str) -> None:
    with pytest.raises(UsageError, match="is no address of a forge") as caught:
        make(address, TOKEN)
    assert "u:p" not in str(caught.value)


@EACH
def test_a_token_needs_tls(make: Callable[..., Forge]) -> None:
    with pytest.raises(UsageError, match="in plain text"):
        make("http://git.example.com", TOKEN)


def test_a_library_that_asks_elsewhere_is_stopped() -> None:
    """Whatever a client makes of an answer: its session knows one address."""
    with served({"*": {}}) as server, served({"*": {}}) as thief:
        web = Web(server.address)
        assert web.session.get(f"{server.address}/x").json() == {}
        for url in (thief.address, server.address.replace("127.0.0.1", "localhost"), "https://example.com/"):
            with pytest.raises(ForgeError, match="leads to another address"):
                web.session.get(url, headers={"Authorization": "token x"})
        assert thief.asked == []


def test_the_time_of_the_forge_counts() -> None:
    """A clock that goes wrong here makes no wait longer."""
    headers = {"Date": "Sun, 22 Nov 2026 12:00:00 GMT", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795349000"}
    error = refusal("git.example.com", 403, headers, "")
    assert error.again_after == 1795349000 - 1795348800
    late = refusal(
        "git.example.com", 503, {"Date": headers["Date"], "Retry-After": "Sun, 22 Nov 2026 12:05:00 GMT"}, ""
    )
    assert late.again_after == 300.0
    lab = {"Date": headers["Date"], "RateLimit-Remaining": "0", "RateLimit-Reset": "1795348830"}
    assert refusal("git.example.com", 429, lab, "").again_after == 30.0


@pytest.mark.parametrize(
    ("told", "again"),
    [("0", 1.0), ("-5", 60.0), ("999999999", 86_400.0), ("nan", 60.0), ("1e9", 60.0), ("٣", 60.0), ("soon", 60.0)],
)
def test_odd_waits_are_bounded(told: str, again: float) -> None:
    assert refusal("x", 429, {"Retry-After": told}, "").again_after == again


def test_what_is_left_of_a_limit_is_no_limit() -> None:
    error = refusal("x", 403, {"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": f"{time.time() + 99:.0f}"}, "no")
    assert error.again_after is None
    assert "does not allow" in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": {"base": ["is missing", "is bad"]}}, "base is missing; base is bad"),
        ({"message": ["one", "two"]}, "one; two"),
        ({"error": "insufficient_scope", "error_description": "no"}, "insufficient_scope; no"),
        ({"errors": [{"resource": "PullRequest", "code": "custom", "field": "base"}]}, "field base"),
        ({"message": "x" * 1000}, "x" * 297 + "..."),
        ({"message": 7}, ""),
        (["message"], ""),
        ({"message": "\u202eright to left\u2066"}, "right to left"),
    ],
)
def test_the_words_of_a_forge_are_shown_short(body: Any, words: str) -> None:
    assert said(json.dumps(body).encode()) == words
