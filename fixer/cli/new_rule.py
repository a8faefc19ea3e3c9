"""`fixer new-rule`: the files of a new rule, for who works on this project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fixer.model import RuleKind

HELP = (
    "Write the files of a new rule into a checkout of nonroot-fixer: the rule, its line in the table, and two cases,"
    " whose tests say what to fill in. Exit code: 0 written, 2 error."
)


def command(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, such as DF022.", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, such as root-user.", show_default=False)],
    kind: Annotated[RuleKind, typer.Option("--kind", help="What it looks at.")] = RuleKind.DOCKERFILE,
) -> None:
    """Parse words, write, tell what is next."""
    from fixer import console
    from fixer.deliver.scaffold import new_rule

    for path in new_rule(Path(), rule_id, name, kind):
        console.show([[(path, "bold"), (": written", "")]])
    console.show([[(f"next: python -m pytest tests/rules -n0 -k {name}, which tells what to fill in", "")]])
