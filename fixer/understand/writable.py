"""Folders that a process must be able to write, each with the reason that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from posixpath import basename, dirname, normpath

from fixer.facts.software import Software
from fixer.lazy import regex
from fixer.syntax.dockerfile import Instruction
from fixer.tuples import NamedTuple
from fixer.understand.filling import Filled
from fixer.understand.image import MODES, Image
from fixer.understand.making import SYSTEM, Made, below, is_data_file, made
from fixer.understand.modes import keeps_out
from fixer.understand.nginxconf import written_by_nginx
from fixer.understand.places import container_path
from fixer.understand.process import Running

# Empty folders of the distribution that hold only what the file puts there: fit for a working directory.
_PARENTS = frozenset({"/usr/src", "/opt", "/srv", "/mnt", "/media", "/go/src"})
_FOR_DATA = regex(
    r"data|cache|log(?!in|level|-level|_level|-format|_format)|pid-?_?file|state|storage|upload|db-?_?(?:path|dir|file)",
    re.IGNORECASE,
)
_NEVER_DATA = (
    "/etc", "/root", "/usr/bin", "/usr/sbin", "/bin", "/sbin", "/lib", "/boot",
    "/run/secrets", "/var/run/secrets", "/var/lib/apt", "/var/lib/dpkg", "/var/cache/apt",
)  # fmt: skip
_ENV_FOR_DATA = regex(
    r"(?:DATA|CACHE|LOGS?|UPLOADS?|STORAGE|STATE|MEDIA|DB)_?(?:DIR|DIRECTORY|PATH|HOME|FOLDER|ROOT)$|^(?:HF|TORCH)_HOME$"
    r"|PID_?FILE$"
)
# Where programs keep what changes, by the standard of file systems; and what is read there.
_STATE = ("/var/lib", "/var/cache", "/var/log", "/var/spool", "/run", "/var/run")
_READ = regex(r"CONF|CERT|KEY|SECRET|TOKEN|PASSWORD|LIBRARY|(?:^|_)PATH$", re.IGNORECASE)
_LOG = regex(r"/var/log/[\w.-]+\.log")
# Folders in which all programs keep something.
_SHARED = ("/run", "/var/run")
_SOCKET = regex(r"sock(?:et)?\b", re.IGNORECASE)
_TMP_ITSELF = regex(r"/tmp(?:/+\.?)*+(?![\w.$*?/\[{-])")
_OPENS_TMP = regex(r"[0-7]?[0-7]{2}7|[augo]*[+=][rwxXst]*w[rwxXst]*")
_OPEN_TO_ALL = ("/tmp", "/var/tmp", "/dev/shm", "/dev", "/proc", "/sys")
_CLOSES = (*MODES, "rm ", "rmdir", "mv ")
# Files that are closed for a reason: no application reads the first ones, and a server may read the keys.
_KEYS = ("/etc/ssl/private", "/etc/ssh")
_STAYS_ROOT = ("/root", "/etc/sudoers", "/etc/sudoers.d", "/etc/shadow", *_KEYS)


class Writable(NamedTuple):
    """A folder, why it must be writable, whether all below it goes along, and whether it surely exists.

    `item` says so, or makes it; `run` is the step that fills it, where it has to change hands in that step. `file`
    tells that it is a file, in a folder that stays as it is.
    """

    path: str
    why: str
    recursive: bool
    exists: bool
    item: Instruction | None = None
    run: Instruction | None = None
    file: bool = False


def open_to_all(path: str) -> bool:
    """Whether everybody may write here in any image, as in /tmp."""
    return any(below(path, free) for free in _OPEN_TO_ALL)


def writable(
    running: Running, extra: tuple[str, ...] = (), workdir: bool = True, filled: tuple[Filled, ...] = ()
) -> tuple[Writable, ...]:
    """The folders that the process of an image writes, parents before children, none twice.

    Args:
        running: the process and its image.
        extra: paths that the configuration adds.
        workdir: whether the working directory counts (`ownership = "app"`).
        filled: what the steps of the build put into it, and where it changes hands.
    """
    image = running.image
    steps = [Writable(one.path, one.why, one.folder, one.sure, one.item, one.item) for one in filled]
    found: dict[str, Writable] = {}
    for one in _all(running, extra, workdir):
        if _nobodys(one):
            continue
        old = found.get(one.path)
        if old is None or (one.recursive and not old.recursive):
            found[one.path] = (
                one if old is None else Writable(one.path, old.why, True, old.exists or one.exists, old.item)
            )
    found |= {one.path: one for one in _remade(running.image)}
    every = [*steps, *found.values()]
    there = {one.path: one.item.index for one in made(image) if one.sure}
    there |= {one.path: one.item.index for one in filled if one.sure and one.item is not None}
    return tuple(sorted((w for w in every if not any(_covers(o, w, there) for o in every)), key=lambda w: w.path))


def _covers(one: Writable, other: Writable, there: Mapping[str, int]) -> bool:
    """Whether handing one folder over hands the other one over as well; a later volume it does not even make.

    `there` tells which folders the build makes, and in which instruction.
    """
    if one is other or not below(other.path, one.path) or not (one.recursive or one.path == other.path):
        return False
    if one.run is None:
        return one.recursive and other.run is None
    at = other.item
    if at is None or at.index <= one.run.index or (other.path == one.path and not other.recursive):
        return True
    return other.run is None and one.recursive and there.get(other.path, at.index) <= one.run.index


def stays_open(image: Image, path: str) -> bool:
    """Whether everybody may write a folder of the base image itself, and no step of the build changes that."""
    if image.facts is None or path not in image.facts.open_paths:
        return False
    return not any(_touches(image, item, path) for item in image.runs_about(_CLOSES))


def _touches(image: Image, item: Instruction, path: str) -> bool:
    """Whether a step changes the mode of a folder, or takes it away."""
    shell, stage = image.shell(item), image.stage_of(item)
    words = [(word, one.command) for one in shell.chmods for word in one.paths]
    words += [(word, one.command) for one in shell.removes for word in one.paths]
    words += [(word.text, command) for command in shell.commands if command.name == "mv" for word in command.args]
    for word, command in words:
        place = container_path(word, command, stage, item)
        if place is None:
            place = re.split(r"[*?$`{\[]", word, maxsplit=1)[0]
            if path.startswith(place):
                return True
        elif below(path, place):
            return True
    return False


def _nobodys(one: Writable) -> bool:
    """Whether nobody need get this: open to all, and not a folder that the build has made there as root."""
    if one.path in _OPEN_TO_ALL or not open_to_all(one.path):
        return one.path in _OPEN_TO_ALL
    return one.item is None or not any(below(one.path, folder) for folder in ("/tmp", "/var/tmp"))


def _all(running: Running, extra: tuple[str, ...], workdir: bool) -> Iterator[Writable]:
    image = running.image
    left = tuple(_empty(one) if workdir and one.path == image.workdir else one for one in made(image))
    folders = {one.path for one in left if one.sure and not one.file}
    if workdir:
        yield from _workdir(running)
    for path, item in image.volumes:
        if path not in SYSTEM:
            there = any(one.path == path and one.sure and one.item.index < item.index for one in left)
            yield Writable(path, f"line {item.line}: VOLUME", True, there, item)
    for one in left:
        if one.path in _SHARED:
            yield _folder(one.path, one.why, True)._replace(item=one.item)
        else:
            yield Writable(one.path, one.why, one.recursive, one.sure, one.item)
    yield from _known(running)
    yield from (one for one in _closed(image) if may_go(one.path))
    yield from _told(running)
    for path in extra:
        known = normpath(path)
        yield _folder(known, "named in fixer.toml", known in folders)


def _empty(one: Made) -> Made:
    """The working directory as the step that makes it leaves it; `filling` knows what others put there."""
    return one._replace(recursive=False) if one.item.keyword == "RUN" else one


def _workdir(running: Running) -> Iterator[Writable]:
    image = running.image
    here = image.workdir
    if not here or here in SYSTEM - _PARENTS or not image.stage.sets_workdir or below(here, "/root"):
        return
    item = next(i for stage in reversed(image.stage.chain) for i in reversed(stage.body) if i.keyword == "WORKDIR")
    yield Writable(here, f"line {item.line}: WORKDIR", False, True, item)
    steps = [i for stage in image.stage.chain for i in stage.of("RUN") if stage.workdir(i) == here]
    for program in running.programs:
        last = next((i for i in reversed(steps) if program.name in i.logical), None)
        for name in program.builds if last is not None else ():
            # Of the packages only the folder changes hands: caches go beside them, and no layer doubles.
            packages = name == "node_modules"
            why = f"{program.name} writes it"
            yield Writable(f"{here}/{name}", why, not packages, False, None if packages else last)


def _known(running: Running) -> Iterator[Writable]:
    """What facts on the base image and on the programs that are started say."""
    image = running.image
    facts = image.facts
    if any(program.name == "nginx" for program in running.programs) or (running.runs_base and _is_nginx(image)):
        for path, reason in written_by_nginx(image):
            yield _folder(path, reason, path == "/etc/nginx/conf.d")
    if facts is not None and (running.runs_base or running.unseen_script or _runs_own_program(running)):
        why = f"base image {image.stage.root_base} writes it (facts, {facts.confidence})"
        for path in facts.writable_paths:
            if path not in SYSTEM and not below(path, "/etc"):
                folder = _folder(path, why, facts.confidence == "verified")
                yield folder._replace(recursive=False) if stays_open(image, path) else folder
    for program in running.programs:
        if (program.families and image.family not in program.families) or _is_of_base(running, program):
            continue
        for path in program.writes:
            yield _folder(path, f"{program.name} writes it (facts)", False)


def _runs_own_program(running: Running) -> bool:
    """Whether a program is started that writes what the base image is known to write, so that it is its own."""
    facts = running.image.facts
    return facts is not None and any({*facts.writable_paths} & {*program.writes} for program in running.programs)


def _is_of_base(running: Running, program: Software) -> bool:
    """Whether a program came with the base image, of which more is known than of the program in general.

    What is known of the image is surer, and the folders of one that is made for any user are open already. That does
    not hold for a program that the file installs itself.
    """
    facts = running.image.facts
    if facts is None or _installs(running.image, program.name):
        return False
    known = running.runs_base or _runs_own_program(running)
    return bool(facts.arbitrary_user or (known and facts.writable_paths and facts.confidence == "verified"))


def _installs(image: Image, name: str) -> bool:
    """Whether a step installs the package of a program: `nginx`, `nginx-light`, `redis` for redis-server."""
    start = name.partition("-")[0]
    packages = (p for item in image.runs_about((start,)) for one in image.shell(item).installs for p in one.packages)
    return any(package.partition("=")[0].partition("-")[0] == start for package in packages)


def _is_nginx(image: Image) -> bool:
    return any(user.name == "nginx" for user in (image.facts.users if image.facts is not None else ()))


def _folder(path: str, why: str, exists: bool) -> Writable:
    """A known folder; of /run only the folder itself changes hands, since others keep their things below it."""
    shared = path in _SHARED
    return Writable("/run" if shared else path, why, not shared, exists or shared)


def _closed(image: Image) -> Iterator[Writable]:
    """Files that the build closes to everybody but their owner, such as `chmod 700 /entrypoint.sh`."""
    for item in image.runs_about(MODES):
        for chmod in image.shell(item).chmods:
            if not keeps_out(chmod.mode) or image.user_at(item).root is False:
                continue
            why = f"line {item.line}: chmod {chmod.mode} keeps others out"
            for word in chmod.paths:
                path = container_path(word, chmod.command, image.stage_of(item), item)
                if path and path not in SYSTEM and not chmod.command.conditional:
                    yield Writable(path, why, chmod.recursive, True, item)


def keys(image: Image) -> Iterator[Writable]:
    """Keys that the build closes to everybody but root, and that stay with it, though a server may read them."""
    return (one for one in _closed(image) if is_key(one.path))


def is_key(path: str) -> bool:
    """Whether a path lies where keys are kept for root alone."""
    return any(below(path, keep) for keep in _KEYS)


def may_go(path: str) -> bool:
    """Whether a file that only root can read may be handed over: not what is closed to all programs for a reason."""
    return path not in SYSTEM and not any(below(path, keep) for keep in _STAYS_ROOT)


def _told(running: Running) -> Iterator[Writable]:
    """What arguments and ENV name for data: `--data-dir /data`, `ENV UPLOAD_DIR=/uploads`."""
    for _, words in running.commands:
        for name, value in _options(words):
            if _FOR_DATA.search(name) or _is_socket(name, value):
                yield from _named(value, f"the argument {name} names it")
            elif path := _socket_folder(value):
                yield _folder(path, f"the argument {name} puts a socket there", False)
    for name, setting in running.image.stage.final_env.items():
        if setting and (_ENV_FOR_DATA.search(name) or _is_state(name, setting)):
            yield from _named(setting, f"ENV {name} names it")


def _named(value: str, why: str) -> Iterator[Writable]:
    """The folder that a path for data means, or a log file in a folder that stays as it is."""
    if path := _data_folder(value):
        yield _folder(path, why, False)
    elif _is_log(value):
        yield Writable(normpath(value), why, False, False, file=True)


def _is_log(value: str) -> bool:
    """Whether a value is the path of a log file in /var/log itself."""
    return _LOG.fullmatch(normpath(value)) is not None


def _is_socket(name: str, value: str) -> bool:
    """Whether an argument names a socket in a folder of its own; those in /run itself are also those of others."""
    return _SOCKET.search(name) is not None and dirname(normpath(value)) not in ("/run", "/var/run")


def _is_state(name: str, value: str) -> bool:
    """Whether a variable names something in a place for what changes, and not for what is read there."""
    if value[:1] != "/":  # as most are, of which nothing more need be asked
        return False
    path = normpath(value)
    place = next((one for one in _STATE if below(path, one) and path != one), "")
    if not place or _READ.search(name):
        return False
    file = "." in basename(path)
    return not file or _is_log(path) or (is_data_file(path) and dirname(path) != place)


def _remade(image: Image) -> Iterator[Writable]:
    """/tmp where the build takes it away and makes it again, without the mode that lets everybody write."""
    for item in image.runs_about(("/tmp",)):
        if "mkdir" not in item.logical or "rm" not in item.logical or len(_TMP_ITSELF.findall(item.logical)) < 2:
            continue
        shell = image.shell(item)
        gone = min((one.command.start for one in shell.removes if _is_tmp(one.paths)), default=None)
        new = [one.mode for one in shell.mkdirs if _is_tmp(one.paths) and gone is not None and one.command.start > gone]
        opened = [one.mode for one in shell.chmods if _is_tmp(one.paths)]
        if new and not any(_OPENS_TMP.fullmatch(mode) for mode in (*new, *opened)):
            yield Writable(
                "/tmp", f"line {item.line}: made again, so that only root may write there", False, True, item
            )


def _is_tmp(paths: tuple[str, ...]) -> bool:
    return "/tmp" in map(normpath, paths)


def _options(words: tuple[str | None, ...]) -> Iterator[tuple[str, str]]:
    for word, following in pairwise((*words, None)):
        if word is None or not word.startswith("-"):
            continue
        name, eq, value = word.partition("=")
        yield name, value if eq else following or ""


def _socket_folder(value: str) -> str:
    """The folder of the Unix socket that an argument names (`unix:/run/app/web.sock`), or an empty string."""
    found = re.fullmatch(r"unix:(?://)?(/[\w./-]+)/[\w.-]+", value)
    folder = normpath(found[1]) if found is not None else ""
    return "" if folder in SYSTEM else folder


def _data_folder(value: str) -> str:
    """The folder that an absolute path for data means, or an empty string where handing it over would be too much."""
    path = normpath(value) if value.startswith("/") and not re.search(r"[\s:*?,;]", value) else ""
    if path and "." in basename(path).lstrip("."):
        path = dirname(path)
    closed = any(below(path, folder) for folder in _NEVER_DATA)
    return "" if not path or path in SYSTEM or closed else path
