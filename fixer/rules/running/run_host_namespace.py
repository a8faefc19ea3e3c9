"""A container is started in a namespace of the host.

## What it finds
`--pid=host`, `--ipc=host`, `--uts=host`, `--userns=host` and `--network=host` (`--net`), and `Network=host` and
`UserNS=host` in a Quadlet file.

## Why it matters
In the processes of the host a container sees the words and variables of all others and, as root, ends them. In its
network it reaches what listens on the host alone, and a firewall for containers does not hold it. In its users, where
the daemon maps them, root is root again.

## How safe the fix is
The line to use leaves the option out. It is shown, never applied: a program that looks at the host fails, and one that
was reached on its own port needs `--publish`. The network of the host is told as `low`, since it alone makes nobody
root, and where a command comes back soon, or in CI, as information.

## References
CIS Docker Benchmark 1.6, 5.10, 5.16, 5.17, 5.21 and 5.31.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Severity
from fixer.rules.base import Card
from fixer.rules.runlines import RunView, Seen, called, lower, needs
from fixer.understand.runs import Run

CARD = Card(
    id="RT005",
    name="run-host-namespace",
    title="A container is started in a namespace of the host",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.10", "CIS Docker 5.16", "CIS Docker 5.17", "CIS Docker 5.21", "CIS Docker 5.31"),
)
_WHAT = {
    "pid": ("sees all processes of the host", "a program that looks at other processes fails"),
    "ipc": ("shares the memory of the host's programs", "a program that shares memory with others fails"),
    "uts": ("can rename the host", "its host name becomes its own"),
    "userns": ("has the users of the host", "its root is another user of the host, and so are the owners of its files"),
    "network": ("has the network of the host", "its ports are reached with --publish alone"),
}


def check(view: RunView) -> Iterator[Finding]:
    """One finding for each namespace."""
    yield from view.findings(CARD, _seen(view))


def _seen(view: RunView) -> Iterator[Seen]:
    for run in view.runs:
        for name, (what, risk) in _WHAT.items():
            option = run.last(name)
            if option is not None and option.value == "host" and run.starts:
                fix = needs(run) or view.without(run, option, f"leave out --{name} host", risk)
                yield Seen(run, name, f"{called(run)} {what} (--{name} host)", _rank(run, name), "", fix)


def _rank(run: Run, name: str) -> Severity:
    if name == "network":
        return lower(Severity.LOW, run) if run.lasts else Severity.INFO
    return lower(CARD.severity, run)
