"""A service of Compose runs an image as another user than the image is made for.

## What it finds
A `user:` with a number that is not the one of the image, where a Dockerfile of this repository makes the image and
says, or will say, who it runs as. Root on either side is told by other rules.

## Why it matters
What the Dockerfile gives to its user is not the other user's: the first write to the working directory, a cache or a
log fails with "permission denied". Volumes that are filled from the image have the same owners.

## How safe the fix is
There is none to apply: either number may be the one that is meant, and developers write their own to own the files of a
mounted work tree. Where a Dockerfile names no user yet, it gets the one that Compose names, and nothing is left.

## References
Compose Specification, services, user; Dockerfile reference, USER.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView

CARD = Card(
    id="CS015",
    name="other-service-user",
    title="A service of Compose runs an image as another user than the image is made for",
    severity=Severity.LOW,
    standards=(),
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service that has another number than its image."""
    for service in view.services:
        number = (service.user or "").partition(":")[0]
        if "user" not in service.written or not number.isdecimal() or not int(number):
            continue
        image = view.seat(service).image
        if image.path and image.uid and image.uid != int(number):
            message = f"service {service.name} runs as {number}, and {image.path} makes its image for {image.uid}"
            why = f"write {image.uid} here, or {number} in {image.path}, whichever is meant, so that files fit"
            refusal = Refusal("users-differ", why)
            yield view.finding(CARD, service.at("user"), message, reason=image.evidence, fix=refusal)
