"""The JSON report, version 1; `fixer/render/result.schema.json` documents it."""

from __future__ import annotations

import json
from typing import Any

from fixer.model import Finding, Fix, Result, Safety
from fixer.render.summary import summary
from fixer.rules import name_of

VERSION = 1


def to_json(result: Result) -> str:
    """The report as JSON text with a final newline."""
    report = {
        "version": VERSION,
        "findings": [_finding(f) for f in result.findings],
        "skipped": [{"path": s.path, "reason": s.reason, "message": s.message} for s in result.skipped],
        "summary": summary(result),
    }
    return json.dumps(report, indent=2, ensure_ascii=True) + "\n"


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
