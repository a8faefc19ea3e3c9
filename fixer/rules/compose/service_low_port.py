"""A service of Compose that is not root listens on a port below 1024 that only root may open.

## What it finds
A service that is not root, says that it listens on a port below 1024 inside the container, and is in the network of its
host or has a runtime of its own. In networks of its own Docker opens all ports to everybody (since 20.10), so that such
a port is fine there, and the port that is published never matters.

## Why it matters
The program fails to bind its port, and the container ends.

## How safe the fix is
There is none: another port has to be told to the program and to those that call it. Or leave the network of the host
and publish the port with `ports:`.

## References
Linux, ip-sysctl, ip_unprivileged_port_start; Docker Engine 20.10 release notes.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView
from fixer.serviceusers import closed_ports

CARD = Card(
    id="CS012",
    name="service-low-port",
    title="A service of Compose that is not root listens on a port below 1024 that only root may open",
    severity=Severity.INFO,
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.whole:
        seat = view.seat(service)
        low = closed_ports(service, seat.image) if seat.not_root else ()
        if low:
            where = "in the network of its host" if service.host_network else "with a runtime of its own"
            message = f"service {service.name} is not root and listens on port {low[0]} {where}"
            refusal = Refusal("privileged-port", "use a port above 1023, or a network of its own, and publish the port")
            at = service.at("network_mode" if service.host_network else "runtime")
            yield view.finding(CARD, at, message, fix=refusal)
