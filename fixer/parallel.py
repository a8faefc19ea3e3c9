"""Many files at once: the processes of this machine share the work, and results come back in order."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Below this, starting processes costs more than it saves.
WORTH_IT = 200
_CHUNK = 24


class _Worker:
    """What a forked process knows: the job, which it inherits."""

    job: ClassVar[Callable[[Any], Any]]


def in_parallel(job: Callable[[_Item], _Result], items: list[_Item]) -> Iterator[_Result]:
    """`job` of each item, in the order of the items.

    Processes are forked, so that nothing has to be sent to them but items. Where that is not safe (other threads run,
    or the system cannot fork) or not worth it, all is done here.
    """
    workers = _cores()
    forkable = sys.platform == "linux" and threading.active_count() == 1
    if len(items) < WORTH_IT or workers < 2 or not forkable:
        yield from map(job, items)
        return
    from multiprocessing import get_context

    _Worker.job = job
    with get_context("fork").Pool(workers, initializer=_quiet) as pool:
        yield from pool.imap(_run, items, _CHUNK)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quiet() -> None:
    """An interrupt is for the parent, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(item: Any) -> Any:
    return _Worker.job(item)
