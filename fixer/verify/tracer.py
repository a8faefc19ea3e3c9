"""strace of this machine, made ready to be taken into a container of another distribution, or of none.

It goes with its loader and its libraries, so that it needs nothing of the image. Only what belongs to this machine is
asked and copied, and nothing of it is changed.
"""

from __future__ import annotations

import io
import platform
import posixpath
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fixer.evidence import Mount, Recipe
from fixer.lazy import regex
from fixer.tuples import NamedTuple
from fixer.verify.calls import ASKED

FOLDER = "/.fixer-trace"
CALLS = "said/calls"  # below it: a folder of its own, which everybody may write
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x"}
_PATIENCE = 10  # seconds
_MOST_FILE = 64 << 20  # bytes of strace or of a library
_LIBRARY = regex(r"^\s*(?:\S+ => )?(/\S+)(?: \(0x[0-9a-f]+\))?$")
# The program stays process 1, and the tracer has a session of its own; the kernel stops the program for those calls
# alone that are asked for.
_OPTIONS = ("-DDD", "-f", "-y", "-qqq", "--seccomp-bpf", "-e", "signal=none", "-e", f"trace={ASKED}")


class Untraced(Exception):
    """Nothing can be said of the calls of a program; `str()` is why."""


class Tracer(NamedTuple):
    """strace: its files as a tar whose names begin with `name`, and the words that start it in a container."""

    tar: bytes
    words: tuple[str, ...]


def tracer(system: str, machine: str, name: str) -> Tracer:
    """The tracer for an engine.

    Args:
        system: what the engine runs on (`linux`).
        machine: the architecture of its containers (`amd64`).
        name: the folder in which the files of the tar lie.

    Raises:
        Untraced: when there is none that could run there.
    """
    here = _MACHINES.get(platform.machine(), platform.machine())
    if (system, machine) != (platform.system().lower(), here) or system != "linux":
        raise Untraced(f"the engine runs on {system} {machine}, and this machine on {platform.system().lower()} {here}")
    found = shutil.which("strace")
    if found is None:
        raise Untraced("strace is not here")
    return _packed(found, name)


@cache
def _packed(program: str, name: str) -> Tracer:
    libraries = _libraries(program)
    loader = next((path for path in libraries if posixpath.basename(path).startswith("ld")), "")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder, mode in ((name, 0o755), (f"{name}/{posixpath.dirname(CALLS)}", 0o1777)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for path in (program, *libraries):
            data = _read(path)
            entry = tarfile.TarInfo(f"{name}/{posixpath.basename(path)}")
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    start = (f"{FOLDER}/{posixpath.basename(loader)}", "--library-path", FOLDER) if loader else ()
    own = f"{FOLDER}/{posixpath.basename(program)}"
    return Tracer(out.getvalue(), (*start, own, *_OPTIONS, "-o", f"{FOLDER}/{CALLS}"))


def _libraries(program: str) -> list[str]:
    """The libraries of a program of this machine, its loader among them; none for one that needs none."""
    try:
        done = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.SubprocessError):
        raise Untraced("what strace needs to run cannot be found out: there is no ldd") from None
    found = (_LIBRARY.match(line) for line in done.stdout.splitlines())
    return list(dict.fromkeys(one[1] for one in found if one is not None))


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_FILE + 1)
    except OSError as error:
        raise Untraced(f"{path} cannot be read ({error.strerror})") from None
    if len(data) > _MOST_FILE:
        raise Untraced(f"{path} is too large")
    return data


def around(tracer: Tracer, recipe: Recipe, config: Mapping[str, Any]) -> Recipe:
    """The recipe that starts under a tracer what another recipe starts.

    `config` is the configuration of its image, as the engine tells it.

    Raises:
        Untraced: when neither names a command.
    """
    program = _program(recipe, config)
    if not program:
        raise Untraced("it names no command")
    env = dict(recipe.env)
    every = {**dict(one.partition("=")[::2] for one in map(str, config.get("Env") or ())), **env}
    # what is said to the loader of the program is not meant for that of the tracer
    kept = {name: value for name, value in every.items() if name.startswith("LD_") or name == "GLIBC_TUNABLES"}
    given = [word for name, value in sorted(kept.items()) for word in ("-E", f"{name}={value}")]
    return recipe._replace(
        entrypoint=tracer.words,
        command=(*given, "--", *program),
        env=tuple({**env, **dict.fromkeys(kept, "")}.items()),
        mounts=(*recipe.mounts, Mount(FOLDER, copied=False)),
    )


def _program(recipe: Recipe, config: Mapping[str, Any]) -> tuple[str, ...]:
    """What an engine starts: an entrypoint of the recipe takes the place of the image's command too."""
    command = recipe.command
    if not recipe.entrypoint:
        command = command or tuple(map(str, config.get("Cmd") or ()))
    entrypoint = recipe.entrypoint
    if entrypoint is None:
        entrypoint = tuple(map(str, config.get("Entrypoint") or ()))
    return (*entrypoint, *(command or ()))
