"""The second opinion on YAML: what another reader makes of the file afterwards is what it made of it before, plus the
plan.

Changes are tried together first. Where the result is not what was meant, the groups that spoil it are found by halves,
and are left out and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fixer.edits.yaml import YamlPlan, annotated, lower, same
from fixer.errors import Unreadable
from fixer.model import Edit, EnsureItem, Refusal, RemoveItem, RemoveKey, SetKey, YamlChange
from fixer.prove.conditions import Broken
from fixer.source import SourceFile, apply_edits
from fixer.syntax.yaml import Document, load_stream, parse_slice, slices
from fixer.tuples import NamedTuple

Groups = Mapping[str, Sequence[YamlChange]]


class Rewritten(NamedTuple):
    """A file after its changes, the edits that made it, the groups carried out, and those left out and why."""

    after: SourceFile
    edits: tuple[Edit, ...]
    applied: tuple[str, ...]
    refused: dict[str, Refusal]


def rewrite(
    source: SourceFile,
    groups: Groups,
    documents: Sequence[Document] | None = None,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> Rewritten:
    """Carry out groups of changes on a file, each whole or not at all, and prove the result.

    `documents` are those of the file that were parsed already; those that changes speak of are parsed without it.
    `notes` are lines to write as comments above what the groups change, where a comment may stand.

    Raises:
        Unreadable: when the file, or a document that a change speaks of, is no YAML.
    """
    if documents is None:
        wanted = {change.document for changes in groups.values() for change in changes}
        documents = [parse_slice(source.text, part) for part in slices(source.text) if part.number in wanted]
    plan = lower(documents, groups, source.newline)
    if not plan.edits:
        return Rewritten(source, (), plan.applied, plan.refused)
    try:
        before = load_stream(source.text)
    except Unreadable as error:
        refusal = Refusal("readers-disagree", error.message)
        return Rewritten(source, (), (), plan.refused | dict.fromkeys(plan.applied, refusal))
    trial = _Trial(source, documents, before)
    applied = {name: groups[name] for name in plan.applied}
    if notes and not any(document.root.flow for document in documents):
        spoken = plan._replace(edits=tuple(annotated(source.text, plan, notes, source.newline)))
        try:
            return Rewritten(trial.prove(spoken, applied), spoken.edits, plan.applied, plan.refused)
        except Broken:
            pass  # a comment has no place there; the changes may have one all the same
    try:
        return Rewritten(trial.prove(plan, applied), plan.edits, plan.applied, plan.refused)
    except Broken:
        return trial.by_halves(groups, plan)


class _Trial:
    """Tries groups on one file."""

    def __init__(self, source: SourceFile, documents: Sequence[Document], before: list[Any]) -> None:
        self.source = source
        self.documents = documents
        self.before = before

    def prove(self, plan: YamlPlan, groups: Groups) -> SourceFile:
        """The file after a plan; raises Broken where it is not what was meant."""
        after = self.source.with_text(apply_edits(self.source.text, list(plan.edits)))
        try:
            prove(self.before, plan.changes, load_stream(after.text))
            keys = {document.index: document.text_keys for document in self.documents}
            parts = [part for part in slices(after.text) if part.number in keys]
            again = [parse_slice(after.text, part, text_keys=keys[part.number]) for part in parts]
            second = lower(again, groups, after.newline)
        except Unreadable as error:
            raise Broken(f"the result would not parse ({error.message})") from error
        if second.edits or second.refused:
            raise Broken("a second run would change the result again")
        return after

    def by_halves(self, groups: Groups, first: YamlPlan) -> Rewritten:
        """The largest part of the groups, found by halves, whose result is proved."""
        good: list[str] = []
        best = Rewritten(self.source, (), (), {})
        refused = dict(first.refused)
        todo = [list(first.applied)]
        while todo:
            some = todo.pop()
            tried = {name: groups[name] for name in groups if name in good or name in some}
            plan = lower(self.documents, tried, self.source.newline)
            try:
                after = self.prove(plan, {name: tried[name] for name in plan.applied})
            except Broken as broken:
                if len(some) == 1:
                    refused[some[0]] = Refusal("after-condition", f"{broken}; nothing of this was changed")
                else:
                    todo += [some[len(some) // 2 :], some[: len(some) // 2]]
                continue
            good = list(plan.applied)
            refused |= plan.refused
            best = Rewritten(after, plan.edits, plan.applied, {})
        return best._replace(refused={name: refused[name] for name in groups if name in refused})


def prove(before: Sequence[Any], changes: Iterable[YamlChange], after: Sequence[Any]) -> None:
    """Compare the meaning before and after, as another reader has it.

    Raises:
        Broken: when they differ by more or less than the changes.
    """
    planned = list(before)
    try:
        for change in changes:
            planned[change.document] = changed(planned[change.document], _full(change), change)
        if same(planned, list(after)):
            return
    except (LookupError, TypeError, RecursionError) as error:
        raise Broken("a second YAML reader does not find the place of the change") from error
    raise Broken("the result would mean something else than was planned")


def changed(value: Any, path: tuple[str | int, ...], change: YamlChange) -> Any:
    """A value with one change made in it; the value itself, which other places may share, stays as it was.

    Raises:
        TypeError, LookupError: when the path leads nowhere.
    """
    if not path:
        assert isinstance(change, EnsureItem | RemoveItem)
        if isinstance(change, RemoveItem):
            return [item for item in _of(list, value) if not same(item, change.value)]
        items = [] if value is None or value == {} else list(_of(list, value))
        return items if any(same(item, change.value) for item in items) else [*items, change.value]
    step = path[0]
    if isinstance(step, int):
        items = list(_of(list, value))
        items[step] = changed(items[step], path[1:], change)
        return items
    entries = {} if value is None or value == [] else dict(_of(dict, value))
    key = step if step in entries else next((k for k in entries if not isinstance(k, str) and _name(k) == step), step)
    if len(path) == 1 and isinstance(change, RemoveKey):
        entries.pop(key, None)
    elif len(path) == 1 and isinstance(change, SetKey):
        entries[key] = change.value
    elif key in entries or not isinstance(change, RemoveItem):
        entries[key] = changed(entries.get(key), path[1:], change)
        if len(path) == 1 and isinstance(change, RemoveItem) and not entries[key]:
            del entries[key]
    return entries


def _of(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"no {kind.__name__}")
    return value


def _name(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _full(change: YamlChange) -> tuple[str | int, ...]:
    return change.path if isinstance(change, EnsureItem | RemoveItem) else (*change.path, change.key)
