"""What the Kustomizations of a tree do to a fix: each operation, each rule of merging, each way to include a file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixer.model import EnsureItem, RemoveKey, SetKey, YamlChange
from fixer.syntax.yaml import values
from fixer.understand.kustomize import Kustomize

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  template:
    spec:
      securityContext: {fsGroup: 5}
      containers:
      - name: app
        image: app
        ports: [{containerPort: 80}]
        securityContext: {privileged: true, runAsUser: 0}
      - name: log
        image: log
      volumes: [{name: data, emptyDir: {}}]
"""
SPEC = ("spec", "template", "spec")
APP = (*SPEC, "containers", 0)
POINTER = "/spec/template/spec"
USER = SetKey(0, (*APP, "securityContext"), "runAsUser", 10001)
CONTEXT = SetKey(0, APP, "securityContext", {"runAsUser": 10001})
POD_LEVEL = SetKey(0, (*SPEC, "securityContext"), "runAsNonRoot", True)
LOG = SetKey(0, (*SPEC, "containers", 1, "securityContext"), "runAsNonRoot", True)
UNPRIVILEGED = RemoveKey(0, (*APP, "securityContext"), "privileged")
NO_CONTEXT = RemoveKey(0, APP, "securityContext")
PORT = SetKey(0, (*APP, "ports", 0), "containerPort", 8080)
VOLUME = EnsureItem(0, (*SPEC, "volumes"), {"name": "tmp", "emptyDir": {}})
MOUNT = EnsureItem(0, (*APP, "volumeMounts"), {"name": "tmp", "mountPath": "/tmp"})
DROP = EnsureItem(0, (*APP, "securityContext", "capabilities", "drop"), "ALL")
ANNOTATION = SetKey(0, ("metadata", "annotations"), "a.b/c~d", "x")


def over(files: dict[str, str], asked: list[str] | None = None) -> Kustomize:
    def read(path: str) -> str | None:
        if asked is not None:
            asked.append(path)
        return files.get(path)

    return Kustomize(files, read)


def overlay(kustomization: str, **more: str) -> Kustomize:
    """Give an overlay upon a base with the deployment."""
    return over(
        {
            "base/web.yaml": DEPLOYMENT,
            "base/kustomization.yaml": "resources: [web.yaml]",
            "over/kustomization.yaml": f"resources: [../base]\n{kustomization}",
            **{f"over/{name.replace('_', '.')}": text for name, text in more.items()},
        }
    )


def told(kustomize: Kustomize, *changes: YamlChange, path: str = "base/web.yaml", document: str = DEPLOYMENT) -> str:
    return kustomize.conflict(path, values(document)[0], changes) or ""


def with_operations(*operations: dict[str, Any]) -> Kustomize:
    patch = [{"target": {"kind": "Deployment"}, "patch": json.dumps(operations)}]
    return overlay(f"patches: {json.dumps(patch)}")


def with_merge(spec: str) -> Kustomize:
    pod = {"template": {"spec": values(spec)[0]}}
    patch = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": pod}
    return overlay(f"patches: {json.dumps([{'patch': json.dumps(patch)}])}")


def op(kind: str, path: str, value: Any = None, start: str = "") -> dict[str, Any]:
    return {"op": kind, "path": path, "value": value, **({"from": start} if start else {})}


FIRST = f"{POINTER}/containers/0"


@pytest.mark.parametrize(
    ("change", "operation", "harm"),
    [
        # at the place itself
        (USER, op("replace", f"{FIRST}/securityContext/runAsUser", 0), "overwrite this"),
        (USER, op("replace", f"{FIRST}/securityContext/runAsUser", 10001), ""),
        (USER, op("replace", f"{FIRST}/securityContext/runAsUser", "10001"), "overwrite this"),
        (USER, op("add", f"{FIRST}/securityContext/runAsUser", 5), "overwrite this"),
        (USER, op("remove", f"{FIRST}/securityContext/runAsUser"), "remove this"),
        (USER, op("test", f"{FIRST}/securityContext/runAsUser", 0), "fail after this"),
        (USER, op("test", f"{FIRST}/securityContext/privileged", True), ""),
        (POD_LEVEL, op("replace", f"{POINTER}/securityContext/runAsNonRoot", False), "overwrite this"),
        # above it
        (USER, op("add", f"{FIRST}/securityContext", {"runAsGroup": 1}), "remove this"),
        (USER, op("add", f"{FIRST}/securityContext", {"runAsUser": 10001, "runAsGroup": 1}), ""),
        (USER, op("replace", FIRST, {"name": "app", "image": "new"}), "remove this"),
        (USER, op("remove", FIRST), "remove this"),
        (USER, op("remove", f"{POINTER}/containers/1"), ""),
        (USER, op("replace", POINTER, {"containers": []}), "remove this"),
        (POD_LEVEL, op("add", f"{POINTER}/securityContext", {}), "remove this"),
        (ANNOTATION, op("add", "/metadata/annotations", {"e": "f"}), "remove this"),
        (ANNOTATION, op("add", "/metadata/annotations/a.b~1c~0d", "y"), "overwrite this"),
        (ANNOTATION, op("add", "/metadata/labels", {"e": "f"}), ""),
        # below it
        (CONTEXT, op("replace", f"{FIRST}/securityContext/privileged", False), "no longer find its place"),
        (CONTEXT, op("remove", f"{FIRST}/securityContext/privileged"), "fail after this"),
        (CONTEXT, op("add", f"{FIRST}/securityContext/privileged", False), ""),
        (CONTEXT, op("add", f"{FIRST}/securityContext/runAsUser", 7), "overwrite this"),
        # what is removed
        (UNPRIVILEGED, op("replace", f"{FIRST}/securityContext/privileged", False), "set this again"),
        (UNPRIVILEGED, op("remove", f"{FIRST}/securityContext/privileged"), "fail after this"),
        (UNPRIVILEGED, op("test", f"{FIRST}/securityContext/privileged", True), "fail after this"),
        (UNPRIVILEGED, op("add", f"{FIRST}/securityContext/privileged", True), "set this again"),
        (UNPRIVILEGED, op("add", f"{FIRST}/securityContext", {"privileged": True}), "set this again"),
        (UNPRIVILEGED, op("add", f"{FIRST}/securityContext", {}), ""),
        (UNPRIVILEGED, op("remove", FIRST), ""),
        (NO_CONTEXT, op("add", f"{FIRST}/securityContext/runAsGroup", 1), "fail after this"),
        (NO_CONTEXT, op("replace", f"{FIRST}/securityContext/runAsUser", 1), "fail after this"),
        # lists
        (USER, op("add", f"{POINTER}/containers/-", {"name": "new"}), ""),
        (USER, op("add", f"{POINTER}/containers/0", {"name": "new"}), ""),
        (LOG, op("remove", FIRST), ""),
        (LOG, op("replace", f"{POINTER}/containers/1/name", "other"), ""),
        (PORT, op("replace", f"{FIRST}/ports/0/containerPort", 81), "overwrite this"),
        (PORT, op("test", f"{FIRST}/ports/0/containerPort", 80), "fail after this"),
        (PORT, op("add", f"{FIRST}/ports/-", {"containerPort": 90}), ""),
        (VOLUME, op("add", f"{POINTER}/volumes/-", {"name": "more"}), ""),
        (VOLUME, op("add", f"{POINTER}/volumes", [{"name": "more"}]), "overwrite this"),
        (VOLUME, op("add", f"{POINTER}/volumes", [{"name": "tmp", "emptyDir": {}}]), ""),
        (VOLUME, op("remove", f"{POINTER}/volumes/0"), ""),
        (VOLUME, op("remove", f"{POINTER}/volumes/1"), "overwrite this"),
        (VOLUME, op("remove", f"{POINTER}/volumes"), "remove this"),
        (SetKey(0, APP, "args", ["a"]), op("add", f"{FIRST}/args/-", "b"), ""),
        (RemoveKey(0, (*SPEC, "volumes", 0), "emptyDir"), op("add", f"{POINTER}/volumes/-", {"name": "x"}), ""),
        (RemoveKey(0, SPEC, "volumes"), op("add", f"{POINTER}/volumes/-", {"name": "x"}), "fail after this"),
        (MOUNT, op("add", f"{FIRST}/volumeMounts", [{"name": "data", "mountPath": "/data"}]), "overwrite this"),
        (DROP, op("add", f"{FIRST}/securityContext/capabilities", {"add": ["NET_RAW"]}), "remove this"),
        (DROP, op("add", f"{FIRST}/securityContext/capabilities", {"drop": ["X", "ALL"]}), ""),
        # move and copy
        (USER, op("move", "/metadata/x", start=f"{FIRST}/securityContext"), "remove this"),
        (USER, op("move", f"{FIRST}/securityContext", start=f"{POINTER}/securityContext"), "remove this"),
        (USER, op("copy", f"{FIRST}/securityContext", start=f"{POINTER}/securityContext"), "remove this"),
        (USER, op("copy", f"{POINTER}/containers/1/securityContext", start=f"{FIRST}/securityContext"), ""),
        (NO_CONTEXT, op("copy", "/metadata/x", start=f"{FIRST}/securityContext"), "fail after this"),
        # what goes wrong with and without the fix, or is no operation
        (USER, op("replace", "/nowhere/else", 1), ""),
        (USER, op("replace", "", 1), ""),
        (USER, {}, ""),
        # what goes wrong only without the fix
        (LOG, op("add", f"{POINTER}/containers/1/securityContext/runAsNonRoot", False), "overwrite this"),
    ],
)
def test_operations(change: YamlChange, operation: dict[str, Any], harm: str) -> None:
    sentence = told(with_operations(operation), change)
    assert sentence.endswith(f", which would {harm}; change the patch as well" if harm else "")
    assert bool(sentence) is bool(harm)


@pytest.mark.parametrize(
    ("change", "spec", "harm"),
    [
        (USER, "containers: [{name: app, securityContext: {runAsUser: 0}}]", "overwrite this"),
        (USER, "containers: [{name: app, securityContext: {runAsUser: 10001}}]", ""),
        (USER, "containers: [{name: app, securityContext: {runAsUser: null}}]", "remove this"),
        (USER, "containers: [{name: app, securityContext: null}]", "remove this"),
        (USER, "containers: [{name: app, securityContext: {$patch: delete}}]", "remove this"),
        (USER, "containers: [{name: app, securityContext: {$patch: replace, runAsGroup: 1}}]", "remove this"),
        (USER, "containers: [{name: app, securityContext: {$patch: replace, runAsUser: 10001}}]", ""),
        (USER, "containers: [{name: app, securityContext: {runAsGroup: 1}}]", ""),
        (USER, "containers: [{name: app, securityContext: {}}]", ""),
        (USER, "containers: [{name: app, image: new}]", ""),
        (USER, "containers: [{name: log, securityContext: {runAsUser: 0}}]", ""),
        (USER, "containers: [{name: new, image: new}]", ""),
        (USER, "containers: [{name: app, $patch: delete}]", "remove this"),
        (USER, "containers: [{name: log, $patch: delete}]", ""),
        (USER, "containers: [{$patch: replace}, {name: app, image: new}]", "remove this"),
        (USER, "initContainers: [{name: app, securityContext: {runAsUser: 0}}]", ""),
        (POD_LEVEL, "securityContext: {runAsNonRoot: false}", "overwrite this"),
        (POD_LEVEL, "securityContext: {fsGroup: 6}", ""),
        (UNPRIVILEGED, "containers: [{name: app, securityContext: {privileged: true}}]", "set this again"),
        (UNPRIVILEGED, "containers: [{name: app, securityContext: {privileged: null}}]", ""),
        (NO_CONTEXT, "containers: [{name: app, securityContext: {runAsGroup: 1}}]", "set this again"),
        (PORT, "containers: [{name: app, ports: [{containerPort: 80, name: http}]}]", ""),
        (PORT, "containers: [{name: app, ports: [{containerPort: 8080, name: http}]}]", ""),
        (VOLUME, "volumes: [{name: more, emptyDir: {}}]", ""),
        (VOLUME, "volumes: [{name: tmp, emptyDir: {medium: Memory}}]", ""),
        (VOLUME, "volumes: [{name: tmp, emptyDir: null, hostPath: {path: /}}]", "overwrite this"),
        (VOLUME, "volumes: [{name: tmp, $patch: delete}]", "overwrite this"),
        (MOUNT, "containers: [{name: app, volumeMounts: [{mountPath: /data, name: data}]}]", ""),
        (MOUNT, "containers: [{name: app, volumeMounts: [{mountPath: /tmp, name: data}]}]", "overwrite this"),
        (DROP, "containers: [{name: app, securityContext: {capabilities: {drop: [NET_RAW]}}}]", "overwrite this"),
        (DROP, "containers: [{name: app, securityContext: {capabilities: {add: [NET_RAW]}}}]", ""),
        (SetKey(0, APP, "command", ["a"]), "containers: [{name: app, command: [b]}]", "overwrite this"),
        (SetKey(0, APP, "env", [{"name": "A", "value": "1"}]), "containers: [{name: app, env: [{name: B}]}]", ""),
        (
            SetKey(0, APP, "env", [{"name": "A", "value": "1"}]),
            "containers: [{name: app, env: [{name: A, value: '2'}]}]",
            "overwrite this",
        ),
        (SetKey(0, SPEC, "tolerations", [{"key": "a"}]), "tolerations: [{key: b}]", "overwrite this"),
        (POD_LEVEL, "securityContext: {runAsUser: 0}", "ask for root against this"),
        (POD_LEVEL, "securityContext: {runAsUser: 5}", ""),
        (LOG, "containers: [{name: log, securityContext: {runAsUser: 0}}]", "ask for root against this"),
    ],
)
def test_strategic_merges(change: YamlChange, spec: str, harm: str) -> None:
    sentence = told(with_merge(spec), change)
    assert sentence.endswith(f", which would {harm}; change the patch as well" if harm else "")
    assert bool(sentence) is bool(harm)


def test_the_number_of_root_is_told_where_it_stands() -> None:
    merged = told(with_merge("securityContext: {runAsUser: 0}"), POD_LEVEL)
    assert "patches spec.template.spec.securityContext.runAsUser with a strategic merge" in merged
    operation = op("add", f"{POINTER}/securityContext/runAsUser", 0)
    assert "runAsUser with 'add' in an inline patch, which would ask for root" in told(
        with_operations(operation), POD_LEVEL
    )


USER_ZERO = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: app, securityContext: {runAsUser: 0}}]}}}
"""
REPLACE = "- {op: replace, path: /spec/template/spec/containers/0/securityContext/runAsUser, value: 0}\n"
INLINE = f"- patch: |-\n    {USER_ZERO.strip().replace(chr(10), chr(10) + '    ')}\n"
WHERE = "spec.template.spec.containers[0].securityContext.runAsUser"
END = "which would overwrite this; change the patch as well"


@pytest.mark.parametrize(
    ("kustomization", "file", "sentence"),
    [
        ("patches: [{path: p.yaml}]", USER_ZERO, f"a strategic merge in over/p.yaml, {END}"),
        ("patches: [{path: ./x/../p.yaml}]", USER_ZERO, f"a strategic merge in over/p.yaml, {END}"),
        (f"patches:\n{INLINE}", "", f"a strategic merge in an inline patch, {END}"),
        ("patchesStrategicMerge: [p.yaml]", USER_ZERO, f"a strategic merge in over/p.yaml, {END}"),
        ("patchesStrategicMerge: [p.yaml]", f"{{}}\n---{USER_ZERO}", f"a strategic merge in over/p.yaml, {END}"),
        (f"patchesStrategicMerge: {json.dumps([USER_ZERO])}", "", f"a strategic merge in an inline patch, {END}"),
        (
            f"patchesStrategicMerge: {json.dumps([json.dumps(values(USER_ZERO)[0])])}",
            "",
            f"a strategic merge in an inline patch, {END}",
        ),
        ("patches: [{path: p.yaml, target: {kind: Deployment}}]", REPLACE, f"'replace' in over/p.yaml, {END}"),
        ("patches: [{path: p.yaml, target: {kind: Job}}]", REPLACE, ""),
        ("patches: [{path: p.yaml, target: {kind: Deployment, name: w.*}}]", USER_ZERO, "over/p.yaml"),
        ("patches: [{path: p.yaml, target: {kind: Deployment, name: x.*}}]", USER_ZERO, ""),
        ("patches: [{path: p.yaml, target: {labelSelector: app=x}}]", USER_ZERO, "over/p.yaml"),
        ("patches: [{path: p.yaml}]", REPLACE, ""),
        ("patches: [{path: p.yaml}]", "a: [", ""),
        ("patches: [{path: missing.yaml}]", "", ""),
        (
            f"patches: [{{patch: {json.dumps(REPLACE)}, target: {{name: web}}}}]",
            "",
            f"'replace' in an inline patch, {END}",
        ),
        (
            "patchesJson6902: [{path: p.yaml, target: {version: v1, kind: Deployment, name: web}}]",
            json.dumps(values(REPLACE)[0]),
            f"'replace' in over/p.yaml, {END}",
        ),
        (
            f"patchesJson6902: [{{patch: {json.dumps(REPLACE)}, target: {{kind: Deployment, name: web}}}}]",
            "",
            f"'replace' in an inline patch, {END}",
        ),
        ("patches: [p.yaml, 1, null, {}]\npatchesStrategicMerge: {a: b}\npatchesJson6902: x", USER_ZERO, ""),
        ("transformers: [p.yaml]\ngenerators: [p.yaml]\nvars: [{}]\nreplacements: [{path: p.yaml}]", USER_ZERO, ""),
    ],
)
def test_patches_inline_and_in_files(kustomization: str, file: str, sentence: str) -> None:
    found = told(overlay(kustomization, p_yaml=file), USER)
    assert sentence in found
    assert bool(found) is bool(sentence)
    if sentence:
        assert found.startswith(f"over/kustomization.yaml patches {WHERE} with ")


def test_sentences() -> None:
    assert told(with_operations(op("add", f"{FIRST}/securityContext", {})), USER) == (
        "over/kustomization.yaml patches spec.template.spec.containers[0].securityContext with 'add' in an inline"
        " patch, which would remove this; change the patch as well"
    )
    move = told(with_operations(op("move", "/metadata/annotations", start=f"{FIRST}/securityContext")), USER)
    assert " patches metadata.annotations with 'move' from spec.template.spec.containers[0].securityContext in " in move


def test_operations_act_one_after_the_other() -> None:
    add, remove = op("add", f"{POINTER}/hostPID", True), op("remove", f"{POINTER}/hostPID")
    assert not told(with_operations(add, remove, op("test", "/kind", "Deployment")), USER)
    shifted = [op("remove", FIRST), op("add", f"{FIRST}/securityContext", {})]
    assert told(with_operations(*shifted), LOG)
    behind = [op("add", f"{FIRST}/args/-", "b"), op("add", f"{FIRST}/args/-", "c")]
    arguments = SetKey(0, APP, "args", ["a"])
    assert not told(with_operations(*behind), arguments)
    assert told(with_operations(*behind, op("remove", f"{FIRST}/args/0")), arguments)
    sentence = told(with_operations(op("add", f"{POINTER}/volumes/-", {})), RemoveKey(0, SPEC, "volumes"))
    assert " patches spec.template.spec.volumes with 'add' in " in sentence
    in_front = [op("add", FIRST, {"name": "new"}), op("add", f"{FIRST}/securityContext", {})]
    assert not told(with_operations(*in_front), USER)


def test_no_change_and_no_kustomization() -> None:
    asked: list[str] = []
    nothing = over({"base/web.yaml": DEPLOYMENT}, asked)
    assert not told(nothing, USER)
    assert (nothing.patches, nothing.images("base/web.yaml"), nothing.namespace("base/web.yaml")) == (
        frozenset(),
        {},
        "",
    )
    assert not asked
    assert not told(with_merge("securityContext: null"))


def test_files_are_read_late_and_once() -> None:
    asked: list[str] = []
    files = {
        "a/web.yaml": DEPLOYMENT,
        "a/kustomization.yaml": "resources: [web.yaml]\npatches: [{path: p.yaml}]",
        "a/p.yaml": USER_ZERO,
        "b/Kustomization": "patchesStrategicMerge: [q.yaml]",
    }
    kustomize = over(files, asked)
    assert not asked
    assert kustomize.patches == {"a/p.yaml", "b/q.yaml"}
    assert asked == ["a/kustomization.yaml", "b/Kustomization"]
    for _ in range(2):
        assert told(kustomize, USER, path="./a/web.yaml")
        assert not told(kustomize, USER, path="a/other.yaml")
    assert asked == ["a/kustomization.yaml", "b/Kustomization", "a/p.yaml"]


def test_patches_are_all_that_kustomizations_name() -> None:
    files = {
        "kustomization.yml": "patches: [{path: a.yaml}, {path: sub/b.yaml}, {patch: 'x: y'}, {path: 'https://e.org/a'}]",
        "c/Kustomization": "kind: Component\npatchesJson6902: [{path: c.json}]",
        "d/kustomization.yaml": 'patchesStrategicMerge: [d.yaml, ../e.yaml, "a: b\\n", 1, null]',
        "f/kustomization.yaml": "kind: Pod\npatches: [{path: f.yaml}]",
        "g/kustomization.yaml": "patches: [",
        "h/other.yaml": "patches: [{path: h.yaml}]",
    }
    assert over(files).patches == {"a.yaml", "sub/b.yaml", "c/c.json", "d/d.yaml", "e.yaml"}
    assert Kustomize(["a/kustomization.yaml"], lambda _: None).patches == frozenset()


# --- ways to include a file -----------------------------------------------------------------------------------------

PATCH = "patches: [{path: ../p.yaml}]"


def spoilt_by(files: dict[str, str], path: str = "base/web.yaml") -> str:
    kustomize = over({path: DEPLOYMENT, "p.yaml": USER_ZERO, **files})
    return told(kustomize, USER, path=path).partition(" ")[0]


@pytest.mark.parametrize(
    ("files", "layer"),
    [
        ({"base/kustomization.yaml": f"resources: [web.yaml]\n{PATCH}"}, "base/kustomization.yaml"),
        ({"base/kustomization.yml": f"resources: [./web.yaml]\n{PATCH}"}, "base/kustomization.yml"),
        ({"base/Kustomization": f"resources: [web.yaml]\n{PATCH}"}, "base/Kustomization"),
        ({"base/kustomization.yaml": f"resources: [other.yaml]\n{PATCH}"}, ""),
        ({"kustomization.yaml": "resources: [base/web.yaml]\npatches: [{path: p.yaml}]"}, "kustomization.yaml"),
        ({"base/kustomization.yaml": "resources: [web.yaml]", "a/kustomization.yaml": PATCH}, ""),
        (
            {"base/kustomization.yaml": "resources: [web.yaml]", "a/kustomization.yaml": f"bases: [../base]\n{PATCH}"},
            "a/kustomization.yaml",
        ),
        (
            {
                "base/kustomization.yaml": "resources: [web.yaml]",
                "a/kustomization.yaml": f"resources: [../base/]\n{PATCH}",
            },
            "a/kustomization.yaml",
        ),
        (  # over several layers
            {
                "base/kustomization.yaml": "resources: [web.yaml]",
                "a/kustomization.yaml": "resources: [../base]",
                "b/kustomization.yaml": "resources: [../a]",
                "c/kustomization.yaml": f"resources: [../b]\n{PATCH}",
            },
            "c/kustomization.yaml",
        ),
        (  # the nearest is told
            {
                "base/kustomization.yaml": f"resources: [web.yaml]\n{PATCH}",
                "a/kustomization.yaml": f"resources: [../base]\n{PATCH}",
            },
            "base/kustomization.yaml",
        ),
        (  # a component acts on what its Kustomization has
            {
                "base/kustomization.yaml": "resources: [web.yaml]",
                "a/kustomization.yaml": "resources: [../base]\ncomponents: [../c]",
                "c/kustomization.yaml": f"kind: Component\n{PATCH}",
            },
            "c/kustomization.yaml",
        ),
        (  # and on what a component before it brings
            {
                "a/kustomization.yaml": "components: [../base, ../c]",
                "base/kustomization.yaml": "kind: Component\nresources: [web.yaml]",
                "c/kustomization.yaml": f"kind: Component\n{PATCH}",
            },
            "c/kustomization.yaml",
        ),
        (  # but not on what comes later, nor elsewhere
            {
                "base/kustomization.yaml": "kind: Component\nresources: [web.yaml]",
                "a/kustomization.yaml": "components: [../c, ../base]",
                "b/kustomization.yaml": "components: [../c]",
                "c/kustomization.yaml": f"kind: Component\n{PATCH}",
            },
            "",
        ),
        (  # components of components
            {
                "base/kustomization.yaml": "resources: [web.yaml]\ncomponents: [../c]",
                "c/kustomization.yaml": "kind: Component\ncomponents: [../d]",
                "d/kustomization.yaml": f"kind: Component\n{PATCH}",
            },
            "d/kustomization.yaml",
        ),
        (  # cycles
            {
                "base/kustomization.yaml": f"resources: [web.yaml, ../a]\ncomponents: [../base]\n{PATCH}",
                "a/kustomization.yaml": "resources: [../base, ../a]",
            },
            "base/kustomization.yaml",
        ),
        ({"base/kustomization.yaml": "resources: [., web.yaml]"}, ""),
        (  # remote, missing and broken ones
            {
                "base/kustomization.yaml": "resources: [web.yaml]",
                "a/kustomization.yaml": f"resources: ['https://e.org/base?ref=v1', ../no, ../base, 1, {{}}]\n{PATCH}",
                "b/kustomization.yaml": "resources: [../base\n",
                "c/kustomization.yaml": "- resources: [../base]",
                "d/kustomization.yaml": "",
                "e/kustomization.yaml": "resources: ../base",
            },
            "a/kustomization.yaml",
        ),
        ({"base/kustomization.yaml": f"resources: ['https://e.org/base/web.yaml']\n{PATCH}"}, ""),
        ({"base/kustomization.yaml": f"kind: Pod\nresources: [web.yaml]\n{PATCH}"}, ""),
        (  # Kustomize takes one document of a file, and one file of a folder
            {
                "base/kustomization.yaml": f"resources: [web.yaml]\n---\nresources: [web.yaml]\n{PATCH}",
                "base/kustomization.yml": f"resources: [web.yaml]\n{PATCH}",
            },
            "",
        ),
    ],
)
def test_ways_to_include_a_file(files: dict[str, str], layer: str) -> None:
    assert spoilt_by(files) == layer


def test_a_nest_of_layers_ends_soon() -> None:
    twice = {f"l{n}/kustomization.yaml": f"resources: [../l{n + 1}, ../l{n + 1}/]" for n in range(40)}
    crossed = {
        f"{side}{n}/kustomization.yaml": f"resources: [../x{n + 1}, ../y{n + 1}]\ncomponents: [../y{n + 2}]"
        for n in range(38)
        for side in "xy"
    }
    last = {f"{name}/kustomization.yaml": "resources: [../base/web.yaml]" for name in ("l40", "x38", "y38", "y39")}
    assert spoilt_by({**twice, **crossed, **last}) == ""
    assert (
        spoilt_by({**twice, **last, "top/kustomization.yaml": f"resources: [../l0]\n{PATCH}"})
        == "top/kustomization.yaml"
    )
    deep = {f"l{n}/kustomization.yaml": f"resources: [../l{n + 1}]" for n in range(3000)}
    assert spoilt_by({**deep, "l3000/kustomization.yaml": "resources: [../base/web.yaml]"}) == ""


@pytest.mark.parametrize(
    ("below", "patched", "hit"),
    [
        ("namePrefix: a-", "name: web", True),
        ("namePrefix: a-", "name: a-web", True),
        ("nameSuffix: -b", "name: web-b", True),
        ("namePrefix: a-\nnameSuffix: -b", "name: a-web-b", True),
        ("namePrefix: a-", "name: b-web", False),
        ("", "name: a-web", False),
        ("namespace: prod", "name: web, namespace: prod", True),
        ("namespace: prod", "name: web, namespace: default", True),
        ("namespace: prod", "name: web, namespace: test", False),
    ],
)
@pytest.mark.parametrize("targeted", [False, True])
def test_names_that_lower_layers_give(below: str, patched: str, hit: bool, targeted: bool) -> None:
    patch = USER_ZERO.replace("name: web", "name: any" if targeted else patched, 1)
    target = f", target: {{kind: Deployment, {patched}}}" if targeted else ""
    files = {
        "base/web.yaml": DEPLOYMENT,
        "base/kustomization.yaml": f"resources: [web.yaml]\n{below}",
        "over/kustomization.yaml": f"resources: [../base]\npatches: [{{path: p.yaml{target}}}]",
        "over/p.yaml": patch,
    }
    assert bool(told(over(files), USER)) is hit


def test_names_in_the_same_layer() -> None:
    patch, target = json.dumps(REPLACE), "target: {kind: Deployment, name: a-web}"
    assert not told(overlay(f"namePrefix: a-\npatches: [{{patch: {patch}, {target}}}]"), USER)
    assert told(overlay(f"namePrefix: a-\npatchesJson6902: [{{patch: {patch}, {target}}}]"), USER)


def test_a_deleted_object_has_nothing_left_to_spoil() -> None:
    delete = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, $patch: delete}"
    patches = f"patches: [{{patch: '{delete}'}}, {{path: p.yaml}}, {{path: q.yaml, target: {{}}}}]"
    kustomize = overlay(patches, p_yaml=USER_ZERO, q_yaml=REPLACE.replace("replace", "test"))
    assert not told(kustomize, USER)


def test_a_layer_sees_what_the_one_below_made() -> None:
    files = {
        "base/web.yaml": DEPLOYMENT,
        "base/kustomization.yaml": "resources: [web.yaml]\npatches: [{path: p.yaml}]",
        "base/p.yaml": USER_ZERO.replace("name: app, securityContext: {runAsUser: 0}", "name: first, image: first"),
        "over/kustomization.yaml": f"resources: [../base]\npatches: [{{target: {{}}, patch: {json.dumps(REPLACE)}}}]",
    }
    # the container in front is another one now, and has no securityContext
    assert not told(over(files), USER)
    assert told(over(files | {"base/p.yaml": ""}), USER).startswith("over/")


def test_kinds_without_a_schema() -> None:
    rollout, patch = (
        text.replace("apps/v1", "argoproj.io/v1alpha1").replace("Deployment", "Rollout")
        for text in (DEPLOYMENT, USER_ZERO.replace("securityContext: {runAsUser: 0}", "image: new"))
    )
    for schema, harm in (("", True), ("openapi: {path: schema.json}\n", False)):
        kustomize = overlay(f"{schema}patches: [{{path: p.yaml}}]", p_yaml=patch)
        assert bool(told(kustomize, USER, document=rollout)) is harm


def test_the_objects_of_a_list() -> None:
    item = values(DEPLOYMENT)[0]
    document = {"apiVersion": "v1", "kind": "List", "items": [{"kind": "Service"}, item]}
    kustomize = overlay("patches: [{path: p.yaml}]", p_yaml=USER_ZERO)
    for index, harm in ((1, True), (0, False), (2, False)):
        change = USER._replace(path=("items", index, *USER.path))
        assert bool(kustomize.conflict("base/web.yaml", document, [change])) is harm
    assert kustomize.conflict("base/web.yaml", document, [USER]) is None


@pytest.mark.parametrize(
    "document",
    [{}, {"kind": []}, {"kind": "Deployment", "metadata": []}, {"kind": "List"}, {"kind": "List", "items": [None]}],
)
def test_odd_documents(document: dict[str, Any]) -> None:
    kustomize = overlay("patches: [{path: p.yaml, target: {}}]", p_yaml=USER_ZERO)
    for change in (USER, UNPRIVILEGED, VOLUME, USER._replace(path=("items", 0, *USER.path))):
        kustomize.conflict("base/web.yaml", document, [change])


def test_values_that_never_end() -> None:
    bomb = "a: &a0 [x]\n" + "".join(f"b{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    loop = "metadata: &a {name: web, a: *a}\n"
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    for more in (bomb, loop):
        text = patch.replace("metadata: {name: web}\n", "") + more if more == loop else patch + more
        assert not told(overlay("patches: [{path: p.yaml}]", p_yaml=text), USER)
        assert not told(overlay("patches: [{path: p.yaml}]", p_yaml=USER_ZERO), USER, document=text)
    groups = json.dumps([{"path": "p.yaml", "target": {"name": "(" * 140 + "web" + ")" * 140}}])
    assert told(overlay(f"patches: {groups}", p_yaml=USER_ZERO), USER)


# --- images and namespaces ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "overlays", "found"),
    [
        ("", ["images: [{name: app, newName: r/app, newTag: v1}]"], {"app": "r/app:v1"}),
        ("", ["images: [{name: app, newTag: 1.5}]"], {"app": "app:1.5"}),
        ("", ["images: [{name: app, digest: 'sha256:00'}]"], {"app": "app@sha256:00"}),
        ("", ["images: [{name: app, newTag: v1, digest: 'sha256:00'}]"], {"app": "app:v1@sha256:00"}),
        ("", ["images: [{name: app, newName: r/app}]"], {"app": "r/app"}),
        ("", ["images: [{name: app, newName: app}]"], {}),
        ("", ["images: [{name: app, tagSuffix: -x}]"], {}),
        ("", ["images: [{name: app, newTag: v1}]", ""], {"app": "app:v1"}),
        ("", ["images: [{name: app, newTag: v1}]", "images: [{name: app, newTag: v1}]"], {"app": "app:v1"}),
        ("", ["images: [{name: app, newTag: v1}]", "images: [{name: app, newTag: v2}]"], {}),
        ("images: [{name: app, newTag: v1}]", ["", ""], {"app": "app:v1"}),
        ("images: [{name: app, newTag: v1}]", ["images: [{name: app, newTag: v2}]"], {}),
        ("images: [{name: a}]", ["images: [{name: a, newName: b}, {name: b, newName: c}]"], {"b": "c"}),
        ("", ["images: [1, {}, {newName: x}]", "images: x"], {}),
    ],
)
def test_images(base: str, overlays: list[str], found: dict[str, str]) -> None:
    files = {"base/kustomization.yaml": f"resources: [web.yaml]\n{base}"}
    files |= {f"o{n}/kustomization.yaml": f"resources: [../base]\n{one}" for n, one in enumerate(overlays)}
    kustomize = over(files)
    assert kustomize.images("base/web.yaml") == found
    assert kustomize.images("base/other.yaml") == {}


@pytest.mark.parametrize(
    ("base", "overlays", "found"),
    [
        ("", ["", ""], ""),
        ("namespace: a", [""], "a"),
        ("", ["namespace: a", ""], "a"),
        ("namespace: a", ["namespace: a"], "a"),
        ("", ["namespace: a", "namespace: b"], ""),
        ("namespace: a", ["namespace: b"], ""),
        ("", ["namespace: [a]"], ""),
    ],
)
def test_namespaces(base: str, overlays: list[str], found: str) -> None:
    files = {"base/kustomization.yaml": f"resources: [web.yaml]\n{base}"}
    files |= {f"o{n}/kustomization.yaml": f"resources: [../base]\n{one}" for n, one in enumerate(overlays)}
    assert over(files).namespace("base/web.yaml") == found


# --- against kubectl ------------------------------------------------------------------------------------------------


def test_the_order_of_layers_is_that_of_kustomize(tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl")
    api = "apiVersion: kustomize.config.k8s.io"
    user: Callable[[int], str] = lambda number: json.dumps(REPLACE.replace("value: 0", f"value: {number}"))  # noqa: E731
    target = "target: {version: v1, group: apps, kind: Deployment, name: NAME}"
    files = {
        "base/web.yaml": DEPLOYMENT,
        "base/kustomization.yaml": "resources: [web.yaml]\nnamePrefix: a-\nimages: [{name: app, newName: b}]",
        "c/kustomization.yaml": f"{api}/v1alpha1\nkind: Component\npatches: [{{patch: {user(1)}, {target}}}]".replace(
            "NAME", "a-web"
        ),
        "over/kustomization.yaml": f"resources: [../base]\ncomponents: [../c]\nnamespace: ns\nnameSuffix: -z\n"
        f"images: [{{name: b, newTag: v2}}]\npatches: [{{patch: {user(2)}, {target.replace('NAME', 'web')}}}]\n"
        f"patchesJson6902: [{{patch: {user(10001)}, {target.replace('NAME', 'a-web-z')}}}]",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    command = ["kubectl", "kustomize", str(tmp_path / "over")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    built = values(done.stdout)[0]
    container = built["spec"]["template"]["spec"]["containers"][0]
    assert container["securityContext"]["runAsUser"] == 10001
    assert (container["image"], built["metadata"]["name"], built["metadata"]["namespace"]) == ("b:v2", "a-web-z", "ns")
    assert told(over(files), USER).startswith("c/kustomization.yaml")
    files["c/kustomization.yaml"] = "kind: Component"
    assert told(over(files), USER).startswith("over/kustomization.yaml")
    assert over(files).namespace("base/web.yaml") == "ns"
