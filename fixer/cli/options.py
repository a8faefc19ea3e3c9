"""Options that commands share, and the configuration that they make."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fixer import config as configuration
from fixer.config import Config
from fixer.errors import UsageError
from fixer.model import Goal


class Format(StrEnum):
    """Report formats."""

    TEXT = "text"
    JSON = "json"


Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Files and folders; the current folder when none is named.", show_default=False),
]
GoalOption = Annotated[
    Goal | None, typer.Option("--goal", help="What to reach (default: restricted).", show_default=False)
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to report.")]
SelectOption = Annotated[
    str, typer.Option("--select", metavar="R,..", help="Only these rules, by id or name.", show_default=False)
]
IgnoreOption = Annotated[str, typer.Option("--ignore", metavar="R,..", help="Not these rules.", show_default=False)]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Read this configuration.", show_default=False)
]
NoConfigOption = Annotated[bool, typer.Option("--no-config", help="Read no configuration.")]
NoIgnoresOption = Annotated[bool, typer.Option("--no-ignores", help="Do not honour '# fixer: ignore[..]' comments.")]


def configured(
    paths: list[Path],
    goal: Goal | None,
    select: str,
    ignore: str,
    file: Path | None,
    no_config: bool,
    no_ignores: bool,
) -> Config:
    """The configuration of a run: the file, and the options over it.

    Raises:
        UsageError: for contradicting options, unknown rules, and configuration that cannot be meant.
    """
    if file is not None and no_config:
        raise UsageError("--config and --no-config contradict each other; give one of them")
    if file is None and not no_config and paths:
        file = configuration.find(paths[0])
    config = configuration.load(file) if file is not None else Config()
    config = config.with_options(
        goal=goal,
        select=_rules(select) or None,
        ignore=config.ignore | _rules(ignore),
        honour_ignores=False if no_ignores else None,
    )
    known(config.select | config.ignore)
    return config


def _rules(words: str) -> frozenset[str]:
    return frozenset(word.strip() for word in words.split(",") if word.strip())


def known(words: frozenset[str]) -> None:
    """Refuse a word that is no rule.

    Raises:
        UsageError: with the closest name.
    """
    if not words:
        return
    from difflib import get_close_matches

    from fixer.rules import RULES, find

    for word in sorted(words):
        if find(word) is None:
            names = [n for rule in RULES for n in (rule.CARD.name, rule.CARD.id)]
            close = get_close_matches(word, names, 1)
            hint = f", did you mean '{close[0]}'?" if close else ""
            raise UsageError(f"unknown rule '{word}'{hint}; 'fixer rules' lists them")
