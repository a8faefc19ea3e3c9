"""A container is started privileged.

## What it finds
`--privileged` at `docker run`, `docker create` and `docker exec`, the same of podman and nerdctl, and in the
`PodmanArgs` of a Quadlet file.

## Why it matters
Such a container has all capabilities and all devices of the host, and no profile holds it back: its root is the root of
the host. A user that is not root has no part of that, so that the option is of no use to it.

## How safe the fix is
The line to use leaves the option out. It is shown, never applied: a program that mounts, loads modules or opens devices
fails then, and wants the one device or capability (`--device`, `--cap-add`). Images that make containers, or register
interpreters in the kernel, are left with that reason. In CI it is told as information.

## References
CIS Docker Benchmark 1.6, 5.5 and 5.23; Docker, Running containers, Runtime privilege and Linux capabilities.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Severity
from fixer.rules.base import Card
from fixer.rules.runlines import RunView, Seen, called, lower, needs

CARD = Card(
    id="RT003",
    name="run-privileged",
    title="A container is started privileged",
    severity=Severity.HIGH,
    goals=frozenset({Goal.NONROOT, Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.5", "CIS Docker 5.23"),
)
_RISK = "it loses all devices and all capabilities but the default ones; give it the one that it needs"


def check(view: RunView) -> Iterator[Finding]:
    """One finding for each image."""
    yield from view.findings(CARD, _seen(view))


def _seen(view: RunView) -> Iterator[Seen]:
    for run in view.runs:
        option = run.last("privileged")
        if option is not None and option.on:
            how = "started" if run.starts else "entered"
            fix = needs(run) or view.without(run, option, "leave out --privileged", _RISK)
            severity = lower(CARD.severity, run)
            yield Seen(run, f"{how} {run.image}", f"{called(run)} is {how} privileged", severity, "", fix)
