"""A git repository as a store of trees and commits: the one module that knows git.

Nothing is checked out, and nothing of the repository is run: no hooks, no filters, no monitors, no submodules. Work
tree, index and HEAD are never touched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.errors import FixerError, UsageError
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from git import Repo

FILE, PROGRAM, LINK, FOLDER, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o040000, 0o160000
_MOST_ENTRIES = 2_000_000  # a tree can name itself again and again
_DEEPEST = 500
_NOBODY = "0" * 40
_OPTIONS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.symlinks=false", "safe.directory=*")
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}


class Entry(NamedTuple):
    """One file of a tree: its path from the top, its mode as git has it, and the id of what it holds."""

    path: bytes
    mode: int
    oid: str


class Person(NamedTuple):
    """Who wrote a commit."""

    name: str
    email: str


class Commit(NamedTuple):
    """What a commit says of itself; `date` is that of its committer, in seconds and with the zone (`+0200`)."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    message: str
    date: tuple[int, str]


class GitStore:
    """The objects and branches of one repository, bare or with a work tree."""

    def __init__(self, start: Path) -> None:
        """Open the repository in which a path lies.

        Raises:
            UsageError: where there is none, or git will not read it.
        """
        self._repo = _open(start)
        self.top = Path(self._repo.working_tree_dir).resolve() if self._repo.working_tree_dir else None

    def close(self) -> None:
        """End the processes that read objects."""
        self._repo.close()

    def commit(self, name: str) -> Commit:
        """The commit that a name stands for.

        Raises:
            UsageError: when it stands for none.
        """
        try:
            oid = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except FixerError:
            raise UsageError(f"'{name}' names no commit of this repository; give a branch, a tag or an id") from None
        found = self._repo.commit(oid)
        zone = -found.committer_tz_offset
        minutes = abs(zone) // 60
        sign = "-" if zone < 0 else "+"
        date = (found.committed_date, f"{sign}{minutes // 60:02}{minutes % 60:02}")
        message = found.message if isinstance(found.message, str) else found.message.decode("utf-8", "replace")
        return Commit(found.hexsha, found.tree.hexsha, tuple(one.hexsha for one in found.parents), message, date)

    def head(self) -> str:
        """The id of the commit that HEAD stands for.

        Raises:
            UsageError: when there is no commit yet.
        """
        return self.commit("HEAD").oid

    def files(self, tree: str) -> Iterator[Entry]:
        """Everything in a tree but its folders, in git's order.

        Raises:
            FixerError: when it holds more than any repository does.
        """
        pending: list[tuple[bytes, str, int]] = [(b"", tree, 0)]
        count = 0
        while pending:
            folder, oid, depth = pending.pop()
            if depth > _DEEPEST:
                raise FixerError("the tree is too deep for any file system; leave this repository out")
            below = []
            for mode, name, one in self._entries(oid):
                count += 1
                if count > _MOST_ENTRIES:
                    raise FixerError(f"the tree holds more than {_MOST_ENTRIES:,} entries; leave this repository out")
                if mode == FOLDER:
                    below.append((folder + name + b"/", one, depth + 1))
                else:
                    yield Entry(folder + name, mode, one)
            pending += reversed(below)

    def _entries(self, tree: str) -> list[tuple[int, bytes, str]]:
        data: bytes = self._repo.odb.stream(bytes.fromhex(tree)).read()
        out, at = [], 0
        while at < len(data):
            space = data.index(b" ", at)
            end = data.index(b"\0", space)
            mode = int(data[at:space], 8)
            # Old programs wrote other bits of the mode of a file.
            kind = mode & 0o170000
            mode = (PROGRAM if mode & 0o100 else FILE) if kind == 0o100000 else kind
            out.append((mode, data[space + 1 : end], data[end + 1 : end + 21].hex()))
            at = end + 21
        return out

    def size(self, oid: str) -> int:
        """How many bytes an object has."""
        return int(self._repo.odb.info(bytes.fromhex(oid)).size)

    def read(self, oid: str) -> bytes:
        """The bytes of a file."""
        return bytes(self._repo.odb.stream(bytes.fromhex(oid)).read())

    def changed(self, tree: str, files: Mapping[bytes, bytes]) -> str:
        """The id of a tree with the bytes of some files replaced; their modes and everything else stay.

        Args:
            tree: the id of the tree.
            files: the new bytes, by the path of each file from the top.

        Raises:
            FixerError: for a path that is no file of the tree.
        """
        below: dict[bytes, dict[bytes, bytes]] = {}
        own: dict[bytes, bytes] = {}
        for path, data in files.items():
            name, slash, rest = path.partition(b"/")
            if slash:
                below.setdefault(name, {})[rest] = data
            else:
                own[name] = data
        rows = []
        for mode, name, oid in self._entries(tree):
            if name in own and mode in (FILE, PROGRAM):
                oid = self._store("blob", own.pop(name))
            elif name in below and mode == FOLDER:
                oid = self.changed(oid, below.pop(name))
            rows.append(b"%o %s\0" % (mode, name) + bytes.fromhex(oid))
        for name in (*own, *below):
            raise FixerError(f"{os.fsdecode(name)}: is no file of the commit; it was left as it is")
        return self._store("tree", b"".join(rows))

    def _store(self, kind: str, data: bytes) -> str:
        from gitdb import IStream

        stored = self._repo.odb.store(IStream(kind.encode(), len(data), BytesIO(data)))
        return str(stored.hexsha.decode())

    def add_commit(self, tree: str, parent: str, message: str, who: Person, date: tuple[int, str]) -> str:
        """Make a commit; the same words give the same id.

        Args:
            tree: the id of its tree.
            parent: the id of the commit before it.
            message: what it says.
            who: its author and committer.
            date: seconds and zone, for both.
        """
        name = f"{_plain(who.name)} <{_plain(who.email)}> {date[0]} {date[1]}"
        text = f"tree {tree}\nparent {parent}\nauthor {name}\ncommitter {name}\n\n{message}"
        return self._store("commit", text.encode("utf-8", "surrogateescape"))

    def branch(self, name: str) -> str | None:
        """The id of the commit that a branch stands for, None when there is no such branch.

        Raises:
            UsageError: when it can be no name of a branch.
        """
        try:
            self._git("check-ref-format", f"refs/heads/{name}")
        except FixerError:
            raise UsageError(f"'{name}' can be no name of a branch; choose one such as nonroot/web") from None
        if name.startswith("-") or name == "HEAD":
            raise UsageError(f"'{name}' can be no name of a branch; choose one such as nonroot/web")
        try:
            return self._git("rev-parse", "--verify", "--quiet", f"refs/heads/{name}")
        except FixerError:
            return None

    def in_use(self, name: str) -> bool:
        """Whether a work tree stands on a branch, so that moving it would change what a person sees."""
        listed = self._git("worktree", "list", "--porcelain", "-z")
        return not self._repo.bare and f"branch refs/heads/{name}" in listed.split("\0")

    def between(self, old: str, new: str) -> list[Commit]:
        """The commits that a branch has beyond another one, oldest first."""
        listed = self._git("rev-list", "--reverse", "--topo-order", new, f"^{old}")
        return [self.commit(oid) for oid in listed.split()]

    def set_branch(self, name: str, new: str, old: str | None) -> None:
        """Let a branch stand for a commit, if it still stands for what it was.

        Args:
            name: of the branch.
            new: the id of the commit.
            old: the id of the one that it stands for, None when there is no such branch.

        Raises:
            FixerError: when it was changed by somebody else meanwhile.
        """
        try:
            self._git("update-ref", "--no-deref", "-m", "fixer", f"refs/heads/{name}", new, old or _NOBODY)
        except FixerError as error:
            why = f"branch '{name}' cannot be set ({error}); it was left as it is, run again"
            raise FixerError(why) from error

    def person(self) -> Person | None:
        """Who the person's own configuration says that they are."""
        from configparser import Error

        try:
            with self._repo.config_reader() as reader:
                name, email = (str(reader.get_value("user", key, "")) for key in ("name", "email"))
        except (Error, OSError, ValueError):
            return None
        return Person(name, email) if name and email else None

    def modified(self) -> list[str]:
        """Tracked files that differ from HEAD or are staged, as git tells; filters of the repository do not run."""
        if self.top is None:
            return []
        options = [word for name in self._filters() for word in ("-c", name)]
        out = self._git("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all", first=options)
        return [row[3:] for row in out.split("\0") if len(row) > 3 and row[2] == " "]

    def _filters(self) -> list[str]:
        """Settings that take its filters from the repository."""
        try:
            found = self._git("config", "--name-only", "-z", "--get-regexp", r"^filter\..*\.(clean|process)$")
        except FixerError:
            return []
        names = {name.rpartition(".")[0] for name in found.split("\0") if name}
        return [f"{name}.{key}" for name in sorted(names) for key in ("clean=", "process=", "required=false")]

    def _git(self, *words: str, first: list[str] | None = None) -> str:
        """What git says to some words.

        Raises:
            FixerError: with its own first line.
        """
        from git.exc import CommandError

        try:
            command = [self._repo.git.GIT_PYTHON_GIT_EXECUTABLE, *_dashed(), *(first or []), *words]
            return str(self._repo.git.execute(command, strip_newline_in_stdout=True))
        except CommandError as error:
            raise FixerError(_first_line(str(error.stderr))) from None


def _dashed() -> list[str]:
    return [word for option in _OPTIONS for word in ("-c", option)]


def _open(start: Path) -> Repo:
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git import GitCommandNotFound, InvalidGitRepositoryError, NoSuchPathError, Repo
    from git.exc import CommandError

    folder = start if start.is_dir() else start.parent
    try:
        repo = Repo(folder, search_parent_directories=True, expand_vars=False)
        # Asked with the person's own configuration: whom git does not trust, is not read.
        repo.git.rev_parse("--git-dir")
        kind = repo.git.rev_parse("--show-object-format")
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise UsageError(f"{start}: is in no git repository; name a folder of one") from None
    except GitCommandNotFound:
        raise UsageError("there is no git here; install it, or leave out what needs it") from None
    except CommandError as error:
        raise UsageError(f"{start}: git does not read this repository: {_first_line(str(error.stderr))}") from None
    if kind != "sha1":
        raise UsageError(f"{start}: the repository keeps its objects by {kind}, which is not supported; use --write")
    repo.git.update_environment(**_ENVIRONMENT)
    repo.git.set_persistent_git_options(c=list(_OPTIONS))
    return repo


def _first_line(text: str) -> str:
    lines = [line.strip().strip("'") for line in text.replace("stderr:", "").splitlines()]
    return next((line for line in lines if line), "git says nothing").removeprefix("fatal: ")


def _plain(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f<>]+", " ", text).strip()


@contextmanager
def opened(start: Path) -> Iterator[GitStore]:
    """The repository in which a path lies, closed afterwards.

    Raises:
        UsageError: as `GitStore`.
    """
    store = GitStore(start)
    try:
        yield store
    finally:
        store.close()
