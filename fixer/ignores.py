"""Ignores that people write into files: `# fixer: ignore[RULE] reason`, above an instruction or inside it."""

from __future__ import annotations

import re

from fixer.lazy import regex
from fixer.model import Span
from fixer.syntax.dockerfile import Dockerfile

_IGNORE = regex(r"^[ \t]*#[ \t]*fixer:[ \t]*ignore(?:\[([^\]\n]*)\])?[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)


class Ignore:
    """One ignore comment: where it stands, which rules it names (ids or names; none means all), and its scope.

    `line` is its own, `first` and `last` are those of the instruction that it covers; `used` collects the rules that it
    silenced. What stands on its own line is about the comment itself, and not covered.
    """

    def __init__(self, span: Span, rules: frozenset[str], reason: str, line: int, first: int, last: int) -> None:
        self.span = span
        self.rules = rules
        self.reason = reason
        self.line = line
        self.first = first
        self.last = last
        self.used: set[str] = set()

    def covers(self, line: int, rule_id: str, rule_name: str) -> bool:
        """Whether a finding of this rule on this line is silenced; if so, the ignore counts as used."""
        if not self.first <= line <= self.last or line == self.line:
            return False
        if self.rules and not self.rules & {rule_id, rule_name}:
            return False
        self.used |= self.rules & {rule_id, rule_name} or {rule_id}
        return True

    @property
    def unused(self) -> frozenset[str]:
        """The named rules that it silenced nothing of; for a bare ignore `*` when it silenced nothing at all."""
        if not self.rules:
            return frozenset() if self.used else frozenset({"*"})
        return self.rules - self.used


def ignores(dockerfile: Dockerfile) -> list[Ignore]:
    """The ignore comments of a file, in order. One inside a heredoc is text, not a comment."""
    if "fixer:" not in dockerfile.text:
        return []
    out: list[Ignore] = []
    for match in _IGNORE.finditer(dockerfile.text):
        if any(doc.span.start <= match.start() < doc.span.end for item in dockerfile for doc in item.heredocs):
            continue
        item = next((i for i in dockerfile if i.span.end > match.start()), None)
        names = frozenset(name.strip() for name in (match[1] or "").split(",") if name.strip())
        span = Span(match.start(), match.end())
        first, last = (item.line, item.end_line) if item is not None else (0, -1)
        line = dockerfile.text.count("\n", 0, match.start()) + 1
        out.append(Ignore(span, names, match[2], line, first, last))
    return out
