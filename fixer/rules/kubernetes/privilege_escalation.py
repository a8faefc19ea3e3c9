"""A container may gain rights that it did not start with.

## What it finds
A container (init and ephemeral ones too) without `allowPrivilegeEscalation: false`.

## Why it matters
A program that is not root can still become root through a set-uid file, `sudo`, or file capabilities. The setting turns
on `no_new_privs` in the kernel, which ends that for the container and all that it starts.

## How safe the fix is
`safe` where the image is known (facts, or a Dockerfile of this repository), `review` where it is not, since a program
that uses `sudo` or set-uid files loses that, where somebody allowed it, and where a program that is not root listens
below 1024, which its file may allow it. A program that starts as root and steps down with `setuid` is not hindered. It
is left where the container stays privileged: Kubernetes refuses the two together.

## References
Pod Security Standards, restricted: Privilege Escalation; CIS Kubernetes 5.2.6; Kubernetes API, SecurityContext; Linux,
`no_new_privs`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Refusal, Safety, Severity
from fixer.podusers import closed_ports, set_in_container
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView, privileges
from fixer.understand.pods import Member, Pod

CARD = Card(
    id="KS003",
    name="privilege-escalation",
    title="A container may gain rights that it did not start with",
    severity=Severity.MEDIUM,
    standards=("PSS restricted: Privilege Escalation", "CIS Kubernetes 5.2.6", "TRG 4.03"),
)
_KEY = "allowPrivilegeEscalation"


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container."""
    for pod in view.pods:
        for path, _ in view.violations(pod, _KEY):
            member = view.member(pod, path)
            if member is not None:
                yield _finding(view, pod, member)


def _finding(view: ManifestView, pod: Pod, member: Member) -> Finding:
    message = f"{view.names[pod.key]}: {member.name} may gain rights that it did not start with"
    at = pod.at((*member.context_path, _KEY) if _KEY in member.context else member.path)
    why = privileges(view, pod, member)
    if why is not None:
        return view.finding(CARD, at, message, fix=why)
    if "CAP_SYS_ADMIN" in member.added:
        refusal = Refusal(
            "needs-capability", f"{member.name} adds CAP_SYS_ADMIN, with which Kubernetes refuses this setting"
        )
        return view.finding(CARD, at, message, fix=refusal)
    seat = view.seat(pod, member)
    asked = member.context.get(_KEY) is True
    safety, risk = Safety.SAFE, ""
    low = closed_ports(pod, member, seat.image)
    if low and not seat.moves and view.not_root(pod, member):
        unbound = f"a program file that may bind port {low[0]} by itself may no longer do so"
        safety, risk = Safety.REVIEW, unbound
    elif asked:
        safety, risk = Safety.REVIEW, f"somebody allowed it for {member.name}; a program that uses sudo fails now"
    elif "SYS_ADMIN" in member.added:
        safety, risk = Safety.REVIEW, f"{member.name} adds SYS_ADMIN; a program that mounts by set-uid files fails now"
    elif not seat.image.familiar:
        safety, risk = Safety.REVIEW, "nobody knows the image; a program that uses sudo or set-uid files fails now"
    changes = [set_in_container(pod, member, _KEY, False)]
    if member.context.get("privileged") is True:
        # Kubernetes refuses the two together, so one cannot go without the other
        changes.append(set_in_container(pod, member, "privileged", False))
        safety, risk = Safety.REVIEW, f"{member.name} is no longer privileged"
    return view.finding(CARD, at, message, fix=view.fix(pod, f"{_KEY}: false", safety, risk, changes))
