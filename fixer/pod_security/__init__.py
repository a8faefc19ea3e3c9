"""The Pod Security Standards, judged as the admission controller of Kubernetes judges them.

`evaluate` says what a level forbids in a pod, version by version. It is a pure function over the parsed object, and
written from the controls and their version history:
https://kubernetes.io/docs/concepts/security/pod-security-standards and kubernetes/pod-security-admission, `policy/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any

from fixer.pod_security.controls import BASELINE_CONTROLS, RESTRICTED_CONTROLS, Check, Control
from fixer.pod_security.pod import pod_of
from fixer.tuples import NamedTuple
from fixer.understand.workloads import PodTemplate, mapping, pod_templates, word

__all__ = ["LATEST", "NEWEST", "Level", "Violation", "control_ids", "evaluate", "parse_version"]

LATEST = "latest"
# The newest version in which a control has changed; all newer ones are judged by it.
NEWEST = f"v1.{max(since for c in (*BASELINE_CONTROLS, *RESTRICTED_CONTROLS) for since, _ in c.versions)}"
# https://pkg.go.dev/k8s.io/pod-security-admission/api#ParseVersion
_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)", re.ASCII)


class Level(StrEnum):
    """The levels of the standards; `privileged` forbids nothing."""

    PRIVILEGED = "privileged"
    BASELINE = "baseline"
    RESTRICTED = "restricted"


class Violation(NamedTuple):
    """One place in a pod that a level forbids.

    `control` is the name that Kubernetes gives to the check, `path` the field that is wrong or missing, `message` the
    words of Kubernetes for this place: the reason, and the detail in parentheses.
    """

    control: str
    path: str
    message: str


def parse_version(text: str) -> int:
    """The minor version of `v1.N`, and that of `NEWEST` for `latest`.

    Raises:
        ValueError: for anything else, with a sentence that says what is possible.
    """
    if text == LATEST:
        text = NEWEST
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no version of the Pod Security Standards; write v1.0 to {NEWEST}, or {LATEST}")
    # longer numbers are of no version that will ever be, and int refuses very long ones
    return int(match[1]) if len(match[1]) < 9 else 10**9


def control_ids(level: Level | str, version: str = LATEST) -> tuple[str, ...]:
    """The controls that a level has in a version, in the order in which Kubernetes tells them.

    Raises:
        ValueError: for a malformed version or an unknown level.
    """
    return tuple(control.id for control, _ in _checks(Level(level), parse_version(version)))


def evaluate(
    pod: PodTemplate | Mapping[Any, Any],
    level: Level | str = Level.RESTRICTED,
    version: str = LATEST,
    *,
    prefix: str | None = None,
) -> tuple[Violation, ...]:
    """What a level forbids in a pod, empty when the pod is allowed.

    `pod` is a template that `fixer.understand.workloads` found, or a plain object with `metadata` and `spec`, such
    as a Pod or the `template` of a Deployment. An object that says that it is of another kind, such as a whole
    Deployment or a List, is judged by all pods that it describes, with paths from its top. `version` is `v1.N` or
    `latest`; versions newer than `NEWEST` are judged as it. `prefix` is the path of the pod spec that stands before
    every path of a violation. Without it paths lead from the top of the document for a template, which knows its
    place, and from the pod spec for a plain object; those of annotations begin with `metadata` then.

    The defaults of the API server count: a volume without a source is an emptyDir, and a container port of a pod in
    the host's network is a host port. What the API server would not decode is judged on the careful side: a text
    where a map or a list should be counts as absent, and a value of the wrong type as forbidden.

    Raises:
        ValueError: for a malformed version or an unknown level; for nothing that stands in the pod.
    """
    checks = _checks(Level(level), parse_version(version))
    holds_others = not isinstance(pod, PodTemplate) and word(mapping(pod).get("kind")) not in ("", "Pod")
    pods = [pod_of(one, prefix) for one in (pod_templates(pod) if holds_others else (pod,))]
    return tuple(
        Violation(control.id, path, f"{control.reason} ({detail})")
        for judged in pods
        for control, check in checks
        for path, detail in check(judged)
    )


@cache
def _checks(level: Level, minor: int) -> tuple[tuple[Control, Check], ...]:
    """The checks of a level in a version: those of restricted take the place of those that they are stricter than."""
    restricted = _in_version(RESTRICTED_CONTROLS, minor) if level is Level.RESTRICTED else ()
    replaced = {control.replaces for control, _ in restricted}
    baseline = _in_version(BASELINE_CONTROLS, minor) if level is not Level.PRIVILEGED else ()
    return (*(row for row in baseline if row[0].id not in replaced), *restricted)


def _in_version(table: tuple[Control, ...], minor: int) -> tuple[tuple[Control, Check], ...]:
    rows = []
    for control in table:
        checks = [check for since, check in control.versions if since <= minor]
        if checks:
            rows.append((control, checks[-1]))
    return tuple(rows)
