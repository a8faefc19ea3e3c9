"""`fixer fix`: the change that takes the files off root, as a diff or written in place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fixer.cli.options import (
    ConfigOption,
    Format,
    FormatOption,
    GoalOption,
    IgnoreOption,
    NoConfigOption,
    NoIgnoresOption,
    Paths,
    SelectOption,
    configured,
)

HELP = (
    "Print the diff that takes the files off root, or write it. Exit code: 0 everything fixed, 1"
    " something is left for a"
    " person, 2 error, 3 nothing to look at."
)


def command(
    paths: Paths = None,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Print a diff and write nothing (this is what happens without --write)."),
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the files.")] = False,
    goal: GoalOption = None,
    safe_only: Annotated[
        bool, typer.Option("--safe-only", help="Leave out fixes that a person should look at.")
    ] = False,
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Write the reason as a comment above each change.")
    ] = False,
    output: FormatOption = Format.TEXT,
    select: SelectOption = "",
    ignore: IgnoreOption = "",
    config: ConfigOption = None,
    no_config: NoConfigOption = False,
    no_ignores: NoIgnoresOption = False,
) -> None:
    """Parse words, ask the application, print or write, set the exit code."""
    from fixer import app, console
    from fixer.engine import Choice
    from fixer.errors import UsageError
    from fixer.model import Safety
    from fixer.render.summary import exit_code

    if diff and write:
        raise UsageError("--diff and --write contradict each other; give one of them")
    where = paths or [Path()]
    settings = configured(where, goal, select, ignore, config, no_config, no_ignores)
    choice = Choice(True, Safety.SAFE if safe_only else Safety.REVIEW, annotate)
    with console.progress("fixing") as tick:
        result = app.collect(app.ticked(app.outcomes(where, settings, choice), tick))
    if write:
        result = app.write_changes(result)
    elif output is Format.TEXT:
        from fixer.render.diff import diff as render

        for change in result.changes:
            console.raw(render(change))
    if output is Format.JSON:
        from fixer.render.json import to_json

        console.text(to_json(result))
    else:
        from fixer.render import text

        sys.stdout.flush()
        console.show(text.findings(result, marks=True), sys.stderr)
        console.show(text.closing(result, fixing=True, written=write), sys.stderr)
    raise typer.Exit(exit_code(result))
