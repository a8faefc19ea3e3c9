"""Who uses which image, and which build makes it: the links of a repository, as plain values.

An image is one thing that a build makes, so that two targets of a Dockerfile are two images. What is used and not
built here is an image too, from outside. Every link says where it is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from fixer.facts import untagged
from fixer.tuples import NamedTuple
from fixer.understand.builds import NAMED, STATED, Build


class ImageKind(StrEnum):
    """Where an image comes from: a Dockerfile here, another tool, nobody knows which of several builds, from outside;
    of one that a Dockerfile starts from, only the build may know its name."""

    BUILT = "built"
    OTHER_TOOL = "other-tool"
    AMBIGUOUS = "ambiguous"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


class Use(NamedTuple):
    """Something that runs an image: a container of an object of Kubernetes, or a service of Compose.

    `line` counts from 1. `owner` is the object (`Deployment/web`) or the service, `container` the name of the
    container ("" for a service), `role` the list that it stands in, or `service`. `written` is the image as the file
    has it, "" where a service is only built.
    """

    path: str
    line: int
    owner: str
    container: str
    role: str
    written: str

    @property
    def key(self) -> str:
        """What tells it apart from all others."""
        return f"{self.path}:{self.line}:{self.owner}:{self.role}:{self.container}"


class Link(NamedTuple):
    """One use, and what it leads to.

    `reference` is the image after Kustomize. `build` makes it; without one `candidates` are those of which nobody
    knows which it is, and without them it comes from outside. `note` tells what else is to be known.
    """

    use: Use
    reference: str
    build: Build | None = None
    candidates: tuple[Build, ...] = ()
    note: str = ""


class Image(NamedTuple):
    """An image: its names, and for one that is made here its Dockerfile, target and arguments.

    `id` is the same as long as the files say the same. `places` are those that may make an ambiguous one, or where it
    is made without a Dockerfile.
    """

    id: str
    kind: ImageKind
    names: tuple[str, ...]
    dockerfile: str = ""
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()
    places: tuple[str, ...] = ()


class Edge(NamedTuple):
    """A link between two things: `kind` is `makes` (Dockerfile to image), `base` (image to the image that it starts
    from) or `uses` (the key of a use to its image). `evidence` is where that is written, `confidence` is `stated` or
    `named`."""

    kind: str
    source: str
    goal: str
    evidence: str
    confidence: str = STATED


class Graph(NamedTuple):
    """The images of a repository with what makes and uses them, all in stable order."""

    dockerfiles: tuple[str, ...]
    images: tuple[Image, ...]
    uses: tuple[Use, ...]
    edges: tuple[Edge, ...]


class Base(NamedTuple):
    """What the image of a build starts from: the reference, and the place of its FROM.

    `known` is False where the reference is a variable that only the build knows; `maker` builds it here.
    """

    reference: str
    evidence: str
    known: bool = True
    maker: Build | None = None


class _Made:
    """An image that is made here, while its builds are collected."""

    def __init__(self, build: Build) -> None:
        self.builds = [build]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(untagged(one) for build in self.builds for one in build.images)

    def takes(self, build: Build) -> bool:
        """Whether another build makes the same image: of the same arguments, or under the same name."""
        first = self.builds[0]
        if (first.dockerfile, first.target, first.tool) != (build.dockerfile, build.target, build.tool):
            return False
        names = {untagged(one) for one in build.images}
        if not build.dockerfile:
            return first.path == build.path and bool(names & self.names)
        if names and self.names:
            return bool(names & self.names)
        return any(dict(one.args) == dict(build.args) for one in self.builds)


class Collection:
    """Puts builds, bases and links together to a graph."""

    def __init__(self, builds: Iterable[Build]) -> None:
        self.made: list[_Made] = []
        for build in sorted(builds, key=_order):
            self._of(build).builds.append(build)
        for one in self.made:
            one.builds = list(dict.fromkeys(one.builds))
        self.images: dict[str, Image] = {}
        self.uses: list[Use] = []
        self.edges: list[Edge] = []
        self._ids = self._named()

    def _of(self, build: Build) -> _Made:
        found = next((one for one in self.made if one.takes(build)), None)
        if found is None:
            found = _Made(build)
            self.made.append(found)
        return found

    def _named(self) -> dict[int, str]:
        """The ids of all images that are made here."""
        found: dict[int, str] = {}
        taken: dict[str, int] = {}
        for one in self.made:
            first = one.builds[0]
            base = first.dockerfile or f"{first.tool}:{first.path}:{min(one.names)}"
            base += f"#{first.target}" if first.target else ""
            taken[base] = taken.get(base, 0) + 1
            found[id(one)] = base if taken[base] == 1 else f"{base}~{taken[base]}"
            self._add_made(one, found[id(one)])
        return found

    def _add_made(self, one: _Made, name: str) -> None:
        first = one.builds[0]
        names = tuple(dict.fromkeys(image for build in one.builds for image in build.images))
        args = tuple(sorted({pair for build in one.builds for pair in build.args}))
        kind = ImageKind.BUILT if first.dockerfile else ImageKind.OTHER_TOOL
        places = () if first.dockerfile else tuple(f"{build.tool} ({build.evidence})" for build in one.builds)
        self.images[name] = Image(name, kind, names, first.dockerfile, first.target, args, places)
        stated = [build for build in one.builds if build.confidence == STATED]
        for build in (stated or one.builds) if first.dockerfile else ():
            self.edges.append(Edge("makes", build.dockerfile, name, build.evidence, build.confidence))

    def add_base(self, build: Build, base: Base) -> None:
        """Tell what the image of a build starts from."""
        if base.maker is not None:
            goal = self._id(base.maker)
        elif base.known:
            goal = self._outside(base.reference)
        else:
            goal = f"unknown:{build.dockerfile}:{base.reference}"
            self.images.setdefault(goal, Image(goal, ImageKind.UNKNOWN, (base.reference,)))
        self.edges.append(Edge("base", self._id(build), goal, base.evidence))

    def add(self, link: Link) -> None:
        """Tell one use."""
        use, build = link.use, link.build
        self.uses.append(use)
        if build is not None:
            # what a file says stands at the arrow from the Dockerfile
            said = "" if build.confidence == STATED else f"going by the name of {build.dockerfile}"
            goal, confidence = self._id(build), build.confidence
        elif link.candidates:
            goal, confidence, said = self._ambiguous(link), STATED, ""
        else:
            goal, confidence, said = self._outside(link.reference), STATED, ""
        renamed = f"Kustomize makes {link.reference} of it" if use.written and link.reference != use.written else ""
        told = "; ".join(one for one in (f"{use.path}:{use.line}", renamed, said, link.note) if one)
        self.edges.append(Edge("uses", use.key, goal, told, confidence))

    def _id(self, build: Build) -> str:
        own = (one for one in self.made if build in one.builds)
        return self._ids[id(next(own))]

    def _outside(self, reference: str) -> str:
        name = f"image:{reference}"
        self.images.setdefault(name, Image(name, ImageKind.OUTSIDE, (reference,)))
        return name

    def _ambiguous(self, link: Link) -> str:
        places = tuple(map(_candidate, link.candidates))
        # the same name may be another image in another folder
        name = f"ambiguous:{link.reference}:{min(build.dockerfile or build.path for build in link.candidates)}"
        self.images.setdefault(name, Image(name, ImageKind.AMBIGUOUS, (link.reference,), places=places))
        return name

    def graph(self, dockerfiles: Iterable[str]) -> Graph:
        """All that was told, in stable order."""
        kinds = list(ImageKind)
        images = sorted(self.images.values(), key=lambda one: (kinds.index(one.kind), one.id))
        edges = sorted(dict.fromkeys(self.edges))
        uses = sorted(dict.fromkeys(self.uses))
        return Graph(tuple(sorted(dockerfiles)), tuple(images), tuple(uses), tuple(edges))


def told(candidates: Iterable[Build]) -> str:
    """The builds of which nobody knows which it is, for a sentence."""
    return ", ".join(map(_candidate, candidates))


def _candidate(build: Build) -> str:
    what = build.dockerfile or build.tool
    target = f" with target {build.target}" if build.target else ""
    return f"{what}{target} ({build.evidence if build.confidence == STATED else 'going by its name'})"


def _order(build: Build) -> tuple[bool, str, str, str, int, bool]:
    return build.confidence == NAMED, build.dockerfile, build.target, build.path, build.line, build.aside
