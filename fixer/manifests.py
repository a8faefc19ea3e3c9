"""Understand a file of manifests and ask the rules, as `fixer.engine` does with a Dockerfile."""

from __future__ import annotations

import re
from types import ModuleType

from fixer.config import Config
from fixer.engine import Outcome, check_reading, rules_for
from fixer.model import Skipped
from fixer.rules.pods import ManifestView, Surroundings
from fixer.source import UTF16, SourceFile
from fixer.syntax.yaml import AnyOf
from fixer.understand.manifests import MATTERS, read_manifests
from fixer.understand.pods import Pod
from fixer.understand.workloads import CONTAINER_SHAPES, WHOLE_SHAPES, mapping, pod_templates, value_at

# Without both a file describes no pod; most YAML of a repository is done after this look.
_KIND = re.compile(rb"""kind["']?\s*:""")
_PODS = AnyOf(*(re.compile(pattern.pattern.encode()) for pattern in MATTERS.patterns))


def may_matter(data: bytes, config: Config) -> bool:
    """Whether the bytes of a file may hold an object of Kubernetes that describes pods, or a namespace to be judged."""
    if data[:2] in UTF16:
        data = data.replace(b"\0", b"")  # it cannot be read, and is told where it would have counted
    if _KIND.search(data) is None:
        return False
    return _PODS.search(data) or (b"Namespace" in data and _judges_namespaces(config))


def _judges_namespaces(config: Config) -> bool:
    """Whether the one rule on namespaces speaks; if not, none of their documents is read."""
    from fixer.rules.kubernetes import namespace_labels

    return bool(rules_for(config, (namespace_labels,)))


class Reading:
    """What a file holds: its view, and what of it was not judged and why."""

    def __init__(self, view: ManifestView, skipped: tuple[Skipped, ...]) -> None:
        self.view = view
        self.skipped = skipped

    @property
    def judged(self) -> bool:
        """Whether a pod or a namespace was seen; else all was skipped."""
        return bool(self.view.pods or self.view.strangers or self.view.namespaces)


def understand(source: SourceFile, config: Config, surroundings: Surroundings) -> Reading | None:
    """Read one file of manifests; None where it holds none.

    Raises:
        Unreadable: when its bytes are no text.
    """
    if not may_matter(source.data, config):
        return None
    documents, skipped = read_manifests(source.path, source.text, namespaces=_judges_namespaces(config))
    pods: list[Pod] = []
    strangers: list[Pod] = []
    for document in documents:
        found = [Pod(document, template) for template in pod_templates(document.value)]
        judged = [pod for pod in found if pod.template.whole and pod.template.shape in WHOLE_SHAPES | CONTAINER_SHAPES]
        judged = [pod for pod in judged if not _inherits(pod)]
        pods += (pod for pod in judged if pod.template.known)
        strangers += (pod for pod in judged if not pod.template.known)
        # an operator's object has settings at many places, and those without a container say nothing of their own
        left = [pod for pod in found if pod not in judged and (pod.members or not any(p.members for p in found))]
        skipped += (_operator(source.path, p) if _is_made(p) else _fragment(source.path, p) for p in left)
    view = ManifestView(source, documents, pods, strangers, surroundings, config)
    if not (pods or strangers or skipped or view.namespaces):
        return None
    return Reading(view, tuple(dict.fromkeys(skipped)))


def _is_made(pod: Pod) -> bool:
    return pod.template.known and pod.template.shape not in WHOLE_SHAPES


def _inherits(pod: Pod) -> bool:
    """Whether settings for all templates of a workflow stand above this one, which tells only a part then."""
    if pod.template.shape != "ArgoTemplate":
        return False
    above = mapping(value_at(pod.document.value, pod.path[: 2 if "workflowSpec" in pod.path else 1]))
    return any(above.get(key) for key in ("securityContext", "podSpecPatch", "templateDefaults"))


def _operator(path: str, pod: Pod) -> Skipped:
    line = pod.document.line(pod.at(pod.path).start)
    message = f"line {line}: an operator makes the pods of this {pod.template.kind}, and this tells only a part of them"
    return Skipped(path, "operator", f"{message}; set its security contexts by hand")


def _fragment(path: str, pod: Pod) -> Skipped:
    line = pod.document.line(pod.at(pod.path).start)
    return Skipped(
        path, "fragment", f"line {line}: no container has an image, so that this is a part of a pod; fix the whole"
    )


def check(
    source: SourceFile, config: Config, surroundings: Surroundings, rules: tuple[ModuleType, ...]
) -> Outcome | None:
    """Check one file of manifests; None where it holds none.

    A file that cannot be read or handled comes back as skipped; nothing is raised for it.
    """
    return check_reading(source.path, lambda: understand(source, config, surroundings), rules)
