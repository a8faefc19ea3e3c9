"""A volume has no group that its container belongs to.

## What it finds
A pod without `fsGroup` in which a container that is not root may write a volume that takes a group: a
`persistentVolumeClaim`, an `ephemeral` volume, or one of a claim template.

## Why it matters
A new volume belongs to root. A program that is not root cannot write it, and the usual remedies are worse: an init
container that is root, or files that all may write.

## How safe the fix is
`review`: `fsGroup` becomes the group of the user of the container, with `fsGroupChangePolicy: OnRootMismatch`, so that
a volume which belongs to it already is not walked through. What is on the volume changes hands when it is mounted;
network file systems may keep their own groups. It never speaks of `hostPath`, whose files Kubernetes leaves alone.

## References
Kubernetes, Configure a Security Context for a Pod: fsGroup; Kubernetes, Persistent Volumes.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, Safety, SetKey, Severity, Span, YamlChange
from fixer.podusers import Plan, Seat, numbers, ownable, set_in_pod
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Pod
from fixer.understand.workloads import mapping, sequence

CARD = Card(
    id="KS022",
    name="volume-group",
    title="A volume has no group that its container belongs to",
    severity=Severity.LOW,
    goals=frozenset({Goal.HARDENED}),
    standards=("Kubernetes: fsGroup",),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each pod."""
    for pod in view.pods:
        if pod.windows or not pod.has_context or pod.context.get("fsGroup") is not None:
            continue
        seats = [s for s in view.plan(pod).seats if s.refusal is None and ownable(pod, s.member)]
        if seats:
            yield _finding(view, pod, seats)


def _finding(view: ManifestView, pod: Pod, seats: list[Seat]) -> Finding:
    volumes = list(dict.fromkeys(name for seat in seats for name in ownable(pod, seat.member)))
    users = ", ".join(seat.member.name for seat in seats)
    noun, verb = ("volumes", "have") if len(volumes) > 1 else ("volume", "has")
    message = f"{view.names[pod.key]}: {noun} {', '.join(volumes)} of {users} {verb} no group"
    return view.finding(CARD, _place(pod, seats[0], volumes[0]), message, fix=_fix(view, pod, seats))


def _place(pod: Pod, seat: Seat, volume: str) -> Span:
    mounts = sequence(seat.member.container.value.get("volumeMounts"))
    n = next(n for n, mount in enumerate(mounts) if str(mapping(mount).get("name")) == volume)
    return pod.at((*seat.member.path, "volumeMounts", n))


def _fix(view: ManifestView, pod: Pod, seats: list[Seat]) -> Fix | Refusal:
    plan = view.plan(pod)
    mover = _mover(plan)
    if mover is not None:
        return view.user_fix(pod, mover.member, "fsGroup, with the change of the user")
    for seat in seats:
        uid, gid = numbers(pod, seat)
        if gid or uid:
            return _of(view, pod, gid or uid)
    image = seats[0].image
    why = f"nobody knows the number of the user of {image.reference}; write its group as fsGroup"
    return Refusal("number-unknown", why, image.reference)


def _of(view: ManifestView, pod: Pod, group: int | None) -> Fix | Refusal:
    changes: list[YamlChange] = [set_in_pod(pod, "fsGroup", group)]
    if pod.context.get("fsGroupChangePolicy") is None:
        changes.append(set_in_pod(pod, "fsGroupChangePolicy", "OnRootMismatch"))
    risk = "volumes change hands when they are mounted"
    return view.fix(pod, f"fsGroup: {group}", Safety.REVIEW, risk, changes)


def _mover(plan: Plan) -> Seat | None:
    """The container whose move off root brings the group already."""
    if _sets_group(plan.whole):
        return plan.seats[0]
    return next((plan.seats[n] for n, changes in plan.each.items() if _sets_group(changes)), None)


def _sets_group(changes: tuple[YamlChange, ...]) -> bool:
    return any(isinstance(change, SetKey) and change.key == "fsGroup" for change in changes)
