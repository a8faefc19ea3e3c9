"""A forge in a folder: bare git repositories, and requests about their real branches. It behaves like GitHub.

Repositories lie at `FOLDER/OWNER/NAME.git`. What is said about them lies in `FOLDER/forge.sqlite`, so that it outlives
the process and several may use it. Trouble is made on demand (`Memory.faults`), for trying out what depends on a forge.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from fixer.errors import UsageError
from fixer.forge.answers import as_name
from fixer.forge.base import Draft, ForgeError, Hosted, Login, Request, State
from fixer.forge.http import AGAIN, refusal
from fixer.tuples import NamedTuple

_HOST = "the forge in memory"
_LABELS = "\n"  # stands between labels, which have one line
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "safe.directory=*")
_TABLES = """
CREATE TABLE IF NOT EXISTS settings (repository TEXT PRIMARY KEY, archived INT, fork INT, disabled INT);
CREATE TABLE IF NOT EXISTS requests (
  repository TEXT, number INT, state TEXT, branch TEXT, base TEXT, head TEXT, title TEXT, body TEXT, author TEXT,
  closed_by TEXT, labels TEXT, draft INT, PRIMARY KEY (repository, number));
CREATE TABLE IF NOT EXISTS comments (repository TEXT, number INT, author TEXT, text TEXT);
"""


class Trouble(StrEnum):
    """What can be wrong with an answer."""

    TIMEOUT = "timeout"
    LIMIT = "limit"
    BROKEN = "broken"
    ELSEWHERE = "elsewhere"
    NONSENSE = "nonsense"
    SLOW = "slow"


class Fault(NamedTuple):
    """One answer that goes wrong.

    Args:
        method: the name of the method of `Memory` that is called, "" for whichever comes next.
        trouble: what goes wrong.
        done: whether what was asked for happens all the same, and only the answer is lost.
        seconds: how long a slow answer takes; what a limit asks to wait.
    """

    method: str
    trouble: Trouble
    done: bool = False
    seconds: float = 1.0


class Memory:
    """A forge of one folder, as one login sees it.

    Args:
        folder: where the repositories lie; a new one is made.
        login: who asks. Another `Memory` of the same folder is another person.
    """

    name = "memory"
    body_limit = 65_536

    def __init__(self, folder: Path, login: str = "fixer-bot") -> None:
        self.folder = folder.absolute()
        self.faults: list[Fault] = []
        """What goes wrong next, each once."""
        self._login = login
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._data() as data:
            data.executescript(_TABLES)

    # --- what a forge does -------------------------------------------------------------------------------------------

    def identity(self) -> str:
        """The login that requests are opened with."""
        with self._answering("identity"):
            return self._login

    def login(self) -> Login | None:
        """Nothing: folders need no password."""
        return None

    def repository(self, name: str) -> Hosted:
        """One repository by `owner/name`."""
        with self._answering("repository"):
            return self._hosted(name)

    def repositories(self, owner: str) -> Iterator[Hosted]:
        """All repositories of an owner, by name."""
        with self._answering("repositories"):
            if not (self.folder / as_name(f"{owner}/x")).parent.is_dir():
                raise refusal(_HOST, 404, {}, "")
            found = sorted(path.name.removesuffix(".git") for path in (self.folder / owner).glob("*.git"))
            hosted = [self._hosted(f"{owner}/{name}") for name in found]
        yield from hosted

    def requests(self, repository: str, branch: str = "") -> Iterator[Request]:
        """Requests in every state, newest first; of one branch of the repository where that is named."""
        with self._answering("requests"), self._data() as data:
            self._follow(data, repository)
            rows = data.execute(
                "SELECT * FROM requests WHERE repository = ? AND ? IN ('', branch) ORDER BY number DESC",
                (repository, branch),
            ).fetchall()
        yield from (self._request(row) for row in rows)

    def open(self, repository: str, draft: Draft) -> Request:
        """Open a request for a branch that is pushed."""
        with self._answering("open"), self._data() as data:
            self._follow(data, repository)
            head = self._may_open(data, repository, draft)
            (number,) = data.execute(
                "SELECT 1 + COALESCE(MAX(number), 0) FROM requests WHERE repository = ?", (repository,)
            ).fetchone()
            data.execute(
                "INSERT INTO requests VALUES (?, ?, 'open', ?, ?, ?, ?, ?, ?, '', ?, ?)",
                (
                    *(repository, number, draft.branch, draft.base, head, draft.title, draft.body, self._login),
                    *(_LABELS.join(draft.labels), draft.draft),
                ),
            )
            return self._one(data, repository, number)

    def update(self, repository: str, number: int, draft: Draft) -> Request:
        """Let a request say something else; its branch and draft state stay, labels are added."""
        with self._answering("update"), self._data() as data:
            self._follow(data, repository)
            before = self._one(data, repository, number)
            self._may_write(data, repository, draft)
            labels = _LABELS.join(dict.fromkeys([*before.labels, *draft.labels]))
            data.execute(
                "UPDATE requests SET title = ?, body = ?, base = ?, labels = ? WHERE repository = ? AND number = ?",
                (draft.title, draft.body, draft.base, labels, repository, number),
            )
            return self._one(data, repository, number)

    def comment(self, repository: str, number: int, text: str) -> None:
        """Say something below a request."""
        with self._answering("comment"), self._data() as data:
            self._one(data, repository, number)
            self._must_be_open_to(data, repository)
            data.execute("INSERT INTO comments VALUES (?, ?, ?, ?)", (repository, number, self._login, text))

    def close(self, repository: str, number: int) -> None:
        """Close a request without merging it."""
        with self._answering("close"), self._data() as data:
            self._follow(data, repository)
            if self._one(data, repository, number).state is State.OPEN:
                self._must_be_open_to(data, repository)
                self._end(data, repository, number, State.CLOSED)

    # --- what people do there ----------------------------------------------------------------------------------------

    def comments(self, repository: str, number: int) -> list[tuple[str, str]]:
        """What was said below a request, oldest first: by whom, and what."""
        with self._data() as data:
            query = "SELECT author, text FROM comments WHERE repository = ? AND number = ? ORDER BY rowid"
            return [(who, text) for who, text in data.execute(query, (repository, number))]

    def merge(self, repository: str, number: int) -> None:
        """Merge an open request whose branch is ahead of its base, without a merge commit.

        Raises:
            ForgeError: when it is not open, or its base has moved.
        """
        with self._data() as data:
            self._follow(data, repository)
            found = self._one(data, repository, number)
            base = self._branches(repository).get(found.base, "")
            if found.state is not State.OPEN or not self._reaches(repository, base, found.head):
                raise refusal(_HOST, 405, {}, "Pull Request is not mergeable")
            self._git(repository, "update-ref", f"refs/heads/{found.base}", found.head, base)
            self._end(data, repository, number, State.MERGED)

    def reopen(self, repository: str, number: int) -> None:
        """Open a closed request again, if its branch is there."""
        with self._data() as data:
            found = self._one(data, repository, number)
            self._may_open(data, repository, Draft(found.branch, found.base, found.title, found.body))
            data.execute(
                "UPDATE requests SET state = 'open', closed_by = '' WHERE repository = ? AND number = ?",
                (repository, number),
            )

    def settings(self, repository: str, archived: bool = False, fork: bool = False, disabled: bool = False) -> None:
        """Say what a repository is."""
        with self._data() as data:
            row = (repository, archived, fork, disabled)
            data.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?)", row)

    # --- how ----------------------------------------------------------------------------------------------------------

    @contextmanager
    def _answering(self, method: str) -> Iterator[None]:
        """Let the next fault of a method happen before it, or after it where only its answer is lost."""
        fault = next((one for one in self.faults if one.method in ("", method)), None)
        if fault is not None:
            self.faults.remove(fault)
            if not fault.done:
                _go_wrong(fault)
        yield
        if fault is not None and fault.done:
            _go_wrong(fault)

    @contextmanager
    def _data(self) -> Iterator[sqlite3.Connection]:
        """The database, in one transaction."""
        data = sqlite3.connect(self.folder / "forge.sqlite", timeout=30, isolation_level=None)
        try:
            data.execute("BEGIN IMMEDIATE")
            with data:
                yield data
        finally:
            data.close()

    def _path(self, repository: str) -> Path:
        path = self.folder / f"{as_name(repository)}.git"
        if not (path / "HEAD").is_file():
            raise refusal(_HOST, 404, {}, "")
        return path

    def _hosted(self, name: str) -> Hosted:
        path = self._path(name)
        default = self._git(name, "symbolic-ref", "--short", "HEAD")
        with self._data() as data:
            query = "SELECT archived, fork, disabled FROM settings WHERE repository = ?"
            flags = data.execute(query, (name,)).fetchone() or (0, 0, 0)
        return Hosted(name, str(path), default, *map(bool, flags))

    def _branches(self, repository: str) -> dict[str, str]:
        listed = self._git(repository, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads")
        pairs = (line.split(" ", 1) for line in listed.splitlines())
        return {name.removeprefix("refs/heads/"): oid for oid, name in pairs}

    def _reaches(self, repository: str, old: str, new: str) -> bool:
        """Whether a commit is the same as another one, or comes after it."""
        try:
            self._git(repository, "merge-base", "--is-ancestor", old, new)
        except ForgeError:
            return False
        return True

    def _follow(self, data: sqlite3.Connection, repository: str) -> None:
        """Let open requests see what became of their branches: moved, merged by a push, or gone."""
        branches = self._branches(repository)
        query = "SELECT number, branch, base, head FROM requests WHERE repository = ? AND state = 'open'"
        for number, branch, base, head in data.execute(query, (repository,)).fetchall():
            now = branches.get(branch)
            if now is None:
                # Who pushed that is not known here; on a forge it is seldom the one who opened the request.
                self._end(data, repository, number, State.CLOSED, "somebody")
            elif self._reaches(repository, now, branches.get(base, "")):
                self._end(data, repository, number, State.MERGED, "somebody")
            if now not in (None, head):
                data.execute(
                    "UPDATE requests SET head = ? WHERE repository = ? AND number = ?", (now, repository, number)
                )

    def _end(self, data: sqlite3.Connection, repository: str, number: int, state: State, who: str = "") -> None:
        data.execute(
            "UPDATE requests SET state = ?, closed_by = ? WHERE repository = ? AND number = ?",
            (state, who or self._login, repository, number),
        )

    def _may_open(self, data: sqlite3.Connection, repository: str, draft: Draft) -> str:
        """The commit that a request would be about.

        Raises:
            ForgeError: as GitHub does.
        """
        branches = self._branches(repository)
        self._may_write(data, repository, draft)
        head = branches.get(draft.branch)
        if head is None:
            raise refusal(_HOST, 422, {}, f"head {draft.branch} is no branch")
        if self._reaches(repository, head, branches[draft.base]):
            raise refusal(_HOST, 422, {}, f"No commits between {draft.base} and {draft.branch}")
        query = "SELECT 1 FROM requests WHERE repository = ? AND branch = ? AND base = ? AND state = 'open'"
        if data.execute(query, (repository, draft.branch, draft.base)).fetchone():
            owner = repository.partition("/")[0]
            raise refusal(_HOST, 422, {}, f"A pull request already exists for {owner}:{draft.branch}.")
        return head

    def _may_write(self, data: sqlite3.Connection, repository: str, draft: Draft) -> None:
        self._must_be_open_to(data, repository)
        if draft.base not in self._branches(repository):
            raise refusal(_HOST, 422, {}, f"base {draft.base or '(none)'} is no branch")
        if len(draft.body) > self.body_limit:
            raise refusal(_HOST, 422, {}, f"body is too long (maximum is {self.body_limit} characters)")
        if not draft.title.strip():
            raise refusal(_HOST, 422, {}, "title can't be blank")

    def _must_be_open_to(self, data: sqlite3.Connection, repository: str) -> None:
        query = "SELECT 1 FROM settings WHERE repository = ? AND (archived OR disabled)"
        if data.execute(query, (repository,)).fetchone():
            raise refusal(_HOST, 403, {}, "Repository was archived so is read-only.")

    def _one(self, data: sqlite3.Connection, repository: str, number: int) -> Request:
        query = "SELECT * FROM requests WHERE repository = ? AND number = ?"
        row = data.execute(query, (repository, number)).fetchone()
        if row is None:
            raise refusal(_HOST, 404, {}, "")
        return self._request(row)

    def _request(self, row: tuple[Any, ...]) -> Request:
        repository, number, state, branch, base, head, title, body, author, closed_by, labels, draft = row
        url = f"{self.folder.as_uri()}/{repository}/pull/{number}"
        return Request(
            *(number, State(state), branch, base, head, title, body, author, url),
            closed_by if state != State.OPEN else "",
            tuple(labels.split(_LABELS)) if labels else (),
            bool(draft),
        )

    def _git(self, repository: str, *words: str) -> str:
        """What git says about a repository.

        Raises:
            ForgeError: with its own words.
        """
        command = ["git", *_OPTIONS, f"--git-dir={self._path(repository)}", *words]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _ENVIRONMENT
        try:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            raise UsageError("there is no git here; install it, or choose another forge") from None
        if done.returncode:
            raise refusal(_HOST, 422, {}, done.stderr.strip())
        return done.stdout.strip()


def _go_wrong(fault: Fault) -> None:
    """Answer as a forge that is ill."""
    match fault.trouble:
        case Trouble.TIMEOUT:
            raise ForgeError(f"{_HOST} did not answer in time; try again later", AGAIN)
        case Trouble.LIMIT:
            raise refusal(_HOST, 403, {"Retry-After": f"{fault.seconds:.0f}"}, "secondary rate limit")
        case Trouble.BROKEN:
            raise refusal(_HOST, 500, {}, "")
        case Trouble.ELSEWHERE:
            raise ForgeError(f"{_HOST} redirects to another address, which gets no token; check the forge's address")
        case Trouble.NONSENSE:
            raise ForgeError(f"{_HOST} answers with something that makes no sense; check that it is the right forge")
        case Trouble.SLOW:
            time.sleep(fault.seconds)
