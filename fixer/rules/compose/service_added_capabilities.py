"""A service of Compose adds dangerous capabilities.

## What it finds
`cap_add` with a capability that engines do not give by themselves: `ALL`, `SYS_ADMIN`, `NET_ADMIN`, `SYS_PTRACE`,
`SYS_MODULE` and their like. Those that they do give by themselves are what is left behind `cap_drop: [ALL]`, and fine.

## Why it matters
Many of them are as good as root on the host: `SYS_ADMIN` mounts, `SYS_MODULE` loads code into the kernel,
`DAC_READ_SEARCH` reads every file, `NET_ADMIN` changes the network of others.

## How safe the fix is
`review` where the service is known not to be root: its process has none of this, but a program file with that
capability of its own loses it. Else it is left, since a program that is root uses what it was given.

## References
CIS Docker 5.3 (5.4 in later editions); OWASP Docker Security Cheat Sheet, Rule 3; Linux, capabilities(7).
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, RemoveItem, Safety, Severity
from fixer.pod_security.controls import ADDED_IN_BASELINE
from fixer.rules.base import Card
from fixer.rules.services import ComposeView
from fixer.understand.compose import Service
from fixer.understand.pods import capability
from fixer.understand.workloads import sequence

CARD = Card(
    id="CS005",
    name="service-added-capabilities",
    title="A service of Compose adds dangerous capabilities",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.3", "OWASP Docker: Rule 3"),
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.services:
        added = [one for one in sequence(service.written.get("cap_add")) if isinstance(one, str)]
        # Docker gives NET_RAW by itself, which the baseline level of Kubernetes no longer lets anybody add.
        odd = [one for one in added if capability(one) not in {*ADDED_IN_BASELINE, "NET_RAW"}]
        if odd:
            message = f"service {service.name} adds {', '.join(odd)}"
            yield view.finding(CARD, service.at("cap_add"), message, fix=_fix(view, service, odd))


def _fix(view: ComposeView, service: Service, odd: list[str]) -> Fix | Refusal:
    names = ", ".join(odd)
    seat = view.seat(service)
    if not seat.not_root or seat.moves:
        who = "is root and has" if seat.root else "may be root, and then it has"
        why = f"{service.name} {who} {names}; find out whether the program works without, then take it off root"
        return Refusal("needs-capability", why)
    risk = f"{service.name} is not root and has none of this, but a program file with {names} of its own loses it"
    changes = [RemoveItem(service.document.index, (*service.path, "cap_add"), one) for one in odd]
    return view.fix(service, f"cap_add without {names}", Safety.REVIEW, risk, changes)
