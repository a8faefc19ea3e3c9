"""Many files at once: the processes of this machine share the work, and results come back in order.

What only several processes need is imported by them, because a check of one file comes through here too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Below this, starting processes costs more than it saves.
WORTH_IT = 200
_CHUNK = 12
_NUMBER = 4  # bytes of the number of a chunk, or of the length of a message
_MOST_CHUNKS = 1024  # so that their numbers fit into any pipe at once
_AT_ONCE = 1 << 20


def in_parallel(job: Callable[[_Item], _Result], items: list[_Item]) -> Iterator[_Result]:
    """`job` of each item, in the order of the items.

    Processes are forked, so that nothing has to be sent to them but the numbers of items. Where that is not safe (other
    threads run, or the system cannot fork) or not worth it, all is done here.
    """
    helpers = _cores() - 1 if len(items) >= WORTH_IT else 0
    if helpers < 1 or not _can_fork():
        yield from map(job, items)
        return
    size = max(_CHUNK, -(-len(items) // _MOST_CHUNKS))
    chunks = [items[at : at + size] for at in range(0, len(items), size)]
    work = _Work(job, chunks)
    crew = [_Helper(work) for _ in range(min(helpers, work.count - 1))]
    try:
        yield from _in_order(work, crew)
    finally:
        for helper in crew:
            helper.end()
        os.close(work.queue)


def _can_fork() -> bool:
    import threading

    return sys.platform == "linux" and threading.active_count() == 1


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Work:
    """A job, its chunks, and a pipe with the numbers of those that nobody has taken yet."""

    def __init__(self, job: Callable[[Any], Any], chunks: list[list[Any]]) -> None:
        self.job = job
        self.chunks = chunks
        self.count = len(chunks)
        self.queue, end = os.pipe()
        os.write(end, b"".join(map(_bytes, range(self.count))))
        os.close(end)

    def do_one(self) -> tuple[int, list[Any]] | None:
        """Take the next chunk and do it: its number and the results; None when there is none left."""
        taken = os.read(self.queue, _NUMBER)
        if not taken:
            return None
        number = _number(taken)
        return number, [self.job(item) for item in self.chunks[number]]


class _Helper:
    """A forked process that takes chunks too, and what it has sent so far."""

    def __init__(self, work: _Work) -> None:
        self.pipe, end = os.pipe()
        self.sent = bytearray()
        self.process = os.fork()
        if not self.process:
            _help(work, end)
        os.close(end)

    def receive(self) -> dict[int, list[Any]] | None:
        """Wait for what comes next: the results that are whole with it, by chunk; None when the process has ended."""
        import pickle

        piece = os.read(self.pipe, _AT_ONCE)
        if not piece:
            return None
        self.sent += piece
        out: dict[int, list[Any]] = {}
        while len(self.sent) >= (end := _NUMBER + _number(self.sent[:_NUMBER])):
            message = pickle.loads(self.sent[_NUMBER:end])
            del self.sent[:end]
            if isinstance(message, BaseException):
                raise message
            out[message[0]] = message[1]
        return out

    def end(self) -> None:
        """Stop the process; whatever it still does is of no use to anybody."""
        import signal

        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.pipe)


def _help(work: _Work, pipe: int) -> NoReturn:
    """The life of a forked process: do chunks until none is left, and send them."""
    import signal

    try:
        # An interrupt is for the parent, which ends the others.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while (done := work.do_one()) is not None:
            _send(pipe, done)
    except BaseException as error:
        from traceback import format_exc

        error.add_note(format_exc())
        _send(pipe, error)
    finally:
        os._exit(0)


def _send(pipe: int, message: Any) -> None:
    import pickle

    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    rest = memoryview(_bytes(len(data)) + data)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def _bytes(number: int) -> bytes:
    return number.to_bytes(_NUMBER, "little")


def _number(data: bytes | bytearray) -> int:
    return int.from_bytes(data, "little")


def _in_order(work: _Work, crew: list[_Helper]) -> Iterator[Any]:
    """The results of all chunks, done here and by the helpers."""
    import select

    poll = select.poll()
    at_work = {helper.pipe: helper for helper in crew}
    for pipe in at_work:
        poll.register(pipe, select.POLLIN)
    done: dict[int, list[Any]] = {}
    following = 0
    while following < work.count:
        own = work.do_one()
        done.update([own] if own is not None else ())
        if own is None and not at_work:
            raise RuntimeError("a process that helped with the work has ended before its time")
        # Once all is taken, what is missing can only come from the helpers.
        for pipe, _ in poll.poll(None if own is None else 0):
            received = at_work[pipe].receive()
            if received is None:
                poll.unregister(pipe)
                del at_work[pipe]
            else:
                done.update(received)
        while following in done:
            yield from done.pop(following)
            following += 1
