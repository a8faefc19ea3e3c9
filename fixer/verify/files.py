"""What a container wrote, and where another user than root may not write."""

from __future__ import annotations

import io
import posixpath
import stat
import tarfile
from collections.abc import Collection, Iterable, Iterator

from fixer.evidence import Denied, Kind
from fixer.tuples import NamedTuple
from fixer.verify.api import Api, Owned, Refused, parents
from fixer.verify.said import tidy

BY_ROOT = "by what it wrote as root"
_CHANGED, _ADDED = 0, 1
_MOST_PATHS = 200
_MOST_ASKED = 40  # each of them is a few requests
_MOST_LINKS = 8
_MOST_VOLUME = 64 << 20  # bytes of a volume that are looked at
# What the engine itself puts into a container, and what programs leave out in silence when they may not write it.
_ENGINES = (
    "/.dockerenv",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/etc/mtab",
    "/dev",
    "/proc",
    "/sys",
    "/run/.containerenv",
)


# What Podman changes for a user whom the image does not know, and for what it mounts.
_PODMANS = frozenset({"/etc", "/run", "/etc/passwd", "/etc/group"})


class Who(NamedTuple):
    """Who a container runs as: its user, its group, and the groups beside it."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


def written(api: Api, container: str, mounts: Collection[str]) -> tuple[str, ...]:
    """The paths that a container changed or added in its own file system, each without the folders above it."""
    try:
        found = [path for kind, path in api.diff(container) if kind in (_CHANGED, _ADDED)]
    except Refused:
        return ()
    above = {folder for path in found for folder in parents(path)}
    around = {folder for mount in mounts for folder in (mount.rstrip("/"), *parents(mount))}
    around |= _PODMANS if api.kind == "podman" else set()
    leaves = [path for path in found if path not in above and path not in around and not _noise(path)]
    return tuple(sorted(leaves)[:_MOST_PATHS])


def _noise(path: str) -> bool:
    return "/__pycache__" in path or any(path == one or path.startswith(f"{one}/") for one in _ENGINES)


def in_volume(api: Api, container: str, target: str, since: float) -> tuple[str, ...]:
    """The paths of a volume that were written since then (seconds of the epoch); none where it is too large to look."""
    data = api.archive(container, target, _MOST_VOLUME)
    if data is None:
        return ()
    out: list[str] = []
    for entry in _entries(data):
        below = entry.name.partition("/")[2]
        if entry.mtime >= since and below.strip("/") and not entry.isdir():
            out.append(posixpath.join(target, below))
    return tuple(tidy(path) for path in sorted(out)[:_MOST_PATHS])


def _entries(data: bytes) -> Iterator[tarfile.TarInfo]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            yield from tar
    except (tarfile.TarError, ValueError, UnicodeError):
        return


def text(data: bytes) -> str:
    """The text of the file that a tar begins with; "" when that is none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            entry = tar.next()
            file = tar.extractfile(entry) if entry is not None and entry.isreg() else None
            return file.read().decode("utf-8", "replace") if file is not None else ""
    except tarfile.TarError:
        return ""


def behind_links(api: Api, container: str, path: str) -> str:
    """Where a path of a container leads."""
    for _ in range(_MOST_LINKS):
        try:
            found = api.owned(container, path)
        except Refused:
            return path
        if found is None or not found.link:
            return path
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), found.link))
    return path


def table(api: Api, container: str, path: str) -> list[list[str]]:
    """The rows of a file such as /etc/passwd, each cut at its colons; none where there is no such file."""
    data = api.archive(container, path, 1 << 20)
    return [line.split(":") for line in text(data or b"").splitlines()]


def set_uid(api: Api, container: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Those of some paths that run as their owner or group, whoever starts them."""
    out: list[str] = []
    for path in paths:
        try:
            found = api.owned(container, path)
        except Refused:
            continue
        if found and not found.folder and found.mode & (stat.S_ISUID | stat.S_ISGID):
            out.append(path)
    return tuple(out)


def closed(
    api: Api, container: str, paths: Iterable[str], who: Who, open_below: Collection[str] = (), read_only: bool = False
) -> tuple[Denied, ...]:
    """Which of the paths that the original wrote a container's user may not write.

    `open_below` are the mounts that it may write whatever the image says, `read_only` says that nothing else is open.
    """
    out: list[Denied] = []
    known: dict[str, Owned | None] = {}
    for path in list(paths)[:_MOST_ASKED]:
        if any(path == mount or path.startswith(f"{mount.rstrip('/')}/") for mount in open_below):
            continue
        if read_only or not _may_write(api, container, path, who, known):
            out.append(Denied(Kind.PATH, tidy(path), BY_ROOT))
    return tuple(out)


def _may_write(api: Api, container: str, path: str, who: Who, known: dict[str, Owned | None]) -> bool:
    if who.uid == 0:
        return True
    for number, one in enumerate((path, *parents(path))):
        if one not in known:
            try:
                known[one] = api.owned(container, one)
            except Refused:
                return True  # nobody can say
        found = known[one]
        if found is not None:
            wanted = 2 if number == 0 and not found.folder else 3
            return _allows(found, who, wanted)
    return True


def _allows(owned: Owned, who: Who, wanted: int) -> bool:
    """Whether the permission bits let somebody write a file (2), or add to a folder (3)."""
    if owned.uid == who.uid:
        bits = owned.mode >> 6
    elif owned.gid == who.gid or owned.gid in who.groups:
        bits = owned.mode >> 3
    else:
        bits = owned.mode
    return bits & wanted == wanted


def opened(name: str, group: int | None, mode: int | None) -> bytes:
    """A tar with one folder, as the kubelet makes it for a fresh volume."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.type = tarfile.DIRTYPE
        entry.gid = group or 0
        entry.mode = (0o755 if mode is None else mode) | (0o2070 if group is not None else 0)
        tar.addfile(entry)
    return out.getvalue()


def regrouped(data: bytes, group: int, name: str) -> bytes:
    """What a volume holds, given to a group as the kubelet does it for fsGroup, in a folder of a name.

    Raises:
        tarfile.TarError: when it is no tar.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as old, tarfile.open(fileobj=out, mode="w") as new:
        for entry in old:
            entry.name = posixpath.join(name, entry.name.partition("/")[2])
            entry.gid, entry.gname = group, ""
            if entry.isdir():
                entry.mode |= 0o2770
            elif entry.isreg():
                entry.mode |= 0o660
            new.addfile(entry, old.extractfile(entry) if entry.isreg() else None)
    return out.getvalue()
