"""A service of Compose keeps capabilities that it does not need.

## What it finds
A service that does not drop `ALL` capabilities (`cap_drop`).

## Why it matters
An engine gives every container a dozen rights of root (to change owners, to send raw packets, to become anybody). A
process that is not root does not use them, but a file with capabilities or a fault that leads to root does.

## How safe the fix is
`safe` where the container is known not to run as root from its start, by verified facts or a Dockerfile of this
repository. `review` where it is moved off root by this run, and then the two changes come together or not at all; where
the evidence is not verified; and where it listens below 1024: its program file may have NET_BIND_SERVICE of its own and
does not start without it, so that this one is added. It is added too where the image is known for that, as Caddy's is.

It is never written for a service that stays root: what changes owners or steps down from root needs capabilities. Take
the root from it first. It is left too where the image is one that nobody knows, where the service is privileged or
makes containers, and where the Dockerfile gives capabilities to a program file (`setcap`).

## References
CIS Docker 5.3 (5.4 in later editions); OWASP Docker Security Cheat Sheet, Rule 3; Compose Specification, services,
cap_drop; Linux, capabilities(7).
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.imageusers import gives_capabilities, program_capabilities
from fixer.model import Finding, Fix, Goal, Refusal, Safety, Severity, YamlChange
from fixer.rules.base import Card
from fixer.rules.services import ComposeView, privileges
from fixer.serviceusers import Seat, add_item, against, low_ports
from fixer.understand.compose import Service
from fixer.understand.pods import capability

CARD = Card(
    id="CS004",
    name="service-capabilities",
    title="A service of Compose keeps capabilities that it does not need",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.3", "OWASP Docker: Rule 3"),
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.whole:
        if "ALL" in map(capability, service.words("cap_drop")):
            continue
        message = f"service {service.name} keeps capabilities that it does not need"
        yield view.finding(CARD, service.at("cap_drop"), message, fix=_fix(view, service))


def _fix(view: ComposeView, service: Service) -> Fix | Refusal:
    seat = view.seat(service)
    why = privileges(service, seat.image) or _needed(service, seat)
    if why is not None:
        return why
    changes: list[YamlChange] = [*seat.changes, add_item(service, "cap_drop", "ALL")]
    title = "cap_drop: ALL"
    low = low_ports(service, seat.image)
    there = set(map(capability, service.words("cap_add")))
    for one in program_capabilities(seat.image) or (("NET_BIND_SERVICE",) if low and not seat.moves else ()):
        if one not in there:
            changes.append(add_item(service, "cap_add", one))
            title += f", cap_add: {one}"
    safety, risk = _safety(service, seat, low)
    return view.fix(service, title, safety, risk, changes)


def _needed(service: Service, seat: Seat) -> Refusal | None:
    """Why a service fails without capabilities, or may fail."""
    image = seat.image
    if not seat.not_root:
        if seat.refusal is not None and seat.refusal.code == "user-not-resolved":
            return seat.refusal
        if seat.root is None:
            why = f"{service.name} may be root, which mostly needs some of them; find out who it runs as first"
            return Refusal("unknown-image", why, "" if image.path else image.reference)
        if image.changes_user:
            why = f"{service.called} starts as root and changes its user by itself, for which it needs capabilities"
            return Refusal("steps-down", f"{why}; take the root from it first", image.reference)
        why = f"{service.name} stays root, and what changes owners or users needs capabilities"
        return Refusal("needs-root", f"{why}; take the root from it first", image.reference)
    if image.made is not None and not service.user and not seat.moves:
        # the run that takes its Dockerfile off root leaves it for this reason, and so does the next one
        why_root = against(service, image)
        if why_root is not None:
            return why_root
    given = gives_capabilities(image)
    if given:
        return Refusal("needs-capability", f"{given} gives a program file capabilities of its own; see which it needs")
    return None


def _safety(service: Service, seat: Seat, low: tuple[int, ...]) -> tuple[Safety, str]:
    if seat.moves:
        return Safety.REVIEW, f"{service.name} was root, and what it did as root fails now"
    if not seat.image.familiar:
        return Safety.REVIEW, "nobody knows the image; a program file with capabilities of its own does not start"
    if not seat.certain:
        return Safety.REVIEW, "nobody verified the image; a program file with capabilities of its own does not start"
    if low:
        return Safety.REVIEW, f"{service.name} binds port {low[0]}, with capabilities that nobody knows"
    return Safety.SAFE, ""
