"""A service of Compose runs as root.

## What it finds
A service whose image is root and that has no `user:`, or that asks for root with `user: root`, `user: "0"` or a name
whose number is 0. A service whose image nobody knows is told too.

## Why it matters
Root in a container is root on the host once it gets out: through a fault of the kernel or of the runtime, through a
mounted socket or folder.

## How safe the fix is
Nothing is written where the image itself is not root, or where this run takes its Dockerfile off root: the service gets
that user by itself, and a `user:` that asks for root goes. Else `user:` gets the number of a user that the image ships
for its program, as far as facts know one, or the one that `[images."name"]` in fixer.toml names. All of that is
`review`, since the program no longer starts as root, and volumes and folders of the host may belong to root.

It is left

- where nobody knows the image, or it is root with no user that is known to work (take a variant that is not root);
- where the service needs root for what it does: it is privileged, adds capabilities, mounts the socket of an engine or
  devices, sees the processes of its host, runs `chown` and the like, or binds a port below 1024 in its network;
- where the data of a program lies in a folder of the host: the engine makes that as root where it is missing;
- where an anchor, a merge key, `extends` or an override file brings the user: it is changed there. An override file
  that makes a service root is told itself.

## References
CIS Docker 4.1; OWASP Docker Security Cheat Sheet, Rule 2; Compose Specification, services, user.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Refusal, RemoveKey, Safety, Severity
from fixer.rules.base import Card
from fixer.rules.pods import unprivileged
from fixer.rules.services import ComposeView
from fixer.serviceusers import Seat
from fixer.understand.compose import Service

CARD = Card(
    id="CS001",
    name="root-service",
    title="A service of Compose runs as root",
    severity=Severity.HIGH,
    standards=("CIS Docker 4.1", "OWASP Docker: Rule 2", "TRG 4.03"),
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service that is root, or may be."""
    for service in view.services:
        seat = view.seat(service)
        if service.derived and "user" not in service.written:
            continue
        if seat.changes or (seat.refusal is not None and seat.root is not False):
            yield _finding(view, service, seat)
    for document, path, word in view.laid:
        message = f"this file makes service {path[1]} of another file root (user: {word})"
        why = f"it is laid upon a file that says who {path[1]} is; remove user: here where it works as that one"
        yield view.finding(CARD, document.span_at(path), message, fix=Refusal("overlay", why))


def _finding(view: ComposeView, service: Service, seat: Seat) -> Finding:
    asked = "user" in service.written
    if service.user is None:
        message = f"only the environment knows whom service {service.name} runs as"
    elif service.user:
        message = f"service {service.name} asks for root (user: {service.user})"
    elif seat.root or seat.image.root:
        message = f"service {service.name} runs as root"
    else:
        message = f"nothing says that service {service.name} is not root"
    at = service.at("user") if asked else service.at()
    reason = seat.image.evidence
    fix = _fix(view, service, seat)
    return view.finding(CARD, at, message, reason=reason, fix=fix, alternatives=unprivileged(seat.image))


def _fix(view: ComposeView, service: Service, seat: Seat) -> Fix | Refusal:
    if seat.refusal is not None:
        return seat.refusal
    removes = isinstance(seat.changes[0], RemoveKey)
    if removes and "user" not in service.written:
        return Refusal("overlay", f"the service that {service.name} extends says so; fix it there")
    title = "no user: root, so that the image decides" if removes else f'user: "{seat.user}"'
    return view.fix(service, title, Safety.REVIEW, seat.risk, seat.changes)
