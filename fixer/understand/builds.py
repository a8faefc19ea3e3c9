"""How the repository builds its images, and which of its builds makes an image that somebody uses."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable

from fixer.facts import lookup, untagged
from fixer.lazy import lazy, regex
from fixer.tuples import NamedTuple

STATED = "stated"
NAMED = "named"

# A tag that only the run knows, as it stands behind the name of an image.
ANY_TAG = ":*"

Read = Callable[[str], "str | None"]


class Build(NamedTuple):
    """One build that some file describes: the Dockerfile and its context (relative to the root), and the target.

    `context` is None where only the run knows it. `images` are the names that the result gets, with `:*` for a tag
    that only the run knows. `evidence` says where that is written (`path:line` and words). `confidence` is `stated`
    when a file says so, and `named` when it goes by the name of a folder or file. `tool` is what builds; other tools
    than Docker have no Dockerfile, which is "" then. `aside` builds happen on demand only (a profile).
    """

    dockerfile: str
    context: str | None
    target: str
    evidence: str
    images: tuple[str, ...] = ()
    args: tuple[tuple[str, str], ...] = ()
    path: str = ""
    line: int = 0
    confidence: str = STATED
    tool: str = "docker"
    aside: bool = False


class Found:
    """The build that an image leads to, None for none; `candidates` are several of which nobody knows which it is."""

    def __init__(self, build: Build | None = None, candidates: tuple[Build, ...] = ()) -> None:
        # no named tuple, which every start would pay for
        self.build = build
        self.candidates = candidates


class Builds:
    """All builds of a repository, by the path of the Dockerfile.

    `hints` are files that may describe builds, `read` gives their text.
    """

    def __init__(self, hints: tuple[str, ...], read: Read) -> None:
        self.hints = hints
        self.read = read
        self.by_file: dict[str, list[Build]] = defaultdict(list)
        self._known: dict[str, list[Build]] = {}
        self._mentioned: dict[tuple[str, ...], list[Build]] = {}
        for path in hints:
            text = read(path)
            if text is not None and _speaks(text.lower()):
                for build in self._of(path, text):
                    if build.dockerfile:
                        self.by_file[build.dockerfile].append(build)

    def _of(self, path: str, text: str) -> list[Build]:
        if path not in self._known:
            from fixer.understand.buildfacts import Hint
            from fixer.understand.buildfiles import builds_of

            self._known[path] = list(builds_of(Hint(path, text, self.read)))
        return self._known[path]

    @lazy
    def all(self) -> tuple[Build, ...]:
        """All builds, also those that say nothing but what is assumed anyway, in the order of their files and lines."""
        return tuple(build for path, text in self._texts for build in self._of(path, text))

    def targets(self, dockerfile: str) -> frozenset[str]:
        """The build targets that the repository names for a Dockerfile."""
        return frozenset(b.target for b in self.by_file.get(dockerfile, ()) if b.target)

    def contexts(self, dockerfile: str) -> tuple[str, ...]:
        """Folders that may be the build context: those named, the Dockerfile's own, and the root."""
        named = [b.context for b in self.by_file.get(dockerfile, ()) if b.context is not None]
        return tuple(dict.fromkeys([*named, dockerfile.rpartition("/")[0], ""]))

    def maker(self, image: str, user: str = "") -> tuple[str, str] | None:
        """The Dockerfile and the target that make an image for a file; None when none here does, or several do."""
        build = self.making(image, user)
        return (build.dockerfile, build.target) if build is not None else None

    def making(self, image: str, user: str = "") -> Build | None:
        """The build that makes an image, tag and all; None when no Dockerfile here does, or several builds do.

        Of several builds those of the project of `user` count, and of them those nearest to it, as in `find`.
        """
        builds = [build for build in self._mentioning(image) if _has_tag(build, image)]
        if len(builds) > 1 and user:
            builds = [build for build in builds if not self.apart(build.path, user)]
            near = nearest([_place(build) for build in builds], user)
            builds = [build for build in builds if _place(build) in near]
        found = {(build.dockerfile, build.target): build for build in builds}
        return next((build for build in found.values() if build.dockerfile), None) if len(found) == 1 else None

    def named(self, image: str, user: str) -> Build | None:
        """The build with a Dockerfile whose result some file gives this name; None for none, or several."""
        build = self.find(image, user).build
        return build if build is not None and build.dockerfile else None

    def find(self, image: str, user: str) -> Found:
        """The build whose result some file gives the name of an image.

        Args:
            image: the reference as it is used. Registry and path count, `docker.io/` and `library/` aside; of the tag
                nothing is asked, since whoever deploys sets it, unless the name is that of a public image, which is
                ours only if the tag is too.
            user: the path of the file that uses the image: of several builds those nearest to it count, since
                repositories of examples use one name again and again. Of those the ones with the tag count, if any.
                What one project of Skaffold builds is none of another's.
        """
        name = bare_name(image)
        builds = [build for build in self._mentioning(name) if name in map(bare_name, build.images)]
        if builds and is_public(image):
            builds = [build for build in builds if _has_tag(build, image)]
        builds = [build for build in builds if not self.apart(build.path, user)]
        # what is built on demand only is not what is used without a word
        builds = [build for build in builds if not build.aside] or builds
        near = nearest([_place(build) for build in builds], user)
        left = [build for build in builds if _place(build) in near]
        tagged = [build for build in builds if _has_tag(build, image)]
        if tagged:
            left = [build for build in left if build in tagged] or left + tagged
        kinds = {(_place(build), build.target): build for build in left[::-1]}
        if len(kinds) > 1:
            return Found(None, tuple(reversed(kinds.values())))
        return Found(next(iter(kinds.values()), None))

    def apart(self, path: str, user: str, *, named: bool = False) -> bool:
        """Whether what a file says counts nothing for another, since they belong to two projects of Skaffold.

        A project is the topmost of the folders above a file that has a configuration of Skaffold. Other files that say
        how to build speak for all projects; a name alone (`named`) speaks for none but its own.
        """
        home, other = self._home(path), self._home(user)
        if home is None and not named:
            return False
        if other is None and not named:
            return len(self._homes) > 1
        return home != other

    def _home(self, path: str) -> str | None:
        return _topmost(posixpath.dirname(path), self._projects) if self._projects else None

    @lazy
    def _homes(self) -> frozenset[str | None]:
        return frozenset(_topmost(folder, self._projects) for folder in self._projects)

    @lazy
    def _projects(self) -> frozenset[str]:
        names = (path for path in self.hints if posixpath.basename(path).lower().startswith("skaffold"))
        return frozenset(map(posixpath.dirname, names))

    def _mentioning(self, name: str) -> list[Build]:
        """The builds of those hints in which the words of a name stand."""
        # a name may be put together of variables, of which each holds some of its words
        words = tuple(_WORD.findall(posixpath.basename(bare_name(name))))
        if words not in self._mentioned:
            known = all(word in self._joined for word in words)
            places = list(self._texts) if known else []
            for word in sorted(words, key=len, reverse=True):  # the longest one leaves few to look at
                places = [place for place in places if word in place[1] or word in place[0].lower()]
            self._mentioned[words] = [build for path, text in places for build in self._of(path, text)]
        return self._mentioned[words]

    @lazy
    def _texts(self) -> tuple[tuple[str, str], ...]:
        """The hints that may build something, with their texts: read a second time, and only where that is asked."""
        texts = ((path, self.read(path)) for path in self.hints)
        return tuple((path, text) for path, text in texts if text is not None and _may_build(text))

    @lazy
    def _joined(self) -> str:
        """All texts in one: most images are named in none of them."""
        return "\n".join([*(text for _, text in self._texts), *(path.lower() for path, _ in self._texts)])


def builds(hints: Iterable[str], read: Read) -> Builds:
    """Collect the builds that a repository describes.

    Args:
        hints: paths of compose, skaffold, bake, CI and make files, relative to the root.
        read: gives the text of such a file, or None. A file that cannot be parsed tells nothing.
    """
    return Builds(tuple(hints), read)


# Without one of these, a build uses the Dockerfile in its own context and its last stage, which is what is assumed.
_SPEAKS = ("dockerfile", "target", "build-push-action")
_NAMES_FILE = regex(r"build.* -f")
# Without one of these nothing is built; a word is found sooner than an expression with all of them.
_MAY_BUILD = ("build", "target", "kaniko", "artifacts")
_BUD = regex(r"bud(?<=\bbud)\b")
_WORD = regex(r"[a-z0-9]+")


def _speaks(text: str) -> bool:
    """Whether a text, in small letters, may say of a build what is not assumed anyway."""
    return any(word in text for word in _SPEAKS) or _NAMES_FILE.search(text) is not None


def _may_build(text: str) -> bool:
    return any(word in text for word in _MAY_BUILD) or _BUD.search(text) is not None


def is_public(image: str) -> bool:
    """Whether an image is one that everybody knows, whatever a repository calls its own."""
    try:
        return lookup(image) is not None
    except ValueError:
        return False


def _topmost(folder: str, projects: frozenset[str]) -> str | None:
    parts = folder.split("/") if folder else []
    above = ("/".join(parts[:number]) for number in range(len(parts) + 1))
    return next((one for one in above if one in projects), None)


def _place(build: Build) -> str:
    return build.dockerfile or build.path


def _plain(image: str) -> str:
    """An image name without the tag that every image has."""
    return image.removesuffix(":latest").removeprefix("docker.io/").removeprefix("library/")


def bare_name(image: str) -> str:
    """The name of an image without tag and digest, and without the registry that every image has."""
    return _plain(untagged(image))


def _has_tag(build: Build, image: str) -> bool:
    """Whether a build gives an image the tag that is used, `latest` where none is written."""
    return any(_plain(one) == _plain(image) for one in build.images if not one.endswith(ANY_TAG))


def nearest(paths: Iterable[str], user: str) -> list[str]:
    """Those of some paths that share the most folders with another one."""
    folders = user.split("/")[:-1]
    shared = {path: _shared(path.split("/")[:-1], folders) for path in paths}
    return [path for path, number in shared.items() if number == max(shared.values())]


def _shared(one: list[str], two: list[str]) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
