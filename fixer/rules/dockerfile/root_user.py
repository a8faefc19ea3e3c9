"""The image runs as root.

## What it finds
An image whose process starts as root: no USER at all, `USER root`, `USER 0`, a variable that resolves to root, or a
USER that only another stage sets.

## Why it matters
A process that is root in the container is root on everything the container can reach: it can change its own code,
use every capability the runtime left it, and a hole in the runtime makes it root on the machine. Kubernetes refuses
such an image wherever the restricted Pod Security level is enforced.

## How safe the fix is
The fix creates a user with the commands of the base image's family (or takes the one that the image ships), hands it
the folders that the file names as writable, and ends the stage with a numeric USER. Where a service of it writes a
volume of Compose together with another image, a new user gets the number of that one. It is `safe` only where the user
surely exists, every named folder is handed over, and the ports it binds are known and not below 1024; else `review`
with the open question as its risk. Images that are root on purpose are left alone, with the reason. So are those that a
container of the repository needs root in, unless it says itself who it runs as: one that is privileged and uses its
host, speaks with the engine, sees the processes of its host, adds capabilities or binds a low port in the network of
its host. Where it mounts folders of its host the fix is `review`, and names it.

## References
CIS Docker Benchmark 4.1; Pod Security Standards, restricted: Running as Non-root.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import Decision
from fixer.model import Finding, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.rules.moving import move
from fixer.syntax.dockerfile import Instruction
from fixer.understand.users import left_behind

CARD = Card(
    id="DF001",
    name="root-user",
    title="The image runs as root",
    severity=Severity.HIGH,
    standards=("CIS Docker 4.1", "PSS restricted: Running as Non-root", "TRG 4.03"),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each image that runs as root, or whose user cannot be told."""
    for decision in view.decisions:
        if (not decision.is_root and decision.refusal is None) or left_behind(decision.image) is not None:
            continue  # the second is root-again
        message, reason = _words(decision)
        at = _place(decision)
        if decision.identity is None:
            chosen = decision.refusal is not None and decision.refusal.code == "configured-root"
            severity = Severity.INFO if chosen else CARD.severity
            yield view.finding(CARD, at, message, reason=reason, refusal=decision.refusal, severity=severity)
        else:
            yield view.finding(CARD, at, message, reason=reason, fix=move(view, decision))


def _words(decision: Decision) -> tuple[str, str]:
    user = decision.image.user
    stage = decision.image.stage
    which = f"stage '{stage.name}'" if stage.name and stage.children else "the image"
    if user.root is None:
        return f"{which} may run as root: nobody can tell from here", user.evidence
    if user.item is None:
        return f"{which} runs as root: no USER is set", user.evidence
    return f"{which} runs as root: USER {user.item.args}", user.evidence


def _place(decision: Decision) -> Instruction:
    own = decision.image.own_user
    if own is not None:
        return own
    stage = decision.image.stage
    return next((i for i in stage.body if i.keyword in ("CMD", "ENTRYPOINT")), stage.start)
