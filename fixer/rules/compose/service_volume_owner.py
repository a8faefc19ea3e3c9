"""A volume of a service of Compose may hold files of root that its new user cannot write.

## What it finds
A named volume, or a folder beside the Compose file, that a service may write which this run takes off root, in its
`user:` or in the Dockerfile of its image. Volumes that the image gives to the user of its program by itself, as those
of databases do, are no finding.

## Why it matters
A new volume gets the owner of the folder of the image that it is mounted on. One that is there already keeps what root
wrote, and a folder of the host belongs to whoever has made it: the program fails at its first write.

## How safe the fix is
No file can be changed for it: the volume is on a host. The command of the finding gives it to the new user, once, where
the service has run as root before. A volume that is new needs nothing where the fix of the Dockerfile gives the folder
away, which the finding says. A folder of the host is yours to decide about: one with the sources of the program,
which it only reads, needs nothing. Where services share a volume and end up as different users, the finding names the
others: what one of them writes, the other cannot change.

## References
Docker documentation, Volumes; `docker compose run --help`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import NO_PASSWD
from fixer.model import Finding, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView
from fixer.serviceusers import Seat, unowned
from fixer.understand.making import below
from fixer.understand.writable import writable

CARD = Card(
    id="CS013",
    name="service-volume-owner",
    title="A volume of a service of Compose may hold files of root that its new user cannot write",
    severity=Severity.INFO,
)


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each volume."""
    for service in view.whole:
        seat = view.seat(service)
        if not seat.moves or not seat.user:
            continue
        for mount in unowned(service, seat.image):
            at = service.document.span_at(mount.at)
            if mount.kind == "bind":
                message = f"{mount.source}, which service {service.name} mounts, may not belong to {seat.user}"
                refusal = Refusal("volume-owner", _folder(seat, mount.source))
            else:
                message = (
                    f"the volume {mount.source} of service {service.name} may hold files of root, not of {seat.user}"
                )
                refusal = Refusal("volume-owner", _shared(view, seat, mount.source) + _volume(seat, mount.target))
            yield view.finding(CARD, at, message, fix=refusal)


def _owner(seat: Seat) -> str:
    return seat.user if ":" in seat.user else f"{seat.user}:{seat.user}"


def _shared(view: ComposeView, seat: Seat, volume: str) -> str:
    """What to say of other services that may write a volume too, and run as somebody else; "" for none."""
    users = {
        f"service {other.name} as {view.seat(other).user}"
        for other in view.whole
        if _number(view.seat(other)) not in ("", _number(seat))
        and any(one.source == volume and one.kind == "volume" and not one.read_only for one in other.mounts)
    }
    if not users:
        return ""
    return (
        f"{', '.join(sorted(users))} may write it too, and what one user makes another cannot change: give them one"
        " number, with user: here or under [images] in fixer.toml; "
    )


def _number(seat: Seat) -> str:
    return seat.user.partition(":")[0]


def _folder(seat: Seat, source: str) -> str:
    own = 'user: "${UID:-1000}:${GID:-1000}"'
    return (
        f"if the program writes there, run it as the owner of {source}, as with {own}, or let {_owner(seat)} write it"
    )


def _volume(seat: Seat, target: str) -> str:
    # behind cap_drop the root of this one command would lack the two
    rights = "--cap-add CHOWN --cap-add DAC_OVERRIDE"
    run = f"docker compose run --rm --no-deps --user 0:0 {rights} --entrypoint chown {seat.service.name}"
    file = seat.image.path
    if _given(seat, target):
        return (
            f"the fix of {file} gives {target} to {_owner(seat)}, and with it a volume that is new; one that is there"
            f" already gets it once with '{run} -R {_owner(seat)} {target}'"
        )
    new = f"make {target} in {file} and give it to {_owner(seat)} there, or " if file else ""
    return (
        f"a volume that is new belongs to whom {target} belongs to in the image, and to root where it has no such"
        f" folder: {new}run once '{run} -R {_owner(seat)} {target}'"
    )


def _given(seat: Seat, target: str) -> bool:
    """Whether the fix that takes the Dockerfile of the image off root gives this folder to the new user."""
    made = seat.image.made
    if made is None or not made.moves or made.decision.image.family in NO_PASSWD:
        return False
    folders = writable(made.decision.running)
    return any(one.path == target or (one.recursive and below(target, one.path)) for one in folders)
