"""Steps of a build in which git reads a folder: it refuses one that belongs to another user than the one that runs it.

Since git 2.35.2, `git describe` in a folder of user 10001 ends a step that root runs with "detected dubious ownership",
and so does `go build`, which asks git for the version that it writes into the program.
"""

from __future__ import annotations

from posixpath import basename, normpath

from fixer.lazy import regex
from fixer.syntax.dockerfile import Instruction
from fixer.understand.image import Copy, Image
from fixer.understand.making import below
from fixer.understand.places import Step, steps

_ASKS = frozenset(
    "add am apply branch checkout cherry-pick clean commit describe diff fetch gc lfs log ls-files ls-tree merge pull"
    " rebase remote reset restore rev-list rev-parse show stash status submodule switch tag".split()
)
_OPTIONS_WITH_VALUE = ("-C", "-c", "--git-dir", "--work-tree", "--namespace")
_LEFT_OUT = regex(r"(?m)^\s*(?:\*\*/|/|\./)?(?:\.git(?:/?\*{0,2}|/)|\*|\.\*)\s*$")
_STAMPS = frozenset({"build", "install"})
# Programs that build the project, the files of it that may have them ask git, and what these files say then.
_GIT = r"\bgit (?:describe|diff|log|rev-list|rev-parse|show|status|submodule|tag)\b"
_VERSIONS = regex(rf"setuptools[_-]scm|hatch-vcs|versioneer|versioningit|dynamic-versioning|\bpbr\b|dunamai|{_GIT}")
_LINES = regex(_GIT)
_BY_FILES = (
    (("pip", "pip3", "python", "python3", "uv", "poetry"), ("pyproject.toml", "setup.py", "setup.cfg"), _VERSIONS),
    (("make",), ("Makefile", "makefile", "GNUmakefile"), _LINES),
    (("npm", "yarn", "pnpm", "bun"), ("package.json",), _LINES),
    (("cargo",), ("build.rs", "Cargo.toml"), regex(r'\bvergen\b|Command::new\("git"\)')),
)
_OF_THE_PROJECT = regex(r"\.(?:/|\[.*)?|setup\.py|build|sync|install|run|ci|test|all")


def with_repository(image: Image, copy: Copy) -> bool:
    """Whether a COPY may bring the repository that the file stands in, with its `.git`."""
    if copy.origin or copy.item.heredocs:
        return False
    places = {normpath(source.lstrip("/") or ".") for source in copy.sources}
    if not places & {".", "*", ".git"}:
        return False
    return _LEFT_OUT.search(image.read_context(".dockerignore") or "") is None


def asked(image: Image, folder: str, since: int) -> Instruction | None:
    """The last step of root behind instruction number `since` in which git reads a folder, or something below it."""
    telling = _telling(image)
    for item in reversed(image.runs_about(("git ", "go ", *telling))):
        if item.index <= since or image.user_at(item).root is False or "safe.directory" in item.source:
            continue
        if any(_reads(image, step, folder, telling) for step in steps(image, item)):
            return item
    return None


def _telling(image: Image) -> tuple[str, ...]:
    """The programs of the build that build the project, and ask git as files of it say."""
    return tuple(
        program
        for programs, files, found in _BY_FILES
        if image.runs_about(programs) and any(found.search(image.read_context(name) or "") for name in files)
        for program in programs
    )


def _reads(image: Image, step: Step, folder: str, telling: tuple[str, ...]) -> bool:
    words = list(step.command.args)
    if step.command.name in telling:
        own = step.command.name == "make" or any(_OF_THE_PROJECT.fullmatch(word.text) for word in words)
        return own and below(step.here or "/", folder)
    if step.command.name == "go":
        return bool(words) and words[0].text in _STAMPS and _stamps(image, step) and below(step.here or "/", folder)
    if basename(step.command.name) != "git":
        return False
    place = step.here
    while words and words[0].text.startswith("-"):
        option = words.pop(0).text
        if option in _OPTIONS_WITH_VALUE and words:
            value = words.pop(0)
            place = step.place(value) if option == "-C" else place
    return bool(words) and words[0].text in _ASKS and below(place or "/", folder)


def _stamps(image: Image, step: Step) -> bool:
    """Whether `go build` asks git: where git is installed, and nothing says that it must not."""
    if "buildvcs" in step.item.logical or "-buildvcs" in (image.stage.env(step.item).get("GOFLAGS") or ""):
        return False
    if image.family != "alpine":
        return True
    before = (i for i in image.runs_about(("git",)) if i.index <= step.item.index)
    return any("git" in one.packages for i in before for one in image.shell(i).installs)
