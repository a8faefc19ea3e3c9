"""Ignores that people write into files: `# fixer: ignore[RULE] reason`, above an instruction or inside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fixer.lazy import regex
from fixer.model import Span
from fixer.syntax.dockerfile import Dockerfile

if TYPE_CHECKING:
    from fixer.syntax.yaml import Document, Node

_IGNORE = regex(r"^[ \t]*#[ \t]*fixer:[ \t]*ignore(?:\[([^\]\n]*)\])?[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)

# In YAML a comment may stand behind a value.
_YAML_IGNORE = regex(r"(?:(?<=[ \t])|^)#[ \t]*fixer:[ \t]*ignore(?:\[([^\]\n]*)\])?[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)


def comment(rule: str, reason: str) -> str:
    """The comment that silences a rule, as the functions below read it, without a line end."""
    return f"# fixer: ignore[{rule}] {' '.join(reason.split())}".rstrip()


class Ignore:
    """One ignore comment: where it stands, which rules it names (ids or names; none means all), and its scope.

    `line` is its own (0 where it stands behind something), `first` and `last` are those of the instruction that it
    covers; `used` collects the rules that it silenced. What stands on its own line is about the comment itself, and not
    covered.
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


def comments(text: str, documents: Sequence[Document]) -> list[Ignore]:
    """The ignore comments of a file of YAML, in order, as far as they stand in one of these documents.

    A comment covers the key or the item that begins in its own line, else the next one, with all that is below it.
    """
    if "fixer:" not in text:
        return []
    out: list[Ignore] = []
    for match in _YAML_IGNORE.finditer(text):
        document = next((d for d in documents if d.span.start <= match.start() < d.span.end), None)
        if document is None or _in_text(document.root, match.start()):
            continue
        first = text.rfind("\n", 0, match.start()) + 1
        covered = next((span for span in _parts(document.root) if span.start >= first), None)
        line = text.count("\n", 0, match.start()) + 1
        names = frozenset(name.strip() for name in (match[1] or "").split(",") if name.strip())
        lines = (0, -1)
        if covered is not None:
            lines = (text.count("\n", 0, covered.start) + 1, text.count("\n", 0, covered.end) + 1)
        behind = text[first : match.start()].strip() != ""
        out.append(Ignore(Span(match.start(), match.end()), names, match[2], 0 if behind else line, *lines))
    return out


def _parts(root: Node) -> Iterator[Span]:
    """The keys with their values and the items of a document in the order of the text, the outermost first."""
    from fixer.syntax.yaml import Map, Seq

    pending = [(root.span, root)]
    while pending:
        span, node = pending.pop()
        yield span
        if isinstance(node, Map):
            below = [(Span(entry.key.start, entry.value.end), entry.value) for entry in node.entries]
        elif isinstance(node, Seq):
            below = [(item.span, item) for item in node.items]
        else:
            below = []
        pending += below[::-1]


def _in_text(root: Node, offset: int) -> bool:
    """Whether an offset lies inside a scalar, so that what looks like a comment is text."""
    from fixer.syntax.yaml import Map, Scalar, Seq

    node: Node | None = root
    while node is not None and not isinstance(node, Scalar):
        values = [one for entry in node.entries for one in entry] if isinstance(node, Map) else []
        below = node.items if isinstance(node, Seq) else values
        node = next((one for one in below if one.start <= offset < one.end), None)
    return node is not None


_LINE_IGNORE = regex(
    r"(?:(?<=[ \t])|^)(?:#|//|;)[ \t]*fixer:[ \t]*ignore(?:\[([^\]\n]*)\])?[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE
)


def beside_lines(text: str, documents: Sequence[Document] = ()) -> list[Ignore]:
    """The ignore comments of a script, a make file or a unit, in order; for CI files those on keys and items too.

    A comment covers its own line or, where it stands alone, the next one that is no comment, both with the lines that
    continue them.
    """
    if "fixer:" not in text:
        return []
    out = comments(text, documents)
    seen = {ignore.span for ignore in out}
    lines = text.split("\n")
    for match in _LINE_IGNORE.finditer(text):
        span = Span(match.start(), match.end())
        if span in seen:
            continue
        line = text.count("\n", 0, match.start()) + 1
        behind = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip() != ""
        first = line if behind else _next_line(lines, line)
        last = first
        while last < len(lines) and lines[last - 1].rstrip().endswith("\\"):
            last += 1
        names = frozenset(name.strip() for name in (match[1] or "").split(",") if name.strip())
        out.append(Ignore(span, names, match[2], 0 if behind else line, first, last))
    return out


def _next_line(lines: list[str], line: int) -> int:
    """The number of the next line that is neither blank nor a comment."""
    for number in range(line + 1, len(lines) + 1):
        if lines[number - 1].strip() and not lines[number - 1].lstrip().startswith(("#", "//", ";")):
            return number
    return line
