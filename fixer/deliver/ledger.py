"""What became of each request, on the disk as soon as it is known, so that a run that was killed goes on where it was.

One SQLite file, which several runs may share. A run is known by what it was asked for: the same question takes up the
run that has not ended, and starts a new one where the last has.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from fixer import masking
from fixer.errors import FixerError, UsageError
from fixer.tuples import NamedTuple

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, question TEXT, begun REAL, ended REAL);
CREATE TABLE IF NOT EXISTS ends (
  run INTEGER, repository TEXT, unit TEXT, branch TEXT, outcome TEXT, why TEXT, url TEXT, at REAL,
  PRIMARY KEY (run, repository, unit));
"""
_VERSION = 1


class End(StrEnum):
    """How a repository or a unit ended."""

    OPENED = "opened"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


class Ended(NamedTuple):
    """What became of one unit, or of a repository as a whole, whose unit is "".

    `why` is a sentence where it was skipped or failed, and `url` that of its request.
    """

    repository: str
    unit: str
    end: End
    why: str = ""
    branch: str = ""
    url: str = ""


class Ledger:
    """The file. It is safe to kill the process at any moment: what was told is there.

    Args:
        file: made with its folder where it is missing.
        clock: the time, in seconds.

    Raises:
        UsageError: when it cannot be opened, or is something else.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._data = sqlite3.connect(file, timeout=30, isolation_level=None)
            self._data.execute("PRAGMA journal_mode = WAL")
            (version,) = self._data.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise UsageError(f"{file}: was written by another version of fixer; name another file with --state")
            self._data.executescript(f"{_TABLES} PRAGMA user_version = {_VERSION};")
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"{file}: cannot be used as a ledger ({error}); name another with --state") from None

    def close(self) -> None:
        """End the use of the file."""
        self._data.close()

    def begin(self, question: Iterable[str]) -> int:
        """The run of a question: the last one if it has not ended, else a new one; its number.

        Args:
            question: what was asked for, in words.
        """
        text = hashlib.sha256("\0".join(question).encode("utf-8", "surrogateescape")).hexdigest()
        found = self._data.execute(
            "SELECT id FROM runs WHERE question = ? AND ended IS NULL ORDER BY id DESC LIMIT 1", (text,)
        ).fetchone()
        if found is not None:
            return int(found[0])
        made = self._data.execute("INSERT INTO runs (question, begun) VALUES (?, ?)", (text, self.clock()))
        return int(made.lastrowid or 0)

    def finish(self, run: int) -> None:
        """Let a run have ended: the same question starts a new one."""
        self._data.execute("UPDATE runs SET ended = ? WHERE id = ?", (self.clock(), run))

    def tell(self, run: int, ended: Ended) -> None:
        """Keep one end, in place of what was known before."""
        row = (ended.repository, ended.unit, ended.branch, ended.end.value, masking.mask(ended.why), ended.url)
        plain = [text.encode("utf-8", "replace").decode() for text in row]
        self._data.execute("INSERT OR REPLACE INTO ends VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (run, *plain, self.clock()))

    def ends(self, run: int) -> list[Ended]:
        """All ends of a run, in order."""
        query = "SELECT repository, unit, outcome, why, branch, url FROM ends WHERE run = ? ORDER BY repository, unit"
        return [Ended(name, unit, End(end), *rest) for name, unit, end, *rest in self._data.execute(query, (run,))]

    def done(self, run: int) -> frozenset[str]:
        """The repositories that a run need not look at again: those that have ended, and not by a failure."""
        return frozenset(one.repository for one in self.ends(run) if not one.unit and one.end is not End.FAILED)


def exit_code(ends: Iterable[Ended], left: int = 0) -> int:
    """0 all well, 1 something was skipped or is left for a person, 2 something failed."""
    found = {one.end for one in ends}
    if End.FAILED in found:
        return 2
    return 1 if End.SKIPPED in found or left else 0


def whole(repository: str, ends: Iterable[Ended]) -> Ended:
    """The end of a repository out of those of its units: the worst, else what was done."""
    found = list(ends)
    for end in (End.FAILED, End.SKIPPED, End.OPENED, End.UPDATED):
        first = next((one for one in found if one.end is end), None)
        if first is not None:
            return Ended(repository, "", end, first.why)
    return Ended(repository, "", End.UNCHANGED)


@contextmanager
def only_publisher(identity: str, folder: Path) -> Iterator[Path]:
    """Be the only one on this machine who publishes as somebody; a process that is killed frees the place.

    Args:
        identity: the login and its forge.
        folder: where the lock lies.

    Returns:
        A file that belongs to the identity, for whatever has to be remembered of it.

    Raises:
        FixerError: when another process publishes as the same.
    """
    import fcntl

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:16]
    with (folder / f"publisher-{name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FixerError(f"another run publishes as {identity}; wait until it has ended") from None
        yield folder / f"publisher-{name}.calls"
