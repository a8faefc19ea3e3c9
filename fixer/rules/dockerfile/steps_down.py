"""The entrypoint steps down from root by itself.

## What it finds
An image whose entrypoint starts as root, gives folders to a user, and goes on as that user: the official images of
databases, entry scripts with gosu, su-exec or setpriv, and programs that do so in their own code.

## Why it matters
Such an image is not root for long, but it starts as root, and Kubernetes refuses it where the restricted Pod Security
level is enforced. A USER in the Dockerfile would be wrong: the entrypoint could no longer hand over a fresh volume. The
place for the number is the manifest, where the platform hands over the volume (`fsGroup`).

## How safe the fix is
The image is left alone. The instructions give the numbers for the manifest, where they are known.

## References
docker-library FAQ, "Arbitrary --user notes"; Kubernetes, Configure a Security Context for a Pod or Container.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import Decision
from fixer.model import Finding, Fix, Safety, Severity
from fixer.rules.base import Card, DockerfileView

CARD = Card(
    id="DF017",
    name="steps-down",
    title="The entrypoint steps down from root by itself",
    severity=Severity.INFO,
    standards=("PSS restricted: Running as Non-root",),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each image that was left alone because it steps down."""
    for decision in view.decisions:
        if decision.refusal is not None and decision.refusal.code == "steps-down":
            yield _finding(view, decision)


_TOOLS = frozenset({"gosu", "su-exec"})


def _finding(view: DockerfileView, decision: Decision) -> Finding:
    name, uid, gid = _user(decision)
    image = decision.image
    entry = image.entrypoint
    at = entry.item if entry is not None and entry.item is not None else image.stage.start
    numbers = f"{uid}" if gid is None else f"{uid}:{gid}"
    who = name or "another user" if uid is None else f"{name} ({numbers})" if name else numbers
    fix = Fix(
        f"runAsUser: {uid} in the manifest" if uid is not None else "runAsUser in the manifest",
        Safety.MANUAL,
        "data that root wrote before must be given to that user once",
        instructions=_in_code(decision) or (_known(numbers, uid, gid) if uid is not None else _unknown(name)),
    )
    message = f"the entrypoint starts as root and goes on as {who}"
    return view.finding(CARD, at, message, reason=_evidence(decision), fix=fix)


def _in_code(decision: Decision) -> str:
    """What to do where the program itself becomes another user, which fails for all but root."""
    purpose = decision.running.purpose
    if purpose is None or not any(call.code == purpose.code for _, call in decision.running.root_calls):
        return ""
    return f"{purpose.remedy}, and this image can have a USER"


def _known(numbers: str, uid: int, gid: int | None) -> str:
    group = "" if gid is None else f", runAsGroup: {gid} and fsGroup: {gid}"
    pod = f"runAsNonRoot: true, runAsUser: {uid}{group}"
    return f'leave the Dockerfile; set {pod} in the pod, and user: "{numbers}" in Compose'


def _unknown(name: str) -> str:
    whose = f"user {name}" if name else "the user it hands over to"
    return (
        f"leave the Dockerfile; look up the numbers of {whose} in the image (/etc/passwd), and set them as runAsUser,"
        " runAsGroup and fsGroup with runAsNonRoot: true in the pod, and as user: in Compose"
    )


def _evidence(decision: Decision) -> str:
    purpose = decision.running.purpose
    return purpose.evidence if purpose is not None else ""


def _user(decision: Decision) -> tuple[str, int | None, int | None]:
    """Name and numbers of the user it goes on as, as far as they are known."""
    image = decision.image
    names = [sign.detail.partition(" ")[2] for _, sign in decision.running.signs if sign.kind == "steps-down"]
    names += [words[1] or "" for tool, words in decision.running.commands if tool in _TOOLS and len(words) > 1]
    names += _made(decision)
    for text in names:
        name, _, group = text.partition(":")
        if name.isdigit():
            return "", int(name), int(group) if group.isdigit() else None
        account = image.accounts.get(name)
        if account is not None and account.uid:
            return name, account.uid, account.gid
    facts = image.facts
    if facts is not None and facts.app_user is not None and not image.entrypoint:
        return facts.app_user.name, facts.app_user.uid, facts.app_user.gid
    return next((n.partition(":")[0] for n in names if n and "$" not in n), ""), None, None


def _made(decision: Decision) -> list[str]:
    """The user that the file makes, when it is one: an entrypoint that brings gosu hands over to it."""
    made = [a.name for a in decision.image.accounts.values() if a.add is not None]
    return made if len(made) == 1 else []
