"""`fixer fix`: the change that takes the files off root, as a diff or written in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
)
from fixer.cli.runs import Options, fix, is_special
from fixer.errors import UsageError
from fixer.model import Each

HELP = (
    "Print the diff that takes the files off root, or write it. Exit code: 0 everything fixed, 1"
    " something is left for a"
    " person, 2 error, 3 nothing to look at."
)

_ALONE = "--branch writes commits; leave out --write, --diff, --annotate, --inspect and --rev (--base names the commit)"

_PLAIN = "--branch reports as text or json; leave out --output-file and --baseline, or report with fixer fix --rev"


def command(
    paths: Paths = None,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Print a diff and write nothing (this is what happens without --write)."),
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the files.")] = False,
    interactive: Annotated[
        bool, typer.Option("-i", "--interactive", help="Ask about one finding after the other; write at the end.")
    ] = False,
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="With --write and -i: also where something is not committed.")
    ] = False,
    goal: GoalOption = None,
    safe_only: Annotated[
        bool, typer.Option("--safe-only", help="Leave out fixes that a person should look at.")
    ] = False,
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Write the reason as a comment above each change.")
    ] = False,
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
    branch: Annotated[
        str | None,
        typer.Option(
            "--branch", metavar="NAME", help="Commit to this branch, and leave the work tree alone.", show_default=False
        ),
    ] = None,
    commit_per: Annotated[
        Each, typer.Option("--commit-per", help="With --branch: what one commit is for.")
    ] = Each.UNIT,
    base: Annotated[
        str, typer.Option("--base", metavar="REF", help="With --branch: the commit to start from.")
    ] = "HEAD",
    sign_off: Annotated[bool, typer.Option("--sign-off", help="With --branch: add Signed-off-by.")] = False,
    author: Annotated[
        str,
        typer.Option("--author", metavar="'N <e>'", help="With --branch: who made the commits.", show_default=False),
    ] = "",
) -> None:
    """Parse words, run, set the exit code."""
    if diff and write:
        raise UsageError("--diff and --write contradict each other; give one of them")
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
    )
    where = paths or [Path()]
    if interactive:
        from fixer.cli.interactive import fix_interactive

        if any((write, diff, rev, branch, output is not ReportFormat.TEXT, output_file, baseline)):
            raise UsageError("-i shows each change and asks; leave out --write, --diff, --rev, --branch and reports")
        raise typer.Exit(fix_interactive(where, options, safe_only, annotate, allow_dirty))
    if branch is not None:
        from fixer.cli.branches import Branching, fix_branch

        if write or diff or rev is not None or annotate or inspect is not None:
            raise UsageError(_ALONE)
        if is_special(options, output.value):
            raise UsageError(_PLAIN)
        branching = Branching(branch, commit_per, base, sign_off, author)
        raise typer.Exit(fix_branch(where, options, output.value, branching, safe_only))
    if author or sign_off or base != "HEAD" or commit_per is not Each.UNIT:
        raise UsageError("--author, --sign-off, --base and --commit-per are about commits; give --branch NAME too")
    if rev is not None:
        from fixer.cli.branches import at_revision

        if write:
            raise UsageError("--rev reads a commit, which cannot be written; leave out --write, or use --branch")
        how = {"safe_only": safe_only, "annotate": annotate}
        raise typer.Exit(at_revision(where, rev, lambda there: fix(there, options, output.value, **how)))
    raise typer.Exit(
        fix(where, options, output.value, write=write, safe_only=safe_only, annotate=annotate, allow_dirty=allow_dirty)
    )
