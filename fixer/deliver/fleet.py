"""Many repositories: each is computed in a process of its own, with bounds, and the results come as they are ready."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing import connection, get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fixer.errors import FixerError, UsageError, plainly
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_Item = TypeVar("_Item")
_MOST_LINES = 100_000
_WAIT = 5.0
# Imported once for all of them.
_NEEDED = ("fixer.app", "fixer.cli.requests", "fixer.deliver.exporting", "fixer.deliver.plans", "git", "jinja2")
_GOOD, _BAD = b"+", b"-"


class Bounds(NamedTuple):
    """What each repository may take: seconds, bytes of memory, and how many are computed at once."""

    seconds: float = 600.0
    memory: int = 4 << 30
    at_once: int = 2


class Computed(NamedTuple):
    """What came of one repository: the bytes that its job gave, or None and why there are none."""

    data: bytes | None
    why: str = ""


def listed(file: Path) -> list[str]:
    """The repositories that a file names, one a line; what follows a `#` and a space is a comment.

    Raises:
        UsageError: when it cannot be read.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file}: cannot be read as a list of repositories ({plainly(error)}); it is a text file with one a line"
        ) from None
    if len(lines) > _MOST_LINES:
        raise UsageError(f"{file}: has more than {_MOST_LINES:,} lines; split it")
    return [word for line in lines if (word := re.sub(r"(^|\s)#.*", "", line).strip())]


def shard(names: Iterable[str], which: str) -> list[str]:
    """The part of some names that one of several machines takes; the same name always goes to the same one.

    Args:
        names: of repositories.
        which: `1/3` for the first of three, "" for all of them.

    Raises:
        UsageError: for a part that there is not.
    """
    if not which:
        return list(names)
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", which)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f"--shard is '{which}'; it takes a part and their number, such as 1/3, 2/3 and 3/3")
    part, parts = int(found[1]) - 1, int(found[2])
    return [name for name in names if _number(name) % parts == part]


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[:8], "big")


def computed(job: Callable[[_Item], bytes], items: Iterable[_Item], bounds: Bounds) -> Iterator[tuple[_Item, Computed]]:
    """What a job gives for each item, each in a process of its own, in the order in which they are ready.

    Args:
        job: a function of a module, which processes can be told by its name. A `FixerError` is why it gives nothing.
        items: what can be sent to a process.
        bounds: what a process may take; one that takes more is ended, with all that it started.
    """
    # Forked from one that has no threads and no secrets of this one in memory but the environment.
    context: Any = get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        context.set_forkserver_preload(list(_NEEDED))
    pending = list(items)[::-1]
    running: dict[_Run[_Item], None] = {}
    with tempfile.TemporaryDirectory(prefix="fixer-fleet-", ignore_cleanup_errors=True) as folder:
        try:
            while pending or running:
                while pending and len(running) < max(1, bounds.at_once):
                    running[_Run(context, job, pending.pop(), bounds, Path(folder))] = None
                connection.wait([one.process.sentinel for one in running], timeout=_left(running))
                for one in [one for one in running if one.over()]:
                    del running[one]
                    yield one.item, one.result()
        finally:
            for one in running:
                one.end()


def _left(running: Iterable[_Run[_Item]]) -> float:
    return max(0.0, min([_WAIT, *(one.until - time.monotonic() for one in running)]))


class _Run(Generic[_Item]):
    """One process that computes one item, and the file where it leaves what it has."""

    def __init__(self, context: Any, job: Callable[[_Item], bytes], item: _Item, bounds: Bounds, folder: Path) -> None:
        self.item = item
        self.seconds = bounds.seconds
        handle, name = tempfile.mkstemp(dir=folder)
        os.close(handle)
        self.file = Path(name)
        self.process: BaseProcess = context.Process(target=_work, args=(job, item, self.file, bounds.memory))
        self.process.start()
        self.until = time.monotonic() + bounds.seconds

    def over(self) -> bool:
        """Whether it has ended, or its time has."""
        return not self.process.is_alive() or time.monotonic() >= self.until

    def result(self) -> Computed:
        """What it left, and why there is nothing."""
        late = self.process.is_alive()
        self.end()
        data = self.file.read_bytes()
        self.file.unlink()
        if late:
            return Computed(None, f"it took longer than {self.seconds:.0f} seconds and was ended; raise --timeout")
        if data[:1] == _GOOD:
            return Computed(data[1:])
        if data[:1] == _BAD:
            return Computed(None, data[1:].decode("utf-8", "replace"))
        return Computed(None, f"its process ended by itself ({self.process.exitcode}), perhaps for want of memory")

    def end(self) -> None:
        """End the process, and whatever it has started."""
        if self.process.pid is not None and self.process.is_alive():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
        self.process.join()


def _work(job: Callable[[_Item], bytes], item: _Item, file: Path, memory: int) -> None:
    """The life of a process: bounds, the job, and its result on the disk."""
    import resource

    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        data = _GOOD + job(item)
    except FixerError as error:
        data = _BAD + str(error).encode("utf-8", "replace")
    except MemoryError:
        data = _BAD + f"it needs more than {memory >> 20} MiB of memory; leave it out, or raise --memory".encode()
    except RecursionError:
        data = _BAD + b"its files are nested deeper than can be read; leave it out"
    file.write_bytes(data)
