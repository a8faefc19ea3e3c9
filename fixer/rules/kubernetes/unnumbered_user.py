"""A manifest does not say by number who a container runs as.

## What it finds
For `hardened`: a container for which neither its own security context nor that of its pod has `runAsUser` and
`runAsGroup`. For `trg-4.03`: a container without `runAsUser`, and one that has it at one of the two levels alone, since
that guideline asks for both.

## Why it matters
Without a number the image decides, and the next build of it may decide otherwise. A number in the manifest is what a
reader, an admission controller and the owner of a volume can go by. Without a group that of the image counts, which is
often that of root.

## How safe the fix is
`safe` where the image is known to run as that number (facts that are verified, or a Dockerfile of this repository),
since nothing changes then; `review` where that is less sure, and where the container is taken off root by this run,
whose change it is. The number goes to the pod where all its containers have the same. It is left where nobody knows the
number, and for groups of images that belong to group 0.

## References
Tractus-X Release Guideline 4.03; Kubernetes, Configure a Security Context; trivy KSV-0020 and KSV-0021.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, Safety, SetKey, Severity, YamlChange
from fixer.podusers import Seat, numbers, set_in_container, set_in_pod
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Pod

CARD = Card(
    id="KS021",
    name="unnumbered-user",
    title="A manifest does not say by number who a container runs as",
    severity=Severity.LOW,
    goals=frozenset({Goal.HARDENED, Goal.TRG_4_03}),
    standards=("TRG 4.03",),
)
_USER, _GROUP = "runAsUser", "runAsGroup"
_WORDS = {_USER: "user", _GROUP: "group"}


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container, and one for a pod whose containers alone have numbers."""
    both = view.config.goal is Goal.TRG_4_03
    keys = (_USER,) if both else (_USER, _GROUP)
    for pod in view.pods:
        if pod.windows:
            continue
        lacking = False
        for seat in view.plan(pod).seats:
            missing = [key for key in keys if pod.effective(seat.member, key) is None]
            if missing and not (seat.refusal is not None and seat.refusal.code == "windows"):
                lacking = True
                yield _finding(view, pod, seat, missing)
        if both and pod.has_context and not lacking:
            yield from _at_both_levels(view, pod)


def _finding(view: ManifestView, pod: Pod, seat: Seat, missing: list[str]) -> Finding:
    what = " and ".join(_WORDS[key] for key in missing)
    message = f"{view.names[pod.key]}: {seat.member.name} does not say its {what} by number"
    fix = _fix(view, pod, seat, missing)
    return view.finding(CARD, pod.at(seat.member.path), message, reason=seat.image.evidence, fix=fix)


def _fix(view: ManifestView, pod: Pod, seat: Seat, missing: list[str]) -> Fix | Refusal:
    if seat.refusal is not None:
        return seat.refusal
    if seat.number is not None and (_USER in missing or seat.number[1]):
        return view.user_fix(pod, seat.member, "the number of the user, with the change that takes it off root")
    found = dict(zip((_USER, _GROUP), numbers(pod, seat), strict=True))
    changes = [_set(view, pod, seat, key) for key in missing if found[key]]
    if not changes:
        return _unknown(seat, _WORDS[missing[0]], found[missing[0]])
    known = seat.image.certain
    risk = seat.image.risk or "the number of the image is not verified"
    title = ", ".join(f"{change.key}: {change.value}" for change in changes)
    return view.fix(pod, title, Safety.SAFE if known else Safety.REVIEW, risk, changes)


def _set(view: ManifestView, pod: Pod, seat: Seat, key: str) -> SetKey:
    """The number of a container, set for the pod where all that have none of their own get the same."""
    place = (_USER, _GROUP).index(key)
    heirs = [one for one in view.plan(pod).seats if one.member.context.get(key) is None]
    values = {None if one.refusal is not None else numbers(pod, one)[place] for one in heirs}
    value = numbers(pod, seat)[place]
    if pod.has_context and values == {value}:
        return set_in_pod(pod, key, value)
    return set_in_container(pod, seat.member, key, value)


def _unknown(seat: Seat, what: str, number: int | None) -> Refusal:
    image = seat.image.reference
    if number == 0:
        why = f"{image} runs in group 0, as images do that work with any user; leave it to the image"
        return Refusal("needs-group", why, image)
    why = (
        f"nobody knows the number of the {what} of {seat.member.name}; look it up in {image or 'its image'}, and set it"
    )
    return Refusal("number-unknown", why, image)


def _at_both_levels(view: ManifestView, pod: Pod) -> Iterator[Finding]:
    """What the guideline wants besides: the number of the pod where only containers have one, and the other way."""
    if any(pod.user(member) in (None, 0) for member in pod.members):
        return
    name, title = view.names[pod.key], "runAsUser for the pod and each container"
    if pod.context.get(_USER) is None:
        # every container has one of its own, so that nothing changes but what later ones would get
        most = Counter(pod.user(member) for member in pod.members).most_common(1)[0][0]
        fix = view.fix(pod, title, Safety.SAFE, "", [set_in_pod(pod, _USER, most)])
        message = f"{name}: the containers say their user by number, and the pod does not"
        yield view.finding(CARD, pod.at(pod.path), message, fix=fix)
    for member in pod.members:
        if member.context.get(_USER) is None:
            changes: list[YamlChange] = [set_in_container(pod, member, _USER, pod.user(member))]
            message = f"{name}: the pod says its user by number, and {member.name} does not"
            fix = view.fix(pod, title, Safety.SAFE, "", changes)
            yield view.finding(CARD, pod.at(member.path), message, fix=fix)
