"""After-conditions inside every run: the result parses, and differs from before by exactly the plan."""

from __future__ import annotations

from collections import Counter

from fixer.edits.dockerfile import Plan
from fixer.errors import Unreadable
from fixer.model import Edit, Span
from fixer.source import SourceFile, apply_edits
from fixer.syntax.dockerfile import Dockerfile, Instruction, parse


class Broken(Exception):
    """The result is not what was meant; the file stays as it was."""


def prove(before: SourceFile, tree: Dockerfile, plan: Plan, after: SourceFile) -> None:
    """Compare the meaning before and after.

    Raises:
        Broken: when the result does not parse, loses a comment, or differs by more or less than the plan.
    """
    try:
        result = parse(after.text)
    except Unreadable as error:
        raise Broken(f"the result would not parse ({error.message})") from error
    _same_comments(before.text, after.text)
    if result.directives != tree.directives:
        raise Broken("the result would change the parser directives")
    kept = [i for i in tree if i.index not in plan.removed]
    inserted = Counter(_joined(line) for line in plan.inserted)
    position = 0
    for item in result:
        if position < len(kept) and _meant(kept[position], plan) == item.source[item.span.start : item.span.end]:
            position += 1
        elif inserted[_joined(item.source[item.span.start : item.span.end])] > 0:
            inserted[_joined(item.source[item.span.start : item.span.end])] -= 1
        else:
            raise Broken(f"the result would hold an instruction that nobody planned: {item.logical[:60]}")
    if position != len(kept) or +inserted:
        raise Broken("the result would lack an instruction")


def _meant(item: Instruction, plan: Plan) -> str:
    """The text that an instruction must have afterwards: its own, with the edits that lie inside it."""
    start, end = item.span.start, item.span.end
    text = item.source[start:end]
    if item.index not in plan.touched:
        return text
    inside = [e for e in plan.edits if start < e.span.start and e.span.end <= end and not _next_line(e, end)]
    return apply_edits(text, [Edit(Span(e.span.start - start, e.span.end - start), e.text) for e in inside])


def _next_line(edit: Edit, end: int) -> bool:
    """Whether an edit puts lines behind an instruction that ends the file without a newline."""
    return edit.span.start == end and edit.text.startswith(("\n", "\r\n"))


def _joined(text: str) -> str:
    return " ".join(text.split())


def _same_comments(before: str, after: str) -> None:
    old = Counter(line.strip() for line in before.split("\n") if line.lstrip().startswith("#"))
    new = Counter(line.strip() for line in after.split("\n") if line.lstrip().startswith("#"))
    if old - new:
        raise Broken("the result would lose a comment")
