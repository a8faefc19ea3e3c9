"""From verdicts to what is kept of them: the bytes of all files of an image, before and after, and what was seen."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from fixer.errors import Unreadable
from fixer.evidence import Verdict, Word
from fixer.proofs import Digests, Proof, digest
from fixer.source import read_bytes
from fixer.verify.jobs import Planned


def proofs_of(
    tried: Iterable[tuple[Planned, Verdict]], others: Iterable[Planned], folder: Path, date: str
) -> tuple[list[Proof], list[str]]:
    """The proofs of the verdicts that hold.

    A file that also builds or starts an image which does not hold, or was not tried, proves nothing: its change is one.

    Args:
        tried: the images with their verdicts.
        others: images of the same files that were not tried, whatever the reason.
        folder: where the proof file lies, to which paths are relative.
        date: the day of the trial, "" for none.

    Returns:
        The proofs, and sentences on what could not be kept.
    """
    tried = list(tried)
    open_files: dict[str, str] = {}
    waiting = [one for one in others if one.job.overlay]
    for planned in [*(planned for planned, verdict in tried if verdict.word is not Word.HOLDS), *waiting]:
        for name in planned.job.overlay:
            open_files.setdefault(os.path.join(planned.root, name), planned.job.image)
    proofs: list[Proof] = []
    notes: list[str] = []
    for planned, verdict in tried:
        if verdict.word is not Word.HOLDS:
            continue
        shared = [name for name in planned.job.overlay if os.path.join(planned.root, name) in open_files]
        if shared:
            other = open_files[os.path.join(planned.root, shared[0])]
            notes.append(f"{verdict.image} is not kept: {shared[0]} also changes {other}, which is not proved")
            continue
        files = _digests(planned, folder)
        if files is None:
            notes.append(
                f"{verdict.image} is not kept: its files do not all lie below {folder}; name a file above them"
            )
            continue
        texts = (verdict.engine, date, verdict.image_before, verdict.image_after)
        proofs.append(Proof(verdict.image, verdict.dockerfile, *texts, verdict.observations, files))
    return proofs, notes


def merged(old: Iterable[Proof], new: Iterable[Proof], tried: Iterable[Planned], folder: Path) -> list[Proof]:
    """The proofs to keep: the new ones, and the old ones of images that this run has not looked at."""
    looked = {(one.job.image, one.job.dockerfile) for one in tried}
    touched = {_name(one, name, folder) for one in tried for name in one.files}
    left = [one for one in old if (one.image, one.dockerfile) not in looked or not touched & set(one.files)]
    return [*left, *new]


def _digests(planned: Planned, folder: Path) -> dict[str, Digests] | None:
    out = {}
    for name in planned.files:
        place = _name(planned, name, folder)
        if place.startswith("../"):
            return None
        try:
            before = read_bytes(planned.root, name, "a file", "")
        except Unreadable:
            return None
        out[place] = Digests(digest(before), digest(planned.job.overlay.get(name, before)))
    return out


def _name(planned: Planned, name: str, folder: Path) -> str:
    return os.path.relpath(os.path.realpath(planned.root / name), os.path.realpath(folder))
