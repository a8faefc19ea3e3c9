"""A service of Compose has devices of its host.

## What it finds
`devices` in a service. Devices that an engine hands out by `deploy.resources` (graphics cards) do not count.

## Why it matters
A device is a way past the container: a disk holds the files of the host, `/dev/mem` its memory. Most of them belong to
root or to a group, so that a program which is not root needs that group.

## How safe the fix is
There is none: what the service does with the device, it cannot do without. Give it only those that it needs, only with
the rights that it needs (`/dev/ttyUSB0:/dev/ttyUSB0:r`), and the group with `group_add` instead of root.

## References
CIS Docker 5.17 (5.18 in later editions); Compose Specification, services, devices.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView
from fixer.understand.workloads import mapping, sequence

CARD = Card(
    id="CS011",
    name="service-devices",
    title="A service of Compose has devices of its host",
    severity=Severity.LOW,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.17",),
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.services:
        rows = sequence(service.written.get("devices"))
        names = [str(mapping(one).get("source")) if isinstance(one, dict) else str(one).split(":")[0] for one in rows]
        if names:
            message = f"service {service.name} has devices of its host ({', '.join(names)})"
            why = "give it only those that it needs, and the group that owns them with group_add instead of root"
            yield view.finding(CARD, service.at("devices"), message, fix=Refusal("needs-host", why))
