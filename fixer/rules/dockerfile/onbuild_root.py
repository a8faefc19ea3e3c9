"""Images built on this one end as root through ONBUILD.

## What it finds
The last `ONBUILD USER` of a stage that runs names root: `root`, `0`, or a variable that resolves to root.

## Why it matters
ONBUILD instructions run right behind the FROM of whoever builds on this image. A USER among them decides for all these
images, and its author sees nothing of it in the own file.

## How safe the fix is
`review`: where it is known who this image runs as, `ONBUILD USER` with that number follows the last ONBUILD, so that
the steps before keep root and the image does not end with it. Steps in the files of others that need root must then say
`USER root` themselves. Where no user is known, it is left to a person.

## References
Dockerfile reference, ONBUILD; CIS Docker Benchmark 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import Decision
from fixer.model import Finding, Fix, InsertLine, Refusal, Safety, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.rules.moving import stays
from fixer.syntax.dockerfile import Instruction

CARD = Card(
    id="DF014",
    name="onbuild-root",
    title="Images built on this one end as root through ONBUILD",
    severity=Severity.MEDIUM,
    standards=("CIS Docker 4.1",),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each stage whose last ONBUILD USER is root."""
    if "ONBUILD" not in view.dockerfile.text.upper():
        return
    for decision in view.decisions:
        last = _last_user(decision)
        if last is not None and _is_root(decision, last):
            yield _finding(view, decision, last)


def _last_user(decision: Decision) -> Instruction | None:
    triggers = decision.image.stage.of("ONBUILD")
    return next((i for i in reversed(list(triggers)) if i.trigger is not None and i.trigger.keyword == "USER"), None)


def _is_root(decision: Decision, item: Instruction) -> bool:
    assert item.trigger is not None
    value = decision.image.expand(item.trigger.args, item)
    return value is not None and value.partition(":")[0] in ("", "0", "root")


def _finding(view: DockerfileView, decision: Decision, item: Instruction) -> Finding:
    assert item.trigger is not None
    message = f"ONBUILD USER {item.trigger.args}: what is built on this image runs as root"
    identity = decision.identity
    if identity is None:
        remedy = (
            "add ONBUILD USER with a number other than 0 behind the last ONBUILD, once it is known who this image"
            " runs as"
        )
        return view.finding(CARD, item, message, refusal=Refusal("no-identity", remedy))
    left = stays(view, decision)
    if left is not None:
        return view.finding(CARD, item, message, refusal=left)
    words = "onbuild user" if item.name.islower() else "ONBUILD USER"
    last = list(decision.image.stage.of("ONBUILD"))[-1]
    fix = Fix(
        f"add {words} {identity.user} behind the last ONBUILD",
        Safety.REVIEW,
        "steps that need root in the files of others that start from this image must say USER root",
        (InsertLine(last.index, "after", f"{words} {identity.user}"),),
    )
    return view.finding(CARD, item, message, reason=f"this image runs as {identity.user}, {identity.evidence}", fix=fix)
