"""The typer application: one module a command."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated

import typer

from fixer import __version__
from fixer.cli import (
    admission_policy,
    check,
    explain,
    fix,
    graph,
    init,
    inspect,
    new_rule,
    plan,
    pod_security,
    pr,
    publish,
    rules,
    undo,
    verify,
)
from fixer.cli.group import Command, Group

app = typer.Typer(
    name="fixer",
    cls=Group,
    help="Take containers off root, by the smallest correct change. Begin with these:",
    epilog=(
        "Options: --version, --help, --install-completion, --show-completion."
        "\n'fixer COMMAND --help' tells more; 'fixer explain RULE' tells why."
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


# In the order of the help page: each with its line there, below the title of its group.
_COMMANDS: tuple[tuple[str, tuple[tuple[str, ModuleType, str], ...]], ...] = (
    (
        "",
        (
            ("check", check, "tell what runs as root, and why; changes nothing"),
            ("fix", fix, "print the change as a diff; --write writes it"),
            ("verify", verify, "build and run before and after, and tell whether it holds"),
        ),
    ),
    (
        "Every day",
        (
            ("init", init, "write fixer.toml, the pre-commit hook and the CI job"),
            ("undo", undo, "take back what the last 'fix --write' did"),
            ("rules", rules, "list the rules"),
            ("explain", explain, "a rule: what, why, how safe its fix is; or a reason code"),
            ("graph", graph, "which Dockerfile makes which image, and who uses it"),
            ("inspect", inspect, "what images say about themselves"),
        ),
    ),
    (
        "Kubernetes",
        (
            ("pod-security", pod_security, "judge manifests by the Pod Security Standards"),
            ("admission-policy", admission_policy, "a policy by which a cluster refuses root"),
        ),
    ),
    (
        "Pull requests",
        (
            ("pr", pr, "open them for one or many repositories"),
            ("plan", plan, "compute them without any right to write"),
            ("publish", publish, "open what 'plan' has computed"),
        ),
    ),
)

for _title, _some in _COMMANDS:
    for _name, _module, _line in _some:
        app.command(_name, cls=Command, help=_module.HELP, short_help=_line, rich_help_panel=_title or None)(
            _module.command
        )

# For who works on this project; the page of help is for who uses it.
app.command("new-rule", cls=Command, help=new_rule.HELP, hidden=True)(new_rule.command)
