"""What the pods of a namespace satisfy once they are fixed, as far as the manifests of a tree tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from fixer.manifests import Reading
from fixer.model import Skipped
from fixer.pod_security import Level, Violation, evaluate
from fixer.rules.pods import NamespaceLevel, on_host_users
from fixer.tuples import NamedTuple
from fixer.understand.pods import Pod
from fixer.understand.workloads import WHOLE_SHAPES, PodTemplate, pod_templates

# What is read from a file: its pods and what of it was skipped, or only the latter; None where it holds nothing.
Found = Reading | tuple[Skipped, ...] | None
Names = frozenset[str]

# These are told once more by the objects that they come from, which know their namespace.
_OF_OBJECTS = frozenset({"operator", "fragment"})


class _File(NamedTuple):
    """One file: the namespaces of its pods, and what else may bring pods, with its namespaces and the reason.

    No namespace at all stands for any: nobody can tell which.
    """

    pods: tuple[Names, ...]
    unclear: tuple[tuple[Names, str], ...]


class Namespaces:
    """The pods of a tree by namespace. A file is read when it is first asked for, and fixed only if it has to be.

    Args:
        paths: the files that may be manifests.
        read: what a file holds as it is.
        fixed: what it holds after its fixes.
        layer: the namespace that the layers of Kustomize above a file set, "" for none.
        version: the version of the Pod Security Standards.
    """

    def __init__(
        self,
        paths: Iterable[str],
        read: Callable[[str], Found],
        fixed: Callable[[str], Reading | None],
        layer: Callable[[str], str],
        version: str,
    ) -> None:
        self._paths = sorted(paths)
        self._read = read
        self._fixed = fixed
        self._layer = layer
        self._version = version
        self._files: dict[str, _File] = {}
        self._after: dict[str, Sequence[Pod]] = {}
        self._levels: dict[Names, NamespaceLevel] = {}

    def level(self, names: Names) -> NamespaceLevel:
        """What the pods satisfy that may come into a namespace which has these names."""
        if names not in self._levels:
            self._levels[names] = self._level(names)
        return self._levels[names]

    def _level(self, names: Names) -> NamespaceLevel:
        for path in self._paths:
            for there, reason in self._file(path).unclear:
                if _meets(there, names):
                    return NamespaceLevel(None, f"nobody can tell which pods {path} puts there ({reason})")
        files = [path for path in self._paths if any(_meets(there, names) for there in self._file(path).pods)]
        if not files:
            return NamespaceLevel(None, "no manifest puts a pod there")
        worst = NamespaceLevel(Level.RESTRICTED)
        for path, pod in self._pods(files, names):
            # what the label says holds on clusters too that are older than the exception
            template = on_host_users(pod.template)
            forbidden = evaluate(template, Level.BASELINE, self._version)
            if forbidden:
                return NamespaceLevel(Level.PRIVILEGED, _told(path, pod, forbidden))
            forbidden = evaluate(template, Level.RESTRICTED, self._version)
            if forbidden and worst.level is Level.RESTRICTED:
                worst = NamespaceLevel(Level.BASELINE, _told(path, pod, forbidden))
        return worst

    def _pods(self, paths: Iterable[str], names: Names) -> Iterator[tuple[str, Pod]]:
        """The pods of some files, as they are after the fixes, that may come into a namespace."""
        for path in paths:
            if path not in self._after:
                after = self._fixed(path)
                self._after[path] = after.view.pods if after is not None else ()
            yield from ((path, pod) for pod in self._after[path] if _meets(self._names(path, pod.template), names))

    def _file(self, path: str) -> _File:
        if path not in self._files:
            self._files[path] = self._look(path)
        return self._files[path]

    def _look(self, path: str) -> _File:
        found = self._read(path)
        if found is None:
            return _File((), ())
        skipped = found.skipped if isinstance(found, Reading) else found
        above = frozenset({self._layer(path)} - {""})
        unclear = [(above, one.reason) for one in skipped if one.reason not in _OF_OBJECTS]
        if not isinstance(found, Reading):
            return _File((), tuple(unclear))
        known = {pod.key for pod in found.view.pods if pod.template.shape in WHOLE_SHAPES}
        pods: list[Names] = []
        for document in found.view.documents:
            for template in pod_templates(document.value):
                names = self._names(path, template)
                if Pod(document, template).key in known:
                    pods.append(names)
                else:
                    unclear.append((names, f"{template.kind} {template.name}".strip()))
        return _File(tuple(pods), tuple(unclear))

    def _names(self, path: str, template: PodTemplate) -> Names:
        return frozenset({self._layer(path), template.namespace} - {""})


def _meets(there: Names, names: Names) -> bool:
    return not there or bool(there & names)


def _told(path: str, pod: Pod, forbidden: tuple[Violation, ...]) -> str:
    return f"{pod.template.kind}/{pod.template.name} in {path}: {forbidden[0].message}"
