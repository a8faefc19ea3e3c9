"""A comment ignores what is not there.

## What it finds
Comments of the form `fixer: ignore[rule] reason` that silenced nothing, that name a rule which does not exist, or that
give no reason. Only rules that ran count: `--select` and `--goal` make no ignore useless.

## Why it matters
An ignore that outlived its finding hides the next one at the same place. A misspelt name silences nothing, though
somebody believes that it does (`low`; the rest is `info`). And without a reason nobody dares to remove it.

## How safe the fix is
None is applied: comments are the words of people. The instructions say what to write.

## References
The part on ignores in the README.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.errors import near
from fixer.ignores import Ignore
from fixer.model import Finding, Fix, Safety, Severity
from fixer.rules.base import Card, DockerfileView

CARD = Card(
    id="DF020",
    name="unused-ignore",
    title="A comment ignores what is not there",
    severity=Severity.INFO,
)
_OWN = frozenset({CARD.id, CARD.name})


def check(view: DockerfileView) -> Iterator[Finding]:
    """Findings for each ignore comment; this rule runs when all others have spoken."""
    ran = view.selected | ({"*"} if view.selected >= view.known else set())
    for ignore in view.ignores:
        for word in sorted(ignore.rules - view.known):
            yield _unknown(view, ignore, word)
        for word in sorted((ignore.unused & ran) - _OWN):
            yield _unused(view, ignore, word)
        if not ignore.reason:
            fix = _fix("give a reason", "write behind the bracket why this may stay as it is")
            yield view.finding(CARD, ignore.span, "this ignore comment gives no reason", fix=fix)


def _unknown(view: DockerfileView, ignore: Ignore, word: str) -> Finding:
    fix = _fix("correct the name", "write the name of a rule; 'fixer rules' lists them")
    message = f"there is no rule '{word}'{near(word, sorted(view.known))}"
    return view.finding(CARD, ignore.span, message, fix=fix, severity=Severity.LOW)


def _unused(view: DockerfileView, ignore: Ignore, word: str) -> Finding:
    what = "this ignore comment" if word == "*" else f"ignore[{word}]"
    fix = _fix("remove it", "remove the comment, or the rule from its list")
    return view.finding(CARD, ignore.span, f"{what} silences nothing", fix=fix)


def _fix(title: str, instructions: str) -> Fix:
    return Fix(title, Safety.MANUAL, "comments are the words of people", instructions=instructions)
