"""The promises of the design on every Compose file of the corpus, written to a copy as people would have it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from fixer import app
from fixer.config import Config, ImageConfig
from fixer.discover import is_compose
from fixer.errors import Unreadable
from fixer.model import FileChange, Goal, Status
from fixer.render.diff import diff
from fixer.source import SourceFile
from fixer.syntax.yaml import load_stream
from tests.corpus.conftest import Run
from tests.engine.properties import comments

# The settings of a service that a fix for this goal writes; all else must mean the same before and after.
SETTINGS = {"user", "cap_drop", "cap_add", "security_opt", "privileged"}


def test_the_shares(compose_run: Run) -> None:
    """Nothing is held here but that there is something; `-rP` shows the figures."""
    findings = compose_run.first.findings
    counts = Counter((f.rule, f.status.value, why(f)) for f in findings)
    print(f"{len(compose_run.first.changes)} files changed")  # noqa: T201
    for (rule, status, reason), number in sorted(counts.items()):
        print(f"  {rule} {status} {reason}: {number}")  # noqa: T201
    print(f"skipped: {dict(Counter(s.reason for s in compose_run.first.skipped).most_common())}")  # noqa: T201
    assert len(compose_run.first.changes) > 300
    assert sum(f.rule == "CS001" and f.status is Status.FIXED for f in findings) > 50


def why(finding: Any) -> str:
    return str(finding.refusal.code if finding.refusal is not None else finding.fix.safety.word)


def test_nothing_but_settings_means_something_else(compose_run: Run) -> None:
    """Another reader finds the same values before and after, once the settings of the services are taken away."""
    for change in compose_run.first.changes:
        before, after = (load_stream(SourceFile(change.path, data).text) for data in (change.before, change.after))
        assert [bare(one) for one in before] == [bare(one) for one in after], change.path
        assert before != after, change.path


def bare(value: Any) -> Any:
    """The services without the settings, and all that is beside them; in the old form there are but services."""
    rows = value.get("services", value)
    beside = {key: one for key, one in value.items() if key != "services"} if rows is not value else {}
    return {name: without(one) for name, one in rows.items()}, beside


def without(service: Any) -> Any:
    return {k: v for k, v in service.items() if k not in SETTINGS} if isinstance(service, dict) else service


def test_no_line_is_touched_but_the_settings(compose_run: Run) -> None:
    for change in compose_run.first.changes:
        for line in taken(change):
            assert line.strip().partition(":")[0] in SETTINGS, (change.path, line)


def taken(change: FileChange) -> list[str]:
    """The lines of a file that are no longer there, but for those that only get a line end."""
    lines = diff(change).decode("utf-8", "surrogateescape").split("\n")[2:]
    come = {line[1:] for line in lines if line.startswith("+")}
    return [line[1:] for line in lines if line.startswith("-") and line[1:] not in come]


def test_no_comment_is_lost(compose_run: Run) -> None:
    for change in compose_run.first.changes:
        assert comments(change.before) == comments(change.after), change.path


def test_skipped_files_are_told_rightly(compose_run: Run) -> None:
    for skipped in compose_run.first.skipped:
        assert skipped.reason in {"template", "fragment", "unparsable", "encoding", "link", "syntax", "too-large"}
        assert len(skipped.message) > 20


def test_every_service_is_seen(compose_run: Run, shared: Path) -> None:
    """A file in which another reader finds a service that runs something is judged, or told as skipped."""
    seen = {f.path for f in compose_run.second.findings} | {s.path for s in compose_run.second.skipped}
    seen |= {c.path for c in compose_run.first.changes}
    missing = [path for path in files(shared) if path not in seen and any(asks(path, shared))]
    assert missing == []


def files(shared: Path) -> Iterator[str]:
    for file in sorted((shared / "corpus").rglob("*.y*ml")):
        if is_compose(file.name) and file.is_file():
            yield file.relative_to(shared / "corpus").as_posix()


def asks(path: str, shared: Path) -> Iterator[bool]:
    """For each service that runs something, whether it lacks what every service should have."""
    try:
        values = load_stream(SourceFile(path, (shared / "corpus" / path).read_bytes()).text)
    except Unreadable:
        return
    for value in values:
        rows = value.get("services", value) if isinstance(value, dict) else {}
        for one in rows.values() if isinstance(rows, dict) else ():
            if isinstance(one, dict) and ("image" in one or "build" in one):
                yield "security_opt" not in one or "cap_drop" not in one


def test_a_second_run_for_more_changes_nothing_either(shared: Path, tmp_path: Path) -> None:
    """With images that people have declared, and a goal that writes all there is to write."""
    for path in files(shared):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shared / "corpus" / path, tmp_path / path)
    told = app.check(tmp_path, config=Config(goal=Goal.HARDENED)).findings
    unknown = {f.refusal.about for f in told if f.rule == "CS001" and f.refusal is not None and f.refusal.about}
    declared = ImageConfig(user="1234:1234", writable=("/tmp", "/data"))
    config = Config(goal=Goal.HARDENED, images=dict.fromkeys(sorted(unknown), declared))
    first = app.write_changes(app.fix(tmp_path, config=config))
    assert sum(f.rule == "CS014" and f.status is Status.FIXED for f in first.findings) > 300
    assert sum(f.rule == "CS001" and f.status is Status.FIXED for f in first.findings) > 300
    assert not any(f.refusal is not None and f.refusal.code == "after-condition" for f in first.findings)
    for change in first.changes:
        assert comments(change.before) == comments(change.after), change.path
    second = app.fix(tmp_path, config=config)
    assert [c.path for c in second.changes] == []


def test_compose_takes_every_file_that_it_took_before(compose_run: Run, compose_schema: Path) -> None:
    schema = json.loads(compose_schema.read_bytes())
    judge = jsonschema.Draft201909Validator(schema)
    valid = 0
    for change in compose_run.first.changes:
        before, after = (load_stream(SourceFile(change.path, data).text) for data in (change.before, change.after))
        for one, two in zip(before, after, strict=True):
            if judge.is_valid(one):
                valid += 1
                assert [error.message for error in judge.iter_errors(two)] == [], change.path
    print(f"{valid} files are valid before and after")  # noqa: T201
    assert valid > 300
