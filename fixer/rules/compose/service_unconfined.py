"""A service of Compose switches off what holds containers back.

## What it finds
`security_opt` with `seccomp:unconfined`, `apparmor:unconfined` or `systempaths=unconfined`.

## Why it matters
The profiles that engines set by themselves keep a container from calls that no usual program makes and that faults of
the kernel were used through.

## How safe the fix is
`review` where the image is known and nothing says that the service debugs or uses the host: a program that needs such a
call fails. Left otherwise; a profile of its own (`seccomp:profile.json`) is better than none.

## References
CIS Docker 5.1, 5.2 and 5.21; Docker documentation, Seccomp security profiles.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, RemoveItem, Safety, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView, privileges, uses_host
from fixer.understand.compose import Service
from fixer.understand.workloads import sequence

CARD = Card(
    id="CS007",
    name="service-unconfined",
    title="A service of Compose switches off what holds containers back",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.1", "CIS Docker 5.21"),
)
_KINDS = ("seccomp", "apparmor", "systempaths")


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.services:
        options = [one for one in sequence(service.written.get("security_opt")) if isinstance(one, str)]
        odd = [one for one in options if one.replace("=", ":").replace(" ", "") in {f"{k}:unconfined" for k in _KINDS}]
        if odd:
            message = f"service {service.name} says {', '.join(odd)}"
            yield view.finding(CARD, service.at("security_opt"), message, fix=_fix(view, service, odd))


def _fix(view: ComposeView, service: Service, odd: list[str]) -> Fix | Refusal:
    why = privileges(service, view.seat(service).image) or uses_host(service)
    if why is not None:
        return why
    if service.words("cap_add"):
        names = ", ".join(service.words("cap_add"))
        return Refusal("needs-capability", f"{service.name} adds {names}, and may need both; find out what it needs")
    if not view.seat(service).image.familiar:
        return Refusal("unknown-image", f"nobody knows what {service.called} needs this for; try without")
    risk = f"a call that {service.name} makes may be forbidden now"
    changes = [RemoveItem(service.document.index, (*service.path, "security_opt"), one) for one in odd]
    return view.fix(service, f"security_opt without {', '.join(odd)}", Safety.REVIEW, risk, changes)
