"""A container adds capabilities.

## What it finds
A container (init and ephemeral ones too) that adds capabilities which the level forbids: every one but
`NET_BIND_SERVICE`, in exactly that spelling, since Kubernetes 1.22, and every one outside of the default set before.

## Why it matters
Each capability is a part of what root may do: with `SYS_ADMIN` a process mounts the disks of the node, with
`SYS_PTRACE` and `NET_ADMIN` it reads and redirects what belongs to others.

## How safe the fix is
Kubernetes gives added capabilities to root alone: a process of another user has none of them, whatever the manifest
adds, unless it starts a program file that has them. So they go, as `review`, where the container is known not to be
root today. They stay where it is root or nobody knows, because then the program may use them: find out whether it does,
for a process that is not root does not have them either.

A capability that is allowed but written otherwise is replaced: `safe` for the letters, which mean the same, and
`review` for `CAP_`, since containerd takes no notice of it and gives the capability from now on.

## References
Pod Security Standards, baseline and restricted: Capabilities; CIS Kubernetes 5.2.8 and 5.2.9; Kubernetes, Configure a
Security Context; Linux, capabilities(7).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixer.model import EnsureItem, Finding, Goal, Refusal, RemoveItem, Safety, Severity, YamlChange
from fixer.pod_security.controls import ADDED_IN_BASELINE, ADDED_IN_RESTRICTED
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Member, Pod, capability
from fixer.understand.workloads import Path, mapping, sequence

CARD = Card(
    id="KS005",
    name="added-capabilities",
    title="A container adds capabilities",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=(
        "PSS restricted: Capabilities", "PSS baseline: Capabilities", "CIS Kubernetes 5.2.8", "CIS Kubernetes 5.2.9",
    ),
)  # fmt: skip
_ALLOWED = {"capabilities_baseline": ADDED_IN_BASELINE, "capabilities_restricted": ADDED_IN_RESTRICTED}


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for the forbidden capabilities of a container, and one for those that are only misspelt."""
    for pod in view.pods:
        for path, violation in view.violations(pod, *_ALLOWED):
            member = view.member(pod, path)
            if member is None or path[-1] != "add":
                continue
            allowed = _ALLOWED[violation.control]
            added = sequence(mapping(member.context.get("capabilities")).get("add"))
            odd = [one for one in added if not isinstance(one, str) or one not in allowed]
            misspelt = [one for one in odd if isinstance(one, str) and capability(one) in allowed]
            forbidden = [one for one in odd if one not in misspelt]
            if forbidden:
                yield _forbidden(view, pod, member, path, forbidden)
            if misspelt:
                yield _misspelt(view, pod, member, path, misspelt)


def _forbidden(view: ManifestView, pod: Pod, member: Member, path: Path, which: list[Any]) -> Finding:
    names = ", ".join(dict.fromkeys(map(str, which)))
    message = f"{view.names[pod.key]}: {member.name} adds {names}"
    if not view.not_root(pod, member, after=False):
        root = pod.user(member) == 0 or view.seat(pod, member).image.root
        who = f"{member.name} is root and has" if root else f"{member.name} may be root, and then it has"
        refusal = Refusal(
            "needs-capability",
            f"{who} {names}; a process that is not root does not: find out whether the program works without, then take"
            " it off root",
        )
        return view.finding(CARD, pod.at(path), message, fix=refusal)
    changes = [RemoveItem(pod.document.index, path, one) for one in which]
    risk = f"{member.name} is not root and has none of this, but a program file with {names} of its own loses it"
    fix = view.fix(pod, f"capabilities: do not add {names}", Safety.REVIEW, risk, changes)
    return view.finding(CARD, pod.at(path), message, fix=fix)


def _misspelt(view: ManifestView, pod: Pod, member: Member, path: Path, which: list[str]) -> Finding:
    words = list(dict.fromkeys(which))
    right = list(dict.fromkeys(map(capability, words)))
    message = f"{view.names[pod.key]}: {member.name} adds {', '.join(words)}, which is written {', '.join(right)}"
    changes: list[YamlChange] = [RemoveItem(pod.document.index, path, one) for one in words]
    changes += [EnsureItem(pod.document.index, path, one) for one in right]
    safety, risk = Safety.SAFE, ""
    if any(one.upper() not in right for one in words):
        safety, risk = Safety.REVIEW, "containerd takes no notice of names with CAP_, and gives the capability now"
    fix = view.fix(pod, f"capabilities: add {', '.join(right)}", safety, risk, changes)
    return view.finding(CARD, pod.at(path), message, fix=fix)
