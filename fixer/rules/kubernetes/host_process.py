"""A container of Windows is a process of its node.

## What it finds
`hostProcess` in `windowsOptions` of a pod or container, unless it is false.

## Why it matters
Such a container has the network, the files and, as it says itself, the user of its node, up to the system account.

## How safe the fix is
There is none: it is made to work on the node, and does nothing without. It belongs into a namespace of its own with the
privileged level, with a `runAsUserName` that has few rights.

## References
Pod Security Standards, baseline: HostProcess; CIS Kubernetes 5.2.11; Kubernetes, Create a Windows HostProcess Pod.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView

CARD = Card(
    id="KS016",
    name="host-process",
    title="A container of Windows is a process of its node",
    severity=Severity.HIGH,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS baseline: HostProcess", "CIS Kubernetes 5.2.11"),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each place."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "windowsHostProcess"):
            member = view.member(pod, path)
            who = "the pod" if member is None else member.name
            message = f"{view.names[pod.key]}: {who} is a process of its node (hostProcess)"
            refusal = Refusal(
                "takes-function",
                "this is for what works on the node, which belongs into a namespace of its own with the privileged"
                " level; drop it, and hostNetwork with it, where the program needs no node",
            )
            yield view.finding(CARD, pod.at(path), message, fix=refusal)
