"""Two descriptions of one service of Compose as one, be it a file laid upon another or a service that extends another.

Compose joins both by the same rules (https://docs.docker.com/reference/compose-file/merge/): maps are joined, lists
grow, what is said in pairs is joined by its names, mounts by their place, and words that are started are replaced.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from fixer.errors import Unreadable
from fixer.tuples import NamedTuple
from fixer.understand.workloads import Path

# What a file may say of a setting of the file below: that it goes, or that nothing of it stays but what stands here.
RESET, OVERRIDE = "!reset", "!override"
# Of these the last one counts whole, also where it says nothing.
_WHOLE = frozenset({("command",), ("entrypoint",), ("healthcheck", "test")})
# These are maps or lists of `name=value`.
_PAIRS = frozenset(
    {
        ("environment",),
        ("sysctls",),
        ("labels",),
        ("annotations",),
        ("build", "args"),
        ("build", "labels"),
        ("build", "additional_contexts"),
        ("deploy", "labels"),
    }
)
_HOSTS = frozenset({("extra_hosts",), ("build", "extra_hosts")})  # as these, but a name may stand there twice
_SETS = frozenset({("depends_on",), ("networks",)})  # maps, or lists of names
_ROWS = frozenset({("env_file",), ("tmpfs",), ("dns",), ("dns_search",)})  # lists, or one word
_REPLACED = frozenset({("ulimits",)})  # a row of it is a number or a map


class Written(NamedTuple):
    """What a file says about a service: its settings, and the tags of Compose in it, by the path from the service."""

    value: Mapping[Any, Any]
    tags: Mapping[Path, str]

    @property
    def tagged(self) -> frozenset[str]:
        """The settings that it resets or replaces as a whole."""
        return frozenset(str(path[0]) for path in self.tags if len(path) == 1)


def upon(below: Mapping[Any, Any], own: Written) -> dict[Any, Any]:
    """A description with what is said upon it; what that only resets or replaces is gone.

    Raises:
        Unreadable: as `joined`.
    """
    return joined({} if () in own.tags else _without(below, own.tags, ()), kept(own))


def kept(own: Written) -> dict[Any, Any]:
    """What is said, without what is only reset."""
    return _kept(own.value, own.tags, ())


def joined(below: Mapping[Any, Any], own: Mapping[Any, Any], at: Path = ()) -> dict[Any, Any]:
    """Two maps of settings as one; `at` is where they stand in their service.

    Raises:
        Unreadable: when one says a map where the other says a list, which Compose refuses too.
    """
    out = dict(below)
    for key, value in own.items():
        here = (*at, key)
        whole = key not in out or here in _WHOLE or at in _PAIRS
        out[key] = value if whole else _one(out[key], value, here)
    return out


def _one(below: Any, own: Any, at: Path) -> Any:
    """What is said twice of one setting, as one."""
    below, own = _formed(below, at), _formed(own, at)
    if own is None or below is None:
        return below if own is None else own
    if isinstance(below, dict) and isinstance(own, dict):
        return joined(below, own, at)
    if isinstance(below, list) and isinstance(own, list):
        return _by_target(below, own) if at == ("volumes",) else [*below, *(one for one in own if one not in below)]
    if isinstance(below, dict | list) and at[:1] not in _REPLACED:
        raise Unreadable("fragment", f"{'.'.join(map(str, at))} is of another kind in what lies below it")
    return own


def _formed(value: Any, at: Path) -> Any:
    """A setting in the one form in which it is joined."""
    if at == ("build",) and isinstance(value, str):
        return {"context": value}
    if isinstance(value, list) and at in _PAIRS:
        return {name: rest if eq else None for name, eq, rest in (str(one).partition("=") for one in value)}
    if isinstance(value, dict) and at in _HOSTS:
        return [f"{name}={one}" for name, many in value.items() for one in (many if isinstance(many, list) else [many])]
    if isinstance(value, list) and at in _SETS:
        return {str(one): {} if at == ("depends_on",) else None for one in value}
    return [value] if isinstance(value, str) and at in _ROWS else value


def _by_target(below: list[Any], own: list[Any]) -> list[Any]:
    """Mounts of which each place has one, the last, where the first of that place stood."""
    return list({_target(one): one for one in (*below, *own)}.values())


def _target(mount: Any) -> str:
    """Where in the container something is mounted; the words themselves where only the environment knows."""
    if isinstance(mount, dict):
        text = str(mount.get("target", mount))
    else:
        parts = str(mount).split(":")
        drive = len(parts) > 2 and len(parts[0]) == 1 and parts[2].startswith("/")
        text = parts[2] if drive else parts[1] if len(parts) > 1 else parts[0]
    return posixpath.normpath(text) if text.startswith("/") and "$" not in text else str(mount)


def _kept(value: Mapping[Any, Any], tags: Mapping[Path, str], at: Path) -> dict[Any, Any]:
    return {
        key: _kept(one, tags, (*at, key)) if isinstance(one, dict) and tags else one
        for key, one in value.items()
        if tags.get((*at, key)) != RESET
    }


def _without(value: Mapping[Any, Any], tags: Mapping[Path, str], at: Path) -> dict[Any, Any]:
    """What lies below, without what is reset or replaced."""
    return {
        key: _without(one, tags, (*at, key)) if isinstance(one, dict) and tags else one
        for key, one in value.items()
        if tags.get((*at, key)) not in (RESET, OVERRIDE)
    }
