"""The builds that a file describes, whatever kind of file it is; the YAML among them is read here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fixer.lazy import regex
from fixer.tuples import NamedTuple
from fixer.understand.buildfacts import (
    UNKNOWN,
    Hint,
    Said,
    Spot,
    Steps,
    docker_build,
    image_name,
    other_build,
    pairs,
    texts,
)
from fixer.understand.buildpages import Page, pages
from fixer.understand.builds import Build
from fixer.understand.workloads import mapping, sequence, word

if TYPE_CHECKING:
    from fixer.understand import compose


class Service(NamedTuple):
    """A service of a Compose file: where it is written, the image that it names, and its build."""

    name: str
    path: str
    line: int
    image: str
    build: Build | None
    builds: bool


def builds_of(hint: Hint) -> Iterator[Build]:
    """The builds that a file describes; none where it cannot be parsed."""
    yield from _reader(hint.path)(hint)


def is_compose(path: str) -> bool:
    """Whether a file is one of Compose, by its name."""
    name = posixpath.basename(path).lower()
    return "compose" in name and name.endswith((".yml", ".yaml"))


def _reader(path: str) -> Callable[[Hint], Iterator[Build]]:
    name = posixpath.basename(path).lower()
    if is_compose(path):
        return _compose
    if name.startswith("docker-bake"):
        return _bake
    if name.startswith("skaffold"):
        return _skaffold
    return _ci if name.endswith((".yml", ".yaml")) else _lines


def _ci(hint: Hint) -> Iterator[Build]:
    from fixer.understand import buildci

    name = posixpath.basename(hint.path).lower()
    readers = {".gitlab": buildci.gitlab, "azure": buildci.azure, "cloudbuild": buildci.cloud_build}
    if hint.path.startswith(".github/workflows/"):
        yield from buildci.workflow(hint)
    elif hint.path.startswith(".circleci/"):
        yield from buildci.circle(hint)
    else:
        reader = next((reader for start, reader in readers.items() if name.startswith(start)), None)
        yield from reader(hint) if reader is not None else ()


def _bake(hint: Hint) -> Iterator[Build]:
    from fixer.understand.bake import bake

    yield from bake(hint)


def _lines(hint: Hint) -> Iterator[Build]:
    from fixer.understand import buildlines

    name = posixpath.basename(hint.path).lower()
    if name.startswith("jenkinsfile"):
        yield from buildlines.jenkinsfile(hint)
    elif name == "tiltfile":
        yield from buildlines.tiltfile(hint)
    elif name in ("makefile", "gnumakefile") or name.endswith(".mk"):
        yield from buildlines.makefile(hint)
    else:
        yield from buildlines.script(hint)


# --- Compose -----------------------------------------------------------------------------------------------------


def _compose(hint: Hint) -> Iterator[Build]:
    if "build" not in hint.text and "extends" not in hint.text:
        return  # it only uses images; `target` is also a word of its volumes
    yield from (service.build for service in services(hint) if service.build is not None)


def services(hint: Hint) -> Iterator[Service]:
    """The services of a Compose file that name an image or build one.

    A service that is built and names no image gets the name that Compose gives it, `<project>-<service>`. The project
    is the `name:` of the file, or its folder; for a file at the top that is a name which the repository does not tell.
    """
    from fixer.understand.compose import builders

    for service in builders(hint.path, hint.text.removeprefix("\ufeff"), hint.read):
        yield _service(hint, service)


def _service(hint: Hint, service: compose.Service) -> Service:
    from fixer.understand.composevalues import fill as filled

    top = mapping(service.document.value) if len(service.path) > 1 else {}
    project = filled(word(top.get("name")), service.env) or posixpath.basename(hint.folder)
    project = re.sub(r"[^a-z0-9_-]", "", project.lower()).lstrip("_-") if UNKNOWN not in project else ""
    said, image = service.build, filled(word(service.value.get("image")), service.env)
    line = service.document.line(service.at("image" if said is None else "build").start)
    build: Build | None = None
    if said is not None and not said.remote:
        # under another name of the project the image has another one
        names = (image,) if image else (f"{project}-{service.name}",) if project else ()
        images = tuple(dict.fromkeys(name for one in (*names, *said.tags) if (name := image_name(one))))
        evidence = f"{hint.path}:{line}: service {service.name}"
        build = Build(said.dockerfile, said.context, said.target, evidence, images, said.args, hint.path, line)
    return Service(service.name, hint.path, line, image, build, said is not None)


# --- Skaffold ----------------------------------------------------------------------------------------------------

# What Skaffold knows besides Docker; https://skaffold.dev/docs/builders/
_OTHERS = ("buildpacks", "bazel", "custom", "jib", "jibMaven", "jibGradle", "ko")


_ARTIFACT = regex(r"/build/artifacts/(?:-|\d+)")


def _skaffold(hint: Hint) -> Iterator[Build]:
    for page in pages(hint):
        yield from _artifacts(page, ("build", "artifacts"), page.value, "")
        for number, one in enumerate(sequence(page.value.get("profiles"))):
            profile = mapping(one)
            name = word(profile.get("name")) or "?"
            yield from _artifacts(page, ("profiles", number, "build", "artifacts"), profile, name)
            for place, patch in enumerate(map(mapping, sequence(profile.get("patches")))):
                if patch.get("op") in ("add", "replace") and _ARTIFACT.fullmatch(word(patch.get("path"))):
                    at: Steps = ("profiles", number, "patches", place, "value")
                    yield from _artifact(page, at, mapping(patch.get("value")), name)


def _artifacts(page: Page, at: Steps, value: Mapping[Any, Any], profile: str) -> Iterator[Build]:
    for number, one in enumerate(sequence(mapping(value.get("build")).get("artifacts"))):
        yield from _artifact(page, (*at, number), mapping(one), profile)


def _artifact(page: Page, at: Steps, artifact: Mapping[Any, Any], profile: str) -> Iterator[Build]:
    # templates of Go are filled in by the run
    image = word(artifact.get("image") or artifact.get("imageName"))
    image = UNKNOWN if "{{" in image else image
    spot = Spot(page.line(at), f"artifact {image}" + (f" of profile {profile}" if profile else ""))
    other = next((tool for tool in _OTHERS if tool in artifact), None)
    if other is not None:
        yield from other_build(page.hint, spot, other, (image,), bool(profile))
        return
    settings = mapping(artifact.get("docker") or artifact.get("kaniko"))
    context = texts(artifact.get("context") or artifact.get("workspace"), {})
    file, target = texts(settings.get("dockerfile"), {}), texts(settings.get("target"), {})
    file = UNKNOWN if file is not None and "{{" in file else file
    # what an artifact needs is given to its build as an argument
    needed = [mapping(one) for one in sequence(artifact.get("requires"))]
    given = {word(one.get("alias") or one.get("image")): word(one.get("image")) for one in needed}
    args = pairs({**given, **mapping(settings.get("buildArgs"))}, {})
    args = tuple((name, text) for name, text in args if "{{" not in text)
    yield from docker_build(page.hint, spot, Said(context, file, target, (image,), args, aside=bool(profile)))
