"""What a run leaves with the engine and on the disk bears its mark, and is removed by itself, or by the next run.

The mark says which process made a thing. A run that was killed cannot tidy up; the next one finds the marks of
processes that are no more.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from fixer.tuples import NamedTuple
from fixer.verify.api import Api, Refused

RUN = "io.github.nonroot-fixer.run"
OWNER = "io.github.nonroot-fixer.owner"
_FOLDER = "fixer-verify-"
_STATE = "builds.json"
_MOST_STATE = 1 << 20
_LARGE = 1 << 20  # bytes of a record of the cache
_TIDY = 10.0  # seconds for all of them
_SLACK = 2.0  # seconds by which the clocks of the engine and of this machine may differ


class Window(NamedTuple):
    """A build: when it began and ended (seconds of the epoch), and the names of its steps."""

    begin: float
    end: float
    steps: tuple[str, ...]


class Mark:
    """The mark of one run: its labels, its temporary folder, and the builds that it has made.

    With `keep`, what it makes is nobody's to remove but a person's.
    """

    def __init__(self, keep: bool = False) -> None:
        self.run = uuid.uuid4().hex[:12]
        self.keep = keep
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-{_started(os.getpid())}-{_numbering()}-"))
        self.windows: list[Window] = []
        owner = {} if keep else {OWNER: _owner()}
        self.labels: Mapping[str, str] = {RUN: self.run, **owner}

    def built(self, window: Window) -> None:
        """Remember a build, also for the run after this one."""
        self.windows.append(window)
        (self.folder / _STATE).write_text(json.dumps(self.windows), encoding="utf-8")


def remove_all(api: Api, mark: Mark, spared: Collection[str] = ()) -> None:
    """Remove what bears the mark of a run, except the records of the cache, and images with the ids of `spared`."""
    label = f"{RUN}={mark.run}"
    _containers(api, api.containers(label))
    _volumes(api, api.volumes(label))
    _images(api, (item for item in api.images(label) if item.get("Id") not in spared))


def close(api: Api, mark: Mark) -> None:
    """Remove all that a run has left: also its temporary folder, and what its builds added to the cache."""
    try:
        if not mark.keep:
            remove_all(api, mark)
            _forget(api, mark.windows)
    finally:
        shutil.rmtree(mark.folder, ignore_errors=True)


def sweep(api: Api) -> int:
    """Remove what runs have left that were killed on this machine; how many things those were."""
    containers = [item for item in api.containers(OWNER) if _left(item.get("Labels"))]
    volumes = [item for item in api.volumes(OWNER) if _left(item.get("Labels"))]
    images = [item for item in api.images(OWNER) if _left(item.get("Labels"))]
    _containers(api, containers)
    _volumes(api, volumes)
    _images(api, images)
    folders = [path for path in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*") if _abandoned(path)]
    for folder in folders:
        _forget(api, _state(folder))
        shutil.rmtree(folder, ignore_errors=True)
    return len(containers) + len(volumes) + len(images) + len(folders)


def _containers(api: Api, found: Iterable[Mapping[str, Any]]) -> None:
    for item in found:
        with contextlib.suppress(Refused):
            api.remove_container(str(item["Id"]))


def _volumes(api: Api, found: Iterable[Mapping[str, Any]]) -> None:
    for item in found:
        with contextlib.suppress(Refused):
            api.remove_volume(str(item["Name"]))


def _images(api: Api, found: Iterable[Mapping[str, Any]]) -> None:
    for item in found:
        with contextlib.suppress(Refused):
            api.remove_image(str(item["Id"]))


def _forget(api: Api, windows: Iterable[Window]) -> None:
    """Remove what is large of that which builds have added to the cache.

    Its records bear no labels: one is ours when it was made while we built, and is one of our steps or a context that
    was sent (whose address is never asked for again). An engine forgets one record at a time, and looks at all of them
    for each: small ones are left to it.
    """
    known = list(windows)
    if not known:
        return
    with contextlib.suppress(Refused):
        ours = [item for item in api.cache() if any(_made(item, one) for one in known)]
        large = [item for item in ours if int(item.get("Size") or 0) >= _LARGE and not item.get("InUse")]
        end = time.monotonic() + _TIDY
        for item in sorted(large, key=lambda item: int(item["Size"]), reverse=True):
            if time.monotonic() > end:
                return
            with contextlib.suppress(Refused):
                api.forget(str(item["ID"]))


def _made(record: Mapping[str, Any], window: Window) -> bool:
    told = str(record.get("Description", ""))
    created = _epoch(str(record.get("CreatedAt", "")))
    if not window.begin - _SLACK <= created <= window.end + _SLACK:
        return False
    if told.startswith("http url http://build-context-"):
        return True
    if told == "fileop target":  # a COPY of anybody: one that nobody has used since
        return _epoch(str(record.get("LastUsedAt") or "")) <= window.end + _SLACK
    _, found, command = told.partition(" from exec ")
    words = " ".join(command.split())
    return bool(found) and any(_command(step) and words.endswith(_command(step)) for step in window.steps)


def _command(step: str) -> str:
    """What a step runs, as its name tells (`[2/3] RUN make`)."""
    return " ".join(step.partition("] RUN ")[2].split())


def _epoch(text: str) -> float:
    """An RFC 3339 time of an engine, as seconds of the epoch; 0 for what is none."""
    from datetime import UTC, datetime

    try:
        return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _owner() -> str:
    return "/".join((*_here(), str(os.getpid()), _started(os.getpid())))


def _here() -> tuple[str, str, str]:
    """The machine, its start, and the numbering of its processes: what a process id belongs to."""
    import platform

    return platform.node().replace("/", "-"), _text(Path("/proc/sys/kernel/random/boot_id")), _numbering()


def _numbering() -> str:
    try:
        return "".join(char for char in os.readlink("/proc/self/ns/pid") if char.isdigit())
    except OSError:
        return "0"


def _left(labels: Any) -> bool:
    """Whether the process that made a thing ran on this machine and runs no more."""
    owner = str((labels or {}).get(OWNER, "")).split("/")
    if len(owner) != 5 or not owner[3].isdigit():
        return False
    host, boot, numbering = _here()
    if owner[0] != host or owner[2] != numbering:
        return False
    return owner[1] != boot or not _alive(int(owner[3]), owner[4])


def _alive(pid: int, started: str) -> bool:
    found = _started(pid)
    return bool(found) and found == started


def _started(pid: int) -> str:
    """When a process started, in the words of this system; "" when there is none."""
    line = _text(Path(f"/proc/{pid}/stat"))
    if line:
        fields = line.rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]  # a zombie does nothing any more
    if Path("/proc/self/stat").exists():
        return ""
    return _started_elsewhere(pid)


def _started_elsewhere(pid: int) -> str:
    """For systems without /proc."""
    import subprocess

    try:
        done = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return "".join(char for char in done.stdout if char.isalnum())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _abandoned(folder: Path) -> bool:
    """Whether a temporary folder is of this user and its run is no more."""
    words = folder.name.removeprefix(_FOLDER).split("-")
    try:
        found = folder.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or len(words) < 4 or not words[0].isdigit():
        return False
    return words[2] == _numbering() and not _alive(int(words[0]), words[1])


def _state(folder: Path) -> list[Window]:
    path = folder / _STATE
    try:
        if path.stat().st_size > _MOST_STATE:
            return []
        found = json.loads(path.read_text(encoding="utf-8"))
        return [Window(float(begin), float(end), tuple(map(str, steps))) for begin, end, steps in found]
    except (OSError, ValueError, TypeError):
        return []
