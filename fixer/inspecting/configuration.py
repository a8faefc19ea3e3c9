"""From the configuration of an image, as engines and registries give it, to an `Inspection`: none of it is trusted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from fixer.inspecting.unseen import Unseen
from fixer.lock import Inspection, Login, is_id
from fixer.model import INVALID
from fixer.tuples import NamedTuple

_SECRET_NAME = re.compile(r"pass|pwd|secret|token|credential|private|auth|api_?key|access_?key|_key$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"://[^/\s:@]*:[^/\s@]+@|-----BEGIN |\b(?:gh[pousr]_|glpat-|AKIA|xox[abprs]-)\w")
_LONGEST = 4096
_MOST = 10_000


class Files(NamedTuple):
    """The text of the two files that know accounts, None for one that the image does not have."""

    passwd: str | None
    group: str | None


def inspection(
    reference: str,
    digest: str,
    source: str,
    platform: str,
    config: Mapping[str, Any],
    read_files: Callable[[], Files],
) -> Inspection:
    """What an image says about itself.

    Args:
        reference: the name that was asked for.
        digest: what it stands for.
        source: engine or registry.
        platform: the one that is read, such as `linux/amd64`.
        config: its configuration (`User`, `ExposedPorts`, ...).
        read_files: gives its account files; asked only where the user is a name other than root.

    Raises:
        Unseen: when the configuration is none.
    """
    user = _word(config, "User")
    name, _, group = user.partition(":")
    files = Files(None, None)
    named = (name not in ("", "root") and not is_id(name)) or (group != "" and not is_id(group))
    if named and not platform.startswith("windows"):
        files = read_files()
        files = files._replace(passwd=files.passwd or "", group=files.group or "")
    logins = None if files.passwd is None else _logins(files.passwd)
    groups = None if files.group is None else _groups(files.group, {a.gid for a in logins or ()}, group)
    return Inspection(
        reference,
        digest,
        platform,
        source,
        user,
        _keys(config, "ExposedPorts"),
        _keys(config, "Volumes"),
        _words(config, "Entrypoint"),
        _words(config, "Cmd"),
        _env(_words(config, "Env")),
        _word(config, "WorkingDir"),
        logins,
        groups,
    )


def _broken(key: str) -> Unseen:
    return Unseen(INVALID, f"its configuration is malformed at {key}; build or pull the image anew")


def _word(config: Mapping[str, Any], key: str) -> str:
    value = config.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise _broken(key)
    return value


def _words(config: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = config.get(key)
    if isinstance(value, str):  # as very old builders wrote them
        value = [value]
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MOST or not all(isinstance(one, str) for one in value):
        raise _broken(key)
    return tuple(value)


def _keys(config: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = config.get(key)
    if value is None:
        return ()
    if not isinstance(value, dict) or len(value) > _MOST:
        raise _broken(key)
    return tuple(sorted(value))


def _env(lines: tuple[str, ...]) -> Mapping[str, str]:
    pairs = (line.partition("=") for line in lines)
    plain = {name: value for name, eq, value in pairs if eq and name and not _is_secret(name, value)}
    return MappingProxyType(plain)


def _is_secret(name: str, value: str) -> bool:
    return _SECRET_NAME.search(name) is not None or _SECRET_VALUE.search(value) is not None or len(value) > _LONGEST


def _logins(text: str) -> tuple[Login, ...]:
    """The accounts of a passwd file, the first of each name, as the C library takes them."""
    found: dict[str, Login] = {}
    for line in text.splitlines():
        parts = line.split(":")
        if len(parts) >= 6 and parts[0] and is_id(parts[2]) and is_id(parts[3]):
            found.setdefault(parts[0], Login(parts[0], int(parts[2]), int(parts[3]), parts[5]))
    return tuple(found.values())


def _groups(text: str, used: set[int], named: str) -> Mapping[str, int]:
    """The groups that accounts have, or that the user of the image names; all others decide nothing."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        parts = line.split(":")
        if len(parts) >= 3 and parts[0] and is_id(parts[2]) and (int(parts[2]) in used or parts[0] == named):
            found.setdefault(parts[0], int(parts[2]))
    return MappingProxyType(found)
