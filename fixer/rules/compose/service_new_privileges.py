"""A service of Compose may gain rights that it did not start with.

## What it finds
A service without `no-new-privileges:true` in `security_opt`.

## Why it matters
A program that is not root can still become root through a set-uid file, `sudo`, or file capabilities. The option turns
on `no_new_privs` in the kernel, which ends that for the container and all that it starts.

## How safe the fix is
`safe` where the image is known (facts, or a Dockerfile of this repository), `review` where it is not, since a program
that uses `sudo` or set-uid files loses that, where somebody switched it off, and where a program that is not root
listens below 1024, which its file may allow it. A program that starts as root and steps down with `setuid` is not
hindered. It is left for services that are privileged or make containers.

## References
CIS Docker 5.25 (5.26 in later editions); OWASP Docker Security Cheat Sheet, Rule 4; Compose Specification, services,
security_opt; Linux, `no_new_privs`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, RemoveItem, Safety, Severity, YamlChange
from fixer.rules.base import Card
from fixer.rules.services import ComposeView, privileges
from fixer.serviceusers import add_item, low_ports
from fixer.understand.compose import Service

CARD = Card(
    id="CS006",
    name="service-new-privileges",
    title="A service of Compose may gain rights that it did not start with",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.25", "OWASP Docker: Rule 4"),
)
_OPTION = "no-new-privileges"
_ON = frozenset({_OPTION, f"{_OPTION}:true", f"{_OPTION}=true"})
_OFF = frozenset({f"{_OPTION}:false", f"{_OPTION}=false"})


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.whole:
        said = {one.replace(" ", "").lower() for one in service.words("security_opt")}
        if not said & _ON or said & _OFF:
            message = f"service {service.name} may gain rights that it did not start with"
            yield view.finding(CARD, service.at("security_opt"), message, fix=_fix(view, service))


def _fix(view: ComposeView, service: Service) -> Fix | Refusal:
    why = privileges(service, view.seat(service).image)
    if why is not None:
        return why
    off = [one for one in service.words("security_opt") if one.replace(" ", "").lower() in _OFF]
    changes: list[YamlChange] = [
        RemoveItem(service.document.index, (*service.path, "security_opt"), one) for one in off
    ]
    changes.append(add_item(service, "security_opt", f"{_OPTION}:true"))
    safety, risk = _safety(view, service, bool(off))
    return view.fix(service, f"security_opt: {_OPTION}:true", safety, risk, changes)


def _safety(view: ComposeView, service: Service, off: bool) -> tuple[Safety, str]:
    seat = view.seat(service)
    low = low_ports(service, seat.image)
    if off:
        return Safety.REVIEW, f"somebody switched it off for {service.name}; a program that uses sudo fails now"
    if low and seat.not_root and not seat.moves:
        return Safety.REVIEW, f"a program file that may bind port {low[0]} by itself may no longer do so"
    if not seat.image.familiar:
        return Safety.REVIEW, "nobody knows the image; a program that uses sudo or set-uid files fails now"
    return Safety.SAFE, ""
