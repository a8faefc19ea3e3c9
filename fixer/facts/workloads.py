"""What is known about the kinds of Kubernetes objects: where in them the pods are described.

The facts lie in `data/workloads.json`, a line a kind, and this module only looks them up:

    api, kinds             the apiVersion that was read and the kinds; any version of the same group is meant
    groups                 other groups that had the same kinds before ("" is the core group)
    cluster                the object belongs to no namespace
    pods                   where pods are described; empty when the kind has none after all
      path                 dots separate fields, [*] is every item of a list, * every value of a map
      shape                absent for a PodSpec; see `PodPlace`
      metadata             absent when it stands beside the pod spec, as `metadata`
      lists, single        where containers are, below the path
      pod_security_context "" when the kind has no pod level; absent for `securityContext`
    sources                numbers into the list of sources at the top of the file
    no_pod_spec            kinds that look like workloads, hold parts of one, or are often taken for one, and why not

How sure an entry is has the same words as in `fixer.facts.images`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fixer.facts.images import load_json
from fixer.tuples import NamedTuple

POD_SPEC = "PodSpec"
MANIFEST = "Manifest"
# What Kubernetes itself visits, in its order.
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


class PodPlace(NamedTuple):
    """One place in a kind where pods are described.

    `path` leads from the top of the object to the pod spec, `metadata` to the metadata of the pods; both are steps
    as `steps` makes them. `shape` is `PodSpec` for all that Kubernetes has in one; `PodSpec-subset`,
    `ServingRuntimePodSpec` and `PodSpec+framework` for a pod spec with fields missing or added; `PodSpec-inline` and
    other names for what an operator makes pods of; `Manifest` for a whole object inside the object.
    `lists` are lists of containers and `single` single ones, both as paths below `path`. `pod_security_context` is the
    path of the pod's security context below `path`, "" where the kind has none; `security_contexts` are those of
    containers that stand apart from their container. `fields` are the only ones that a container's security context
    may have, empty for all. `pod_template` leads to a second, whole pod spec below `path`.
    """

    path: tuple[str, ...]
    metadata: tuple[str, ...]
    shape: str
    lists: tuple[str, ...]
    single: tuple[str, ...]
    pod_security_context: str
    security_contexts: tuple[str, ...]
    fields: tuple[str, ...]
    pod_template: str
    note: str


class Workload(NamedTuple):
    """What is known about one kind; `group` is "" for the core group."""

    group: str
    kind: str
    namespaced: bool
    pods: tuple[PodPlace, ...]
    notes: str
    sources: tuple[str, ...]
    confidence: str


class NoPodSpec(NamedTuple):
    """A kind that holds no pod spec, and why it might be taken for one that does."""

    group: str
    kind: str
    why: str
    sources: tuple[str, ...]
    confidence: str


def group_of(api_version: str) -> str:
    """The group of an apiVersion: "apps" for "apps/v1", "" for "v1"."""
    return api_version.rpartition("/")[0]


def steps(path: str) -> tuple[str, ...]:
    """The steps of a path: "spec.tasks[*].template" becomes spec, tasks, [*], template."""
    return tuple(path.replace("[*]", ".[*]").split(".")) if path else ()


class _Tables(NamedTuple):
    sources: list[str]
    workloads: dict[tuple[str, str], dict[str, Any]]
    no_pod_spec: dict[tuple[str, str], dict[str, Any]]


@cache
def _tables() -> _Tables:
    data = load_json("workloads.json")
    workloads = {
        (group, kind): row
        for row in data["workloads"]
        for group in (group_of(row["api"]), *row.get("groups", ()))
        for kind in row["kinds"]
    }
    without = {(row["group"], kind): row for row in data["no_pod_spec"] for kind in row["kinds"]}
    return _Tables(data["sources"], workloads, without)


def known_kinds() -> tuple[tuple[str, str], ...]:
    """Group and kind of all that `lookup_workload` knows, in the order of the file."""
    return tuple(_tables().workloads)


@cache
def lookup_workload(api_version: str, kind: str) -> Workload | None:
    """What is known about a kind, or None. Any version of the group counts, `extensions/v1beta1` Deployments too."""
    tables = _tables()
    group = group_of(api_version)
    row = tables.workloads.get((group, kind))
    if row is None:
        return None
    return Workload(
        group,
        kind,
        not row.get("cluster", False),
        tuple(_place(pod) for pod in row["pods"]),
        row.get("notes", ""),
        tuple(tables.sources[number] for number in row["sources"]),
        row["confidence"],
    )


@cache
def lookup_no_pod_spec(api_version: str, kind: str) -> NoPodSpec | None:
    """Why a kind holds no pod spec, where that is known; else None."""
    tables = _tables()
    group = group_of(api_version)
    row = tables.no_pod_spec.get((group, kind))
    if row is None:
        return None
    sources = tuple(tables.sources[number] for number in row["sources"])
    return NoPodSpec(group, kind, row["why"], sources, row["confidence"])


def _place(row: dict[str, Any]) -> PodPlace:
    path = steps(row["path"])
    beside = (*path[:-1], "metadata") if path[-1] == "spec" else ("metadata",)
    return PodPlace(
        path,
        steps(row["metadata"]) if "metadata" in row else beside,
        row.get("shape", POD_SPEC),
        tuple(row.get("lists", CONTAINER_LISTS)),
        tuple(row.get("single", ())),
        row.get("pod_security_context", "securityContext"),
        tuple(row.get("container_security_contexts", ())) + tuple(row.get("other_security_contexts", ())),
        tuple(row.get("fields", ())),
        row.get("pod_template", ""),
        row.get("note", ""),
    )
