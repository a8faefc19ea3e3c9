"""The admission policy: its expressions are evaluated by an implementation of CEL, on what Kubernetes tests its own by.

`celpy` has no `variables` of its own: each is evaluated here before the validations, as the API server does on demand.
What it cannot tell is whether the API server's static types agree; all access goes through `dyn`, so that they have no
say.
"""

from __future__ import annotations

import copy
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import celpy
import pytest
from celpy import celtypes
from celpy.adapter import json_to_cel

from fixer.pod_security import Level, evaluate
from fixer.syntax.yaml import load_stream
from fixer.templates import render
from tests import process
from tests.pod_security.test_conformance import fixtures

__all__ = ["fixtures"]

LEVELS = ("baseline", "restricted")
VERSION = "v1.32"
# The controls that the policy judges, by the names of the fixtures; the others are left to Pod Security admission.
JUDGED = {
    "baseline": "capabilities_baseline hostnamespaces hostpathvolumes hostports privileged seccompprofile_baseline",
    "restricted": "allowprivilegeescalation capabilities_restricted restrictedvolumes runasnonroot runasuser"
    " seccompprofile_restricted",
}
OTHERS = {"apparmorprofile", "procmount", "selinuxoptions", "sysctls", "windowshostprocess"}
GOOD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "good"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "a",
                "image": "a",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}


def rendered(level: str, namespaces: list[str] | None = None, action: str = "Deny") -> str:
    values = {"level": level, "namespaces": namespaces or [], "action": action}
    return render("kubernetes/admission-policy.yaml.j2", **values)


@cache
def policy(level: str) -> dict[str, Any]:
    found, _ = load_stream(rendered(level))
    assert isinstance(found, dict)
    return found


@cache
def program(expression: str) -> celpy.Runner:
    env = celpy.Environment()
    return env.program(env.compile(expression))


def denied(level: str, value: Any, old: Any = None) -> list[str]:
    """The controls whose validation forbids an object; an expression that fails fails the test."""
    spec = policy(level)["spec"]
    operation = {"operation": "CREATE" if old is None else "UPDATE"}
    known = {"object": value, "oldObject": old, "request": operation, "variables": {}}
    given: dict[str, Any] = {key: json_to_cel(one) for key, one in known.items()}
    for condition in spec["matchConditions"]:
        if not program(condition["expression"]).evaluate(given):
            return []
    variables = celtypes.MapType()
    for variable in spec["variables"]:
        found = program(variable["expression"]).evaluate({**given, "variables": variables})
        if type(found) is list:  # what `+` of celpy makes of two lists
            found = celtypes.ListType(found)
        variables[celtypes.StringType(variable["name"])] = found
    out = []
    for validation in spec["validations"]:
        verdict = program(validation["expression"]).evaluate({**given, "variables": variables})
        assert isinstance(verdict, celtypes.BoolType | bool), validation
        if not verdict:
            out.append(validation["message"].partition(":")[0])
    return out


def wrapped(value: Any, kind: str) -> Any:
    """The object of another kind whose pods are these."""
    template = {"metadata": {}, "spec": value["spec"]}
    if kind == "CronJob":
        return {"kind": kind, "metadata": {}, "spec": {"jobTemplate": {"spec": {"template": template}}}}
    return {"kind": kind, "metadata": {}, "spec": {"template": template, "selector": {}}}


def defaulted(pod: Any) -> Any:
    """The pod with what the API server fills in before it asks a policy, as far as the policy looks at it."""
    pod = copy.deepcopy(pod)
    spec = pod["spec"]
    for volume in spec.get("volumes", ()):
        if list(volume) == ["name"]:
            volume["emptyDir"] = {}
    if spec.get("hostNetwork"):
        for port in (port for one in spec["containers"] for port in one.get("ports", ())):
            port["hostPort"] = port.get("hostPort") or port["containerPort"]
    return pod


KINDS = ("Pod", "Deployment", "CronJob")


def of_kind(value: Any, kind: str) -> Any:
    return value if kind == "Pod" else wrapped(value, kind)


# --- the fixtures of Kubernetes -------------------------------------------------------------------------------------


def of_level(folder: Path, level: str) -> list[tuple[str, str, Any]]:
    """The fixtures of a level: the verdict of Kubernetes, the control, and the pod."""
    files = sorted((folder / level / VERSION).glob("*/*.yaml"))
    assert len(files) > 30
    rows = ((file, load_stream(file.read_text(encoding="utf-8"))) for file in files)
    return [(file.parent.name, file.stem.rstrip("0123456789"), defaulted(pod)) for file, (pod,) in rows]


@pytest.mark.parametrize("level", LEVELS)
def test_the_fixtures_of_kubernetes(fixtures: Path, level: str) -> None:
    """What passes is allowed, and what a control of the policy forbids is denied, whatever the kind."""
    judged = set(" ".join(JUDGED[one] for one in LEVELS[: LEVELS.index(level) + 1]).split())
    wrong, seen = [], set()
    for verdict, name, pod in of_level(fixtures, level):
        if verdict == "fail" and name in OTHERS:
            continue
        seen |= {name} if verdict == "fail" else set()
        for kind in KINDS:
            found = denied(level, of_kind(pod, kind))
            if bool(found) != (verdict == "fail"):
                wrong.append((verdict, name, kind, found))
    assert not wrong
    assert seen == judged


@pytest.mark.parametrize("level", LEVELS)
def test_every_control_has_its_message(fixtures: Path, level: str) -> None:
    told = set()
    for verdict, _, pod in of_level(fixtures, level):
        told |= set(denied(level, pod)) if verdict == "fail" else set()
    assert told == {one["message"].partition(":")[0] for one in policy(level)["spec"]["validations"]}


# --- agreement with the evaluator -----------------------------------------------------------------------------------

CONTROLS = {
    "privileged": "privileged",
    "hostNamespaces": "hostNetwork, hostPID, hostIPC",
    "hostPorts": "hostPort",
    "hostPathVolumes": "volumes",
    "restrictedVolumes": "volumes",
    "runAsNonRoot": "runAsNonRoot",
    "runAsUser": "runAsUser",
    "allowPrivilegeEscalation": "allowPrivilegeEscalation",
    "capabilities_baseline": "capabilities",
    "capabilities_restricted": "capabilities",
    "seccompProfile_baseline": "seccompProfile",
    "seccompProfile_restricted": "seccompProfile",
}
POD = ("spec",)
CONTEXT = ("spec", "securityContext")
FIRST = ("spec", "containers", 0)
OWN = (*FIRST, "securityContext")
INIT = {"name": "i", "image": "i"}
# Each a place in the good pod, a key and its value; None takes the key away.
CHANGES: list[tuple[tuple[str | int, ...], str, Any]] = [
    (POD, "securityContext", None),
    (FIRST, "securityContext", None),
    (CONTEXT, "runAsNonRoot", False),
    (CONTEXT, "runAsNonRoot", None),
    (CONTEXT, "runAsUser", 0),
    (CONTEXT, "runAsUser", 7),
    (CONTEXT, "seccompProfile", None),
    (CONTEXT, "seccompProfile", {"type": "Unconfined"}),
    (CONTEXT, "seccompProfile", {"type": "Localhost", "localhostProfile": "x"}),
    (OWN, "runAsNonRoot", False),
    (OWN, "runAsNonRoot", True),
    (OWN, "runAsUser", 0),
    (OWN, "privileged", True),
    (OWN, "privileged", False),
    (OWN, "allowPrivilegeEscalation", True),
    (OWN, "allowPrivilegeEscalation", None),
    (OWN, "capabilities", None),
    (OWN, "capabilities", {}),
    (OWN, "capabilities", {"drop": ["all"]}),
    (OWN, "capabilities", {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
    (OWN, "capabilities", {"drop": ["ALL"], "add": ["CHOWN"]}),
    (OWN, "capabilities", {"drop": ["NET_RAW", "ALL"], "add": ["SYS_ADMIN"]}),
    (OWN, "seccompProfile", {"type": "Unconfined"}),
    (OWN, "seccompProfile", {"type": "RuntimeDefault"}),
    (POD, "hostNetwork", True),
    (POD, "hostPID", True),
    (POD, "hostIPC", True),
    (POD, "hostIPC", False),
    (POD, "os", {"name": "windows"}),
    (POD, "os", {"name": "linux"}),
    (POD, "initContainers", [INIT]),
    (POD, "ephemeralContainers", [INIT]),
    (POD, "volumes", []),
    (POD, "volumes", [{"name": "v", "hostPath": {"path": "/"}}]),
    (POD, "volumes", [{"name": "v", "emptyDir": {}}, {"name": "w", "nfs": {"server": "x"}}]),
    (POD, "volumes", [{"name": "v", "image": {}}, {"name": "w", "persistentVolumeClaim": {"claimName": "x"}}]),
    (FIRST, "ports", [{"containerPort": 80}]),
    (FIRST, "ports", [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81}]),
    (FIRST, "ports", [{"containerPort": 80, "hostPort": 0}]),
]


def changed(value: Any, change: tuple[tuple[str | int, ...], str, Any]) -> Any:
    path, key, new = change
    out = at = copy.deepcopy(value)
    for step in path:
        at = at.setdefault(step, {}) if isinstance(step, str) else at[step]
    at[key] = new
    if new is None:
        del at[key]
    return out


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_it_says_what_the_evaluator_says(level: str, number: int) -> None:
    """For each change of a good pod, alone and with its neighbours: the same controls forbid it."""
    one = changed(GOOD, CHANGES[number])
    for two in (one, *(changed(one, change) for change in CHANGES[number + 1 : number + 5])):
        expected = {CONTROLS[found.control] for found in evaluate(two, Level(level), VERSION)}
        assert set(denied(level, defaulted(two))) == expected, two


def test_a_good_pod_is_allowed_whatever_makes_it() -> None:
    for level in LEVELS:
        for kind in ("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"):
            assert denied(level, of_kind(GOOD, kind)) == []
    assert "runAsUser" in denied("restricted", wrapped(changed(GOOD, (CONTEXT, "runAsUser", 0)), "CronJob"))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("spec", [{}, {"template": {"spec": {}}}, {"containers": []}, {"os": {}, "containers": [{}]}])
def test_no_expression_fails(level: str, spec: Any) -> None:
    denied(level, {"kind": "Any", "metadata": {}, "spec": spec})


def test_what_leaves_the_spec_alone_is_let_through() -> None:
    bad = changed(GOOD, (POD, "hostPID", True))
    assert denied("restricted", bad, GOOD)
    assert not denied("restricted", bad, {**bad, "metadata": {"finalizers": ["x"]}})


# --- the objects around the expressions -----------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_the_policy_and_its_binding(level: str) -> None:
    found, binding = load_stream(rendered(level))
    assert [one["apiVersion"] for one in (found, binding)] == ["admissionregistration.k8s.io/v1"] * 2
    assert binding["spec"]["policyName"] == found["metadata"]["name"] == f"fixer-{level}"
    kinds = {name for rule in found["spec"]["matchConstraints"]["resourceRules"] for name in rule["resources"]}
    assert kinds >= {"pods", "deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "cronjobs"}
    messages = [one["message"] for one in found["spec"]["validations"]]
    assert len(set(messages)) == len(messages) == (9 if level == "restricted" else 6)
    names = {one["name"] for one in found["spec"]["variables"]}
    used = rendered(level)
    assert all(f"variables.{name}" in used for name in names)


def selector(text: str) -> Any:
    binding = load_stream(text)[1]
    (row,) = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    return row["operator"], row["values"]


def fixer(*words: str) -> subprocess.CompletedProcess[str]:
    return process.fixer(process.ROOT, "admission-policy", *words)


def test_the_command() -> None:
    done = fixer()
    assert (done.returncode, done.stderr, done.stdout) == (0, "", rendered("restricted"))
    assert selector(done.stdout) == ("NotIn", ["kube-system", "kube-public", "kube-node-lease"])
    words = ("--level", "baseline", "--namespace", "shop", "--namespace=123", "--namespace=shop", "--action", "warn")
    done = fixer(*words)
    assert done.stdout == rendered("baseline", ["shop", "123"], "Warn")
    assert selector(done.stdout) == ("In", ["shop", "123"])
    assert load_stream(done.stdout)[1]["spec"]["validationActions"] == ["Warn"]


@pytest.mark.parametrize(
    "words",
    [["--level", "privileged"], ["--action", "Stop"], ["--namespace", "A"], ["--namespace", 'a"\nb'], ["--namespace="],
     ["--namespace", "a" * 64], ["--namespace", "-a"], ["more"]],
)  # fmt: skip
def test_wrong_words_end_with_2(words: list[str]) -> None:
    done = fixer(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
