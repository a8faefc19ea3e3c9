"""Which pods an object of Kubernetes describes, and where.

Everything here takes plain values as a YAML or JSON parser gives them, and raises nothing: where a map should be and a
text is, nothing is found. A place is a tuple of keys and indices from the top of the document; `place` writes it as
people read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from fixer.facts.workloads import (
    CONTAINER_LISTS,
    MANIFEST,
    POD_SPEC,
    PodPlace,
    Workload,
    lookup_no_pod_spec,
    lookup_workload,
    steps,
)
from fixer.tuples import NamedTuple

Path = tuple[str | int, ...]

# Lists in lists in lists: deeper than anybody writes, and shallow enough for the stack.
_DEEPEST = 40
_WORD = re.compile(r"[A-Za-z0-9_/-]+")
_NOTHING: Mapping[Any, Any] = {}
# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization: the names that kustomize looks for.
KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
# Shapes whose fields are those of a pod spec, so that the pod can be judged by them.
WHOLE_SHAPES = frozenset({POD_SPEC, "PodSpec-subset", "PodSpec+framework", "ServingRuntimePodSpec"})

# Shapes of operators whose containers are those of Kubernetes, though the rest of the pod is made elsewhere: what
# stands in the security context of a container holds, whatever the operator adds.
CONTAINER_SHAPES = frozenset(
    "ArgoEventsTemplate ArgoTemplate BankVaults OTel Percona PodSpec-inline SidecarSet SparkPodSpec"
    " TektonTaskSpec".split()
)


class Container(NamedTuple):
    """A container of a pod: the list (or field) it stands in, its place below the pod spec, its name ("" without)."""

    role: str
    path: Path
    name: str
    value: Mapping[Any, Any]


class PodTemplate(NamedTuple):
    """The description of pods in an object.

    `path` leads from the top of the document to `spec`, and `metadata_path` to the metadata of the pods. `kind`,
    `name` and `namespace` are those of the object that holds it, as texts, "" when they are absent or no texts or
    numbers. `shape` is that of `place`, and `place` and `workload` are what is known about the kind, None when it is
    unknown (`known` says so in short).
    """

    api_version: str
    kind: str
    name: str
    namespace: str
    path: Path
    metadata_path: Path
    metadata: Mapping[Any, Any]
    spec: Mapping[Any, Any]
    shape: str
    place: PodPlace | None
    workload: Workload | None

    @property
    def known(self) -> bool:
        """Whether the kind is one of the table."""
        return self.workload is not None

    @property
    def containers(self) -> tuple[Container, ...]:
        """All containers that the template names, in the order in which Kubernetes visits them."""
        lists = self.place.lists if self.place else CONTAINER_LISTS
        single = self.place.single if self.place else ()
        return tuple(containers_of(self.spec, lists, single))

    @property
    def whole(self) -> bool:
        """Whether this is a whole description: at least one container has an image.

        A patch, and an entry that an operator merges into its own container, name containers without one.
        """
        return any(container.value.get("image") for container in self.containers)


@lru_cache(maxsize=1024)
def place(path: Path) -> str:
    """A place as people read it: `spec.containers[0].securityContext`, `metadata.annotations['a.b/c']`."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif _WORD.fullmatch(step):
            out += f".{step}" if out else step
        else:
            out += f"['{step}']"
    return out


def mapping(value: object) -> Mapping[Any, Any]:
    """The value if it is a map, else an empty one."""
    if value is None or type(value) is dict:  # asking for the abstract class takes ten times as long
        return value or _NOTHING
    return value if isinstance(value, Mapping) else _NOTHING


def sequence(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def word(value: object) -> str:
    """A name as a text: numbers count, since people forget the quotes; everything else is ""."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def containers_of(
    spec: Mapping[Any, Any], lists: tuple[str, ...] = CONTAINER_LISTS, single: tuple[str, ...] = ()
) -> Iterator[Container]:
    """The containers of a pod spec: the items of `lists`, and the values of `single`, both paths below it.

    What stands in a list and is no map counts as a container without fields, as it does for Kubernetes.
    """
    for name in lists:
        for path, value in _walk(spec, (*steps(name), "[*]")):
            yield Container(name, path, word(mapping(value).get("name")), mapping(value))
    for name in single:
        for path, value in _walk(spec, steps(name)):
            if isinstance(value, Mapping):
                yield Container(name, path, word(value.get("name")), value)


def pod_templates(document: object) -> tuple[PodTemplate, ...]:
    """All pods that a document describes, those in lists of objects too; an object that aliases repeat counts once.

    An unknown kind is searched for the shape of a pod spec: a `containers` list of maps that have a `name` or an
    `image`. A null template and a template without anything in it describe none.
    """
    return tuple(_templates(document, (), set()))


def _templates(document: object, at: Path, seen: set[int]) -> Iterator[PodTemplate]:
    found = mapping(document)
    kind, api_version = word(found.get("kind")), word(found.get("apiVersion"))
    if not kind or len(at) > _DEEPEST or id(found) in seen:
        return
    seen.add(id(found))
    workload = lookup_workload(api_version, kind)
    if workload is not None:
        for pod in workload.pods:
            yield from _at_place(found, at, workload, pod, seen)
    elif kind.endswith("List") and isinstance(found.get("items"), list):
        for index, item in enumerate(found["items"]):
            yield from _templates(item, (*at, "items", index), seen)
    elif lookup_no_pod_spec(api_version, kind) is None:
        for path, spec in _shaped(found, (), set()):
            beside = (*path[:-1], "metadata") if path[-1:] == ("spec",) else ("metadata",)
            yield _template(found, at, None, path, beside, spec, None)


def _at_place(
    found: Mapping[Any, Any], at: Path, workload: Workload, pod: PodPlace, seen: set[int]
) -> Iterator[PodTemplate]:
    for path, spec in _walk(found, pod.path):
        if pod.shape == MANIFEST:
            yield from _templates(spec, (*at, *path), seen)
        elif isinstance(spec, Mapping) and spec:
            yield _template(found, at, workload, path, _filled(pod.metadata, pod.path, path), spec, pod)
        inner = steps(pod.pod_template)
        for path_below, below in _walk(spec, inner) if inner else ():
            if isinstance(below, Mapping) and below:
                whole = (*path, *path_below)
                yield _template(found, at, workload, whole, (*whole[:-1], "metadata"), below, None)


def _template(
    found: Mapping[Any, Any],
    at: Path,
    workload: Workload | None,
    path: Path,
    metadata_path: Path,
    spec: Mapping[Any, Any],
    pod: PodPlace | None,
) -> PodTemplate:
    metadata = mapping(found.get("metadata"))
    return PodTemplate(
        word(found.get("apiVersion")),
        word(found.get("kind")),
        word(metadata.get("name")) or word(metadata.get("generateName")),
        word(metadata.get("namespace")),
        (*at, *path),
        (*at, *metadata_path),
        mapping(value_at(found, metadata_path)),
        spec,
        pod.shape if pod else POD_SPEC,
        pod,
        workload,
    )


def value_at(value: object, path: Path) -> Any:
    """What stands at a place, or None."""
    for step in path:
        if isinstance(step, int):
            items = sequence(value)
            value = items[step] if step < len(items) else None
        else:
            value = mapping(value).get(step)
    return value


def _walk(value: object, path: tuple[str, ...]) -> Iterator[tuple[Path, Any]]:
    """The places that a path with `[*]` and `*` leads to, and what stands there, None left out."""
    rows: list[tuple[Path, Any]] = [((), value)]
    for step in path:
        if step == "[*]":
            rows = [((*at, i), item) for at, one in rows for i, item in enumerate(sequence(one))]
        elif step == "*":
            rows = [((*at, k), item) for at, one in rows for k, item in mapping(one).items() if isinstance(k, str)]
        else:
            rows = [((*at, step), one[step]) for at, one in rows if isinstance(one, Mapping) and step in one]
    # a null in a list of containers is a container without fields, a null elsewhere is nothing
    yield from (row for row in rows if row[1] is not None or path[-1:] == ("[*]",))


def _filled(path: tuple[str, ...], pattern: tuple[str, ...], found: Path) -> Path:
    """A path with the indices and keys that another one of the same beginning has found."""
    out: list[str | int] = []
    same = True
    for index, step in enumerate(path):
        same = same and index < len(pattern) and pattern[index] == step
        out.append(found[index] if same else step)
    return tuple(out)


def _shaped(value: object, at: Path, seen: set[int]) -> Iterator[tuple[Path, Mapping[Any, Any]]]:
    """The places below a value that have the shape of a pod spec, the outermost of each branch.

    What aliases make of one value is looked at once: they can hold themselves, or more than any memory.
    """
    if len(at) > _DEEPEST or not isinstance(value, Mapping | list) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, list):
        for index, below in enumerate(value):
            yield from _shaped(below, (*at, index), seen)
        return
    containers = sequence(value.get("containers"))
    if containers and all(isinstance(one, Mapping) and ("image" in one or "name" in one) for one in containers):
        yield at, value
        return
    for key, below in value.items():
        if isinstance(key, str):
            yield from _shaped(below, (*at, key), seen)


# --- Kustomize ------------------------------------------------------------------------------------------------------


def is_kustomization(document: object, file_name: str = "") -> bool:
    """Whether a document is a Kustomization or a Component, by its kind or, as Kustomize has it, by the file's name."""
    found = mapping(document)
    kind, api_version = word(found.get("kind")), word(found.get("apiVersion"))
    if api_version.startswith("kustomize.config.k8s.io/") and kind in ("Kustomization", "Component"):
        return True
    return file_name in KUSTOMIZATIONS and kind in ("", "Kustomization", "Component")


def patch_files(kustomization: object) -> frozenset[str]:
    """The files that a Kustomization or Component names as patches, as it writes them, relative to its folder.

    They hold fragments of objects: what they leave out stands elsewhere, so that they cannot be judged alone.
    """
    found = mapping(kustomization)
    files = {one for one in sequence(found.get("patchesStrategicMerge")) if isinstance(one, str) and "\n" not in one}
    for key in ("patches", "patchesJson6902"):
        files |= {word(mapping(one).get("path")) for one in sequence(found.get(key))}
    return frozenset(files - {""})
