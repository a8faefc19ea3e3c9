"""What is asked of forges is what they say that they accept.

GitHub's own OpenAPI description is served by prism, which refuses what is not in it. Gitea's description is known by a
client that is generated from it: its source says which calls there are, and what each may have.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from fixer.forge.base import Draft, ForgeError, State
from fixer.forge.gitea import Gitea
from fixer.forge.github import App, GitHub
from tests.forge import test_gitea
from tests.forge.server import Answer, Asked, served
from tests.rigs import contract

TOKEN = "t0ken-of-the-test-0123456789"
DRAFT = Draft("new-topic", "master", "Run web as a user", "Because.", ("security", "nonroot"), True)


def recorded(forge: GitHub, calls: set[tuple[str, str]]) -> GitHub:
    """The same forge, whose calls are noted by their place in the description."""

    def note(answer: Any, **_: Any) -> None:
        path = urlsplit(answer.request.url).path
        calls.add((answer.request.method.lower(), next(one for one in contract.CALLS if _matches(one, path))))

    forge._web.session.hooks["response"].append(note)
    return forge


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


def test_all_that_is_asked_of_github_is_in_its_contract(github_contract: str) -> None:
    done = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, text=True, check=True)
    calls: set[tuple[str, str]] = set()
    forge = recorded(GitHub("https://github.com", TOKEN, 60, api=github_contract), calls)
    assert forge.identity() == "octocat"
    assert forge.repository("octocat/Hello-World").name == "octocat/Hello-World"
    assert [one.name for one in forge.repositories("octocat")] == ["octocat/Hello-World"]
    assert list(forge._list("/users/octocat/repos", {"type": "owner"}))
    (found,) = forge.requests("octocat/Hello-World", "new-topic")
    assert (found.number, found.state, found.base) == (1347, State.OPEN, "master")
    assert list(forge.requests("octocat/Hello-World")) == [found]
    closed = forge._with_closer("octocat/Hello-World", found._replace(state=State.CLOSED), True)
    assert closed.number == 1347
    assert forge.open("octocat/Hello-World", DRAFT).number == 1347
    assert forge.update("octocat/Hello-World", 1347, DRAFT).number == 1347
    forge.comment("octocat/Hello-World", 1347, "No longer needed.")
    forge.close("octocat/Hello-World", 1347)
    app = recorded(GitHub("https://github.com", App("12", done.stdout, 42), 60, api=github_contract), calls)
    assert app.identity().endswith("[bot]")
    login = app.login()
    assert login is not None
    assert login.password.startswith("ghs_")
    assert calls == {(verb, path) for path, verbs in contract.CALLS.items() for verb in verbs}


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("POST", "/repos/a/b/pulls", {"title": "x", "head": "y"}, 422),
        ("POST", "/repos/a/b/pulls", {"title": "x", "head": "y", "base": ["main"]}, 422),
        ("PATCH", "/repos/a/b/pulls/1", {"state": "gone"}, 422),
        ("POST", "/repos/a/b/issues/1/comments", {}, 422),
        ("GET", "/repos/a/b/pulls?state=gone", None, 422),
        ("GET", "/repos/a/b/pulls/1/commits", None, 404),
        ("DELETE", "/repos/a/b", None, 405),
    ],
)
def test_what_is_not_in_the_contract_is_refused(
    github_contract: str, verb: str, path: str, body: Any, status: int
) -> None:
    """Or the test above could not fail."""
    forge = GitHub("https://github.com", TOKEN, 60, api=github_contract)
    with pytest.raises(ForgeError) as caught:
        forge._ask(verb, path, body)
    assert caught.value.status == status


class Call(NamedTuple):
    """What Gitea's client can ask: `query` are the names that a call may have, `body` the model of what is sent."""

    verb: str
    path: str
    query: frozenset[str]
    body: str


def gitea_calls(folder: Path) -> Iterator[Call]:
    """All calls in the source of a generated client."""
    for file in sorted((folder / "api").glob("*_api.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        made = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        for name, function in made.items():
            if name.endswith("_serialize"):
                public = made[name.removeprefix("_").removesuffix("_serialize")]
                yield _call(ast.unparse(function), public)


def _call(text: str, public: ast.FunctionDef | ast.AsyncFunctionDef) -> Call:
    verb, path = re.search(r"method='(\w+)'", text), re.search(r"resource_path='([^']+)'", text)
    assert verb is not None
    assert path is not None
    body = re.search(r"_body_params = (?!None)(\w+)\n", text)
    notes = {one.arg: ast.unparse(one.annotation) for one in public.args.args if one.annotation}
    model = re.search(r"\w+Option\b", notes[body[1]]) if body else None
    query = frozenset(re.findall(r"_query_params\.append\(\('(\w+)'", text))
    return Call(verb[1], path[1], query, model[0] if model else "")


def gitea_properties(folder: Path, model: str) -> set[str]:
    """What a model of a generated client may have."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", model).lower()
    found = re.search(r"__properties: ClassVar\[List\[str\]\] = (\[.*\])", (folder / f"models/{name}.py").read_text())
    assert found is not None
    return set(ast.literal_eval(found[1]))


def test_all_that_is_asked_of_gitea_is_in_its_contract(gitea_contract: Path) -> None:
    asked = everything_of_gitea()
    known = list(gitea_calls(gitea_contract))
    assert len(known) > 400
    for one in asked:
        path = one.path.removeprefix("/api/v1")
        found = [call for call in known if call.verb == one.verb and _matches(call.path, path)]
        assert found, f"{one.verb} {path}"
        (call,) = found
        assert set(one.query) <= call.query, f"{one.verb} {path}"
        if one.body is not None:
            assert set(one.body) <= gitea_properties(gitea_contract, call.body), f"{one.verb} {path}"
    assert len({(one.verb, one.path) for one in asked}) == 14


def everything_of_gitea() -> list[Asked]:
    """Each call that is made of Gitea, at least once."""
    api, pull = test_gitea.REPOSITORY, test_gitea.pull
    routes = {
        "GET /api/v1/user": {"login": "fixer-bot"},
        f"GET {api}": test_gitea.repository(),
        "GET /api/v1/users/shop/repos": [test_gitea.repository()],
        f"GET {api}/pulls": [pull(1, state="closed")],
        f"GET {api}/pulls/1": pull(),
        f"POST {api}/pulls": Answer(pull(), 201),
        f"PATCH {api}/pulls/1": Answer(pull(), 201),
        f"GET {api}/labels": [],
        f"POST {api}/labels": Answer({"id": 4}, 201),
        f"POST {api}/issues/1/labels": [{"name": "nonroot"}],
        f"POST {api}/issues/1/comments": Answer({}, 201),
        f"GET {api}/issues/1/timeline": [],
    }
    with served(routes) as server:
        forge = Gitea(server.address, TOKEN, 5)
        forge.identity()
        forge.repository("shop/web")
        list(forge.repositories("shop"))
        list(forge.requests("shop/web", "nonroot/web-1"))
        forge.open("shop/web", DRAFT)
        forge.update("shop/web", 1, DRAFT)
        forge.comment("shop/web", 1, "No longer needed.")
        forge.close("shop/web", 1)
        return list(server.asked)
