"""`fixer plan`: what would be proposed to a repository, as a file that somebody with more rights publishes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fixer.cli.options import (
    BaseOption,
    ForgeOption,
    GoalOption,
    IgnoreOption,
    PortsOption,
    SafeOnlyOption,
    SelectOption,
)
from fixer.cli.requests import Job, plan
from fixer.cli.runs import Options

HELP = (
    "Compute the pull requests for a repository, without any right to write. Exit code: 0 all of it is in them, 1"
    " something is left for a person, 2 error."
)


def command(
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="A folder, an address, or owner/name on a forge.")
    ] = ".",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the plan here; else it is shown.", show_default=False),
    ] = None,
    forge: ForgeOption = None,
    base: BaseOption = "",
    goal: GoalOption = None,
    select: SelectOption = "",
    ignore: IgnoreOption = "",
    ports: PortsOption = None,
    safe_only: SafeOnlyOption = False,
) -> None:
    """Parse words, run, set the exit code."""
    options = Options(goal=goal, select=select, ignore=ignore, ports=ports)
    raise typer.Exit(plan(Job(repository, forge.value if forge else "", base, options, safe_only), out))
