"""The images that a repository names and does not make itself: base images, and those of manifests and Compose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fixer.errors import Unreadable
from fixer.facts import ImageRef
from fixer.repository import Repository
from fixer.running import read_source

if TYPE_CHECKING:
    from fixer.manifests import Reading


def references(repository: Repository) -> frozenset[str]:
    """The images of a repository, as `ImageRef.exact` writes them.

    Those that it makes are left out, and those whose name only a build or a parameter tells.
    """
    used = (*_of_manifests(repository), *_of_compose(repository))
    foreign = (text for path, text in used if repository.made(text, path) is None)
    found = map(_exact, (*_bases(repository), *foreign))
    return frozenset(name for name in found if name and name != "scratch:latest")


def _exact(text: str) -> str:
    try:
        return str(ImageRef.exact(text))
    except ValueError:
        return ""


def _bases(repository: Repository) -> Iterator[str]:
    from fixer.syntax.dockerfile import parse
    from fixer.understand.stages import stages

    for path in repository.dockerfiles:
        try:
            dockerfile = parse(read_source(repository.tree.root, path).text)
            every = stages(dockerfile, repository.config.build_args)
        except Unreadable:
            continue  # which the check tells
        for stage in every:
            if stage.parent is None and stage.base and repository.known.maker(stage.base) is None:
                yield stage.base


def _of_compose(repository: Repository) -> Iterator[tuple[str, str]]:
    """The images of services that are not built, each with its file."""
    from fixer.understand.buildfacts import Hint
    from fixer.understand.buildfiles import is_compose, services

    known = repository.known
    for path in filter(is_compose, known.hints):
        text = known.read(path)
        for service in services(Hint(path, text, known.read)) if text is not None else ():
            if service.image and not service.builds:
                yield path, service.image


def _of_manifests(repository: Repository) -> Iterator[tuple[str, str]]:
    for path in repository.tree.manifests:
        reading: Reading | object = repository.reading(path)
        view = getattr(reading, "view", None)
        for pod in (*view.pods, *view.strangers) if view is not None else ():
            yield from ((path, repository.renamed(member.image, path)) for member in pod.members if member.image)
