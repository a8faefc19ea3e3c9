"""`fixer explain RULE`: the page of a rule, or of a reason code."""

from __future__ import annotations

from typing import Annotated

import typer

from fixer.cli.completion import explained, reason_codes
from fixer.errors import UsageError, near

HELP = (
    "Explain a rule: what it finds, why it matters, how safe its fix is; or a reason code: why something is left, and"
    " what to do."
)


def command(
    rule: Annotated[
        str,
        typer.Argument(
            metavar="RULE",
            help="Id or name of a rule, or a reason code.",
            show_default=False,
            autocompletion=explained,
        ),
    ],
) -> None:
    """Print the page of a rule, or what a reason code says."""
    from fixer import console
    from fixer.render.page import page
    from fixer.rules import all_rules, find

    found = find(rule)
    reasons = reason_codes()
    if found is None and rule not in reasons:
        names = [*(name for one in all_rules() for name in (one.CARD.name, one.CARD.id)), *reasons]
        raise UsageError(
            f"'{rule}' is no rule and no reason code{near(rule, names)}; 'fixer rules' lists the rules, and a report"
            " has the codes in brackets"
        )
    pages = [] if found is None else [page(found)]
    if rule in reasons:
        pages.append("".join(f"{line}\n" for line in (f"[{rule}] as a reason code", *reasons[rule])))
    console.text("\n".join(pages))
