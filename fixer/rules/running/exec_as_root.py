"""A running container is entered as root.

## What it finds
`docker exec` with `--user root` or `-u 0`, and the same of podman and nerdctl.

## Why it matters
The program of the container may be somebody, and this is root beside it: what it writes belongs to root, and the
program cannot change it. Most such lines repair at run time what the image should bring.

## How safe the fix is
The line to use leaves the option out, and is shown, never applied. A step that needs root belongs into the Dockerfile,
above its USER. This is told as information.

## References
CIS Docker Benchmark 1.6, 5.24.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Severity
from fixer.rules.base import Card
from fixer.rules.runlines import RunView, Seen, is_root

CARD = Card(
    id="RT008",
    name="exec-as-root",
    title="A running container is entered as root",
    severity=Severity.INFO,
    goals=frozenset({Goal.NONROOT, Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.24",),
)
_RISK = "what needs root fails; it belongs into the Dockerfile, above its USER"


def check(view: RunView) -> Iterator[Finding]:
    """One finding a file."""
    yield from view.findings(CARD, _seen(view))


def _seen(view: RunView) -> Iterator[Seen]:
    for run in view.runs:
        user = run.last("user")
        if user is not None and not run.starts and is_root(user.value):
            fix = view.without(run, user, "enter it as its own user", _RISK)
            yield Seen(run, "exec", "a running container is entered as root", CARD.severity, "", fix)
