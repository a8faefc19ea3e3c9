"""A probe asks another host than its pod.

## What it finds
A `host` in the `httpGet` or `tcpSocket` of a probe or a lifecycle handler, since Kubernetes 1.34.

## Why it matters
The kubelet asks from the network of the node. With a host of one's own choice it asks services for which the pod itself
has no way (the loopback of the node, the metadata service of a cloud), and tells by the state of the pod what it found.

## How safe the fix is
`review`: the host goes, and the kubelet asks the pod itself at the same port. It is left where that would ask somebody
else: a handler or probe of another host at a port that the container does not name, and a loopback address in a pod in
the network of its node, where the program may listen on that alone.

## References
Pod Security Standards, baseline: Host Probes and Lifecycle Hooks; Kubernetes, Configure Liveness, Readiness and Startup
Probes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixer.model import Finding, Fix, Goal, Refusal, RemoveKey, Safety, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Member, Pod
from fixer.understand.workloads import Path, mapping, place, sequence, value_at

CARD = Card(
    id="KS017",
    name="probe-host",
    title="A probe asks another host than its pod",
    severity=Severity.LOW,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS baseline: Host Probes and Lifecycle Hooks",),
)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "0.0.0.0", "::1", "[::1]"})


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each place."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "hostProbesAndHostLifecycle"):
            member = view.member(pod, path)
            if member is not None:
                yield _finding(view, pod, member, path)


def _finding(view: ManifestView, pod: Pod, member: Member, path: Path) -> Finding:
    call = mapping(value_at(pod.document.value, path[:-1]))
    host = str(call["host"])
    probe = place(path[len(member.path) : -2])
    node = ", which is the node" if host in _LOOPBACK else ""
    message = f"{view.names[pod.key]}: the {probe} of {member.name} asks {host}{node}"
    return view.finding(CARD, pod.at(path), message, fix=_fix(view, pod, member, path, call))


def _fix(view: ManifestView, pod: Pod, member: Member, path: Path, call: Any) -> Fix | Refusal:
    host, port = str(call["host"]), call.get("port")
    if host in _LOOPBACK:
        if pod.host_network:
            return Refusal(
                "needs-host",
                f"in the network of its node {member.name} may listen on {host} alone; let it listen on all addresses,"
                " then drop the host",
            )
        risk = "the kubelet asks the pod itself from now on; it asked the node, where the program does not listen"
    else:
        if port not in _ports(member):
            return Refusal(
                "takes-function",
                f"{member.name} names no port {port}, so that {host} seems to be somebody else; ask it with an exec"
                " probe, or ask the pod itself",
            )
        risk = f"the kubelet asks the pod itself from now on, and no longer {host}"
    change = RemoveKey(pod.document.index, path[:-1], "host")
    return view.fix(pod, "ask the pod itself", Safety.REVIEW, risk, [change])


def _ports(member: Member) -> list[Any]:
    """The ports that a container says it has, by number and by name."""
    rows = [mapping(row) for row in sequence(member.container.value.get("ports"))]
    return [row[key] for row in rows for key in ("containerPort", "name") if row.get(key) is not None]
