"""The promises of the design on every manifest of the corpus, written to a copy as people would have it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from fixer.errors import Unreadable
from fixer.model import FileChange, Safety, Severity, Status
from fixer.render.diff import diff
from fixer.source import SourceFile
from fixer.syntax.yaml import load_stream
from fixer.understand.workloads import pod_templates
from tests.corpus.conftest import Run
from tests.engine.properties import comments

# Where settings stand; what is left when they are taken away must be the same before and after.
SETTINGS = {"securityContext", "seccompProfile"}
# Keys whose values a fix may exchange.
VALUES = re.compile(
    r"(?:privileged|allowPrivilegeEscalation|runAsNonRoot|runAsUser|runAsGroup|type|securityContext|drop|procMount):|all$"
)


def test_the_shares(manifest_run: Run) -> None:
    """Nothing is held here but that there is something; `-rP` shows the figures."""
    findings = manifest_run.first.findings
    counts = Counter((f.rule, f.status.value, _why(f)) for f in findings)
    print(f"{len(manifest_run.first.changes)} files changed")  # noqa: T201
    for (rule, status, why), number in sorted(counts.items()):
        print(f"  {rule} {status} {why}: {number}")  # noqa: T201
    print(f"skipped: {dict(Counter(s.reason for s in manifest_run.first.skipped).most_common())}")  # noqa: T201
    assert len(manifest_run.first.changes) > 300
    assert sum(f.rule == "KS001" and f.status is Status.FIXED for f in findings) > 50


def _why(finding: Any) -> str:
    return str(finding.refusal.code if finding.refusal is not None else finding.fix.safety.word)


def test_what_is_written_is_what_was_told(manifest_run: Run) -> None:
    for change in manifest_run.first.changes:
        assert (manifest_run.folder / change.path).read_bytes() == change.after
        assert manifest_run.before[change.path] == change.before


def test_a_second_run_changes_nothing(manifest_run: Run) -> None:
    assert [c.path for c in manifest_run.second.changes] == []
    assert [f for f in manifest_run.second.findings if f.status is Status.FIXED] == []


def test_what_is_called_fixed_is_gone(manifest_run: Run) -> None:
    told = {(f.path, f.rule, f.message) for f in manifest_run.first.findings if f.status is Status.REFUSED}
    for finding in manifest_run.second.findings:
        if finding.severity > Severity.INFO:
            assert (finding.path, finding.rule, finding.message) in told, finding


def test_every_finding_is_fixed_or_refused_with_a_reason(manifest_run: Run) -> None:
    fixed = {f.path for f in manifest_run.first.findings if f.status is Status.FIXED}
    assert fixed == {c.path for c in manifest_run.first.changes}
    for finding in manifest_run.first.findings:
        if finding.status is Status.FIXED:
            assert finding.fix is not None
            assert finding.fix.safety is Safety.SAFE or finding.fix.risk
        else:
            assert finding.refusal is not None
            assert re.fullmatch(r"[a-z][a-z0-9-]+", finding.refusal.code)
            assert len(finding.refusal.message) > 20


def test_nothing_but_settings_means_something_else(manifest_run: Run) -> None:
    """Another reader finds the same values before and after, once the settings are taken away."""
    for change in manifest_run.first.changes:
        before, after = (load_stream(SourceFile(change.path, data).text) for data in (change.before, change.after))
        assert [bare(one) for one in before] == [bare(one) for one in after], change.path
        assert before != after, change.path


def bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: bare(one) for key, one in value.items() if key not in SETTINGS}
    return [bare(one) for one in value] if isinstance(value, list) else value


def test_no_line_is_touched_but_for_its_value(manifest_run: Run) -> None:
    gone = {change.path: lines for change in manifest_run.first.changes if (lines := taken(change))}
    print(f"{sum(map(len, gone.values()))} lines changed in {len(gone)} files")  # noqa: T201
    for path, lines in gone.items():
        for line in lines:
            assert VALUES.match(line.strip().lstrip("- ")) or "{" in line, (path, line)


def taken(change: FileChange) -> list[str]:
    """The lines of a file that are no longer there, but for those that only get a line end."""
    lines = diff(change).decode("utf-8", "surrogateescape").split("\n")[2:]
    come = {line[1:] for line in lines if line.startswith("+")}
    return [line[1:] for line in lines if line.startswith("-") and line[1:] not in come]


def test_no_existing_line_of_the_kubernetes_examples_is_changed(manifest_run: Run) -> None:
    changes = [c for c in manifest_run.first.changes if c.path.startswith("kubernetes+examples/")]
    before = sum(len(c.before.splitlines()) for c in changes)
    changed = [line for c in changes for line in taken(c)]
    print(f"{len(changes)} files of kubernetes/examples, {before} lines, {len(changed)} of them changed")  # noqa: T201
    assert before > 1000
    assert all(VALUES.match(line.strip()) for line in changed), changed


def test_no_comment_is_lost(manifest_run: Run) -> None:
    for change in manifest_run.first.changes:
        assert comments(change.before) == comments(change.after), change.path


def test_skipped_files_are_told_rightly(manifest_run: Run) -> None:
    known = {"template", "patch", "fragment", "operator", "unparsable", "encoding", "link", "syntax", "too-large"}
    for skipped in manifest_run.first.skipped:
        assert skipped.reason in known, skipped
        assert len(skipped.message) > 20


def test_every_pod_is_seen(manifest_run: Run, shared: Path) -> None:
    """A file in which another reader finds pods is judged, or told as skipped."""
    seen = {f.path for f in manifest_run.first.findings} | {s.path for s in manifest_run.first.skipped}
    missing = []
    for path in sorted(manifest_run.before):
        data = (shared / "corpus" / path).read_bytes()
        try:
            values = load_stream(SourceFile(path, data).text)
        except Unreadable:
            continue
        if any(pod_templates(value) for value in values) and path not in seen:
            missing.append(path)
    assert missing == []
