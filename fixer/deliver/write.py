"""Write changed files: atomically, in place, mode kept, and only over the bytes that were read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from fixer.errors import FixerError
from fixer.model import FileChange

_NEW = 0o644  # the mode of a file that was not there


def write(file: Path, change: FileChange) -> None:
    """Replace one file: temporary file in the same folder, fsync, rename.

    Raises:
        FixerError: when the file changed since it was read, is a link, or cannot be written.
    """
    try:
        if file.is_symlink() or file.read_bytes() != change.before:
            raise FixerError(
                f"{change.path}: the file changed while it was being fixed; it was left as it is, run again"
            )
        replace(file, change.after)
    except OSError as error:
        raise FixerError(f"{change.path}: cannot be written ({error.strerror}); check its permissions") from error


def replace(file: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file whole or not at all: temporary file in the same folder, fsync, rename.

    Args:
        file: which.
        data: its new bytes.
        mode: its new permissions; without them those that it has stay.

    Raises:
        OSError: when it cannot be written.
    """
    # Imported here: a check writes nothing, and this brings half of the standard library.
    import tempfile

    if mode is None:
        mode = file.stat().st_mode & 0o7777 if file.exists() else _NEW
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(name, mode)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def state_folder() -> Path:
    """Where the program keeps what it must remember for this person.

    Raises:
        OSError: when nobody knows the person's home folder.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        state = os.path.expanduser("~/.local/state")
    if not os.path.isabs(state):
        raise OSError(errno.ENOENT, "no home folder is known; set XDG_STATE_HOME", "the state folder")
    return Path(state) / "fixer"
