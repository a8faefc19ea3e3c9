"""GitLab's report of code quality: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format"""

from __future__ import annotations

import json
from typing import Any

from fixer.model import Finding, Severity
from fixer.render.report import Report, told
from fixer.render.words import plain, visible
from fixer.rules import name_of

_SEVERITIES = {
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


def to_gitlab(report: Report) -> str:
    """The findings that are in the files, as JSON text with a final newline: each on a line of its own."""
    rows = [json.dumps(_row(finding, mark)) for finding, mark in report.fingerprinted()]
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def _row(finding: Finding, mark: str) -> dict[str, Any]:
    body = visible("\n\n".join(told(finding)))
    row: dict[str, Any] = {
        "type": "issue",
        "description": plain(f"{finding.rule} {name_of(finding.rule)}: {finding.message}"),
        "check_name": name_of(finding.rule),
        "categories": ["Security"],
        "fingerprint": mark,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": plain(finding.path), "lines": {"begin": finding.line, "end": finding.line}},
    }
    return row | ({"content": {"body": body}} if body else {})
