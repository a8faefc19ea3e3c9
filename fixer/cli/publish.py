"""`fixer publish`: open the pull requests of a plan, or bring those that are open up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fixer.cli.options import AuthorOption, ForgeOption, LabelsOption, MostOpenOption, StateOption
from fixer.cli.requests import Asked, Job, publish, terms
from fixer.model import Mode

HELP = (
    "Publish what 'fixer plan' has computed; nothing in the plan is believed. Exit code: 0 all well, 1 something was"
    " skipped or is left for a person, 2 something failed."
)


def command(
    file: Annotated[Path, typer.Argument(metavar="PLAN", help="The file that 'fixer plan --out' wrote.")],
    repository: Annotated[
        str,
        typer.Option(
            "--repo",
            metavar="REPO",
            help="Where to: a folder, an address, or owner/name (default: that of the CI job, else of the plan).",
            show_default=False,
        ),
    ] = "",
    forge: ForgeOption = None,
    mode: Annotated[Mode, typer.Option("--mode", help="Show requests, or open them as drafts or in full.")] = Mode.FULL,
    max_open: MostOpenOption = 5,
    labels: LabelsOption = "",
    author: AuthorOption = "",
    state: StateOption = None,
) -> None:
    """Parse words, run, set the exit code."""
    asked = Asked(terms(mode, max_open, labels, author), mode, state)
    raise typer.Exit(publish(file, Job(repository, forge.value if forge else ""), asked))
