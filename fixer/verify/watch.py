"""Looks at a running container until nothing new happens: who runs, what listens, whether it stays up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from fixer.evidence import Process
from fixer.tuples import NamedTuple
from fixer.verify import files, ports
from fixer.verify.api import Api, Refused
from fixer.verify.said import tidy

# Podman runs the ps of the image when it is asked for a format of ps; of its own it knows names alone, and no numbers.
_COLUMNS = {"docker": "-eo pid,uid,gid,args", "podman": "pid,user,group,args"}
_ACCOUNTS = ("/etc/passwd", "/etc/group")
_QUICK, _SLOW = 0.05, 0.25  # seconds between two looks, in the first second and later
_PATIENT = 6  # times as long as it takes to settle
_DISK_EVERY = 2.0  # seconds: to ask for what was written costs the engine a walk
_STARTER = ("runc init", "/proc/self/exe init", "{runc:", "runc:[", "/usr/bin/runc", "crun ", "/usr/bin/conmon")
_MOST_PROCESSES = 64


class Patience(NamedTuple):
    """How long is watched, in seconds: at most, after the last thing that was new, and at least.

    `ports` is how many ports it should listen on: a service that starts slowly is waited for some time longer. `disk`
    is how many bytes it may write.
    """

    most: float
    settle: float
    least: float = 0.0
    ports: int = 0
    disk: int = 1 << 30


class Watched(NamedTuple):
    """What was seen. `here` says that its processes are ones of this machine, `pid` is the first of them."""

    processes: tuple[Process, ...]
    listening: frozenset[ports.Listener]
    exit_code: int | None
    seconds: float
    health: str
    pid: int
    here: bool
    notes: tuple[str, ...]


def watch(api: Api, container: str, patience: Patience, before: frozenset[ports.Listener] = frozenset()) -> Watched:
    """Watch a container that was started just now; `before` is what listened in its network already."""
    look = _Look(api, container, before)
    start = quiet_since = time.monotonic()
    while True:
        now = time.monotonic()
        if look.once(now):
            quiet_since = now
        over = now - start
        waits = look.lacks(patience.ports) and over < _PATIENT * patience.settle
        done = (
            not waits and now - quiet_since >= patience.settle and over >= patience.least and look.health != "starting"
        )
        if look.exit_code is not None or done or over >= patience.most:
            return look.watched(over)
        if look.asks_for_disk(now) and look.written() > patience.disk:
            look.end(f"it wrote more than {patience.disk >> 20} MB and was ended")
        time.sleep(_QUICK if over < 1 else _SLOW)


def _is_checked(found: Mapping[str, Any]) -> bool:
    """Whether a container has a health check."""
    words = ((found.get("Config") or {}).get("Healthcheck") or {}).get("Test") or ("NONE",)
    return str(words[0]).upper() != "NONE"


class _Look:
    def __init__(self, api: Api, container: str, before: frozenset[ports.Listener]) -> None:
        self.api = api
        self.container = container
        self.before = before
        self.processes: dict[Process, None] = {}
        self.listening: frozenset[ports.Listener] = frozenset()
        self.every: set[ports.Listener] = set()
        self.exit_code: int | None = None
        self.health = ""
        self.pid = 0
        self.here = False
        self.notes: list[str] = []
        self._kinds: set[tuple[int, int, str]] = set()
        self._disk_at = 0.0
        self._asked_at = 0.0
        self._accounts: dict[tuple[str, str], str] = {}  # numbers by the name, and the file that tells it

    def once(self, now: float) -> bool:
        """Look once; whether anything was new."""
        found = self.api.inspect(self.container)
        state: dict[str, Any] = found.get("State") or {}
        if self.api.kind == "podman" and state.get("Running") and _is_checked(found):
            self._ask(now)
        health = str((state.get("Health") or {}).get("Status") or "").replace("none", "")
        news = health != self.health
        self.health = health
        if not state.get("Running"):
            self.exit_code = int(state.get("ExitCode") or 0)
            if state.get("OOMKilled"):
                self.notes.append("it wanted more memory than it may have")
            return True
        if not self.pid:
            self.pid = int(state.get("Pid") or 0)
            self.here = ports.inside(self.container, self.pid)
        return self._top() | self._listen() | news

    def _ask(self, now: float) -> None:
        """Have the health check run, every second."""
        if now - self._asked_at >= 1:
            self._asked_at = now
            with contextlib.suppress(Refused):  # it ended just now
                self.api.ask_health(self.container)

    def _top(self) -> bool:
        try:
            rows = self.api.top(self.container, _COLUMNS[self.api.kind])
        except Refused:
            return False  # it ended just now
        news = False
        for row in rows:
            numbers = [self._number(name, file) for name, file in zip(row[1:3], _ACCOUNTS, strict=False)]
            if len(row) < 4 or None in numbers or " ".join(row[3:]).startswith(_STARTER):
                continue
            command = tidy(" ".join(row[3:]), 200)
            kind = (numbers[0] or 0, numbers[1] or 0, command.partition(" ")[0])
            news |= kind not in self._kinds
            self._kinds.add(kind)
            if len(self.processes) < _MOST_PROCESSES:
                self.processes[Process(kind[0], kind[1], command)] = None
        return news

    def _number(self, name: str, file: str) -> int | None:
        """The number of a user or a group, as a file of the container has it; None where it has none."""
        if not name.isdigit() and (name, file) not in self._accounts:
            rows = files.table(self.api, self.container, file)
            self._accounts |= {(row[0], file): row[2] for row in reversed(rows) if len(row) > 2}
        number = self._accounts.get((name, file), name)
        return int(number) if number.isdigit() else None

    def _listen(self) -> bool:
        if not self.here:
            return False
        try:
            self.listening = ports.from_here(self.pid) - self.before
        except OSError:
            return False
        news = bool(self.listening - self.every)
        self.every |= self.listening
        return news

    def lacks(self, number: int) -> bool:
        """Whether it is seen to listen on fewer ports than that."""
        return self.here and len({one.port for one in self.every if one.protocol == "tcp"}) < number

    def asks_for_disk(self, now: float) -> bool:
        """Whether it is time to ask what was written."""
        due = now - self._disk_at >= _DISK_EVERY
        if due:
            self._disk_at = now
        return due

    def written(self) -> int:
        """The bytes that the container has written in its own file system."""
        return int(self.api.inspect(self.container, size=True).get("SizeRw") or 0)

    def end(self, note: str) -> None:
        """End the container, and say why."""
        self.notes.append(note)
        self.api.kill(self.container)

    def watched(self, seconds: float) -> Watched:
        """All that was seen."""
        return Watched(
            tuple(self.processes),
            self.listening,
            self.exit_code,
            round(seconds, 2),
            "" if self.health == "starting" else self.health,
            self.pid,
            self.here,
            tuple(self.notes),
        )
