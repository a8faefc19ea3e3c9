"""Which ignore comments count as unused: only what ran can have been silenced."""

from __future__ import annotations

from fixer import app
from fixer.config import Config
from fixer.model import Goal
from fixer.source import SourceFile

TEXT = """\
FROM debian:12-slim
# fixer: ignore[unchowned-copy, DF012] the code stays with root
COPY --chown=10001:10001 . /app
USER 10001:10001
EXPOSE 8080
# fixer: ignore everything is well here
CMD ["/app/shop"]
"""


def told(text: str = TEXT, **options: frozenset[str] | bool) -> list[tuple[int, str]]:
    config = Config(goal=Goal.HARDENED).with_options(**options)
    result = app.check(SourceFile("Dockerfile", text.encode()), config=config)
    return [(f.line, f.message) for f in result.findings if f.rule == "DF020"]


def test_what_silenced_nothing_is_told() -> None:
    assert told() == [
        (2, "ignore[DF012] silences nothing"),
        (2, "ignore[unchowned-copy] silences nothing"),
        (6, "this ignore comment silences nothing"),
    ]


def test_a_rule_that_did_not_run_makes_no_ignore_useless() -> None:
    assert told(select=frozenset({"DF012", "unused-ignore"})) == [(2, "ignore[DF012] silences nothing")]
    assert told(ignore=frozenset({"world-writable"})) == [(2, "ignore[unchowned-copy] silences nothing")]


def test_ignores_that_are_not_honoured_are_not_judged() -> None:
    assert told(honour_ignores=False) == []


def test_a_comment_inside_an_instruction_does_not_silence_what_is_said_about_itself() -> None:
    text = "FROM debian:12-slim\nUSER 1:1\nEXPOSE 8080\nCMD /x \\\n  # fixer: ignore it is well\n  -v\n"
    assert told(text) == [(5, "this ignore comment silences nothing")]


def test_an_ignore_of_this_rule_silences_the_word_about_another_comment() -> None:
    text = (
        "FROM debian:12-slim\nUSER 1:1\nEXPOSE 8080\n# fixer: ignore[unused-ignore] kept for later\nCMD /x \\\n"
        "  # fixer: ignore[DF009] it is well\n  -v\n"
    )
    assert told(text) == []
