"""The typer application: one module a command."""

from __future__ import annotations

from typing import Annotated

import typer

from fixer import __version__
from fixer.cli import (
    admission_policy,
    check,
    explain,
    fix,
    graph,
    inspect,
    plan,
    pod_security,
    pr,
    publish,
    rules,
    undo,
    verify,
)

app = typer.Typer(
    name="fixer",
    help=(
        "Take containers off root: find what runs as root, and get the smallest correct change after which it does not."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fixer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take containers off root."""


app.command("check", help=check.HELP)(check.command)
app.command("fix", help=fix.HELP)(fix.command)
app.command("verify", help=verify.HELP)(verify.command)
app.command("undo", help=undo.HELP)(undo.command)
app.command("plan", help=plan.HELP)(plan.command)
app.command("publish", help=publish.HELP)(publish.command)
app.command("pr", help=pr.HELP)(pr.command)
app.command("inspect", help=inspect.HELP)(inspect.command)
app.command("rules", help=rules.HELP)(rules.command)
app.command("explain", help=explain.HELP)(explain.command)
app.command("graph", help=graph.HELP)(graph.command)
app.command("pod-security", help=pod_security.HELP)(pod_security.command)
app.command("admission-policy", help=admission_policy.HELP)(admission_policy.command)
