"""Which changed files belong together: what one deployment needs goes into one commit and one pull request."""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fixer.discover import is_dockerfile
from fixer.graphing import draw
from fixer.model import FileChange, Finding, Result, SetKey, SetUser, Status, YamlChange
from fixer.proofs import Digests, Kept, Proof, digest
from fixer.repository import Repository
from fixer.source import bytes_if_readable
from fixer.tuples import NamedTuple
from fixer.understand.links import Graph

Place = tuple[str, str]
"""Where a file lies: the folder of its tree, and its path in there."""


class Unit(NamedTuple):
    """Changes that are whole only together, and the findings that they fix.

    `name` is what people call it: the folder that all of it lies in, the folders of its Dockerfiles, or its file. No
    two units of a run have the same. `services` are the workloads and services of Compose that change, in order; where
    some of them get another user, those. The findings are told with paths from the top of the git repository, where
    there is one.
    """

    name: str
    changes: tuple[FileChange, ...]
    findings: tuple[Finding, ...]
    services: tuple[str, ...] = ()


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
    repositories = tuple(repositories)
    changed = {(change.root, change.path): change for change in result.changes}
    moved: dict[str, Place] = {}
    for key, change in changed.items():
        if change.unit:
            moved.setdefault(f"{change.root}:{change.unit}", key)
    joined = [(moved[f"{c.root}:{c.unit}"], key) for key, c in changed.items() if c.unit]
    graphs = [(str(repository.tree.root), draw(repository).graph) for repository in repositories]
    together = grouped(graphs, {key: change.whole_path for key, change in changed.items()}, joined)
    trees = {str(repository.tree.root): repository for repository in repositories}
    found = [_unit(name, [changed[key] for key in keys], result, trees) for name, keys in together.items()]
    return tuple(sorted(found, key=lambda unit: unit.name))


def proved(unit: Unit, kept: Kept) -> tuple[Proof, ...]:
    """The proofs of images that hold with exactly the changes of a unit, and with nothing else changed."""
    changes = {
        os.path.join(os.path.realpath(one.root), one.path): Digests(digest(one.before), digest(one.after))
        for one in unit.changes
    }
    return kept.fitting(changes, _digest)


def _digest(place: str) -> str:
    """That of a file as it is, "" where it cannot be read."""
    path = Path(place)
    data = bytes_if_readable(path.parent, path.name)
    return "" if data is None else digest(data)


def grouped(
    graphs: Iterable[tuple[str, Graph]], files: Mapping[Place, str], joined: Iterable[tuple[Place, Place]] = ()
) -> dict[str, list[Place]]:
    """Files by what is deployed together.

    Args:
        graphs: the folder of each tree with the graph of its images.
        files: where each file lies (the folder of its tree, and its path in there), and the path that people know.
        joined: files that belong together whatever the graphs say.

    Returns:
        For the name of each unit its files, in the order of `files`.
    """
    groups = _Groups()
    for root, graph in graphs:
        for one, other in _pairs(graph):
            groups.join((root, one), (root, other))
    for first, second in joined:
        groups.join(first, second)
    together: dict[Place, list[Place]] = {}
    for key in files:
        together.setdefault(groups.of(key), []).append(key)
    called = _names([[files[key] for key in keys] for keys in together.values()])
    return dict(zip(called, together.values(), strict=True))


def _pairs(graph: Graph) -> Iterator[tuple[str, str]]:
    """Files of which one has to follow the other: by the images that they make, start from and use."""
    files = {image.id: image.dockerfile for image in graph.images if image.dockerfile}
    places = {use.key: use.path for use in graph.uses}
    for edge in graph.edges:
        one = files.get(edge.source, "") or places.get(edge.source, "")
        other = files.get(edge.goal, "")
        if one and other:
            yield one, other


def _unit(name: str, changes: list[FileChange], result: Result, trees: Mapping[str, Repository]) -> Unit:
    shown = {change.path: change.whole_path for change in changes}
    fixed = [f for f in result.findings if f.path in shown and f.status is Status.FIXED]
    moving = [f for f in fixed if users_of(f)] or fixed
    services = {service for change in changes for service in _services(change, moving, trees.get(change.root))}
    return Unit(name, tuple(changes), tuple(f._replace(path=shown[f.path]) for f in fixed), tuple(sorted(services)))


def _services(change: FileChange, fixed: Iterable[Finding], repository: Repository | None) -> Iterator[str]:
    """The names of the services and workloads that a change of a YAML file is about."""
    documents = set()
    for finding in fixed:
        if finding.path == change.path:
            yield from services_of(finding)
            documents |= {one.document for one in _yaml_changes(finding)}
    reading = repository.reading(change.path) if documents and repository is not None else None
    if reading is not None and not isinstance(reading, tuple):
        for pod in reading.view.pods:
            if pod.document.index in documents and pod.template.name:
                yield pod.template.name


def users_of(finding: Finding) -> tuple[str, ...]:
    """The users that the fix of a finding gives to images and containers, as `uid` or `uid:gid`."""
    found: list[str] = []
    for change in finding.fix.changes if finding.fix is not None else ():
        if isinstance(change, SetUser):
            found.append(change.user)
        elif isinstance(change, SetKey) and change.key in ("runAsUser", "user") and change.value:
            found.append(str(change.value))
    return tuple(found)


def services_of(finding: Finding) -> tuple[str, ...]:
    """The services of Compose that the fix of a finding changes, in order."""
    paths = [change.path for change in _yaml_changes(finding)]
    return tuple(sorted({str(path[1]) for path in paths if len(path) > 1 and path[0] == "services"}))


def _yaml_changes(finding: Finding) -> Iterator[YamlChange]:
    for change in finding.fix.changes if finding.fix is not None else ():
        if isinstance(change, YamlChange):
            yield change


def _names(units: list[list[str]]) -> list[str]:
    """What each unit is called, by the paths of its files: the shortest name that no other one has."""
    names = [""] * len(units)
    for way in (_folder, _dockerfiles, _files):
        wanted = [way(paths) for paths in units]
        often = Counter(wanted)
        for n, name in enumerate(wanted):
            if not names[n] and name and often[name] == 1 and name not in names:
                names[n] = name
    return [name or ", ".join(units[n]) for n, name in enumerate(names)]


def _folder(paths: list[str]) -> str:
    if len(paths) > 1:
        return posixpath.commonpath([posixpath.dirname(path) for path in paths])
    return posixpath.dirname(paths[0]) if _makes_image(paths[0]) else paths[0]


def _dockerfiles(paths: list[str]) -> str:
    makers = [path for path in paths if _makes_image(path)]
    return listed([posixpath.dirname(path) or path for path in makers])


def _files(paths: list[str]) -> str:
    return listed([path for path in paths if _makes_image(path)] or paths)


def _makes_image(path: str) -> bool:
    return is_dockerfile(posixpath.basename(path))


def listed(words: Iterable[str]) -> str:
    """Words as people list them: `a`, `a and b`, `a, b and 3 more`; "" for none."""
    words = sorted(set(words))
    if len(words) < 3:
        return " and ".join(words)
    return (
        f"{words[0]}, {words[1]} and {len(words) - 2} more"
        if len(words) > 3
        else f"{words[0]}, {words[1]} and {words[2]}"
    )


class _Groups:
    """Things that belong together, directly or by others."""

    def __init__(self) -> None:
        self.above: dict[Place, Place] = {}

    def of(self, one: Place) -> Place:
        while self.above.get(one, one) != one:
            one = self.above[one]
        return one

    def join(self, one: Place, other: Place) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        self.above[second] = first
