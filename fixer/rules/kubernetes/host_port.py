"""A container takes a port of its node.

## What it finds
A port with a `hostPort` other than 0, in any container; and every port of a pod in the network of its node, since each
is a port of the node there.

## Why it matters
Whoever reaches the node reaches the port, past Services and in most networks past network policies. One pod of the kind
fits on each node, and two of them fight for the port.

## How safe the fix is
There is none: what calls the node at that port calls nobody then. A Service of type NodePort or LoadBalancer takes its
place, and an Ingress for HTTP. In the network of the node the port goes when the pod leaves that (host-namespace).

## References
Pod Security Standards, baseline: Host Ports; CIS Kubernetes 5.2.13; Kubernetes, Configuration Best Practices.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.workloads import mapping, value_at, word

CARD = Card(
    id="KS011",
    name="host-port",
    title="A container takes a port of its node",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS baseline: Host Ports", "CIS Kubernetes 5.2.13"),
)
_SHARED = "in the network of its node (hostNetwork) every port is one of the node; it goes with that (host-namespace)"
_SERVICE = (
    "who calls the node at this port calls nobody then; a Service of type NodePort or LoadBalancer takes its place"
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each port."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "hostPorts"):
            member = view.member(pod, path)
            if member is None:
                continue
            row = mapping(value_at(pod.document.value, path[:-1]))
            protocol = word(row.get("protocol"))
            port = f"{row.get('hostPort') or row.get('containerPort')}{f'/{protocol}' if protocol else ''}"
            message = f"{view.names[pod.key]}: {member.name} takes port {port} of its node"
            refusal = Refusal("takes-function", _SHARED if pod.host_network else _SERVICE)
            yield view.finding(CARD, pod.at(path), message, fix=refusal)
