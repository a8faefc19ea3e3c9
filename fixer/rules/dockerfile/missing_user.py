"""USER names somebody whom nobody created.

## What it finds
A USER whose name neither the base image has (by verified facts) nor the file creates, nor a package, script or copied
passwd file can have brought.

## Why it matters
The image builds, and its container never starts: "unable to find user nonroot: no matching entries in passwd file".

## How safe the fix is
`review`: the user is created in front of USER with the commands of the base image's family, and USER becomes its
number. In images without a shell (scratch, distroless) the number alone is enough: 65532 in distroless, which lists it
as `nonroot`. Where something in the file may have created the user out of sight, there is no finding.

## References
Dockerfile reference, USER; Docker, "unable to find user".
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import DISTROLESS_ID, free_number
from fixer.facts import style
from fixer.facts.users import is_name
from fixer.model import CreateUser, Finding, Fix, Refusal, ReplaceText, Safety, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.rules.moving import installed
from fixer.syntax.dockerfile import Instruction
from fixer.understand.image import Image, User
from fixer.understand.users import is_missing, user_items

CARD = Card(
    id="DF004",
    name="missing-user",
    title="USER names somebody whom nobody created",
    severity=Severity.HIGH,
    standards=("CIS Docker 4.1",),
)
_WELL_KNOWN = {"nonroot": 65532, "nobody": 65534}


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each image whose last USER does not exist."""
    told: set[int] = set()
    for decision in view.decisions:
        user = decision.image.user
        item = user.item
        if item is None or item.index in told or not is_missing(decision.image, view.images, user):
            continue
        told.add(item.index)
        base = decision.image.stage.root_base
        message = f"user {user.name} does not exist: base image {base} has none, and nothing creates it"
        made = _fix(view, decision.image, user, item)
        if isinstance(made, Refusal):
            yield view.finding(CARD, item, message, reason=user.evidence, refusal=made)
        else:
            yield view.finding(CARD, item, message, reason=user.evidence, fix=made)


def _fix(view: DockerfileView, image: Image, user: User, item: Instruction) -> Fix | Refusal:
    if "$" in item.args:
        return Refusal(
            "variable-user", "the name comes from a variable; create that user, or give the variable a number"
        )
    assert image.facts is not None
    place = item.source_span(item.args_start, item.args_start + len(item.args))
    if style(image.family, image.facts) == "none":
        number = _WELL_KNOWN.get(user.name, view.config.uid if image.family == "scratch" else DISTROLESS_ID)
        text = f"{number}:{number}"
        risk = f"the image has no shell to create {user.name}, so the number alone is used"
        return Fix(
            f"USER {text}, since {image.family} images need no passwd entry",
            Safety.REVIEW,
            risk,
            (ReplaceText(place, text),),
        )
    if not is_name(user.name):
        return Refusal(
            "user-name", f"not all tools make an account called '{user.name[:40]}'; write another name, or a number"
        )
    if user.name in image.group_names or user.text.partition(":")[2] not in ("", user.name):
        return Refusal(
            "group-exists", f"create user {user.name} in the group that is there already, in front of line {item.line}"
        )
    others = [other for other in user_items(image) if other is not item and image.resolve(other).name == user.name]
    stage = image.stage_of(item)
    if (
        others
        or image.user_at(item).root is not True
        or next((i for i in reversed(stage.body) if i.keyword == "USER"), None) is not item
    ):
        return Refusal(
            "no-root-step", f"create user {user.name} where the build is still root, in front of its first USER"
        )
    uid = free_number(image, view.config.uid)
    packages = tuple(sorted(installed(image)))
    create = CreateUser(stage.index, image.family, user.name, uid, uid, False, packages)
    group = ":" in user.text
    text = f"{uid}:{uid}" if group else str(uid)
    risk = f"{user.name} did not exist before, so whether the program runs as it is not known"
    return Fix(f"create {user.name} as {uid}, and USER {text}", Safety.REVIEW, risk, (create, ReplaceText(place, text)))
