"""`fixer.proof.json`: which fixes were seen to hold, for exactly which bytes, kept beside the configuration.

It is JSON in a fixed order; `fixer/proofs.schema.json` documents it. Whoever changes a file takes its proof away.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fixer.lock import read_kept
from fixer.tuples import NamedTuple

VERSION = 1
TEXTS = ("image", "dockerfile", "engine", "date", "image_before", "image_after")
"""The fields of a proof that are one text each."""


class Digests(NamedTuple):
    """The sha256 of the bytes of a file before and after the fix, in hexadecimal digits."""

    before: str
    after: str


class Proof(NamedTuple):
    """That the fix of one image holds.

    `files` are those that say how it is built and started, by their path from the folder of the proof file; `date` is
    the day that the caller named, "" for none. `image_before` and `image_after` are ids of images.
    """

    image: str
    dockerfile: str
    engine: str
    date: str
    image_before: str
    image_after: str
    observations: tuple[str, ...]
    files: Mapping[str, Digests] = MappingProxyType({})

    @property
    def words(self) -> str:
        """Who saw it and when, for people: `verified on 2026-11-22 with docker 20.10.24`."""
        return " ".join(["verified", *(["on", self.date] if self.date else []), "with", self.engine])


def digest(data: bytes) -> str:
    """The sha256 of some bytes, in hexadecimal digits."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


class Kept:
    """The proofs of a file, asked for the files that they speak of.

    Proofs that share a file stand or fall together, since what is written to it is one change.
    """

    def __init__(self, folder: Path, proofs: Iterable[Proof]) -> None:
        self.proofs = tuple(proofs)
        self._folder = os.path.realpath(folder)
        self._of: dict[str, list[Proof]] = {}
        for proof in self.proofs:
            for name in proof.files:
                self._of.setdefault(os.path.join(self._folder, name), []).append(proof)

    def group(self, file: str) -> tuple[Proof, ...]:
        """All proofs that stand or fall with a file (an absolute path), none where nobody speaks of it."""
        found: list[Proof] = []
        pending = [os.path.realpath(file)]
        while pending:
            for proof in self._of.get(pending.pop(), ()):
                if not any(proof is one for one in found):
                    found.append(proof)
                    pending += [os.path.join(self._folder, name) for name in proof.files]
        return tuple(found)

    def fitting(self, changes: Mapping[str, Digests], find: Callable[[str], str]) -> tuple[Proof, ...]:
        """The proofs of what some changes make of files, in order.

        Args:
            changes: what becomes of files, by their absolute paths; a proof that speaks of none of them does not count.
            find: gives the digest of a file that stays as it is, "" for one that cannot be read.
        """
        spoken = {id(one): one for name in changes for one in self._of.get(name, ())}
        found = (one for one in self.proofs if id(one) in spoken)
        return tuple(one for one in found if all(self._fits(*row, changes, find) for row in one.files.items()))

    def _fits(self, name: str, recorded: Digests, changes: Mapping[str, Digests], find: Callable[[str], str]) -> bool:
        place = os.path.join(self._folder, name)
        if place in changes:
            return changes[place] == recorded
        return recorded.before == recorded.after == find(place)

    def files(self, group: Iterable[Proof]) -> dict[str, set[Digests]]:
        """The absolute paths of the files of some proofs, each with what was recorded of it."""
        out: dict[str, set[Digests]] = {}
        for proof in group:
            for name, digests in proof.files.items():
                out.setdefault(os.path.join(self._folder, name), set()).add(digests)
        return out


def load(path: Path) -> tuple[Proof, ...]:
    """Read a proof file.

    Raises:
        UsageError: when the file cannot be read, or is none that this program wrote.
    """
    return read_kept(path, _proofs, "restore it, or delete it and run fixer verify again")


def _proofs(raw: Any) -> tuple[Proof, ...]:
    if not isinstance(raw, dict) or raw.get("version") != VERSION or not isinstance(raw.get("proofs"), list):
        raise ValueError(f"it is no proof file of version {VERSION}")
    return tuple(_proof(one) for one in raw["proofs"])


def text(proofs: Iterable[Proof]) -> str:
    """The file that holds these proofs, always the same text for the same ones, with a final newline."""
    import json

    rows = sorted(proofs, key=lambda one: (one.dockerfile, one.image, sorted(one.files)))
    return json.dumps({"version": VERSION, "proofs": [_to_dict(one) for one in rows]}, indent=2) + "\n"


def _to_dict(proof: Proof) -> dict[str, Any]:
    out: dict[str, Any] = {key: value for key in TEXTS if (value := getattr(proof, key))}
    out["observations"] = list(proof.observations)
    out["files"] = {name: one._asdict() for name, one in sorted(proof.files.items())}
    return out


def _proof(raw: Any) -> Proof:
    if not isinstance(raw, dict):
        raise ValueError("a proof is no object")
    unknown = sorted(set(raw) - {*TEXTS, "observations", "files"})
    if unknown:
        raise ValueError(f"unknown key '{unknown[0]}'")
    texts = {key: raw.get(key, "") for key in TEXTS}
    seen, files = raw.get("observations"), raw.get("files")
    if not all(isinstance(one, str) for one in texts.values()) or not texts["image"]:
        raise ValueError("a proof names no image, or something is no word")
    if not isinstance(seen, list) or not seen or not all(isinstance(one, str) for one in seen):
        raise ValueError(f"the proof of '{texts['image']}' has no observations")
    if not isinstance(files, dict) or not files:
        raise ValueError(f"the proof of '{texts['image']}' names no files")
    digests = {name: _digests(name, one) for name, one in files.items()}
    return Proof(**texts, observations=tuple(seen), files=MappingProxyType(digests))


def _digests(name: str, raw: Any) -> Digests:
    if os.path.isabs(name) or ".." in name.split("/"):
        raise ValueError(f"'{name}' is no path below the folder of this file")
    if not isinstance(raw, dict) or set(raw) != {"before", "after"} or not all(_is_digest(v) for v in raw.values()):
        raise ValueError(f"'{name}' has no digests before and after")
    return Digests(raw["before"], raw["after"])


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and all(one in "0123456789abcdef" for one in value)
