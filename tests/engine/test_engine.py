"""The loop: groups stand or fall together, what breaks is refused, what is refused is told."""

from __future__ import annotations

from unittest import mock

import pytest

from fixer import app, engine, fixing
from fixer.config import Config
from fixer.model import Safety, Status
from fixer.prove.conditions import Broken
from fixer.source import SourceFile, apply_edits
from tests.engine.properties import check_all

BAD = b'FROM debian:12\nWORKDIR /app\nCOPY . .\nCMD ["./run"]\n'


def fix(data: bytes, **options: bool):
    return app.fix(SourceFile("Dockerfile", data), config=Config(), **options)


def test_a_fix() -> None:
    result = check_all(SourceFile("Dockerfile", BAD))
    assert {f.status for f in result.findings} == {Status.FIXED}
    assert b"\nUSER 10001:10001\nCMD" in result.changes[0].after


def test_check_changes_nothing() -> None:
    result = app.check(SourceFile("Dockerfile", BAD), config=Config())
    assert not result.changes
    assert {f.status for f in result.findings} == {Status.FOUND}


def test_a_broken_result_is_refused_whole() -> None:
    with mock.patch.object(fixing, "prove", side_effect=Broken("the proof failed")):
        result = fix(BAD)
    assert not result.changes
    assert {f.status for f in result.findings} == {Status.REFUSED}
    assert {f.refusal.code for f in result.findings if f.refusal} == {"after-condition"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("CMD", "CMDX"),
        lambda text: text.replace("# keep\n", ""),
        lambda text: text.replace("RUN true", "RUN false"),
        lambda text: text.replace("RUN true\n", ""),
        lambda text: text + "RUN more\n",
        lambda text: text.replace("COPY", "COPY --link"),
        lambda text: "# escape=`\n" + text,
    ],
)
def test_the_after_conditions_bite(spoil) -> None:
    """Whatever goes wrong behind the plan, nothing wrong comes out."""
    data = b'FROM debian:12\n# keep\nRUN true\nWORKDIR /app\nCOPY . .\nCMD ["./run"]\n'
    with mock.patch.object(fixing, "apply_edits", lambda text, edits: spoil(apply_edits(text, edits))):
        result = fix(data)
    assert not result.changes
    assert "after-condition" in {f.refusal.code for f in result.findings if f.refusal}


def test_the_loop_ends() -> None:
    """A fix that never comes to rest stops after a few rounds."""
    with mock.patch.object(
        fixing, "_round", side_effect=lambda view, *_: (view.source.with_text(view.source.text + "# x\n"), [])
    ):
        result = fix(BAD)
    assert result.changes[0].after.count(b"# x") == engine.MAX_ROUNDS


def test_safe_only() -> None:
    result = fix(BAD, safe_only=True)
    assert not result.changes
    assert {f.refusal.code for f in result.findings if f.refusal and f.rule == "DF001"} == {"not-safe"}
    safe = fix(b'FROM gcr.io/distroless/static\nCOPY x /x\nEXPOSE 8080\nENTRYPOINT ["/x"]\n', safe_only=True)
    assert all(f.fix is not None and f.fix.safety is Safety.SAFE for f in safe.findings if f.status is Status.FIXED)


def test_files_do_not_depend_on_each_other() -> None:
    sources = [SourceFile(f"{n}/Dockerfile", data) for n, data in enumerate((BAD, b"nonsense", BAD))]
    one, two = app.fix(*sources, config=Config()), app.fix(*reversed(sources), config=Config())
    assert one == two
    assert one.files == 2
    assert [s.path for s in one.skipped] == ["1/Dockerfile"]
    assert [c.after for c in one.changes] == [fix(BAD).changes[0].after] * 2
