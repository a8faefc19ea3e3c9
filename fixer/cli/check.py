"""`fixer check`: tell what stands between the files and the goal."""

from __future__ import annotations

from pathlib import Path

import typer

from fixer.cli.options import (
    BaselineOption,
    ConfigOption,
    GoalOption,
    IgnoreOption,
    InspectOption,
    NoConfigOption,
    NoIgnoresOption,
    OutputFileOption,
    Paths,
    PodSecurityVersionOption,
    PortsOption,
    RefreshOption,
    ReportFormat,
    ReportFormatOption,
    RevisionOption,
    SelectOption,
    WriteBaselineOption,
)
from fixer.cli.runs import Options, check

HELP = "Tell what runs as root, and why. Exit code: 0 clean, 1 findings, 2 error, 3 nothing to look at."


def command(
    paths: Paths = None,
    goal: GoalOption = None,
    output: ReportFormatOption = ReportFormat.TEXT,
    select: SelectOption = "",
    ignore: IgnoreOption = "",
    config: ConfigOption = None,
    no_config: NoConfigOption = False,
    no_ignores: NoIgnoresOption = False,
    pod_security_version: PodSecurityVersionOption = None,
    ports: PortsOption = None,
    inspect: InspectOption = None,
    refresh: RefreshOption = False,
    rev: RevisionOption = None,
    output_file: OutputFileOption = None,
    baseline: BaselineOption = None,
    write_baseline: WriteBaselineOption = None,
) -> None:
    """Parse words, run, set the exit code."""
    options = Options(
        goal,
        select,
        ignore,
        config,
        no_config,
        no_ignores,
        pod_security_version,
        ports,
        inspect,
        refresh,
        tuple(output_file or ()),
        baseline,
        write_baseline,
    )
    where = paths or [Path()]
    if rev is not None:
        from fixer.cli.branches import at_revision

        raise typer.Exit(at_revision(where, rev, lambda there: check(there, options, output.value)))
    raise typer.Exit(check(where, options, output.value))
