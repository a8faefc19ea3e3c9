"""Plans: what would be published, computed by who may only read, for somebody else who may write.

A plan is JSON (`fixer/deliver/plan.schema.json`). Who publishes one believes nothing in it: see `read`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from fixer.errors import FixerError
from fixer.evidence import Word
from fixer.model import Finding
from fixer.proofs import TEXTS, Proof
from fixer.render.commit import message
from fixer.render.fingerprints import fingerprints as by_finding
from fixer.render.request import Words, neutral, title_of, words
from fixer.source import MAX_BYTES
from fixer.tuples import NamedTuple
from fixer.units import Unit

VERSION = 1
PREFIX = "nonroot/"
"""All branches of requests begin so, and the program touches no other."""
MOST_BYTES = 64 << 20
_MOST_UNITS = 2_000
_MOST_FILES = 5_000
_MOST_MARKS = 5_000
_MOST_VERDICTS = 2_000
_MOST_TEXT = 1 << 20
_LONGEST_GROUP = 40
_BRANCH = re.compile(r"nonroot/[a-z0-9](?:[a-z0-9-]{0,50}[a-z0-9])?")
_BASE = re.compile(r"(?![-/.@])(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|/$|\.$))[^\x00-\x20\x7f~^:?*\[\\]{1,200}")
# What runs with rights of its own as soon as it is pushed; nothing in there is ever fixed.
_RUNS_ITSELF = re.compile(
    r"\.(?:github|gitea|forgejo|circleci|woodpecker|buildkite)/.*|\.(?:gitlab-ci|travis|drone|woodpecker)\.ya?ml"
    r"|(?:.*/)?(?:jenkinsfile|codeowners|\.gitmodules|\.gitattributes)",
    re.IGNORECASE | re.DOTALL,
)


class PlannedFile(NamedTuple):
    """One file of a unit: its path from the top, the SHA-256 of what it must hold, and what it will hold."""

    path: str
    before: str
    after: bytes


class PlannedUnit(NamedTuple):
    """One request to be.

    `branch` is where it goes, `message` that of its commit, and `fingerprints` name the findings that it repairs.
    `proofs` tell which of its images were seen to hold with exactly these files, which are not named again.
    """

    name: str
    branch: str
    said: Words
    message: str
    fingerprints: tuple[str, ...]
    files: tuple[PlannedFile, ...]
    proofs: tuple[Proof, ...] = ()


class Plan(NamedTuple):
    """What would be published in one repository.

    `base` is the branch that requests go to, `commit` the id of what was read of it. `left` is how many findings are
    left for a person. `off` tells that the repository wants no requests.
    """

    repository: str
    base: str
    commit: str
    units: tuple[PlannedUnit, ...] = ()
    left: int = 0
    skipped: tuple[str, ...] = ()
    off: bool = False


def planned(unit: Unit, left: Iterable[Finding], proofs: Iterable[Proof] = ()) -> PlannedUnit:
    """One unit as a request to be; the same work gives the same one.

    Args:
        unit: with its changes, and the findings that they repair.
        left: the findings in the same files that are left.
        proofs: of images that were seen to hold with exactly these changes.
    """
    seen = tuple(_harmless(one) for one in proofs)
    marks = fingerprints(unit)
    rows = sorted({f"{finding.rule} {finding.path}" for finding in unit.findings})
    work = hashlib.sha256("\0".join([*rows, *marks]).encode("utf-8", "surrogateescape")).hexdigest()
    files = tuple(
        PlannedFile(change.whole_path, hashlib.sha256(change.before).hexdigest(), change.after)
        for change in sorted(unit.changes, key=lambda change: change.whole_path)
    )
    branch = f"{PREFIX}{_group(unit.name)}-{work[:10]}"
    return PlannedUnit(unit.name, branch, words(unit, left, seen), message(unit), marks, files, seen)


def fingerprints(unit: Unit) -> tuple[str, ...]:
    """What names the findings of a unit, whatever moves above them: rule, path, and the line that each is about."""
    texts = {change.whole_path: change.before for change in unit.changes}
    return tuple(sorted(mark[:10] for mark in by_finding(unit.findings, texts)))


def _group(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_GROUP].strip("-")
    return slug or "unit"


# --- as JSON ---------------------------------------------------------------------------------------------------------


def to_json(plan: Plan) -> str:
    """A plan as text, the same for the same plan."""
    rows = [
        {
            "unit": unit.name,
            "branch": unit.branch,
            "title": unit.said.title,
            "body": unit.said.body,
            "message": unit.message,
            "fingerprints": list(unit.fingerprints),
            "files": [
                {"path": file.path, "before": file.before, "after": base64.b64encode(file.after).decode()}
                for file in unit.files
            ],
            "verdicts": [
                {
                    "verdict": Word.HOLDS.value,
                    **{key: getattr(one, key) for key in TEXTS},
                    "seen": list(one.observations),
                }
                for one in unit.proofs
            ],
        }
        for unit in plan.units
    ]
    top = {"version": VERSION, **plan._asdict(), "skipped": list(plan.skipped), "units": rows}
    return json.dumps(top, indent=1) + "\n"


def read(data: bytes) -> Plan:
    """A plan out of JSON that anybody may have written.

    Only branches below `nonroot/` are in it, only paths that lead to files of the tree and to nothing that runs by
    itself, and its words are neutralised.

    Raises:
        FixerError: when it is no plan, or asks for anything else.
    """
    if len(data) > MOST_BYTES:
        raise FixerError(f"the plan is larger than {MOST_BYTES >> 20} MiB; compute it for fewer files")
    try:
        raw: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise FixerError("the plan is no JSON; compute it anew with 'fixer plan'") from None
    if not isinstance(raw, dict) or raw.get("version") != VERSION:
        raise FixerError("the plan is of another version or no plan at all; compute it anew with 'fixer plan'")
    units = tuple(_unit(row) for row in _list(raw, "units", _MOST_UNITS))
    for kind, names in (("branch", [unit.branch for unit in units]), ("unit", [unit.name for unit in units])):
        if len(set(names)) != len(names):
            raise _wrong(f"names a {kind} twice")
    base, commit = _text(raw, "base"), _text(raw, "commit")
    if not _BASE.fullmatch(base) or base.startswith(PREFIX) or not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise _wrong("names a base that can be none")
    left, off = raw.get("left"), raw.get("off")
    if not isinstance(left, int) or not isinstance(off, bool):
        raise _wrong("has a 'left' or 'off' of another kind")
    skipped = tuple(neutral(str(one))[:_MOST_TEXT] for one in _list(raw, "skipped", _MOST_FILES))
    return Plan(_text(raw, "repository"), base, commit, units, left, skipped, off)


def _unit(row: Any) -> PlannedUnit:
    branch = _text(row, "branch")
    if not _BRANCH.fullmatch(branch):
        raise _wrong(f"names the branch {branch[:80]!r}, and only those below {PREFIX} may be written")
    marks = _list(row, "fingerprints", _MOST_MARKS)
    if not marks or not all(isinstance(one, str) and re.fullmatch(r"[0-9a-f]{10}", one) for one in marks):
        raise _wrong("has fingerprints that are none")
    files = tuple(_file(one) for one in _list(row, "files", _MOST_FILES))
    if not files or len({file.path for file in files}) != len(files):
        raise _wrong("has a unit with no files, or with one twice")
    said = Words(title_of(_text(row, "title")), neutral(_text(row, "body")))
    if not said.title.strip():
        raise _wrong("has a request without a title")
    name = _text(row, "unit")
    # one that was computed before there were any has none
    proofs = tuple(_verdict(one) for one in _list(row, "verdicts", _MOST_VERDICTS)) if "verdicts" in row else ()
    return PlannedUnit(name, branch, said, neutral(_text(row, "message")), tuple(marks), files, proofs)


def _verdict(row: Any) -> Proof:
    if _text(row, "verdict") != Word.HOLDS.value:
        raise _wrong("has a verdict that is none")
    seen = _list(row, "seen", _MOST_VERDICTS)
    if not seen or not all(isinstance(one, str) for one in seen):
        raise _wrong("has a verdict that names nothing that was seen")
    texts: dict[str, Any] = {key: _text(row, key) for key in TEXTS}
    return _harmless(Proof(**texts, observations=tuple(one[:_MOST_TEXT] for one in seen)))


def _harmless(proof: Proof) -> Proof:
    """A proof in neutral words, without the files that the unit names itself."""
    texts: dict[str, Any] = {key: neutral(getattr(proof, key)) for key in TEXTS}
    return Proof(**texts, observations=tuple(neutral(one) for one in proof.observations))


def _file(row: Any) -> PlannedFile:
    path = _text(row, "path")
    _check_path(path)
    before = _text(row, "before")
    try:
        after = base64.b64decode(_text(row, "after"), validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(f"has bytes of {path!r} that are no base64") from None
    if not re.fullmatch(r"[0-9a-f]{64}", before) or len(after) > 2 * MAX_BYTES:
        raise _wrong(f"has a sum of {path!r} that is none, or more bytes than any file that is fixed")
    return PlannedFile(path, before, after)


def _check_path(path: str) -> None:
    parts = path.split("/")
    bad = any(part in ("", ".", "..") or _is_git(part) for part in parts) or "\0" in path or "\\" in path
    if bad:
        raise _wrong(f"names the file {path[:80]!r}, which leads out of the repository")
    if _RUNS_ITSELF.fullmatch(path):
        raise _wrong(f"changes {path[:80]!r}, which runs by itself and is never fixed")


def _is_git(part: str) -> bool:
    """Whether a folder is git's own on some file system."""
    plain = re.sub(r"[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]", "", part).lower().rstrip(". ")
    return plain.split(":")[0] in (".git", "git~1")


def _text(row: Any, key: str) -> str:
    value = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, str) or (key != "after" and len(value) > _MOST_TEXT):
        raise _wrong(f"has a '{key}' that is no text")
    return value


def _list(row: Any, key: str, most: int) -> list[Any]:
    value = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, list) or len(value) > most:
        raise _wrong(f"has '{key}' that are no list, or too many")
    return value


def _wrong(what: str) -> FixerError:
    return FixerError(f"the plan {what}; nothing of it was used, compute it anew with 'fixer plan'")


def bytes_of(unit: PlannedUnit) -> Mapping[bytes, bytes]:
    """The new bytes of the files of a unit, by their paths."""
    return {os.fsencode(file.path): file.after for file in unit.files}
