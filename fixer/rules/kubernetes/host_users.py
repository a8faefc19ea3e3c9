"""A container has the users of its node.

## What it finds
A pod without `hostUsers: false`.

## Why it matters
Without users of its own, user 1000 of a container is user 1000 of the node, and root is root. With them, who gets out
of a container is nobody outside; several escapes of the last years did not work there.

## How safe the fix is
`review`: the nodes need Linux 6.3, a runtime that can do it (containerd 2.0, CRI-O 1.25) and Kubernetes 1.33, where it
is on by default (it is stable from 1.36 on), and the file systems of all volumes must support id-mapped mounts. It is
left where Kubernetes refuses it or something visibly needs the users of the node: host namespaces, folders and devices
of the node, NFS, privileged containers, numbers of users above 65535, and API versions and custom kinds that may not
know the field. The Pod Security Standards let root be in such a pod; this project still takes it off root.

## References
Kubernetes, User Namespaces; KEP-127; NSA/CISA Kubernetes Hardening Guidance.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.facts.workloads import POD_SPEC
from fixer.model import Finding, Goal, Refusal, Safety, Severity
from fixer.podusers import numbers, set_in_spec
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Pod
from fixer.understand.workloads import sequence

CARD = Card(
    id="KS024",
    name="host-users",
    title="A container has the users of its node",
    severity=Severity.LOW,
    goals=frozenset({Goal.HARDENED}),
    standards=("Kubernetes: User Namespaces",),
)
_KEY = "hostUsers"
_KNOWN_APIS = frozenset({"v1", "apps/v1", "batch/v1"})
_HIGHEST = 65535  # a pod with users of its own has as many
_NOT_MAPPED = ("hostPath", "nfs", "cephfs", "glusterfs")


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each pod."""
    for pod in view.pods:
        if pod.template.shape == POD_SPEC and not pod.windows and pod.spec.get(_KEY) is not False:
            yield _finding(view, pod)


def _finding(view: ManifestView, pod: Pod) -> Finding:
    message = f"{view.names[pod.key]}: its containers have the users of their node"
    at = pod.at((*pod.path, _KEY) if _KEY in pod.spec else pod.path)
    refusal = _against(view, pod)
    if refusal is not None:
        return view.finding(CARD, at, message, fix=refusal)
    risk = "the nodes need Kubernetes 1.33, Linux 6.3, and file systems of volumes that support id-mapped mounts"
    fix = view.fix(pod, f"{_KEY}: false", Safety.REVIEW, risk, [set_in_spec(pod, _KEY, False)])
    return view.finding(CARD, at, message, fix=fix)


def _against(view: ManifestView, pod: Pod) -> Refusal | None:
    """Why a pod cannot have users of its own."""
    if pod.template.api_version not in _KNOWN_APIS:
        kind = f"{pod.template.kind} of {pod.template.api_version}"
        return Refusal("other-api", f"{kind} may not know hostUsers; look whether it does, and set it by hand")
    if pod.spec.get(_KEY) is True:
        return Refusal("host-users", "somebody asked for the users of the node; find out what needs them")
    if pod.shared:
        why = f"Kubernetes refuses hostUsers: false together with {pod.shared[0]}; end that first"
        return Refusal("needs-host", why)
    for name, volume in pod.volumes.items():
        kind = next((kind for kind in _NOT_MAPPED if volume.get(kind) is not None), "")
        if kind:
            return Refusal("needs-host", f"volume {name} is a {kind}, whose files have the users of the node")
    for member in pod.members:
        if sequence(member.container.value.get("volumeDevices")):
            return Refusal("needs-host", f"Kubernetes refuses hostUsers: false with the device that {member.name} has")
        if member.context.get("privileged") is True:
            return Refusal("privileged", f"{member.name} is privileged; find out what it needs instead")
    high = next((n for n in _numbers(view, pod) if n > _HIGHEST), None)
    if high is not None:
        return Refusal("high-number", f"such a pod has {_HIGHEST + 1} users, and {high} is none of them")
    return None


def _numbers(view: ManifestView, pod: Pod) -> Iterator[int]:
    """All users and groups that the pod names or gets."""
    found = [pod.context.get("fsGroup"), *sequence(pod.context.get("supplementalGroups"))]
    for context in (pod.context, *(member.context for member in pod.members)):
        found += [context.get("runAsUser"), context.get("runAsGroup")]
    for seat in view.plan(pod).seats:
        found += numbers(pod, seat)
    yield from (n for n in found if isinstance(n, int))
