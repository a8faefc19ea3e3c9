"""A service of Compose shares namespaces of its host.

## What it finds
`network_mode` (`net` in the old form), `pid`, `ipc`, `uts`, `cgroup` or `userns_mode` with the value `host`.

## Why it matters
In the network of its host a container reaches what listens on the loopback there; among the processes of its host it
reads their environment and files; with its IPC it reads their shared memory; and `userns_mode: host` takes the users
away that an engine maps root to.

## How safe the fix is
There is none: without the namespace the service no longer does what it was made for, or listens elsewhere. The sentence
of each finding tells what mostly does instead.

## References
CIS Docker 5.9, 5.15, 5.16, 5.20 and 5.30; Compose Specification, services.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView

CARD = Card(
    id="CS008",
    name="service-host-namespace",
    title="A service of Compose shares namespaces of its host",
    severity=Severity.HIGH,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.9", "CIS Docker 5.15", "CIS Docker 5.16", "CIS Docker 5.20", "CIS Docker 5.30"),
)
# What is shared, and what does instead.
_SHARED = {
    "network_mode": ("the network", "remove it and publish what others call with ports:"),
    "net": ("the network", "remove it and publish what others call with ports:"),
    "pid": ("the processes", 'pid: "service:NAME" shows it those of one other service'),
    "ipc": ("the IPC", 'ipc: "service:NAME" and shm_size do for most programs'),
    "uts": ("the name", "hostname: gives it a name of its own"),
    "cgroup": ("the control groups", "remove it unless the program measures the host"),
    "userns_mode": ("the users", "remove it, and give its volumes to the users that the engine maps"),
}


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each namespace."""
    for service in view.services:
        for key, (what, instead) in _SHARED.items():
            if key in service.written and service.text(key) == "host":
                message = f"service {service.name} shares {what} of its host ({key}: host)"
                why = f"without it the program may not do what it is for; {instead}"
                yield view.finding(CARD, service.at(key), message, fix=Refusal("takes-function", why))
