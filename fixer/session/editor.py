"""A person's own editor, on a copy of a file."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from fixer.errors import FixerError


def edit(name: str, data: bytes) -> bytes:
    """What a person makes of a text in the editor that `VISUAL` or `EDITOR` names, else in vi.

    Args:
        name: the name of the file, by which an editor knows its kind.
        data: its bytes.

    Raises:
        FixerError: when there is no such editor, or it fails.
    """
    words = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="fixer-edit-") as folder:
        file = Path(folder) / name
        file.write_bytes(data)
        try:
            code = subprocess.run([*shlex.split(words), str(file)], check=False).returncode
            after = file.read_bytes()
        except (OSError, ValueError) as error:
            raise FixerError(f"the editor '{words}' cannot be started ({error}); set EDITOR to another one") from error
    if code:
        raise FixerError(f"the editor '{words}' ended with {code}; nothing was changed")
    return after
