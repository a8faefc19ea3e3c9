"""Images whose services write one volume: what one user makes in it another cannot change, so that a new user gets the
number of those who are there already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from fixer.decide import FOREIGN, Asked, Decision
from fixer.imageusers import ImageUser
from fixer.serviceusers import Seat, owner, seat
from fixer.tuples import NamedTuple
from fixer.understand.compose import Service


class Writer(NamedTuple):
    """A service that may write a volume which others may write too, and that is not root.

    `dockerfile` makes its image with a new user whose number is free to choose; "" where `user`, its number and group,
    is fixed.
    """

    volume: tuple[str, int, str]
    service: str
    line: int
    dockerfile: str
    user: tuple[int, int | None]


def writers(path: str, services: Iterable[Service], find_user: Callable[[Service], ImageUser]) -> Iterator[Writer]:
    """The services of a file that may write a volume which another of them may write.

    Args:
        path: where the file is.
        services: all of it.
        find_user: tells who the image of a service runs as, with the numbers that new users get by themselves.
    """
    sharers: dict[tuple[int, str], list[Service]] = defaultdict(list)
    for service in services:
        for volume in sorted({one.source for one in service.mounts if one.kind == "volume" and not one.read_only}):
            sharers[service.document.index, volume].append(service)
    shared = {key: found for key, found in sharers.items() if key[1] and len(found) > 1}
    seats = {one.key: seat(one, find_user(one)) for found in shared.values() for one in found}
    for (document, volume), found in shared.items():
        for service in found:
            known = _writer(seats[service.key], (path, document, volume))
            if known is not None:
                yield known


def _writer(seat: Seat, volume: tuple[str, int, str]) -> Writer | None:
    """A service as a writer; None where it stays root, where nobody knows its number, and for an image of others."""
    service, made = seat.service, seat.image.made
    uid, gid = owner(seat)
    said = bool(seat.user) and seat.user == service.user
    if not seat.not_root or uid is None or (made is None and not said):
        return None
    line = service.document.line(service.at().start)
    dockerfile = "" if made is None or said else _chooses(made.path, made.decision)
    return Writer(volume, service.name, line, dockerfile, (uid, gid))


def _chooses(path: str, decision: Decision) -> str:
    """The Dockerfile in which the number of the user of an image is free to choose; "" where something says it."""
    while decision.shares_with == FOREIGN and decision.image.parent is not None:
        path, above = decision.image.parent.path, decision.image.parent.moves_to
        assert isinstance(above, Decision)
        decision = above
    return path if decision.identity is not None and decision.identity.source == "new" else ""


def agreed(found: Iterable[Writer]) -> dict[str, Asked]:
    """Whom the new users of Dockerfiles have to be, where all who write a volume with them agree on one number.

    Dockerfiles with new users that write one volume stay together: all of them change, or none.
    """
    by_volume: dict[tuple[str, int, str], list[Writer]] = defaultdict(list)
    for one in found:
        by_volume[one.volume].append(one)
    out: dict[str, Asked] = {}
    pending = {one.dockerfile for many in by_volume.values() for one in many} - {""}
    while pending:
        files = {min(pending)}
        together: list[Writer] = []
        while more := [many for many in by_volume.values() if many[0] not in together and _has(many, files)]:
            together += [one for many in more for one in many]
            files |= {one.dockerfile for one in together} - {""}
        pending -= files
        fixed = [one for one in together if not one.dockerfile]
        if _agree(fixed):
            out |= {file: _asked(fixed, {one.volume for one in together if one.dockerfile == file}) for file in files}
    return out


def _has(many: Iterable[Writer], files: set[str]) -> bool:
    return any(one.dockerfile in files for one in many)


def _agree(fixed: Iterable[Writer]) -> bool:
    """Whether some writers have one number, and no two groups."""
    return len({one.user[0] for one in fixed}) == 1 and len({one.user[1] for one in fixed} - {None}) <= 1


def _asked(fixed: Iterable[Writer], own: set[tuple[str, int, str]]) -> Asked:
    """The one number of all, with the place of the first that writes a volume of its `own`."""
    first = min(fixed, key=lambda one: (one.volume not in own, one.volume, one.line))
    group = next((one.user[1] for one in fixed if one.user[1] is not None), None)
    by = f"service {first.service}, which shares volume {first.volume[2]},"
    return Asked(first.user[0], group, f"{first.volume[0]}:{first.line}", by)
