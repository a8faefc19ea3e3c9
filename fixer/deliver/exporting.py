"""The files of one commit in a folder of their own, so that they are read as any folder is, without a checkout.

What a tree names is written by this program itself: no filter, hook or attribute of the repository has a say.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fixer.deliver.gitstore import LINK, PROGRAM, SUBMODULE, Entry, GitStore
from fixer.errors import FixerError, UsageError
from fixer.model import Skipped
from fixer.source import MAX_BYTES

# Nothing above is read by anybody; a hole of the same size stands for it.
_LARGE = MAX_BYTES
_PREFIX = "fixer-tree-"


class Exported(NamedTuple):
    """Where the files of a commit lie, and those that could not be laid there, with the reason."""

    folder: Path
    skipped: tuple[Skipped, ...]


@contextmanager
def exported(store: GitStore, tree: str) -> Iterator[Exported]:
    """The files of a tree in a folder that is removed afterwards.

    Files, programs and links are there; submodules are empty folders. A file that is too large to be read is there
    with its size only. The folder looks like the top of a repository, so that nothing above is asked.

    Raises:
        FixerError: when the tree is larger or deeper than any repository is.
    """
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        (folder / ".git").mkdir()
        yield Exported(folder, tuple(_lay(store, tree, folder)))


def _lay(store: GitStore, tree: str, folder: Path) -> Iterator[Skipped]:
    links: list[Entry] = []
    for entry in store.files(tree):
        if not _is_path(entry.path):
            message = "its name leads out of the repository, so it was not read; rename it"
            yield Skipped(_shown(entry), "odd-name", message)
        elif entry.mode == LINK:
            links.append(entry)  # last, so that nothing is written through one
        else:
            yield from _tried(store, entry, folder)
    for entry in links:
        yield from _tried(store, entry, folder)


def _is_path(path: bytes) -> bool:
    parts = path.split(b"/")
    return not any(part in (b"", b".", b"..") or part.lower() == b".git" for part in parts)


def _tried(store: GitStore, entry: Entry, folder: Path) -> Iterator[Skipped]:
    file = os.path.join(os.fsencode(folder), entry.path)
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        _write(store, entry, file)
    except FileExistsError:
        message = "another file of the commit has this name where case does not count, so it was not read; rename one"
        yield Skipped(_shown(entry), "name-collision", message)
    except FixerError as error:
        yield Skipped(_shown(entry), "missing-object", f"{error}")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no name"
        yield Skipped(_shown(entry), "odd-name", f"no file can have this name here ({why}), so it was not read")


def _write(store: GitStore, entry: Entry, file: bytes) -> None:
    if entry.mode == SUBMODULE:
        os.mkdir(file)
    elif entry.mode == LINK:
        os.symlink(store.read(entry.oid), file)
    else:
        size = store.size(entry.oid)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as out:
            if size > _LARGE:
                out.truncate(size)
            else:
                out.write(store.read(entry.oid))
        os.chmod(file, 0o755 if entry.mode == PROGRAM else 0o644)


def _shown(entry: Entry) -> str:
    return os.fsdecode(entry.path)


@contextmanager
def standing_in(store: GitStore, tree: str, paths: Iterable[Path]) -> Iterator[tuple[list[Path], Exported]]:
    """The same paths in a commit: the files of a tree are laid into a folder, which is the current one meanwhile.

    Args:
        store: the repository.
        tree: the id of the tree.
        paths: files and folders of the work tree; of a bare repository, itself.

    Returns:
        The paths as they are called there, and what was laid there.

    Raises:
        UsageError: for a path outside of the work tree, or one that the commit does not have.
    """
    here = os.path.realpath(os.getcwd())
    with exported(store, tree) as found:
        top = str(store.top) if store.top is not None else ""
        inside = bool(top) and (here == top or here.startswith(top + os.sep))
        start = os.path.join(found.folder, os.path.relpath(here, top)) if inside else str(found.folder)
        os.makedirs(start, exist_ok=True)
        os.chdir(start)
        try:
            yield [_same(path, Path(here), top, found.folder) for path in paths], found
        finally:
            os.chdir(here)


def _same(path: Path, here: Path, top: str, folder: Path) -> Path:
    if not top:
        return folder
    place = os.path.normpath(here / path)
    real = os.path.join(os.path.realpath(os.path.dirname(place)), os.path.basename(place))
    below = "." if place == top or os.path.realpath(place) == top else os.path.relpath(real, top)
    if below.startswith(".."):
        raise UsageError(f"{path}: is not in the repository {top}; name paths of one repository")
    there = folder / below
    if not os.path.lexists(there):
        raise UsageError(f"{path}: the commit has no such file or folder; check the path")
    return Path(os.path.relpath(there))
