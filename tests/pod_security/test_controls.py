"""Every control, allowed and forbidden, around every version in which it has changed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fixer.pod_security import LATEST, NEWEST, Level, control_ids, evaluate, parse_version
from fixer.understand.workloads import pod_templates

NAMES = ("containers", "initContainers", "ephemeralContainers")
APPARMOR = "container.apparmor.security.beta.kubernetes.io/app"
SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_APP = "container.seccomp.security.alpha.kubernetes.io/app"


def pod(changes: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """Give a pod that restricted allows, with these changes: `containers[0].x.y` or `securityContext.x` to a value."""
    base: dict[str, Any] = {
        "metadata": {"name": "it"},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "app",
                    "image": "app:1",
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
            **spec,
        },
    }
    for path, value in (changes or {}).items():
        place: Any = base["spec"]
        *steps, last = path.replace("containers[0]", "containers.0").split(".")
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(value)
    return base


def annotated(**annotations: str) -> dict[str, Any]:
    found = pod()
    found["metadata"]["annotations"] = annotations
    return found


def found(one: Any, level: str, version: str) -> list[tuple[str, str]]:
    return [(v.control, v.path) for v in evaluate(one, level, version)]


C = "containers[0].securityContext"
OWN = {"hostUsers": False}
WINDOWS = {"os": {"name": "windows"}}

# What is forbidden: the pod, the level, the control, the path, the first version and the last one (0 for none).
FORBIDDEN: list[tuple[dict[str, Any], str, str, str, int, int]] = [
    (pod(hostNetwork=True), "baseline", "hostNamespaces", "hostNetwork", 0, 0),
    (pod(hostPID=True), "baseline", "hostNamespaces", "hostPID", 0, 0),
    (pod(hostIPC=True), "restricted", "hostNamespaces", "hostIPC", 0, 0),
    (pod({f"{C}.privileged": True}), "baseline", "privileged", f"{C}.privileged", 0, 0),
    (pod({f"{C}.capabilities.add": ["NET_RAW"]}), "baseline", "capabilities_baseline", f"{C}.capabilities.add", 0, 0),
    (pod({f"{C}.capabilities.add": ["chown"]}), "baseline", "capabilities_baseline", f"{C}.capabilities.add", 0, 0),
    (pod({f"{C}.capabilities.add": ["CAP_CHOWN"]}), "baseline", "capabilities_baseline", f"{C}.capabilities.add", 0, 0),
    (
        pod({f"{C}.capabilities.add": ["SYS_TIME"]}),
        "restricted",
        "capabilities_baseline",
        f"{C}.capabilities.add",
        0,
        21,
    ),
    (
        pod({f"{C}.capabilities.add": ["CHOWN"]}),
        "restricted",
        "capabilities_restricted",
        f"{C}.capabilities.add",
        22,
        0,
    ),
    (
        pod({f"{C}.capabilities.drop": ["all"]}),
        "restricted",
        "capabilities_restricted",
        f"{C}.capabilities.drop",
        22,
        0,
    ),
    (pod({f"{C}.capabilities": None}), "restricted", "capabilities_restricted", f"{C}.capabilities.drop", 22, 0),
    (
        pod({f"{C}.capabilities": None}, **WINDOWS),
        "restricted",
        "capabilities_restricted",
        f"{C}.capabilities.drop",
        22,
        24,
    ),
    (
        pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
        "baseline",
        "hostPathVolumes",
        "volumes[0].hostPath",
        0,
        0,
    ),
    (
        pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
        "restricted",
        "restrictedVolumes",
        "volumes[0].hostPath",
        0,
        0,
    ),
    (pod(volumes=[{"name": "v", "nfs": {}}]), "restricted", "restrictedVolumes", "volumes[0].nfs", 0, 0),
    (pod(volumes=[{"name": "v", "unheardOf": {}}]), "restricted", "restrictedVolumes", "volumes[0].unheardOf", 0, 0),
    (
        pod({"containers[0].ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81}]}),
        "baseline",
        "hostPorts",
        "containers[0].ports[1].hostPort",
        0,
        0,
    ),
    (
        pod({"containers[0].ports": [{"containerPort": 80}]}, hostNetwork=True),
        "baseline",
        "hostPorts",
        "containers[0].ports[0].hostPort",
        0,
        0,
    ),
    (
        pod({"containers[0].livenessProbe.httpGet.host": "127.0.0.1"}),
        "baseline",
        "hostProbesAndHostLifecycle",
        "containers[0].livenessProbe.httpGet.host",
        34,
        0,
    ),
    (
        pod({"containers[0].startupProbe.tcpSocket.host": "a.example"}),
        "restricted",
        "hostProbesAndHostLifecycle",
        "containers[0].startupProbe.tcpSocket.host",
        34,
        0,
    ),
    (
        pod({"containers[0].lifecycle.preStop.httpGet.host": "a.example"}),
        "baseline",
        "hostProbesAndHostLifecycle",
        "containers[0].lifecycle.preStop.httpGet.host",
        34,
        0,
    ),
    (
        annotated(**{APPARMOR: "unconfined"}),
        "baseline",
        "appArmorProfile",
        f"metadata.annotations['{APPARMOR}']",
        0,
        0,
    ),
    (
        pod({"securityContext.appArmorProfile": {"type": "Unconfined"}}),
        "baseline",
        "appArmorProfile",
        "securityContext.appArmorProfile.type",
        0,
        0,
    ),
    (
        pod({f"{C}.appArmorProfile": {"type": "Unconfined"}}),
        "restricted",
        "appArmorProfile",
        f"{C}.appArmorProfile.type",
        0,
        0,
    ),
    (
        pod({"securityContext.seLinuxOptions": {"type": "spc_t"}}),
        "baseline",
        "seLinuxOptions",
        "securityContext.seLinuxOptions.type",
        0,
        0,
    ),
    (
        pod({f"{C}.seLinuxOptions": {"type": "container_engine_t"}}),
        "baseline",
        "seLinuxOptions",
        f"{C}.seLinuxOptions.type",
        0,
        30,
    ),
    (pod({f"{C}.seLinuxOptions": {"user": "u"}}), "baseline", "seLinuxOptions", f"{C}.seLinuxOptions.user", 0, 0),
    (pod({f"{C}.seLinuxOptions": {"role": "r"}}), "baseline", "seLinuxOptions", f"{C}.seLinuxOptions.role", 0, 0),
    (pod({f"{C}.procMount": "Unmasked"}), "baseline", "procMount", f"{C}.procMount", 0, 0),
    (pod({f"{C}.procMount": "Unmasked"}, **OWN), "baseline", "procMount", f"{C}.procMount", 0, 34),
    (pod({f"{C}.procMount": "Unmasked"}, **OWN), "restricted", "procMount", f"{C}.procMount", 0, 34),
    (pod({f"{C}.procMount": "Unmasked"}, **OWN), "restricted", "procMount_restricted", f"{C}.procMount", 35, 0),
    (
        annotated(**{SECCOMP: "unconfined"}),
        "baseline",
        "seccompProfile_baseline",
        f"metadata.annotations['{SECCOMP}']",
        0,
        18,
    ),
    (
        annotated(**{SECCOMP_APP: "unconfined"}),
        "restricted",
        "seccompProfile_baseline",
        f"metadata.annotations['{SECCOMP_APP}']",
        0,
        18,
    ),
    (
        pod({f"{C}.seccompProfile": {"type": "Unconfined"}}),
        "baseline",
        "seccompProfile_baseline",
        f"{C}.seccompProfile.type",
        19,
        0,
    ),
    (
        pod({f"{C}.seccompProfile": {"type": "Unconfined"}}, **WINDOWS),
        "restricted",
        "seccompProfile_restricted",
        f"{C}.seccompProfile.type",
        19,
        24,
    ),
    (
        pod({"securityContext.seccompProfile": None}),
        "restricted",
        "seccompProfile_restricted",
        f"{C}.seccompProfile.type",
        19,
        0,
    ),
    (
        pod({"securityContext.seccompProfile": {}}),
        "restricted",
        "seccompProfile_restricted",
        "securityContext.seccompProfile.type",
        19,
        0,
    ),
    (
        pod({"securityContext.windowsOptions.hostProcess": True}),
        "baseline",
        "windowsHostProcess",
        "securityContext.windowsOptions.hostProcess",
        0,
        0,
    ),
    (
        pod({f"{C}.windowsOptions.hostProcess": True}, **WINDOWS),
        "restricted",
        "windowsHostProcess",
        f"{C}.windowsOptions.hostProcess",
        0,
        0,
    ),
    (
        pod({f"{C}.allowPrivilegeEscalation": None}),
        "restricted",
        "allowPrivilegeEscalation",
        f"{C}.allowPrivilegeEscalation",
        8,
        0,
    ),
    (
        pod({f"{C}.allowPrivilegeEscalation": True}, **WINDOWS),
        "restricted",
        "allowPrivilegeEscalation",
        f"{C}.allowPrivilegeEscalation",
        8,
        24,
    ),
    (pod({"securityContext.runAsNonRoot": None}), "restricted", "runAsNonRoot", f"{C}.runAsNonRoot", 0, 0),
    (
        pod({"securityContext.runAsNonRoot": False, f"{C}.runAsNonRoot": True}),
        "restricted",
        "runAsNonRoot",
        "securityContext.runAsNonRoot",
        0,
        0,
    ),
    (pod({f"{C}.runAsNonRoot": False}), "restricted", "runAsNonRoot", f"{C}.runAsNonRoot", 0, 0),
    (pod({f"{C}.runAsNonRoot": False}, **OWN), "restricted", "runAsNonRoot", f"{C}.runAsNonRoot", 0, 34),
    (pod({f"{C}.runAsNonRoot": False}, **WINDOWS), "restricted", "runAsNonRoot", f"{C}.runAsNonRoot", 0, 0),
    (pod({f"{C}.runAsUser": 0}), "restricted", "runAsUser", f"{C}.runAsUser", 23, 0),
    (pod({"securityContext.runAsUser": 0}, **OWN), "restricted", "runAsUser", "securityContext.runAsUser", 23, 34),
]
for sysctl, since in {
    "kernel.msgmax": 0,
    "net.ipv4.ip_local_reserved_ports": 27,
    "net.ipv4.tcp_keepalive_time": 29,
    "net.ipv4.tcp_fin_timeout": 29,
    "net.ipv4.tcp_keepalive_intvl": 29,
    "net.ipv4.tcp_keepalive_probes": 29,
    "net.ipv4.tcp_rmem": 32,
    "net.ipv4.tcp_wmem": 32,
    "net.ipv4.tcp_slow_start_after_idle": 37,
    "net.ipv4.tcp_notsent_lowat": 37,
}.items():
    row = pod({"securityContext.sysctls": [{"name": sysctl, "value": "1"}]})
    FORBIDDEN.append((row, "baseline", "sysctls", "securityContext.sysctls[0].name", 0, since - 1 if since else 0))


@pytest.mark.parametrize(("one", "level", "control", "path", "since", "until"), FORBIDDEN)
def test_forbidden(one: dict[str, Any], level: str, control: str, path: str, since: int, until: int) -> None:
    for minor in range(40):
        held = since <= minor and (not until or minor <= until)
        assert ((control, path) in found(one, level, f"v1.{minor}")) == held, f"v1.{minor}"


ALLOWED = [
    pod(),
    pod(hostNetwork=False, hostPID=False, hostIPC=False),
    pod({f"{C}.privileged": False, f"{C}.procMount": "Default", f"{C}.capabilities.add": ["NET_BIND_SERVICE"]}),
    pod(volumes=[{"name": "v"}, {"name": "w", "emptyDir": None}, {"name": "x", "hostPath": None}]),
    pod(volumes=[{"name": kind, kind: {}} for kind in "configMap csi downwardAPI emptyDir ephemeral image".split()]),
    pod(volumes=[{"name": kind, kind: {}} for kind in ("persistentVolumeClaim", "projected", "secret")]),
    pod({"containers[0].ports": [{"containerPort": 80, "hostPort": 0}]}),
    pod({"containers[0].livenessProbe.httpGet": {"host": "", "port": 1}}),
    pod({"containers[0].livenessProbe.exec.command": ["true"]}),
    pod({"securityContext.appArmorProfile": {"type": "Localhost", "localhostProfile": "x"}}),
    pod({"securityContext.seLinuxOptions": {"type": "container_kvm_t", "level": "s0", "user": ""}}),
    pod({"securityContext.sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}),
    pod({"securityContext.windowsOptions": {"hostProcess": False}}),
    pod({"securityContext.runAsUser": 1000, f"{C}.runAsUser": 1001}),
    pod({"securityContext.runAsNonRoot": None, f"{C}.runAsNonRoot": True}),
    pod({"securityContext.seccompProfile": None, f"{C}.seccompProfile": {"type": "Localhost"}}),
    annotated(**{APPARMOR: "runtime/default", SECCOMP: "docker/default", SECCOMP_APP: "localhost/x"}),
    annotated(**{APPARMOR: "localhost/x", "container.seccomp.security.alpha.kubernetes.io/other": "unconfined"}),
    annotated(**{APPARMOR: ""}),
]


@pytest.mark.parametrize("one", ALLOWED)
def test_allowed(one: dict[str, Any]) -> None:
    for minor in range(40):
        assert found(one, "restricted", f"v1.{minor}") == [], f"v1.{minor}"


def test_own_users_and_windows_are_let_off_in_time() -> None:
    root = pod({"securityContext": {}, f"{C}.runAsUser": 0}, **OWN)
    assert {v.control for v in evaluate(root, "restricted", "v1.34")} >= {"runAsNonRoot", "runAsUser"}
    assert {v.control for v in evaluate(root, "restricted", "v1.35")} == {"seccompProfile_restricted"}
    bare = {"spec": {**WINDOWS, "securityContext": {"runAsNonRoot": True}, "containers": [{"name": "a"}]}}
    assert len(evaluate(bare, "restricted", "v1.24")) == 3
    assert evaluate(bare, "restricted", "v1.25") == ()


@pytest.mark.parametrize("name", NAMES)
def test_all_kinds_of_containers_count(name: str) -> None:
    containers: Any = [{"name": "x", "securityContext": {"privileged": True}}]
    one = pod(None, **{name: containers})
    controls = {v.control for v in evaluate(one) if v.path.startswith(f"{name}[0].")}
    assert controls == {"allowPrivilegeEscalation", "capabilities_restricted", "privileged"}


# --- words, paths, versions -----------------------------------------------------------------------------------------


def test_the_words_are_those_of_kubernetes() -> None:
    bare = {"spec": {"hostNetwork": True, "containers": [{"name": "web", "image": "nginx"}]}}
    assert [v.message for v in evaluate(bare)] == [
        "host namespaces (hostNetwork=true)",
        'allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false)',
        'unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"])',
        'runAsNonRoot != true (pod or container "web" must set securityContext.runAsNonRoot=true)',
        'seccompProfile (pod or container "web" must set securityContext.seccompProfile.type to "RuntimeDefault" or'
        ' "Localhost")',
    ]


def test_paths_lead_from_where_the_prefix_says() -> None:
    one = pod({"securityContext.runAsNonRoot": None})
    one["metadata"]["annotations"] = {APPARMOR: "unconfined"}
    at = "spec.template.spec"
    assert [v.path for v in evaluate(one, prefix=at)] == [
        f"spec.template.metadata.annotations['{APPARMOR}']",
        f"{at}.containers[0].securityContext.runAsNonRoot",
    ]


def test_a_template_knows_its_place() -> None:
    one = pod({f"{C}.privileged": True})
    listed = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": one}}
    (template,) = pod_templates({"apiVersion": "v1", "kind": "List", "items": [listed]})
    (violation,) = evaluate(template, "baseline")
    assert violation.path == f"items[0].spec.template.spec.{C}.privileged"
    assert evaluate(template, "baseline", prefix="") == evaluate(one, "baseline")


def test_a_whole_object_is_judged_by_the_pods_that_it_describes() -> None:
    one = pod({f"{C}.privileged": True})
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": {"template": one}}
    (violation,) = evaluate(deployment, "baseline")
    assert violation.path == f"spec.template.spec.{C}.privileged"
    assert evaluate({"apiVersion": "v1", "kind": "Service", "spec": {}}) == ()
    assert evaluate({"apiVersion": "v1", "kind": "Pod", **one}, "baseline")[0].path == f"{C}.privileged"


def test_versions() -> None:
    assert NEWEST == "v1.37"
    assert parse_version(LATEST) == parse_version(NEWEST) == 37
    assert control_ids("restricted", "v1.99") == control_ids("restricted", LATEST)
    assert control_ids("restricted", f"v1.{'9' * 5000}") == control_ids("restricted")
    assert control_ids(Level.PRIVILEGED) == ()
    assert len(control_ids("baseline")) == 12
    assert len(control_ids("restricted")) == 15
    assert "capabilities_baseline" in control_ids("restricted", "v1.21")
    assert "capabilities_baseline" not in control_ids("restricted", "v1.22")


@pytest.mark.parametrize(
    "version", ["", "1.25", "v1", "v1.", "v2.0", "v1.01", "v1.-1", "v1.x", "Latest", "v1.2.3", "v1.٣"]
)
def test_malformed_versions_are_told(version: str) -> None:
    with pytest.raises(ValueError, match=r"write v1\.0 to v1\.37, or latest"):
        evaluate(pod(), "restricted", version)


def test_an_unknown_level_is_told() -> None:
    with pytest.raises(ValueError, match="strict"):
        evaluate(pod(), "strict")


# --- what the API server would not decode ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one",
    [
        pod({"securityContext.runAsNonRoot": "true"}),
        pod({f"{C}.allowPrivilegeEscalation": "false"}),
        pod({f"{C}.privileged": "false"}),
        pod({f"{C}.capabilities.drop": "ALL"}),
        pod({f"{C}.capabilities.add": [["x"], None]}),
        pod({f"{C}.runAsUser": "1000"}),
        pod({f"{C}.procMount": {}}),
        pod({"securityContext.seLinuxOptions": {"type": []}}),
        pod({"securityContext.sysctls": [{"name": []}, None]}),
        pod(hostNetwork="no"),
    ],
)
def test_wrong_types_are_forbidden(one: dict[str, Any]) -> None:
    assert evaluate(one)


@pytest.mark.parametrize("one", [{}, {"spec": None}, {"spec": []}, {"spec": {"containers": None}}, {"metadata": "x"}])
def test_nothing_is_forbidden_where_nothing_is(one: dict[str, Any]) -> None:
    assert evaluate(one) == ()


def test_a_container_that_is_no_map_has_no_settings() -> None:
    assert {v.path.partition(".")[0] for v in evaluate({"spec": {"containers": [None, "x"]}})} == {
        "containers[0]",
        "containers[1]",
    }
