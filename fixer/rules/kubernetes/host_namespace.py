"""A pod shares namespaces of its node.

## What it finds
`hostNetwork`, `hostPID` or `hostIPC` in a pod spec, unless it is false.

## Why it matters
In the network of its node a pod reaches what listens on the loopback there and goes past network policies; among the
processes of its node it reads their environment and files; with its IPC it reads their shared memory.

## How safe the fix is
There is none: without the namespace the pod no longer does what it was made for, or listens elsewhere. What works on
the node itself (network plugins, node exporters, log collectors, debuggers) belongs into a namespace of its own with
the privileged level. A false value that Kubernetes does not take, such as a text, is yours to write.

## References
Pod Security Standards, baseline: Host Namespaces; CIS Kubernetes 5.2.3, 5.2.4 and 5.2.5; NSA/CISA Kubernetes Hardening
Guidance.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView

CARD = Card(
    id="KS008",
    name="host-namespace",
    title="A pod shares namespaces of its node",
    severity=Severity.HIGH,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=(
        "PSS baseline: Host Namespaces", "CIS Kubernetes 5.2.3", "CIS Kubernetes 5.2.4", "CIS Kubernetes 5.2.5",
    ),
)  # fmt: skip
# What is shared, who needs it, and what does for all others.
_SHARED = {
    "hostNetwork": (
        "the network",
        "network plugins and node exporters",
        "a Service of type LoadBalancer or NodePort takes its place",
    ),
    "hostPID": (
        "the processes",
        "node exporters and debuggers",
        "shareProcessNamespace lets the containers of a pod see one another",
    ),
    "hostIPC": (
        "the IPC",
        "programs that share memory with others on the node",
        "the containers of a pod share theirs anyway, and an emptyDir with medium: Memory gives them more",
    ),
}


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each namespace."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "hostNamespaces"):
            field = str(path[-1])
            what, who, instead = _SHARED[field]
            message = f"{view.names[pod.key]}: the pod shares {what} of its node ({field})"
            value = pod.spec.get(field)
            if value is True:
                refusal = Refusal(
                    "takes-function",
                    f"this is for {who}, which belong into a namespace of their own with the privileged level;"
                    f" for the rest {instead}",
                )
            else:
                why = f"{value!r} is neither true nor false, and Kubernetes refuses it; write {field}: false"
                refusal = Refusal("other-shape", why)
            yield view.finding(CARD, pod.at(path), message, fix=refusal)
