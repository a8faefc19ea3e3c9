"""Folders that a process must be able to write, each with the reason that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fixer.syntax.dockerfile import Instruction
from fixer.understand.image import Image
from fixer.understand.process import Running
from fixer.understand.shellroot import absolute
from fixer.understand.stages import Stage

# Handing one of these over gives away more than the application needs.
SYSTEM = frozenset(
    "/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /media /mnt /opt /proc /root /sbin /srv /sys"
    " /usr /usr/bin /usr/include /usr/lib /usr/lib64 /usr/libexec /usr/local /usr/local/bin /usr/local/etc"
    " /usr/local/lib /usr/local/sbin /usr/local/share /usr/local/src /usr/sbin /usr/share /usr/src /var"
    " /var/cache /var/lib /var/log /var/spool /go /go/src /go/bin".split()
)
_OPEN_TO_ALL = ("/tmp", "/var/tmp", "/dev/shm", "/dev", "/proc", "/sys")
# Files that are closed for a reason and that no application reads.
_STAYS_ROOT = ("/root", "/etc/sudoers", "/etc/sudoers.d", "/etc/shadow", "/etc/ssl/private", "/etc/ssh")
# A folder made here is code, configuration or a step of the build, not data.
_NOT_DATA = (
    "/etc",
    "/usr",
    "/opt",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/root",
    "/build",
    "/src",
    "/go",
    "/boot",
    "/gopath",
)


@dataclass(frozen=True, slots=True)
class Writable:
    """A folder, why it must be writable, whether all below it goes along, and whether it surely exists."""

    path: str
    why: str
    recursive: bool
    exists: bool
    item: Instruction | None = None


def below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def writable(running: Running, extra: tuple[str, ...] = (), workdir: bool = True) -> tuple[Writable, ...]:
    """The folders that the process of an image writes, parents before children, none twice.

    Args:
        running: the process and its image.
        extra: paths that the configuration adds.
        workdir: whether the working directory counts (`ownership = "app"`).
    """
    found: dict[str, Writable] = {}
    for one in _all(running, extra, workdir):
        if any(below(one.path, free) for free in _OPEN_TO_ALL):
            continue
        old = found.get(one.path)
        if old is None or (one.recursive and not old.recursive):
            found[one.path] = (
                one if old is None else Writable(one.path, old.why, True, old.exists or one.exists, old.item)
            )
    kept = sorted(found.values(), key=lambda w: w.path)
    return tuple(w for w in kept if not any(o.recursive and o is not w and below(w.path, o.path) for o in kept))


def _all(running: Running, extra: tuple[str, ...], workdir: bool) -> Iterator[Writable]:
    image = running.image
    made = dict(_made(image))
    if workdir:
        yield from _workdir(image)
    for path, item in image.volumes:
        if path not in SYSTEM:
            yield Writable(path, f"line {item.line}: VOLUME", True, path in made, item)
    for path, item in made.items():
        if _is_data(path, image.workdir):
            yield Writable(path, f"line {item.line}: the build makes this folder", True, True, item)
    yield from _known(running)
    yield from _closed(image)
    for path in extra:
        yield Writable(path, "named in fixer.toml", True, path in made)


def _workdir(image: Image) -> Iterator[Writable]:
    here = image.workdir
    if not here or here in SYSTEM or not image.stage.sets_workdir or below(here, "/root"):
        return
    item = next(i for stage in reversed(image.stage.chain) for i in reversed(stage.body) if i.keyword == "WORKDIR")
    yield Writable(here, f"line {item.line}: WORKDIR", False, True, item)


def _made(image: Image) -> Iterator[tuple[str, Instruction]]:
    """Folders that RUN makes with mkdir and that a later step does not remove."""
    gone: set[str] = set()
    out: list[tuple[str, Instruction]] = []
    for stage in image.stage.chain:
        for item in stage.body:
            shell = image.shell(item)
            for made in shell.mkdirs:
                for word in made.paths:
                    path = _container_path(word, made.command.cwd, stage, item)
                    out += [(path, item)] if path else []
            for removed in shell.removes:
                for word in removed.paths:
                    path = _container_path(word, removed.command.cwd, stage, item)
                    gone |= {path} if path else set()
    return ((path, item) for path, item in out if not any(below(path, g) for g in gone))


def _container_path(word: str, cwd: str | None, stage: Stage, item: Instruction) -> str | None:
    """The absolute path that a word of a RUN means, or None when only the build knows it."""
    value = stage.expand(word, item) if "$" in word else word
    if not value or any(ch in value for ch in "*?$`{}~"):
        return None
    return absolute(value, cwd, stage.workdir(item))


def _is_data(path: str, workdir: str | None) -> bool:
    if path in SYSTEM:
        return False
    if workdir and workdir not in SYSTEM and below(path, workdir):
        return True
    return not any(below(path, folder) for folder in _NOT_DATA)


def _known(running: Running) -> Iterator[Writable]:
    """What facts on the base image and on the programs that are started say."""
    image = running.image
    facts = image.facts
    if facts is not None and (_starts_nothing(running) or _starts_base_program(running)):
        why = f"base image {image.stage.root_base} writes it (facts, {facts.confidence})"
        for path in facts.writable_paths:
            if path.startswith("/") and path not in SYSTEM:
                yield _folder(path, why, facts.confidence == "verified")
    if facts is not None and facts.arbitrary_user:
        return  # the image is made for any user: its own folders are open already
    for program in running.programs:
        for path in program.writes:
            yield _folder(path, f"{program.name} writes it (facts)", False)


def _folder(path: str, why: str, exists: bool) -> Writable:
    """A known folder; of /run only the folder itself changes hands, since others keep their things below it."""
    shared = path in ("/run", "/var/run")
    return Writable("/run" if shared else path, why, not shared, exists or shared)


def _closed(image: Image) -> Iterator[Writable]:
    """Files that the build closes to everybody but their owner, such as `chmod 700 /entrypoint.sh`."""
    for stage in image.stage.chain:
        for item in stage.of("RUN"):
            for chmod in image.shell(item).chmods:
                if not re.fullmatch(r"[0-7]?[0-7]{2}0", chmod.mode) or image.user_at(item).root is False:
                    continue
                for word in chmod.paths:
                    path = _container_path(word, chmod.command.cwd, stage, item)
                    if path and path not in SYSTEM and not any(below(path, keep) for keep in _STAYS_ROOT):
                        yield Writable(
                            path,
                            f"line {item.line}: chmod {chmod.mode} keeps others out",
                            chmod.recursive,
                            True,
                            item,
                        )


def _starts_nothing(running: Running) -> bool:
    return running.image.cmd is None and running.image.entrypoint is None


def _starts_base_program(running: Running) -> bool:
    """Whether the file starts the program that its base image is made for (`nginx` on `nginx:1.27`)."""
    base = (running.image.stage.root_base or "").rsplit("/", 1)[-1].split(":")[0].split("@")[0]
    return any(base and (name.startswith(base) or base.startswith(name)) for name, _ in running.commands)
