"""A container keeps capabilities that it does not need.

## What it finds
A container (init and ephemeral ones too) that does not drop `ALL`, in exactly that spelling.

## Why it matters
A runtime gives every container a dozen rights of root (to change owners, to send raw packets, to become anybody). A
process that is not root does not use them, but a file with capabilities or a fault that leads to root does.

## How safe the fix is
`safe` where it is dropped already and only written otherwise, and where the container is known not to run as root from
its start, by verified facts or a Dockerfile of this repository. `review` where it is moved off root by this run, and
then the two changes come together or not at all; where the evidence is not verified; and where it listens below 1024:
its program file may have NET_BIND_SERVICE of its own and does not start without it, so that this one is added, the one
that the restricted level allows. It is added too where the image is known for that, as Caddy's is.

It is never written for a container that stays root, and not where nobody knows who it runs as: what changes owners or
steps down from root needs capabilities. Take the root from it first. It is left too where the Dockerfile gives
capabilities to a program file (`setcap`). Capabilities that the container adds are another matter (added-capabilities).

## References
Pod Security Standards, restricted: Capabilities; CIS Kubernetes 5.2.9 and 5.2.10; NSA/CISA Kubernetes Hardening
Guidance; Linux, capabilities(7).
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.imageusers import gives_capabilities, program_capabilities
from fixer.model import EnsureItem, Finding, Goal, Refusal, Safety, Severity, YamlChange
from fixer.podusers import BEHIND_IMAGE, closed_ports, set_in_container
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView, privileges
from fixer.understand.pods import Member, Pod
from fixer.understand.workloads import mapping, sequence

CARD = Card(
    id="KS004",
    name="kept-capabilities",
    title="A container keeps capabilities that it does not need",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS restricted: Capabilities", "CIS Kubernetes 5.2.9", "CIS Kubernetes 5.2.10"),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container."""
    for pod in view.pods:
        for path, violation in view.violations(pod, "capabilities_restricted"):
            member = view.member(pod, path)
            if member is not None and path[-1] == "drop" and violation:
                yield _finding(view, pod, member)


def _finding(view: ManifestView, pod: Pod, member: Member) -> Finding:
    at = pod.at((*member.context_path, "capabilities") if "capabilities" in member.context else member.path)
    word = _misspelt(member)
    if word:
        # runtimes take it in any case, so that nothing changes for the program
        message = f"{view.names[pod.key]}: {member.name} drops {word}, which the restricted level wants written ALL"
        changes: list[YamlChange] = [set_in_container(pod, member, "drop", ["ALL"], ("capabilities",))]
        fix = view.fix(pod, "capabilities: drop ALL", Safety.SAFE, "", changes)
        return view.finding(CARD, at, message, fix=fix)
    message = f"{view.names[pod.key]}: {member.name} keeps capabilities that it does not need"
    why = privileges(view, pod, member) or _needed(view, pod, member)
    if why is not None:
        return view.finding(CARD, at, message, fix=why)
    safety, risk = _safety(view, pod, member)
    # Without its capabilities a program that starts as root and steps down fails: both go, or none.
    changes = [*_off_root(view, pod, member), _item(pod, member, "drop", "ALL")]
    title = "capabilities: drop ALL"
    for one in _kept(view, pod, member):
        changes.append(_item(pod, member, "add", one))
        title += f", add {one}"
    fix = view.fix(pod, title, safety, risk, changes)
    return view.finding(CARD, at, message, fix=fix)


def _kept(view: ManifestView, pod: Pod, member: Member) -> tuple[str, ...]:
    """What a program file has of its own, or may have: it does not start without it."""
    seat = view.seat(pod, member)
    low = not seat.moves and closed_ports(pod, member, seat.image)
    return program_capabilities(seat.image) or (("NET_BIND_SERVICE",) if low else ())


def _needed(view: ManifestView, pod: Pod, member: Member) -> Refusal | None:
    """Why a container fails without capabilities, or may fail."""
    seat = view.seat(pod, member)
    given = gives_capabilities(seat.image)
    if given:
        return Refusal("needs-capability", f"{given} gives a program file capabilities of its own; see which it needs")
    if view.not_root(pod, member) or seat.refusal is None or seat.refusal.code == "windows":
        return None
    if seat.refusal.code == "needs-root":
        return Refusal("needs-root", seat.refusal.message)
    image = seat.image
    if image.root is None and pod.user(member) is None:
        why = f"{member.name} may be root, which mostly needs some of them; find out who it runs as first"
        return Refusal("unknown-image", why, "" if image.path else member.image)
    if image.changes_user:
        # whether a command of the manifest does so as well, nobody knows: most call the same entrypoint
        why = f"{member.image} starts as root and changes its user by itself, for which it needs capabilities"
        return Refusal("steps-down", f"{why}; take the root from it first", member.image)
    why = f"{member.name} stays root, and what changes owners or users needs capabilities"
    return Refusal("needs-root", f"{why}; take the root from it first", member.image)


def _off_root(view: ManifestView, pod: Pod, member: Member) -> tuple[YamlChange, ...]:
    seat, plan = view.seat(pod, member), view.plan(pod)
    if not seat.moves:
        return ()
    return plan.whole or plan.each[next(n for n, one in enumerate(plan.seats) if one is seat)]


def _safety(view: ManifestView, pod: Pod, member: Member) -> tuple[Safety, str]:
    seat = view.seat(pod, member)
    if seat.moves:
        return Safety.REVIEW, f"{member.name} was root, and what it did as root fails now"
    if not seat.image.certain:
        who = "verified" if seat.image.familiar else "knows"
        return Safety.REVIEW, f"nobody {who} the image; a program file with capabilities of its own does not start"
    if closed_ports(pod, member, seat.image):
        return Safety.REVIEW, f"{member.name} binds a port below 1024, with capabilities that nobody knows"
    return Safety.SAFE, ""


def _misspelt(member: Member) -> str:
    """The word ALL as a container that drops it writes it, where it does so otherwise; "" for none."""
    dropped = sequence(mapping(member.context.get("capabilities")).get("drop"))
    return next((one for one in dropped if isinstance(one, str) and one.upper() == "ALL"), "")


def _item(pod: Pod, member: Member, key: str, value: str) -> EnsureItem:
    return EnsureItem(pod.document.index, (*member.context_path, "capabilities", key), value, BEHIND_IMAGE)
