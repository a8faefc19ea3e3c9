"""Where the pods of an object are, whatever the object looks like."""

from __future__ import annotations

from typing import Any

import pytest

from fixer.syntax.yaml import parse
from fixer.understand.workloads import is_kustomization, patch_files, place, pod_templates, value_at

SPEC: dict[str, Any] = {"containers": [{"name": "app", "image": "app:1"}]}
POD = {"metadata": {"labels": {"a": "b"}}, "spec": SPEC}


def thing(kind: str, api_version: str = "v1", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "it", "namespace": "here"}, **fields}


def places(document: object) -> list[str]:
    found = pod_templates(document)
    for template in found:
        assert value_at(document, template.path) == template.spec
        assert template.metadata in (value_at(document, template.metadata_path), {})
    return [place(template.path) for template in found]


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (thing("Pod", spec=SPEC), ["spec"]),
        (thing("PodTemplate", template=POD), ["template.spec"]),
        (thing("Deployment", "apps/v1", spec={"template": POD}), ["spec.template.spec"]),
        (
            thing("CronJob", "batch/v1", spec={"jobTemplate": {"spec": {"template": POD}}}),
            ["spec.jobTemplate.spec.template.spec"],
        ),
        (thing("List", items=[thing("Pod", spec=SPEC), thing("Service")]), ["items[0].spec"]),
        (thing("PodList", items=[thing("Pod", spec=SPEC)]), ["items[0].spec"]),
        (
            thing("List", items=[thing("List", items=[thing("Pod", spec=SPEC)])]),
            ["items[0].items[0].spec"],
        ),
        (
            thing("PyTorchJob", "kubeflow.org/v1", spec={"pytorchReplicaSpecs": {"Master": {"template": POD}}}),
            ["spec.pytorchReplicaSpecs.Master.template.spec"],
        ),
        (
            thing(
                "RayCluster",
                "ray.io/v1",
                spec={"headGroupSpec": {"template": POD}, "workerGroupSpecs": [{"template": POD}]},
            ),
            ["spec.headGroupSpec.template.spec", "spec.workerGroupSpecs[0].template.spec"],
        ),
        (
            thing("SparkApplication", "sparkoperator.k8s.io/v1beta2", spec={"driver": {"template": {"spec": SPEC}}}),
            ["spec.driver", "spec.driver.template.spec"],
        ),
        (thing("Widget", "example.com/v1", spec={"runner": [{"pod": SPEC}]}), ["spec.runner[0].pod"]),
        (thing("Service", spec={"ports": []}), []),
        (thing("ConfigMap", data={"containers": [{"name": "x"}]}), []),
        (thing("BuildConfig", "build.openshift.io/v1", spec=SPEC), []),
    ],
)
def test_places(document: object, where: list[str]) -> None:
    assert places(document) == where


def test_what_a_template_tells() -> None:
    (found,) = pod_templates(thing("Deployment", "apps/v1", spec={"template": POD}))
    assert (found.kind, found.name, found.namespace) == ("Deployment", "it", "here")
    assert found.metadata == {"labels": {"a": "b"}}
    assert found.metadata_path == ("spec", "template", "metadata")
    assert found.known
    assert found.whole
    assert [(c.role, place(c.path), c.name) for c in found.containers] == [("containers", "containers[0]", "app")]


def test_an_unknown_kind_is_told_as_such() -> None:
    (found,) = pod_templates(thing("Widget", "example.com/v1", spec={"template": POD}))
    assert not found.known
    assert found.metadata == {"labels": {"a": "b"}}


def test_containers_of_other_shapes() -> None:
    template = {"container": {"image": "a"}, "sidecars": [{"name": "s", "image": "b"}]}
    workflow = thing("Workflow", "argoproj.io/v1alpha1", spec={"templates": [template]})
    argo = [t for t in pod_templates(workflow) if t.shape == "ArgoTemplate"]
    assert [place(c.path) for c in argo[0].containers] == ["sidecars[0]", "container"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        1,
        "Pod",
        [],
        {},
        {"kind": "Pod"},
        {"kind": ["Pod"], "apiVersion": "v1"},
        {"kind": "Pod", "apiVersion": 1, "spec": SPEC},
        thing("Pod", spec=None),
        thing("Pod", spec="x"),
        thing("ReplicationController", spec={"template": None}),
        thing("Deployment", "apps/v1", spec=[]),
        thing("Deployment", "apps/v1", spec={"template": "x"}),
        thing("List", items=None),
        thing("List", items={"kind": "Pod"}),
        thing("List", items=[None, 1, "x"]),
        thing("PyTorchJob", "kubeflow.org/v1", spec={"pytorchReplicaSpecs": {1: {}, "M": None}}),
        thing("Widget", "example.com/v1", spec={"containers": {"a": {"type": "string"}}}),
        thing("Widget", "example.com/v1", spec={"containers": ["a", "b"]}),
    ],
)
def test_odd_input_holds_nothing(document: object) -> None:
    for template in pod_templates(document):
        assert template.kind == "Pod"


def test_odd_fields() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 7}, "spec": {"containers": [None, "x", {"name": 1}]}}
    (found,) = pod_templates(pod)
    assert found.name == "7"
    assert [c.name for c in found.containers] == ["", "", "1"]
    assert not found.whole
    unnamed = {**pod, "metadata": "x"}
    assert pod_templates(unnamed)[0].name == ""


def test_deep_lists_do_not_break_the_stack() -> None:
    document: dict[str, Any] = thing("Pod", spec=SPEC)
    for _ in range(5000):
        document = thing("List", items=[document])
    assert pod_templates(document) == ()
    deep: Any = SPEC
    for _ in range(5000):
        deep = {"a": deep}
    assert pod_templates(thing("Widget", "example.com/v1", spec=deep)) == ()


def test_aliases_that_hold_themselves_or_explode_end() -> None:
    (circle,) = parse("kind: List\napiVersion: v1\nitems: &a\n- {kind: List, apiVersion: v1, items: *a}\n")
    assert pod_templates(circle.value) == ()
    lines = ["kind: X", "apiVersion: x/v1", "a0: &a0 {containers: [{name: it}]}"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    (bomb,) = parse("\n".join(lines))
    assert len(pod_templates(bomb.value)) == 1


# --- Kustomize ------------------------------------------------------------------------------------------------------


def test_a_patch_is_not_whole() -> None:
    patch = {"template": {"spec": {"containers": [{"name": "app", "env": []}]}}}
    (found,) = pod_templates(thing("Deployment", "apps/v1", spec=patch))
    assert not found.whole


def test_kustomizations() -> None:
    api = "kustomize.config.k8s.io/v1alpha1"
    assert is_kustomization({"kind": "Component", "apiVersion": api})
    assert is_kustomization({"resources": []}, "kustomization.yaml")
    assert not is_kustomization({"resources": []}, "other.yaml")
    assert not is_kustomization(thing("Pod"), "kustomization.yaml")
    assert not is_kustomization(None)


def test_patch_files() -> None:
    found = patch_files(
        {
            "patches": [{"path": "a.yaml"}, {"patch": "- op: add"}, None],
            "patchesStrategicMerge": ["b.yaml", "kind: Deployment\nspec: {}\n", 3],
            "patchesJson6902": [{"path": "c.json"}],
            "resources": ["d.yaml"],
        }
    )
    assert found == {"a.yaml", "b.yaml", "c.json"}
    assert patch_files("x") == frozenset()
