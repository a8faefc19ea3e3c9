"""Counts of a result, the same for every report."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fixer.model import Finding, Result, Safety, Severity, Status


def summary(result: Result) -> dict[str, Any]:
    """Numbers that people and machines want: files, findings by status, refusals and skips by reason, exit code."""
    status = Counter(f.status.value for f in result.findings)
    safety = Counter(f.fix.safety.word for f in result.findings if f.status is Status.FIXED and f.fix is not None)
    return {
        "files": result.files,
        "changed": len(result.changes),
        "found": status["found"],
        "fixable": sum(f.status is Status.FOUND and is_fixable(f) for f in result.findings),
        "fixed": status["fixed"],
        "refused": status["refused"],
        "fixed_by_safety": dict(sorted(safety.items())),
        "refused_by_reason": _counted(
            f.refusal.code for f in result.findings if f.status is Status.REFUSED and f.refusal
        ),
        "skipped": _counted(s.reason for s in result.skipped),
    }


def _counted(words: Any) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def is_fixable(finding: Finding) -> bool:
    """Whether `fixer fix` would repair it: a manual fix is shown, never applied."""
    return finding.fix is not None and finding.fix.safety > Safety.MANUAL


def exit_code(result: Result) -> int:
    """0 clean or everything fixed, 1 something is left, 3 nothing to look at. Information alone is not a finding."""
    unreadable = [s for s in result.skipped if s.reason != "template"]
    if result.files == 0 and not unreadable:
        return 3
    left = bool(unreadable) or any(f.status is not Status.FIXED and f.severity > Severity.INFO for f in result.findings)
    return 1 if left else 0
