"""SARIF 2.1.0, as GitHub's code scanning takes it: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

What GitHub would refuse is kept out: no more than 25,000 results, and fewer where they would have more than 10 MB when
they are compressed. The least severe are left out then, and a notification says how many.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from fixer.model import FileChange, Finding, Severity, Skipped, Status
from fixer.render.diff import groups, lines_of
from fixer.render.fingerprints import Lines
from fixer.render.linehash import line_hashes
from fixer.render.report import Report, told
from fixer.render.words import visible
from fixer.rules import find, name_of
from fixer.source import BOM

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000
MOST_BYTES = 10_000_000
_MOST_NOTES = 500
_MOST_TAGS = 10
_LONGEST = 1000
_LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note", Severity.INFO: "note"}
# GitHub calls from 9.0 on critical, from 7.0 high, from 4.0 medium, and what is below low.
_SCORES = {Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "3.0"}
_BASE = "%SRCROOT%"


def to_sarif(report: Report, most: int = MOST_RESULTS, most_bytes: int = MOST_BYTES) -> str:
    """The findings that are in the files as a SARIF log, as JSON text with a final newline.

    Args:
        report: what to tell.
        most: no more results than these.
        most_bytes: no more bytes than these, compressed.
    """
    findings, rows = report.open, _rows(report)
    worst = sorted(range(len(rows)), key=lambda n: -findings[n].severity)
    kept = min(len(rows), most)
    while len(text := _log(report, [rows[n] for n in sorted(worst[:kept])], len(rows))) > most_bytes:
        size = len(zlib.compress(text.encode(), 6))
        if size <= most_bytes or not kept:
            break
        # a little fewer than would just do: what stands around them takes room too
        kept = min(kept - 1, int(kept * most_bytes / size * 0.95))
    return text


def _rows(report: Report) -> list[str]:
    """The results, each as JSON text."""
    rules = {rule: n for n, rule in enumerate(_rules(report))}
    fixes = {} if report.written else _fixes(report)
    lines, hashes = Lines(report.texts), dict[str, list[str]]()
    rows: list[str] = []
    for finding, mark in report.fingerprinted():
        if finding.path not in hashes:
            hashes[finding.path] = line_hashes(report.texts.get(finding.path, b""))
        row = _result(finding, lines.text(finding))
        row["ruleIndex"] = rules[finding.rule]
        marks = {"fixerFingerprint/v1": mark}
        if 0 < finding.line <= len(hashes[finding.path]):
            marks["primaryLocationLineHash"] = hashes[finding.path][finding.line - 1]
        row["partialFingerprints"] = marks
        if finding.status is Status.FIXED and finding.path in fixes:
            row["fixes"] = [fixes.pop(finding.path)]
        rows.append(json.dumps(row))
    return rows


def _rules(report: Report) -> list[str]:
    return sorted({finding.rule for finding in report.open})


def _log(report: Report, rows: list[str], number: int) -> str:
    run = {
        "tool": {"driver": _driver(report.version, _rules(report))},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notes(report, number, len(rows))}],
        "originalUriBaseIds": {_BASE: {"description": {"text": "The top of the repository."}}},
        "columnKind": "unicodeCodePoints",
    }
    head = json.dumps(run)[:-1]
    body = "[\n" + ",\n".join(rows) + "\n]" if rows else "[]"
    return f'{{\n"$schema": "{SCHEMA}",\n"version": "2.1.0",\n"runs": [\n{head},\n"results": {body}\n}}\n]\n}}\n'


def _driver(version: str, rules: list[str]) -> dict[str, Any]:
    return {"name": "fixer", "semanticVersion": version, "rules": [_rule(rule) for rule in rules]}


def _rule(rule_id: str) -> dict[str, Any]:
    rule = find(rule_id)
    assert rule is not None
    card, page = rule.CARD, (rule.__doc__ or "").strip()
    found = re.search(r"^## What it finds\n(.+?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    whole = " ".join((found[1] if found else page).split())
    tags = ["security", "containers", *card.standards][:_MOST_TAGS]
    properties: dict[str, Any] = {"tags": tags, "precision": "high"}
    if card.severity in _SCORES:
        properties["security-severity"] = _SCORES[card.severity]
    return {
        "id": card.id,
        "name": card.name,
        "shortDescription": {"text": _cut(card.title)},
        "fullDescription": {"text": _cut(whole)},
        "help": {"text": page, "markdown": f"# {page}"},
        "defaultConfiguration": {"level": _LEVELS[card.severity]},
        "properties": properties,
    }


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _result(finding: Finding, line: str) -> dict[str, Any]:
    properties = {"name": name_of(finding.rule), "severity": finding.severity.word, "status": finding.status.value}
    if finding.refusal is not None:
        properties["reason"] = finding.refusal.code
    if finding.fix is not None:
        properties["safety"] = finding.fix.safety.word
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(finding.path),
                    "region": _region(finding, line),
                }
            }
        ],
        "properties": properties,
    }


def _message(finding: Finding) -> str:
    # `[text](address)` would be a link, in plain text too
    return visible("\n".join([finding.message, *told(finding)])).replace("](", "] (")


def _region(finding: Finding, line: str) -> dict[str, int]:
    column = min(finding.column, len(line) + 1)
    return _span(finding.line, column, finding.line, max(len(line.rstrip()) + 1, column))


def _span(line: int, column: int, end_line: int, end_column: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _artifact(path: str) -> dict[str, str]:
    uri = quote(os.fsencode(path), safe="/")
    return {"uri": f"file://{uri}"} if path.startswith("/") else {"uri": uri, "uriBaseId": _BASE}


# --- fixes ------------------------------------------------------------------------------------------------------------


def _fixes(report: Report) -> dict[str, dict[str, Any]]:
    """What the first repaired finding of a file carries: all changes that are whole only together."""
    units: dict[tuple[str, str], list[FileChange]] = {}
    for change in report.result.changes:
        units.setdefault((change.root, change.unit or f"/{change.path}"), []).append(change)
    fixed = {finding.path for finding in report.result.findings if finding.status is Status.FIXED}
    out: dict[str, dict[str, Any]] = {}
    for changes in units.values():
        parts = [(change, list(_replacements(change))) for change in changes]
        paths = " and ".join(visible(change.whole_path) for change in changes)
        fix = {
            "description": {"text": f"All that fixer changes in {paths}."},
            "artifactChanges": [
                {"artifactLocation": _artifact(change.whole_path), "replacements": rows} for change, rows in parts
            ],
        }
        # where one file cannot be told as text, the others would be half of a fix
        whole = all(rows for _, rows in parts)
        first = next((change.whole_path for change in changes if change.whole_path in fixed), "")
        if whole and first:
            out[first] = fix
    return out


def _replacements(change: FileChange) -> Iterator[dict[str, Any]]:
    old, new = (lines_of(data.removeprefix(BOM)) for data in (change.before, change.after))
    try:
        texts = [line.decode() for line in old], [line.decode() for line in new]
    except UnicodeDecodeError:
        return
    for group in groups(old, new, 0):
        for tag, a, b, c, d in group:
            if tag != "equal":
                end = (b + 1, 1) if b < len(old) or not old or old[-1].endswith(b"\n") else (b, len(texts[0][-1]) + 1)
                row: dict[str, Any] = {"deletedRegion": _span(a + 1, 1, *end)}
                if c < d:
                    row["insertedContent"] = {"text": "".join(texts[1][c:d])}
                yield row


# --- notifications ----------------------------------------------------------------------------------------------------


def _notes(report: Report, number: int, kept: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    if kept < number:
        left = f"{number - kept} of {number} findings, the least severe, were left out: GitHub takes no more."
        rows.append({"level": "warning", "message": {"text": left}, "descriptor": {"id": "left-out"}})
    unread = report.unread
    rows += [_note(one) for one in unread[:_MOST_NOTES]]
    if len(unread) > _MOST_NOTES:
        more = f"{len(unread) - _MOST_NOTES} more files could not be read."
        rows.append({"level": "warning", "message": {"text": more}, "descriptor": {"id": "left-out"}})
    return rows


def _note(skipped: Skipped) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": visible(f"{skipped.path}: {skipped.message}").replace("](", "] (")},
        "descriptor": {"id": skipped.reason},
    }
