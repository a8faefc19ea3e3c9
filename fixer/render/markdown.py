"""The report as Markdown: for the summary of a step on GitHub, a comment, a wiki."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fixer.model import Finding, Severity, Status
from fixer.render.diff import diff
from fixer.render.report import Report, headline, notes, told, worst_first
from fixer.render.words import code, escaped, fenced, source_line
from fixer.rules import name_of

# GitHub takes 1 MiB for the summary of a step, and shows nothing of what is longer.
MOST_BYTES = 1_000_000
_MOST_CELL = 600
_STATUS = {Status.FOUND: "found", Status.FIXED: "would be fixed", Status.REFUSED: "left"}


def to_markdown(report: Report, most_bytes: int = MOST_BYTES) -> str:
    """The counts, a table of all findings with the worst first, what was not read, and the diff of a fix.

    Args:
        report: what to tell.
        most_bytes: no more bytes of UTF-8 than these; what is left out is counted.
    """
    out = _Text(most_bytes - 500)  # for the sentences about what did not fit
    findings = worst_first(report.open)
    out.add(["# fixer", "", f"**{escaped(headline(report))}**", ""])
    out.add([f"{escaped(words)}.\n" for words in notes(report)])
    if findings:
        status = report.fixing
        out.add([_counts(findings), "", _HEAD[status], _RULE[status]])
        out.rows((_row(finding, status) for finding in findings), len(findings), "findings")
    unread = report.unread
    if unread:
        out.add(["## Not read", ""])
        rows = (f"- {code(one.path)}: {escaped(one.message)} ({code(one.reason)})" for one in unread)
        out.rows(rows, len(unread), "files")
    if report.result.changes:
        out.add(["## The diff", ""])
        each = (_diff(diff(change).decode("utf-8", "surrogateescape")) for change in report.result.changes)
        out.rows(each, len(report.result.changes), "files")
    return "\n".join(out.lines).rstrip() + "\n"


class _Text:
    """Lines that have room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.lines: list[str] = []
        self.room = room

    def add(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.lines.append(line)
            self.room -= len(line.encode()) + 1

    def rows(self, rows: Iterable[str], number: int, what: str) -> None:
        """Add as many rows as there is room for, and say how many are missing."""
        for n, row in enumerate(rows):
            if len(row.encode()) + 1 > self.room:
                self.add(["", f"_{number - n} more {what} are left out here: there is room for so much only._"])
                break
            self.add([row])
        self.lines.append("")


_HEAD = {
    False: "| severity | rule | place | what | why, and what to do |",
    True: "| severity | rule | place | what | why, and what to do | becomes |",
}
_RULE = {False: "|---|---|---|---|---|", True: "|---|---|---|---|---|---|"}


def _counts(findings: Iterable[Finding]) -> str:
    findings = list(findings)
    counts = ((severity, sum(f.severity is severity for f in findings)) for severity in reversed(Severity))
    return ", ".join(f"{number} {severity.word}" for severity, number in counts if number)


def _row(finding: Finding, status: bool) -> str:
    why = "<br>".join(map(_cell, told(finding)))
    cells = [
        finding.severity.word,
        f"{finding.rule} {name_of(finding.rule)}",
        code(f"{finding.path}:{finding.line}"),
        _cell(finding.message),
        why,
    ]
    return f"| {' | '.join([*cells, *([_STATUS[finding.status]] if status else [])])} |"


def _cell(text: str) -> str:
    return escaped(text if len(text) <= _MOST_CELL else f"{text[: _MOST_CELL - 1]}…")


def _diff(text: str) -> str:
    return fenced("\n".join(_shown(text)), "diff") + "\n"


def _shown(text: str) -> Iterator[str]:
    for line in text.removesuffix("\n").split("\n"):
        yield source_line(line)
