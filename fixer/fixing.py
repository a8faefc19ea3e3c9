"""The loop: apply what may be applied, prove it, understand the file again, until nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from fixer.config import Config
from fixer.edits.dockerfile import Conflict, lower
from fixer.engine import Choice, Outcome, Reading, Setting, View, findings_of, understand, unread
from fixer.errors import Unreadable
from fixer.model import (
    Change,
    FileChange,
    Finding,
    Refusal,
    Safety,
    SetUser,
    StartAsRoot,
    Status,
    YamlChange,
)
from fixer.prove.conditions import Broken, prove
from fixer.rules import name_of
from fixer.rules.base import DockerfileView
from fixer.source import SourceFile, apply_edits
from fixer.syntax.second import agree
from fixer.understand.stages import pairs

if TYPE_CHECKING:
    from fixer.rules.pods import Surroundings
    from fixer.rules.services import ComposeSurroundings
    from fixer.syntax.yaml import Document


def fix(source: SourceFile, config: Config, setting: Setting, rules: tuple[ModuleType, ...], choice: Choice) -> Outcome:
    """Fix one Dockerfile, as far as `choice` allows.

    A file that cannot be read or handled comes back as skipped; nothing is raised for it.
    """
    try:
        view = understand(source, config, setting)
        found = findings_of(view, rules)
    except Unreadable as error:
        return unread(source.path, error)
    return _fix(view, found, setting, rules, choice)


def _fix(
    view: DockerfileView,
    found: list[Finding],
    setting: Setting,
    rules: tuple[ModuleType, ...],
    choice: Choice,
) -> Outcome:
    original = view.source
    try:
        _agree(view)
    except Unreadable as error:
        why = Refusal(error.reason, error.message)
        return Outcome([_left(f, {_key(f): why}, choice) for f in found])
    seen = {original.text}
    fixed: list[Finding] = []
    refused: dict[tuple[str, str], Refusal] = {}
    for _ in range(choice.rounds):
        step, done = _round(view, found, refused, choice)
        if step is None or step.text in seen:
            break
        seen.add(step.text)
        fixed += done
        before = view.ignores
        view = understand(step, view.config, setting)
        found = findings_of(view, rules, before)
    return _outcome(original, view.source, fixed, [_left(f, refused, choice) for f in found])


def _outcome(before: SourceFile, after: SourceFile, fixed: list[Finding], left: list[Finding]) -> Outcome:
    """What became of a file: its findings, those that were fixed and those that were left, and its change."""
    change = None
    if after.data != before.data:
        change = FileChange(before.path, before.data, after.data, tuple(sorted({f.rule for f in fixed})))
    done = [f._replace(status=Status.FIXED) for f in fixed]
    return Outcome(sorted([*done, *left], key=Finding.sort_key), change=change)


def _agree(view: DockerfileView) -> None:
    """Ask the second reader before anything is changed."""
    last = view.stages[-1]
    own = {key for item in last.of("ENV") for key, _ in pairs(item)}
    env = {key: last.final_env.get(key) for key in own}
    agree(view.dockerfile, [stage.base for stage in view.stages], env, view.config.build_args)


def _left(finding: Finding, refused: dict[tuple[str, str], Refusal], choice: Choice) -> Finding:
    why = finding.refusal or refused.get(_key(finding))
    fix = finding.fix
    if why is None and fix is not None and fix.safety >= choice.minimum and not choice.wants(finding):
        return finding
    if why is None and fix is not None and fix.safety < choice.minimum:
        code = "manual" if fix.safety is Safety.MANUAL else "not-safe"
        why = Refusal(code, fix.instructions or fix.risk)
    if why is None:
        why = Refusal("no-fix", "there is no automatic fix; see 'fixer explain " + finding.rule + "'")
    return finding._replace(status=Status.REFUSED, refusal=why)


def leave(findings: list[Finding], choice: Choice) -> list[Finding]:
    """The findings of a file that is never changed, each with why it is left."""
    return [_left(finding, {}, choice) for finding in findings]


def _key(finding: Finding) -> tuple[str, str]:
    return (finding.rule, finding.message)


def _round(
    view: DockerfileView, found: list[Finding], refused: dict[tuple[str, str], Refusal], choice: Choice
) -> tuple[SourceFile | None, list[Finding]]:
    """Apply all fixes that may be applied at once; a group that contradicts or breaks is dropped whole."""
    units = [u for u in _units(found) if _may(u, refused, choice)]
    units.sort(key=_rank)
    while units:
        chosen = [f for unit in units for f in unit]
        try:
            return _apply(view, chosen, choice.annotate), chosen
        except (Conflict, Broken) as problem:
            bad = _culprit(view, units)
            why = Refusal("conflict" if isinstance(problem, Conflict) else "after-condition", str(problem))
            refused.update({_key(f): why for f in bad})
            units = [u for u in units if u is not bad]
    return None, []


def _units(found: list[Finding]) -> list[list[Finding]]:
    """Findings whose fixes stand or fall together."""
    units: dict[str, list[Finding]] = {}
    for n, finding in enumerate(found):
        if finding.fix is not None and finding.refusal is None and finding.fix.changes:
            units.setdefault(finding.fix.group or f"#{n}", []).append(finding)
    return list(units.values())


def _rank(unit: list[Finding]) -> tuple[int, str, int]:
    """Which unit goes first, and wins over another that contradicts it."""
    return min((-f.severity, f.rule, f.line) for f in unit)


def _may(unit: list[Finding], refused: dict[tuple[str, str], Refusal], choice: Choice) -> bool:
    worst = min(f.fix.safety for f in unit if f.fix is not None)
    if worst < choice.minimum or any(_key(f) in refused for f in unit):
        return False
    return all(choice.wants(f) for f in unit)


def _culprit(view: DockerfileView, units: list[list[Finding]]) -> list[Finding]:
    """The least important unit without which the rest applies, else the least important one."""
    for unit in units[::-1]:
        try:
            _apply(view, [f for other in units if other is not unit for f in other])
        except (Conflict, Broken):
            continue
        return unit
    return units[-1]


def _apply(view: DockerfileView, chosen: list[Finding], notes: bool = False) -> SourceFile:
    changes = [change for f in chosen for change in _changes(f)]
    plan = lower(view.dockerfile, view.stages, changes, view.source.newline)
    if notes:
        from fixer.edits.annotate import annotate

        annotate(plan, view.dockerfile, view.stages, _notes(chosen), view.source.newline)
    after = view.source.with_text(apply_edits(view.source.text, plan.edits))
    prove(view.source, view.dockerfile, plan, after)
    return after


def _changes(finding: Finding) -> list[Change]:
    changes = finding.fix.changes if finding.fix is not None else ()
    return [change for change in changes if not isinstance(change, YamlChange)]


def _notes(chosen: list[Finding]) -> dict[Change, str]:
    """Why each change is made, for a comment above it."""
    notes: dict[Change, str] = {}
    for finding in chosen:
        changes = _changes(finding)
        builders = {change.stage for change in changes if isinstance(change, StartAsRoot)}
        own = next((change.stage for change in changes if isinstance(change, SetUser)), -1)
        for change in changes:
            why = finding.message
            if isinstance(change, StartAsRoot | SetUser) and change.stage in builders:
                why = "this stage starts from one that no longer ends as root, and builds as root as before"
            elif isinstance(change, SetUser) and change.stage != own:
                why = "this stage only builds, and ends as the user of the image like every other stage"
            notes.setdefault(change, f"{name_of(finding.rule)} ({finding.rule}): {why}")
    return notes


# --- manifests --------------------------------------------------------------------------------------------------------


def fix_manifest(
    source: SourceFile, config: Config, surroundings: Surroundings, rules: tuple[ModuleType, ...], choice: Choice
) -> Outcome | None:
    """Fix one file of manifests, as far as `choice` allows; None where it holds none.

    A file that cannot be read or handled comes back as skipped; nothing is raised for it.
    """
    from fixer import manifests

    return _fix_yaml(source, lambda one: manifests.understand(one, config, surroundings), rules, choice)


def fix_compose(
    source: SourceFile,
    config: Config,
    surroundings: ComposeSurroundings,
    rules: tuple[ModuleType, ...],
    choice: Choice,
) -> Outcome | None:
    """Fix one file of Compose, as far as `choice` allows; None where it holds no service.

    A file that cannot be read or handled comes back as skipped; nothing is raised for it.
    """
    from fixer import compose

    return _fix_yaml(source, lambda one: compose.understand(one, config, surroundings), rules, choice)


class _Documents(View, Protocol):
    """What the rules are given about a file of YAML."""

    source: SourceFile

    @property
    def documents(self) -> Sequence[Document]:
        """Those of its documents that were read."""
        ...


class _Reading(Reading, Protocol):
    """What a file of YAML holds, with its documents."""

    @property
    def view(self) -> _Documents:
        """The file as the rules see it."""
        ...


Understand = Callable[[SourceFile], "_Reading | None"]


def _fix_yaml(source: SourceFile, read: Understand, rules: tuple[ModuleType, ...], choice: Choice) -> Outcome | None:
    try:
        reading = read(source)
        if reading is None:
            return None
        outcome = _fix_documents(reading.view, read, rules, choice)
    except Unreadable as error:
        return unread(source.path, error)
    outcome.skipped, outcome.judged = reading.skipped, reading.judged
    return outcome


def _fix_documents(view: _Documents, read: Understand, rules: tuple[ModuleType, ...], choice: Choice) -> Outcome:
    from fixer.prove.yaml import rewrite

    original = view.source
    found = findings_of(view, rules)
    fixed: list[Finding] = []
    refused: dict[tuple[str, str], Refusal] = {}
    for _ in range(choice.rounds):
        units = {f"{n}": unit for n, unit in enumerate(_units(found)) if _may(unit, refused, choice)}
        order = sorted(units, key=lambda name: _rank(units[name]))
        groups = {name: _yaml_changes(units[name]) for name in order}
        notes = {name: [_note(f, view) for f in units[name]] for name in order} if choice.annotate else None
        rewritten = rewrite(view.source, groups, view.documents, notes)
        for name, why in rewritten.refused.items():
            refused.update({_key(f): why for f in units[name]})
        if rewritten.after.data == view.source.data:
            break
        fixed += [f for name in rewritten.applied for f in units[name]]
        again = read(rewritten.after)
        if again is None:
            break
        before, view = view.ignores, again.view
        found = findings_of(view, rules, before)
    return _outcome(original, view.source, fixed, [_left(f, refused, choice) for f in found])


def _note(finding: Finding, view: _Documents) -> str:
    # whose pod it is, the place of the comment tells
    said = finding.message.partition(": ")[2] if view.table == "manifests" else finding.message
    return f"{name_of(finding.rule)} ({finding.rule}): {said}"


def _yaml_changes(unit: list[Finding]) -> list[YamlChange]:
    changes = [change for f in unit if f.fix is not None for change in f.fix.changes]
    return [change for change in changes if isinstance(change, YamlChange)]
