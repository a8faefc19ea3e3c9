"""Files of Compose that are laid upon one another: `compose.override.yaml`, `docker-compose.dev.yml` and their like."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from fixer.lazy import lazy, regex
from fixer.model import EnsureItem, RemoveItem, RemoveKey, YamlChange
from fixer.syntax.yaml import Document
from fixer.understand.builds import Read
from fixer.understand.compose import written
from fixer.understand.composejoining import Written
from fixer.understand.composevalues import variables
from fixer.understand.workloads import Path, mapping, sequence

_BASES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES = tuple(f"{name}.override.{end}" for name in ("compose", "docker-compose") for end in ("yml", "yaml"))
_LAID = regex(r"(?:docker-)?compose[._-].+\.ya?ml")
_WORDS = {"security_opt": "no-new-privileges"}


class ComposeFiles:
    """The files of Compose of a tree, as far as one changes what another one says.

    `paths` are those that are known; files of the usual names beside them are looked for as well. `read` gives the text
    of a file, or None.
    """

    def __init__(self, paths: Sequence[str], read: Read) -> None:
        self.paths = paths
        self.read = lru_cache(maxsize=256)(read)
        self._written: dict[str, dict[str, Written]] = {}
        self._laid: dict[str, tuple[str, ...]] = {}

    def below(self, path: str) -> frozenset[str]:
        """The services of another file that this one is laid upon; none where it stands for itself."""
        folder, name = posixpath.split(path)
        if not _LAID.fullmatch(name):
            return frozenset()
        base = self._first(folder, _BASES)
        if not base:
            return frozenset()
        own, names = self.written(path), frozenset(self.written(base))
        partial = any(one in names and not {"image", "build"} & set(own[one].value) for one in own)
        return names if partial or name in _OVERRIDES else frozenset()

    def conflict(self, path: str, service: str, changes: Sequence[YamlChange]) -> str | None:
        """Which file that is laid upon this one would undo changes of a service, in a sentence; None for none."""
        for other in self._upon(path):
            said = self.written(other).get(service)
            if said is None:
                continue
            for change in changes:
                key = _undone(said, _key(change), change)
                if key:
                    return f"{other} is laid upon this file and says otherwise ({key} of {service}); fix it there first"
        return None

    def together(self, path: str) -> tuple[str, ...]:
        """The files that Compose reads by itself where it reads this one, the first below all others.

        Those are the ones that COMPOSE_FILE names in `.env`, else the file of the usual name and what overrides it; a
        file that is not among them stands alone.
        """
        folder = posixpath.dirname(path)
        env = variables(folder, self.read)
        named = env.get("COMPOSE_FILE", "")
        if named:
            between = env.get("COMPOSE_PATH_SEPARATOR") or ":"
            files = [posixpath.normpath(posixpath.join(folder, one)) for one in named.split(between)]
        else:
            files = [one for names in (_BASES, _OVERRIDES) if (one := self._first(folder, names))]
        return tuple(files) if named is not None and path in files else (path,)

    def _first(self, folder: str, names: Sequence[str]) -> str:
        """The first of some names that is there, with its folder; "" where none is."""
        paths = (posixpath.join(folder, name) for name in names)
        return next((one for one in paths if self.read(one) is not None), "")

    def written(self, path: str) -> dict[str, Written]:
        """What a file says about services, by their names; nothing where it cannot be read."""
        if path not in self._written:
            text = self.read(path)
            self._written[path] = written(text) if text is not None else {}
        return self._written[path]

    def _upon(self, path: str) -> tuple[str, ...]:
        """The files that are laid upon another one; none for one that is no base."""
        if path not in self._laid:
            folder, name = posixpath.split(path)
            beside = {posixpath.join(folder, one) for one in _OVERRIDES} | self._beside.get(folder, set())
            others = sorted(beside - {path}) if name in _BASES else ()
            self._laid[path] = tuple(one for one in others if self.read(one) is not None and self.below(one))
        return self._laid[path]

    @lazy
    def _beside(self) -> dict[str, set[str]]:
        out: dict[str, set[str]] = {}
        for path in self.paths:
            out.setdefault(posixpath.dirname(path), set()).add(path)
        return out


def roots(document: Document, below: Collection[str]) -> Iterator[tuple[Path, str]]:
    """Where a document that is laid upon another file makes services of that one root, each with the word for it."""
    for name, value in mapping(mapping(document.value).get("services")).items():
        said = mapping(value)
        if name in below and "user" in said and _asks_root(said):
            yield ("services", str(name), "user"), str(said["user"])


def _key(change: YamlChange) -> str:
    """The setting of a service that a change speaks of."""
    path = change.path if isinstance(change, EnsureItem | RemoveItem) else (*change.path, change.key)
    return next((str(path[n + 2]) for n, step in enumerate(path[:-2]) if step == "services"), str(path[-1]))


def _undone(said: Written, key: str, change: YamlChange) -> str:
    """The setting of another file that stands against a change of this one; "" for none."""
    if key == "cap_drop" and _asks_root(said.value):
        return "user"  # who is root all the same needs what this would take
    return key if _undoes(said, key, change) else ""


def _asks_root(said: Mapping[Any, Any]) -> bool:
    return str(said.get("user", "")).partition(":")[0] in ("0", "root")


def _undoes(said: Written, key: str, change: YamlChange) -> bool:
    """Whether what another file says about a setting stands against a change of it."""
    if key in said.tagged:
        return True
    if key not in said.value:
        return False
    value: Any = said.value[key]
    if isinstance(change, EnsureItem):
        word = _WORDS.get(key)
        return word is not None and any(str(one).startswith(word) and "false" in str(one) for one in sequence(value))
    if isinstance(change, RemoveItem):
        return change.value in sequence(value)
    return isinstance(change, RemoveKey) or value != change.value
