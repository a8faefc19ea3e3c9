"""The JSON report, version 1; `fixer/render/result.schema.json` documents it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from fixer.model import Finding, Fix, Result, Safety
from fixer.render.summary import Tally
from fixer.rules import name_of

VERSION = 1


def to_json(result: Result) -> str:
    """The report as JSON text with a final newline: each finding and each skipped file on a line of its own."""
    return "".join(pieces([result], Tally()))


def pieces(results: Iterable[Result], tally: Tally) -> Iterator[str]:
    """The same text piece by piece, for results that come one after the other; all of them are added to the tally."""
    yield f'{{\n"version": {VERSION},\n"findings": '
    yield from _lines(_finding(f) for result in _counted(results, tally) for f in result.findings)
    yield ',\n"skipped": '
    skipped = sorted(tally.skipped, key=lambda s: s.path)
    yield from _lines({"path": s.path, "reason": s.reason, "message": s.message} for s in skipped)
    yield f',\n"summary": {json.dumps(tally.summary())}\n}}\n'


def _counted(results: Iterable[Result], tally: Tally) -> Iterator[Result]:
    for result in results:
        tally.add(result)
        yield result


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    # Not `indent`, with which json takes ten times as long.
    before = "[\n"
    for row in rows:
        yield before + json.dumps(row)
        before = ",\n"
    yield "[]" if before == "[\n" else "\n]"


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
