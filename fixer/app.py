"""check and fix over paths or sources: the only wiring between the rooms."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType

from fixer import config as configuration
from fixer import engine
from fixer.config import Config
from fixer.deliver.write import write
from fixer.discover import Context, Tree, read_inside, scan
from fixer.engine import Choice, Outcome, Setting, rules_for
from fixer.errors import FixerError, Unreadable, UsageError
from fixer.model import FileChange, Finding, Refusal, Result, Safety, Skipped, Status
from fixer.parallel import in_parallel
from fixer.source import SourceFile, read_bytes
from fixer.understand.builds import Builds, builds
from fixer.understand.image import Parent

Input = str | os.PathLike[str] | SourceFile


def check(*inputs: Input, config: Config | None = None) -> Result:
    """What stands between the inputs and the goal; nothing is changed, written or printed.

    Args:
        inputs: files and folders, or sources held in memory.
        config: the configuration; without it the one that is found upward from the first path.

    Raises:
        UsageError: for a path that does not exist or a configuration that cannot be meant.
    """
    return collect(outcomes(inputs, config, Choice()))


def fix(*inputs: Input, config: Config | None = None, safe_only: bool = False, annotate: bool = False) -> Result:
    """The changes that take the inputs off root, as `FileChange` values; nothing is written or printed.

    Args:
        inputs: files and folders, or sources held in memory.
        config: the configuration; without it the one that is found upward from the first path.
        safe_only: leave out fixes that are `review`.
        annotate: put the reason as a comment above each change.

    Raises:
        UsageError: for a path that does not exist or a configuration that cannot be meant.
    """
    minimum = Safety.SAFE if safe_only else Safety.REVIEW
    return collect(outcomes(inputs, config, Choice(True, minimum, annotate)))


def config_for(inputs: Iterable[Input]) -> Config:
    """The configuration that holds for the first path among the inputs, or the defaults."""
    for one in inputs:
        if not isinstance(one, SourceFile):
            found = configuration.find(Path(one))
            return configuration.load(found) if found is not None else Config()
    return Config()


def outcomes(inputs: Iterable[Input], config: Config | None, choice: Choice) -> Iterator[Outcome]:
    """The outcome of each file, one by one, so that memory does not grow with their number."""
    inputs = list(inputs)
    config = config_for(inputs) if config is None else config
    rules = rules_for(config)
    sources = [one for one in inputs if isinstance(one, SourceFile)]
    memory = {source.path: source for source in sources}
    for source in sources:
        yield _run(source, config, Setting(read_context=_MemoryContext(memory, source.path)), rules, choice)
    seen: set[str] = set()
    for one in inputs:
        if not isinstance(one, SourceFile):
            yield from _tree_outcomes(_tree(Path(one), config), config, rules, choice, seen)


class _MemoryContext:
    """The build context among sources in memory: what stands beside the Dockerfile."""

    def __init__(self, sources: dict[str, SourceFile], dockerfile: str) -> None:
        self.sources = sources
        self.dockerfile = dockerfile

    def __call__(self, path: str) -> str | None:
        folder = self.dockerfile.rpartition("/")[0]
        found = self.sources.get(f"{folder}/{path}" if folder else path)
        try:
            return found.text if found is not None else None
        except Unreadable:
            return None


def _tree(argument: Path, config: Config) -> Tree:
    tree = scan(argument, config.exclude)
    if tree.root == argument:
        return tree
    here = Path.cwd()
    name = Path(os.path.normpath(here / argument))
    if name.is_relative_to(here):
        return Tree(here, (name.relative_to(here).as_posix(),), (), ())
    # Files elsewhere may all have the same name, so each is told with its whole path.
    return Tree(Path(name.anchor), (name.relative_to(name.anchor).as_posix(),), (), ())


def _in_repository(root: Path) -> str:
    """What leads from the top of the git repository to a folder, with a final `/`; empty outside of one.

    `git apply` wants the paths of a diff to start at the top.
    """
    real = Path(os.path.abspath(root))
    for place in (real, *real.parents):
        if (place / ".git").exists():
            below = real.relative_to(place).as_posix()
            return "" if below == "." else f"{below}/"
    return ""


def _tree_outcomes(
    tree: Tree, config: Config, rules: tuple[ModuleType, ...], choice: Choice, seen: set[str]
) -> Iterator[Outcome]:
    known = builds(tree.hints, lambda path: read_inside(tree.root, path))
    for path in tree.templates:
        yield Outcome(
            skipped=Skipped(
                path,
                "template",
                "this is a template of a Dockerfile; fix the file that it renders to, or the template by hand",
            )
        )
    named = [
        p for p in known.by_file if p not in tree.dockerfiles and (tree.root / p).is_file() and not p.startswith("../")
    ]
    paths: list[str] = []
    root = os.path.abspath(tree.root)
    for path in sorted({*tree.dockerfiles, *named}):
        key = os.path.normpath(f"{root}/{path}")
        if key not in seen:
            seen.add(key)
            paths.append(path)
    yield from in_parallel(_Job(tree, known, config, rules, choice), paths)


class _Job:
    """What is done to each Dockerfile of a tree."""

    def __init__(
        self, tree: Tree, known: Builds, config: Config, rules: tuple[ModuleType, ...], choice: Choice
    ) -> None:
        self.tree = tree
        self.known = known
        self.config = config
        self.rules = rules
        self.choice = choice
        self.parents = _Parents(tree, known, config)
        self.top = _in_repository(tree.root)

    def __call__(self, path: str) -> Outcome:
        """The outcome of one Dockerfile; one that cannot be read is skipped."""
        try:
            source = read_source(self.tree.root, path)
        except Unreadable as error:
            return Outcome(skipped=Skipped(path, error.reason, error.message))
        context = _context(self.tree, self.known, path)
        setting = Setting(self.known.targets(path), context, self.parents, context.modes)
        outcome = _run(source, self.config, setting, self.rules, self.choice)
        if outcome.change is not None:
            outcome.change = outcome.change._replace(root=str(self.tree.root), repository_path=self.top + path)
        return outcome


def _run(
    source: SourceFile, config: Config, setting: Setting, rules: tuple[ModuleType, ...], choice: Choice
) -> Outcome:
    if not choice.apply:
        return engine.check(source, config, setting, rules)
    from fixer.fixing import fix as fix_file

    return fix_file(source, config, setting, rules, choice)


def _context(tree: Tree, known: Builds, path: str) -> Context:
    """The build context of a Dockerfile; for a file named outside of the current folder, the folder that it is in."""
    if str(tree.root) == tree.root.anchor:
        return Context((tree.root / path).parent, ("",))
    return Context(tree.root, known.contexts(path))


class _Parents:
    """Finds the Dockerfile of the same repository that makes a base image."""

    def __init__(self, tree: Tree, known: Builds, config: Config) -> None:
        self.tree = tree
        self.known = known
        self.config = config
        self.found: dict[str, Parent | None] = {}

    def __call__(self, reference: str) -> Parent | None:
        """The parent that an image reference names, or None; a circle of parents ends in None."""
        if reference not in self.found:
            self.found[reference] = None
            self.found[reference] = self._find(reference)
        return self.found[reference]

    def _find(self, reference: str) -> Parent | None:
        made = self.known.maker(reference)
        if made is None or made[0].startswith("../"):
            return None
        try:
            source = read_source(self.tree.root, made[0])
        except Unreadable:
            return None
        context = _context(self.tree, self.known, made[0])
        return engine.parent(source, made[1], self.config, Setting(read_context=context, find_parent=self))


def read_source(root: Path, path: str) -> SourceFile:
    """Read one Dockerfile.

    Raises:
        Unreadable: when it is a link, no regular file, too large, or cannot be read.
    """
    return SourceFile(path, read_bytes(root, path, "a Dockerfile", ", which no Dockerfile is; it was not read"))


def write_changes(result: Result) -> Result:
    """Write every change of a result to its file.

    Returns:
        The result without the changes that could not be written; each of those is told as skipped, and its findings
        are no longer called fixed.
    """
    failed: dict[tuple[str, str], Skipped] = {}
    for change in result.changes:
        try:
            write(Path(change.root) / change.path, change)
        except FixerError as error:
            failed[change.root, change.path] = Skipped(change.path, "not-written", str(error))
    if not failed:
        return result
    refusal = Refusal("not-written", "the file could not be written")
    paths = {path for _, path in failed}
    findings = tuple(
        f._replace(status=Status.REFUSED, refusal=refusal) if f.path in paths and f.status is Status.FIXED else f
        for f in result.findings
    )
    kept = tuple(c for c in result.changes if (c.root, c.path) not in failed)
    return result._replace(findings=findings, changes=kept, skipped=(*result.skipped, *failed.values()))


def ticked(each: Iterable[Outcome], tick: Callable[[], None]) -> Iterator[Outcome]:
    """The same outcomes, with a call for each."""
    for outcome in each:
        tick()
        yield outcome


def collect(each: Iterable[Outcome]) -> Result:
    """All outcomes as one result, in stable order."""
    findings: list[Finding] = []
    skipped: list[Skipped] = []
    changes: list[FileChange] = []
    files = 0
    for outcome in each:
        files += outcome.skipped is None
        findings += outcome.findings
        if outcome.skipped is not None:
            skipped.append(outcome.skipped)
        if outcome.change is not None:
            changes.append(outcome.change)
    findings.sort(key=Finding.sort_key)
    skipped.sort(key=lambda s: s.path)
    changes.sort(key=lambda c: c.path)
    return Result(tuple(findings), tuple(skipped), tuple(changes), files)


__all__ = ["Result", "UsageError", "check", "fix"]
