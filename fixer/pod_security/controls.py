"""The controls of the Pod Security Standards, one function each, and the two tables of their versions.

A check takes a pod and yields the path of what it forbids with the detail that Kubernetes tells; the reason before the
detail stands in the table. Names, reasons, versions and the order are those of kubernetes/pod-security-admission,
`policy/check_*.go` and `policy/registry.go` at v0.37.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fixer.pod_security.pod import Pod, PodContainer, Setting
from fixer.tuples import NamedTuple
from fixer.understand.workloads import mapping, sequence, word

Found = Iterator[tuple[str, str]]
Check = Callable[[Pod], Found]


class Control(NamedTuple):
    """One control: its name and reason, its checks with the minor version since which each holds, oldest first.

    `replaces` is the control of the baseline level that it is stricter than, "" for none.
    """

    id: str
    reason: str
    versions: tuple[tuple[int, Check], ...]
    replaces: str = ""


def _text(value: object) -> str:
    return f'"{value}"'


def _listed(values: list[Any]) -> str:
    return ", ".join(sorted({_text(value) for value in values}))


# --- baseline -------------------------------------------------------------------------------------------------------

_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_APPARMOR_TYPES = ("RuntimeDefault", "Localhost")


def app_armor(pod: Pod) -> Found:
    """AppArmor may not be turned off, neither by the field nor by the annotation that came before it."""
    for setting in pod.settings:
        profile = setting.values.get("appArmorProfile")
        kind = mapping(profile).get("type", "")
        if profile is not None and kind not in _APPARMOR_TYPES:
            yield (
                f"{setting.path}.appArmorProfile.type",
                f"{setting.owner} must not set AppArmor profile type to {_text(kind)}",
            )
    for key, value in mapping(pod.metadata.get("annotations")).items():
        if isinstance(key, str) and key.startswith(_APPARMOR) and not _allowed_app_armor(value):
            yield (
                f"{pod.metadata_at}.annotations['{key}']",
                f"annotation must not set AppArmor profile type to {_text(f'{key}={value}')}",
            )


def _allowed_app_armor(value: object) -> bool:
    return value in (None, "", "runtime/default") or (isinstance(value, str) and value.startswith("localhost/"))


# What a container may add at each level.
ADDED_IN_BASELINE = frozenset(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID"
    " SYS_CHROOT".split()
)
ADDED_IN_RESTRICTED = frozenset({"NET_BIND_SERVICE"})


def capabilities_baseline(pod: Pod) -> Found:
    """Only capabilities of the default set may be added, written without CAP_."""
    for container in pod.containers:
        yield from _added(container.setting, ADDED_IN_BASELINE)


def _added(setting: Setting, allowed: frozenset[str]) -> Found:
    added = sequence(mapping(setting.values.get("capabilities")).get("add"))
    forbidden = [one for one in added if not isinstance(one, str) or one not in allowed]
    if forbidden:
        detail = f"{setting.owner} must not include {_listed(forbidden)} in securityContext.capabilities.add"
        yield f"{setting.path}.capabilities.add", detail


def host_namespaces(pod: Pod) -> Found:
    """The network, processes and IPC of the host are its own."""
    for field in ("hostIPC", "hostNetwork", "hostPID"):
        if _on(pod.spec.get(field)):
            yield f"{pod.at}{field}", f"{field}=true"


def _on(value: object) -> bool:
    """Whether a switch is on, or is something that is no switch."""
    return value is not None and value is not False


def host_path_volumes(pod: Pod) -> Found:
    """No volume is a folder of the host."""
    for index, volume in enumerate(sequence(pod.spec.get("volumes"))):
        if mapping(volume).get("hostPath") is not None:
            yield f"{pod.at}volumes[{index}].hostPath", f"volume {_text(word(volume.get('name')))}"


def host_ports(pod: Pod) -> Found:
    """No container takes a port of the host."""
    for container in pod.containers:
        for index, port in enumerate(sequence(container.value.get("ports"))):
            number = _host_port(pod, container, mapping(port))
            if number:
                yield f"{container.path}.ports[{index}].hostPort", f"{container.owner} uses hostPort {number}"


def _host_port(pod: Pod, container: PodContainer, port: Any) -> Any:
    number = port.get("hostPort")
    # the API server's own default (SetDefaults_PodSpec): in the host's network each port is one of the host
    if not number and pod.spec.get("hostNetwork") is True and container.role != "ephemeralContainers":
        return port.get("containerPort")
    return number


_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("postStart", "preStop")
_CALLS = ("httpGet", "tcpSocket")


def host_probes(pod: Pod) -> Found:
    """No probe or handler makes the kubelet call another host."""
    for container in pod.containers:
        rows = [(name, container.value.get(name)) for name in _PROBES]
        lifecycle = mapping(container.value.get("lifecycle"))
        rows += [(f"lifecycle.{name}", lifecycle.get(name)) for name in _HANDLERS]
        for name, handler in rows:
            for call in _CALLS:
                host = mapping(mapping(handler).get(call)).get("host")
                if host not in (None, ""):
                    detail = f"{container.owner} uses probe or lifecycle host {_text(host)}"
                    yield f"{container.path}.{name}.{call}.host", detail


def privileged(pod: Pod) -> Found:
    """No container is privileged."""
    for container in pod.containers:
        if _on(container.setting.values.get("privileged")):
            detail = f"{container.owner} must not set securityContext.privileged=true"
            yield f"{container.setting.path}.privileged", detail


def proc_mount(pod: Pod) -> Found:
    """/proc keeps its masks."""
    for container in pod.containers:
        value = container.setting.values.get("procMount")
        if value not in (None, "Default"):
            detail = f"{container.owner} must not set securityContext.procMount to {_text(value)}"
            yield f"{container.setting.path}.procMount", detail


_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t")


def _se_linux(*types: str) -> Check:
    def se_linux(pod: Pod) -> Found:
        for setting in pod.settings:
            options = mapping(setting.values.get("seLinuxOptions"))
            at = f"{setting.path}.seLinuxOptions"
            begin = f"{setting.owner} set forbidden securityContext.seLinuxOptions"
            kind = options.get("type")
            if kind is not None and kind not in types:
                yield f"{at}.type", f"{begin}: type {_text(kind)}"
            for field in ("user", "role"):
                if options.get(field) not in (None, ""):
                    yield f"{at}.{field}", f"{begin}: {field} may not be set"

    return se_linux


_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_SECCOMP_TYPES = ("RuntimeDefault", "Localhost")


def seccomp_annotations(pod: Pod) -> Found:
    """Before the field, annotations named the profile: one for the pod, one for each container."""
    annotations = mapping(pod.metadata.get("annotations"))
    keys = [_SECCOMP_POD, *(f"{_SECCOMP_CONTAINER}{word(c.value.get('name'))}" for c in pod.containers)]
    for key in dict.fromkeys(keys):
        value = annotations.get(key, "runtime/default")
        allowed = isinstance(value, str) and value.startswith("localhost/")
        if value not in ("runtime/default", "docker/default") and not allowed:
            yield f"{pod.metadata_at}.annotations['{key}']", f"forbidden annotation {key}={_text(value)}"


def seccomp_baseline(pod: Pod) -> Found:
    """Where a profile is set, it is that of the runtime or one of the host."""
    for setting in pod.settings:
        yield from _bad_seccomp(setting)


def _bad_seccomp(setting: Setting) -> Found:
    profile = setting.values.get("seccompProfile")
    kind = mapping(profile).get("type", "")
    if profile is not None and kind not in _SECCOMP_TYPES:
        detail = f"{setting.owner} must not set securityContext.seccompProfile.type to {_text(kind)}"
        yield f"{setting.path}.seccompProfile.type", detail


_SYSCTLS_1_0 = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
)
_SYSCTLS_1_27 = (*_SYSCTLS_1_0, "net.ipv4.ip_local_reserved_ports")
_SYSCTLS_1_29 = (
    *_SYSCTLS_1_27,
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
)
_SYSCTLS_1_32 = (*_SYSCTLS_1_29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem")
_SYSCTLS_1_37 = (*_SYSCTLS_1_32, "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat")


def _sysctls(*allowed: str) -> Check:
    def sysctls(pod: Pod) -> Found:
        for index, row in enumerate(sequence(pod.setting.values.get("sysctls"))):
            name = mapping(row).get("name", "")
            if name not in allowed:
                yield f"{pod.setting.path}.sysctls[{index}].name", f"{name}"

    return sysctls


def windows_host_process(pod: Pod) -> Found:
    """No container of Windows is a process of the host."""
    for setting in pod.settings:
        if _on(mapping(setting.values.get("windowsOptions")).get("hostProcess")):
            detail = f"{setting.owner} must not set securityContext.windowsOptions.hostProcess=true"
            yield f"{setting.path}.windowsOptions.hostProcess", detail


# --- restricted -----------------------------------------------------------------------------------------------------


def privilege_escalation(pod: Pod) -> Found:
    """Every container says that it gains no rights; there is no such field for the pod."""
    for container in pod.containers:
        if container.setting.values.get("allowPrivilegeEscalation") is not False:
            detail = f"{container.owner} must set securityContext.allowPrivilegeEscalation=false"
            yield f"{container.setting.path}.allowPrivilegeEscalation", detail


def capabilities_restricted(pod: Pod) -> Found:
    """Every container drops ALL, in exactly this spelling, and adds at most NET_BIND_SERVICE."""
    for container in pod.containers:
        setting = container.setting
        if "ALL" not in sequence(mapping(setting.values.get("capabilities")).get("drop")):
            detail = f'{setting.owner} must set securityContext.capabilities.drop=["ALL"]'
            yield f"{setting.path}.capabilities.drop", detail
        yield from _added(setting, ADDED_IN_RESTRICTED)


_ALLOWED_VOLUMES = frozenset(
    "configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret".split()
)


def restricted_volumes(pod: Pod) -> Found:
    """Volumes come from the API, or from a claim."""
    for index, volume in enumerate(sequence(pod.spec.get("volumes"))):
        row = mapping(volume)
        types = [key for key, value in row.items() if isinstance(key, str) and key != "name" and value is not None]
        # the API server makes an emptyDir of a volume without a source (SetDefaults_Volume)
        if types and not _ALLOWED_VOLUMES.intersection(types):
            detail = f"volume {_text(word(row.get('name')))} uses restricted volume type {_text(types[0])}"
            yield f"{pod.at}volumes[{index}].{types[0]}", detail


def run_as_non_root(pod: Pod) -> Found:
    """The pod says that it is not root, or every container does; none says that it is."""
    whole = pod.setting.values.get("runAsNonRoot")
    if whole not in (None, True):
        yield f"{pod.setting.path}.runAsNonRoot", "pod must not set securityContext.runAsNonRoot=false"
    for container in pod.containers:
        value = container.setting.values.get("runAsNonRoot")
        path = f"{container.setting.path}.runAsNonRoot"
        if value is None and whole is None:
            yield path, f"pod or {container.owner} must set securityContext.runAsNonRoot=true"
        elif value not in (None, True):
            yield path, f"{container.owner} must not set securityContext.runAsNonRoot=false"


def run_as_user(pod: Pod) -> Found:
    """Nobody asks for the number of root."""
    for setting in pod.settings:
        value = setting.values.get("runAsUser")
        if value is not None and (not isinstance(value, int) or value == 0):
            yield f"{setting.path}.runAsUser", f"{setting.owner} must not set runAsUser={value}"


def seccomp_restricted(pod: Pod) -> Found:
    """The pod names a profile of the runtime or the host, or every container does."""
    yield from _bad_seccomp(pod.setting)
    whole = pod.setting.values.get("seccompProfile")
    for container in pod.containers:
        if container.setting.values.get("seccompProfile") is not None:
            yield from _bad_seccomp(container.setting)
        elif whole is None:
            detail = f'pod or {container.owner} must set securityContext.seccompProfile.type to "RuntimeDefault" or'
            yield f"{container.setting.path}.seccompProfile.type", f'{detail} "Localhost"'


def _not_on_windows(check: Check) -> Check:
    """The check, from the version on in which pods of Windows need not obey it."""
    return lambda pod: iter(()) if pod.windows else check(pod)


def _not_with_own_users(check: Check) -> Check:
    """The check, from the version on in which root of a user namespace is nobody."""
    return lambda pod: iter(()) if pod.own_users else check(pod)


def _windows_since_1_25(since: int, check: Check) -> tuple[tuple[int, Check], ...]:
    return (since, check), (25, _not_on_windows(check))


def _own_users_since_1_35(since: int, check: Check) -> tuple[tuple[int, Check], ...]:
    return (since, check), (35, _not_with_own_users(check))


# In the order in which Kubernetes tells them.
BASELINE_CONTROLS = (
    # the field came with 1.30, and it and the annotation are checked in every version
    Control("appArmorProfile", "forbidden AppArmor profile", ((0, app_armor),)),
    Control("capabilities_baseline", "non-default capabilities", ((0, capabilities_baseline),)),
    Control("hostNamespaces", "host namespaces", ((0, host_namespaces),)),
    Control("hostPathVolumes", "hostPath volumes", ((0, host_path_volumes),)),
    Control("hostPorts", "hostPort", ((0, host_ports),)),
    Control("hostProbesAndHostLifecycle", "probe or lifecycle host", ((34, host_probes),)),
    Control("privileged", "privileged", ((0, privileged),)),
    Control("procMount", "procMount", _own_users_since_1_35(0, proc_mount)),
    Control(
        "seLinuxOptions",
        "seLinuxOptions",
        ((0, _se_linux(*_SELINUX_TYPES)), (31, _se_linux(*_SELINUX_TYPES, "container_engine_t"))),
    ),
    Control("seccompProfile_baseline", "seccompProfile", ((0, seccomp_annotations), (19, seccomp_baseline))),
    Control(
        "sysctls",
        "forbidden sysctls",
        (
            (0, _sysctls(*_SYSCTLS_1_0)),
            (27, _sysctls(*_SYSCTLS_1_27)),
            (29, _sysctls(*_SYSCTLS_1_29)),
            (32, _sysctls(*_SYSCTLS_1_32)),
            (37, _sysctls(*_SYSCTLS_1_37)),
        ),
    ),
    Control("windowsHostProcess", "hostProcess", ((0, windows_host_process),)),
)
RESTRICTED_CONTROLS = (
    Control(
        "allowPrivilegeEscalation", "allowPrivilegeEscalation != false", _windows_since_1_25(8, privilege_escalation)
    ),
    Control(
        "capabilities_restricted",
        "unrestricted capabilities",
        _windows_since_1_25(22, capabilities_restricted),
        replaces="capabilities_baseline",
    ),
    # baseline lets pods with users of their own unmask /proc from this version on, restricted never
    Control("procMount_restricted", "procMount", ((35, proc_mount),), replaces="procMount"),
    Control("restrictedVolumes", "restricted volume types", ((0, restricted_volumes),), replaces="hostPathVolumes"),
    Control("runAsNonRoot", "runAsNonRoot != true", _own_users_since_1_35(0, run_as_non_root)),
    Control("runAsUser", "runAsUser=0", _own_users_since_1_35(23, run_as_user)),
    Control(
        "seccompProfile_restricted",
        "seccompProfile",
        _windows_since_1_25(19, seccomp_restricted),
        replaces="seccompProfile_baseline",
    ),
)
