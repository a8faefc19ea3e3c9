"""AppArmor is turned off.

## What it finds
A profile other than `RuntimeDefault` and `Localhost` in `appArmorProfile` of a pod or container, and an annotation
`container.apparmor.security.beta.kubernetes.io/...` that says the same: mostly `Unconfined`.

## Why it matters
Where a node has AppArmor, the profile of the runtime keeps containers from mounting, from tracing others, and from
writing into /proc and /sys. Turned off, root of the container is held back by capabilities alone.

## How safe the fix is
`review`: the setting goes, so that the runtime's own profile holds again. `RuntimeDefault` is not written in its place,
since it means the same where a node has AppArmor, and keeps the pod from starting where it has none. It is left where
something says that the container uses its node, such as mounts of it.

## References
Pod Security Standards, baseline: AppArmor; Kubernetes, Restrict a Container's Access to Resources with AppArmor.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, RemoveKey, Safety, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView, uses_host
from fixer.understand.pods import Pod
from fixer.understand.workloads import Path, mapping, value_at

CARD = Card(
    id="KS014",
    name="app-armor",
    title="AppArmor is turned off",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS baseline: AppArmor",),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each place."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "appArmorProfile"):
            if path[-2] == "annotations":
                yield _annotation(view, pod, path)
            else:
                yield _field(view, pod, path)


def _field(view: ManifestView, pod: Pod, path: Path) -> Finding:
    member = view.member(pod, path)
    who = "the pod" if member is None else member.name
    profile = value_at(pod.document.value, path[:-1])
    kind = mapping(profile).get("type") or "without a type"
    message = f"{view.names[pod.key]}: {who} has an AppArmor profile {kind}"
    if mapping(profile).get("localhostProfile"):
        why = "it names a profile of the node, which takes type: Localhost; write that, or drop localhostProfile"
        return view.finding(CARD, pod.at(path), message, fix=Refusal("other-shape", why))
    fix = uses_host(pod, member) or _without(view, pod, RemoveKey(pod.document.index, path[:-2], "appArmorProfile"))
    return view.finding(CARD, pod.at(path), message, fix=fix)


def _annotation(view: ManifestView, pod: Pod, path: Path) -> Finding:
    key = str(path[-1])
    message = f"{view.names[pod.key]}: the annotation {key} turns AppArmor off"
    name = key.partition("/")[2]
    member = next((one for one in pod.members if one.container.name == name), None)
    # An annotation alone goes with the key that holds it.
    alone = len(mapping(value_at(pod.document.value, path[:-1]))) == 1
    where, what = (path[:-2], "annotations") if alone else (path[:-1], key)
    fix = uses_host(pod, member) or _without(view, pod, RemoveKey(pod.document.index, where, what))
    return view.finding(CARD, pod.at(path), message, fix=fix)


def _without(view: ManifestView, pod: Pod, change: RemoveKey) -> Fix | Refusal:
    risk = "somebody turned it off; a program that mounts, traces others or writes to /sys fails where a node has it"
    return view.fix(pod, "the AppArmor profile of the runtime", Safety.REVIEW, risk, [change])
