"""`fixer rules`: the table of rules."""

from __future__ import annotations

from fixer.cli.options import Format, FormatOption

HELP = "List the rules."


def command(output: FormatOption = Format.TEXT) -> None:
    """Print the table."""
    from fixer import console
    from fixer.rules import all_rules

    cards = [rule.CARD for rule in all_rules()]
    if output is Format.JSON:
        import json

        rows = [
            {
                "id": card.id,
                "name": card.name,
                "title": card.title,
                "severity": card.severity.word,
                "goals": sorted(goal.value for goal in card.goals),
                "standards": list(card.standards),
            }
            for card in cards
        ]
        console.text(json.dumps(rows, indent=2) + "\n")
        return
    width = max(len(card.name) for card in cards)
    console.show([(card.id, "bold"), (f"  {card.name:<{width}}  ", "cyan"), (card.title, "")] for card in cards)
