"""The builds that a file describes, whatever kind of file it is; the YAML among them is read here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from fixer.lazy import regex
from fixer.understand.buildfacts import (
    UNKNOWN,
    Env,
    Hint,
    Said,
    Spot,
    Steps,
    docker_build,
    fill,
    other_build,
    pairs,
    texts,
)
from fixer.understand.buildpages import Page, pages
from fixer.understand.builds import Build
from fixer.understand.workloads import mapping, sequence, word


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
    yield from (service.build for service in services(hint) if service.build is not None)


def services(hint: Hint) -> Iterator[Service]:
    """The services of a Compose file that name an image or build one.

    A service that is built and names no image gets the name that Compose gives it, `<project>-<service>`. The project
    is the `name:` of the file, or its folder; for a file at the top that is a name which the repository does not tell.
    """
    env = dot_env(hint)
    for page in pages(hint):
        project = word(page.value.get("name")) or posixpath.basename(hint.folder)
        project = re.sub(r"[^a-z0-9_-]", "", fill(project, env).lower()).lstrip("_-") if UNKNOWN not in project else ""
        whole = "services" in page.value
        for name, value in mapping(page.value.get("services") if whole else page.value).items():
            at: Steps = ("services", str(name)) if whole else (str(name),)
            if isinstance(value, Mapping) and ("image" in value or "build" in value):
                yield _service(page, at, mapping(value), project, env)


def _service(page: Page, at: Steps, value: Mapping[Any, Any], project: str, env: Env) -> Service:
    name = str(at[-1])
    image = texts(value.get("image"), env) or ""
    said = value.get("build")
    key = "build" if said is not None else "image"
    spot = Spot(page.line((*at, key)), f"service {name}")
    # under another name of the project the image has another one
    names = (image,) if image else (f"{project}-{name}",) if project and UNKNOWN not in project else ()
    build: Build | None = None
    if isinstance(said, str):
        build = next(docker_build(page.hint, spot, Said(fill(said, env), images=names)), None)
    elif isinstance(said, Mapping) and "dockerfile_inline" not in said:
        context, file, target = (texts(said.get(key), env) for key in ("context", "dockerfile", "target"))
        tags = tuple(fill(tag, env) for tag in sequence(said.get("tags")) if isinstance(tag, str))
        text = Said(context, file, target, (*names, *tags), pairs(said.get("args"), env))
        build = next(docker_build(page.hint, spot, text), None)
    return Service(name, page.hint.path, page.line((*at, key)), image, build, said is not None)


_ENV_ROW = regex(r"""^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*("[^"\n]*"|'[^'\n]*'|[^\n#]*)""", re.MULTILINE)


def dot_env(hint: Hint) -> dict[str, str | None]:
    """What the `.env` beside a Compose file sets, which holds unless somebody says otherwise."""
    if "$" not in hint.text:
        return {}
    text = hint.read(posixpath.join(hint.folder, ".env")) or ""
    env: dict[str, str | None] = {}
    for name, value in _ENV_ROW.findall(text):
        value = value.strip()
        env[name] = fill(value[1:-1] if value[:1] in "\"'" and value[:1] else value, env)
    return {name: None if value is None or UNKNOWN in value else value for name, value in env.items()}


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
