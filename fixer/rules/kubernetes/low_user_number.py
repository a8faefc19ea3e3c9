"""A container runs as a number that a user of its node may have.

## What it finds
A container whose user or group, as it will be once everything else is fixed, has a number from 1 to 10000.

## Why it matters
Without users of its own (host-users), user 1000 of a container is user 1000 of the node, often the first person who
logs in there, and the numbers below are those of its services. Who gets out of the container, or shares a folder of the
node with it, is that user.

## How safe the fix is
It is mostly left: the files of an image belong to the number that it was built with, so that the image must be built
with another one; where a Dockerfile of this repository makes it, the sentence names that. `review` where the manifest
chose the number for an image that works with any user, and no volume holds files of the old number.

## References
trivy KSV-0020 and KSV-0021; checkov CKV_K8S_40.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, Safety, Severity, Span, YamlChange
from fixer.podusers import Seat, numbers, ownable, set_in_container, set_in_pod
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Pod

CARD = Card(
    id="KS027",
    name="low-user-number",
    title="A container runs as a number that a user of its node may have",
    severity=Severity.LOW,
    goals=frozenset({Goal.HARDENED}),
    standards=("trivy KSV-0020", "checkov CKV_K8S_40"),
)
_HIGHEST = 10000


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container."""
    for pod in view.pods:
        if pod.windows:
            continue
        for seat in view.plan(pod).seats:
            uid, gid = numbers(pod, seat)
            rows = [("user", uid), ("group", gid)]
            low = [f"{what} {number}" for what, number in rows if number is not None and 0 < number <= _HIGHEST]
            if low:
                name = f"{view.names[pod.key]}: {seat.member.name}"
                message = f"{name} runs as {' and '.join(low)}, which may be somebody on the node"
                yield view.finding(CARD, _place(pod, seat), message, fix=_fix(view, pod, seat))


def _place(pod: Pod, seat: Seat) -> Span:
    for path, context in ((seat.member.context_path, seat.member.context), (pod.context_path, pod.context)):
        for key in ("runAsUser", "runAsGroup"):
            if context.get(key) is not None:
                return pod.at((*path, key))
    return pod.at(seat.member.path)


def _fix(view: ManifestView, pod: Pod, seat: Seat) -> Fix | Refusal:
    image, user = seat.image, pod.user(seat.member)
    own = seat.number is not None or user is None or user == image.uid
    reference = image.reference
    if own and image.made is not None:
        why = f"{image.path} makes {reference} with this number; write one above {_HIGHEST} there, and build it anew"
        return Refusal("image-user", why, reference)
    if own and image.facts is None:
        why = f"fixer.toml says that {reference} works as this user; write another one there, if it works as that"
        return Refusal("image-user", why, reference)
    if own:
        why = f"files of {reference} belong to this number; build it with another one, or look for such a variant"
        return Refusal("image-user", why, reference)
    return _other(view, pod, seat)


def _other(view: ManifestView, pod: Pod, seat: Seat) -> Fix | Refusal:
    """The number is one that somebody chose for the manifest alone."""
    alone = seat.member.context.get("runAsUser") is not None
    sharing = [seat] if alone else [s for s in view.plan(pod).seats if s.member.context.get("runAsUser") is None]
    for one in sharing:
        facts = one.image.facts
        if facts is None or facts.confidence == "inferred" or not facts.arbitrary_user:
            image = one.member.image
            why = f"nobody knows whether {image} works as another user; try a number above {_HIGHEST}"
            return Refusal("unknown-image", why, one.image.reference)
        if any(ownable(pod, other) for other in pod.members):
            why = f"files of its volumes may belong to {pod.user(seat.member)}; change both together"
            return Refusal("volume-files", why)
    uid, gid = view.config.uid, view.config.gid
    if min(uid, gid) <= _HIGHEST:
        return Refusal("configured", f"fixer.toml wants user {uid} and group {gid}, which are as low")
    changes: list[YamlChange] = []
    for key, number in (("runAsUser", uid), ("runAsGroup", gid)):
        low = pod.effective(seat.member, key)
        if isinstance(low, int) and 0 < low <= _HIGHEST:
            own = seat.member.context.get(key) is not None
            changes.append(set_in_container(pod, seat.member, key, number) if own else set_in_pod(pod, key, number))
    risk = f"what {seat.member.name} wrote as {pod.user(seat.member)} belongs to another user now"
    return view.fix(pod, f"runAsUser: {uid}", Safety.REVIEW, risk, changes)
