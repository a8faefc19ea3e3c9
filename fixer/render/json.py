"""The JSON report, version 1; `fixer/render/result.schema.json` documents it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fixer.model import Finding, Fix, Result, Safety
from fixer.render.summary import summary
from fixer.rules import name_of

VERSION = 1


def to_json(result: Result) -> str:
    """The report as JSON text with a final newline: each finding and each skipped file on a line of its own."""
    skipped = ({"path": s.path, "reason": s.reason, "message": s.message} for s in result.skipped)
    findings = map(_finding, result.findings)
    return (
        f'{{\n"version": {VERSION},\n"findings": {_lines(findings)},\n"skipped": {_lines(skipped)},\n'
        f'"summary": {json.dumps(summary(result))}\n}}\n'
    )


def _lines(rows: Iterable[dict[str, Any]]) -> str:
    # Not `indent`, with which json takes ten times as long.
    text = ",\n".join(map(json.dumps, rows))
    return f"[\n{text}\n]" if text else "[]"


def _finding(finding: Finding) -> dict[str, Any]:
    refusal = finding.refusal
    return {
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "rule": finding.rule,
        "name": name_of(finding.rule),
        "severity": finding.severity.word,
        "message": finding.message,
        "evidence": finding.reason,
        "status": finding.status.value,
        "reason": refusal.code if refusal else None,
        "remedy": refusal.message if refusal else None,
        "fix": _fix(finding.fix) if finding.fix else None,
        "alternatives": [_fix(fix) for fix in finding.alternatives],
    }


def _fix(fix: Fix) -> dict[str, Any]:
    out: dict[str, Any] = {"title": fix.title, "safety": fix.safety.word, "risk": fix.risk}
    if fix.safety is Safety.MANUAL:
        out["instructions"] = fix.instructions
    return out
