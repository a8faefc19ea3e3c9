"""One pod of a manifest as the rules see it: its settings and containers, each with its place in the document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from fixer.lazy import lazy
from fixer.model import Span
from fixer.syntax.yaml import Document
from fixer.tuples import NamedTuple
from fixer.understand.workloads import WHOLE_SHAPES, Container, Path, PodTemplate, mapping, place, sequence

_STEP = re.compile(r"\['([^\]]*)'\]|\[(\d+)\]|([^.\[\]]+)")

# The words by which a pod asks for containers that are not its own, as the documentation of each project has them.
INJECTORS = {
    "sidecar.istio.io/inject": "Istio",
    "linkerd.io/inject": "Linkerd",
    "vault.hashicorp.com/agent-inject": "Vault",
    "consul.hashicorp.com/connect-inject": "Consul",
    "dapr.io/enabled": "Dapr",
    "sidecar.opentelemetry.io/inject": "OpenTelemetry",
    "kuma.io/sidecar-injection": "Kuma",
}
_ON = ("true", "enabled", "ingress", "yes")


@lru_cache(maxsize=1024)
def steps_of(text: str) -> Path:
    """The steps of a path that `fixer.understand.workloads.place` wrote."""
    return tuple(int(m[2]) if m[2] else m[1] if m[1] is not None else m[3] for m in _STEP.finditer(text))


class Member(NamedTuple):
    """A container of a pod: where it stands in the document, and where its security context does."""

    path: Path
    container: Container

    @property
    def name(self) -> str:
        """Its name, or its place where it has none."""
        return self.container.name or place(self.path)

    @property
    def image(self) -> str:
        """The image as written, "" without one."""
        image = self.container.value.get("image")
        return image if isinstance(image, str) else ""

    @property
    def context_path(self) -> Path:
        """Where its security context stands."""
        return (*self.path, "securityContext")

    @property
    def context(self) -> Mapping[Any, Any]:
        """Its security context, empty without one."""
        return mapping(self.container.value.get("securityContext"))

    @property
    def added(self) -> tuple[str, ...]:
        """The capabilities that it adds."""
        added = sequence(mapping(self.context.get("capabilities")).get("add"))
        return tuple(one for one in added if isinstance(one, str))

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it says it listens on."""
        rows = (mapping(one).get("containerPort") for one in sequence(self.container.value.get("ports")))
        return tuple(port for port in rows if isinstance(port, int))

    @property
    def words(self) -> tuple[str, ...]:
        """Its command and arguments, as far as they are written; what stands in a `$(VAR)` stays as it is."""
        value = self.container.value
        return tuple(w for key in ("command", "args") for w in sequence(value.get(key)) if isinstance(w, str))

    def env(self, name: str) -> list[Any]:
        """The values that are written for a variable, None where they come from elsewhere."""
        rows = map(mapping, sequence(self.container.value.get("env")))
        return [row.get("value") for row in rows if row.get("name") == name]


class Pod:
    """One description of pods in a document of a file."""

    def __init__(self, document: Document, template: PodTemplate) -> None:
        self.document = document
        self.template = template
        self.path = template.path
        self.members = tuple(Member((*template.path, *c.path), c) for c in template.containers)

    @lazy
    def key(self) -> str:
        """What tells it apart from all other pods of its file."""
        return f"{self.document.index}:{place(self.path)}"

    @property
    def spec(self) -> Mapping[Any, Any]:
        """The pod spec."""
        return self.template.spec

    @property
    def has_context(self) -> bool:
        """Whether settings may go to the pod.

        Knative has security contexts of containers alone, and what an operator makes of those of a pod is its own
        business.
        """
        where = self.template.place
        whole = self.template.shape in WHOLE_SHAPES
        return whole and (where is None or where.pod_security_context == "securityContext")

    @property
    def context_path(self) -> Path:
        """Where the security context of the pod stands."""
        return (*self.path, "securityContext")

    @property
    def context(self) -> Mapping[Any, Any]:
        """The security context of the pod, empty without one."""
        return mapping(self.spec.get("securityContext"))

    @property
    def windows(self) -> bool:
        """Whether it says that it runs on Windows, to Kubernetes or to its scheduler alone."""
        if self.says_windows:
            return True
        selector = mapping(self.spec.get("nodeSelector"))
        options = mapping(self.context.get("windowsOptions"))
        asked = (selector.get(label) for label in ("kubernetes.io/os", "beta.kubernetes.io/os"))
        return "windows" in asked or options.get("hostProcess") is True

    @property
    def says_windows(self) -> bool:
        """Whether Kubernetes takes it for a pod of Windows, of which it asks less."""
        return mapping(self.spec.get("os")).get("name") == "windows"

    @property
    def injector(self) -> str:
        """Who adds containers to the pod when it is made, as its labels and annotations say; "" for nobody."""
        metadata = self.template.metadata
        said = {**mapping(metadata.get("labels")), **mapping(metadata.get("annotations"))}
        return next((who for key, who in INJECTORS.items() if str(said.get(key, "")).lower() in _ON), "")

    @property
    def host_network(self) -> bool:
        """Whether it shares the network of its node."""
        return "hostNetwork" in self.shared

    @property
    def shared(self) -> tuple[str, ...]:
        """The fields by which it shares namespaces of its node."""
        return tuple(field for field in ("hostNetwork", "hostPID", "hostIPC") if self.spec.get(field) is True)

    @lazy
    def volumes(self) -> dict[str, Mapping[Any, Any]]:
        """Its volumes by name."""
        rows = (mapping(one) for one in sequence(self.spec.get("volumes")))
        return {str(row.get("name")): row for row in rows}

    def effective(self, member: Member, field: str) -> Any:
        """What holds for a container: its own setting, else that of the pod; None for neither."""
        own = member.context.get(field)
        return self.context.get(field) if own is None else own

    def user(self, member: Member) -> int | None:
        """The number that the manifest makes a container run as, None where the image decides."""
        number = self.effective(member, "runAsUser")
        return number if isinstance(number, int) and not isinstance(number, bool) else None

    def user_path(self, member: Member) -> Path:
        """Where that number stands."""
        own = member.context.get("runAsUser") is not None
        return (*(member.context_path if own else self.context_path), "runAsUser")

    def says_not_root(self, member: Member) -> bool:
        """Whether the kubelet starts a container as somebody other than root, or not at all."""
        return self.effective(member, "runAsNonRoot") is True and self.user(member) != 0

    def mounts(self, member: Member) -> Iterator[tuple[Mapping[Any, Any], Mapping[Any, Any]]]:
        """The mounts of a container, each with its volume; an empty one where a claim template makes it."""
        for one in sequence(member.container.value.get("volumeMounts")):
            mount = mapping(one)
            yield mount, self.volumes.get(str(mount.get("name")), {})

    def at(self, path: Path) -> Span:
        """The characters of what stands at a path, key included; of the nearest thing above where nothing does."""
        return self.document.span_at(path)


def capability(text: str) -> str:
    """A capability as Kubernetes writes it, however it is written: without CAP_, in capitals."""
    return text.upper().removeprefix("CAP_")


def of_root_alone(capabilities: Iterable[str]) -> list[str]:
    """Those of the capabilities that a container adds that only root has, as they are written."""
    return [one for one in capabilities if capability(one) != "NET_BIND_SERVICE"]
