"""What the program needs lies in root's home.

## What it finds
In an image that is moved off root: a working directory, files, a variable, a command or an installed tool (rustup,
nvm, uv, poetry, pip --user, Playwright's browsers ...) at or below `/root`.

## Why it matters
`/root` has mode 0700. The new user cannot enter it, so the program is not even found: "permission denied" at the start.

## How safe the fix is
`review`, in one of two ways. Where every mention of `/root` is a plain path of this stage (WORKDIR, the destination of
COPY, ENV, CMD), all of them become `/app`, and `/app` is handed over. Else `/root` stays where it is: the folder itself
(not what lies below it, which others may read anyway) is handed over, what COPY brings there gets `--chown`, and HOME
stays `/root`, since tools look there. In images without a shell only the first way is open; where it is not, the image
is left alone.

## References
Filesystem Hierarchy Standard, /root; Docker, USER and HOME.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import Decision
from fixer.facts import style
from fixer.model import Change, Finding, Fix, HandOver, ReplaceText, Safety, SetEnv, SetFlag, Severity, StartAsRoot
from fixer.rules.base import Card, DockerfileView
from fixer.understand.roothome import HOME, PLACE, RootHome, root_home

CARD = Card(
    id="DF010",
    name="root-home",
    title="What the program needs lies in root's home",
    severity=Severity.MEDIUM,
    standards=("CIS Docker 4.1",),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each image that moves and needs something under /root."""
    for decision in view.moving:
        image = decision.image
        shell = bool(image.family) and style(image.family, image.facts) != "none"
        found = root_home(decision.running, view.stages if shell else ())
        if found is None:
            continue
        own = [(item, why) for item, why in found.needs if item in image.stage.body]
        if not own and decision.shares_with is not None:
            continue  # the stage that it starts from sees to it
        at, why = (own or list(found.needs))[0]
        identity = decision.identity
        assert identity is not None
        message = f"user {identity.user} cannot enter /root, which the image needs: {why}"
        reason = "; ".join(f"line {item.line}: {text}" for item, text in found.needs)
        yield view.finding(CARD, at, message, reason=reason, fix=_fix(view, decision, found))


def _fix(view: DockerfileView, decision: Decision, found: RootHome) -> Fix:
    identity, image = decision.identity, decision.image
    assert identity is not None
    stage, group = image.stage, view.group(image.stage)
    changes: list[Change] = []
    if view.config.ownership == "app":
        changes += [
            SetFlag(c.item.index, "chown", identity.owner) for c in found.copies if c.item.flag("chown") is None
        ]
    shell = bool(image.family) and style(image.family, image.facts) != "none"
    if found.spans:
        changes += [ReplaceText(span, PLACE) for span in found.spans]
        if shell and found.workdir:
            changes.append(
                HandOver(stage.index, PLACE + found.workdir.removeprefix(HOME), identity.owner, False, False)
            )
        risk = "mounts, scripts and manifests that name /root must follow"
        return Fix(f"move it from /root to {PLACE}", Safety.REVIEW, risk, tuple(changes), group)
    changes.append(HandOver(stage.index, HOME, identity.owner, False, False))
    if found.workdir not in ("", HOME):
        changes.append(HandOver(stage.index, found.workdir, identity.owner, False, False))
    if decision.shares_with is not None:
        changes.append(StartAsRoot(stage.index))
    if not found.sets_home and stage.final_env.get("HOME") != HOME:
        changes.append(SetEnv(stage.index, "HOME", HOME))
    risk = "what the build made below /root stays with root, readable; hand over what the program changes there"
    return Fix(f"hand /root over to {identity.owner}, as its home", Safety.REVIEW, risk, tuple(changes), group)
