"""A service of Compose is privileged.

## What it finds
`privileged: true` in a service.

## Why it matters
A privileged container has all capabilities and all devices of its host, and no profile holds it back: its root is the
root of the host.

## How safe the fix is
`review`: the setting goes where the image is that of a known server and nothing says that the service uses the host.
It is left where something says so (namespaces, folders, devices and sockets of the host, commands such as `mount`,
images that make containers, a Dockerfile whose program needs root), and where nobody knows the program, as with images
of this repository: it may open devices, load modules or mount. Single capabilities (`cap_add`) and devices (`devices`)
mostly do instead.

## References
CIS Docker 5.4 (5.5 in later editions); OWASP Docker Security Cheat Sheet, Rule 3; Compose Specification, services,
privileged.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.imageusers import ImageUser
from fixer.model import Finding, Fix, Goal, Refusal, Safety, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView
from fixer.serviceusers import makes_containers, needs_host, purpose, remove_key
from fixer.understand.compose import Service

CARD = Card(
    id="CS003",
    name="privileged-service",
    title="A service of Compose is privileged",
    severity=Severity.HIGH,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.4", "OWASP Docker: Rule 3"),
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.services:
        value = service.written.get("privileged")
        if value not in (None, False):
            message = f"service {service.name} is privileged"
            yield view.finding(CARD, service.at("privileged"), message, fix=_fix(view, service, value))


def _fix(view: ComposeView, service: Service, value: object) -> Fix | Refusal:
    if value is not True:
        return Refusal("other-shape", f"only the environment knows what {value} is; write false")
    image = view.seat(service).image
    why = needs_host(service) or purpose(image)
    if not why and makes_containers(service, image):
        why = f"{service.called} makes containers"
    if not why and not _program(image):
        why = f"nobody knows what {service.called} does with that"
    if why:
        return Refusal("privileged", f"{service.name} is privileged, and {why}; find out what it needs instead")
    risk = f"{service.name} loses all capabilities but the default ones, and the devices of its host"
    return view.fix(service, "not privileged", Safety.REVIEW, risk, [remove_key(service, "privileged")])


def _program(image: ImageUser) -> bool:
    """Whether this is a program that is known for what it does: what an own one does with devices, nobody knows."""
    facts = image.facts
    return image.made is None and image.familiar and facts is not None and bool(facts.ports or facts.volumes)
