"""What the program needs of a forge, and nothing more; GitLab's merge requests are pull requests here."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

from fixer.errors import FixerError
from fixer.tuples import NamedTuple


class State(StrEnum):
    """What became of a request. Closed means without a merge."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class Hosted(NamedTuple):
    """A repository on a forge: `owner/name` (GitLab: with its groups), where git finds it, and its default branch."""

    name: str
    clone_url: str
    default_branch: str
    archived: bool = False
    fork: bool = False
    disabled: bool = False


class Request(NamedTuple):
    """A pull request as the forge has it.

    `head` is the id of the commit that its branch stands for, `closed_by` the login of who closed it ("" where the
    forge does not tell), `author` that of who opened it. `labels` are names.
    """

    number: int
    state: State
    branch: str
    base: str
    head: str
    title: str
    body: str
    author: str
    url: str
    closed_by: str = ""
    labels: tuple[str, ...] = ()
    draft: bool = False


class Draft(NamedTuple):
    """A pull request to open, or what an open one should say."""

    branch: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    draft: bool = False


class ForgeError(FixerError):
    """A forge refused or could not be reached.

    `again_after` is how many seconds to wait, None where it is no use; `status` is that of the answer, 0 without one.
    """

    def __init__(self, message: str, again_after: float | None = None, status: int = 0) -> None:
        super().__init__(message)
        self.again_after = again_after
        self.status = status


class Login(NamedTuple):
    """What git sends to a forge over HTTPS; neither is ever printed."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Nothing of what it holds."""
        return "Login(...)"


class Forge(Protocol):
    """A forge with the rights of one identity. Every method may raise `ForgeError`; none waits by itself."""

    name: str
    body_limit: int
    """How many characters a body may have (GitHub 65,536, GitLab 1,048,576)."""

    def identity(self) -> str:
        """The login that requests are opened with."""

    def login(self) -> Login | None:
        """What git needs to push to repositories of this forge, None where that is nothing. Asked anew for each push:
        the tokens of apps live for an hour."""

    def repository(self, name: str) -> Hosted:
        """One repository by `owner/name`."""

    def repositories(self, owner: str) -> Iterator[Hosted]:
        """All repositories of an organisation, a group or a user."""

    def requests(self, repository: str, branch: str = "") -> Iterator[Request]:
        """Requests in every state, newest first; of one branch of the repository where that is named.

        Those from other repositories (forks) are left out: whoever can read could make one that looks like ours.
        """

    def open(self, repository: str, draft: Draft) -> Request:
        """Open a request for a branch that is pushed."""

    def update(self, repository: str, number: int, draft: Draft) -> Request:
        """Let an open request say something else; its branch and draft state stay."""

    def comment(self, repository: str, number: int, text: str) -> None:
        """Say something below a request."""

    def close(self, repository: str, number: int) -> None:
        """Close a request without merging it."""
