"""Counts of a result, the same for every report."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fixer.model import Finding, Result, Safety, Severity, Status

# What was left out for its nature: nothing in it was wanted, and nothing about it is wrong.
LEFT_OUT = frozenset({"template", "patch", "fragment", "operator"})


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
        "images_in_the_way": images_in_the_way(result),
        "skipped": _counted(s.reason for s in result.skipped),
    }


def images_in_the_way(result: Result) -> list[dict[str, Any]]:
    """The images for whose sake something was left, each with the number of the places, the most first.

    What several rules say about one line is one place.
    """
    places: dict[str, set[tuple[str, int]]] = {}
    for finding in result.findings:
        if finding.status is Status.REFUSED and finding.refusal is not None and finding.refusal.about:
            places.setdefault(finding.refusal.about, set()).add((finding.path, finding.line))
    rows = sorted(places.items(), key=lambda row: (-len(row[1]), row[0]))
    return [{"image": image, "findings": len(found)} for image, found in rows]


def _counted(words: Any) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def is_fixable(finding: Finding) -> bool:
    """Whether `fixer fix` would repair it: a manual fix is shown, never applied."""
    return finding.fix is not None and finding.fix.safety > Safety.MANUAL


def exit_code(result: Result) -> int:
    """0 clean or everything fixed, 1 something is left, 3 nothing to look at. Information alone is not a finding.

    A file that could not be read is something left; a template or a patch, which is not to be judged alone, is not.
    """
    unreadable = [s for s in result.skipped if s.reason not in LEFT_OUT]
    if result.files == 0 and not unreadable:
        return 3
    left = bool(unreadable) or any(f.status is not Status.FIXED and f.severity > Severity.INFO for f in result.findings)
    return 1 if left else 0
