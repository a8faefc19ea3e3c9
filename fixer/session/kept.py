"""Where the answers of a session are kept, so that it can be taken up again after whatever ended it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from fixer.deliver.write import replace, state_folder
from fixer.errors import FixerError
from fixer.session.record import Record, from_json, to_json


class Keeper:
    """The file that keeps the answers of the sessions over some paths, below the person's state folder.

    It holds texts of files, and only the person may read it.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        named = sorted(os.fsencode(os.path.realpath(path)) for path in paths)
        name = hashlib.sha256(b"\0".join(named)).hexdigest()[:32]
        try:
            self.file = state_folder() / "sessions" / f"{name}.json"
        except OSError as error:
            raise FixerError(f"the answers of a session cannot be kept ({error.strerror})") from error

    def load(self) -> Record | None:
        """What was kept; None for nothing.

        Raises:
            FixerError: when it cannot be read.
        """
        try:
            return from_json(json.loads(self.file.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise FixerError(
                f"{self.file}: the answers of the last session cannot be read ({error}); remove it"
            ) from error

    def save(self, record: Record) -> None:
        """Keep the answers in place of those that were kept.

        Raises:
            FixerError: when they cannot be written.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace(self.file, json.dumps(to_json(record)).encode(), 0o600)
        except OSError as error:
            raise FixerError(f"{self.file}: the answers cannot be kept ({error.strerror})") from error

    def remove(self) -> None:
        """Keep nothing any longer."""
        self.file.unlink(missing_ok=True)
