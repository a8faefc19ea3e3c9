"""Counts of a result, the same for every report."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fixer.model import Finding, Result, Safety, Severity, Skipped, Status

# What was left out for its nature: nothing in it was wanted, and nothing about it is wrong.
LEFT_OUT = frozenset({"template", "patch", "fragment", "operator"})


class Tally:
    """What is counted of results as they come, so that they need not be kept. `skipped` are the files not judged."""

    def __init__(self, *results: Result) -> None:
        self.files = self.changed = self.fixable = 0
        self.open = False
        self.status: Counter[str] = Counter()
        self.safety: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.places: dict[str, set[tuple[str, int]]] = {}
        self.skipped: list[Skipped] = []
        for result in results:
            self.add(result)

    def add(self, result: Result) -> None:
        """Count one more."""
        self.files += result.files
        self.changed += len(result.changes)
        self.skipped += result.skipped
        for finding in result.findings:
            self._add(finding)

    def _add(self, finding: Finding) -> None:
        self.status[finding.status.value] += 1
        self.fixable += finding.status is Status.FOUND and is_fixable(finding)
        if finding.status is Status.FIXED:
            self.safety.update([finding.fix.safety.word] if finding.fix is not None else ())
            return
        self.open = self.open or finding.severity > Severity.INFO
        refusal = finding.refusal
        if finding.status is Status.REFUSED and refusal is not None:
            self.reasons[refusal.code] += 1
            if refusal.about:
                # what several rules say about one line is one place
                self.places.setdefault(refusal.about, set()).add((finding.path, finding.line))

    def summary(self) -> dict[str, Any]:
        """Numbers that people and machines want: files, findings by status, refusals and skips by reason."""
        return {
            "files": self.files,
            "changed": self.changed,
            "found": self.status["found"],
            "fixable": self.fixable,
            "fixed": self.status["fixed"],
            "refused": self.status["refused"],
            "fixed_by_safety": _sorted(self.safety),
            "refused_by_reason": _sorted(self.reasons),
            "images_in_the_way": self.images_in_the_way(),
            "skipped": _sorted(Counter(s.reason for s in self.skipped)),
        }

    def images_in_the_way(self) -> list[dict[str, Any]]:
        """The images for whose sake something was left, each with the number of the places, the most first."""
        rows = sorted(self.places.items(), key=lambda row: (-len(row[1]), row[0]))
        return [{"image": image, "findings": len(found)} for image, found in rows]

    def exit_code(self) -> int:
        """0 clean or everything fixed, 1 something is left, 3 nothing to look at. Information alone is not a finding.

        A file that could not be read is something left; a template or a patch, which is not to be judged alone, is not.
        """
        unreadable = any(s.reason not in LEFT_OUT for s in self.skipped)
        if self.files == 0 and not unreadable:
            return 3
        return 1 if unreadable or self.open else 0


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def is_fixable(finding: Finding) -> bool:
    """Whether `fixer fix` would repair it: a manual fix is shown, never applied."""
    return finding.fix is not None and finding.fix.safety > Safety.MANUAL
