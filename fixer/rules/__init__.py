"""The rules: a table for each kind of file, in the package of its rules, and what is asked about all of them."""

from __future__ import annotations

from functools import cache
from types import ModuleType

Rules = tuple[ModuleType, ...]


def on_dockerfiles() -> Rules:
    """The rules on Dockerfiles."""
    from fixer.rules.dockerfile import RULES

    return RULES


def on_manifests() -> Rules:
    """The rules on manifests of Kubernetes; they are imported only where there is one."""
    from fixer.rules.kubernetes import RULES

    return RULES


def on_compose() -> Rules:
    """The rules on files of Compose; they are imported only where there is one."""
    from fixer.rules.compose import RULES

    return RULES


def on_runs() -> Rules:
    """The rules on commands that start containers; they are imported only where there is one."""
    from fixer.rules.running import RULES

    return RULES


def of_table(name: str) -> Rules:
    """The rules of one table, by the name that a view gives."""
    tables = {"dockerfiles": on_dockerfiles, "manifests": on_manifests, "compose": on_compose, "runs": on_runs}
    return tables[name]()


@cache
def all_rules() -> Rules:
    """Every rule once, in the order of the tables."""
    return tuple(dict.fromkeys((*on_dockerfiles(), *on_manifests(), *on_compose(), *on_runs())))


@cache
def name_of(rule_id: str) -> str:
    """The name of a rule, from its id."""
    tables = {"KS": on_manifests, "CS": on_compose, "RT": on_runs}
    for rule in tables.get(rule_id[:2], on_dockerfiles)():
        if rule.CARD.id == rule_id:
            return str(rule.CARD.name)
    raise KeyError(rule_id)


def find(word: str) -> ModuleType | None:
    """The rule with this id (in any case) or name, or None."""
    return next((r for r in all_rules() if word.upper() == r.CARD.id or word == r.CARD.name), None)
