"""`fixer undo`: take back what the last `fixer fix --write` did."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

HELP = (
    "Give the files that the last 'fixer fix --write' changed their bytes back. Exit code: 0 all of them, 1 some were"
    " changed since and are left, 2 error."
)


def command(
    path: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of the repository.")] = Path(),
) -> None:
    """Parse words, run, set the exit code."""
    from fixer import console
    from fixer.deliver.journal import undo
    from fixer.render import text

    done = undo(path)
    console.show([[(name, "bold"), (": as it was before", "")] for name in done.restored])
    console.show(text.skipped(done.left), sys.stderr)
    raise typer.Exit(1 if done.left else 0)
