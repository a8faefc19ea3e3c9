"""What the last run replaced, kept so that it can be taken back byte for byte.

One file for each repository (or folder outside of one) below the person's state folder. It is on the disk before the
first file is replaced, so that a run that was killed can be taken back as well.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fixer.deliver.write import replace, state_folder
from fixer.discover import repository_top
from fixer.errors import FixerError, UsageError
from fixer.model import FileChange, Skipped
from fixer.source import MAX_BYTES
from fixer.tuples import NamedTuple

_VERSION = 1


class Undone(NamedTuple):
    """What was taken back: paths of files as they were before, and those that were left, with the reason."""

    restored: tuple[str, ...]
    left: tuple[Skipped, ...]


class _Row(NamedTuple):
    """A file that was replaced: how it is shown, where it lies, its bytes, and the digest of what replaced them."""

    path: str
    file: Path
    before: bytes
    after: str


def keep(changes: Iterable[FileChange]) -> None:
    """Keep the bytes of files that are about to be replaced, in place of those of the run before.

    Raises:
        OSError: when they cannot be kept.
    """
    tops: dict[Path, list[dict[str, str]]] = {}
    for change in changes:
        root = Path(os.path.realpath(change.root))
        file = root / change.path
        row = {
            "path": os.fsencode(file).decode("utf-8", "backslashreplace"),
            "name": base64.b64encode(os.fsencode(file)).decode(),
            "before": base64.b64encode(zlib.compress(change.before)).decode(),
            "after": hashlib.sha256(change.after).hexdigest(),
        }
        tops.setdefault(_top_for(file, root), []).append(row)
    for top, rows in tops.items():
        shown = os.fsencode(top).decode("utf-8", "replace")
        text = json.dumps({"version": _VERSION, "top": shown, "files": rows}, indent=1)
        place = _place(top)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace(place, text.encode(), 0o600)


def _top_for(file: Path, root: Path) -> Path:
    """Where a person would ask for a file: the top of its repository, else the folder that was named."""
    top = top_of(file.parent)
    if os.path.exists(top / ".git"):
        return top
    return root if root != Path(root.anchor) else top


def undo(start: Path) -> Undone:
    """Give the files that the last run changed in a repository their bytes back.

    A file that was changed again since is left as it is. What is left can be taken back by another run.

    Args:
        start: a folder of the repository.

    Raises:
        FixerError: when nothing is known of a run there, or there is no such folder.
    """
    if not os.path.lexists(start):
        raise UsageError(f"{start}: no such file or folder; check the path")
    try:
        found = next((top for top in _tops(start) if _place(top).is_file()), None)
    except OSError as error:
        raise FixerError(f"{start}: what was replaced cannot be looked up ({error.strerror})") from error
    if found is None:
        raise FixerError(f"{start}: no run of 'fixer fix --write' here that could be taken back")
    place = _place(found)
    restored: list[str] = []
    left: list[Skipped] = []
    for row in _read(place, found):
        why = _restored(row)
        if why:
            left.append(Skipped(row.path, "not-restored", why))
        else:
            restored.append(row.path)
    if not left:
        place.unlink()
    return Undone(tuple(restored), tuple(left))


def _restored(row: _Row) -> str:
    """Restore one file; what stands in the way, "" for nothing."""
    try:
        if row.file.is_symlink() or not row.file.is_file():
            return "it is no file any more; it was left as it is"
        now = row.file.read_bytes()
        if now == row.before:
            return ""
        if hashlib.sha256(now).hexdigest() != row.after:
            return "it was changed since; it was left as it is, take the change back by hand"
        replace(row.file, row.before)
    except OSError as error:
        return f"it cannot be written ({error.strerror}); check its permissions"
    return ""


def _read(place: Path, top: Path) -> list[_Row]:
    try:
        raw: Any = json.loads(place.read_bytes())
        if raw["version"] != _VERSION:
            raise FixerError(f"{place}: was written by another version of fixer; take the changes back by hand")
        rows = [_row(one) for one in raw["files"]]
        if not all(Path(os.path.normpath(row.file)).is_relative_to(top) for row in rows):
            raise ValueError(f"it names files outside of {top}")
        return rows
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error) as error:
        raise FixerError(f"{place}: cannot be read ({error}); take the changes back by hand") from error


def _row(raw: Any) -> _Row:
    packed = zlib.decompressobj()
    before = packed.decompress(base64.b64decode(raw["before"]), MAX_BYTES)
    if not packed.eof:
        raise ValueError("a file is cut, or larger than any that is fixed")
    file = Path(os.fsdecode(base64.b64decode(raw["name"])))
    return _Row(str(raw["path"]), file, before, str(raw["after"]))


def top_of(folder: Path) -> Path:
    """The top of the repository in which a folder lies, or the folder itself."""
    real = Path(os.path.realpath(folder))
    return repository_top(real) or real


def _tops(start: Path) -> Iterable[Path]:
    real = Path(os.path.realpath(start if os.path.isdir(start) else start.parent))
    top = top_of(real)
    yield top
    yield from () if os.path.exists(top / ".git") else real.parents


def _place(top: Path) -> Path:
    return state_folder() / f"{hashlib.sha256(os.fsencode(top)).hexdigest()[:32]}.json"
