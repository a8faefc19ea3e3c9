"""A build step needs root, and USER has already stepped down.

## What it finds
A RUN that installs packages, creates users, changes owners or writes system folders although a USER above it in the
file has made somebody else of the build, without sudo. Only what surely fails counts: the user is a number or an
account that exists, the base image runs as root by itself, and no step above has given the folder away.

## Why it matters
The build stops: "Permission denied", "are you root?". It is what is left behind when USER is put too high.

## How safe the fix is
`review`: the step gets `USER root` above it and the former USER below it; steps in a row share one pair. The image
itself runs as the same user as before.

## References
Dockerfile reference, USER; Docker, Building best practices, USER.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, InsertLine, Refusal, Safety, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.syntax.dockerfile import Instruction
from fixer.understand.image import Image, User
from fixer.understand.rootsteps import root_need
from fixer.understand.stages import Stage

CARD = Card(
    id="DF008",
    name="root-step-after-user",
    title="A build step needs root, and USER has already stepped down",
    severity=Severity.MEDIUM,
    standards=("CIS Docker 4.1",),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each RUN that fails for want of root."""
    for stage in view.stages:
        if any(True for elder in stage.chain for _ in elder.of("USER")):
            yield from _stage(view, stage, view.images[stage.index])


def _stage(view: DockerfileView, stage: Stage, image: Image) -> Iterator[Finding]:
    needs = {item.index: reason for item in stage.of("RUN") if (reason := _reason(image, item))}
    for item in stage.of("RUN"):
        if item.index in needs:
            user = image.user_at(item)
            assert user.item is not None
            message = (
                f"RUN needs root ({needs[item.index]}), and USER {user.item.args} of line {user.item.line} is not root"
            )
            answer = _fix(stage, item, user, set(needs))
            fix, refusal = (answer, None) if isinstance(answer, Fix) else (None, answer)
            yield view.finding(CARD, item, message, reason=user.evidence, fix=fix, refusal=refusal)


def _reason(image: Image, item: Instruction) -> str:
    user = image.user_at(item)
    sure = user.item is not None and user.root is False and (user.uid is not None or user.name in image.accounts)
    return root_need(image, item, user) if sure else ""


def _fix(stage: Stage, item: Instruction, user: User, needs: set[int]) -> Fix | Refusal:
    """USER root above the row of steps that this one stands in, and the former USER, as a number, below it."""
    assert user.item is not None
    numbers = [i.index for i in stage.body]
    first = last = item.index
    while first - 1 in needs and first - 1 in numbers:
        first -= 1
    while last + 1 in needs and last + 1 in numbers:
        last += 1
    back = user.item.args
    if "$" not in back and user.uid is not None:
        back = f"{user.uid}:{user.gid}" if ":" in back and user.gid is not None else str(user.uid)
    if "$" in back and any(i.keyword in ("ENV", "ARG") and i.index > user.item.index for i in stage.body):
        return Refusal(
            "variable-user",
            "put USER root above this step and the former USER below it; its value is that of a variable",
        )
    word = "user" if item.name.islower() else "USER"
    changes = [InsertLine(first, "before", f"{word} root")]
    following = next((i for i in stage.body if i.index == last + 1), None)
    if following is None or following.keyword != "USER":
        changes.append(InsertLine(last, "after", f"{word} {back}"))
    risk = "what the step makes then belongs to root"
    return Fix(f"run it as root, and go back to {back}", Safety.REVIEW, risk, tuple(changes))
