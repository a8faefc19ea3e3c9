"""Nothing says that a container is not root.

## What it finds
A pod in which `runAsNonRoot` is missing or false, for the pod or for one of its containers (init and ephemeral ones
too), so that the kubelet starts whatever user the image names.

## Why it matters
Root in a container is root on the node once it gets out: through a fault of the kernel or of the runtime, through a
mounted socket or folder. With `runAsNonRoot: true` the kubelet refuses to start an image that is root, so a careless
build is noticed at once.

## How safe the fix is
The setting goes where it is least to read: to the pod where every container can have it, else to the containers that
can. Where somebody else adds containers to the pod (Istio, Linkerd, Vault and their like, by its labels and
annotations), it goes to the containers too. It is never set on hope, because a pod whose image is root then does not
start.

- `safe`: the manifest itself names another user, or the image is known not to be root by number (a Dockerfile of this
  repository that a Compose file or skaffold names, or verified facts).
- `review`: the image names its user by a word, which the kubelet cannot check, or it is root and has a user that works
  (facts, or a Dockerfile that this run takes off root). The number comes with the setting as `runAsUser` and
  `runAsGroup`. Where a container was root before, what else it needs comes along: the sysctl that opens ports below
  1024, and `fsGroup` for volumes that change hands.
- left: nobody knows the image, or it is root with no user that is known to work; or the container needs root for what
  it does (`chown`, added capabilities, mounts and processes of the node, sockets of its engine). Tell who it works as
  with `[images."name"]` in fixer.toml, or take a variant that is not root.

## References
Pod Security Standards, restricted: Running as Non-root; CIS Kubernetes 5.2.7; NSA/CISA Kubernetes Hardening Guidance,
Non-root containers; Kubernetes, Configure a Security Context.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Severity
from fixer.podusers import Plan, Seat
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView, unprivileged
from fixer.understand.pods import Pod

CARD = Card(
    id="KS001",
    name="root-allowed",
    title="Nothing says that a container is not root",
    severity=Severity.HIGH,
    standards=("PSS restricted: Running as Non-root", "CIS Kubernetes 5.2.7", "NSA/CISA: Non-root containers"),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each pod, or for each container where one of them has to stay as it is."""
    for pod in view.pods:
        paths = [path for path, _ in view.violations(pod, "runAsNonRoot")]
        if not paths:
            continue
        plan = view.plan(pod)
        hit = [n for n, seat in enumerate(plan.seats) if any(view.member(pod, p) is seat.member for p in paths)]
        if plan.whole:
            yield _of_pod(view, pod, plan, hit)
            continue
        for n in hit or range(len(plan.seats)):
            yield _of_container(view, pod, plan, n)


def _of_pod(view: ManifestView, pod: Pod, plan: Plan, hit: list[int]) -> Finding:
    seats = [plan.seats[n] for n in hit] or list(plan.seats)
    names = ", ".join(seat.member.name for seat in seats)
    message = f"{view.names[pod.key]}: nothing says that {names} {'are' if len(seats) > 1 else 'is'} not root"
    if not hit:
        message = f"{view.names[pod.key]}: the pod says that it may be root"
    fix = view.user_fix(pod, None, _title(plan.seats))
    return view.finding(CARD, pod.at(pod.path), message, reason=_evidence(seats), fix=fix)


def _of_container(view: ManifestView, pod: Pod, plan: Plan, n: int) -> Finding:
    seat = plan.seats[n]
    message = f"{view.names[pod.key]}: nothing says that {seat.member.name} is not root"
    at = pod.at(seat.member.path)
    if seat.refusal is not None:
        other = unprivileged(seat.image)
        return view.finding(CARD, at, message, reason=seat.image.evidence, fix=seat.refusal, alternatives=other)
    fix = view.user_fix(pod, seat.member, _title([seat]))
    added = f"{pod.injector} adds containers of its own to this pod" if pod.injector else ""
    reason = "; ".join(one for one in (seat.image.evidence, added) if one)
    return view.finding(CARD, at, message, reason=reason, fix=fix)


def _title(seats: tuple[Seat, ...] | list[Seat]) -> str:
    numbers = {seat.number for seat in seats if seat.number is not None}
    if not numbers:
        return "runAsNonRoot: true"
    users = " and ".join(sorted(f"{uid}" if gid is None else f"{uid}:{gid}" for uid, gid in numbers))
    return f"runAsNonRoot: true, as {users}"


def _evidence(seats: list[Seat]) -> str:
    said = [seat.image.evidence for seat in seats if seat.image.evidence]
    return "; ".join(dict.fromkeys(said))
