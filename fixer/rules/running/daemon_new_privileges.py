"""Docker lets the programs of containers become root.

## What it finds
`"no-new-privileges": false` in a `daemon.json`.

## Why it matters
A container that does not run as root becomes it with one setuid program of its image, such as `su` or `sudo`. With
true, no container gains rights in this way unless its own line says so.

## How safe the fix is
It is shown, never applied: in containers that count on sudo or on file capabilities, programs fail. One container keeps
the old way with `--security-opt no-new-privileges=false`.

## References
CIS Docker Benchmark 1.6, 2.14 and 5.26; the kernel's No New Privileges Flag.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Safety, Severity, Span
from fixer.rules.base import Card
from fixer.rules.runlines import RunView

CARD = Card(
    id="RT010",
    name="daemon-new-privileges",
    title="Docker lets the programs of containers become root",
    severity=Severity.LOW,
    goals=frozenset({Goal.NONROOT, Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 2.14",),
)
_RISK = "in containers that count on sudo or on file capabilities, programs fail"


def check(view: RunView) -> Iterator[Finding]:
    """At most one finding."""
    if view.daemon is None or view.daemon.get("no-new-privileges") is not False:
        return
    at = max(view.source.text.find('"no-new-privileges"'), 0)
    fix = Fix("forbid new privileges", Safety.MANUAL, _RISK, instructions='"no-new-privileges": true')
    message = "setuid programs make root of any user in the containers of this daemon (no-new-privileges)"
    yield view.finding(CARD, Span(at, at), message, fix=fix)
