"""A manifest asks for group 0.

## What it finds
`runAsGroup: 0` or `fsGroup: 0`, or 0 among the `supplementalGroups` of a pod.

## Why it matters
Group 0 is the group of root: it may read, and often write, what root left open to its group, in the image and on
volumes.

## How safe the fix is
The group of the user of the image takes the place of 0 for `runAsGroup`. It is always `review`, since files that the
group of root could read may be closed to others. It is left for images that work with any user because they give their
files to group 0 (those made for OpenShift do), where nobody knows the group, and where containers of a pod would need
different ones. Groups of volumes are told alone: what is on them has its group already.

## References
CIS Kubernetes 5.2.7; trivy KSV-0105 and KSV-0116; OpenShift, Guidelines for creating images.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, Safety, Severity
from fixer.podusers import Seat, numbers, set_in_container, set_in_pod
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Member, Pod
from fixer.understand.workloads import sequence

CARD = Card(
    id="KS020",
    name="root-group",
    title="A manifest asks for group 0",
    severity=Severity.LOW,
    goals=frozenset({Goal.HARDENED}),
    standards=("CIS Kubernetes 5.2.7",),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each place that names group 0."""
    for pod in view.pods:
        if pod.windows:
            continue
        name = view.names[pod.key]
        if _zero(pod.context.get("runAsGroup")):
            heirs = [seat for seat in view.plan(pod).seats if seat.member.context.get("runAsGroup") is None]
            at = pod.at((*pod.context_path, "runAsGroup"))
            yield view.finding(CARD, at, f"{name}: the pod asks for group 0", fix=_fix(view, pod, None, heirs))
        for seat in view.plan(pod).seats:
            if _zero(seat.member.context.get("runAsGroup")):
                at = pod.at((*seat.member.context_path, "runAsGroup"))
                message = f"{name}: {seat.member.name} asks for group 0"
                yield view.finding(CARD, at, message, fix=_fix(view, pod, seat.member, [seat]))
        yield from _of_volumes(view, pod, name)


def _zero(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value == 0


def _of_volumes(view: ManifestView, pod: Pod, name: str) -> Iterator[Finding]:
    if _zero(pod.context.get("fsGroup")):
        message = f"{name}: the volumes of the pod belong to group 0"
        why = "write the group of the program as fsGroup, and look at what is on the volumes already"
        yield view.finding(CARD, pod.at((*pod.context_path, "fsGroup")), message, fix=Refusal("root-group", why))
    if any(_zero(one) for one in sequence(pod.context.get("supplementalGroups"))):
        message = f"{name}: the pod asks for group 0 besides its own"
        why = "find out which files need the group of root, give them to another one, and take 0 out of the list"
        at = pod.at((*pod.context_path, "supplementalGroups"))
        yield view.finding(CARD, at, message, fix=Refusal("root-group", why))


def _fix(view: ManifestView, pod: Pod, member: Member | None, seats: list[Seat]) -> Fix | Refusal:
    groups = set()
    for seat in seats:
        group = _group(pod, seat)
        if isinstance(group, Refusal):
            return group
        groups.add(group)
    if len(groups) != 1:
        why = "its containers have different groups; write runAsGroup for each of them, and take it from the pod"
        return Refusal("several-groups", why)
    (group,) = groups
    change = set_in_pod if member is None else lambda pod, key, value: set_in_container(pod, member, key, value)
    risk = "files that only the group of root may read are closed to it now"
    return view.fix(pod, f"runAsGroup: {group}", Safety.REVIEW, risk, [change(pod, "runAsGroup", group)])


def _group(pod: Pod, seat: Seat) -> int | Refusal:
    """The group that a container belongs in, or why nobody knows."""
    if seat.refusal is not None:
        return seat.refusal
    _, gid = numbers(pod, seat)
    if gid:
        return gid
    image = seat.image
    if gid == 0 or (image.facts is not None and image.facts.arbitrary_user):
        why = f"{seat.member.image} gives its files to group 0, so that it works as any user; leave it"
        return Refusal("needs-group", why, image.reference)
    why = f"nobody knows which group {seat.member.name} needs; write that of its user as runAsGroup"
    return Refusal("number-unknown", why, image.reference)
