"""Gitea and Forgejo through a small client of our own: those on the package index are generated for one version of the
server, bring httpx and pydantic, or read everything into objects before a request can be named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from fixer import masking
from fixer.errors import UsageError
from fixer.forge import answers
from fixer.forge.base import Draft, ForgeError, Hosted, Login, Request, State
from fixer.forge.http import SECONDS, Web

_PAGE = 50
_DRAFT = "WIP: "
_COLOUR = "#ededed"


class Gitea:
    """Gitea or Forgejo with the rights of one token.

    Args:
        address: of its pages, such as `https://codeberg.org`.
        token: of a person, or "" for nobody.
        seconds: how long it may be silent.

    Raises:
        UsageError: for an address that is none, or when requests is not installed.
    """

    name = "gitea"
    body_limit = 65_536
    """Gitea names no limit; what GitHub allows is enough."""

    def __init__(self, address: str, token: str = "", seconds: float = SECONDS) -> None:
        self.address = address.rstrip("/")
        self._token = token
        self._web = Web(f"{self.address}/api/v1", seconds)
        masking.register(token)
        if token:
            self._web.session.headers["Authorization"] = f"token {token}"
        self._identity = ""

    def identity(self) -> str:
        """The login that requests are opened with."""
        if not self._identity:
            self._identity = answers.login(self._ask("GET", "/user"))
        return self._identity

    def login(self) -> Login | None:
        """What git needs to push: any user, and the token as password."""
        return Login("oauth2", self._token) if self._token else None

    def repository(self, name: str) -> Hosted:
        """One repository by `owner/name`; `Hosted.name` is what it is called now."""
        found = self._ask("GET", _of(name))
        with self._web.understood():
            return self._hosted(found)

    def repositories(self, owner: str) -> Iterator[Hosted]:
        """All repositories of an organisation or a user."""
        if "/" in answers.as_name(f"{owner}/x").removesuffix("/x"):
            raise UsageError(f"'{owner}' is no owner of repositories; Gitea has no groups within groups")
        try:
            rows = list(self._list(f"/orgs/{quote(owner)}/repos"))
        except ForgeError as error:
            if error.status != 404:
                raise
            rows = list(self._list(f"/users/{quote(owner)}/repos"))
        with self._web.understood():
            hosted = [self._hosted(row) for row in rows]
        yield from hosted

    def requests(self, repository: str, branch: str = "") -> Iterator[Request]:
        """Requests in every state, newest first; of one branch of the repository where that is named.

        Who closed a request is asked for one by one: of that branch, else for those of this identity.
        """
        rows = list(self._list(f"{_of(repository)}/pulls", {"state": "all"}))
        with self._web.understood():
            found = [_request(row) for row in rows if _is_own(row)]
        for request in sorted(found, key=lambda one: one.number, reverse=True):
            if branch in ("", request.branch):
                yield self._with_closer(repository, request, bool(branch))

    def _with_closer(self, repository: str, request: Request, always: bool) -> Request:
        if request.state is not State.CLOSED:
            return request
        if not always and not (self._token and request.author == self.identity()):
            return request
        who = ""
        for row in self._list(f"{_of(repository)}/issues/{request.number}/timeline"):
            if row.get("type") == "close":
                who = answers.login(row.get("user"))
        return request._replace(closed_by=who)

    def open(self, repository: str, draft: Draft) -> Request:
        """Open a request for a branch that is pushed."""
        what = {
            "base": draft.base,
            "head": draft.branch,
            "title": f"{_DRAFT}{draft.title}" if draft.draft else draft.title,
            "body": draft.body,
            "labels": self._label_numbers(repository, draft.labels),
        }
        made = self._ask("POST", f"{_of(repository)}/pulls", what)
        with self._web.understood():
            return _request(answers.row(made))

    def update(self, repository: str, number: int, draft: Draft) -> Request:
        """Let an open request say something else; its branch and draft state stay, labels are added."""
        path = f"{_of(repository)}/pulls/{number}"
        before = self._ask("GET", path)
        with self._web.understood():
            is_draft = _request(answers.row(before)).draft
        title = f"{_DRAFT}{draft.title}" if is_draft else draft.title
        made = self._ask("PATCH", path, {"title": title, "body": draft.body, "base": draft.base})
        with self._web.understood():
            request = _request(answers.row(made))
        missing = tuple(label for label in draft.labels if label not in request.labels)
        if not missing:
            return request
        numbers = self._label_numbers(repository, missing)
        added = self._ask("POST", f"{_of(repository)}/issues/{number}/labels", {"labels": numbers})
        return request._replace(labels=answers.labels(added))

    def _label_numbers(self, repository: str, labels: tuple[str, ...]) -> list[int]:
        """The numbers of labels by their names; those that are not there are made."""
        if not labels:
            return []
        with self._web.understood():
            known = {row.get("name"): answers.number(row.get("id")) for row in self._labels(repository)}
            for label in labels:
                if label not in known:
                    made = self._ask("POST", f"{_of(repository)}/labels", {"name": label, "color": _COLOUR})
                    known[label] = answers.number(answers.row(made).get("id"))
            return [known[label] for label in labels]

    def _labels(self, repository: str) -> Iterator[dict[str, Any]]:
        """The labels of a repository, after those of its organisation, if it is one's."""
        try:
            yield from list(self._list(f"/orgs/{quote(repository.partition('/')[0])}/labels"))
        except ForgeError as error:
            if error.status not in (403, 404):
                raise
        yield from self._list(f"{_of(repository)}/labels")

    def comment(self, repository: str, number: int, text: str) -> None:
        """Say something below a request."""
        self._ask("POST", f"{_of(repository)}/issues/{number}/comments", {"body": text})

    def close(self, repository: str, number: int) -> None:
        """Close a request without merging it."""
        self._ask("PATCH", f"{_of(repository)}/pulls/{number}", {"state": "closed"})

    def _hosted(self, value: Any) -> Hosted:
        found = answers.row(value)
        name = answers.name(found.get("full_name"))
        return Hosted(
            name,
            f"{self.address}/{name}.git",
            answers.branch(found.get("default_branch") or "main"),
            archived=found.get("archived") is True,
            fork=found.get("fork") is True,
            # nothing can be pushed to a mirror
            disabled=found.get("has_pull_requests") is False or found.get("mirror") is True,
        )

    def _list(self, path: str, parameters: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        def fetch(page: int) -> answers.Page:
            asked: dict[str, str | int] = {**(parameters or {}), "limit": _PAGE, "page": page}
            with self._web.understood():
                answer = self._web.session.get(f"{self._web.base}{path}", params=asked)
                return answer.json(), answer.headers

        return answers.pages(self._web, fetch)

    def _ask(self, verb: str, path: str, what: Mapping[str, Any] | None = None) -> Any:
        with self._web.understood():
            return self._web.session.request(verb, f"{self._web.base}{path}", json=what).json()


def _of(repository: str) -> str:
    owner, _, name = answers.as_name(repository).partition("/")
    if "/" in name:
        raise UsageError(f"'{repository}' can be no repository on Gitea; give it as owner/name")
    return f"/repos/{quote(owner)}/{quote(name)}"


def _is_own(row: Mapping[str, Any]) -> bool:
    """Whether a request is about a branch of its own repository, not of a fork."""
    head, base = answers.row(row.get("head")), answers.row(row.get("base"))
    return head.get("repo_id") == base.get("repo_id")


def _request(row: Mapping[str, Any]) -> Request:
    head, base = answers.row(row.get("head")), answers.row(row.get("base"))
    title = answers.text(row.get("title"))
    state = answers.state(row.get("state"))
    return Request(
        number=answers.number(row.get("number")),
        state=State.MERGED if row.get("merged") is True else state,
        # `ref` is no branch any more when the branch is gone
        branch=answers.branch(head.get("label") or head.get("ref")),
        base=answers.branch(base.get("label") or base.get("ref")),
        head=answers.commit(head.get("sha") or ""),
        title=title.removeprefix(_DRAFT),
        body=answers.text(row.get("body")),
        author=answers.login(row.get("user")),
        url=answers.text(row.get("html_url")),
        labels=answers.labels(row.get("labels")),
        draft=row.get("draft") is True or title.startswith(_DRAFT),
    )
