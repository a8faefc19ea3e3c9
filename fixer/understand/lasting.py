"""Whether a fix lasts: an object goes through patches with the fix and without it, and the two are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fixer.model import EnsureItem, RemoveItem, RemoveKey, SetKey, YamlChange
from fixer.tuples import NamedTuple
from fixer.understand.patching import CannotApply, equal, is_there, merge, merge_key, operate, pointer
from fixer.understand.workloads import Path, mapping, place, sequence, word

_ABSENT = object()


class Harm(NamedTuple):
    """What a patch does to a fix: where, with what, and the verb, all in words for people."""

    where: str
    how: str
    verb: str


class _Item(NamedTuple):
    """A step into a list: the place in a list of so many, and the field and name that tell where it has gone since."""

    place: int
    of: int
    field: str
    name: str


class _Wish(NamedTuple):
    """What a change wants, and where, in a way that outlives new items in a list."""

    change: YamlChange
    path: Path
    steps: tuple[str | _Item, ...]


class Trial:
    """An object without and with a fix, on its way through the patches of one chain of layers.

    Args:
        document: the object as plain values.
        changes: the fix, with paths from the top of the object.
    """

    def __init__(self, document: Mapping[Any, Any], changes: Sequence[YamlChange]) -> None:
        self.old: Any = document
        self.new: Any = document
        for change in changes:
            self.new = _changed(self.new, _full(change), change)
        wishes = [_Wish(change, _full(change), _steps(self.new, _full(change))) for change in changes]
        self.wishes = [wish for wish in wishes if _holds(self.new, wish)]

    def operate(self, operation: Mapping[Any, Any]) -> Harm | None:
        """Apply an operation of a JSON 6902 patch; the harm that it does to the fix, or None."""
        kind, path = operation.get("op"), operation.get("path")
        old, new = self.old, self.new
        verb = self._go(lambda value: operate(value, operation), kind == "add" and word(path).endswith("/-"))
        if verb is None and kind == "replace" and is_there(old, path) and not is_there(new, path):
            verb = "no longer find its place"
        if verb is None:
            return None
        start = f" from {_place(operation['from'])}" if kind in ("move", "copy") else ""
        return Harm(_place(path), f"'{kind}'{start}", verb)

    def merge(self, patch: Mapping[Any, Any], by_key: bool) -> Harm | None:
        """Apply a strategic merge patch; the harm that it does to the fix, or None.

        Where it deletes the whole object, nothing is left that could be spoilt.
        """
        if merge(self.new, patch, by_key) is None:
            self.wishes, self.new = [], self.old
            return None
        verb = self._go(lambda value: merge(value, patch, by_key))
        if verb is None:
            return None
        broken = next(wish for wish in self.wishes if not _holds(self.new, wish))
        path = (*broken.path[:-1], "runAsUser") if _is_undermined(self.new, broken) else broken.path
        return Harm(place(path), "a strategic merge", verb)

    def _go(self, act: Callable[[Any], Any], grows: bool = False) -> str | None:
        """Make a step with both; what it does to the fix as a verb, or None.

        A step that `grows` puts something behind a list, which spoils nothing. One that fails without the fix too says
        nothing: what it needs comes from elsewhere, or nobody builds this.
        """
        old, new = _attempt(act, self.old), _attempt(act, self.new)
        if new is _ABSENT:
            return None if old is _ABSENT else "fail after this"
        self.old = self.old if old is _ABSENT else old
        self.new = new
        if grows:
            self.wishes = [_grown(new, wish) for wish in self.wishes]
        broken = next((wish for wish in self.wishes if not _holds(new, wish)), None)
        if broken is None:
            return None
        if isinstance(broken.change, RemoveKey | RemoveItem):
            return "set this again"
        if _is_undermined(new, broken):
            return "ask for root against this"
        return "remove this" if _find(new, broken.steps) is _ABSENT else "overwrite this"


def _attempt(act: Callable[[Any], Any], value: Any) -> Any:
    try:
        return act(value)
    except CannotApply:
        return _ABSENT


def _place(text: object) -> str:
    """A pointer as people read a place; what goes behind a list is told by the list."""
    steps = pointer(text)
    steps = steps[:-1] if steps[-1] == "-" else steps
    return place(tuple(int(step) if step.isdecimal() else step for step in steps))


def _full(change: YamlChange) -> Path:
    return change.path if isinstance(change, EnsureItem | RemoveItem) else (*change.path, change.key)


def _changed(value: Any, path: Path, change: YamlChange) -> Any:
    """A value with one change made in it; where the path leads nowhere, the value as it was."""
    if not path:
        items = sequence(value)
        if isinstance(change, RemoveItem):
            return [item for item in items if not equal(item, change.value)]
        assert isinstance(change, EnsureItem)
        return items if any(equal(item, change.value) for item in items) else [*items, change.value]
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(sequence(value))
        if step < len(items):
            items[step] = _changed(items[step], rest, change)
        return items
    entries = dict(mapping(value))
    if isinstance(change, RemoveKey | RemoveItem):
        if step in entries:
            left = _changed(entries[step], rest, change) if rest or isinstance(change, RemoveItem) else None
            entries[step] = left
            if not rest and not left:
                del entries[step]
    elif isinstance(change, SetKey) and not rest:
        entries[step] = change.value
    else:
        entries[step] = _changed(entries.get(step), rest, change)
    return entries


def _steps(value: Any, path: Path) -> tuple[str | _Item, ...]:
    out: list[str | _Item] = []
    field = ""
    for step in path:
        if isinstance(step, int):
            items = sequence(value)
            value = items[step] if step < len(items) else None
            key = merge_key(field, items) or "name"
            out.append(_Item(step, len(items), key, word(mapping(value).get(key))))
        else:
            value, field = mapping(value).get(step), step
            out.append(step)
    return tuple(out)


def _find(value: Any, steps: Sequence[str | _Item]) -> Any:
    """What stands at a place, or _ABSENT."""
    for step in steps:
        if isinstance(step, _Item):
            items = sequence(value)
            same = [one for one in items if step.name and word(mapping(one).get(step.field)) == step.name]
            # the patch may have given it another name
            kept = items[step.place : step.place + 1] if len(items) == step.of or not step.name else []
            value = next(iter([*same, *kept]), _ABSENT)
        else:
            value = mapping(value).get(step, _ABSENT)
    return value


def _holds(value: Any, wish: _Wish) -> bool:
    """Whether a value has what a change wants."""
    found = _find(value, wish.steps)
    if isinstance(wish.change, RemoveKey):
        return found is _ABSENT
    if isinstance(wish.change, RemoveItem):
        return not any(equal(item, wish.change.value) for item in sequence(found))
    if isinstance(wish.change, EnsureItem):
        return any(_has(item, wish.change.value) for item in sequence(found))
    return _has(found, wish.change.value) and not _is_undermined(value, wish)


def _is_undermined(value: Any, wish: _Wish) -> bool:
    """Whether root is asked for beside `runAsNonRoot: true`: such a container never starts."""
    change = wish.change
    if not isinstance(change, SetKey) or change.key != "runAsNonRoot" or change.value is not True:
        return False
    return equal(_find(value, (*wish.steps[:-1], "runAsUser")), 0) and equal(_find(value, wish.steps), True)


def _grown(value: Any, wish: _Wish) -> _Wish:
    """The wish for what stands there now, where a list in it has grown."""
    if not isinstance(wish.change, SetKey) or _holds(value, wish):
        return wish
    return wish._replace(change=wish.change._replace(value=_find(value, wish.steps)))


def _has(found: object, wanted: object) -> bool:
    """Whether a value is the wanted one, or has more beside it. A list of plain words has to be the same."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(k in found and _has(found[k], one) for k, one in wanted.items())
    if isinstance(wanted, list) and any(isinstance(one, Mapping) for one in wanted):
        return isinstance(found, list) and all(any(_has(item, one) for item in found) for one in wanted)
    return equal(found, wanted)
