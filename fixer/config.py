"""Configuration: `fixer.toml`, or `[tool.fixer]` in `pyproject.toml`, found upward to the repository root."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fixer.errors import UsageError, near, plainly
from fixer.model import Goal, LowPorts
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from fixer.lock import Inspection
    from fixer.proofs import Kept

FILE = "fixer.toml"
LOCK = "fixer.lock"
PROOFS = "fixer.proof.json"
_LONGEST = 3600
_OWNERSHIP = ("app", "writable-paths")
_RULE_ID = re.compile(r"[A-Za-z]{2}\d+")
_USER = re.compile(r"\d{1,10}(:\d{1,10})?")


NEW_USER = "new"
"""As the user of an image: one that is made, whoever is there. Only a session says so, no file."""


class ImageConfig(NamedTuple):
    """What a person says about one image: the user it runs as (`uid` or `uid:gid`), and paths it writes."""

    user: str = ""
    writable: tuple[str, ...] = ()
    root_on_purpose: str = ""


class Config(NamedTuple):
    """All choices of a run. `select` and `ignore` hold rule ids or names; `images` goes by name.

    `inspect_timeout` is how many seconds a registry or an engine has for an image; `insecure_registries` are hosts that
    may be asked without TLS. `inspected` is what the lock holds, by reference. `proved` are the fixes that were seen to
    hold, None where no proof file is.
    """

    goal: Goal = Goal.RESTRICTED
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    exclude: tuple[str, ...] = ()
    uid: int = 10001
    gid: int = 10001
    user_name: str = "app"
    ownership: str = "app"
    build_args: Mapping[str, str] = MappingProxyType({})
    images: Mapping[str, ImageConfig] = MappingProxyType({})
    pod_security_version: str = "latest"
    ports: LowPorts = LowPorts.KEEP
    honour_ignores: bool = True
    inspect_timeout: int = 20
    insecure_registries: tuple[str, ...] = ()
    inspected: Mapping[str, Inspection] = MappingProxyType({})
    proved: Kept | None = None

    def with_options(self, **options: Any) -> Config:
        """The same configuration with command-line options laid over it; None leaves a value as it is."""
        return self._replace(**{k: v for k, v in options.items() if v is not None})


def named_rules(words: Iterable[str]) -> frozenset[str]:
    """Ids and names of rules; an id, which people write in any case, as it stands in the tables."""
    return frozenset(word.upper() if _RULE_ID.fullmatch(word) else word for word in words)


def find(start: Path) -> Path | None:
    """The configuration file that holds for `start`: the nearest one upward, not beyond the repository root."""
    folder = (start if os.path.isdir(start) else start.parent).resolve()
    for place in (folder, *folder.parents):
        if os.path.isfile(place / FILE):
            return place / FILE
        project = place / "pyproject.toml"
        if os.path.isfile(project) and b"[tool.fixer" in project.read_bytes():
            return project
        if os.path.exists(place / ".git"):
            return None
    return None


def lock_for(start: Path, file: Path | None) -> Path:
    """Where the lock lies or would lie: beside the configuration, else the nearest upward, else in the folder named.

    Args:
        start: the file or folder that was named.
        file: the configuration that holds for it, if there is one.
    """
    return _beside(start, file, LOCK)


def proofs_for(start: Path, file: Path | None) -> Path:
    """Where the proofs lie or would lie, as `lock_for`."""
    return _beside(start, file, PROOFS)


def _beside(start: Path, file: Path | None, name: str) -> Path:
    if file is not None:
        return file.parent / name
    folder = start if os.path.isdir(start) else start.parent
    real = folder.resolve()
    for place in (real, *real.parents):
        if os.path.lexists(place / name):
            return place / name
        if os.path.exists(place / ".git"):
            break
    return folder / name


def with_kept(config: Config, start: Path, file: Path | None) -> Config:
    """The same configuration with what the lock and the proofs hold that lie where `lock_for` looks.

    Raises:
        UsageError: when one of them is malformed.
    """
    return with_proofs(with_lock(config, lock_for(start, file)), proofs_for(start, file))


def with_proofs(config: Config, proofs: Path) -> Config:
    """The same configuration with the proofs that a file holds, where there is one.

    Raises:
        UsageError: when it is malformed.
    """
    if not os.path.lexists(proofs):
        return config
    from fixer.proofs import Kept
    from fixer.proofs import load as load_proofs

    return config._replace(proved=Kept(proofs.parent, load_proofs(proofs)))


def with_lock(config: Config, lock: Path) -> Config:
    """The same configuration with what the lock holds, where there is one.

    Raises:
        UsageError: when it is malformed.
    """
    if not os.path.lexists(lock):
        return config
    from fixer.lock import load as load_lock

    return config._replace(inspected=load_lock(lock))


def load(path: Path) -> Config:
    """Read one configuration file.

    Raises:
        UsageError: when the file cannot be read, is no TOML, or has a key or value that is not known.
    """
    import tomllib

    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: cannot be read ({plainly(error)}); correct it, or name another file with --config"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: is not valid TOML: {error}; correct that line") from error
    if path.name == "pyproject.toml":
        raw = raw.get("tool", {}).get("fixer", {})
    try:
        return _config(raw)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _config(raw: Mapping[str, Any]) -> Config:
    values: dict[str, Any] = {}
    for key, value in raw.items():
        name = key.replace("-", "_")
        reader = _READERS.get(name)
        if reader is None:
            raise UsageError(f"unknown key '{key}'{near(key, _READERS)}; see the configuration part of the README")
        values[name] = reader(key, value)
    return Config(**values)


def _goal(key: str, value: Any) -> Goal:
    try:
        return Goal(value)
    except ValueError:
        raise UsageError(f"'{key}' is {value!r}; it takes one of {', '.join(Goal)}{near(str(value), Goal)}") from None


def _words(key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise UsageError(f"'{key}' is {value!r}; it takes a list of words")


def _rules(key: str, value: Any) -> frozenset[str]:
    return named_rules(_words(key, value))


def _id(key: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 2147483647:
        return value
    raise UsageError(f"'{key}' is {value!r}; it takes a number from 1 to 2147483647")


def _seconds(key: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LONGEST:
        return value
    raise UsageError(f"'{key}' is {value!r}; it takes a number of seconds from 1 to {_LONGEST}")


def _hosts(key: str, value: Any) -> tuple[str, ...]:
    hosts = _words(key, value)
    for host in hosts:
        if not re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:]+\](:\d+)?", host):
            raise UsageError(f"'{key}' names {host!r}; it takes hosts, such as \"registry.local:5000\"")
    return tuple(host.lower() for host in hosts)


def _name(key: str, value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", value) and value != "root":
        return value
    raise UsageError(f"'{key}' is {value!r}; it takes a user name: lower-case letters, digits, - and _, not root")


def _ownership(key: str, value: Any) -> str:
    if value in _OWNERSHIP:
        return str(value)
    raise UsageError(f"'{key}' is {value!r}; it takes 'app' or 'writable-paths'{near(str(value), _OWNERSHIP)}")


def _ports(key: str, value: Any) -> LowPorts:
    try:
        return LowPorts(value)
    except ValueError:
        raise UsageError(f"'{key}' is {value!r}; it takes 'keep' or 'move'{near(str(value), LowPorts)}") from None


def _version(key: str, value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"latest|v1\.(?:0|[1-9][0-9]{0,3})", value):
        return value
    raise UsageError(f"'{key}' is {value!r}; it takes a version of the Pod Security Standards: v1.N, or latest")


def _table(key: str, value: Any) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()):
        return dict(value)
    raise UsageError(f"'{key}' takes a table of words, for example NAME = \"value\"")


def _images(key: str, value: Any) -> dict[str, ImageConfig]:
    if not isinstance(value, dict) or not all(isinstance(v, dict) for v in value.values()):
        raise UsageError(f'\'{key}\' takes tables, for example [images."nginx"] user = "101:101"')
    return {name: _image(f"{key}.{name}", entry) for name, entry in value.items()}


def is_user(text: str) -> bool:
    """Whether a text names a user other than root by numbers: `uid` or `uid:gid`."""
    return _USER.fullmatch(text) is not None and int(text.partition(":")[0]) != 0


def _image(key: str, entry: Mapping[str, Any]) -> ImageConfig:
    known = {"user", "writable", "root-on-purpose"}
    for name in entry:
        if name not in known:
            raise UsageError(f"unknown key '{key}.{name}'{near(name, known)}; it takes {', '.join(sorted(known))}")
    user = entry.get("user", "")
    if not isinstance(user, str) or (user and not is_user(user)):
        raise UsageError(f"'{key}.user' is {user!r}; it takes numbers other than 0, for example \"1000:1000\"")
    reason = entry.get("root-on-purpose", "")
    if not isinstance(reason, str):
        raise UsageError(f"'{key}.root-on-purpose' takes a sentence that says why")
    return ImageConfig(user, _words(f"{key}.writable", entry.get("writable", [])), reason)


_READERS: dict[str, Any] = {
    "goal": _goal,
    "select": _rules,
    "ignore": _rules,
    "exclude": _words,
    "uid": _id,
    "gid": _id,
    "user_name": _name,
    "ownership": _ownership,
    "build_args": _table,
    "images": _images,
    "pod_security_version": _version,
    "ports": _ports,
    "inspect_timeout": _seconds,
    "insecure_registries": _hosts,
}
