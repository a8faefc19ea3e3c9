"""`fixer fix`: the change that takes the files off root, as a diff or written in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fixer.cli.options import (
    ConfigOption,
    Format,
    FormatOption,
    GoalOption,
    IgnoreOption,
    InspectOption,
    NoConfigOption,
    NoIgnoresOption,
    Paths,
    PodSecurityVersionOption,
    PortsOption,
    RefreshOption,
    SelectOption,
)
from fixer.cli.runs import Options, fix
from fixer.errors import UsageError

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
    pod_security_version: PodSecurityVersionOption = None,
    ports: PortsOption = None,
    inspect: InspectOption = None,
    refresh: RefreshOption = False,
) -> None:
    """Parse words, run, set the exit code."""
    if diff and write:
        raise UsageError("--diff and --write contradict each other; give one of them")
    options = Options(
        goal, select, ignore, config, no_config, no_ignores, pod_security_version, ports, inspect, refresh
    )
    where = paths or [Path()]
    raise typer.Exit(fix(where, options, output.value, write=write, safe_only=safe_only, annotate=annotate))
