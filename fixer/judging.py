"""From paths to verdicts: which pods the manifests below them describe, and what a level forbids in each."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from fixer.discover import Tree, read_inside, scan
from fixer.errors import Unreadable
from fixer.model import Skipped
from fixer.parallel import in_parallel
from fixer.pod_security import Level, Violation, evaluate, parse_version
from fixer.source import SourceFile, read_bytes
from fixer.tuples import NamedTuple
from fixer.understand.kustomize import Kustomize
from fixer.understand.manifests import MATTERS, is_chart_template, read_manifests
from fixer.understand.workloads import WHOLE_SHAPES, PodTemplate, pod_templates, word

# An object without a kind is none of Kubernetes.
_KIND = re.compile(rb"""kind(?<![^\s{,"']kind)["']?\s*:""")


class Verdict(NamedTuple):
    """What was found about one pod spec; `document` counts from 0 in its file."""

    path: str
    document: int
    kind: str
    name: str
    violations: tuple[Violation, ...]

    @property
    def allowed(self) -> bool:
        """Whether the level allows the pod."""
        return not self.violations


class Judged(NamedTuple):
    """The verdicts on one file, and what of it was not judged and why."""

    verdicts: tuple[Verdict, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def judge(paths: Iterable[Path], level: Level | str, version: str, exclude: Iterable[str] = ()) -> Iterator[Judged]:
    """Judge the manifests in files and below folders, one file after the other.

    Paths of verdicts are relative to the folder that was named; a file that was named is told relative to the current
    folder, or in full where it lies elsewhere.

    Raises:
        UsageError: for a path that does not exist.
        ValueError: for a malformed version or an unknown level.
    """
    level = Level(level)
    parse_version(version)
    exclude = tuple(exclude)
    seen: set[str] = set()
    for tree in [_named(scan(path, exclude), path) for path in paths]:
        patches = _patches(tree)
        fresh = [path for path in tree.manifests if _key(tree, path) not in seen]
        seen |= {_key(tree, path) for path in fresh}
        yield from in_parallel(partial(_judge_file, tree.root, patches, level, version), fresh)


def _key(tree: Tree, path: str) -> str:
    return os.path.normpath(f"{os.path.abspath(tree.root)}/{path}")


def _named(tree: Tree, argument: Path) -> Tree:
    """The tree of an argument; a file that was named keeps the folder in its path, so that one knows which it is."""
    if tree.root == argument:
        return tree
    full = Path(os.path.normpath(Path.cwd() / argument))
    below = full.is_relative_to(Path.cwd())
    root = Path.cwd() if below else Path(full.anchor)
    return tree._replace(root=root, manifests=(full.relative_to(root).as_posix() if below else full.as_posix(),))


def _patches(tree: Tree) -> frozenset[str]:
    """The files that the Kustomizations of a tree apply as patches."""
    # a file that was named has its Kustomization beside it, which the tree does not name
    beside = [posixpath.join(posixpath.dirname(path), "kustomization.yaml") for path in tree.manifests[:1]]
    return Kustomize([*beside, *tree.manifests], partial(read_inside, tree.root)).patches


def _judge_file(root: Path, patches: frozenset[str], level: Level, version: str, path: str) -> Judged:
    """The verdicts on one file; what cannot be read is told, unless it holds no object at all."""
    try:
        data = read_bytes(root, path, "a manifest", "; judge it in parts")
        if not _KIND.search(data):
            return Judged()
        text = SourceFile(path, data).text
    except Unreadable as error:
        return Judged(skipped=(Skipped(path, error.reason, error.message),))
    if not MATTERS.search(text):
        return Judged()
    reason = _not_judged(root, path, patches)
    if reason is not None:
        return Judged(skipped=(reason,))
    verdicts: list[Verdict] = []
    documents, skipped = read_manifests(path, text)
    for document in documents:
        for template in pod_templates(document.value):
            why = _not_whole(path, document.index, template)
            if why is not None:
                skipped.append(why)
                continue
            found = evaluate(template, level, version)
            verdicts.append(Verdict(path, document.index, template.kind, template.name, found))
    # an object with several parts of pods is told once
    return Judged(tuple(verdicts), tuple(dict.fromkeys(skipped)))


def _not_judged(root: Path, path: str, patches: frozenset[str]) -> Skipped | None:
    """Why a file is left out whatever it holds: it is a patch, or lies among the templates of a Helm chart."""
    if path in patches:
        message = "a Kustomization applies this file as a patch; judge what 'kustomize build' makes of it"
        return Skipped(path, "patch", message)
    if is_chart_template(root, path):
        return Skipped(path, "template", "this is a template of a Helm chart; judge what 'helm template' makes of it")
    return None


def _not_whole(path: str, number: int, template: PodTemplate) -> Skipped | None:
    """Why a pod spec is not judged: it is a part of one, or an operator makes the pod of it."""
    what = f"{word(template.kind)}/{template.name} in document {number}"
    if not template.known:
        message = (
            f"{what}: nothing is known about this kind, though it holds what looks like a pod spec; judge the pods"
        )
        return Skipped(path, "unknown-kind", message)
    if template.shape not in WHOLE_SHAPES:
        message = f"{what}: an operator makes the pods, and this tells only some of what they will be; judge the pods"
        return Skipped(path, "operator", message)
    if not template.whole:
        message = f"{what}: no container has an image, so that this is a part of a pod spec; judge the whole"
        return Skipped(path, "fragment", message)
    return None
