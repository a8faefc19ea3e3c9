"""`fixer init`: the settings, the hook and the job of the CI, shown first and then written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fixer import __version__
from fixer.errors import UsageError
from fixer.model import Ci

if TYPE_CHECKING:
    from fixer.deliver.setup import Part

HELP = (
    "Set a repository up: a fixer.toml, the hook of pre-commit and the job of its CI. They are shown, and written after"
    " a yes; what is there is kept. Exit code: 0 all is set up, 1 something is left for a person or was not wanted,"
    " 2 error."
)


def command(
    path: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of the repository.")] = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    ci: Annotated[Ci, typer.Option("--ci", help="Whose job to write; auto: what the repository has.")] = Ci.AUTO,
    no_hook: Annotated[bool, typer.Option("--no-hook", help="Write no hook of pre-commit.")] = False,
) -> None:
    """Parse words, show, ask, write, set the exit code."""
    from fixer.deliver.setup import carry_out, parts

    found = parts(path, __version__, ci, not no_hook)
    _show(found)
    wanted = [part for part in found if part.change is not None]
    left = any(part.left for part in found)
    if not wanted:
        _say(["nothing to write"])
        raise typer.Exit(int(left))
    if not (yes or _asked(wanted)):
        _say(["nothing was written"])
        raise typer.Exit(1)
    done = carry_out(found)
    _say([f"written: {', '.join(done)}", *_next(done)])
    raise typer.Exit(int(left))


def _show(found: tuple[Part, ...]) -> None:
    """The changes as diffs, and what is not changed as sentences."""
    from fixer import console
    from fixer.render.diff import diff

    for part in found:
        if part.change is not None:
            console.raw(diff(part.change, new=part.new))
    for part in found:
        if part.change is None:
            _say(part.why.splitlines())


def _asked(wanted: list[Part]) -> bool:
    """Whether a person at a terminal wants it.

    Raises:
        UsageError: where nobody can be asked.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nothing was written: here is no terminal to ask at; give --yes to write what is shown")
    return typer.confirm(f"Write {', '.join(part.path for part in wanted)}?", err=True)


def _next(done: tuple[str, ...]) -> list[str]:
    """What a person does now."""
    from fixer.deliver.setup import HOOKS

    lines = ["next: 'fixer check' tells what runs as root, and 'fixer fix' shows the change"]
    if HOOKS in done:
        lines.append("'pre-commit install' puts the hook to work; it fails as long as something is found")
    return lines


def _say(lines: list[str]) -> None:
    from fixer import console

    console.show([[(line, "")] for line in lines], sys.stderr)
