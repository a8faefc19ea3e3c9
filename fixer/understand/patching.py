"""What patches make of an object: the operations of JSON 6902, and strategic merges as Kustomize makes them.

Everything here takes plain values and gives new ones. Nothing is changed in place, since aliases may share a part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fixer.understand.workloads import mapping, sequence, word

Pointer = tuple[str, ...]

# Lists that merge item by item, and the field that tells which items are the same; all others replace.
# x-kubernetes-patch-merge-key in https://github.com/kubernetes/kubernetes/blob/master/api/openapi-spec/swagger.json
_MERGE_KEYS = {
    "initContainers": "name", "containers": "name", "ephemeralContainers": "name", "volumes": "name", "env": "name",
    "imagePullSecrets": "name", "resourceClaims": "name", "volumeMounts": "mountPath", "volumeDevices": "devicePath",
    "hostAliases": "ip", "topologySpreadConstraints": "topologyKey",
}  # fmt: skip
_INDEX = re.compile(r"-?[0-9]{1,9}")
_GONE = object()


class CannotApply(Exception):
    """An operation that finds no place for itself, or a test that fails: Kustomize stops there."""


def merge_key(field: str, items: object) -> str:
    """The field by which the items of a list are told apart, "" for a list that is always replaced."""
    if field == "ports":  # those of a container, or of a Service
        return "containerPort" if any("containerPort" in mapping(one) for one in sequence(items)) else "port"
    return _MERGE_KEYS.get(field, "")


# --- JSON 6902 ------------------------------------------------------------------------------------------------------


def pointer(text: object) -> Pointer:
    """The steps of a JSON pointer.

    Raises:
        CannotApply: when it is none.
    """
    steps = word(text).split("/")
    if steps[0] or len(steps) == 1:
        raise CannotApply
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps[1:])


def is_there(value: object, path: object) -> bool:
    """Whether something stands where a JSON pointer leads."""
    try:
        _reach(value, pointer(path))
    except CannotApply:
        return False
    return True


def operate(value: object, operation: Mapping[Any, Any]) -> Any:
    """The value after one operation of a JSON 6902 patch.

    As in Kustomize, and other than in the standard, `replace` sets a key that is not there.

    Raises:
        CannotApply: when the place is not there, a test fails, or this is no operation.
    """
    kind, at = operation.get("op"), pointer(operation.get("path"))
    if kind == "remove":
        return _change(value, at, _remove)
    if kind == "test":
        if not equal(_reach(value, at), operation.get("value")):
            raise CannotApply
        return value
    if kind in ("add", "replace"):
        new = operation.get("value")
    elif kind in ("move", "copy"):
        start = pointer(operation.get("from"))
        new = _reach(value, start)
        value = _change(value, start, _remove) if kind == "move" else value
    else:
        raise CannotApply
    put = _replace if kind == "replace" else _add
    return _change(value, at, lambda holder, step: put(holder, step, new))


def equal(one: object, two: object) -> bool:
    """Whether two plain values are equal; true is not 1."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(equal(value, two[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(equal, one, two))
    return isinstance(one, bool) == isinstance(two, bool) and one == two


def _reach(value: object, at: Pointer) -> Any:
    for step in at:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list):
            value = value[_index(step, len(value))]
        else:
            raise CannotApply
    return value


def _change(value: Any, at: Pointer, act: Callable[[Any, str], Any]) -> Any:
    """The value with the map or list that holds the last step as `act` makes it."""
    if len(at) == 1:
        return act(value, at[0])
    below = _change(_reach(value, at[:1]), at[1:], act)
    return _replace(value, at[0], below)


def _index(step: str, size: int) -> int:
    """An index into a list of so many places; those before the first count from the end."""
    index = int(step) if _INDEX.fullmatch(step) else size
    if not -size <= index < size:
        raise CannotApply
    return index % size


def _add(holder: Any, step: str, new: Any) -> Any:
    if isinstance(holder, list):
        index = len(holder) if step == "-" else _index(step, len(holder) + 1)
        return [*holder[:index], new, *holder[index:]]
    if not isinstance(holder, Mapping):
        raise CannotApply
    return {**holder, step: new}


def _replace(holder: Any, step: str, new: Any) -> Any:
    if not isinstance(holder, list):
        return _add(holder, step, new)
    index = _index(step, len(holder))
    return [*holder[:index], new, *holder[index + 1 :]]


def _remove(holder: Any, step: str) -> Any:
    _reach(holder, (step,))
    if isinstance(holder, list):
        index = _index(step, len(holder))
        return [*holder[:index], *holder[index + 1 :]]
    return {key: value for key, value in holder.items() if key != step}


# --- strategic merge ------------------------------------------------------------------------------------------------


def merge(value: object, patch: Mapping[Any, Any], by_key: bool = True) -> Mapping[Any, Any] | None:
    """An object after a strategic merge, None when the patch deletes it.

    `by_key` says whether lists merge by the keys of their items. Kustomize knows those of Kubernetes itself; in other
    kinds each list replaces.
    """
    merged = _merge(value, patch, "", by_key)
    return None if merged is _GONE else mapping(merged)


def _merge(value: object, patch: object, field: str, by_key: bool) -> Any:
    if patch is None or mapping(patch).get("$patch") == "delete":
        return _GONE
    if isinstance(patch, list):
        return _merge_items(value, patch, field, by_key)
    if not isinstance(patch, Mapping):
        return patch
    out = {} if patch.get("$patch") == "replace" or not isinstance(value, Mapping) else dict(value)
    for key, new in patch.items():
        if isinstance(key, str) and key.startswith("$"):
            continue  # a directive
        merged = _merge(out.get(key), new, word(key), by_key)
        if merged is _GONE:
            out.pop(key, None)
        else:
            out[key] = merged
    return out


def _merge_items(value: object, patch: list[Any], field: str, by_key: bool) -> list[Any]:
    """A list after a merge: what the patch has stands in front, in its order, as Kustomize has it."""
    items = sequence(value)
    key = merge_key(field, [*items, *patch]) if by_key else ""
    if not key:
        return patch
    anew = [one for one in patch if mapping(one) != {"$patch": "replace"}]
    names = [word(mapping(one).get(key)) for one in anew]
    if not all(names):
        return patch
    known = {} if len(anew) < len(patch) else {word(mapping(item).get(key)): item for item in reversed(items)}
    merged = [_merge(known.get(name), one, "", by_key) for name, one in zip(names, anew, strict=True)]
    rest = [item for item in items if known and word(mapping(item).get(key)) not in names]
    return [one for one in [*merged, *rest] if one is not _GONE]
