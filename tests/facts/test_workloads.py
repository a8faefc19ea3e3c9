"""The table of kinds: what is in it can be looked up, and every version of a group counts."""

from __future__ import annotations

import pytest

from fixer.facts.workloads import (
    CONTAINER_LISTS,
    MANIFEST,
    POD_SPEC,
    known_kinds,
    lookup_no_pod_spec,
    lookup_workload,
    steps,
)

TEMPLATE = ("spec", "template", "spec")


def paths(api_version: str, kind: str) -> list[tuple[str, ...]]:
    found = lookup_workload(api_version, kind)
    assert found is not None
    return [pod.path for pod in found.pods]


@pytest.mark.parametrize(
    ("api_version", "kind", "path"),
    [
        ("v1", "Pod", "spec"),
        ("v1", "PodTemplate", "template.spec"),
        ("v1", "ReplicationController", "spec.template.spec"),
        ("apps/v1", "Deployment", "spec.template.spec"),
        ("apps/v1beta2", "Deployment", "spec.template.spec"),
        ("extensions/v1beta1", "Deployment", "spec.template.spec"),
        ("extensions/v1beta1", "DaemonSet", "spec.template.spec"),
        ("batch/v1", "Job", "spec.template.spec"),
        ("batch.volcano.sh/v1alpha1", "Job", "spec.tasks[*].template.spec"),
        ("batch/v1beta1", "CronJob", "spec.jobTemplate.spec.template.spec"),
        ("batch/v2alpha1", "CronJob", "spec.jobTemplate.spec.template.spec"),
        ("apps.openshift.io/v1", "DeploymentConfig", "spec.template.spec"),
        ("v1", "DeploymentConfig", "spec.template.spec"),
        ("kubeflow.org/v1", "TFJob", "spec.tfReplicaSpecs.*.template.spec"),
        ("apps.kruise.io/v1beta1", "StatefulSet", "spec.template.spec"),
        ("operator.victoriametrics.com/v1beta1", "VMAuth", "spec"),
    ],
)
def test_paths(api_version: str, kind: str, path: str) -> None:
    assert steps(path) in paths(api_version, kind)


@pytest.mark.parametrize(
    ("api_version", "kind"), [("v2", "Deployment"), ("apps/v1", "Pod"), ("example.com/v1", "Deployment"), ("", "")]
)
def test_unknown(api_version: str, kind: str) -> None:
    assert lookup_workload(api_version, kind) is None


def test_every_entry_reads() -> None:
    kinds = known_kinds()
    assert len({kind for _, kind in kinds}) > 90
    for group, kind in kinds:
        found = lookup_workload(f"{group}/v1" if group else "v1", kind)
        assert found is not None
        assert found.sources
        assert found.confidence in {"verified", "documented", "inferred"}
        for pod in found.pods:
            assert pod.path
            assert pod.metadata[-1] == "metadata"
            assert all(part for part in pod.path)


def test_a_plain_pod_spec_has_the_lists_that_kubernetes_visits() -> None:
    found = lookup_workload("apps/v1", "Deployment")
    assert found is not None
    (pod,) = found.pods
    assert (pod.shape, pod.lists, pod.pod_security_context) == (POD_SPEC, CONTAINER_LISTS, "securityContext")
    assert pod.metadata == ("spec", "template", "metadata")
    assert found.namespaced


def test_quirks() -> None:
    knative = lookup_workload("serving.knative.dev/v1", "Service")
    assert knative is not None
    assert knative.pods[0].pod_security_context == ""  # container level only
    assert "runAsUser" in knative.pods[0].fields
    kafka = lookup_workload("kafka.strimzi.io/v1beta2", "Kafka")
    assert kafka is not None
    assert kafka.pods[0].lists == ()
    assert kafka.pods[0].security_contexts == ("kafkaContainer.securityContext", "initContainer.securityContext")
    task = lookup_workload("tekton.dev/v1", "Task")
    assert task is not None
    assert (task.pods[0].lists, task.pods[0].single) == (("steps", "sidecars"), ("stepTemplate",))
    listed = lookup_workload("v1", "List")
    assert listed is not None
    assert (listed.pods[0].path, listed.pods[0].shape) == (("items", "[*]"), MANIFEST)
    build = lookup_workload("build.openshift.io/v1", "BuildConfig")
    assert build is not None
    assert build.pods == ()


def test_kinds_without_a_pod_spec() -> None:
    found = lookup_no_pod_spec("v1", "ConfigMap")
    assert found is not None
    assert "strings" in found.why
    assert lookup_no_pod_spec("argoproj.io/v1alpha1", "Application") is not None
    assert lookup_no_pod_spec("apps/v1", "Deployment") is None
