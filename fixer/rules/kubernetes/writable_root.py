"""A container may change the files of its image.

## What it finds
A container (init and ephemeral ones too) without `readOnlyRootFilesystem: true`.

## Why it matters
Who breaks into a program likes to leave something behind: a changed program, a web shell, a tool. With a read-only root
file system there is no place for it but the volumes, and what the program writes is known.

## How safe the fix is
`review`: the setting comes with an `emptyDir` for `/tmp` and for every folder that the image is known to write: from
facts on the image, from the Dockerfile of this repository that makes it, or from `writable` of `[images."name"]` in
fixer.toml. What a volume of the pod holds already is left as it is. `safe` where the command in the manifest does
nothing but print, ask others, and wait a while. It is left

- where nobody knows what the image writes: a program that cannot write its files mostly does not start;
- where the manifest starts another program than the image does, since what is known is about that of the image;
- where a folder that is written holds files of the image (below `/etc`, `/usr`, `/opt`, `/home`, `/app`), which an
  empty volume would hide;
- for the data of PostgreSQL up to 17, which must belong to its user, as an `emptyDir` does not.

## References
CIS Kubernetes 5.7.3; NSA/CISA Kubernetes Hardening Guidance, Immutable container file systems; trivy KSV-0014; checkov
CKV_K8S_22.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath

from fixer.imageusers import ImageUser
from fixer.model import EnsureItem, Finding, Goal, Refusal, Safety, Severity, YamlChange
from fixer.podusers import OWNED_FOLDER, Seat, owns_elsewhere, script_of, set_in_container
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.rules.writes import TMP, Known, known_writes, real
from fixer.syntax.shell import Script
from fixer.tuples import NamedTuple
from fixer.understand.harmless import harmless
from fixer.understand.making import below
from fixer.understand.pods import Member, Pod
from fixer.understand.workloads import WHOLE_SHAPES, Path

CARD = Card(
    id="KS023",
    name="writable-root",
    title="A container may change the files of its image",
    severity=Severity.LOW,
    goals=frozenset({Goal.HARDENED}),
    standards=("CIS Kubernetes 5.7.3", "NSA/CISA: Immutable container file systems"),
)
_KEY = "readOnlyRootFilesystem"


class _Writes(NamedTuple):
    """The folders that a container writes, and what a person should look at; "" where that is certain."""

    paths: tuple[str, ...]
    risk: str


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container."""
    for pod in view.pods:
        if pod.windows:
            continue
        seats = [s for s in view.plan(pod).seats if s.member.context.get(_KEY) is not True and not _windows(s)]
        if seats:
            found = [_writes(view, pod, seat) for seat in seats]
            names = _volume_names(pod, seats, found)
            for seat, writes in zip(seats, found, strict=True):
                yield _finding(view, pod, seat, writes, names)


def _windows(seat: Seat) -> bool:
    return seat.refusal is not None and seat.refusal.code == "windows"


def _finding(
    view: ManifestView, pod: Pod, seat: Seat, writes: _Writes | Refusal, names: dict[tuple[str, Path], str]
) -> Finding:
    member = seat.member
    message = f"{view.names[pod.key]}: {member.name} may change the files of its image"
    at = pod.at((*member.context_path, _KEY) if _KEY in member.context else member.path)
    if isinstance(writes, Refusal):
        return view.finding(CARD, at, message, fix=writes)
    if writes.paths and pod.template.shape not in WHOLE_SHAPES:
        why = (
            f"an operator makes the pods of this {pod.template.kind}; add volumes for {', '.join(writes.paths)} by hand"
        )
        return view.finding(CARD, at, message, fix=Refusal("operator", f"{why}, and {_KEY}"))
    changes: list[YamlChange] = [set_in_container(pod, member, _KEY, True)]
    for path in writes.paths:
        name = names[path, member.path]
        volume = {"name": name, "emptyDir": {}}
        behind = ("initContainers", "containers")
        changes.append(EnsureItem(pod.document.index, (*pod.path, "volumes"), volume, behind))
        mount = {"name": name, "mountPath": path}
        changes.append(EnsureItem(pod.document.index, (*member.path, "volumeMounts"), mount))
    risk = writes.risk
    if member.context.get(_KEY) is False:
        risk = "; ".join(one for one in (f"somebody wrote {_KEY}: false for {member.name}", risk) if one)
    folders = f", with volumes for {', '.join(writes.paths)}" if writes.paths else ""
    fix = view.fix(pod, f"{_KEY}: true{folders}", Safety.REVIEW if risk else Safety.SAFE, risk, changes)
    return view.finding(CARD, at, message, fix=fix)


# --- what is written ------------------------------------------------------------------------------------------------


def _writes(view: ManifestView, pod: Pod, seat: Seat) -> _Writes | Refusal:
    """The folders that need a volume of their own, or why nobody can say."""
    member, image = seat.member, seat.image
    known = _known(view, pod, member, image)
    if isinstance(known, Refusal):
        return known
    paths: list[str] = []
    for path in known.own:
        if _covered(pod, member, path):
            continue
        if path == OWNED_FOLDER and not owns_elsewhere(member):
            why = f"{member.name} must own {path}; set PGDATA to a folder below it, and mount a volume there"
            return Refusal("owned-folder", why, image.reference)
        if known.hides(path):
            why = (
                f"{member.image} writes {path}, which may hold files of the image; let an init container copy them to "
                f"an emptyDir, mount that there, and set {_KEY} by hand"
            )
            return Refusal("image-folder", why, image.reference)
        # two names of one folder
        if not any(real(path) == real(other) for other in paths):
            paths.append(path)
    return _Writes(tuple(paths), known.risk)


def _known(view: ManifestView, pod: Pod, member: Member, image: ImageUser) -> Known | Refusal:
    """What a container writes, which of it is made to be a volume, and what to look at; or why nobody can say."""
    command = bool(member.container.value.get("command"))
    if command and not member.container.value.get("lifecycle"):
        script = script_of(member)
        if harmless(script, (TMP, *_mounted(pod, member))):
            risk = f"who works in a shell of {member.name} can write nothing but its volumes"
            return Known((), frozenset(), risk if _waits(script) else "")
    return known_writes(image, view.config, member.image, member.name, member.words if command else None)


def _waits(script: Script) -> bool:
    """Whether a container seems to wait for somebody who works in it."""
    for command in script.commands:
        if command.name in ("tail", "true", ":", "pause", "cat"):
            return True
        if command.name == "sleep" and not re.fullmatch(r"\d{1,3}s?", command.words[-1].text):
            return True
    return False


def _covered(pod: Pod, member: Member, path: str) -> bool:
    """Whether a volume holds this folder already."""
    return any(below(real(path), real(one)) for one in _mounted(pod, member))


def _mounted(pod: Pod, member: Member) -> tuple[str, ...]:
    places = [mount.get("mountPath") for mount, _ in pod.mounts(member)]
    return tuple(normpath(one) for one in places if isinstance(one, str))


# --- names of volumes -----------------------------------------------------------------------------------------------


def _volume_names(pod: Pod, seats: list[Seat], found: list[_Writes | Refusal]) -> dict[tuple[str, Path], str]:
    """A new name for each folder of each container: what was not shared before must not be shared now."""
    taken = set(pod.volumes)
    taken.update(str(mount.get("name")) for member in pod.members for mount, _ in pod.mounts(member))
    names: dict[tuple[str, Path], str] = {}
    for seat, writes in zip(seats, found, strict=True):
        for path in writes.paths if isinstance(writes, _Writes) else ():
            name = _free(path, seat.member.container.name, taken)
            names[path, seat.member.path] = name
            taken.add(name)
    return names


def _free(path: str, container: str, taken: set[str]) -> str:
    """A name that Kubernetes takes and that no volume has."""
    plain = _label(path)
    tries = [plain, _label(f"{container}-{plain}"), *(_label(f"{plain[:50]}-{n}") for n in range(2, len(taken) + 4))]
    return next(name for name in tries if name not in taken)


def _label(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-") or "data"
