"""The promises on made-up files: bytes stay, the result parses, a second run changes nothing, nothing raises."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fixer import app
from fixer.config import Config
from fixer.model import Severity, Status
from fixer.source import SourceFile
from tests.dockerfiles import dockerfiles, mutations, scraps
from tests.engine.properties import check_all


@settings(max_examples=300, deadline=None)
@given(dockerfiles())
def test_whole_files(data: bytes) -> None:
    check_all(SourceFile("Dockerfile", data), Config())


@settings(max_examples=300, deadline=None)
@given(mutations() | scraps())
def test_damaged_files(data: bytes) -> None:
    check_all(SourceFile("Dockerfile", data), Config())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"FROM a\nRUN x\n" + tail + b"\nCMD x\n"))
def test_any_bytes(data: bytes) -> None:
    source = SourceFile("Dockerfile", data)
    app.check(source, config=Config())
    check_all(source, Config())


@settings(max_examples=150, deadline=None)
@given(dockerfiles())
def test_safe_only_changes_no_more(data: bytes) -> None:
    source = SourceFile("Dockerfile", data)
    result = app.fix(source, config=Config(), safe_only=True)
    for finding in result.findings:
        assert finding.status is not Status.FIXED or (finding.fix is not None and finding.fix.safety.word == "safe")


@settings(max_examples=150, deadline=None)
@given(dockerfiles())
def test_the_same_input_gives_the_same_output(data: bytes) -> None:
    one, two = (app.fix(SourceFile("a/Dockerfile", data), config=Config()) for _ in range(2))
    assert one == two


@settings(max_examples=150, deadline=None)
@given(dockerfiles())
def test_fix_repairs_what_check_offers(data: bytes) -> None:
    """What check calls fixable is fixed, or told with a reason."""
    source = SourceFile("Dockerfile", data)
    checked = app.check(source, config=Config())
    fixed = app.fix(source, config=Config())
    offered = {f.rule for f in checked.findings if f.fix is not None and f.severity > Severity.INFO}
    assert offered <= {f.rule for f in fixed.findings}
    assert len(checked.skipped) == len(fixed.skipped)
