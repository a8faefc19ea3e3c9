"""What holds for the rules on manifests, whatever stands in a pod: nothing raises, and a second run changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixer.config import Config, ImageConfig
from fixer.engine import Choice, rules_for
from fixer.fixing import fix_manifest
from fixer.imageusers import image_user
from fixer.model import Goal, Status
from fixer.rules import on_manifests
from fixer.rules.pods import Surroundings
from fixer.source import SourceFile

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 80, 999, 10001, 70000, -1, 1.5]),
    st.sampled_from(["", "0", "80", "ALL", "data", "/tmp", "/data", "/var/run", "sleep", "sh", "-c", "echo > /x"]),
)


def rows(*keys: str) -> st.SearchStrategy[Any]:
    """A map with some of these keys, or a list of such maps, or something else altogether."""
    one = st.dictionaries(st.sampled_from(keys), LEAVES | st.lists(LEAVES, max_size=2), max_size=4)
    return st.one_of(st.lists(one, max_size=2), one, LEAVES)


CONTEXT = rows(
    "runAsUser", "runAsGroup", "runAsNonRoot", "fsGroup", "supplementalGroups", "sysctls", "readOnlyRootFilesystem",
    "privileged", "fsGroupChangePolicy", "capabilities",
)  # fmt: skip
CONTAINER = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "", "tmp"]),
        "image": st.sampled_from(["redis:7.4", "nginx", "postgres:16", "said", "nobody/knows", "busybox", ""]),
    },
    optional={
        "securityContext": CONTEXT,
        "ports": rows("containerPort", "name"),
        "volumeMounts": rows("name", "mountPath", "readOnly"),
        "env": rows("name", "value"),
        "command": st.lists(LEAVES, max_size=3) | LEAVES,
        "args": st.lists(LEAVES, max_size=2) | LEAVES,
        "livenessProbe": rows("httpGet", "port"),
        "volumeDevices": rows("name"),
        "lifecycle": LEAVES,
    },
)
SPEC = st.fixed_dictionaries(
    {"containers": st.lists(CONTAINER, min_size=1, max_size=3)},
    optional={
        "initContainers": st.lists(CONTAINER, max_size=1) | LEAVES,
        "securityContext": CONTEXT,
        "volumes": rows("name", "emptyDir", "persistentVolumeClaim", "hostPath", "nfs"),
        "hostNetwork": LEAVES,
        "hostUsers": LEAVES,
        "automountServiceAccountToken": LEAVES,
        "serviceAccountName": LEAVES,
    },
)
KINDS = st.sampled_from([("v1", "Pod"), ("serving.knative.dev/v1", "Revision"), ("example.com/v1", "Thing")])
IMAGES = {"said": ImageConfig(user="10001", writable=("/tmp", "/data")), "nginx": ImageConfig(user="101:101")}


@pytest.mark.parametrize("goal", list(Goal))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=KINDS, spec=SPEC, labels=LEAVES)
def test_nothing_raises_and_a_second_run_changes_nothing(
    goal: Goal, kind: tuple[str, str], spec: dict[str, Any], labels: Any
) -> None:
    config = Config(goal=goal, images=IMAGES)
    value = {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "x", "labels": labels}, "spec": spec}
    source = SourceFile("x.json", json.dumps(value, indent=1).encode())
    around = Surroundings(lambda reference: image_user(reference, config, lambda name: None))
    rules = rules_for(config, on_manifests())
    first = fix_manifest(source, config, around, rules, Choice(apply=True))
    if first is None or first.change is None:
        return
    assert not [f for f in first.findings if f.refusal is not None and f.refusal.code == "after-condition"]
    second = fix_manifest(SourceFile("x.json", first.change.after), config, around, rules, Choice(apply=True))
    assert second is not None
    assert second.change is None
    assert not [f for f in second.findings if f.status is Status.FIXED]
    told = {(f.rule, f.message) for f in first.findings if f.status is Status.REFUSED}
    assert {(f.rule, f.message) for f in second.findings} <= told
