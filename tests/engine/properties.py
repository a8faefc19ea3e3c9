"""What must hold for every file that the engine changes, whatever the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

from fixer import app, fixing
from fixer.config import Config
from fixer.model import Edit, Result, Status
from fixer.source import BOM, SourceFile, apply_edits
from fixer.syntax.dockerfile import parse
from tests import oracle


@dataclass
class Round:
    """One application of edits."""

    before: str
    edits: list[Edit]
    after: str


@contextmanager
def recorded() -> Iterator[list[Round]]:
    """The edits of every round that a run tries."""
    rounds: list[Round] = []

    def record(text: str, edits: list[Edit]) -> str:
        after = apply_edits(text, edits)
        rounds.append(Round(text, list(edits), after))
        return after

    with mock.patch.object(fixing, "apply_edits", record):
        yield rounds


def undo(one: Round) -> str:
    """The text before, from the text after and the edits alone."""
    out: list[str] = []
    at = shift = 0
    for edit in sorted(one.edits, key=lambda e: (e.span.start, e.span.end)):
        start = edit.span.start + shift
        assert one.after[start : start + len(edit.text)] == edit.text
        out += (one.after[at:start], one.before[edit.span.start : edit.span.end])
        at = start + len(edit.text)
        shift += len(edit.text) - (edit.span.end - edit.span.start)
    return "".join([*out, one.after[at:]])


def whole_lines(one: Round, edit: Edit) -> bool:
    """Whether an edit puts whole lines between lines, or takes whole lines away."""
    text, start, end = one.before, edit.span.start, edit.span.end
    starts = start == 0 or text[start - 1] == "\n"
    if start == end == len(text) and not starts:
        return edit.text.startswith(("\n", "\r\n")) and not edit.text.endswith("\n")
    ends = end == len(text) or text[end - 1] == "\n" or start == end
    return starts and ends and (not edit.text or edit.text.endswith("\n"))


def more_lines(one: Round, edit: Edit) -> bool:
    """Whether an edit continues an instruction on lines of its own, right where it ended."""
    start, end = edit.span.start, edit.span.end
    before = one.before[start - 1 : start]
    return (
        start == end
        and not before.isspace()
        and re.fullmatch(r"(?:(?: &&|;)? \S\r?\n[^\n]*[^\s])+", edit.text) is not None
    )


def comments(data: bytes) -> list[bytes]:
    """The lines that start with `#`."""
    return [line.strip() for line in data.removeprefix(BOM).split(b"\n") if line.lstrip().startswith(b"#")]


def check_rounds(rounds: list[Round]) -> None:
    """Bytes outside an edit stay, and an edit is small: a word of one line, whole lines, or one more line of a step."""
    for one in rounds:
        assert undo(one) == one.before
        for edit in one.edits:
            replaced = one.before[edit.span.start : edit.span.end]
            plain = "\n" not in replaced + edit.text
            assert plain or whole_lines(one, edit) or more_lines(one, edit), edit


def check_bytes(before: bytes, after: bytes) -> None:
    """What a change keeps."""
    assert after != before
    assert after.startswith(BOM) == before.startswith(BOM)
    assert oracle.parses(after) or not oracle.parses(before)
    assert oracle.difference(after) == ""
    kept = iter(comments(after))
    assert all(line in kept for line in comments(before)), "a comment is gone, or has moved"
    if b"\n" in before:
        assert after.endswith(b"\n") == before.endswith(b"\n")
    if before.count(b"\r\n") == before.count(b"\n") > 0:
        assert after.count(b"\r\n") == after.count(b"\n")
    elif b"\r" not in before:
        assert b"\r" not in after


def check_all(source: SourceFile, config: Config | None = None) -> Result:
    """Fix one source, and check every promise on the way."""
    config = Config() if config is None else config
    with recorded() as rounds:
        result = app.fix(source, config=config)
    check_rounds(rounds)
    for finding in result.findings:
        assert finding.status in (Status.FIXED, Status.REFUSED)
        assert (finding.refusal is None) == (finding.status is Status.FIXED)
    if not result.changes:
        assert not any(f.status is Status.FIXED for f in result.findings)
        return result
    (change,) = result.changes
    assert change.before == source.data
    check_bytes(change.before, change.after)
    after = SourceFile(source.path, change.after)
    parse(after.text)
    again = app.fix(after, config=config)
    assert not again.changes
    assert not any(f.status is Status.FIXED for f in again.findings)
    return result
