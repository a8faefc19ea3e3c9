"""`fixer.lock`: what images say about themselves, read once from an engine or a registry and kept beside the sources.

It is JSON in a fixed order, one entry an image; `fixer/lock.schema.json` documents it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from fixer.errors import UsageError
from fixer.tuples import NamedTuple

_Kept = TypeVar("_Kept")

VERSION = 1
_MAX_BYTES = 16 << 20


class Login(NamedTuple):
    """A line of an image's `/etc/passwd`, without its password."""

    name: str
    uid: int
    gid: int
    home: str


class Inspection(NamedTuple):
    """What one image says about itself.

    `reference` is the name that was asked for, in its short form with a tag or digest; `digest` is what that stood for,
    `platform` the one that was read (`linux/amd64`). `user` is the word in the image, "" for root. `ports` are as in
    EXPOSE (`80/tcp`). `env` leaves out what looks like a secret. `accounts` and `groups` are None where `/etc/passwd`
    was not read; `source` is engine or registry.
    """

    reference: str
    digest: str
    platform: str
    source: str
    user: str = ""
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = MappingProxyType({})
    workdir: str = ""
    accounts: tuple[Login, ...] | None = None
    groups: Mapping[str, int] | None = None


def load(path: Path) -> dict[str, Inspection]:
    """Read a lock: the inspections by reference.

    Raises:
        UsageError: when the file cannot be read, or is none that this program wrote.
    """
    return read_kept(path, _inspections, "restore it, or delete it and run again with --inspect")


def _inspections(raw: Any) -> dict[str, Inspection]:
    if not isinstance(raw, dict) or raw.get("version") != VERSION:
        raise ValueError(f"it is no lock of version {VERSION}")
    unknown = sorted(set(raw) - {"version", "images"})
    if unknown:
        raise ValueError(f"unknown key '{unknown[0]}'")
    return {name: _entry(name, entry) for name, entry in _object(raw.get("images"), "images").items()}


def read_kept(path: Path, made: Callable[[Any], _Kept], again: str) -> _Kept:
    """Read a file of JSON that this program keeps beside the sources.

    Args:
        path: the file.
        made: makes something of the JSON; a ValueError says what is wrong with it.
        again: what to do about a file that is none.

    Raises:
        UsageError: when the file cannot be read, or is none that this program wrote.
    """
    import json

    try:
        if path.is_symlink() or not path.is_file():
            raise ValueError("it is a link or no file")
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ValueError("it is larger than 16 MiB")
        return made(json.loads(data))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); {again}") from error
    except (ValueError, RecursionError) as error:
        why = "it is no JSON" if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)) else str(error)
        raise UsageError(f"{path}: is malformed: {why}; {again}") from error


def text(inspections: Mapping[str, Inspection]) -> str:
    """The lock that holds these inspections, always the same text for the same ones, with a final newline."""
    import json

    # A line for each value, so that people see in a diff what has changed.
    images = []
    for name, one in sorted(inspections.items()):
        rows = (f"      {json.dumps(key)}: {json.dumps(value)}" for key, value in to_dict(one).items())
        images.append(f"    {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n    }")
    inner = "{\n" + ",\n".join(images) + "\n  }" if images else "{}"
    return f'{{\n  "version": {VERSION},\n  "images": {inner}\n}}\n'


def to_dict(one: Inspection) -> dict[str, Any]:
    """An inspection as it stands in the lock: plain values, without what is empty and without its name."""
    out: dict[str, Any] = {"digest": one.digest, "platform": one.platform, "source": one.source, "user": one.user}
    words = {"ports": one.ports, "volumes": one.volumes, "entrypoint": one.entrypoint, "cmd": one.cmd}
    out |= {key: list(value) for key, value in words.items() if value}
    if one.env:
        out["env"] = dict(sorted(one.env.items()))
    if one.workdir:
        out["workdir"] = one.workdir
    if one.accounts is not None:
        out["passwd"] = [f"{a.name}:{a.uid}:{a.gid}:{a.home}" for a in one.accounts]
    if one.groups is not None:
        out["group"] = dict(sorted(one.groups.items()))
    return out


# --- reading an entry ---------------------------------------------------------------------------------------------


def _entry(name: str, value: Any) -> Inspection:
    raw = _object(value, name)
    unknown = sorted(set(raw) - _KEYS)
    if unknown:
        raise ValueError(f"image '{name}' has the unknown key '{unknown[0]}'")
    env = _object(raw.get("env", {}), f"{name}.env")
    if not all(isinstance(one, str) for one in env.values()):
        raise ValueError(f"'{name}.env' holds something else than words")
    passwd = _words(raw, name, "passwd") if "passwd" in raw else None
    return Inspection(
        name,
        _word(raw, name, "digest", required=True),
        _word(raw, name, "platform", required=True),
        _word(raw, name, "source", required=True),
        _word(raw, name, "user"),
        _words(raw, name, "ports"),
        _words(raw, name, "volumes"),
        _words(raw, name, "entrypoint"),
        _words(raw, name, "cmd"),
        MappingProxyType(env),
        _word(raw, name, "workdir"),
        None if passwd is None else tuple(_login(name, line) for line in passwd),
        _groups(raw, name),
    )


_KEYS = frozenset("digest platform source user ports volumes entrypoint cmd env workdir passwd group".split())


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"'{what}' is no object")
    return value


def _word(raw: dict[str, Any], name: str, key: str, required: bool = False) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str) or (required and not value):
        raise ValueError(f"'{name}.{key}' is no word")
    return value


def _words(raw: dict[str, Any], name: str, key: str) -> tuple[str, ...]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"'{name}.{key}' is no list of words")
    return tuple(value)


def _login(name: str, line: str) -> Login:
    parts = line.split(":", 3)
    if len(parts) < 4 or not (is_id(parts[1]) and is_id(parts[2])):
        raise ValueError(f"'{name}.passwd' holds '{line}', which is not name:uid:gid:home")
    return Login(parts[0], int(parts[1]), int(parts[2]), parts[3])


def _groups(raw: dict[str, Any], name: str) -> Mapping[str, int] | None:
    if "group" not in raw:
        return None
    value = _object(raw["group"], f"{name}.group")
    if not all(isinstance(one, int) and not isinstance(one, bool) and is_id(str(one)) for one in value.values()):
        raise ValueError(f"'{name}.group' holds something else than numbers of groups")
    return MappingProxyType(value)


def is_id(word: str) -> bool:
    """Whether a word is the number of a user or group, as kernels have them."""
    return word.isascii() and word.isdigit() and len(word) <= 10 and int(word) < 1 << 32
