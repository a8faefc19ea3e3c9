"""`fixer explain RULE`: the page of a rule."""

from __future__ import annotations

from typing import Annotated

import typer

from fixer.cli.completion import rule_words

HELP = "Explain a rule: what it finds, why it matters, how safe its fix is."


def command(
    rule: Annotated[
        str,
        typer.Argument(metavar="RULE", help="Id or name of a rule.", show_default=False, autocompletion=rule_words),
    ],
) -> None:
    """Print the page."""
    from fixer import console
    from fixer.cli.runs import known
    from fixer.rules import find

    known(frozenset({rule}))
    found = find(rule)
    assert found is not None
    card = found.CARD
    goals = ", ".join(sorted(goal.value for goal in card.goals))
    console.text(
        f"{card.id} {card.name} ({card.severity.word})\n{'; '.join(card.standards)}\nGoals:"
        f" {goals}\n\n{(found.__doc__ or '').strip()}\n"
    )
