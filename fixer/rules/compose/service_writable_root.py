"""A service of Compose may change the files of its image.

## What it finds
A service without `read_only: true`.

## Why it matters
Who breaks into a program likes to leave something behind: a changed program, a web shell, a tool. With a read-only root
file system there is no place for it but the volumes, and what the program writes is known.

## How safe the fix is
`review`: the setting comes with a `tmpfs` for `/tmp` and for every folder that the image is known to write: from facts
on the image, from the Dockerfile of this repository that makes it, or from `writable` of `[images."name"]` in
fixer.toml. It belongs to the user of the service (`uid=`, `gid=`), since a `tmpfs` is root's otherwise; and Docker lets
nothing be started from it (`noexec`). What a volume of the service or a VOLUME of the
image holds already stays writable, and is left as it is. It is left

- where nobody knows what the image writes: a program that cannot write its files mostly does not start;
- where the service starts another program than the image does, since what is known is about that of the image;
- where a folder that is written holds files of the image (below `/etc`, `/usr`, `/opt`, `/home`, `/app`), which an
  empty `tmpfs` would hide.

## References
CIS Docker 5.12 (5.13 in later editions); OWASP Docker Security Cheat Sheet, Rule 8; Compose Specification, services,
read_only and tmpfs.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath

from fixer.model import Finding, Fix, Goal, Refusal, Safety, Severity, YamlChange
from fixer.rules.base import Card
from fixer.rules.services import ComposeView
from fixer.rules.writes import TMP, Known, known_writes, real
from fixer.serviceusers import Seat, add_item, owner, set_key, tmpfs
from fixer.understand.compose import Service
from fixer.understand.making import below

CARD = Card(
    id="CS014",
    name="service-writable-root",
    title="A service of Compose may change the files of its image",
    severity=Severity.LOW,
    goals=frozenset({Goal.HARDENED}),
    standards=("CIS Docker 5.12", "OWASP Docker: Rule 8"),
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each service."""
    for service in view.whole:
        seat = view.seat(service)
        if not service.says("read_only"):
            message = f"service {service.name} may change the files of its image"
            yield view.finding(CARD, service.at("read_only"), message, fix=_fix(view, service, seat))


def _fix(view: ComposeView, service: Service, seat: Seat) -> Fix | Refusal:
    known = known_writes(seat.image, view.config, service.called, service.name, service.entry or None)
    if isinstance(known, Refusal):
        return known
    paths = _paths(service, seat, known)
    if isinstance(paths, Refusal):
        return paths
    if paths and isinstance(service.value.get("tmpfs"), str):
        return Refusal("other-shape", "tmpfs is one word here; make it a list, and run again")
    changes: list[YamlChange] = [set_key(service, "read_only", True)]
    options = _options(seat)
    if options is None and set(paths) - {TMP}:
        why = f"nobody knows the number of {seat.user or 'its user'}, which has to own a tmpfs; write it in user:"
        return Refusal("number-unknown", why, seat.image.reference)
    changes += [add_item(service, "tmpfs", path if path == TMP else f"{path}{options}") for path in paths]
    risk = f"somebody wrote read_only: false; {known.risk}" if "read_only" in service.value else known.risk
    if paths:
        risk += "; nothing that lies in a tmpfs can be started"
    folders = f", tmpfs: {', '.join(paths)}" if paths else ""
    return view.fix(service, f"read_only: true{folders}", Safety.REVIEW, risk, changes)


def _options(seat: Seat) -> str | None:
    """What makes a `tmpfs` belong to the user of a service: it has the mode of the folder of the image, but is root's.

    "" where the service is root, None where nobody knows its number.
    """
    if not seat.not_root:
        return ""
    uid, gid = owner(seat)
    if uid is None:
        return None
    return f":uid={uid}" if gid is None else f":uid={uid},gid={gid}"


def _paths(service: Service, seat: Seat, known: Known) -> tuple[str, ...] | Refusal:
    """The folders that need a `tmpfs`, or why it would do harm."""
    held = [mount.target for mount in service.mounts]
    held += [path for path, _ in tmpfs(service)]
    held += _volumes(seat)
    paths: list[str] = []
    for path in known.own:
        if any(below(real(path), real(one)) for one in (*held, *paths)):
            continue
        if known.hides(path):
            why = f"{service.called} writes {path}, which may hold files of the image; mount a volume there"
            return Refusal("image-folder", f"{why}, and set read_only: true by hand", seat.image.reference)
        paths.append(path)
    return tuple(paths)


def _volumes(seat: Seat) -> tuple[str, ...]:
    """The folders that an engine mounts a new volume on by itself, since the image says so."""
    made, facts = seat.image.made, seat.image.facts
    if made is not None:
        image = made.decision.running.image
        return tuple(normpath(path) for path in (*image.base_volumes, *(path for path, _ in image.volumes)))
    return tuple(map(normpath, facts.volumes)) if facts is not None else ()
