"""From a repository to the graph of its images: what makes them, what they start from, and who uses them."""

from __future__ import annotations

from collections.abc import Iterator

from fixer.discover import read_inside
from fixer.errors import Unreadable
from fixer.model import Skipped
from fixer.repository import Repository
from fixer.running import read_source
from fixer.tuples import NamedTuple
from fixer.understand.buildfacts import Hint
from fixer.understand.builds import Build, Found
from fixer.understand.links import Base, Collection, Graph, Link, Use

_ROLES = {
    "containers": "container",
    "initContainers": "init container",
    "ephemeralContainers": "ephemeral container",
}


class Drawn(NamedTuple):
    """The graph of one tree, and what of the tree is not in it and why."""

    graph: Graph
    skipped: tuple[Skipped, ...]


def draw(repository: Repository) -> Drawn:
    """The graph of a repository. A file that cannot be read is told as skipped, and stops no other."""
    skipped: list[Skipped] = []
    links = [*_of_services(repository), *_of_manifests(repository, skipped)]
    builds = [build for build in repository.known.all if not build.dockerfile or repository.is_there(build)]
    told = {build.dockerfile for build in builds}
    builds += [link.build for link in links if link.build is not None]
    for path in repository.dockerfiles:
        if path not in told:
            builds.append(Build(path, None, "", f"{path}: no file says how it is built", path=path, line=1))
    collection = Collection(builds)
    for link in links:
        collection.add(link)
    for build in builds:
        if build.dockerfile:
            _add_base(repository, collection, build, skipped)
    return Drawn(collection.graph(repository.dockerfiles), tuple(dict.fromkeys(skipped)))


def _of_services(repository: Repository) -> Iterator[Link]:
    from fixer.understand.buildfiles import is_compose, services

    def read(path: str) -> str | None:
        return read_inside(repository.tree.root, path)

    for path in repository.tree.hints:
        text = read(path) if is_compose(path) else None
        for service in services(Hint(path, text, read)) if text is not None else ():
            use = Use(path, service.line, f"service {service.name}", "", "service", service.image)
            if service.build is not None and repository.is_there(service.build):
                yield Link(use, service.image, service.build)
            elif service.builds:
                what = service.build.dockerfile if service.build is not None else ""
                note = f"its Dockerfile {what} is not there" if what else "what it is built from is not known"
                yield Link(use, service.image or service.name, note=note)
            elif service.image:
                yield _linked(repository, use, service.image)


def _of_manifests(repository: Repository, skipped: list[Skipped]) -> Iterator[Link]:
    for path in repository.tree.manifests:
        reading = repository.reading(path)
        if reading is None:
            continue
        if isinstance(reading, tuple):
            skipped += reading
            continue
        skipped += reading.skipped
        for pod in (*reading.view.pods, *reading.view.strangers):
            for member in pod.members:
                if member.image:
                    line = pod.document.line(pod.at((*member.path, "image")).start)
                    role = _ROLES.get(member.container.role, member.container.role)
                    owner = f"{pod.template.kind}/{pod.template.name}".strip("/")
                    use = Use(path, line, owner, member.container.name, role, member.image)
                    yield _linked(repository, use, repository.renamed(member.image, path))


def _linked(repository: Repository, use: Use, reference: str) -> Link:
    found: Found = repository.find(reference, use.path)
    build = found.build
    if build is not None and build.dockerfile and not repository.is_there(build):
        return Link(use, reference, note=f"{build.evidence} builds it from {build.dockerfile}, which is not there")
    return Link(use, reference, build, found.candidates)


def _add_base(repository: Repository, collection: Collection, build: Build, skipped: list[Skipped]) -> None:
    path = build.dockerfile
    try:
        view = repository.understood(read_source(repository.tree.root, path), build.target, build.args)
    except Unreadable as error:
        skipped.append(Skipped(path, error.reason, error.message))
        return
    wanted = [stage for stage in view.stages if build.target and stage.name == build.target.lower()]
    stage = (wanted or view.stages)[-1]
    eldest = stage.chain[0]
    evidence = f"{path}:{eldest.start.line}: FROM {eldest.base_text}"
    if eldest.base == "scratch":
        return
    if eldest.base is None:
        collection.add_base(build, Base(eldest.base_text, evidence, False))
        return
    maker = repository.known.find(eldest.base, path).build
    ours = maker is not None and repository.is_there(maker) and maker.dockerfile != path
    collection.add_base(build, Base(eldest.base, evidence, True, maker if ours else None))
