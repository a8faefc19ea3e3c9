"""The promises of the design on every manifest of the corpus, written to a copy as people would have it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
from referencing import Registry, Resource

from fixer.errors import Unreadable
from fixer.model import FileChange, Status
from fixer.render.diff import diff
from fixer.source import SourceFile
from fixer.syntax.yaml import load_stream
from fixer.understand.workloads import pod_templates
from tests.corpus.conftest import Run
from tests.engine.properties import comments

SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema/v1.37.0-local-strict"
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


def test_kubernetes_takes_every_object_that_it_took_before(manifest_run: Run) -> None:
    """By the schemas of Kubernetes itself, which know no field beyond them; kinds of others they do not know."""
    valid = 0
    for change in manifest_run.first.changes:
        before, after = (load_stream(SourceFile(change.path, data).text) for data in (change.before, change.after))
        for one, two in zip(objects(before), objects(after), strict=True):
            if faults(one) == "":
                valid += 1
                assert faults(two) == "", (change.path, two)
    print(f"{valid} objects are valid before and after")  # noqa: T201
    assert valid > 500


def objects(documents: list[Any]) -> Iterator[Any]:
    for document in documents:
        items = document.get("items") if isinstance(document, dict) and document.get("kind") == "List" else None
        yield from items if isinstance(items, list) else [document]


def faults(value: Any) -> str:
    """What is wrong with an object, in words; "unknown" where no schema knows it."""
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        return "unknown"
    group, _, version = str(value.get("apiVersion")).rpartition("/")
    found = validator("-".join(filter(None, [value["kind"].lower(), group.partition(".")[0], version])))
    return "unknown" if found is None else next((error.message for error in found.iter_errors(value)), "")


@cache
def definitions() -> Registry[Any]:
    return Resource.from_contents(json.loads((SCHEMAS / "_definitions.json").read_bytes())) @ Registry()


@cache
def validator(name: str) -> jsonschema.Draft202012Validator | None:
    file = SCHEMAS / f"{name}.json"
    if not file.is_file():
        return None
    schema = json.loads(file.read_bytes())
    return jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ definitions())


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
