"""Docker maps root of its containers to root of the host.

## What it finds
A `daemon.json` without `userns-remap`.

## Why it matters
With it, root in a container is a user of the host who owns nothing there, so that a way out of the container leads
nowhere. It holds for every container, whatever its image and its options say.

## How safe the fix is
It is shown, never applied, because all that the daemon has seems lost at first: images, containers and volumes lie in
another folder (below `/var/lib/docker/231072.231072`) and have to be pulled and filled anew, and turning it off brings
the old ones back. Folders of the host that containers write to must belong to the new numbers. `--privileged`,
`--network host` and `--pid host` need `--userns=host` beside them, and some volume drivers do not work. A rootless
daemon, which needs none of this, is the other way. This is told as information.

## References
CIS Docker Benchmark 1.6, 2.9; Docker, Isolate containers with a user namespace; Docker, Rootless mode.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Safety, Severity, Span
from fixer.rules.base import Card
from fixer.rules.runlines import RunView

CARD = Card(
    id="RT009",
    name="daemon-user-namespace",
    title="Docker maps root of its containers to root of the host",
    severity=Severity.INFO,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 2.9",),
)
_RISK = (
    "images, containers and volumes lie in another folder from then on and have to be made anew, folders of the host"
    " that containers write to must belong to other numbers, and --privileged and the namespaces of the host need"
    " --userns=host"
)


def check(view: RunView) -> Iterator[Finding]:
    """At most one finding."""
    if view.daemon is None or view.daemon.get("userns-remap"):
        return
    at = max(view.source.text.find("{"), 0)
    fix = Fix("map the users of containers", Safety.MANUAL, _RISK, instructions='"userns-remap": "default"')
    message = "root in every container of this daemon is root of its host (no userns-remap)"
    yield view.finding(CARD, Span(at, at), message, fix=fix)
