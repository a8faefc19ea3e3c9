"""What the reports are made of: a result with paths that hold everywhere, and what stands in its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from fixer.model import Finding, Result, Severity, Skipped, Status
from fixer.render.fingerprints import fingerprints, marks
from fixer.render.summary import LEFT_OUT, Tally
from fixer.render.text import many
from fixer.tuples import NamedTuple
from fixer.understand.links import Graph

FORMATS = ("text", "json", "sarif", "gitlab", "junit", "github", "markdown", "html")


class Report(NamedTuple):
    """A run as reports tell it.

    `told` is the result with the paths of a terminal, from what was named. `result` is the same with paths from the top
    of the git repository, where there is one, and with the lines that the files have now: what a forge knows. The
    findings of both are in the same order. `texts` are the bytes of the files with findings, by the path from the top.
    `units` are the names of what is deployed together, with the paths of its files, and `graphs` those of the trees,
    each with the paths from the top of its files with findings; both are there where they are wanted. `quiet` counts
    the findings that a baseline kept out, `gone` the entries of the baseline that nothing has any more. `version` is
    that of the program.
    """

    told: Result
    result: Result
    texts: Mapping[str, bytes]
    units: Mapping[str, tuple[str, ...]]
    graphs: tuple[tuple[Mapping[str, str], Graph], ...] = ()
    fixing: bool = False
    written: bool = False
    quiet: int = 0
    gone: int = 0
    version: str = ""

    @property
    def tally(self) -> Tally:
        """The counts."""
        return Tally(self.result)

    @property
    def open(self) -> tuple[Finding, ...]:
        """What is in the files after the run: all findings, without those that were repaired in them."""
        return tuple(finding for finding in self.result.findings if self._stands(finding))

    @property
    def unread(self) -> tuple[Skipped, ...]:
        """The files that should have been judged and could not be."""
        return tuple(one for one in self.result.skipped if one.reason not in LEFT_OUT)

    def _stands(self, finding: Finding) -> bool:
        """Whether a finding is in its file after the run."""
        return not (self.written and finding.status is Status.FIXED)

    def fingerprinted(self) -> list[tuple[Finding, str]]:
        """The same, each with its fingerprint."""
        pairs = zip(self.result.findings, fingerprints(self.result.findings, self.texts), strict=True)
        return [(finding, mark) for finding, mark in pairs if self._stands(finding)]

    def with_result(self, written: Result) -> Report:
        """The report of the same run once its changes are written; what is left has its new place then."""
        done = {(change.root, change.path) for change in written.changes}
        changes = tuple(change for change in self.result.changes if (change.root, change.path) in done)
        after = {change.whole_path: change.after for change in changes}
        findings: list[Finding] = []
        for one, other in zip(self.result.findings, written.findings, strict=True):
            line = other.line if one.path in after else one.line
            findings.append(one._replace(status=other.status, refusal=other.refusal, line=line))
        skipped = (*self.result.skipped, *written.skipped[len(self.told.skipped) :])
        result = self.result._replace(findings=tuple(findings), skipped=skipped, changes=changes)
        return self._replace(told=written, result=result, texts={**self.texts, **after}, written=True)

    def with_skipped(self, more: tuple[Skipped, ...]) -> Report:
        """The same with more that was not read."""
        told, result = (one._replace(skipped=(*one.skipped, *more)) for one in (self.told, self.result))
        return self._replace(told=told, result=result)

    def without(self, old: Mapping[str, int]) -> Report:
        """The same without the findings that a baseline holds, each as often as it does; what is repaired stays.

        Args:
            old: how often each mark of `fixer.render.fingerprints` is in the baseline.
        """
        known, kept = Counter(old), list[int]()
        for n, (finding, (mark, _)) in enumerate(zip(self.result.findings, self.marked(), strict=True)):
            if known[mark] > 0:
                known[mark] -= 1
                if finding.status is not Status.FIXED:
                    continue
            kept.append(n)
        told, result = (one._replace(findings=tuple(one.findings[n] for n in kept)) for one in (self.told, self.result))
        quiet = len(self.result.findings) - len(kept)
        return self._replace(told=told, result=result, quiet=quiet, gone=known.total())

    def marked(self) -> Iterator[tuple[str, int]]:
        """The marks of the findings, in their order."""
        return marks(self.result.findings, self.texts)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by severity; among equals the order stays."""
    return sorted(findings, key=lambda finding: -finding.severity)


def is_finding(finding: Finding) -> bool:
    """Whether it counts for the exit code: information alone does not."""
    return finding.severity > Severity.INFO and finding.status is not Status.FIXED


def _remedy(finding: Finding) -> str:
    if finding.status is Status.REFUSED or finding.fix is None:
        return finding.refusal.message if finding.refusal is not None else ""
    fix = finding.fix
    return f"{fix.title} ({fix.safety.word}{f': {fix.risk}' if fix.risk else ''})"


def told(finding: Finding) -> list[str]:
    """The evidence of a finding, and what becomes of it or a person can do about it, each with a word in front."""
    done, fix = _remedy(finding), finding.fix
    left = finding.status is Status.REFUSED or fix is None
    rows = [f"Why: {finding.reason}"] if finding.reason else []
    rows += [f"{'Left' if left else 'Fix'}: {done}"] if done else []
    return [*rows, *([f"Write: {fix.instructions}"] if fix is not None and fix.instructions and not left else [])]


def headline(report: Report) -> str:
    """The counts in one sentence."""
    counts = report.tally.summary()
    files = many(counts["files"], "file")
    if not report.fixing:
        fixable = f", {counts['fixable']} can be fixed" if counts["fixable"] else ""
        return f"{many(counts['found'] + counts['refused'], 'finding')} in {files}{fixable}"
    done = "fixed" if report.written else "would be fixed"
    left = f", {counts['refused']} left for a person" if counts["refused"] else ""
    return f"{counts['fixed']} {done} in {many(counts['changed'], 'file')} of {counts['files']}{left}"


def notes(report: Report) -> Iterator[str]:
    """What a baseline did, in sentences."""
    if report.quiet:
        yield f"{many(report.quiet, 'old finding')} of the baseline not shown"
    if report.gone:
        have = "entry of the baseline is" if report.gone == 1 else "entries of the baseline are"
        yield f"{report.gone} {have} no longer found; --write-baseline writes it anew"
