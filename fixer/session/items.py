"""What is asked about at once: a finding, or several whose fixes stand or fall together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from types import ModuleType

from fixer.model import Finding, Safety, Status
from fixer.render.fingerprints import Lines
from fixer.rules import find
from fixer.tuples import NamedTuple


class Item(NamedTuple):
    """One question: the file by its absolute path, and the findings, the leading one first, each with its mark."""

    place: str
    findings: tuple[Finding, ...]
    marks: tuple[str, ...]

    @property
    def lead(self) -> Finding:
        """The finding that the question is about."""
        return self.findings[0]

    @property
    def rule(self) -> ModuleType:
        """The rule that it is from."""
        rule = find(self.lead.rule)
        assert rule is not None
        return rule

    @property
    def repairable(self) -> bool:
        """Whether there is a fix that may be applied as it is."""
        return self.lead.status is Status.FOUND and self.lead.fix is not None

    @property
    def safety(self) -> Safety:
        """That of the least safe of its fixes."""
        return min((f.fix.safety for f in self.findings if f.fix is not None), default=Safety.MANUAL)


def items(place: str, findings: Iterable[Finding], data: bytes) -> tuple[Item, ...]:
    """The questions about one file: those with a fix first, each in the order in which `fix` applies them.

    Args:
        place: the absolute path of the file.
        findings: what was found in it.
        data: its bytes, for the marks.
    """
    marked = list(_marked(findings, data))
    groups: dict[str, list[tuple[Finding, str]]] = {}
    for n, (finding, mark) in enumerate(marked):
        groups.setdefault(_group(finding) or f"#{n}", []).append((finding, mark))
    out = [_item(place, group) for group in groups.values()]
    return tuple(sorted(out, key=_rank))


def _rank(item: Item) -> tuple[bool, int, str, tuple[str, int, int, str, str]]:
    """The worst first, so that one file ends up the same whether all is accepted here or fixed at once."""
    return not item.repairable, -item.lead.severity, item.lead.rule, item.lead.sort_key()


def _group(finding: Finding) -> str:
    """What a finding stands or falls with: stages of one Dockerfile may share the user that one of them makes."""
    if finding.status is not Status.FOUND or finding.fix is None or not finding.fix.group:
        return ""
    return "stages" if finding.rule.startswith("DF") else finding.fix.group


def _item(place: str, group: list[tuple[Finding, str]]) -> Item:
    ordered = sorted(group, key=lambda row: not (row[0].fix is not None and row[0].fix.leads))
    return Item(place, tuple(finding for finding, _ in ordered), tuple(mark for _, mark in ordered))


def _marked(findings: Iterable[Finding], data: bytes) -> Iterable[tuple[Finding, str]]:
    """Each finding with what names it, whatever moves above it: rule, path, words, and the line that it is about.

    Unlike the mark of a report it has the words too: after an answer fewer may speak of one line, in another order.
    """
    seen: dict[str, int] = {}
    findings = list(findings)
    lines = Lines(dict.fromkeys((finding.path for finding in findings), data))
    for finding in findings:
        line = lines.at(finding).strip()
        key = "\0".join((finding.rule, finding.path, finding.message, "")).encode("utf-8", "surrogateescape") + line
        mark = hashlib.sha256(key).hexdigest()[:20]
        seen[mark] = seen.get(mark, 0) + 1
        yield finding, f"{mark}-{seen[mark]}"
