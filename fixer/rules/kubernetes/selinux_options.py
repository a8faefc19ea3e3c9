"""A pod asks for an SELinux label of its own.

## What it finds
`user` or `role` in `seLinuxOptions` of a pod or container, and a `type` other than those that are made for containers
(`container_t`, `container_init_t`, `container_kvm_t`, and `container_engine_t` since Kubernetes 1.31).

## Why it matters
On nodes with SELinux the label decides what a process may touch, whoever it runs as. `spc_t` may touch everything.

## How safe the fix is
`review`: what is forbidden goes, `level` stays, and the runtime gives its usual label. On nodes without SELinux nothing
changes. It is left where something says that the container uses its node: files of the node are closed to the usual
label.

## References
Pod Security Standards, baseline: SELinux; Kubernetes, Configure a Security Context.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, RemoveKey, Safety, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView, uses_host
from fixer.understand.pods import Pod
from fixer.understand.workloads import Path, mapping, value_at

CARD = Card(
    id="KS015",
    name="selinux-options",
    title="A pod asks for an SELinux label of its own",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS baseline: SELinux",),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each label."""
    for pod in view.pods:
        labels: dict[Path, list[str]] = {}
        for path, _ in view.violations(pod, "seLinuxOptions"):
            labels.setdefault(path[:-1], []).append(str(path[-1]))
        for path, fields in labels.items():
            yield _finding(view, pod, path, fields)


def _finding(view: ManifestView, pod: Pod, path: Path, fields: list[str]) -> Finding:
    member = view.member(pod, path)
    options = mapping(value_at(pod.document.value, path))
    label = " and ".join(f"{field} {options[field]}" for field in fields)
    who = "the pod" if member is None else member.name
    message = f"{view.names[pod.key]}: {who} asks for the SELinux {label}"
    if set(options) <= set(fields):
        changes = [RemoveKey(pod.document.index, path[:-1], "seLinuxOptions")]
    else:
        changes = [RemoveKey(pod.document.index, path, field) for field in fields]
    risk = f"on nodes with SELinux a program fails that touches what only {label} may"
    fix = uses_host(pod, member) or view.fix(pod, f"without SELinux {label}", Safety.REVIEW, risk, changes)
    return view.finding(CARD, pod.at(path), message, fix=fix)
