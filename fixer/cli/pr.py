"""`fixer pr`: compute and open pull requests in one or many repositories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fixer.cli.options import (
    AuthorOption,
    BaseOption,
    ForgeOption,
    GoalOption,
    IgnoreOption,
    LabelsOption,
    MostOpenOption,
    PortsOption,
    SafeOnlyOption,
    SelectOption,
    StateOption,
)
from fixer.cli.requests import Asked, Job, named, pull_requests, terms
from fixer.cli.runs import Options
from fixer.model import Mode

HELP = (
    "Open pull requests that take repositories off root, one for what is deployed together, and keep them up to date."
    " Exit code: 0 all well, 1 something was skipped or is left for a person, 2 something failed."
)


def command(
    repositories: Annotated[
        list[str] | None,
        typer.Argument(metavar="REPO", help="Folders, addresses, or owner/name on a forge.", show_default=False),
    ] = None,
    repos: Annotated[
        Path | None,
        typer.Option("--repos", metavar="FILE", help="A list of more of them, one a line.", show_default=False),
    ] = None,
    org: Annotated[
        str,
        typer.Option(
            "--org", metavar="NAME", help="All of an owner, but for forks and archived ones.", show_default=False
        ),
    ] = "",
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="Only this part of them, such as 1/3.", show_default=False)
    ] = "",
    forge: ForgeOption = None,
    mode: Annotated[Mode, typer.Option("--mode", help="Show requests, or open them as drafts or in full.")] = Mode.PLAN,
    max_open: MostOpenOption = 5,
    labels: LabelsOption = "",
    author: AuthorOption = "",
    state: StateOption = None,
    base: BaseOption = "",
    goal: GoalOption = None,
    select: SelectOption = "",
    ignore: IgnoreOption = "",
    ports: PortsOption = None,
    safe_only: SafeOnlyOption = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=256, help="How many are computed at once.")] = 2,
    timeout: Annotated[int, typer.Option("--timeout", min=1, help="Seconds for each repository.")] = 600,
    memory: Annotated[int, typer.Option("--memory", min=256, help="MiB for each repository.")] = 4096,
) -> None:
    """Parse words, run, set the exit code."""
    from fixer.deliver.fleet import Bounds

    options = Options(goal=goal, select=select, ignore=ignore, ports=ports)
    job = Job("", forge.value if forge else "", base, options, safe_only)
    asked = Asked(terms(mode, max_open, labels, author), mode, state)
    bounds = Bounds(timeout, memory << 20, jobs)
    raise typer.Exit(pull_requests(named(repositories or [], repos, org, shard, job), asked, bounds))
