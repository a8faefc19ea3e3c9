"""The image leaves root and goes back to it.

## What it finds
An image whose last USER is root although an earlier USER of the same chain of stages, or the base image, was somebody
else: `USER app`, then `USER root` for one more step, and no USER behind it.

## Why it matters
Whoever wrote the first USER meant the image to run without root, and whoever reads the file sees that line and
believes it. The last USER alone counts.

## How safe the fix is
The last USER becomes the earlier user, as a number; with it go the folders and files that the user needs, as for an
image that never left root. It is `safe` or `review` by the same questions. Images that are root on purpose (an
entrypoint that steps down by itself, a supervisor) are left alone, with the reason.

## References
CIS Docker Benchmark 4.1; Pod Security Standards, restricted: Running as Non-root; Dockerfile reference, USER.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.rules.moving import move
from fixer.understand.image import Image, User
from fixer.understand.users import left_behind

CARD = Card(
    id="DF002",
    name="root-again",
    title="The image leaves root and goes back to it",
    severity=Severity.HIGH,
    standards=("CIS Docker 4.1", "PSS restricted: Running as Non-root", "TRG 4.03"),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each image that took its non-root user back."""
    for decision in view.decisions:
        image = decision.image
        earlier = left_behind(image)
        if earlier is None:
            continue
        at = image.own_user or image.stage.start
        message, reason = _message(image, earlier), image.user.evidence
        if decision.identity is None:
            yield view.finding(CARD, at, message, reason=reason, refusal=decision.refusal)
        else:
            yield view.finding(CARD, at, message, reason=reason, fix=move(view, decision))


def _message(image: Image, earlier: User) -> str:
    last = image.user.item
    assert last is not None
    if earlier.item is not None:
        before = f"USER {earlier.item.args} of line {earlier.item.line}"
    else:
        before = f"the user {earlier.text} of base image {image.stage.root_base}"
    return f"the image is root again: USER {last.args} on line {last.line} takes back {before}"
