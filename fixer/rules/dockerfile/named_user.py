"""USER is a name, which the kubelet cannot check.

## What it finds
An image that is not root, whose last USER is a name (`USER node`, `USER app:app`, `USER app:1000`), in the file or in
the base image. A variable that resolves to a number is well, and so is a group by name behind a number.

## Why it matters
With `runAsNonRoot: true` the kubelet must know that the user is not root before it starts anything. It reads numbers
only: "container has runAsNonRoot and image has non-numeric user (node), cannot verify user is non-root", and the pod
does not start.

## How safe the fix is
The name becomes the number that it stands for, so the same user runs. A name without a group stays without one: the
passwd entry then decides the group and the further groups, as before. It is `safe` where the file itself or verified
facts say the number, `review` where facts are only documented, where a variable is replaced, and where an account that
is created without a number gets one (volumes that it wrote before belong to another number). Where the number comes
from a build argument that the file also names, USER takes that argument.

## References
Kubernetes, Configure a Security Context; Pod Security Standards, restricted: Running as Non-root; TRG 4.03.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import Decision
from fixer.model import Change, Finding, Fix, Refusal, ReplaceText, Safety, SetUser, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.rules.moving import numeric_root, pin
from fixer.syntax.dockerfile import Instruction
from fixer.understand.creations import is_broken
from fixer.understand.image import Image, User
from fixer.understand.users import Known, is_argument, is_missing, is_windows, may_pin, number_of

CARD = Card(
    id="DF003",
    name="named-user",
    title="USER is a name, which the kubelet cannot check",
    severity=Severity.MEDIUM,
    standards=("PSS restricted: Running as Non-root", "TRG 4.03"),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each image that runs as a user by name."""
    told: set[int] = set()
    for decision in view.decisions:
        image, user = decision.image, decision.image.user
        if user.root is not False or user.numeric or user.text.partition(":")[0].isdigit():
            continue
        if is_windows(image) or is_missing(image, view.images, user):
            continue
        at = user.item or image.stage.start
        if at.index not in told:
            told.add(at.index)
            yield _finding(view, decision, at)


def _finding(view: DockerfileView, decision: Decision, at: Instruction) -> Finding:
    image, user = decision.image, decision.image.user
    if user.item is None:
        message = f"base image {image.stage.root_base} runs as '{user.text}', a name that the kubelet cannot check"
    else:
        message = f"USER {user.item.args} is a name, which the kubelet cannot check"
    made = _fix(view, decision, user)
    if isinstance(made, Refusal):
        return view.finding(CARD, at, message, reason=user.evidence, refusal=made)
    made = made._replace(changes=(*made.changes, *numeric_root(view)))
    return view.finding(CARD, at, message, reason=user.evidence, fix=made)


def _fix(view: DockerfileView, decision: Decision, user: User) -> Fix | Refusal:
    image = decision.image
    account = image.accounts.get(user.name)
    if account is not None and is_broken(account, image):
        return Refusal("broken-creation", f"{account.evidence}, which fails in this base image; correct that first")
    known = _of_base(image, user) if user.item is None else number_of(image, view.images, user.name)
    identity = decision.identity
    if known is None and identity is not None and identity.pin is not None and may_pin(image, identity.pin):
        return _pinned(decision, user)
    if known is None:
        return Refusal(
            "number-unknown",
            f"nothing here tells the number of user {user.name}; look it up with `id -u` in the image and write it",
        )
    if known.confidence == "inferred":
        return Refusal(
            "unverified-user", f"{user.name} is probably {known.uid}, but nobody verified it ({known.evidence})"
        )
    safety, risk = Safety.SAFE, ""
    if known.confidence != "verified":
        safety, risk = Safety.REVIEW, f"the number {known.uid} is documented, not verified"
    if user.item is None:
        return Fix(
            f"run as {_numbers(known, user)}, {known.evidence}",
            safety,
            risk,
            (SetUser(image.stage.index, _numbers(known, user)),),
        )
    if "$" in user.item.args and not known.text:
        if is_argument(image, user.item, user.item.args):
            return Refusal(
                "build-argument",
                "each build may choose another user; add an argument for its number and name that one in USER",
            )
        safety, risk = Safety.REVIEW, "the variable no longer decides who runs"
    changes = _replaced(image, user.item, known, user)
    if isinstance(changes, Refusal):
        return changes
    return Fix(f"USER {changes[0].text}, {known.evidence}", safety, risk, changes)


def _of_base(image: Image, user: User) -> Known | None:
    if user.uid is None or image.facts is None:
        return None
    return Known(user.uid, user.gid, image.facts.certainty("user"), user.evidence)


def _numbers(known: Known, user: User) -> str:
    """The value for USER: a group only where one was written, as a number where that is known."""
    group = user.text.partition(":")[2]
    number = group if user.gid is None else str(user.gid)
    return f"{known.uid}:{number}" if group else str(known.uid)


def _replaced(image: Image, item: Instruction, known: Known, user: User) -> tuple[ReplaceText, ...] | Refusal:
    text = _numbers(known, user)
    if known.text:
        if image.expand(known.text, item) != str(known.uid):
            return Refusal(
                "build-argument",
                f"the number is the value of {known.text}, which is not visible at USER; declare it in this stage",
            )
        group = item.args.partition(":")[2]
        text = f"{known.text}:{group}" if group else known.text
    start = item.args_start
    return (ReplaceText(item.source_span(start, start + len(item.args)), text),)


def _pinned(decision: Decision, user: User) -> Fix | Refusal:
    identity, item = decision.identity, user.item
    assert identity is not None
    assert item is not None
    if "$" in item.args and is_argument(decision.image, item, item.args):
        return Refusal(
            "build-argument",
            "each build may choose another user; add an argument for its number and name that one in USER",
        )
    known = Known(identity.uid, None, "verified", identity.evidence)
    place = item.source_span(item.args_start, item.args_start + len(item.args))
    changes: tuple[Change, ...] = (pin(decision, identity.uid), ReplaceText(place, _numbers(known, user)))
    risk = f"{user.name} gets the fixed number {identity.uid}; volumes that it wrote before belong to another number"
    return Fix(f"USER {_numbers(known, user)}, {identity.evidence}", Safety.REVIEW, risk, changes)
