"""The page of a rule, as `fixer explain` and a session show it."""

from __future__ import annotations

from types import ModuleType


def page(rule: ModuleType) -> str:
    """The card of a rule and its docstring, as plain text with a final line end."""
    card = rule.CARD
    goals = ", ".join(sorted(goal.value for goal in card.goals))
    head = f"{card.id} {card.name} ({card.severity.word})\n{'; '.join(card.standards)}\nGoals: {goals}"
    return f"{head}\n\n{(rule.__doc__ or '').strip()}\n"
