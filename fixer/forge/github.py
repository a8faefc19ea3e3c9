"""GitHub, also Enterprise, through PyGithub: it speaks by requests, as python-gitlab does and the client for Gitea, so
that one guarded session serves all three (githubkit brings httpx, pydantic and a cache), and it knows how apps log in.

Only its authentication and its protocol are used. What comes back is read here, since its objects trust the answers.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fixer import masking
from fixer.errors import UsageError
from fixer.forge import answers
from fixer.forge.base import Draft, ForgeError, Hosted, Login, Request, State
from fixer.forge.http import SECONDS, Web, origin
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from github.Auth import Auth
    from github.Requester import Requester

_VERSION = "2022-11-28"
_PAGE = 100
_ACTIONS = "github-actions[bot]"
_building = threading.Lock()


class App(NamedTuple):
    """How a GitHub App logs in: its id, its private key, and the number of the installation that it acts for."""

    id: str
    key: str
    installation: int

    def __repr__(self) -> str:
        """Nothing of what it holds."""
        return f"App({self.id})"


class GitHub:
    """GitHub with the rights of one token or app.

    Args:
        address: of its pages, such as `https://github.com`.
        key: a token, an app, or "" for nobody, who may read what is public.
        seconds: how long it may be silent.
        api: the address of its interface, where that does not follow from its name.

    Raises:
        UsageError: for an address or a key of an app that is none, or when PyGithub is not installed.
    """

    name = "github"
    body_limit = 65_536

    def __init__(self, address: str, key: str | App = "", seconds: float = SECONDS, api: str = "") -> None:
        self.address = address.rstrip("/")
        self._key = key
        self._web = Web(api or _interface(self.address), seconds)
        self._web.session.headers["X-GitHub-Api-Version"] = _VERSION
        self._requester = _requester(self._web, key)
        self._identity = ""

    def identity(self) -> str:
        """The login that requests are opened with."""
        if not self._identity:
            self._identity = self._ask_identity()
        return self._identity

    def _ask_identity(self) -> str:
        if isinstance(self._key, App):
            with self._understood():
                app = answers.row(_requester(self._web, self._key, as_app=True).requestJsonAndCheck("GET", "/app")[1])
            return f"{answers.text(app.get('slug'))}[bot]"
        try:
            return answers.login(self._get("/user"))
        except ForgeError as error:
            # The token of a workflow may not ask who it is.
            if error.status == 403 and error.again_after is None and os.environ.get("GITHUB_ACTIONS") == "true":
                return _ACTIONS
            raise

    def login(self) -> Login | None:
        """What git needs to push; an app gets a new token when the last one has become too old."""
        with self._understood():
            token = self._token()
        masking.register(token)
        return Login("x-access-token", token) if token else None

    def _token(self) -> str:
        """The token that is valid now, "" for nobody; that of an app is asked for, and may be anything."""
        auth = self._requester.auth
        token: object = auth.token if auth is not None else ""
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]*", token):
            raise TypeError("no token")
        return token

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """What PyGithub makes of odd answers, as one sentence."""
        from github import BadAttributeException, GithubException

        try:
            with self._web.understood():
                yield
        except (BadAttributeException, GithubException):
            raise self._web.odd() from None

    def repository(self, name: str) -> Hosted:
        """One repository by `owner/name`; `Hosted.name` is what it is called now."""
        found = self._get(_of(name))
        with self._understood():
            return self._hosted(found)

    def repositories(self, owner: str) -> Iterator[Hosted]:
        """All repositories of an organisation or a user."""
        if "/" in answers.as_name(f"{owner}/x").removesuffix("/x"):
            raise UsageError(f"'{owner}' is no owner of repositories; GitHub has no groups within groups")
        try:
            rows = list(self._list(f"/orgs/{owner}/repos", {"type": "all"}))
        except ForgeError as error:
            if error.status != 404:
                raise
            rows = list(self._list(f"/users/{owner}/repos", {"type": "owner"}))
        with self._understood():
            hosted = [self._hosted(row) for row in rows]
        yield from hosted

    def requests(self, repository: str, branch: str = "") -> Iterator[Request]:
        """Requests in every state, newest first; of one branch of the repository where that is named.

        Who closed a request is asked for one by one: of that branch, else for those of this identity.
        """
        parameters = {"state": "all", "sort": "created", "direction": "desc"}
        if branch:
            parameters["head"] = f"{repository.partition('/')[0]}:{branch}"
        for row in self._list(f"{_of(repository)}/pulls", parameters):
            with self._understood():
                request = _request(row) if _is_own(row) else None
            if request is not None and branch in ("", request.branch):
                yield self._with_closer(repository, request, bool(branch))

    def _with_closer(self, repository: str, request: Request, always: bool) -> Request:
        if request.state is not State.CLOSED:
            return request
        if not always and not (self._key and request.author == self.identity()):
            return request
        issue = self._get(f"{_of(repository)}/issues/{request.number}")
        with self._understood():
            return request._replace(closed_by=answers.login(answers.row(issue).get("closed_by")))

    def open(self, repository: str, draft: Draft) -> Request:
        """Open a request for a branch that is pushed."""
        what = {"title": draft.title, "body": draft.body, "base": draft.base, "head": draft.branch}
        made = self._ask("POST", f"{_of(repository)}/pulls", {**what, "draft": draft.draft})
        return self._labelled(repository, made, draft)

    def update(self, repository: str, number: int, draft: Draft) -> Request:
        """Let an open request say something else; its branch and draft state stay, labels are added."""
        what = {"title": draft.title, "body": draft.body, "base": draft.base}
        return self._labelled(repository, self._ask("PATCH", f"{_of(repository)}/pulls/{number}", what), draft)

    def _labelled(self, repository: str, made: Any, draft: Draft) -> Request:
        with self._understood():
            request = _request(answers.row(made))
        missing = [label for label in draft.labels if label not in request.labels]
        if not missing:
            return request
        added = self._ask("POST", f"{_of(repository)}/issues/{request.number}/labels", {"labels": missing})
        return request._replace(labels=answers.labels(added))

    def comment(self, repository: str, number: int, text: str) -> None:
        """Say something below a request."""
        self._ask("POST", f"{_of(repository)}/issues/{number}/comments", {"body": text})

    def close(self, repository: str, number: int) -> None:
        """Close a request without merging it."""
        self._ask("PATCH", f"{_of(repository)}/pulls/{number}", {"state": "closed"})

    def _hosted(self, value: Any) -> Hosted:
        found = answers.row(value)
        name = answers.name(found.get("full_name"))
        flags = (found.get(key) is True for key in ("archived", "fork", "disabled"))
        return Hosted(name, f"{self.address}/{name}.git", answers.branch(found.get("default_branch") or "main"), *flags)

    def _get(self, path: str) -> Any:
        return self._ask("GET", path)

    def _list(self, path: str, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        def fetch(page: int) -> answers.Page:
            asked = {**parameters, "per_page": _PAGE, "page": page}
            with self._understood():
                self._token()
                headers, rows = self._requester.requestJsonAndCheck("GET", path, parameters=asked)
            return rows, headers

        return answers.pages(self._web, fetch)

    def _ask(self, verb: str, path: str, what: Mapping[str, Any] | None = None) -> Any:
        with self._understood():
            self._token()
            return self._requester.requestJsonAndCheck(verb, path, input=what)[1]


def _interface(address: str) -> str:
    """Where GitHub's interface is, by the address of its pages."""
    found = origin(address)
    if found is not None and (found[1] == "github.com" or found[1].endswith(".ghe.com")):
        return f"https://api.{found[1]}"
    return f"{address}/api/v3"


def _of(repository: str) -> str:
    owner, _, name = answers.as_name(repository).partition("/")
    if "/" in name:
        raise UsageError(f"'{repository}' can be no repository on GitHub; give it as owner/name")
    return f"/repos/{quote(owner)}/{quote(name)}"


def _is_own(row: Mapping[str, Any]) -> bool:
    """Whether a request is about a branch of its own repository, not of a fork, which may be gone."""
    head, base = answers.row(row.get("head")).get("repo"), answers.row(row.get("base")).get("repo")
    return isinstance(head, dict) and head.get("full_name") == answers.row(base).get("full_name")


def _request(row: Mapping[str, Any]) -> Request:
    head, base = answers.row(row.get("head")), answers.row(row.get("base"))
    state = answers.state(row.get("state"))
    return Request(
        number=answers.number(row.get("number")),
        state=State.MERGED if state is State.CLOSED and row.get("merged_at") else state,
        branch=answers.branch(head.get("ref")),
        base=answers.branch(base.get("ref")),
        head=answers.commit(head.get("sha")),
        title=answers.text(row.get("title")),
        body=answers.text(row.get("body")),
        author=answers.login(row.get("user")),
        url=answers.text(row.get("html_url")),
        labels=answers.labels(row.get("labels")),
        draft=row.get("draft") is True,
    )


def _requester(web: Web, key: str | App, as_app: bool = False) -> Requester:
    """What sends PyGithub's requests, through the session of `web`.

    Raises:
        UsageError: for a key of an app that is none, or when PyGithub is not installed.
    """
    try:
        from github import Github
        from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester
    except ModuleNotFoundError:
        raise UsageError("PyGithub is not installed; install it with: pip install 'nonroot-fixer[github]'") from None

    class Plain(HTTPRequestsConnectionClass):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.session = web.session

    class Secure(HTTPSRequestsConnectionClass):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.session = web.session

    auth = _auth(key, as_app)
    with _building:  # the classes of connections are looked up once, when a requester is made
        Requester.injectConnectionClasses(Plain, Secure)
        try:
            return Github(
                auth=auth,
                base_url=web.base,
                user_agent="nonroot-fixer",
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
            ).requester
        finally:
            Requester.resetConnectionClasses()


def _auth(key: str | App, as_app: bool) -> Auth | None:
    from github import Auth
    from jwt import PyJWTError

    if not isinstance(key, App):
        return Auth.Token(key) if key else None
    try:
        app = Auth.AppAuth(key.id, key.key)
        app.create_jwt()
    except (AssertionError, PyJWTError, TypeError, ValueError):
        raise UsageError("the private key of the app is none; give the whole PEM file that GitHub made") from None
    return app if as_app else app.get_installation_auth(key.installation)
