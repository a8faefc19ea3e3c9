"""Understand a file, decide about its images, and ask the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from types import ModuleType
from typing import Protocol

from fixer.config import Config
from fixer.decide import Decision, FindAsked, FindHolds, FindShared, decide_all
from fixer.errors import Unreadable
from fixer.facts import knowledge
from fixer.ignores import Ignore
from fixer.model import FileChange, Finding, Safety, Skipped, Status
from fixer.rules import all_rules, of_table, on_dockerfiles
from fixer.rules.base import DockerfileView, FindMove
from fixer.source import SourceFile
from fixer.syntax.dockerfile import parse
from fixer.tuples import NamedTuple
from fixer.understand.image import ContextModes, FindParent, Image, Parent, ReadContext, handed_down
from fixer.understand.stages import runtime_stages, stages


class View(Protocol):
    """What the rules are given about one file, as far as the engine asks it."""

    table: str
    ignores: list[Ignore]
    known: frozenset[str]
    selected: frozenset[str]

    @property
    def config(self) -> Config:
        """The configuration of the run."""
        ...

    def own_ignores(self) -> list[Ignore]:
        """The ignore comments of the file."""
        ...


class Setting(NamedTuple):
    """What the repository tells about one Dockerfile: its targets, its context, its parents, and who it is run as.

    `find_targets` is asked only where a file has several stages, and `find_shared` where a new user is made.
    """

    find_targets: Callable[[], frozenset[str]] = frozenset
    read_context: ReadContext = lambda path: None
    find_parent: FindParent = lambda reference: None
    context_modes: ContextModes = lambda path: None
    find_asked: FindAsked = lambda targets: ()
    find_move: FindMove = lambda port: None
    find_shared: FindShared = lambda: None
    find_holds: FindHolds = lambda targets: ()

    def only(self, target: str) -> Setting:
        """The same, of a build that names this target ("" for none)."""
        return self._replace(find_targets=lambda: frozenset({target} - {""}))


MAX_ROUNDS = 5


def _every(finding: Finding) -> bool:
    return True


class Choice(NamedTuple):
    """What of the fixes is applied, and which rules speak.

    `wants` tells of a finding whether its fix is applied; those that it leaves out come back as they were found. Each
    of the `rounds` applies what the one before it has brought about.
    """

    apply: bool = False
    minimum: Safety = Safety.REVIEW
    annotate: bool = False
    wants: Callable[[Finding], bool] = _every
    rounds: int = MAX_ROUNDS


class Outcome:
    """What became of one file; `judged` tells whether anything of it was."""

    def __init__(
        self,
        findings: list[Finding] | None = None,
        skipped: tuple[Skipped, ...] = (),
        change: FileChange | None = None,
        judged: bool = True,
    ) -> None:
        self.findings = findings or []
        self.skipped = skipped
        self.change = change
        self.judged = judged


def rules_for(config: Config, some: tuple[ModuleType, ...] | None = None) -> tuple[ModuleType, ...]:
    """The rules of a table (that on Dockerfiles without one) that this goal has, narrowed by select and ignore."""
    out: list[ModuleType] = []
    for rule in on_dockerfiles() if some is None else some:
        names = {rule.CARD.id, rule.CARD.name}
        wanted = names & config.select if config.select else config.goal in rule.CARD.goals
        if wanted and not names & config.ignore:
            out.append(rule)
    return tuple(out)


def understand(source: SourceFile, config: Config, setting: Setting) -> DockerfileView:
    """Read one Dockerfile and decide about its images.

    Raises:
        Unreadable: when it is no Dockerfile that BuildKit would take, or a template of one.
    """
    dockerfile = parse(source.text)
    find_parent = setting.find_parent
    all_stages = stages(
        dockerfile, config.build_args, knowledge(config.inspected), lambda base: handed_down(find_parent(base))
    )
    images = {
        stage.index: Image(stage, setting.read_context, find_parent, setting.context_modes) for stage in all_stages
    }
    runtime = runtime_stages(all_stages, setting.find_targets() if len(all_stages) > 1 else frozenset())
    made = [images[s.index] for s in runtime]
    decisions = decide_all(made, source.path, config, setting.find_asked, setting.find_shared, setting.find_holds)
    return DockerfileView(source, dockerfile, all_stages, images, decisions, config, setting.find_move)


def decision_on(view: DockerfileView, target: str) -> Decision:
    """The decision on the image that a build makes which names this target ("" for none)."""
    wanted = [d for d in view.decisions if target in ("", d.image.stage.name)]
    return wanted[-1] if wanted else view.decisions[-1]


def parent(source: SourceFile, target: str, config: Config, setting: Setting) -> Parent | None:
    """The image that a Dockerfile of the repository makes, for those that are built on it; None if unreadable."""
    try:
        view = understand(source, config, setting.only(target))
    except Unreadable:
        return None
    decision = decision_on(view, target)
    return Parent(source.path, decision.image, decision if decision.is_root and decision.identity else None)


def findings_of(view: View, rules: Iterable[ModuleType], before: Iterable[Ignore] = ()) -> list[Finding]:
    """All findings of one file that no comment silences, in order.

    Args:
        view: the file.
        rules: the rules that speak.
        before: the ignore comments as they were in the round before; what they silenced there counts.
    """
    rules = tuple(rules)
    silenced = view.own_ignores() if view.config.honour_ignores else []
    for one, old in zip(silenced, before, strict=False):
        one.used |= old.used
    view.ignores.extend(silenced)
    if silenced:
        every, own = all_rules(), of_table(view.table)
        # A rule on other kinds of files has nothing to silence here, as if it had spoken.
        asleep = _names(tuple(rule for rule in own if rule not in rules))
        view.known, view.selected = _names(every), _names(every) - asleep
    out: list[Finding] = []
    for rule in rules:
        for finding in rule.check(view):
            if not _silenced(silenced, finding, rule):
                out.append(finding)
    return sorted(_whole_groups(out), key=Finding.sort_key)


@cache
def _names(rules: tuple[ModuleType, ...]) -> frozenset[str]:
    return frozenset(name for rule in rules for name in (rule.CARD.id, rule.CARD.name))


def _silenced(silenced: list[Ignore], finding: Finding, rule: ModuleType) -> bool:
    return any(one.covers(finding.line, rule.CARD.id, rule.CARD.name) for one in silenced)


def _whole_groups(found: list[Finding]) -> list[Finding]:
    """Without the finding that moves a stage off root, its companions make no sense and are not told."""
    led = {f.fix.group for f in found if f.fix and f.fix.leads}
    return [f for f in found if f.fix is None or not f.fix.group or f.fix.group in led]


def check(source: SourceFile, config: Config, setting: Setting, rules: tuple[ModuleType, ...]) -> Outcome:
    """Check one Dockerfile.

    A file that cannot be read or handled comes back as skipped; nothing is raised for it.
    """
    try:
        found = findings_of(understand(source, config, setting), rules)
    except Unreadable as error:
        return unread(source.path, error)
    return Outcome([told(f) for f in found])


class Reading(Protocol):
    """What a file of YAML holds: a view of it, what of it was not judged and why, and whether anything was."""

    skipped: tuple[Skipped, ...]

    @property
    def view(self) -> View:
        """The file as the rules see it."""
        ...

    @property
    def judged(self) -> bool:
        """Whether anything of the file was judged."""
        ...


def check_reading(path: str, read: Callable[[], Reading | None], rules: tuple[ModuleType, ...]) -> Outcome | None:
    """Check what `read` makes of one file; None where it holds nothing to judge.

    A file that cannot be read or handled comes back as skipped; nothing is raised for it.
    """
    try:
        reading = read()
        if reading is None:
            return None
        found = findings_of(reading.view, rules)
    except Unreadable as error:
        return unread(path, error)
    return Outcome([told(f) for f in found], reading.skipped, judged=reading.judged)


def unread(path: str, error: Unreadable) -> Outcome:
    """The outcome of a file that could not be read or handled."""
    return Outcome(skipped=(Skipped(path, error.reason, error.message),), judged=False)


def told(finding: Finding) -> Finding:
    """A finding of a mere check, with its status."""
    return finding._replace(status=Status.REFUSED) if finding.refusal is not None else finding
