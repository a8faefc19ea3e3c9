"""A pod changes settings of the kernel that are not safe.

## What it finds
An entry of `sysctls` in the security context of a pod that is not on the list of safe ones. The list grew with
Kubernetes 1.27, 1.29, 1.32 and 1.37.

## Why it matters
A setting that is not kept apart for each pod changes the node for everybody on it, and may take memory or time without
a limit. A node starts such a pod only where its kubelet allows that very setting.

## How safe the fix is
`review`: the entry goes, and the kernel keeps its default for the pod. Most programs are only slower then; a database
that asks for more shared memory than there is does not start. Where the setting is needed, it is set on the node by
those who run it.

## References
Pod Security Standards, baseline: Sysctls; Kubernetes, Using sysctls in a Kubernetes Cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, RemoveItem, Safety, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.workloads import mapping, value_at

CARD = Card(
    id="KS013",
    name="unsafe-sysctl",
    title="A pod changes settings of the kernel that are not safe",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS baseline: Sysctls",),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each entry."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "sysctls"):
            *into, last, _ = path
            row = value_at(pod.document.value, (*into, last))
            name = mapping(row).get("name", "")
            set_to = f"{name or 'without a name'} to {mapping(row).get('value')}"
            message = f"{view.names[pod.key]}: the pod sets the kernel's {set_to}, which is not safe"
            change = RemoveItem(pod.document.index, tuple(into), row)
            risk = f"the kernel keeps its default for {name}"
            fix = view.fix(pod, f"sysctls: without {name}", Safety.REVIEW, risk, [change])
            yield view.finding(CARD, pod.at(path), message, fix=fix)
