"""A container is privileged.

## What it finds
`privileged: true` in the security context of a container (init and ephemeral ones too).

## Why it matters
A privileged container has all capabilities and all devices of its node, and no profile holds it back: its root is the
root of the node.

## How safe the fix is
`review`: the setting becomes false where nothing says that the container uses the node. A program that loads modules,
mounts, or opens devices fails then. It is left where something says so (namespaces and folders of the node, devices,
commands such as `mount` and `nsenter`, images that make containers), and where nobody knows the image. Such a container
belongs into a namespace of its own, with what it needs instead of everything: single capabilities, a device plugin,
read-only mounts.

## References
Pod Security Standards, baseline: Privileged Containers; CIS Kubernetes 5.2.2; NSA/CISA Kubernetes Hardening Guidance,
Pod security enforcement.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, Safety, Severity
from fixer.podusers import set_in_container
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView, privileges
from fixer.understand.pods import Member, Pod

CARD = Card(
    id="KS006",
    name="privileged",
    title="A container is privileged",
    severity=Severity.HIGH,
    goals=frozenset({Goal.NONROOT, Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS baseline: Privileged Containers", "CIS Kubernetes 5.2.2", "NSA/CISA: Privileged containers"),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "privileged"):
            member = view.member(pod, path)
            if member is not None:
                message = f"{view.names[pod.key]}: {member.name} is privileged"
                yield view.finding(CARD, pod.at(path), message, fix=_fix(view, pod, member))


def _fix(view: ManifestView, pod: Pod, member: Member) -> Fix | Refusal:
    value = member.context.get("privileged")
    if value is not True:
        return Refusal("other-shape", f"{value!r} is neither true nor false, and Kubernetes refuses it; write false")
    why = privileges(view, pod, member)
    if why is not None:
        return why
    risk = f"{member.name} loses all capabilities but the default ones, and the devices of its node"
    changes = [set_in_container(pod, member, "privileged", False)]
    return view.fix(pod, "privileged: false", Safety.REVIEW, risk, changes)
