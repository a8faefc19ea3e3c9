"""The table of rules: one line a rule, in the order in which they are asked."""

from __future__ import annotations

from types import ModuleType

from fixer.rules.dockerfile import root_user, unchowned_copy, unwritable_path

RULES: tuple[ModuleType, ...] = (
    root_user,
    unchowned_copy,
    unwritable_path,
)

_NAMES = {rule.CARD.id: rule.CARD.name for rule in RULES}


def name_of(rule_id: str) -> str:
    """The name of a rule, from its id."""
    return _NAMES[rule_id]


def find(word: str) -> ModuleType | None:
    """The rule with this id (in any case) or name, or None."""
    return next((r for r in RULES if word.upper() == r.CARD.id or word == r.CARD.name), None)
