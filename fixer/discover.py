"""From paths to the files that matter, and what was skipped and why. No link is followed, nothing is executed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.errors import UsageError
from fixer.lazy import lazy, regex
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

# Folders that hold other people's code or the tool's own state.
VENDORED = frozenset(
    ".git .hg .svn node_modules bower_components vendor third_party site-packages .venv venv .tox .nox"
    " __pycache__ .terraform .mypy_cache .ruff_cache .pytest_cache .idea .vscode .cache".split()
)
_DOCKERFILE = regex(r"(?:dockerfile|containerfile)(?:[._-].*)?|.*\.(?:dockerfile|containerfile)", re.IGNORECASE)
_NOT_DOCKERFILE = regex(
    r".*\.(?:md|txt|py|go|js|ts|json|ya?ml|sh|rb|java|html|rst|dockerignore|containerignore|orig|rej|bak|swp|lock|toml|adoc"
    r"|gpg|sig|asc|png|svg|tar|gz|zip|diff|patch)",
    re.IGNORECASE,
)
_TEMPLATE = regex(r".*\.(?:j2|jinja|jinja2|tmpl|tpl|template|erb|mustache|hbs|in|m4|gotmpl|ejs)", re.IGNORECASE)
_COMPOSE = regex(r"(?:docker-)?compose(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_HINTS = regex(
    r"(?:docker-)?compose.*\.ya?ml|skaffold.*\.ya?ml|docker-bake.*\.(?:hcl|json)|makefile|gnumakefile|.*\.mk|.*\.sh"
    r"|\.gitlab-ci\.ya?ml|azure-pipelines.*\.ya?ml|cloudbuild.*\.ya?ml|jenkinsfile.*|tiltfile|justfile",
    re.IGNORECASE,
)
# Files of the same endings that hold no objects of Kubernetes: settings of tools, lock files, CI.
_NOT_MANIFEST = regex(
    r"package(?:-lock)?\.json|composer\.json|tsconfig.*\.json|.*[-.]lock\.(?:json|ya?ml)|renovate\.json|mkdocs\.ya?ml"
    r"|azure-pipelines.*\.ya?ml|bitbucket-pipelines\.ya?ml|appveyor\.ya?ml|cloudbuild\.ya?ml|codecov\.ya?ml|buildspec\.ya?ml"
    r"|dependabot\.ya?ml|openapi\.(?:json|ya?ml)|swagger\.(?:json|ya?ml)|chart\.ya?ml|\..*",
    re.IGNORECASE,
)
# Files that may start containers by a command, by their name and by what it ends in; the value says how they are read.
_RUN_NAMES = {
    **dict.fromkeys(("makefile", "gnumakefile"), "make"),
    **dict.fromkeys(("justfile", ".justfile"), "just"),
    **dict.fromkeys(
        (
            ".gitlab-ci.yml .gitlab-ci.yaml azure-pipelines.yml azure-pipelines.yaml .travis.yml .drone.yml .cirrus.yml"
            " .woodpecker.yml bitbucket-pipelines.yml cloudbuild.yaml cloudbuild.yml appveyor.yml .appveyor.yml"
        ).split(),
        "ci",
    ),
    **dict.fromkeys(("taskfile.yml", "taskfile.yaml"), "task"),
    "jenkinsfile": "jenkins",
    "daemon.json": "daemon",
}
_RUN_ENDINGS = {"sh": "shell", "bash": "shell", "mk": "make", "service": "unit", "container": "quadlet"}
_CI_FOLDERS = ("/.github/", "/.circleci/", "/.gitlab/", "/.semaphore/", "/.buildkite/", "/.woodpecker/")


class Tree(NamedTuple):
    """What one argument holds: Dockerfiles, their templates, and files that may say how images are built.

    `manifests` are the files that may hold objects of Kubernetes; only a look into them tells. `runs` are those that
    may start containers by a command, whatever else they are. `whole` is False where one file was named, so that
    nothing is known about those beside it. `compose` are the files of Compose by their names, each of them a hint as
    well. `closed` are the folders that this person may not look into.
    """

    root: Path
    dockerfiles: tuple[str, ...]
    templates: tuple[str, ...]
    hints: tuple[str, ...]
    manifests: tuple[str, ...] = ()
    whole: bool = True
    runs: tuple[str, ...] = ()
    compose: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


def is_dockerfile(name: str) -> bool:
    """Whether a file name is one that builders and people use for Dockerfiles."""
    if name == "Dockerfile":  # as most are called
        return True
    return bool(_DOCKERFILE.fullmatch(name)) and not _NOT_DOCKERFILE.fullmatch(name) and not is_template(name)


def is_template(name: str) -> bool:
    """Whether a file name is that of a template of a Dockerfile."""
    return bool(_TEMPLATE.fullmatch(name)) and "dockerfile" in name.lower()


def is_manifest(path: str) -> bool:
    """Whether a path is one that may hold objects of Kubernetes, by its name and folder."""
    name = path.rpartition("/")[2]
    if not name.lower().endswith((".yaml", ".yml", ".json")):
        return name == "Kustomization"
    return not path.startswith((".github/", ".circleci/")) and not _NOT_MANIFEST.fullmatch(name)


def is_compose(path: str) -> bool:
    """Whether a path is that of a file of Compose, by its name."""
    return bool(_COMPOSE.fullmatch(path.rpartition("/")[2]))


def run_kind(path: str) -> str:
    """How a file is read that may start containers by a command.

    Returns:
        shell, make, just, task, ci, jenkins, unit, quadlet or daemon; "" for every other file.
    """
    folder, _, name = path.lower().rpartition("/")
    kind = _RUN_NAMES.get(name)
    if kind is not None:
        return kind
    stem, _, ending = name.removesuffix(".in").rpartition(".")
    if ending in ("yml", "yaml"):
        return "ci" if any(part in f"/{folder}/" for part in _CI_FOLDERS) else ""
    if stem in ("makefile", "gnumakefile"):
        return "make"
    return _RUN_ENDINGS.get(ending, "") if stem else ""


def scan(argument: Path, exclude: Iterable[str] = ()) -> Tree:
    """Find what one command-line argument holds.

    A file given by name counts whatever it is called. In a folder, ignored and vendored folders are left out.

    Raises:
        UsageError: when the path does not exist.
    """
    if not os.path.lexists(argument):
        raise UsageError(f"{argument}: no such file or folder; check the path")
    if not os.path.isdir(argument):
        return Tree(argument.parent, (argument.name,), (), (), (argument.name,), False)
    dockerfiles: list[str] = []
    templates: list[str] = []
    hints: list[str] = []
    manifests: list[str] = []
    runs: list[str] = []
    closed: list[str] = []
    for path in _walk(argument, _Ignored(argument, tuple(exclude)), closed):
        name = path.rpartition("/")[2]
        low = name.lower()
        named = "dockerfile" in low or "containerfile" in low
        if named and is_dockerfile(name):
            dockerfiles.append(path)
        elif named and is_template(name):
            templates.append(path)
        elif _HINTS.fullmatch(name) or path.startswith((".github/workflows/", ".circleci/")):
            hints.append(path)
        elif is_manifest(path):
            manifests.append(path)
        if not named and run_kind(path):
            runs.append(path)
    found = [tuple(sorted(paths)) for paths in (dockerfiles, templates, hints, manifests, runs)]
    compose = tuple(filter(is_compose, found[2]))
    shut = tuple(sorted(closed))
    return Tree(argument, found[0], found[1], found[2], found[3], runs=found[4], compose=compose, closed=shut)


def walk(root: Path, exclude: Iterable[str] = ()) -> Iterator[str]:
    """All files below a folder, as paths relative to it; ignored and vendored folders, and links, are left out."""
    return _walk(root, _Ignored(root, tuple(exclude)), [])


def _walk(root: Path, ignored: _Ignored, closed: list[str]) -> Iterator[str]:
    """The files of a tree; folders that cannot be listed are added to `closed`."""
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(f"{root}/{folder}") as entries:
                rows = list(entries)
        except OSError:
            closed.append(folder.rstrip("/") or ".")
            continue
        ignored.enter(folder, {row.name for row in rows})
        for row in rows:
            path = f"{folder}{row.name}"
            if row.is_symlink():
                continue
            if row.is_dir(follow_symlinks=False):
                if row.name not in VENDORED and not ignored.matches(path + "/"):
                    pending.append(path + "/")
            elif row.is_file(follow_symlinks=False) and not ignored.matches(path):
                yield path


def repository_top(folder: Path) -> Path | None:
    """The top of the git repository in which an absolute folder lies; None outside of one."""
    return next((place for place in (folder, *folder.parents) if os.path.exists(place / ".git")), None)


class _Ignored:
    """The `.gitignore` files of a tree and of the repository above it, and the `exclude` patterns of the configuration.

    Each of `specs` holds for paths below a folder of the tree; `lead` is what stands before them where the ignore file
    is above the tree.
    """

    def __init__(self, root: Path, exclude: tuple[str, ...]) -> None:
        self.root = root
        self.specs: list[tuple[str, str, GitIgnoreSpec]] = []
        self._read_above(Path(os.path.abspath(root)))
        if exclude:
            self._add("", exclude)

    def _read_above(self, root: Path) -> None:
        top = repository_top(root) or root
        for place in [p for p in reversed(root.parents) if p.is_relative_to(top)]:
            text = read_inside(place, ".gitignore")
            if text and text.strip():
                self._add("", text.splitlines(), f"{root.relative_to(place).as_posix()}/")
        if self.matches(""):
            self.specs.clear()  # a folder that is ignored and named all the same is meant

    def _add(self, folder: str, lines: Iterable[str], lead: str = "") -> None:
        from pathspec import GitIgnoreSpec

        self.specs.append((folder, lead, GitIgnoreSpec.from_lines(lines)))

    def enter(self, folder: str, names: set[str]) -> None:
        """Read the ignore file of a folder, if it has one."""
        if ".gitignore" not in names:
            return
        text = read_inside(self.root, f"{folder}.gitignore")
        if text and text.strip():
            self._add(folder, text.splitlines())

    def matches(self, path: str) -> bool:
        """Whether a path (folders end in `/`) is ignored; the deepest file that speaks of it decides."""
        for folder, lead, spec in reversed(self.specs):
            if path.startswith(folder):
                name = lead + path[len(folder) :]
                # a folder is matched as `name/` by patterns that end in a slash, and as `name` by the others
                said = [spec.check_file(n) for n in {name, name.rstrip("/")}]
                last = max(said, key=lambda one: -1 if one.index is None else one.index)
                if last.include is not None:
                    return last.include
        return False


@lru_cache(maxsize=64)
def _real(root: Path, here: str) -> str:
    return os.path.realpath(os.path.join(here, root))


def read_inside(root: Path, path: str) -> str | None:
    """The text of a file below `root`, or None: links that lead out, specials and huge files are not read."""
    file = f"{root}/{path}"
    try:
        if not os.path.lexists(file):
            return None  # at once: most paths that are asked for do not exist
        real = os.path.realpath(file, strict=True)
        if not real.startswith(_real(root, os.getcwd()).rstrip(os.sep) + os.sep):
            return None
        info = os.stat(real)
        if not stat.S_ISREG(info.st_mode) or info.st_size > 1 << 20:
            return None
        with open(real, "rb", buffering=0) as stream:  # read whole, it needs no buffer
            return stream.read().decode("utf-8", "surrogateescape")
    except (OSError, ValueError, RuntimeError):
        return None


_READ_AND_START = 0o5
_MOST = 2000  # files of a folder that are asked for their modes; who has more has them from a checkout or an archive


class Context:
    """The build context of one Dockerfile, read only, never outside the root of the run."""

    def __init__(
        self, root: Path, folders: tuple[str, ...], read: Callable[[Path, str], str | None] | None = None
    ) -> None:
        self.root = root
        self.folders = folders
        self._read = read or read_inside
        self._top = os.path.join(root, "")

    @lazy
    def _seen(self) -> dict[str, str | None]:
        return {}

    def __call__(self, path: str) -> str | None:
        """The text of a file of the context, looked up in each folder that may be the context."""
        if path not in self._seen:
            texts = (self._read(self.root, f"{folder}/{path}" if folder else path) for folder in self.folders)
            self._seen[path] = next((t for t in texts if t is not None), None)
        return self._seen[path]

    def files(self, path: str) -> Iterator[tuple[str, str]]:
        """The files at and below a path of the context, in the first folder that has it.

        Returns:
            Their paths from the root, each with what leads to it from the path that was asked for ("" for itself).
        """
        for folder, top, found in self._found(_clean(path)):
            for one in found:
                for file, info in _below(top, [one]):
                    if stat.S_ISREG(info.st_mode) and _inside(self.root, os.path.join(top, os.path.dirname(file))):
                        rest = "" if file == one else os.path.relpath(file, one)
                        yield os.path.normpath(os.path.join(folder, file)), rest
            return

    def modes(self, path: str) -> tuple[str, int, bool] | None:
        """The first file or folder at or below a path that only its owner can read or start.

        Links do not count, nor does what `.dockerignore` leaves out, nor a folder that is itself copied: what comes of
        it has the mode of any new folder.

        Returns:
            Its path in the context, its mode, and whether it is a file at the very path that was asked for.
        """
        clean = _clean(path)
        for folder, top, found in self._found(clean):
            if _inside(self.root, os.path.join(top, os.path.dirname(clean))):
                return self._private(top, folder, found)
        return None

    def _found(self, clean: str) -> Iterator[tuple[str, str, list[str]]]:
        """The folders that have a path of the context, each with where it is and what of it matches."""
        for folder in () if clean.startswith("..") else self.folders:
            top = f"{self._top}{folder}"
            found = _matching(top, clean)
            if found:
                yield folder, top, found

    def _private(self, top: str, folder: str, paths: list[str]) -> tuple[str, int, bool] | None:
        spec: GitIgnoreSpec | None = None
        for path, info in _below(top, paths):
            mode = stat.S_IMODE(info.st_mode)
            named = path in paths
            if mode >> 6 & _READ_AND_START & ~mode and not (named and stat.S_ISDIR(info.st_mode)):
                spec = self._dockerignore(folder) if spec is None else spec
                if not spec.match_file(path):
                    return path, mode, named
        return None

    def _dockerignore(self, folder: str) -> GitIgnoreSpec:
        """Its patterns start at the top of the context, other than those of `.gitignore`."""
        from pathspec import GitIgnoreSpec

        text = read_inside(self.root, f"{folder}/.dockerignore" if folder else ".dockerignore") or ""
        lines = (line.strip() for line in text.splitlines())
        sign = re.compile(r"(!?)/?(.+)")
        found = [sign.fullmatch(line) for line in lines if not line.startswith("#")]
        return GitIgnoreSpec.from_lines([f"{match[1]}/{match[2]}" for match in found if match is not None])


def _clean(path: str) -> str:
    return os.path.normpath(path.lstrip("/") or ".")


def _inside(root: Path, path: str) -> bool:
    real, base = os.path.realpath(path), os.path.realpath(root)
    return real == base or real.startswith(base.rstrip(os.sep) + os.sep)


def _matching(top: str, path: str) -> list[str]:
    """The path itself, or for a pattern the names that it matches; only what is there."""
    if "*" not in path and "?" not in path and "[" not in path:
        return [path] if os.path.lexists(os.path.join(top, path)) else []
    folder, pattern = os.path.split(path)
    try:
        names = os.listdir(os.path.join(top, folder))
    except OSError:
        return []
    # fnmatchcase looks its pattern up for each name anew.
    matches = re.compile(translate(pattern)).match
    return [os.path.join(folder, name) for name in sorted(filter(matches, names))]


def _below(top: str, paths: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Files and folders at and below some paths, in order, without links and without other people's code."""
    pending = paths[::-1]
    for _ in range(_MOST):
        if not pending:
            return
        path = pending.pop()
        try:
            info = os.lstat(os.path.join(top, path))
            if stat.S_ISDIR(info.st_mode):
                names = sorted(set(os.listdir(os.path.join(top, path))) - VENDORED, reverse=True)
                pending += [os.path.normpath(os.path.join(path, name)) for name in names]
        except OSError:
            continue
        if not stat.S_ISLNK(info.st_mode):
            yield path, info
