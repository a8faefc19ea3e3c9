"""Colours are for terminals, and tell nothing that the words do not tell."""

from __future__ import annotations

import io
import re

import pytest

from fixer import console
from fixer.model import Finding, Refusal, Result, Severity, Skipped, Status
from fixer.render import text
from fixer.render.summary import Tally

FOUND = Finding("DF001", "Dockerfile", 1, 1, "it is root", Severity.HIGH)
RESULT = Result(
    findings=(
        *(FOUND._replace(severity=severity) for severity in Severity),
        FOUND._replace(status=Status.FIXED),
        FOUND._replace(status=Status.REFUSED, refusal=Refusal("steps-down", "it steps down by itself")),
    ),
    skipped=(Skipped("x", "template", "it is a template"),),
    files=1,
)


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("fixing", [False, True])
def test_what_has_a_colour_says_the_same_in_words(fixing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    tally = Tally(RESULT)
    lines = [
        *text.findings(RESULT, fixing=fixing),
        *text.skipped(tally.skipped),
        *text.closing(tally, fixing=fixing),
    ]
    coloured, plain = Screen(), io.StringIO()
    console.show(lines, coloured)
    console.show(lines, plain)
    assert "\x1b[" in coloured.getvalue()
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured.getvalue()) == plain.getvalue()
    # Lines that differ in colour differ in words as well.
    looks: dict[str, set[tuple[str, ...]]] = {}
    for line in lines:
        looks.setdefault("".join(piece for piece, _ in line), set()).add(tuple(style for _, style in line))
    assert [words for words, styles in looks.items() if len(styles) > 1] == []
    for severity in Severity:
        assert f"DF001 root-user ({severity.word}) " in plain.getvalue()
