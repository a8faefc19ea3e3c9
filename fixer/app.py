"""check and fix over paths or sources: the only wiring between the rooms."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fixer import config as configuration
from fixer.config import Config
from fixer.deliver.write import replace, write
from fixer.discover import Tree, is_compose, is_manifest, repository_top, run_kind, scan
from fixer.engine import Choice, Outcome, Setting, rules_for
from fixer.errors import FixerError, Unreadable, UsageError
from fixer.model import Each, FileChange, Finding, LowPorts, Origin, Refusal, Result, Safety, Severity, Skipped, Status
from fixer.parallel import in_parallel
from fixer.repository import Repository, Scope
from fixer.running import run_compose, run_dockerfile, run_manifest, run_runs
from fixer.source import SourceFile, bytes_if_readable

if TYPE_CHECKING:
    from fixer.deliver.branches import Step
    from fixer.deliver.plans import PlannedUnit
    from fixer.evidence import Report
    from fixer.graphing import Drawn
    from fixer.render.report import Report as Told
    from fixer.understand.links import Graph
    from fixer.units import Unit
    from fixer.verify.jobs import Planned
    from fixer.verify.trying import Wishes

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
            config = configuration.load(found) if found is not None else Config()
            return configuration.with_kept(config, Path(one), found)
    return Config()


def outcomes(inputs: Iterable[Input], config: Config | None, choice: Choice) -> Iterator[Outcome]:
    """The outcome of each file, one by one, so that memory does not grow with their number."""
    inputs = list(inputs)
    config = config_for(inputs) if config is None else config
    sources = [one for one in inputs if isinstance(one, SourceFile)]
    memory = {source.path: source for source in sources}
    for source in sources:
        if is_manifest(source.path) or run_kind(source.path):
            outcome = _run_in_memory(source, config, choice)
            if outcome is not None:
                yield outcome
        else:
            setting = Setting(read_context=_MemoryContext(memory, source.path))
            yield run_dockerfile(source, config, setting, rules_for(config), choice)
    yield from _all_outcomes(
        _repositories([Path(one) for one in inputs if not isinstance(one, SourceFile)], config, choice)
    )


def _all_outcomes(found: list[Repository]) -> Iterator[Outcome]:
    seen: set[str] = set()
    for repository in found:
        yield from _tree_outcomes(repository, seen)


def _repositories(paths: list[Path], config: Config, choice: Choice) -> list[Repository]:
    # All of them first: what one argument names, a link of another may lead to.
    trees = [tree_of(path, config) for path in paths]
    scope = Scope(config, choice, paths)
    found = [Repository(tree, scope) for tree in trees]
    planned = None
    if config.ports == LowPorts.MOVE and any(rule.CARD.id == "DF009" for rule in rules_for(config)):
        from fixer.portmoves import plan

        planned = plan(found)
        mere = not choice.apply or choice.minimum > Safety.REVIEW
        # What was read for the plan was read as it is without the moves.
        scope = Scope(config, choice, paths, planned.told() if mere else planned)
        found = [Repository(tree, scope) for tree in trees]
    if config.proved is not None:
        whole = Scope(config, Choice(True), paths, planned)
        for repository in found:
            repository.reviewed = Repository(repository.tree, whole)
    return found


def _run_in_memory(source: SourceFile, config: Config, choice: Choice) -> Outcome | None:
    from fixer.imageusers import image_user
    from fixer.rules import on_manifests, on_runs
    from fixer.rules.pods import Surroundings

    if is_compose(source.path):
        return _compose_in_memory(source, config, choice)
    surroundings = Surroundings(lambda reference: image_user(reference, config, lambda name: None))
    outcome = None
    if is_manifest(source.path):
        outcome = run_manifest(source, config, surroundings, rules_for(config, on_manifests()), choice)
    if outcome is None and run_kind(source.path):
        return run_runs(source, surroundings.find_user, config, rules_for(config, on_runs()), choice)
    return outcome


def _compose_in_memory(source: SourceFile, config: Config, choice: Choice) -> Outcome | None:
    from fixer.imageusers import image_user
    from fixer.rules import on_compose
    from fixer.rules.services import ComposeSurroundings

    about = ComposeSurroundings(lambda service: image_user(service.called, config, lambda name: None))
    return run_compose(source, config, about, rules_for(config, on_compose()), choice)


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


def tree_of(argument: Path, config: Config) -> Tree:
    """The files that matter below a path, or the one that it names.

    Raises:
        UsageError: for a path that does not exist.
    """
    tree = scan(argument, config.exclude)
    if tree.root == argument:
        return tree
    here = Path.cwd()
    name = Path(os.path.normpath(here / argument))
    # Files elsewhere may all have the same name, so each is told with its whole path.
    root = here if name.is_relative_to(here) else Path(name.anchor)
    only = (name.relative_to(root).as_posix(),)
    if is_compose(name.name):
        return Tree(root, (), (), (), (), False, (), only)
    runs = only if run_kind(name.as_posix()) else ()
    if is_manifest(name.name) or runs:
        return Tree(root, (), (), (), only if is_manifest(name.name) else (), False, runs)
    return Tree(root, only, (), (), (), False)


def _tree_outcomes(repository: Repository, seen: set[str]) -> Iterator[Outcome]:
    tree = repository.tree
    for path in tree.templates:
        message = "this is a template of a Dockerfile; fix the file that it renders to, or the template by hand"
        yield Outcome(skipped=(Skipped(path, "template", message),), judged=False)
    for path in tree.closed:
        message = "the folder cannot be looked into; check its permissions, or leave it out with `exclude`"
        yield Outcome(skipped=(Skipped(path, "unreadable", message),), judged=False)
    for outcome in in_parallel(repository, files_of(repository, seen)):
        if outcome is not None:
            yield outcome


def files_of(repository: Repository, seen: set[str]) -> list[str]:
    """The files of a tree that are looked at, without those in `seen` (absolute paths), to which they are added."""
    paths: list[str] = []
    tree = repository.tree
    root = os.path.abspath(tree.root)
    for path in sorted({*repository.dockerfiles, *tree.manifests, *tree.runs, *tree.compose, *repository.moved}):
        key = os.path.normpath(os.path.join(root, path))
        if key not in seen:
            seen.add(key)
            paths.append(path)
    return paths


def inspect(
    paths: Iterable[Path], config: Config, lock: Path, origin: Origin, *, refresh: bool = False
) -> tuple[Config, tuple[Skipped, ...]]:
    """Read the images that files name, and keep what they say about themselves in the lock.

    Args:
        paths: files and folders.
        config: the configuration, with what the lock holds already.
        lock: where to keep it.
        origin: where to read them.
        refresh: read those again that the lock holds; else only what is missing.

    Returns:
        The configuration with all that is known now, and the images that could not be read.

    Raises:
        UsageError: for a path that does not exist, and where packages are missing.
    """
    from fixer.inspecting import Unseen, inspect_all, reader, references
    from fixer.lock import text

    read = reader(origin.value, config)
    paths = list(paths)
    named = frozenset(
        n for p in paths for n in references(Repository(tree_of(p, config), Scope(config, Choice(), [p])))
    )
    known = dict(config.inspected)
    if refresh and lock.parent.resolve() in {path.resolve() for path in paths}:
        known = {name: one for name, one in known.items() if name in named}  # the whole of it was looked at
    answers = inspect_all(named if refresh else named - known.keys(), read, config.inspect_timeout)
    known |= {name: one for name, one in answers.items() if not isinstance(one, Unseen)}
    unread = [Skipped(name, one.reason, one.message) for name, one in answers.items() if isinstance(one, Unseen)]
    if known != config.inspected:
        try:
            replace(lock, text(known).encode())
        except OSError as error:
            message = f"it cannot be written ({error.strerror}); check its permissions"
            unread.append(Skipped(str(lock), "not-written", message))
    return config._replace(inspected=known), tuple(unread)


def graph(*paths: str | os.PathLike[str], config: Config | None = None) -> tuple[Drawn, ...]:
    """Which Dockerfile makes which image below some paths, what it starts from, and who uses it.

    Args:
        paths: files and folders.
        config: the configuration; without it the one that is found upward from the first path.

    Returns:
        For each path its graph, and what is not in it and why.

    Raises:
        UsageError: for a path that does not exist or a configuration that cannot be meant.
    """
    from fixer.graphing import draw

    config = config_for(paths) if config is None else config
    scope = Scope(config, Choice(), [Path(path) for path in paths])
    return tuple(draw(Repository(tree_of(Path(path), config), scope)) for path in paths)


def verify(paths: Iterable[Path], config: Config, wishes: Wishes, say: Callable[[str], None]) -> Report:
    """Build and run the images of some paths before and after their fix, and judge what was seen.

    Args:
        paths: files and folders; nothing in them is written, but for the configuration when a repair is wished for.
        config: the configuration.
        wishes: which images, with which engine, and what to keep of it.
        say: told what is done, for people who wait.

    Returns:
        The verdicts, in the order of the images; none where there is nothing to try, for which no engine is needed.

    Raises:
        UsageError: for a path that does not exist, for want of an engine, and for an image that is none.
    """
    from fixer.verify.trying import verify as run

    paths = list(paths)
    return run(lambda settings: _planned(paths, settings), config, wishes, say, replace)


def _planned(paths: list[Path], config: Config) -> list[Planned]:
    """The images that are worth trying under a configuration."""
    from fixer.verify.jobs import plan

    choice, seen, out = Choice(True), set[str](), list["Planned"]()
    # what was proved before is no reason to believe it now
    for repository in _repositories(paths, config._replace(proved=None), choice):
        result = collect(_tree_outcomes(repository, seen))
        for one in plan(repository, result.changes, result.findings):
            if not any(one.root == other.root and one.job == other.job for other in out):
                out.append(one)
    return out


def report(
    paths: list[Path], config: Config, choice: Choice, tick: Callable[[], None] = lambda: None, *, drawn: bool = False
) -> Told:
    """What a check finds, or a fix would do, with all that reports tell of it.

    Args:
        paths: files and folders; none of them is written.
        config: the configuration.
        choice: which fixes are applied, if any.
        tick: called for each file.
        drawn: whether the graphs of images and the units are wanted.
    """
    from fixer import __version__
    from fixer.render.report import Report as Told

    repositories = _repositories(paths, config, choice)
    seen, texts = set[str](), dict[str, bytes]()
    each: list[Outcome] = []
    placed: list[Outcome] = []
    files: list[dict[str, str]] = []
    for path, repository in zip(paths, repositories, strict=True):
        place = _placing(repository, path, len(paths) == 1)
        of_tree: dict[str, str] = {}
        for outcome in ticked(_tree_outcomes(repository, seen), tick):
            each.append(outcome)
            placed.append(_placed(outcome, place))
            for name in {finding.path for finding in outcome.findings}:
                of_tree[name] = place(name)
                texts[of_tree[name]] = _text(repository.tree.root, name, outcome)
        files.append(of_tree)
    units: dict[str, tuple[str, ...]] = {}
    graphs: list[tuple[dict[str, str], Graph]] = []
    if drawn:
        from fixer.graphing import draw
        from fixer.units import grouped

        roots = [str(repository.tree.root) for repository in repositories]
        graphs = [(names, draw(repository).graph) for names, repository in zip(files, repositories, strict=True)]
        trees = [(root, graph) for root, (_, graph) in zip(roots, graphs, strict=True)]
        known = {(root, name): whole for root, names in zip(roots, files, strict=True) for name, whole in names.items()}
        units = {name: tuple(known[key] for key in keys) for name, keys in grouped(trees, known).items()}
    told, result = collect(each), collect(placed)
    pairs = zip((f for one in each for f in one.findings), (f for one in placed for f in one.findings), strict=True)
    aligned = tuple(whole for _, whole in sorted(pairs, key=lambda pair: pair[0].sort_key()))
    return Told(
        told,
        result._replace(findings=aligned),
        texts,
        units,
        tuple(graphs),
        fixing=choice.apply,
        version=__version__,
    )


def _placing(repository: Repository, argument: Path, alone: bool) -> Callable[[str], str]:
    """From a path in a tree to the one from the top of its git repository; outside of one, from here if need be."""
    root, named = Path(os.path.abspath(repository.tree.root)), Path(os.path.abspath(argument))
    top = repository_top(named if named.is_dir() else named.parent)
    if top is not None:
        return lambda path: Path(os.path.relpath(root / path, top)).as_posix()
    here = Path.cwd()
    lead = root.relative_to(here) if root.is_relative_to(here) else root
    return lambda path: path if alone else (lead / path).as_posix()


def _placed(outcome: Outcome, place: Callable[[str], str]) -> Outcome:
    """The same outcome with whole paths, and with what is left where it stands in the file as it is now."""
    change, findings = outcome.change, outcome.findings
    if change is not None:
        from fixer.render.diff import lines_before

        lines = lines_before(change)
        findings = [_where_it_was(finding, lines) for finding in findings]
        change = change._replace(repository_path=place(change.path))
    return Outcome(
        [finding._replace(path=place(finding.path)) for finding in findings],
        tuple(one._replace(path=place(one.path)) for one in outcome.skipped),
        change,
        outcome.judged,
    )


def _where_it_was(finding: Finding, lines: list[int]) -> Finding:
    """A finding that is left has the place that it has after the fixes."""
    if finding.status is not Status.REFUSED or not 0 < finding.line <= len(lines):
        return finding
    return finding._replace(line=lines[finding.line - 1])


def _text(root: Path, path: str, outcome: Outcome) -> bytes:
    if outcome.change is not None and outcome.change.path == path:
        return outcome.change.before
    return bytes_if_readable(root, path) or b""


def fix_in_units(paths: list[Path], config: Config, choice: Choice) -> tuple[Result, tuple[Unit, ...]]:
    """As `fix`, with the changes by what is deployed together."""
    from fixer.units import units

    found = _repositories(paths, config, choice)
    result = collect(_all_outcomes(found))
    return result, units(found, result)


def requests(
    paths: list[Path], config: Config, choice: Choice
) -> tuple[tuple[PlannedUnit, ...], int, tuple[Skipped, ...]]:
    """The requests that would take some files off root, how many findings are left, and what could not be read."""

    from fixer.deliver.plans import planned
    from fixer.render.summary import LEFT_OUT
    from fixer.units import proved

    result, found = fix_in_units(paths, config, choice)
    left = [one for one in result.findings if one.status is not Status.FIXED and one.severity > Severity.INFO]
    kept = config.proved
    units = tuple(
        planned(unit, _in(unit, left), proved(unit, kept) if kept is not None else ())
        for unit in found
        if unit.findings
    )
    return units, len(left), tuple(one for one in result.skipped if one.reason not in LEFT_OUT)


def _in(unit: Unit, findings: list[Finding]) -> list[Finding]:
    paths = {change.path for change in unit.changes}
    return [finding for finding in findings if finding.path in paths]


def steps(paths: list[Path], config: Config, choice: Choice, each: Each) -> tuple[Result, tuple[Step, ...]]:
    """The changes of a run as commits to be, each on top of the one before.

    Args:
        paths: files and folders.
        config: the configuration.
        choice: which fixes are applied.
        each: what one commit is for.
    """
    from fixer.deliver.branches import Step
    from fixer.render.commit import message, rule_message, whole_message
    from fixer.rules import name_of

    result, found = fix_in_units(paths, config, choice)
    if each is Each.UNIT:
        return result, tuple(Step(message(unit), _bytes(unit.changes)) for unit in found)
    fixed = sorted((finding for unit in found for finding in unit.findings), key=Finding.sort_key)
    everything = _bytes(result.changes)
    if each is Each.ALL:
        return result, (Step(whole_message(fixed), everything),) if everything else ()
    out: list[Step] = []
    rules = sorted({finding.rule for finding in fixed})
    for n, rule in enumerate(rules, 1):
        # The last has all of it: rules that find nothing may keep others from what they would do alone.
        some = config._replace(select=frozenset(rules[:n]))
        files = (
            _bytes(collect(_all_outcomes(_repositories(paths, some, choice))).changes) if n < len(rules) else everything
        )
        own = [finding for finding in fixed if finding.rule == rule]
        out.append(Step(rule_message(f"{rule} {name_of(rule)}", own), files))
    return result, tuple(out)


def _bytes(changes: Iterable[FileChange]) -> dict[bytes, bytes]:
    return {os.fsencode(change.whole_path): change.after for change in changes}


def write_changes(result: Result) -> Result:
    """Write every change of a result to its file; those of one unit all, or none of them.

    What is replaced is kept before, so that `undo` can take it back.

    Returns:
        The result without the changes that could not be written; each of those is told as skipped, and its findings
        are no longer called fixed.
    """
    from fixer.deliver.journal import keep

    if not result.changes:
        return result
    try:
        keep(result.changes)
    except OSError as error:
        why = f"what is replaced cannot be kept ({error.strerror}), so that 'fixer undo' will not take it back"
        result = result._replace(skipped=(*result.skipped, Skipped(str(error.filename), "no-journal", why)))
    return _written(result)


def _written(result: Result) -> Result:
    failed: dict[tuple[str, str], Skipped] = {}
    units: dict[str, list[FileChange]] = {}
    for n, change in enumerate(result.changes):
        units.setdefault(change.unit or f"#{n}", []).append(change)
    for changes in units.values():
        failed |= _write_unit(changes)
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


def _write_unit(changes: list[FileChange]) -> dict[tuple[str, str], Skipped]:
    """Write changes that belong together; where one cannot be written, the others are taken back."""
    done: list[FileChange] = []
    for change in changes:
        try:
            write(Path(change.root) / change.path, change)
        except FixerError as error:
            why = {(change.root, change.path): Skipped(change.path, "not-written", str(error))}
            for other in done:
                write(Path(other.root) / other.path, other._replace(before=other.after, after=other.before))
            also = f"a port would have moved here too, but {error}"
            rest = [other for other in changes if other is not change]
            return why | {(one.root, one.path): Skipped(one.path, "not-written", also) for one in rest}
        done.append(change)
    return {}


def results(paths: list[Path], config: Config) -> Iterator[Result]:
    """What a check finds, in stable order: file by file where one path was named, so that nothing has to be kept."""
    each = outcomes(paths, config, Choice())
    if len(paths) == 1:
        yield from (collect([outcome]) for outcome in each)
    else:
        yield collect(each)


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
        files += outcome.judged
        findings += outcome.findings
        skipped += outcome.skipped
        if outcome.change is not None:
            changes.append(outcome.change)
    findings.sort(key=Finding.sort_key)
    skipped.sort(key=lambda s: s.path)
    changes.sort(key=lambda c: c.path)
    return Result(tuple(findings), tuple(skipped), tuple(changes), files)


__all__ = ["Result", "UsageError", "check", "fix"]
