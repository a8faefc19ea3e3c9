"""The view of a pod that the controls look at: its containers and its settings, each with its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixer.tuples import NamedTuple
from fixer.understand.workloads import PodTemplate, containers_of, mapping, place


class Setting(NamedTuple):
    """A security context: that of the pod or of a container, with its path and the words that name its owner."""

    owner: str
    path: str
    values: Mapping[Any, Any]


class PodContainer(NamedTuple):
    """A container with its path, the words that name it, and its security context."""

    owner: str
    role: str
    path: str
    value: Mapping[Any, Any]
    setting: Setting


class Pod(NamedTuple):
    """A pod as the controls see it; `at` stands before the fields of the pod spec, `metadata_at` before the others."""

    metadata: Mapping[Any, Any]
    spec: Mapping[Any, Any]
    at: str
    metadata_at: str
    containers: tuple[PodContainer, ...]
    setting: Setting

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The security contexts of the pod and of its containers."""
        return (self.setting, *(container.setting for container in self.containers))

    @property
    def windows(self) -> bool:
        """Whether the pod says that it runs on Windows."""
        return mapping(self.spec.get("os")).get("name") == "windows"

    @property
    def own_users(self) -> bool:
        """Whether the pod has a user namespace of its own, where root is not root outside."""
        return self.spec.get("hostUsers") is False


def pod_of(pod: PodTemplate | Mapping[Any, Any], prefix: str | None) -> Pod:
    """The view of a template or of a plain object with `metadata` and `spec`; see `fixer.pod_security.evaluate`."""
    if isinstance(pod, PodTemplate):
        spec, metadata, found = pod.spec, pod.metadata, pod.containers
        above = place(pod.path) if prefix is None else prefix
        metadata_at = place(pod.metadata_path) if prefix is None else _beside(prefix)
    else:
        spec, metadata = mapping(mapping(pod).get("spec")), mapping(mapping(pod).get("metadata"))
        found = tuple(containers_of(spec))
        above = prefix or ""
        metadata_at = _beside(above)
    at = f"{above}." if above else ""
    containers = []
    for container in found:
        owner, path = f'container "{container.name}"', f"{at}{place(container.path)}"
        setting = Setting(owner, f"{path}.securityContext", mapping(container.value.get("securityContext")))
        containers.append(PodContainer(owner, container.role, path, container.value, setting))
    own = Setting("pod", f"{at}securityContext", mapping(spec.get("securityContext")))
    return Pod(metadata, spec, at, metadata_at, tuple(containers), own)


def _beside(prefix: str) -> str:
    """The path of the metadata that belongs to a pod spec."""
    return f"{prefix.removesuffix('spec')}metadata" if prefix.endswith("spec") else "metadata"
