"""A git repository as a store of trees and commits: the one module that knows GitPython.

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

from fixer.deliver.gitsafe import ENVIRONMENT, SETTINGS, in_environment
from fixer.errors import FixerError, UsageError
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from git import Repo

FILE, PROGRAM, LINK, FOLDER, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o040000, 0o160000
_MOST_ENTRIES = 2_000_000  # a tree can name itself again and again
_DEEPEST = 500
_NOBODY = "0" * 40
_WHEN = re.compile(rb" (\d{1,12}) ([+-]\d{4})$")
_OPTIONS = tuple(f"{name}={value}" for name, value in SETTINGS.items())
_PLACES = (
    "GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES"
    " GIT_NAMESPACE GIT_CONFIG_PARAMETERS"
).split()
_ENVIRONMENT = {
    **ENVIRONMENT,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # git before 2.39.4 fetches what is missing all the same
}


class NoRepository(UsageError):
    """A path that lies in no git repository, whatever stands beside it."""


class Entry(NamedTuple):
    """One file of a tree: its path from the top, its mode as git has it, and the id of what it holds."""

    path: bytes
    mode: int
    oid: str


class _Row(NamedTuple):
    """A row of a tree: its mode as written and as meant, its name, and the id of what it names."""

    raw: bytes
    mode: int
    name: bytes
    oid: str


class Person(NamedTuple):
    """Who wrote a commit."""

    name: str
    email: str


class Commit(NamedTuple):
    """What a commit says of itself; `date` is that of its committer, in seconds and with the zone (`+0200`).

    `by_one` tells whether author and committer, with their dates, are the same: an amended commit has two.
    """

    oid: str
    tree: str
    parents: tuple[str, ...]
    message: str
    date: tuple[int, str]
    by_one: bool = True


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
        head, _, message = self._object(oid, b"commit").partition(b"\n\n")
        rows = [line.partition(b" ")[::2] for line in head.split(b"\n")]
        one = dict(reversed(rows))
        when = _WHEN.search(one.get(b"committer", b""))
        date = (int(when[1]), when[2].decode()) if when is not None else (0, "+0000")
        parents = tuple(value.decode() for key, value in rows if key == b"parent")
        same = one.get(b"author") == one.get(b"committer")
        return Commit(oid, one.get(b"tree", b"").decode(), parents, message.decode("utf-8", "replace"), date, same)

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
            for row in self._entries(oid):
                count += 1
                if count > _MOST_ENTRIES:
                    raise FixerError(f"the tree holds more than {_MOST_ENTRIES:,} entries; leave this repository out")
                if row.mode == FOLDER:
                    below.append((folder + row.name + b"/", row.oid, depth + 1))
                else:
                    yield Entry(folder + row.name, row.mode, row.oid)
            pending += reversed(below)

    def _entries(self, tree: str) -> list[_Row]:
        data = self._object(tree, b"tree")
        out, at = [], 0
        try:
            while at < len(data):
                space = data.index(b" ", at)
                end = data.index(b"\0", space)
                oid = data[end + 1 : end + 21].hex()
                out.append(_Row(data[at:space], _kind(int(data[at:space], 8)), data[space + 1 : end], oid))
                at = end + 21
        except ValueError:
            raise FixerError(f"tree {tree[:10]} is damaged; see what 'git fsck' says") from None
        return out

    def _object(self, oid: str, kind: bytes) -> bytes:
        from gitdb.exc import ODBError

        try:
            found = self._repo.odb.stream(bytes.fromhex(oid))
        except (ODBError, ValueError, OSError):
            what = f"{kind.decode()} {oid[:10]} is not in the repository"
            raise FixerError(f"{what}; fetch it, or see what 'git fsck' says") from None
        data = bytes(found.read())  # to its end: what is left in the pipe would be the next answer
        if found.type != kind:
            raise FixerError(f"{oid[:10]} is no {kind.decode()}; see what 'git fsck' says")
        return data

    def size(self, oid: str) -> int:
        """How many bytes an object has.

        Raises:
            FixerError: when it is not there.
        """
        from gitdb.exc import ODBError

        try:
            return int(self._repo.odb.info(bytes.fromhex(oid)).size)
        except (ODBError, ValueError, OSError):
            raise FixerError(f"blob {oid[:10]} is not in the repository; fetch it") from None

    def read(self, oid: str) -> bytes:
        """The bytes of a file.

        Raises:
            FixerError: when it is not there.
        """
        return self._object(oid, b"blob")

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
        for raw, mode, name, oid in self._entries(tree):
            if name in own and mode in (FILE, PROGRAM):
                oid = self._store("blob", own.pop(name))
            elif name in below and mode == FOLDER:
                oid = self.changed(oid, below.pop(name))
            rows.append(b"%s %s\0" % (raw, name) + bytes.fromhex(oid))
        for name in (*own, *below):
            raise FixerError(f"{os.fsdecode(name)}: is no file of the commit; it was left as it is")
        return self._store("tree", b"".join(rows))

    def _store(self, kind: str, data: bytes) -> str:
        from gitdb import IStream, LooseObjectDB

        # Not through git: its process would take the end of ours for the end of the object.
        place = LooseObjectDB(os.path.join(self._repo.common_dir, "objects"))
        stored = place.store(IStream(kind.encode(), len(data), BytesIO(data)))
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
        return f"branch refs/heads/{name}" in listed.split("\0")

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
        return Person(_plain(name), _plain(email)) if _plain(name) and _plain(email) else None

    def modified(self) -> list[str]:
        """Tracked files that differ from HEAD or are staged, as git tells; filters of the repository do not run."""
        if self.top is None:
            return []
        words = ("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all")
        out = self._git(*words, settings=self._without_filters())
        return [row[3:] for row in out.split("\0") if len(row) > 3 and row[2] == " "]

    def _without_filters(self) -> dict[str, str]:
        """Settings that take its filters from the repository."""
        try:
            found = self._git("config", "--name-only", "-z", "--get-regexp", r"^filter\..*\.(clean|process)$")
        except FixerError:
            return {}
        names = sorted({name.rpartition(".")[0] for name in found.split("\0") if name})
        values = (("clean", ""), ("process", ""), ("required", "false"))
        return {f"{name}.{key}": value for name in names for key, value in values}

    def _git(self, *words: str, settings: Mapping[str, str] | None = None) -> str:
        """What git says to some words.

        Args:
            words: its arguments.
            settings: more configuration.

        Raises:
            FixerError: with its own first line.
        """
        from git.exc import CommandError

        options = [word for option in _OPTIONS for word in ("-c", option)]
        try:
            with self._repo.git.custom_environment(**in_environment(dict(settings or {}))):
                command = [self._repo.git.GIT_PYTHON_GIT_EXECUTABLE, *options, *words]
                return str(self._repo.git.execute(command, strip_newline_in_stdout=True))
        except CommandError as error:
            raise FixerError(_first_line(str(error.stderr))) from None


def _kind(mode: int) -> int:
    """A mode as git has it today; old programs wrote other bits of the mode of a file."""
    kind = mode & 0o170000
    return (PROGRAM if mode & 0o100 else FILE) if kind == 0o100000 else kind


def _open(start: Path) -> Repo:
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git import GitCommandNotFound, InvalidGitRepositoryError, NoSuchPathError, Repo
    from git.exc import CommandError

    folder = start if os.path.isdir(start) else start.parent
    try:
        with _own_place():
            repo = Repo(folder, search_parent_directories=True, expand_vars=False)
            # Asked with the person's own configuration: whom git does not trust, is not read.
            repo.git.rev_parse("--git-dir")
            kind = repo.git.rev_parse("--show-object-format")
    except (InvalidGitRepositoryError, NoSuchPathError):
        if not os.path.lexists(start):
            raise UsageError(f"{start}: no such file or folder; check the path") from None
        raise NoRepository(f"{start}: is in no git repository; name a folder of one") from None
    except GitCommandNotFound:
        raise UsageError("there is no git here; install it, or leave out what needs it") from None
    except CommandError as error:
        raise UsageError(f"{start}: git does not read this repository: {_first_line(str(error.stderr))}") from None
    if kind != "sha1":
        raise UsageError(f"{start}: the repository keeps its objects by {kind}, which is not supported; use --write")
    repo.git.update_environment(**_ENVIRONMENT, **_places(repo))
    repo.git.set_persistent_git_options(c=list(_OPTIONS))
    return repo


@contextmanager
def _own_place() -> Iterator[None]:
    """Without the variables by which a hook says where its repository lies: another one may be asked for."""
    kept = {name: os.environ.pop(name) for name in _PLACES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def _places(repo: Repo) -> dict[str, str]:
    """The same variables for the repository that was opened, where a hook has set some."""
    if not any(name in os.environ for name in _PLACES):
        return {}
    common = os.path.abspath(repo.common_dir)
    work = {"GIT_WORK_TREE": str(repo.working_tree_dir)} if repo.working_tree_dir else {}
    own = {"GIT_DIR": os.path.abspath(repo.git_dir), "GIT_INDEX_FILE": os.path.join(repo.git_dir, "index")}
    alone = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": "", "GIT_NAMESPACE": "", "GIT_CONFIG_PARAMETERS": ""}
    return work | own | alone | {"GIT_COMMON_DIR": common, "GIT_OBJECT_DIRECTORY": os.path.join(common, "objects")}


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
