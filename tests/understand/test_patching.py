"""What a patch makes of an object: by the standard, and by the Kustomize of kubectl where that is at hand."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fixer.syntax.yaml import values
from fixer.understand.patching import CannotApply, equal, merge, operate, pointer

OBJECT: dict[str, Any] = {"a": {"b": [10, 20, {"c": 1}]}, "x/y": {"m~n": "old"}, "yes": True}


def op(kind: str, path: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"op": kind, "path": path, "value": value, **more}


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (op("add", "/new", 1), {**OBJECT, "new": 1}),
        (op("add", "/a", 1), {**OBJECT, "a": 1}),
        (op("add", "/a/b/-", 30), {**OBJECT, "a": {"b": [10, 20, {"c": 1}, 30]}}),
        (op("add", "/a/b/0", 30), {**OBJECT, "a": {"b": [30, 10, 20, {"c": 1}]}}),
        (op("add", "/a/b/3", 30), {**OBJECT, "a": {"b": [10, 20, {"c": 1}, 30]}}),
        (op("add", "/a/b/-1", 30), {**OBJECT, "a": {"b": [10, 20, {"c": 1}, 30]}}),
        (op("add", "/a/b/4", 30), None),
        (op("add", "/no/b", 30), None),
        (op("add", "/yes/b", 30), None),
        (op("replace", "/a/b/2/c", 2), {**OBJECT, "a": {"b": [10, 20, {"c": 2}]}}),
        (op("replace", "/a/b/-1/c", 2), {**OBJECT, "a": {"b": [10, 20, {"c": 2}]}}),
        (op("replace", "/x~1y/m~0n", "new"), {**OBJECT, "x/y": {"m~n": "new"}}),
        (op("replace", "/new", 1), {**OBJECT, "new": 1}),
        (op("replace", "/no/c", 2), None),
        (op("replace", "/a/b/-", 2), None),
        (op("replace", "/a/b/3", 2), None),
        (op("replace", "/a/b/99999999999", 2), None),
        (op("remove", "/a/b/0"), {**OBJECT, "a": {"b": [20, {"c": 1}]}}),
        (op("remove", "/a/b"), {**OBJECT, "a": {}}),
        (op("remove", "/a/no"), None),
        (op("test", "/a/b", [10, 20, {"c": 1}]), OBJECT),
        (op("test", "/yes", 1), None),
        (op("test", "/no", 1), None),
        (op("move", "/z", **{"from": "/a/b/2"}), {**OBJECT, "a": {"b": [10, 20]}, "z": {"c": 1}}),
        (op("copy", "/z", **{"from": "/a/b/2"}), {**OBJECT, "z": {"c": 1}}),
        (op("copy", "/z", **{"from": "/no"}), None),
        (op("move", "/z"), None),
        (op("jump", "/z"), None),
        (op("add", ""), None),
        (op("add", "a"), None),
        ({"op": ["add"], "path": ["/a"]}, None),
        ({}, None),
    ],
)
def test_operations(operation: dict[str, Any], after: dict[str, Any] | None) -> None:
    before = json.dumps(OBJECT)
    if after is None:
        with pytest.raises(CannotApply):
            operate(OBJECT, operation)
    else:
        assert equal(operate(OBJECT, operation), after)
    assert json.dumps(OBJECT) == before


def test_pointers() -> None:
    assert pointer("/a/b~1c/~01/-/0") == ("a", "b/c", "~1", "-", "0")
    assert pointer("/") == ("",)


POD = """
containers:
- {name: a, image: a1, command: [run, it], securityContext: {runAsUser: 1, capabilities: {drop: [ALL]}}}
- name: b
  image: b1
  ports: [{containerPort: 80}, {containerPort: 81, name: admin}]
  env: [{name: A, value: "1"}, {name: B, value: "2"}]
  volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /w}]
initContainers: [{name: i, image: i1}]
securityContext: {runAsNonRoot: true, fsGroup: 5}
tolerations: [{key: k}]
volumes: [{name: v, emptyDir: {}}, {name: w, emptyDir: {}}]
"""
MERGES = {
    "a scalar in a map": "securityContext: {fsGroup: 6}",
    "an empty map": "securityContext: {}",
    "a null": "securityContext: null",
    "a null below": "securityContext: {fsGroup: null, runAsUser: 7}",
    "a null that was not there": "hostPID: null",
    "a map deleted": "securityContext: {$patch: delete}",
    "a map replaced": "securityContext: {$patch: replace, runAsUser: 7}",
    "a container by its name": "containers: [{name: b, image: b2}]",
    "two containers, turned round": "containers: [{name: b, image: b2}, {name: a, image: a2}]",
    "a new container": "containers: [{name: c, image: c1, args: null}]",
    "new and old containers": "containers: [{name: c, image: c1}, {name: a, image: a2}, {name: d, image: d1}]",
    "a container deleted": "containers: [{name: a, $patch: delete}]",
    "a strange container deleted": "containers: [{name: z, $patch: delete}]",
    "containers replaced": "containers: [{name: new, image: new1}, {$patch: replace}]",
    "no containers at all": "containers: []",
    "containers null": "initContainers: null",
    "lists of words": "containers: [{name: a, command: [z], securityContext: {capabilities: {drop: [NET_RAW]}}}]",
    "an empty list of words": "containers: [{name: a, command: []}]",
    "an init container": "initContainers: [{name: i, securityContext: {privileged: true}}]",
    "environment": "containers: [{name: b, env: [{name: B, value: '3'}, {name: C, value: '4'}]}]",
    "ports": "containers: [{name: b, ports: [{containerPort: 81, hostPort: 1}, {containerPort: 82}]}]",
    "mounts": "containers: [{name: b, volumeMounts: [{mountPath: /w, name: w}, {mountPath: /z, name: w}]}]",
    "volumes": "volumes: [{name: v, emptyDir: {medium: Memory}}, {name: x, emptyDir: {}}]",
    "a volume of another sort": "volumes: [{name: v, emptyDir: null, hostPath: {path: /}}]",
    "tolerations": "tolerations: [{key: l}]",
    "host aliases": "hostAliases: [{ip: 1.1.1.1, hostnames: [a]}]",
    "a first list": "imagePullSecrets: [{name: s}]",
}
WRAPPED = {
    "Deployment": ("apps/v1", True),
    "Rollout": ("argoproj.io/v1alpha1", False),
}


def wrapped(kind: str, name: str, spec: str) -> dict[str, Any]:
    metadata = {"name": name}
    pod = {"template": {"spec": values(spec)[0]}}
    return {"apiVersion": WRAPPED[kind][0], "kind": kind, "metadata": metadata, "spec": pod}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Any]:
    """Give what kubectl makes of all patches at once."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl")
    folder: Path = tmp_path_factory.mktemp("kustomize")
    names = {title: f"case-{number}" for number, title in enumerate(MERGES)}
    objects = [wrapped(kind, names[title], POD) for kind in WRAPPED for title in MERGES]
    patches = [wrapped(kind, names[title], patch) for kind in WRAPPED for title, patch in MERGES.items()]
    (folder / "all.yaml").write_text("---\n".join(f"{json.dumps(one)}\n" for one in objects))
    kustomization = {"resources": ["all.yaml"], "patches": [{"patch": json.dumps(one)} for one in patches]}
    (folder / "kustomization.yaml").write_text(json.dumps(kustomization))
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, timeout=120, check=True)
    titles = {name: title for title, name in names.items()}
    return {(one["kind"], titles[one["metadata"]["name"]]): one for one in values(done.stdout)}


@pytest.mark.parametrize("kind", WRAPPED)
@pytest.mark.parametrize("title", MERGES)
def test_merges_are_those_of_kustomize(built: dict[tuple[str, str], Any], kind: str, title: str) -> None:
    after = merge(wrapped(kind, "x", POD), wrapped(kind, "x", MERGES[title]), WRAPPED[kind][1])
    assert after is not None
    assert after["spec"] == built[kind, title]["spec"]
