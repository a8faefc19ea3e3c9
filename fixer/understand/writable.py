"""Folders that a process must be able to write, each with the reason that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from posixpath import basename, dirname, normpath
from typing import NamedTuple

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
# Empty folders of the distribution that hold only what the file puts there: fit for a working directory.
_PARENTS = frozenset({"/usr/src", "/opt", "/srv", "/mnt", "/media", "/go/src"})
_FOR_DATA = re.compile(
    r"data|cache|log(?!in|level|-level|_level|-format|_format)|pid-?_?file|state|storage|upload|db-?_?(?:path|dir|file)",
    re.IGNORECASE,
)
_NEVER_DATA = ("/etc", "/root", "/usr/bin", "/usr/sbin", "/bin", "/sbin", "/lib", "/boot")
_ENV_FOR_DATA = re.compile(
    r"(?:DATA|CACHE|LOGS?|UPLOADS?|STORAGE|STATE|MEDIA|DB)_?(?:DIR|DIRECTORY|PATH|HOME|FOLDER|ROOT)$|^(?:HF|TORCH)_HOME$"
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


class Writable(NamedTuple):
    """A folder, why it must be writable, whether all below it goes along, and whether it surely exists."""

    path: str
    why: str
    recursive: bool
    exists: bool
    item: Instruction | None = None


def below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def open_to_all(path: str) -> bool:
    """Whether everybody may write here in any image, as in /tmp."""
    return any(below(path, free) for free in _OPEN_TO_ALL)


def writable(running: Running, extra: tuple[str, ...] = (), workdir: bool = True) -> tuple[Writable, ...]:
    """The folders that the process of an image writes, parents before children, none twice.

    Args:
        running: the process and its image.
        extra: paths that the configuration adds.
        workdir: whether the working directory counts (`ownership = "app"`).
    """
    found: dict[str, Writable] = {}
    for one in _all(running, extra, workdir):
        if open_to_all(one.path):
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
        yield from _workdir(running)
    for path, item in image.volumes:
        if path not in SYSTEM:
            yield Writable(path, f"line {item.line}: VOLUME", True, path in made, item)
    for path, item in made.items():
        if _is_data(path, image.workdir):
            yield Writable(path, f"line {item.line}: the build makes this folder", True, True, item)
    yield from _known(running)
    yield from _closed(image)
    yield from _told(running)
    for path in extra:
        yield Writable(path, "named in fixer.toml", True, path in made)


def _workdir(running: Running) -> Iterator[Writable]:
    image = running.image
    here = image.workdir
    if not here or here in SYSTEM - _PARENTS or not image.stage.sets_workdir or below(here, "/root"):
        return
    item = next(i for stage in reversed(image.stage.chain) for i in reversed(stage.body) if i.keyword == "WORKDIR")
    built = any(program.builds for program in running.programs) and any(
        stage.workdir(i) == here for stage in image.stage.chain for i in stage.of("RUN")
    )
    yield Writable(here, f"line {item.line}: WORKDIR", built and here not in SYSTEM, True, item)


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
    if facts is not None and running.runs_base:
        why = f"base image {image.stage.root_base} writes it (facts, {facts.confidence})"
        for path in facts.writable_paths:
            if path.startswith("/") and path not in SYSTEM:
                yield _folder(path, why, facts.confidence == "verified")
    if facts is not None and facts.arbitrary_user:
        return  # the image is made for any user: its own folders are open already
    for program in running.programs:
        if program.families and image.family not in program.families:
            continue
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


def _told(running: Running) -> Iterator[Writable]:
    """Folders that arguments and ENV name for data: `--data-dir /data`, `ENV UPLOAD_DIR=/uploads`."""
    image = running.image
    for _, words in running.commands:
        for name, value in _options(words):
            if _FOR_DATA.search(name) and (path := _data_folder(value)):
                yield Writable(path, f"the argument {name} names it", True, False)
    for name, setting in image.stage.final_env.items():
        if setting and _ENV_FOR_DATA.search(name) and (path := _data_folder(setting)):
            yield Writable(path, f"ENV {name} names it", True, False)


def _options(words: tuple[str | None, ...]) -> Iterator[tuple[str, str]]:
    for word, following in pairwise((*words, None)):
        if word is None or not word.startswith("-"):
            continue
        name, eq, value = word.partition("=")
        yield name, value if eq else following or ""


def _data_folder(value: str) -> str:
    """The folder that an absolute path for data means, or an empty string where handing it over would be too much."""
    path = normpath(value) if value.startswith("/") and not re.search(r"[\s:*?,;]", value) else ""
    if path and "." in basename(path):
        path = dirname(path)
    closed = any(below(path, folder) for folder in _NEVER_DATA)
    return "" if not path or path in SYSTEM or closed else path
