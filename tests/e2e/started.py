"""What Compose files and manifests say about a container, as the words of `docker run`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML


class Started(NamedTuple):
    """How a container is started: the folder that makes its image, options of `docker run`, and words behind it."""

    context: Path
    options: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def from_compose(file: Path, service: str, volumes: str) -> Started:
    """Read a service; its named volumes get `volumes` in front of their names."""
    said = YAML(typ="safe").load(file)["services"][service]
    build = said["build"]
    context = build if isinstance(build, str) else build.get("context", ".")
    entry, command = _words(said.get("entrypoint")), _words(said.get("command"))
    options = [*_compose_options(said), *_volumes(said, volumes)]
    if entry:
        options += ["--entrypoint", entry[0]]
    return Started(file.parent / context, tuple(options), (*entry[1:], *command))


def _compose_options(said: Mapping[str, Any]) -> Iterator[str]:
    for key, option in (("user", "user"), ("working_dir", "workdir")):
        if key in said:
            yield f"--{option}={said[key]}"
    for key, option in (("cap_drop", "cap-drop"), ("cap_add", "cap-add"), ("security_opt", "security-opt")):
        yield from (f"--{option}={value}" for value in said.get(key, ()))
    tmpfs = said.get("tmpfs", ())
    yield from (f"--tmpfs={value}" for value in ([tmpfs] if isinstance(tmpfs, str) else tmpfs))
    for key, option in (("environment", "env"), ("sysctls", "sysctl")):
        pairs = said.get(key, {})
        named = pairs.items() if isinstance(pairs, Mapping) else (pair.split("=", 1) for pair in pairs)
        yield from (f"--{option}={name}={value}" for name, value in named)
    if said.get("read_only"):
        yield "--read-only"


def _volumes(said: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for volume in said.get("volumes", ()):
        assert not volume.startswith((".", "/")), f"{volume}: nothing of the machine is mounted here"
        yield f"--volume={prefix}-{volume}"


def _words(said: str | list[str] | None) -> tuple[str, ...]:
    return tuple(shlex.split(said)) if isinstance(said, str) else tuple(said or ())


def from_manifest(file: Path, context: Path) -> Started:
    """Read the first container of the first workload, as a kubelet would start it that opens no low ports by itself."""
    pod = next(one for one in YAML(typ="safe").load_all(file) if "template" in one.get("spec", {}))["spec"]["template"]
    spec = pod["spec"]
    (container,) = spec["containers"]
    mine, whole = container.get("securityContext", {}), spec.get("securityContext", {})
    options = [*_identity({**whole, **mine}), *_rights(mine), *_pod_volumes(spec, container)]
    options += [f"--env={one['name']}={one['value']}" for one in container.get("env", ())]
    sysctls = {"net.ipv4.ip_unprivileged_port_start": "1024"}
    sysctls |= {one["name"]: one["value"] for one in whole.get("sysctls", ())}
    options += [f"--sysctl={name}={value}" for name, value in sysctls.items()]
    command, arguments = container.get("command", ()), container.get("args", ())
    if command:
        options += ["--entrypoint", command[0]]
    return Started(context, tuple(options), (*command[1:], *arguments))


def _identity(said: Mapping[str, Any]) -> Iterator[str]:
    if "runAsUser" in said:
        yield f"--user={said['runAsUser']}:{said.get('runAsGroup', 0)}"
    if "fsGroup" in said:
        yield f"--group-add={said['fsGroup']}"


def _rights(said: Mapping[str, Any]) -> Iterator[str]:
    capabilities = said.get("capabilities", {})
    yield from (f"--cap-drop={name}" for name in capabilities.get("drop", ()))
    yield from (f"--cap-add={name}" for name in capabilities.get("add", ()))
    if said.get("allowPrivilegeEscalation") is False:
        yield "--security-opt=no-new-privileges"
    if said.get("readOnlyRootFilesystem"):
        yield "--read-only"


def _pod_volumes(spec: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
    """An emptyDir is open to all; a tmpfs of Docker has the mode of the folder in the image, so it gets an owner."""
    said = {**spec.get("securityContext", {}), **container.get("securityContext", {})}
    kinds = {volume["name"]: volume for volume in spec.get("volumes", ())}
    for mount in container.get("volumeMounts", ()):
        assert "emptyDir" in kinds[mount["name"]], f"{mount['name']}: only emptyDir can be had here"
        yield f"--tmpfs={mount['mountPath']}:uid={said.get('runAsUser', 0)},gid={said.get('runAsGroup', 0)}"
