"""What holds for every object, whatever it looks like."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fixer.pod_security import LATEST, evaluate
from fixer.understand.workloads import place, pod_templates, value_at

# The keys that the controls look at, so that random objects reach them.
KEYS = st.sampled_from(
    "kind apiVersion metadata annotations name items spec template containers initContainers ephemeralContainers"
    " volumes hostPath emptyDir securityContext runAsNonRoot runAsUser privileged allowPrivilegeEscalation capabilities"
    " add drop seccompProfile type appArmorProfile seLinuxOptions user role procMount windowsOptions hostProcess"
    " sysctls ports hostPort containerPort hostNetwork hostUsers os livenessProbe httpGet host lifecycle preStop"
    " tcpSocket image seccomp.security.alpha.kubernetes.io/pod container.apparmor.security.beta.kubernetes.io/x".split()
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70000),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.sampled_from("Pod Deployment List v1 apps/v1 ALL RuntimeDefault Unconfined windows localhost/x".split()),
)
OBJECTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5)
)
VERSIONS = st.integers(0, 40).map(lambda minor: f"v1.{minor}") | st.just(LATEST)
LEVELS = st.sampled_from(["privileged", "baseline", "restricted"])
PODS = st.fixed_dictionaries({"metadata": OBJECTS, "spec": st.dictionaries(KEYS, OBJECTS, max_size=6)})
SECURITY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
CONTAINERS = st.lists(
    st.fixed_dictionaries({"name": st.text(max_size=5), "image": st.text(min_size=1, max_size=5)}),
    min_size=1,
    max_size=3,
)


@given(PODS, LEVELS, VERSIONS)
def test_nothing_in_a_pod_raises(pod: dict[str, Any], level: str, version: str) -> None:
    before = json.dumps(pod)
    first = evaluate(pod, level, version)
    assert evaluate(pod, level, version) == first
    assert json.dumps(pod) == before
    for control, path, message in first:
        assert control
        assert path
        assert message.endswith(")")


@given(OBJECTS, LEVELS, VERSIONS)
def test_nothing_in_a_document_raises(document: Any, level: str, version: str) -> None:
    for template in pod_templates(document):
        assert value_at(document, template.path) == template.spec
        assert all(
            violation.path.startswith(place(template.path[:-1])) for violation in evaluate(template, level, version)
        )
    if isinstance(document, dict):
        evaluate(document, level, version)


@given(CONTAINERS, CONTAINERS | st.just([]), VERSIONS)
@settings(max_examples=50)
def test_the_smallest_patch_makes_a_plain_pod_allowed(
    containers: list[dict[str, Any]], init: list[dict[str, Any]], version: str
) -> None:
    plain: dict[str, Any] = {"spec": {"containers": containers, "initContainers": init}}
    assert evaluate(plain, "restricted", version)
    assert not evaluate(plain, "baseline", version)
    patched = copy.deepcopy(plain)
    patched["spec"]["securityContext"] = SECURITY
    for container in patched["spec"]["containers"] + patched["spec"]["initContainers"]:
        container["securityContext"] = CONTAINER
    assert evaluate(patched, "restricted", version) == ()
