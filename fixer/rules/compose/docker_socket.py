"""A service of Compose mounts the socket of a container engine.

## What it finds
A mount of `/var/run/docker.sock`, or of the socket of containerd, CRI-O or Podman, read-only or not.

## Why it matters
Who can write to the socket starts a privileged container with the whole host in it: that is root on the host, whatever
user the service has. A read-only mount changes nothing, since it is written to by connecting.

## How safe the fix is
There is none: what the service does with the engine, it cannot do without. Put a proxy before the socket that lets
through only the calls that are needed, or give the service to an engine without root. A service that is taken off root
no longer reads the socket unless `group_add` gives it the group of that.

## References
CIS Docker 5.31 (5.32 in later editions); OWASP Docker Security Cheat Sheet, Rule 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView
from fixer.serviceusers import Seat, sockets

CARD = Card(
    id="CS009",
    name="docker-socket",
    title="A service of Compose mounts the socket of a container engine",
    severity=Severity.HIGH,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.31", "OWASP Docker: Rule 1"),
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.services:
        for mount in sockets(service):
            if mount.at == service.path:
                continue  # what it extends is told for itself
            message = f"service {service.name} mounts {mount.source}, and is as good as root on the host"
            refusal = Refusal("needs-host", _advice(view.seat(service), mount.read_only))
            yield view.finding(CARD, service.document.span_at(mount.at), message, fix=refusal)


def _advice(seat: Seat, read_only: bool) -> str:
    weak = "read-only does not help; " if read_only else ""
    advice = f"{weak}put a proxy before the socket that lets through only the calls that {seat.service.name} makes"
    if seat.not_root:
        advice += ", and while it is not root, give it the group of the socket with group_add"
    return advice
