"""One file of Compose laid upon another as `docker compose up` does it: what a service is when all files have spoken.

The rules are those of the specification (https://docs.docker.com/reference/compose-file/merge/): maps are joined, lists
grow, what is said in pairs is joined by its names, and words that are started are replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixer.errors import Unreadable
from fixer.understand.builds import Read
from fixer.understand.compose import OVERRIDE, RESET, Service, Written, extended
from fixer.understand.composevalues import variables
from fixer.understand.workloads import Path

# Of these the last file counts whole, also where it says nothing.
_WHOLE = frozenset({("command",), ("entrypoint",), ("healthcheck", "test")})
# These are maps or lists of `name=value`.
_PAIRS = frozenset(
    {("environment",), ("sysctls",), ("labels",), ("annotations",), ("build", "args"), ("build", "labels")}
)
_SETS = frozenset({("depends_on",), ("networks",)})  # maps, or lists of names
_ROWS = frozenset({("env_file",), ("tmpfs",), ("dns",), ("dns_search",)})  # lists, or one word
_REPLACED = frozenset({("ulimits",)})  # a row of it is a number or a map


def laid(service: Service, own: Written, rows: Mapping[str, Written], path: str, read: Read) -> Service | None:
    """A service with what another file says about it.

    Args:
        service: the service of the file below.
        own: what the other file says.
        rows: all that the other file says, for what a service of it extends.
        path: where the other file is, relative to the root.
        read: gives the text of a file below the root, or None.

    Returns:
        The service, at its place in the file below; None where the other file takes it away.

    Raises:
        Unreadable: when the one cannot be laid upon the other, which Compose refuses too.
    """
    if own.tags.get(()) == RESET:
        return None
    said = extended(_kept(own.value, own.tags, ()), {name: one.value for name, one in rows.items()}, path, read)
    if said is None:
        raise Unreadable("fragment", f"{path} extends a service that is not here")
    below = {} if () in own.tags else _without(service.value, own.tags, ())
    env = service.env or variables(service.folder, read)
    return Service(service.document, service.path, joined(below, said), service.base, env, service.folder)


def joined(below: Mapping[Any, Any], own: Mapping[Any, Any], at: Path = ()) -> dict[Any, Any]:
    """Two maps of settings as one; `at` is where they stand in their service.

    Raises:
        Unreadable: when one says a map where the other says a list.
    """
    out = dict(below)
    for key, value in own.items():
        here = (*at, key)
        whole = key not in out or here in _WHOLE or at in _PAIRS
        out[key] = value if whole else _one(out[key], value, here)
    return out


def _one(below: Any, own: Any, at: Path) -> Any:
    """What two files say of one setting, as one."""
    below, own = _formed(below, at), _formed(own, at)
    if own is None or below is None:
        return below if own is None else own
    if isinstance(below, dict) and isinstance(own, dict):
        return joined(below, own, at)
    if isinstance(below, list) and isinstance(own, list):
        return [*below, *(one for one in own if one not in below)]
    if isinstance(below, dict | list) and at[:1] not in _REPLACED:
        raise Unreadable("fragment", f"{'.'.join(map(str, at))} is of another kind in the file below")
    return own


def _formed(value: Any, at: Path) -> Any:
    """A setting in the one form in which it is joined."""
    if at == ("build",) and isinstance(value, str):
        return {"context": value}
    if isinstance(value, list) and at in _PAIRS:
        return {name: rest if eq else None for name, eq, rest in (str(one).partition("=") for one in value)}
    if isinstance(value, list) and at in _SETS:
        return {str(one): {} if at == ("depends_on",) else None for one in value}
    return [value] if isinstance(value, str) and at in _ROWS else value


def _kept(value: Mapping[Any, Any], tags: Mapping[Path, str], at: Path) -> dict[Any, Any]:
    """What a file says, without what it only resets."""
    return {
        key: _kept(one, tags, (*at, key)) if isinstance(one, dict) and tags else one
        for key, one in value.items()
        if tags.get((*at, key)) != RESET
    }


def _without(value: Mapping[Any, Any], tags: Mapping[Path, str], at: Path) -> dict[Any, Any]:
    """What the file below says, without what another one resets or replaces."""
    return {
        key: _without(one, tags, (*at, key)) if isinstance(one, dict) and tags else one
        for key, one in value.items()
        if tags.get((*at, key)) not in (RESET, OVERRIDE)
    }
