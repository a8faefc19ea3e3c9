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

from fixer.deliver.write import replace
from fixer.errors import FixerError
from fixer.model import FileChange, Skipped
from fixer.tuples import NamedTuple

_VERSION = 1


class Undone(NamedTuple):
    """What was taken back: paths of files as they were before, and those that were left, with the reason."""

    restored: tuple[str, ...]
    left: tuple[Skipped, ...]


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
        tops.setdefault(top_of(root), []).append(row)
    for top, rows in tops.items():
        place = _place(top)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not place.exists():
            place.touch(0o600)
        shown = os.fsencode(top).decode("utf-8", "replace")
        text = json.dumps({"version": _VERSION, "top": shown, "files": rows}, indent=1)
        replace(place, text.encode())


def undo(start: Path) -> Undone:
    """Give the files that the last run changed in a repository their bytes back.

    A file that was changed again since is left as it is. What is left can be taken back by another run.

    Args:
        start: a folder of the repository.

    Raises:
        FixerError: when nothing is known of a run there.
    """
    place = next((_place(top) for top in _tops(start) if _place(top).is_file()), None)
    if place is None:
        raise FixerError(f"{start}: no run of 'fixer fix --write' here that could be taken back")
    rows = _read(place)
    restored: list[str] = []
    left: list[Skipped] = []
    kept: list[dict[str, str]] = []
    for row in rows:
        why = _restored(row)
        if why:
            left.append(Skipped(row["path"], "not-restored", why))
            kept.append(row)
        else:
            restored.append(row["path"])
    if not kept:
        place.unlink()
    return Undone(tuple(restored), tuple(left))


def _restored(row: dict[str, str]) -> str:
    """Restore one file; what stands in the way, "" for nothing."""
    file = Path(os.fsdecode(base64.b64decode(row["name"])))
    before = zlib.decompress(base64.b64decode(row["before"]))
    try:
        if file.is_symlink() or not file.is_file():
            return "it is no file any more; it was left as it is"
        now = file.read_bytes()
        if now == before:
            return ""
        if hashlib.sha256(now).hexdigest() != row["after"]:
            return "it was changed since; it was left as it is, take the change back by hand"
        replace(file, before)
    except OSError as error:
        return f"it cannot be written ({error.strerror}); check its permissions"
    return ""


def _read(place: Path) -> list[dict[str, str]]:
    try:
        raw: Any = json.loads(place.read_bytes())
        rows: list[dict[str, str]] = raw["files"]
        if raw["version"] != _VERSION:
            raise FixerError(f"{place}: was written by another version of fixer; take the changes back by hand")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FixerError(f"{place}: cannot be read ({error}); take the changes back by hand") from error
    return rows


def top_of(folder: Path) -> Path:
    """The top of the repository in which a folder lies, or the folder itself."""
    real = Path(os.path.realpath(folder))
    return next((place for place in (real, *real.parents) if (place / ".git").exists()), real)


def _tops(start: Path) -> Iterable[Path]:
    real = Path(os.path.realpath(start if start.is_dir() else start.parent))
    top = top_of(real)
    yield top
    yield from () if (top / ".git").exists() else real.parents


def _place(top: Path) -> Path:
    state = os.environ.get("XDG_STATE_HOME", "")
    home = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return home / "fixer" / f"{hashlib.sha256(os.fsencode(top)).hexdigest()[:32]}.json"
