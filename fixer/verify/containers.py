"""How a container is made for a trial: the body of the request that the engine gets, and nothing that leads out of it.

No network, no folder of the host, no device, never privileged, and no capability that the engine does not give to every
container: a manifest of strangers may ask for more, and what it does not get is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fixer.evidence import Mount, Recipe
from fixer.tuples import NamedTuple
from fixer.verify.said import tidy

# What Docker gives to every container, and what reaches no farther than its own processes.
_GIVEN = frozenset(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID"
    " SYS_CHROOT IPC_LOCK".split()
)
_OPEN_PORTS = "net.ipv4.ip_unprivileged_port_start"
_SYSCTLS = ("net.", "kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.")
_SECOND = 1_000_000_000  # the engine counts nanoseconds
_MOST_FILE = 1 << 30  # bytes of one file
_TMPFS_OPTION = re.compile(r"(?:uid|gid)=\d{1,10}|mode=[0-7]{3,4}|exec")
_TMPFS = "rw,nosuid,nodev,noexec,size=268435456"


class Place(NamedTuple):
    """What a container gets from the bench: its image, labels, volumes (target to name), and bounds.

    `retries` is how often its health check may fail, a second apart, until it counts as unhealthy.
    `network` is the one that it shares, in the words of the engine, and `hosts` are names that lead to itself.
    """

    image: str
    labels: Mapping[str, str]
    volumes: Mapping[str, str]
    memory_mb: int
    pids: int
    network: str = ""
    hosts: tuple[str, ...] = ()
    retries: int = 3
    kind: str = "docker"


def body(recipe: Recipe, place: Place) -> dict[str, Any]:
    """The request that makes a container."""
    made: dict[str, Any] = {
        "Image": place.image,
        "Labels": dict(place.labels),
        "HostConfig": _host(recipe, place),
        "Healthcheck": _health(recipe, place.retries),
        "AttachStdout": False,
        "AttachStderr": False,
    }
    if recipe.user:
        made["User"] = recipe.user
    if recipe.workdir:
        made["WorkingDir"] = recipe.workdir
    if recipe.entrypoint is not None:
        made["Entrypoint"] = list(recipe.entrypoint)
    if recipe.command is not None:
        made["Cmd"] = list(recipe.command)
    if recipe.env:
        made["Env"] = [f"{name}={value}" for name, value in recipe.env]
    return made


def withheld(recipe: Recipe) -> tuple[str, ...]:
    """Sentences about what a recipe asks for and its container does not get."""
    caps = beyond(recipe.cap_add)
    sysctls = [name for name, _ in recipe.sysctls if not name.startswith(_SYSCTLS)]
    out = [f"the capability {tidy(name, 40)} is not given to containers of strangers" for name in caps]
    out += [f"the sysctl {tidy(name, 60)} reaches beyond the container and is not set" for name in sysctls]
    return tuple(out)


def beyond(capabilities: Sequence[str]) -> list[str]:
    """Those of some capabilities that no trial gets."""
    return [name for name in _names(capabilities) if name not in _GIVEN]


def _host(recipe: Recipe, place: Place) -> dict[str, Any]:
    memory = place.memory_mb << 20
    host: dict[str, Any] = {
        "NetworkMode": place.network or "none",
        "IpcMode": "private",
        "Privileged": False,
        "Memory": memory,
        "MemorySwap": memory,
        "PidsLimit": place.pids,
        "Ulimits": [{"Name": "fsize", "Soft": _MOST_FILE, "Hard": _MOST_FILE}],
        "CapDrop": list(recipe.cap_drop),
        "CapAdd": [name for name in _names(recipe.cap_add) if name in _GIVEN],
        "SecurityOpt": ["no-new-privileges"] if recipe.no_new_privileges else [],
        "ReadonlyRootfs": recipe.read_only,
        "GroupAdd": [str(group) for group in recipe.groups],
        "Sysctls": {} if place.network else _sysctls(recipe),
        "Mounts": [_mount(target, name, recipe) for target, name in sorted(place.volumes.items())],
        "Tmpfs": {mount.target: _tmpfs(mount, place.kind) for mount in recipe.mounts if mount.kind == "tmpfs"},
        "RestartPolicy": {"Name": "no"},
    }
    if place.hosts:
        host["ExtraHosts"] = [f"{name}:127.0.0.1" for name in place.hosts]
    if place.kind == "podman":  # it leaves a volume empty only where that is said in its own words
        bare = [one for one in host["Mounts"] if one["VolumeOptions"]["NoCopy"]]
        host["Mounts"] = [one for one in host["Mounts"] if one not in bare]
        host["Binds"] = [f"{one['Source']}:{one['Target']}:nocopy{',ro' if one['ReadOnly'] else ''}" for one in bare]
    if place.kind == "docker":  # podman bounds its logs by itself
        host["LogConfig"] = {"Type": "json-file", "Config": {"max-size": "512k", "max-file": "2"}}
    return host


def _sysctls(recipe: Recipe) -> dict[str, str]:
    wanted = {name: value for name, value in recipe.sysctls if name.startswith(_SYSCTLS)}
    return {_OPEN_PORTS: "1024", **wanted}


def _mount(target: str, name: str, recipe: Recipe) -> dict[str, Any]:
    mount = next((one for one in recipe.mounts if one.target == target), None)
    bare = mount is not None and (not mount.copied or mount.group is not None)
    return {
        "Type": "volume",
        "Source": name,
        "Target": target,
        "ReadOnly": mount is not None and mount.read_only,
        "VolumeOptions": {"NoCopy": bare},
    }


def _tmpfs(mount: Mount, kind: str) -> str:
    if mount.group is not None:
        options = [_TMPFS, "mode=2777", f"gid={mount.group}"]
    else:
        asked = [option for option in mount.options.split(",") if _TMPFS_OPTION.fullmatch(option)]
        mode = [] if any(option.startswith("mode=") for option in asked) else ["mode=1777"]
        options = [_TMPFS, *mode, *asked]
    if kind == "podman":  # which knows the user of the container (U) and no numbers, and copies what the image has
        owned = [option for option in options if option.startswith(("uid=", "gid="))]
        options = [*(one for one in options if one not in owned), "notmpcopyup", *(["U"] if owned else [])]
    return ",".join(options)


def _health(recipe: Recipe, retries: int) -> dict[str, Any]:
    """The health check of the recipe or the image, asked every second instead of every half minute."""
    return {"Test": list(recipe.healthcheck), "Interval": _SECOND, "Retries": retries}


def _names(capabilities: Sequence[str]) -> list[str]:
    return [name.upper().removeprefix("CAP_") for name in capabilities]
