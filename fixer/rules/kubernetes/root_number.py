"""A manifest asks for user 0.

## What it finds
`runAsUser: 0` in the security context of a pod or of a container.

## Why it matters
It makes the container root even where its image is somebody else, and with `runAsNonRoot` it keeps the pod from
starting. The restricted level forbids it since Kubernetes 1.23.

## How safe the fix is
The number of the user of the image takes the place of 0, or the setting goes from the pod where its containers run as
different users. It is always `review`: somebody asked for root here, and what was done as root may fail. It is left
where nobody knows a user of the image that works, and where the container visibly needs root (`chown`, added
capabilities, mounts of the node).

## References
Pod Security Standards, restricted: Running as Non-root user; NSA/CISA Kubernetes Hardening Guidance.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView, unprivileged
from fixer.understand.pods import Pod

CARD = Card(
    id="KS002",
    name="root-number",
    title="A manifest asks for user 0",
    severity=Severity.HIGH,
    standards=("PSS restricted: Running as Non-root user", "NSA/CISA: Non-root containers"),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each place that names user 0."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "runAsUser"):
            member = view.member(pod, path)
            plan = view.plan(pod)
            who = f"{view.names[pod.key]}: {'the pod' if member is None else member.name}"
            message = f"{who} asks for user {_asked(pod, path)}"
            stuck = [s for s in plan.stuck if member in (None, s.member)]
            if stuck:
                why = next((s for s in stuck if pod.user(s.member) == 0), stuck[0])
                yield view.finding(CARD, pod.at(path), message, fix=why.refusal, alternatives=unprivileged(why.image))
            else:
                fix = view.user_fix(pod, member, "run as the user of the image")
                yield view.finding(CARD, pod.at(path), message, fix=fix)


def _asked(pod: Pod, path: tuple[str | int, ...]) -> str:
    node = pod.document.find(path)
    return "0" if node is None else str(pod.document.value_of(node))
