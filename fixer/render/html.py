"""The report as one page of HTML that needs nothing else: no script, no network, every word of others escaped.

Its policy (CSP) allows one style, by its hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from fixer.model import FileChange, Finding, Severity, Status
from fixer.render.diff import groups, lines_of
from fixer.render.drawing import WIDTH, Drawing, drawings
from fixer.render.fingerprints import Lines
from fixer.render.report import Report, headline, notes
from fixer.render.summary import LEFT_OUT
from fixer.render.words import plain, source_line, visible
from fixer.rules import name_of
from fixer.templates import read_template, render
from fixer.tuples import NamedTuple

# More makes a page that no browser likes.
MOST_FINDINGS = 5000
MOST_BOXES = 600
MOST_ROWS = 20_000
_OPEN = 12  # units whose findings are shown at once
_STATUS = {Status.FOUND: "", Status.FIXED: "would be fixed", Status.REFUSED: "left for a person"}
_LONGEST_LINE = 400


class _Row(NamedTuple):
    """One finding, in plain words."""

    severity: str
    rule: str
    name: str
    place: str
    message: str
    line: str
    reason: str
    fix: str
    safety: str
    instructions: str
    left: str
    code: str
    others: tuple[str, ...]
    status: str


class _Side(NamedTuple):
    """One line of a diff: its number and text on both sides, "" where a side has none, and what happened to it."""

    kind: str
    before: str
    old: str
    after: str
    new: str


class _Change(NamedTuple):
    path: str
    rows: tuple[_Side, ...]
    more: int


class _Section(NamedTuple):
    """One unit: its files, its findings with the worst first, and its changes."""

    id: str
    name: str
    paths: tuple[str, ...]
    counts: str
    findings: tuple[_Row, ...]
    changes: tuple[_Change, ...]
    worst: int


def to_html(report: Report) -> str:
    """The whole page."""
    style = read_template("report/style.css")
    made, outside, hidden = _drawings(report)
    sections = _sections(report)
    shown = sum(len(section.findings) for section in sections)
    return render(
        "report/page.html.j2",
        style=style,
        hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        version=report.version,
        headline=headline(report),
        notes=tuple(notes(report)),
        counts=_severities(report.open),
        rules=_rules(report.open),
        sections=sections,
        open=len(sections) <= _OPEN,
        missing=len(report.open) - shown,
        made=made,
        outside=outside,
        hidden=hidden,
        box=WIDTH,
        unread=[(plain(one.path), plain(one.message), plain(one.reason)) for one in report.unread],
        left_out=sorted(Counter(s.reason for s in report.result.skipped if s.reason in LEFT_OUT).items()),
        fixing=report.fixing,
        written=report.written,
    )


# --- findings ---------------------------------------------------------------------------------------------------------


def _sections(report: Report) -> tuple[_Section, ...]:
    unit_of = {path: name for name, paths in report.units.items() for path in paths}
    findings: dict[str, list[Finding]] = defaultdict(list)
    lines = Lines(report.texts)
    for finding in report.open:
        findings[unit_of.get(finding.path, finding.path)].append(finding)
    changes: dict[str, list[FileChange]] = defaultdict(list)
    for change in report.result.changes:
        changes[unit_of.get(change.whole_path, change.whole_path)].append(change)
    names = sorted({*findings, *changes}, key=lambda name: (-_worst(findings[name]), name))
    room, rows = MOST_FINDINGS, MOST_ROWS
    out: list[_Section] = []
    for number, name in enumerate(names, 1):
        of_unit = sorted(findings[name], key=lambda f: (-f.severity, f.sort_key()))[:room]
        room -= len(of_unit)
        sides = [_change(change, rows) for change in changes[name]]
        rows -= sum(len(side.rows) for side in sides)
        paths = dict.fromkeys(plain(f.path) for f in sorted(findings[name], key=Finding.sort_key))
        if of_unit or sides:
            told = tuple(_row(finding, lines.text(finding)) for finding in of_unit)
            counts = ", ".join(f"{n} {word}" for word, n in _severities(findings[name]) if n)
            worst = _worst(findings[name])
            out.append(_Section(f"unit-{number}", plain(name), tuple(paths), counts, told, tuple(sides), worst))
    return tuple(out)


def _worst(findings: Iterable[Finding]) -> int:
    return max((finding.severity for finding in findings), default=-1)


def _row(finding: Finding, line: str) -> _Row:
    fix, refusal = finding.fix, finding.refusal
    offered = fix if fix is not None and finding.status is not Status.REFUSED else None
    risk = f": {offered.risk}" if offered is not None and offered.risk else ""
    return _Row(
        finding.severity.word,
        finding.rule,
        name_of(finding.rule),
        plain(f"{finding.path}:{finding.line}"),
        plain(finding.message),
        source_line(line.strip()[:_LONGEST_LINE]),
        plain(finding.reason),
        plain(offered.title) if offered is not None else "",
        plain(f"{offered.safety.word}{risk}") if offered is not None else "",
        visible(offered.instructions) if offered is not None else "",
        visible(refusal.message) if refusal is not None else "",
        plain(refusal.code) if refusal is not None else "",
        tuple(plain(f"{other.title} ({other.safety.word})") for other in finding.alternatives),
        _STATUS[finding.status],
    )


def _severities(findings: Iterable[Finding]) -> tuple[tuple[str, int], ...]:
    counts = Counter(finding.severity for finding in findings)
    return tuple((severity.word, counts[severity]) for severity in reversed(Severity))


def _rules(findings: Iterable[Finding]) -> list[tuple[str, str, int]]:
    counts = Counter(finding.rule for finding in findings)
    return [(rule, name_of(rule), n) for rule, n in sorted(counts.items(), key=lambda row: (-row[1], row[0]))]


# --- diffs ------------------------------------------------------------------------------------------------------------


def _change(change: FileChange, room: int) -> _Change:
    rows = list(_sides(change))
    return _Change(plain(change.whole_path), tuple(rows[: max(room, 0)]), max(0, len(rows) - max(room, 0)))


def _sides(change: FileChange) -> Iterator[_Side]:
    old, new = lines_of(change.before), lines_of(change.after)
    for group in groups(old, new):
        yield _Side("hunk", "", f"from line {group[0][1] + 1}", "", f"from line {group[0][3] + 1}")
        for tag, a, b, c, d in group:
            for i, j in zip_longest(range(a, b), range(c, d)):
                yield _Side(
                    "same" if tag == "equal" else "changed",
                    "" if i is None else str(i + 1),
                    "" if i is None else _text(old[i]),
                    "" if j is None else str(j + 1),
                    "" if j is None else _text(new[j]),
                )


def _text(line: bytes) -> str:
    text = line.decode("utf-8", "surrogateescape")
    shown = source_line(text.removeprefix("\ufeff"))
    ends = "" if text.endswith("\n") else " (no newline at the end of the file)"
    return f"{shown[: _LONGEST_LINE * 5]}{ends}"


# --- the graph --------------------------------------------------------------------------------------------------------


def _drawings(report: Report) -> tuple[list[Drawing], list[Drawing], int]:
    """What is made here, what only comes from outside, and how many of both had no room."""
    counts = Counter(finding.path for finding in report.open)
    made: list[Drawing] = []
    outside: list[Drawing] = []
    hidden, room = 0, MOST_BOXES
    for files, graph in report.graphs:
        here = {path: counts[whole] for path, whole in files.items()}
        for one in sorted(drawings(graph, here), key=lambda drawing: not drawing.is_made_here):
            room -= len(one.boxes)
            if room < 0:
                hidden += 1
            else:
                (made if one.is_made_here else outside).append(one)
    return made, outside, hidden
