"""A container sees all of /proc.

## What it finds
`procMount` in the security context of a container (init and ephemeral ones too), unless it is `Default`.

## Why it matters
The runtime hides what /proc tells about the node and makes read-only what changes it. `Unmasked` takes that away: a
process that is root, or becomes it, writes `/proc/sysrq-trigger` or reads keys of the kernel.

## How safe the fix is
`review`: the setting goes, and with it what a program needs that makes containers inside of its own. It is left where
something says that the container uses its node, or makes containers; with a user namespace of its own
(`hostUsers: false`) such a container is allowed by the baseline level.

## References
Pod Security Standards, baseline and restricted: /proc Mount Type; Kubernetes API, SecurityContext.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, RemoveKey, Safety, Severity
from fixer.podusers import needs_host
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Member, Pod

CARD = Card(
    id="KS012",
    name="proc-mount",
    title="A container sees all of /proc",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS baseline: /proc Mount Type", "PSS restricted: /proc Mount Type"),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "procMount", "procMount_restricted"):
            member = view.member(pod, path)
            if member is not None:
                yield _finding(view, pod, member)


def _finding(view: ManifestView, pod: Pod, member: Member) -> Finding:
    value = member.context.get("procMount")
    message = f"{view.names[pod.key]}: {member.name} sees all of /proc (procMount: {value})"
    at = pod.at((*member.context_path, "procMount"))
    why = needs_host(pod, member)
    if why:
        refusal = Refusal(
            "needs-host", f"{why}, so that it may need this; find out, and give it a user namespace (hostUsers: false)"
        )
        return view.finding(CARD, at, message, fix=refusal)
    change = RemoveKey(pod.document.index, member.context_path, "procMount")
    risk = f"{member.name} no longer writes to /proc/sys, and makes no containers inside of its own"
    return view.finding(CARD, at, message, fix=view.fix(pod, "the default /proc", Safety.REVIEW, risk, [change]))
