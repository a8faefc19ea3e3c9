"""A service of Compose names its user by a word that nobody can check.

## What it finds
`user:` with a name that neither facts on the image nor a Dockerfile of this repository know. A name that they know is
left alone: Docker looks it up in the image.

## Why it matters
Which number a name has, only the passwd file of the image tells: it may be 0, another build may give it another number,
and a container whose image lacks the name does not start. The owners of volumes are numbers too.

## How safe the fix is
There is none: the number is in the image. `docker compose run --rm --entrypoint id NAME` prints it.

## References
Compose Specification, services, user; CIS Docker 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView

CARD = Card(
    id="CS002",
    name="named-service-user",
    title="A service of Compose names its user by a word that nobody can check",
    severity=Severity.INFO,
    standards=("CIS Docker 4.1",),
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.services:
        seat = view.seat(service)
        name = (service.user or "").partition(":")[0]
        if not name or name.isdecimal() or seat.root is not False or seat.certain or "user" not in service.written:
            continue
        if seat.image.made is not None or seat.changes:
            continue
        message = f"nobody knows which number '{name}', the user of service {service.name}, has in {service.called}"
        ask = f"docker compose run --rm --no-deps --entrypoint id {service.name}"
        refusal = Refusal("number-unknown", f"'{ask}' prints it; write the number in user:", seat.image.reference)
        yield view.finding(CARD, service.at("user"), message, fix=refusal)
