"""`fixer explain RULE`: the page of a rule."""

from __future__ import annotations

from typing import Annotated

import typer

HELP = "Explain a rule: what it finds, why it matters, how safe its fix is."


def command(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Id or name of a rule.", show_default=False)],
) -> None:
    """Print the page."""
    from fixer import console
    from fixer.cli.runs import known
    from fixer.render.page import page
    from fixer.rules import find

    known(frozenset({rule}))
    found = find(rule)
    assert found is not None
    console.text(page(found))
