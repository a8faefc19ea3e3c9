"""GitLab through python-gitlab, the client that GitLab's own documentation names; it takes a session of ours.

Merge requests are pull requests here, projects repositories. Only its authentication and its protocol are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fixer import masking
from fixer.errors import UsageError
from fixer.forge import answers
from fixer.forge.base import Draft, ForgeError, Hosted, Login, Request, State
from fixer.forge.http import SECONDS, Web

if TYPE_CHECKING:
    from gitlab import Gitlab

_PAGE = 50
_DRAFT = "Draft: "
_STATES = {"opened": State.OPEN, "locked": State.OPEN, "closed": State.CLOSED, "merged": State.MERGED}
# A line that begins like this is a command to GitLab: /close, /merge, /assign.
_COMMAND = re.compile(r"^/(?=[A-Za-z])", re.MULTILINE)
_WAS_COMMAND = re.compile(r"^\\/(?=[A-Za-z])", re.MULTILINE)


class GitLab:
    """GitLab with the rights of one token.

    Args:
        address: of its pages, such as `https://gitlab.com`.
        token: of a person, a project or a group, or "" for nobody.
        seconds: how long it may be silent.
        job: whether the token is that of a CI job, which may read, and little else.

    Raises:
        UsageError: for an address that is none, or when python-gitlab is not installed.
    """

    name = "gitlab"
    body_limit = 1_048_576

    def __init__(self, address: str, token: str = "", seconds: float = SECONDS, job: bool = False) -> None:
        self.address = address.rstrip("/")
        self._token = token
        self._job = job
        self._web = Web(self.address, seconds)
        self._client = self._connected()
        self._identity = ""

    def _connected(self) -> Gitlab:
        try:
            from gitlab import Gitlab
        except ModuleNotFoundError:
            raise UsageError(
                "python-gitlab is not installed; install it with: pip install 'nonroot-fixer[gitlab]'"
            ) from None
        masking.register(self._token)
        key = self._token or None
        return Gitlab(
            self.address,
            private_token=None if self._job else key,
            job_token=key if self._job else None,
            timeout=self._web.seconds,
            user_agent="nonroot-fixer",
            keep_base_url=True,
            session=self._web.session,
        )

    def identity(self) -> str:
        """The login that requests are opened with."""
        if not self._identity:
            with self._web.understood():
                found = answers.row(self._ask("get", "/job" if self._job else "/user"))
                self._identity = answers.login(found.get("user") if self._job else found, "username")
        return self._identity

    def login(self) -> Login | None:
        """What git needs to push."""
        return Login("gitlab-ci-token" if self._job else "oauth2", self._token) if self._token else None

    def repository(self, name: str) -> Hosted:
        """One project by its path with all groups; `Hosted.name` is what it is called now."""
        found = self._ask("get", _of(name))
        with self._web.understood():
            return self._hosted(found)

    def repositories(self, owner: str) -> Iterator[Hosted]:
        """All projects of a group with the groups below it, or of a user."""
        answers.as_name(f"{owner}/x")
        parameters = {"order_by": "id", "sort": "asc"}
        below = {**parameters, "include_subgroups": "true", "with_shared": "false"}
        try:
            rows = list(self._list(f"/groups/{quote(owner, safe='')}/projects", below))
        except ForgeError as error:
            if error.status != 404 or "/" in owner:
                raise
            rows = list(self._list(f"/users/{quote(owner, safe='')}/projects", parameters))
        with self._web.understood():
            hosted = [self._hosted(row) for row in rows]
        yield from hosted

    def requests(self, repository: str, branch: str = "") -> Iterator[Request]:
        """Requests in every state, newest first; of one branch of the repository where that is named."""
        parameters = {"state": "all", "scope": "all", "order_by": "created_at", "sort": "desc"}
        if branch:
            parameters["source_branch"] = branch
        for row in self._list(f"{_of(repository)}/merge_requests", parameters):
            with self._web.understood():
                own = row.get("source_project_id") == row.get("target_project_id")
                request = _request(row) if own else None
            if request is not None and branch in ("", request.branch):
                yield request

    def open(self, repository: str, draft: Draft) -> Request:
        """Open a request for a branch that is pushed."""
        what = {
            "source_branch": draft.branch,
            "target_branch": draft.base,
            "title": _title(draft.title, draft.draft),
            "description": _harmless(draft.body),
            "labels": _joined(draft.labels),
        }
        made = self._ask("post", f"{_of(repository)}/merge_requests", what)
        with self._web.understood():
            return _request(answers.row(made))

    def update(self, repository: str, number: int, draft: Draft) -> Request:
        """Let an open request say something else; its branch and draft state stay, labels are added."""
        path = f"{_of(repository)}/merge_requests/{number}"
        before = self._ask("get", path)
        with self._web.understood():
            is_draft = _request(answers.row(before)).draft
        what = {
            "target_branch": draft.base,
            "title": _title(draft.title, is_draft),
            "description": _harmless(draft.body),
            "add_labels": _joined(draft.labels),
        }
        made = self._ask("put", path, what)
        with self._web.understood():
            return _request(answers.row(made))

    def comment(self, repository: str, number: int, text: str) -> None:
        """Say something below a request."""
        self._ask("post", f"{_of(repository)}/merge_requests/{number}/notes", {"body": _harmless(text)})

    def close(self, repository: str, number: int) -> None:
        """Close a request without merging it."""
        self._ask("put", f"{_of(repository)}/merge_requests/{number}", {"state_event": "close"})

    def _hosted(self, value: Any) -> Hosted:
        found = answers.row(value)
        name = answers.name(found.get("path_with_namespace"))
        levels = (found.get("repository_access_level"), found.get("merge_requests_access_level"))
        off = "disabled" in levels or found.get("merge_requests_enabled") is False
        return Hosted(
            name,
            f"{self.address}/{name}.git",
            answers.branch(found.get("default_branch") or "main"),
            archived=found.get("archived") is True,
            fork=isinstance(found.get("forked_from_project"), dict),
            disabled=off or bool(found.get("marked_for_deletion_on")),
        )

    def _list(self, path: str, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        def fetch(page: int) -> answers.Page:
            asked = {**parameters, "per_page": _PAGE, "page": page}
            with self._web.understood():
                answer = self._client.http_request("get", path, query_data=asked, obey_rate_limit=False)
                return answer.json(), answer.headers

        return answers.pages(self._web, fetch)

    def _ask(self, verb: str, path: str, what: dict[str, Any] | None = None) -> Any:
        with self._web.understood():
            return self._client.http_request(verb, path, post_data=what, obey_rate_limit=False).json()


def _of(repository: str) -> str:
    return f"/projects/{quote(answers.as_name(repository), safe='')}"


def _title(title: str, draft: bool) -> str:
    return f"{_DRAFT}{title}" if draft else title


def _harmless(text: str) -> str:
    """A text none of whose lines is a command; it looks the same."""
    return _COMMAND.sub(r"\/", text)


def _joined(labels: tuple[str, ...]) -> str:
    for label in labels:
        if "," in label:
            raise UsageError(f"'{label}' can be no label on GitLab; choose one without a comma")
    return ",".join(labels)


def _request(row: Mapping[str, Any]) -> Request:
    title = answers.text(row.get("title"))
    return Request(
        number=answers.number(row.get("iid")),
        state=_STATES[answers.text(row.get("state"))],
        branch=answers.branch(row.get("source_branch")),
        base=answers.branch(row.get("target_branch")),
        head=answers.commit(row.get("sha") or ""),
        title=title.removeprefix(_DRAFT),
        body=_WAS_COMMAND.sub("/", answers.text(row.get("description"))),
        author=answers.login(row.get("author"), "username"),
        url=answers.text(row.get("web_url")),
        closed_by=answers.login(row.get("closed_by"), "username"),
        labels=answers.labels(row.get("labels")),
        draft=row.get("draft") is True or title.startswith(_DRAFT),
    )
