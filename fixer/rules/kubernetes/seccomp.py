"""A container may call everything that the kernel offers.

## What it finds
A pod whose containers have no seccomp profile, neither of their own nor from the pod, or one whose profile is
`Unconfined`; and for versions before 1.19 the annotations that said the same.

## Why it matters
A profile keeps programs from system calls that none of them needs and that faults of the kernel have been reached by.
Docker always had one, Kubernetes turned it off, and wants it said: `RuntimeDefault` is the profile of the runtime.

## How safe the fix is
`safe` where nothing is said yet: it is the profile under which Docker runs every image. `review` where somebody wrote
`Unconfined`, and where a container adds capabilities. It is left for what makes containers inside of its own, which
needs more system calls, and where all containers stay privileged: such a container has no profile whatever is written.

## References
Pod Security Standards, baseline and restricted: Seccomp; CIS Kubernetes 5.7.2; Kubernetes, Restrict a Container's
Syscalls with seccomp.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Safety, SetKey, Severity, YamlChange
from fixer.podusers import set_in_container, set_in_pod
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView, privileges
from fixer.understand.pods import Pod

CARD = Card(
    id="KS007",
    name="seccomp",
    title="A container may call everything that the kernel offers",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS restricted: Seccomp", "PSS baseline: Seccomp", "CIS Kubernetes 5.7.2"),
)
_PROFILE = ("seccompProfile",)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each pod without a profile, and one for each place that turns it off."""
    for pod in view.pods:
        missing: list[str] = []
        for path, violation in view.violations(pod, "seccompProfile_restricted", "seccompProfile_baseline"):
            member = view.member(pod, path)
            if "annotations" in path:
                yield _annotation(view, pod, path)
            elif (pod if member is None else member).context.get("seccompProfile") is not None:
                yield _unconfined(view, pod, path)
            elif member is not None and violation:
                missing.append(member.name)
        if missing:
            yield _missing(view, pod, missing)


def _missing(view: ManifestView, pod: Pod, names: list[str]) -> Finding:
    verb = "have" if len(names) > 1 else "has"
    message = f"{view.names[pod.key]}: {', '.join(names)} {verb} no seccomp profile"
    added = [member.name for member in pod.members if member.added]
    why = [privileges(view, pod, member) for member in pod.members if member.context.get("seccompProfile") is None]
    # a profile means nothing to a container that stays privileged, and one that makes others fails with it
    if why and (all(why) or any(one is not None and one.code == "needs-host" for one in why)):
        refusal = next(one for one in why if one is not None and (one.code == "needs-host" or all(why)))
        return view.finding(CARD, pod.at(pod.path), message, fix=refusal)
    safety, risk = Safety.SAFE, ""
    if added:
        safety, risk = Safety.REVIEW, f"{added[0]} adds capabilities, and may call what the profile forbids"
    changes: list[YamlChange]
    if pod.has_context:
        changes = [set_in_pod(pod, "type", "RuntimeDefault", _PROFILE)]
    else:
        lacking = [m for m in pod.members if m.context.get("seccompProfile") is None]
        changes = [set_in_container(pod, m, "type", "RuntimeDefault", _PROFILE) for m in lacking]
    fix = view.fix(pod, "seccompProfile: RuntimeDefault", safety, risk, changes)
    return view.finding(CARD, pod.at(pod.path), message, fix=fix)


def _unconfined(view: ManifestView, pod: Pod, path: tuple[str | int, ...]) -> Finding:
    member = view.member(pod, path)
    who = "the pod" if member is None else member.name
    message = f"{view.names[pod.key]}: {who} turns its seccomp profile off"
    change = SetKey(pod.document.index, path[:-1], "type", "RuntimeDefault")
    risk = "somebody turned it off; a program that needs unusual system calls fails now"
    fix = view.fix(pod, "seccompProfile: RuntimeDefault", Safety.REVIEW, risk, [change])
    return view.finding(CARD, pod.at(path), message, fix=fix)


def _annotation(view: ManifestView, pod: Pod, path: tuple[str | int, ...]) -> Finding:
    message = f"{view.names[pod.key]}: the annotation {path[-1]} turns a seccomp profile off"
    change = SetKey(pod.document.index, path[:-1], str(path[-1]), "runtime/default")
    risk = "somebody turned it off; a program that needs unusual system calls fails now"
    fix = view.fix(pod, "the profile of the runtime", Safety.REVIEW, risk, [change])
    return view.finding(CARD, pod.at(path), message, fix=fix)
