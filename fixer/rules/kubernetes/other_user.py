"""A pod runs an image as another user than the image is made for.

## What it finds
A container whose `runAsUser`, or whose `runAsGroup` beside the same user, is another number than that of the image,
where a Dockerfile of this repository makes the image and says, or will say, who it runs as. Root on either side is told
by other rules.

## Why it matters
What the Dockerfile gives to its user with `chown`, `--chown` or a home is not the other user's. The program may read
it, but the first write to its working directory, its cache or its log fails with "permission denied", and so does what
a volume took over from the image.

## How safe the fix is
There is none to apply: either number may be the one that is meant. Where a Dockerfile does not name a user yet, it gets
the one that the manifests name, and nothing is left to tell.

## References
Kubernetes, Configure a Security Context; Dockerfile reference, USER.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.imageusers import ImageUser
from fixer.model import Finding, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Member, Pod

CARD = Card(
    id="KS029",
    name="other-user",
    title="A pod runs an image as another user than the image is made for",
    severity=Severity.LOW,
    standards=(),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container that has another number than its image."""
    for pod, member in view.containers():
        user = pod.user(member)
        if not user:
            continue
        image = view.seat(pod, member).image
        if not image.path or not image.uid:
            continue
        group = pod.effective(member, "runAsGroup")
        if user != image.uid:
            yield _finding(view, pod, member, image, (str(user), str(image.uid)))
        elif isinstance(group, int) and group and image.gid and group != image.gid:
            yield _finding(view, pod, member, image, (f"{user}:{group}", f"{image.uid}:{image.gid}"))


def _finding(view: ManifestView, pod: Pod, member: Member, image: ImageUser, users: tuple[str, str]) -> Finding:
    here, there = users
    name = view.names[pod.key]
    message = f"{name}: {member.name} runs as {here}, and {image.path} makes its image for {there}"
    why = Refusal(
        "users-differ", f"write {there} here, or {here} in {_place(image)}, whichever is meant, so that files fit"
    )
    return view.finding(CARD, pod.at(pod.user_path(member)), message, reason=image.evidence, fix=why)


def _place(image: ImageUser) -> str:
    made = image.made
    item = made.decision.image.user.item if made is not None else None
    return image.path if item is None or (made is not None and made.moves) else f"line {item.line} of {image.path}"
