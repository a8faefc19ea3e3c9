"""How fast requests are written: no faster than forges allow, and as late as they say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from fixer.errors import FixerError
from fixer.forge.base import Draft, Forge, ForgeError, Hosted, Login, Request

LIMITS = ((1, 1.0), (80, 60.0), (500, 3600.0))
"""So many calls that write in so many seconds; GitHub's, the others allow more."""
MOST_WAIT = 900.0
_TRIES = 4
_Answer = TypeVar("_Answer")


class Pace:
    """When the next call may be made.

    Args:
        limits: how many calls that write may be made in how many seconds.
        file: where the times of calls are kept, so that the next run counts them too; None for nowhere.
        clock: the time, in seconds.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        limits: tuple[tuple[int, float], ...] = LIMITS,
        file: Path | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.sleep = sleep
        self._file = file
        self._calls = [at for at in _past(file) if clock() - LIMITS[-1][1] < at <= clock()]

    def wait(self) -> None:
        """Wait until one more call that writes may be made, and count it."""
        for most, seconds in self.limits:
            recent = [at for at in self._calls if at > self.clock() - seconds]
            if len(recent) >= most:
                self.sleep(max(0.0, recent[-most] + seconds - self.clock()))
        now = self.clock()
        self._calls = [at for at in self._calls if at > now - LIMITS[-1][1]] + [now]
        if self._file is not None:
            with self._file.open("a") as out:
                out.write(f"{now:.3f}\n")

    def tried(self, call: Callable[[], _Answer], limits_only: bool = False) -> _Answer:
        """What a call gives, made again as late as the forge says, if that is soon.

        Args:
            call: may raise `ForgeError`.
            limits_only: make it again only when it was refused for the number of calls, so that it surely was not
                done: for what must not happen twice.

        Raises:
            ForgeError: the last one.
        """
        for turn in range(_TRIES):
            try:
                return call()
            except ForgeError as error:
                wait = error.again_after
                refused = error.status in (403, 429)
                if wait is None or (limits_only and not refused) or turn == _TRIES - 1:
                    raise
                if wait > MOST_WAIT:
                    late = f"{error}; that is in {wait / 60:.0f} minutes, run again then"
                    raise ForgeError(late, wait, error.status) from error
                self.sleep(max(wait, 1.0))
        raise AssertionError("the last try returns or raises")


def _past(file: Path | None) -> list[float]:
    if file is None or not file.is_file():
        return []
    try:
        return [float(line) for line in file.read_text().splitlines()[-LIMITS[-1][0] :]]
    except (OSError, ValueError) as error:
        raise FixerError(f"{file}: cannot be read ({error}); remove it if nothing publishes now") from None


class Paced:
    """A forge that is spoken to at a pace, and asked again where that is right. `body_limit` is that of the forge."""

    def __init__(self, forge: Forge, pace: Pace) -> None:
        self._forge = forge
        self._pace = pace
        self.name = forge.name
        self.body_limit = forge.body_limit

    def identity(self) -> str:
        """As the forge."""
        return self._pace.tried(self._forge.identity)

    def login(self) -> Login | None:
        """As the forge."""
        return self._pace.tried(self._forge.login)

    def repository(self, name: str) -> Hosted:
        """As the forge."""
        return self._pace.tried(lambda: self._forge.repository(name))

    def repositories(self, owner: str) -> Iterator[Hosted]:
        """As the forge."""
        return iter(self._pace.tried(lambda: list(self._forge.repositories(owner))))

    def requests(self, repository: str, branch: str = "") -> Iterator[Request]:
        """As the forge."""
        return iter(self._pace.tried(lambda: list(self._forge.requests(repository, branch))))

    def open(self, repository: str, draft: Draft) -> Request:
        """As the forge; when the answer is lost, what the forge has now is the answer."""

        def once() -> Request:
            self._pace.wait()
            try:
                return self._forge.open(repository, draft)
            except ForgeError as error:
                if error.status in (403, 429):
                    raise
                found = next((one for one in self.requests(repository, draft.branch) if _is(one, draft)), None)
                if found is None:
                    raise
                return found

        return self._pace.tried(once)

    def update(self, repository: str, number: int, draft: Draft) -> Request:
        """As the forge."""
        return self._written(lambda: self._forge.update(repository, number, draft))

    def comment(self, repository: str, number: int, text: str) -> None:
        """As the forge; never twice."""
        self._written(lambda: self._forge.comment(repository, number, text), limits_only=True)

    def close(self, repository: str, number: int) -> None:
        """As the forge."""
        self._written(lambda: self._forge.close(repository, number))

    def _written(self, call: Callable[[], _Answer], limits_only: bool = False) -> _Answer:
        def once() -> _Answer:
            self._pace.wait()
            return call()

        return self._pace.tried(once, limits_only)


def _is(request: Request, draft: Draft) -> bool:
    return request.branch == draft.branch and request.base == draft.base and request.state == "open"
