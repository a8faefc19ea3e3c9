"""How the repository builds its images: contexts, targets and files, as compose, skaffold, bake and CI say."""

from __future__ import annotations

import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from fixer.facts import untagged
from fixer.lazy import lazy, regex
from fixer.syntax.shell import commands

Read = Callable[[str], "str | None"]


class Build(NamedTuple):
    """One build that some file describes: the Dockerfile and its context (relative to the root), and the target.

    `images` are the names that the result gets, as written.
    """

    dockerfile: str
    context: str
    target: str
    evidence: str
    images: tuple[str, ...] = ()


class Builds:
    """All builds of a repository, by the path of the Dockerfile.

    `hints` are files that may describe builds, `read` gives their text.
    """

    def __init__(self, hints: tuple[str, ...], read: Read) -> None:
        self.hints = hints
        self.read = read
        self.by_file: dict[str, list[Build]] = defaultdict(list)
        self._known: dict[str, list[Build]] = {}
        for path in hints:
            text = read(path)
            if text is not None and _SPEAKS.search(text):
                for build in self._of(path, text):
                    self.by_file[build.dockerfile].append(build)

    def _of(self, path: str, text: str) -> list[Build]:
        if path not in self._known:
            self._known[path] = list(_reader(path)(path, text))
        return self._known[path]

    def all(self) -> Iterator[Build]:
        """All builds that some file describes."""
        for path, text in self._texts:
            yield from self._of(path, text)

    def targets(self, dockerfile: str) -> frozenset[str]:
        """The build targets that the repository names for a Dockerfile."""
        return frozenset(b.target for b in self.by_file.get(dockerfile, ()) if b.target)

    def contexts(self, dockerfile: str) -> tuple[str, ...]:
        """Folders that may be the build context: those named, the Dockerfile's own, and the root."""
        named = [b.context for b in self.by_file.get(dockerfile, ())]
        return tuple(dict.fromkeys([*named, posixpath.dirname(dockerfile), ""]))

    def maker(self, image: str) -> tuple[str, str] | None:
        """The Dockerfile and the target that make an image; None when the repository makes none, or several."""
        name = _plain(image)
        found = {
            (build.dockerfile, build.target)
            for path, text in self._texts
            if name in text
            for build in self._of(path, text)
            if any(_plain(one) == name for one in build.images)
        }
        return next(iter(found)) if len(found) == 1 else None

    def named(self, image: str, user: str) -> Build | None:
        """The build whose result some file gives this name, whatever its tag; None for none, or several.

        `user` is the path of the file that uses the image: of several builds the one nearest to it counts, since
        repositories of examples use one name again and again.
        """
        name = _untagged(image)
        if name not in self._joined:
            return None
        found = {
            (build.dockerfile, build.target): build
            for path, text in self._texts
            if name in text
            for build in self._of(path, text)
            if any(_untagged(one) == name for one in build.images)
        }
        near = nearest([file for file, _ in found], user)
        left = [build for (file, _), build in found.items() if file in near]
        return left[0] if len(left) == 1 else None

    @lazy
    def _texts(self) -> tuple[tuple[str, str], ...]:
        """The hints that may build something, with their texts: read a second time, and only where that is asked."""
        texts = ((path, self.read(path)) for path in self.hints)
        return tuple((path, text) for path, text in texts if text is not None and _MAY_BUILD.search(text))

    @lazy
    def _joined(self) -> str:
        """All texts in one: most images are named in none of them."""
        return "\n".join(text for _, text in self._texts)


def builds(hints: Iterable[str], read: Read) -> Builds:
    """Collect the builds that a repository describes.

    Args:
        hints: paths of compose, skaffold, bake, CI and make files, relative to the root.
        read: gives the text of such a file, or None. A file that cannot be parsed tells nothing.
    """
    return Builds(tuple(hints), read)


# Without one of these, a build uses the Dockerfile in its own context and its last stage, which is what is assumed.
_SPEAKS = regex(r"dockerfile|target|build.* -f|build-push-action", re.IGNORECASE)


_MAY_BUILD = regex(r"build|\bbud\b|target")


def _reader(path: str) -> Callable[[str, str], Iterator[Build]]:
    name = posixpath.basename(path).lower()
    if "compose" in name and name.endswith((".yml", ".yaml")):
        return _compose
    if name.startswith("skaffold"):
        return _skaffold
    if name.startswith("docker-bake"):
        return _bake_json if name.endswith(".json") else _bake_hcl
    if path.startswith(".github/workflows/"):
        return _workflow
    return _commands


def _documents(text: str) -> list[Any]:
    from fixer.syntax.yaml import values

    return values(text)


def _inside(folder: str, path: str) -> str:
    """A path relative to the root; one that leads out of it comes back as it is and names no file of ours."""
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined


def _plain(image: str) -> str:
    """An image name without the tag that every image has."""
    return image.removesuffix(":latest").removeprefix("docker.io/").removeprefix("library/")


def nearest(paths: Iterable[str], user: str) -> list[str]:
    """Those of some paths that share the most folders with another one."""
    folders = user.split("/")[:-1]
    shared = {path: _shared(path.split("/")[:-1], folders) for path in paths}
    return [path for path, number in shared.items() if number == max(shared.values())]


def _shared(one: list[str], two: list[str]) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _untagged(image: str) -> str:
    return _plain(untagged(image))


def _build(
    folder: str, context: Any, dockerfile: Any, target: Any, evidence: str, images: Iterable[Any] = ()
) -> Iterator[Build]:
    if not isinstance(context, str) or "$" in context or "://" in context:
        context = "."
    place = _inside(folder, context)
    name = dockerfile if isinstance(dockerfile, str) and "$" not in dockerfile else "Dockerfile"
    known = tuple(image for image in images if isinstance(image, str) and image and "$" not in image)
    goal = target if isinstance(target, str) and "$" not in target else ""
    yield Build(_inside(place, name), place, goal, evidence, known)


def _compose(path: str, text: str) -> Iterator[Build]:
    folder = posixpath.dirname(path)
    for document in _documents(text):
        services = document.get("services", document) if isinstance(document, dict) else {}
        for name, service in services.items() if isinstance(services, dict) else ():
            build = service.get("build") if isinstance(service, dict) else None
            where = f"{path}: service {name}"
            if isinstance(build, str):
                yield from _build(folder, build, None, None, where, [service.get("image")])
            elif isinstance(build, dict):
                place, file, target = build.get("context", "."), build.get("dockerfile"), build.get("target")
                yield from _build(folder, place, file, target, where, [service.get("image")])


def _skaffold(path: str, text: str) -> Iterator[Build]:
    folder = posixpath.dirname(path)
    for document in _documents(text):
        section = document.get("build") if isinstance(document, dict) else None
        artifacts = section.get("artifacts") if isinstance(section, dict) else None
        for artifact in artifacts if isinstance(artifacts, list) else ():
            if not isinstance(artifact, dict):
                continue
            for kind in ("docker", "kaniko"):
                settings = (
                    artifact.get(kind) if isinstance(artifact.get(kind), dict) else {} if kind == "docker" else None
                )
                if settings is not None:
                    where = f"{path}: artifact {artifact.get('image')}"
                    yield from _build(
                        folder,
                        artifact.get("context", "."),
                        settings.get("dockerfile"),
                        settings.get("target"),
                        where,
                        [artifact.get("image")],
                    )


def _workflow(path: str, text: str) -> Iterator[Build]:
    for document in _documents(text):
        jobs = document.get("jobs") if isinstance(document, dict) else None
        for job in jobs.values() if isinstance(jobs, dict) else ():
            for step in job.get("steps") or () if isinstance(job, dict) else ():
                if not isinstance(step, dict):
                    continue
                using = step.get("with") if "build-push-action" in str(step.get("uses")) else None
                if isinstance(using, dict):
                    context = using.get("context", ".")
                    place = context if isinstance(context, str) and "$" not in context else "."
                    file = using.get("file") or posixpath.join(place, "Dockerfile")
                    inside = isinstance(file, str) and "$" not in file
                    name = posixpath.relpath(file, place) if inside else None
                    tags = [tag.partition("${{")[0].rstrip(":") for tag in str(using.get("tags", "")).split()]
                    yield from _build("", place, name, using.get("target"), path, tags)
                if isinstance(step.get("run"), str):
                    yield from _commands(path, step["run"], "")


def _bake_json(path: str, text: str) -> Iterator[Build]:
    try:
        targets = json.loads(text).get("target", {})
    except (ValueError, AttributeError):
        return
    for name, target in targets.items() if isinstance(targets, dict) else ():
        if isinstance(target, dict):
            folder = posixpath.dirname(path)
            yield from _build(
                folder,
                target.get("context", "."),
                target.get("dockerfile"),
                target.get("target"),
                f"{path}: {name}",
            )


_HCL_BLOCK = regex(r'^target\s+"([^"]+)"\s*\{(.*?)^\}', re.MULTILINE | re.DOTALL)
_HCL_VALUE = regex(r'^\s*(context|dockerfile|target)\s*=\s*"([^"]*)"', re.MULTILINE)


def _bake_hcl(path: str, text: str) -> Iterator[Build]:
    for block in _HCL_BLOCK.finditer(text):
        values = dict(_HCL_VALUE.findall(block[2]))
        folder = posixpath.dirname(path)
        yield from _build(
            folder,
            values.get("context", "."),
            values.get("dockerfile"),
            values.get("target"),
            f"{path}: {block[1]}",
        )


_BUILD_LINE = regex(r"(?:docker|podman|buildah|nerdctl)\b[^\n]*\b(?:build|bud)\b(?:[^\n]*\\\n)*[^\n]*")


def _commands(path: str, text: str, folder: str | None = None) -> Iterator[Build]:
    """`docker build` lines of scripts and make files."""
    base = posixpath.dirname(path) if folder is None else folder
    for match in _BUILD_LINE.finditer(text):
        for command in commands(match[0]):
            if command.name in ("docker", "podman", "buildah", "nerdctl"):
                yield from _command(path, base, [w.text for w in command.words[1:]])


_TAKES_VALUE = frozenset(
    "-t --tag -f --file --target --build-arg --platform --label --secret --ssh --cache-from --cache-to"
    " --network -o --output --progress --builder --add-host --iidfile --metadata-file --build-context"
    " --isolation --pull-policy".split()
)


def _command(path: str, base: str, words: list[str]) -> Iterator[Build]:
    if not {"build", "bud"} & set(words[:2]):
        return
    options: dict[str, str] = {}
    context = ""
    rest = iter(words[1 if words[0] in ("build", "bud") else 2 :])
    for word in rest:
        name, eq, value = word.partition("=")
        if name in _TAKES_VALUE:
            options[name] = value if eq else next(rest, "")
        elif not word.startswith("-"):
            context = word
    if not context or context == "-":
        return
    file = options.get("-f") or options.get("--file")
    place = "." if "$" in context else context
    named = file if file and "$" not in file and not file.startswith("-") else ""
    relative = posixpath.relpath(named, place) if named else None
    image = options.get("-t") or options.get("--tag")
    yield from _build(base, place, relative, options.get("--target"), path, [image])
