"""Which changed files belong together: what one deployment needs goes into one commit and one pull request."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fixer.graphing import draw
from fixer.model import FileChange, Finding, Result, Status
from fixer.repository import Repository

WHOLE = "the repository"
"""The name of a unit whose files lie in several folders at the top."""


class Unit(NamedTuple):
    """Changes that are whole only together, and the findings that they fix.

    `name` is what people call it: the folder that all of it lies in, or the one file that it is.
    """

    name: str
    changes: tuple[FileChange, ...]
    findings: tuple[Finding, ...]


def units(repositories: Iterable[Repository], result: Result) -> tuple[Unit, ...]:
    """The changes of a result by what is deployed together.

    A Dockerfile belongs to the manifests and Compose files that use its image, to the Dockerfiles that start from it,
    and to whatever moved with it. What nobody uses is a unit of its own.

    Args:
        repositories: the trees that the result is of.
        result: with its changes.

    Returns:
        The units in the order of their names.
    """
    changed = {(change.root, change.path): change for change in result.changes}
    groups = _Groups()
    for repository in repositories:
        root = str(repository.tree.root)
        for one, other in _pairs(repository):
            groups.join((root, one), (root, other))
    moved: dict[str, tuple[str, str]] = {}
    for key, change in changed.items():
        if change.unit:
            groups.join(moved.setdefault(f"{change.root}:{change.unit}", key), key)
    together: dict[tuple[str, str], list[FileChange]] = {}
    for key, change in changed.items():
        together.setdefault(groups.of(key), []).append(change)
    found = [_unit(changes, result) for changes in together.values()]
    return tuple(sorted(found, key=lambda unit: (unit.name, unit.changes[0].path)))


def _pairs(repository: Repository) -> Iterator[tuple[str, str]]:
    """Files of which one has to follow the other: by the images that they make, start from and use."""
    graph = draw(repository).graph
    files = {image.id: image.dockerfile for image in graph.images if image.dockerfile}
    places = {use.key: use.path for use in graph.uses}
    for edge in graph.edges:
        one = files.get(edge.source, "") or places.get(edge.source, "")
        other = files.get(edge.goal, "")
        if one and other:
            yield one, other


def _unit(changes: list[FileChange], result: Result) -> Unit:
    paths = {change.path for change in changes}
    findings = tuple(f for f in result.findings if f.path in paths and f.status is Status.FIXED)
    return Unit(_name([change.repository_path or change.path for change in changes]), tuple(changes), findings)


def _name(paths: list[str]) -> str:
    if len(paths) == 1:
        folder, name = posixpath.split(paths[0])
        return folder if folder and "ockerfile" in name else paths[0]
    return posixpath.commonpath([posixpath.dirname(path) for path in paths]) or WHOLE


class _Groups:
    """Things that belong together, directly or by others."""

    def __init__(self) -> None:
        self.above: dict[tuple[str, str], tuple[str, str]] = {}

    def of(self, one: tuple[str, str]) -> tuple[str, str]:
        while self.above.get(one, one) != one:
            one = self.above[one]
        return one

    def join(self, one: tuple[str, str], other: tuple[str, str]) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        self.above[second] = first
