"""How a service of Compose or a container of a pod is started: plain recipes for an engine that has nothing else.

What stands in the files is taken as it is; what only the place where it really runs has (secrets, folders of the host)
is named under what a recipe lacks.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fixer.evidence import Mount, Needed, Recipe, Source
from fixer.podusers import SOCKETS
from fixer.serviceusers import tmpfs
from fixer.understand.compose import Service
from fixer.understand.composevalues import settings
from fixer.understand.pods import Member, Pod, capability
from fixer.understand.workloads import mapping, sequence
from fixer.verify.containers import beyond

Read = Callable[[str], "str | None"]
Made = Callable[[Service], "Source | None"]

_PORT_START = "net.ipv4.ip_unprivileged_port_start"
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")
_HOST = ("network_mode", "net", "pid", "ipc", "userns_mode")
_OPEN = 0o777  # the kubelet makes an emptyDir for everybody
_FILE = "the file "
_KEYS = ("secrets", "configs")  # of a service
_GIVEN = frozenset({"configMap", "secret", "projected"})  # of a pod
_MOST_BUILT = 5  # partners of a service: each is two builds
_CLAIMS = frozenset({"persistentVolumeClaim", "ephemeral", "csi"})


# An image that nobody says how to run is started by hand, and Docker opens the low ports of every network of its own.
ALONE = Recipe(sysctls=((_PORT_START, "0"),))


# --- Compose ----------------------------------------------------------------------------------------------------------


def of_service(service: Service, source: str, read: Read, others: Mapping[str, Service], made: Made) -> Recipe:
    """The recipe of a service.

    Args:
        service: the service.
        source: where it is written, for people.
        read: gives the text of a file below the root, or None.
        others: all services beside it by name, for what it depends on.
        made: tells what the image of a service is built from, None where nothing here builds it.
    """
    plain = _of_service(service, source, read)
    partners = _Partners(service.name, others, read, made)
    partners.of(service)
    return plain._replace(needs=tuple(partners.found.values()), lacks=(*plain.lacks, *partners.missing.values()))


def _of_service(service: Service, source: str, read: Read) -> Recipe:
    mounts, away = _mounts(service, read)
    env, unset = _environment(service, read)
    return Recipe(
        source,
        user=service.user or "",
        workdir=service.text("working_dir") or "",
        entrypoint=_command(service, "entrypoint"),
        command=_command(service, "command"),
        env=env,
        mounts=mounts,
        read_only=service.says("read_only"),
        cap_drop=tuple(map(capability, service.words("cap_drop"))),
        cap_add=tuple(map(capability, service.words("cap_add"))),
        no_new_privileges=any(re.fullmatch(r"no-new-privileges([:=]true)?", w) for w in service.words("security_opt")),
        sysctls=_service_sysctls(service),
        healthcheck=_healthcheck(service),
        lacks=(*away, *unset, *_host(service)),
        blind=any(one.startswith(_FILE) for one in away) or any(service.value.get(key) for key in _KEYS),
    )


def _command(service: Service, key: str) -> tuple[str, ...] | None:
    value = service.value.get(key)
    if isinstance(value, str):
        try:
            return tuple(shlex.split(service.filled(value) or value)) or None
        except ValueError:
            return None
    return service.words(key) or None


def _environment(service: Service, read: Read) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """The variables of a service in order of their names, and the files of them that are not here."""
    env: dict[str, str] = {}
    missing = []
    written = service.value.get("env_file")
    for one in written if isinstance(written, list) else [written]:
        name = mapping(one).get("path") if isinstance(one, dict) else one
        if not isinstance(name, str):
            continue
        text = _below(service.folder, name, read)
        if text is None:
            missing.append(f"its variables in {name}")
        else:
            env |= {name: value for name, value in settings(text).items() if value is not None}
    env |= dict(service.pairs(service.value.get("environment")))
    return tuple(sorted(env.items())), missing


def _below(folder: str, name: str, read: Read) -> str | None:
    path = posixpath.normpath(posixpath.join(folder, name))
    return None if path.startswith(("../", "/")) or "$" in path else read(path)


def _mounts(service: Service, read: Read) -> tuple[tuple[Mount, ...], list[str]]:
    found: list[Mount] = []
    away: list[str] = []
    for one in {mount.target: mount for mount in service.mounts}.values():  # of one place the last counts
        if one.source.endswith(SOCKETS):
            away.append(f"the socket {one.source}")
        elif one.kind == "bind" and (_below(service.folder, one.source, read) is not None or _is_file(one.target)):
            away.append(f"{_FILE}{one.source}")
        elif one.kind in ("volume", "bind"):
            found.append(Mount(one.target, "volume", one.read_only))
            away += [f"what lies in {one.source} of the host"] if one.kind == "bind" else []
    found += [Mount(path, "tmpfs", options=options) for path, options in tmpfs(service)]
    return tuple(found), away


def _is_file(path: str) -> bool:
    return "." in path.rpartition("/")[2]


def _host(service: Service) -> Iterator[str]:
    for key in _HOST:
        if service.text(key) == "host":
            yield f"{key}: host"
    if service.says("privileged"):
        yield "privileged mode"
    yield from (f"the capability {name}" for name in beyond(service.words("cap_add")))
    if service.words("devices"):
        yield "devices of the host"
    for key in _KEYS:
        if service.value.get(key):
            yield f"its {key}"
    if service.user is None:
        yield "its user, whom only the environment knows"


def _service_sysctls(service: Service) -> tuple[tuple[str, str], ...]:
    """The settings of its kernel; Docker opens the low ports of every network but that of the host."""
    opened = {} if service.host_network else {_PORT_START: "0"}
    return tuple(sorted((opened | dict(service.pairs(service.value.get("sysctls")))).items()))


def _healthcheck(service: Service) -> tuple[str, ...]:
    check = mapping(service.value.get("healthcheck"))
    if check.get("disable") is True:
        return ("NONE",)
    test = check.get("test")
    if isinstance(test, str):
        return ("CMD-SHELL", service.filled(test) or test)
    return tuple(service.filled(one) or one for one in sequence(test) if isinstance(one, str))


class _Partners:
    """What has to run beside a service: what it waits for, and before each of them what that waits for itself."""

    def __init__(self, name: str, others: Mapping[str, Service], read: Read, made: Made) -> None:
        self.name = name
        self.others = others
        self.read = read
        self.made = made
        self.found: dict[str, Needed] = {}
        self.missing: dict[str, str] = {}  # by the name of each, why it is not there, in words

    def of(self, service: Service) -> None:
        """Find all partners of a service."""
        for name in _waits_for(service):
            if name in self.found or name in self.missing:
                continue
            why = self._add(name)
            if why is not None:
                self.missing[name] = f"the service {name}" + (f" ({why})" if why else "")

    def _add(self, name: str) -> str | None:
        """Add a partner, behind those that it waits for; why that cannot be, "" where there is nothing to say."""
        other = self.others.get(name)
        if other is None:
            return ""
        source = self.made(other)
        if source is None and (other.build is not None or not other.image or "$" in other.image):
            return "what it is built from is not here" if other.build is not None else ""
        circle = next((one for one in (self.name, name) if one in _reached(name, self.others)), "")
        if circle:
            return f"it waits for {circle} in turn"
        self.of(other)
        if source is not None and sum(one.source is not None for one in self.found.values()) >= _MOST_BUILT:
            return f"no more than {_MOST_BUILT} are built"
        self.found[name] = Needed(name, other.image, _of_service(other, "", self.read), source)
        return None


def _waits_for(service: Service) -> tuple[str, ...]:
    """The names of the services that one waits for."""
    value = service.value.get("depends_on")
    names = [*mapping(value)] if isinstance(value, dict) else list(service.words("depends_on"))
    names += [link.partition(":")[0] for link in service.words("links")]
    return tuple(dict.fromkeys(map(str, names)))


def _reached(name: str, others: Mapping[str, Service]) -> set[str]:
    """All services that one waits for, at whatever distance."""
    out: set[str] = set()
    waiting = [name]
    while waiting:
        other = others.get(waiting.pop())
        new = set(_waits_for(other)) - out if other is not None else set()
        out |= new
        waiting += sorted(new)
    return out


# --- Kubernetes -------------------------------------------------------------------------------------------------------


def of_member(pod: Pod, member: Member, source: str) -> Recipe:
    """The recipe of a container of a pod, as a kubelet would start it."""
    value = member.container.value
    env = _env(value)
    mounts, away = _pod_mounts(pod, member)
    caps = mapping(member.context.get("capabilities"))
    user, group = pod.user(member), pod.effective(member, "runAsGroup")
    escalation = member.context.get("allowPrivilegeEscalation")
    return Recipe(
        source,
        user="" if user is None else f"{user}:{group}" if isinstance(group, int) else f"{user}",
        groups=_groups(pod),
        workdir=str(value.get("workingDir") or ""),
        entrypoint=_words(value.get("command"), env),
        command=_words(value.get("args"), env),
        env=tuple(sorted(env.items())),
        mounts=mounts,
        read_only=member.context.get("readOnlyRootFilesystem") is True,
        cap_drop=tuple(capability(str(one)) for one in sequence(caps.get("drop"))),
        cap_add=tuple(capability(str(one)) for one in sequence(caps.get("add"))),
        no_new_privileges=escalation is False,
        sysctls=_sysctls(pod),
        healthcheck=_probe(value),
        lacks=(*away, *_unset(value), *pod.shared, *_privileged(member)),
        blind=any(_GIVEN & set(volume) for _, volume in pod.mounts(member)),
    )


def _groups(pod: Pod) -> tuple[int, ...]:
    rows = [pod.context.get("fsGroup"), *sequence(pod.context.get("supplementalGroups"))]
    return tuple(dict.fromkeys(one for one in rows if isinstance(one, int)))


def _env(value: Mapping[Any, Any]) -> dict[str, str]:
    """The variables whose values are written; one may name those above it."""
    out: dict[str, str] = {}
    for row in map(mapping, sequence(value.get("env"))):
        text = row.get("value")
        if isinstance(row.get("name"), str) and (isinstance(text, str) or ("valueFrom" not in row and text is None)):
            out[row["name"]] = _filled(text or "", out)
    return out


def _filled(text: str, env: Mapping[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        return "$" if match[1] is None else env.get(match[1], match[0])

    return _REFERENCE.sub(one, text)


def _words(value: object, env: Mapping[str, str]) -> tuple[str, ...] | None:
    return tuple(_filled(str(one), env) for one in sequence(value)) or None


def _sysctls(pod: Pod) -> tuple[tuple[str, str], ...]:
    rows = (mapping(one) for one in sequence(pod.context.get("sysctls")))
    return tuple(sorted((str(row.get("name")), str(row.get("value"))) for row in rows))


def _probe(value: Mapping[Any, Any]) -> tuple[str, ...]:
    for key in ("readinessProbe", "livenessProbe"):
        words = sequence(mapping(mapping(value.get(key)).get("exec")).get("command"))
        if words:
            return ("CMD", *map(str, words))
    return ()


def _pod_mounts(pod: Pod, member: Member) -> tuple[tuple[Mount, ...], list[str]]:
    group = pod.context.get("fsGroup")
    owner = group if isinstance(group, int) else None
    found: list[Mount] = []
    away: list[str] = []
    for mount, volume in pod.mounts(member):
        path, only = mount.get("mountPath"), mount.get("readOnly") is True
        kind = next((key for key in volume if key != "name"), "persistentVolumeClaim")
        if not isinstance(path, str):
            continue
        path = posixpath.normpath(path)
        if kind == "emptyDir":
            found.append(Mount(path, "volume", only, owner, copied=False, mode=_OPEN))
        elif kind in _CLAIMS:
            found.append(Mount(path, "volume", only, owner, copied=False))
        else:
            away.append(f"its {kind} at {path}")
    return tuple(found), away


def _unset(value: Mapping[Any, Any]) -> Iterator[str]:
    rows = (mapping(one) for one in sequence(value.get("env")))
    names = [str(row.get("name")) for row in rows if "valueFrom" in row]
    if names:
        yield f"the value of {', '.join(names)}"
    if value.get("envFrom"):
        yield "the variables that envFrom brings"


def _privileged(member: Member) -> Iterator[str]:
    if member.context.get("privileged") is True:
        yield "privileged mode"
    added = [str(one) for one in sequence(mapping(member.context.get("capabilities")).get("add"))]
    yield from (f"the capability {name}" for name in beyond(added))
