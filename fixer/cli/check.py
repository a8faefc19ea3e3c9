"""`fixer check`: tell what stands between the files and the goal."""

from __future__ import annotations

from pathlib import Path

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

HELP = "Tell what runs as root, and why. Exit code: 0 clean, 1 findings, 2 error, 3 nothing to look at."


def command(
    paths: Paths = None,
    goal: GoalOption = None,
    output: FormatOption = Format.TEXT,
    select: SelectOption = "",
    ignore: IgnoreOption = "",
    config: ConfigOption = None,
    no_config: NoConfigOption = False,
    no_ignores: NoIgnoresOption = False,
) -> None:
    """Parse words, ask the application, print, set the exit code."""
    from fixer import app, console
    from fixer.engine import Choice
    from fixer.render.summary import exit_code

    where = paths or [Path()]
    settings = configured(where, goal, select, ignore, config, no_config, no_ignores)
    with console.progress("checking") as tick:
        result = app.collect(app.ticked(app.outcomes(where, settings, Choice()), tick))
    if output is Format.JSON:
        from fixer.render.json import to_json

        console.text(to_json(result))
    else:
        from fixer.render import text

        console.show(text.findings(result))
        console.show(text.closing(result, fixing=False))
    raise typer.Exit(exit_code(result))
