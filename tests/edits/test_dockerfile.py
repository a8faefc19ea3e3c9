"""Symbolic changes become edits in the file's own style."""

from __future__ import annotations

import pytest

from fixer.edits.dockerfile import Conflict, lower
from fixer.facts import base_facts
from fixer.model import (
    Change,
    HandOver,
    InsertLine,
    RemoveInstruction,
    ReplaceText,
    SetEnv,
    SetFlag,
    SetUser,
    Span,
    StartAsRoot,
)
from fixer.source import SourceFile, apply_edits
from fixer.syntax.dockerfile import parse
from fixer.understand.stages import stages


def changed(text: str, *changes: Change) -> str:
    source = SourceFile("Dockerfile", text.encode())
    tree = parse(source.text)
    return apply_edits(source.text, lower(tree, stages(tree, known=base_facts), changes, source.newline).edits)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a\nCMD x\n", "FROM a\nUSER 1:1\nCMD x\n"),
        ("FROM a\nCMD x", "FROM a\nUSER 1:1\nCMD x"),
        ("FROM a\n", "FROM a\nUSER 1:1\n"),
        ("FROM a", "FROM a\nUSER 1:1"),
        ("FROM a\nRUN x\n", "FROM a\nRUN x\nUSER 1:1\n"),
        ("FROM a\nRUN x\n\n# end\n", "FROM a\nRUN x\nUSER 1:1\n\n# end\n"),
        ("FROM a\n# why\nCMD x\n", "FROM a\nUSER 1:1\n# why\nCMD x\n"),
        ("FROM a\n\nCMD x\n", "FROM a\n\nUSER 1:1\n\nCMD x\n"),
        ("FROM a\n\n# why\nCMD x\n", "FROM a\n\nUSER 1:1\n\n# why\nCMD x\n"),
        ("FROM a\r\nCMD x\r\n", "FROM a\r\nUSER 1:1\r\nCMD x\r\n"),
        ("FROM a\r\nCMD x", "FROM a\r\nUSER 1:1\r\nCMD x"),
        ("from a\ncmd x\n", "from a\nuser 1:1\ncmd x\n"),
        ("  FROM a\n  CMD x\n", "  FROM a\n  USER 1:1\n  CMD x\n"),
        ("FROM a\nUSER root\nCMD x\n", "FROM a\nUSER 1:1\nCMD x\n"),
        ("FROM a\nUSER  root # no\nCMD x\n", "FROM a\nUSER  1:1\nCMD x\n"),
        ("FROM a\nUSER \\\n  root\nCMD x\n", "FROM a\nUSER \\\n  1:1\nCMD x\n"),
        ("FROM a\nUSER root\nRUN y\nCMD x\n", "FROM a\nUSER root\nRUN y\nUSER 1:1\nCMD x\n"),
        ("FROM a\nCMD x\nRUN y\n", "FROM a\nCMD x\nRUN y\nUSER 1:1\n"),
        ("FROM a\nENTRYPOINT y\nCMD x\n", "FROM a\nUSER 1:1\nENTRYPOINT y\nCMD x\n"),
        ("FROM a\nRUN <<E\nx\nE", "FROM a\nRUN <<E\nx\nE\nUSER 1:1"),
        ("FROM a\nEXPOSE 80\nFROM b\nCMD x\n", "FROM a\nEXPOSE 80\nUSER 1:1\nFROM b\nCMD x\n"),
        ("FROM a\nRUN x \\\n  y", "FROM a\nRUN x \\\n  y\nUSER 1:1"),
    ],
)
def test_where_the_user_goes(before: str, after: str) -> None:
    assert changed(before, SetUser(0, "1:1")) == after


@pytest.mark.parametrize("text", ["FROM a\nRUN x \\", "FROM a\nRUN x \\\n"])
def test_a_file_that_ends_inside_a_continuation_is_left(text: str) -> None:
    with pytest.raises(Conflict, match="continuation"):
        changed(text, SetUser(0, "1:1"))


@pytest.mark.parametrize(
    ("before", "run"),
    [
        ("FROM a\n", "RUN mkdir -p /d \\\n    && chown 1:1 /d\n"),
        ("FROM a\nRUN x && \\\n  y\n", "RUN mkdir -p /d && \\\n  chown 1:1 /d\n"),
        ("FROM a\nRUN x \\\n\t&& y\n", "RUN mkdir -p /d \\\n\t&& chown 1:1 /d\n"),
        ("# escape=`\nFROM a\nRUN x `\n  && y\n", "RUN mkdir -p /d `\n  && chown 1:1 /d\n"),
        ("from a\n", "run mkdir -p /d \\\n    && chown 1:1 /d\n"),
    ],
)
def test_root_steps_are_one_run_in_the_files_style(before: str, run: str) -> None:
    word = "user" if before.startswith("from") else "USER"
    assert changed(before, HandOver(0, "/d", "1:1", False, True), SetUser(0, "1:1")) == f"{before}{run}{word} 1:1\n"


def test_root_steps_stand_before_a_volume() -> None:
    before = "FROM a\nVOLUME /d\nEXPOSE 1\nCMD x\n"
    after = changed(before, HandOver(0, "/d", "1:1", False, False), SetUser(0, "1:1"))
    assert after == "FROM a\nRUN chown 1:1 /d\nVOLUME /d\nEXPOSE 1\nUSER 1:1\nCMD x\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a\nCMD x\n", "FROM a\nRUN chown 1:1 /d\nENV H=/d\nUSER 1:1\nCMD x\n"),
        ("FROM a", "FROM a\nRUN chown 1:1 /d\nENV H=/d\nUSER 1:1"),
        ("FROM a\nVOLUME /d\n", "FROM a\nRUN chown 1:1 /d\nVOLUME /d\nENV H=/d\nUSER 1:1\n"),
        ("from debian:12\nuser root\ncmd x\n", "from debian:12\nrun chown 1:1 /d\nenv H=/d\nuser 1:1\ncmd x\n"),
        ("FROM a\nUSER 5\nUSER 0\n", "FROM a\nUSER 5\nUSER 0\nRUN chown 1:1 /d\nENV H=/d\nUSER 1:1\n"),
    ],
)
def test_a_variable_stands_in_front_of_the_user(before: str, after: str) -> None:
    steps = (SetEnv(0, "H", "/d"), HandOver(0, "/d", "1:1", False, False))
    assert changed(before, SetUser(0, "1:1"), *steps) == after


@pytest.mark.parametrize(
    ("run", "after"),
    [
        ("RUN a", "RUN a && chown -R 1:1 /d"),
        ("RUN a;", "RUN a && chown -R 1:1 /d;"),
        ("run a  ", "run a && chown -R 1:1 /d  "),
        ("RUN a \\\n  && b", "RUN a \\\n  && b \\\n  && chown -R 1:1 /d"),
        ("RUN a && \\\n\tb", "RUN a && \\\n\tb && \\\n\tchown -R 1:1 /d"),
        ("RUN set -eu; \\\n\tb", "RUN set -eu; \\\n\tb; \\\n\tchown -R 1:1 /d"),
        ("RUN a; \\\n\tb;", "RUN a; \\\n\tb \\\n\t&& chown -R 1:1 /d;"),
        ("RUN a \\\n  # why\n  b", "RUN a \\\n  # why\n  b \\\n  && chown -R 1:1 /d"),
        ("RUN a \\\r\n  b", "RUN a \\\r\n  b \\\n  && chown -R 1:1 /d"),
    ],
)
@pytest.mark.parametrize("rest", ["\nCMD x\n", "\n", ""])
def test_a_step_is_continued_in_its_own_style(run: str, after: str, rest: str) -> None:
    step = HandOver(0, "/d", "1:1", True, False, run=1)
    assert changed(f"FROM a\n{run}{rest}", step) == f"FROM a\n{after}{rest}"
    moved = changed(f"FROM a\n{run}{rest}", step, SetUser(0, "1:1"))
    assert moved.startswith(f"FROM a\n{after}\nUSER 1:1")


def test_a_step_is_continued_once_for_all_folders() -> None:
    steps = [
        HandOver(0, p, "1:1", r, m, run=1)
        for p, r, m in (("/b", True, True), ("/b/x", True, False), ("/c", False, False))
    ]
    assert changed("FROM a\nRUN x\n", *steps) == "FROM a\nRUN x && mkdir -p /b && chown 1:1 /c && chown -R 1:1 /b\n"


@pytest.mark.parametrize("text", ["FROM a\nRUN x # why\n", 'FROM a\nRUN ["x"]\n', "FROM a\nRUN <<E\nx\nE\n"])
def test_a_step_that_cannot_be_continued_is_left(text: str) -> None:
    with pytest.raises(Conflict, match="line 2"):
        changed(text, HandOver(0, "/d", "1:1", True, False, run=1))


def test_two_users_of_one_step_contradict_each_other() -> None:
    with pytest.raises(Conflict, match="different users"):
        changed("FROM a\nRUN x\n", *(HandOver(0, "/d", owner, True, False, run=1) for owner in ("1:1", "2:2")))


def test_folders_share_one_command() -> None:
    steps = [
        HandOver(0, p, "1:1", r, m) for p, r, m in (("/b", True, True), ("/a b", False, False), ("/c", True, True))
    ]
    after = changed("FROM a\n", SetUser(0, "1:1"), *steps)
    assert after == "FROM a\nRUN mkdir -p /b /c \\\n    && chown 1:1 '/a b' \\\n    && chown -R 1:1 /b /c\nUSER 1:1\n"


def test_equal_changes_collapse_and_their_order_does_not_matter() -> None:
    steps: list[Change] = [
        HandOver(0, "/d", "1:1", False, False),
        HandOver(0, "/c", "1:1", False, False),
        HandOver(0, "/c", "1:1", False, False),
        SetUser(0, "1:1"),
        SetUser(0, "1:1"),
    ]
    after = "FROM a\nRUN chown 1:1 /c /d\nUSER 1:1\n"
    assert changed("FROM a\n", *steps) == changed("FROM a\n", *reversed(steps)) == after


def test_a_builder_starts_as_root() -> None:
    before = "FROM a AS x\nCMD c\nFROM x\nRUN y\n"
    after = changed(before, SetUser(0, "1:1"), StartAsRoot(1))
    assert after == "FROM a AS x\nUSER 1:1\nCMD c\nFROM x\nUSER 0\nRUN y\n"


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("COPY a b", "COPY --chown=1:1 a b"),
        ("COPY  a b", "COPY  --chown=1:1 a b"),
        ("copy a b", "copy --chown=1:1 a b"),
        ("COPY --link --from=x a b", "COPY --link --from=x --chown=1:1 a b"),
        ("COPY --chown=root a b", "COPY --chown=1:1 a b"),
        ("COPY --chown='root' --link a b", "COPY --chown=1:1 --link a b"),
        ("COPY --chown=\\\nroot a b", "COPY --chown=1:1 a b"),
        ('COPY ["a b", "c"]', 'COPY --chown=1:1 ["a b", "c"]'),
        ("COPY \\\n  a \\\n  b", "COPY \\\n  --chown=1:1 a \\\n  b"),
        ("COPY <<E /x\ny\nE", "COPY --chown=1:1 <<E /x\ny\nE"),
        ("ONBUILD COPY a b", "ONBUILD COPY --chown=1:1 a b"),
        ("ADD a.tar.gz b", "ADD --chown=1:1 a.tar.gz b"),
    ],
)
def test_flags(line: str, after: str) -> None:
    assert changed(f"FROM a\n{line}\n", SetFlag(1, "chown", "1:1")) == f"FROM a\n{after}\n"


def test_lines_and_removals() -> None:
    before = "FROM a\n# about b\nRUN b\nUSER root\nCMD c"
    assert changed(before, InsertLine(1, "before", "RUN x")) == "FROM a\nRUN x\n# about b\nRUN b\nUSER root\nCMD c"
    assert changed(before, InsertLine(1, "after", "RUN x")) == "FROM a\n# about b\nRUN b\nRUN x\nUSER root\nCMD c"
    assert changed(before, InsertLine(3, "after", "RUN x")) == before + "\nRUN x"
    assert changed(before, RemoveInstruction(2)) == "FROM a\n# about b\nRUN b\nCMD c"


def test_replacements() -> None:
    before = "FROM a\nRUN useradd app\n"
    at = before.index(" app")
    assert changed(before, ReplaceText(Span(at, at), " -u 5")) == "FROM a\nRUN useradd -u 5 app\n"


@pytest.mark.parametrize(
    "changes",
    [
        (SetUser(0, "1"), SetUser(0, "2")),
        (SetFlag(1, "chown", "1"), SetFlag(1, "chown", "2")),
        (ReplaceText(Span(12, 14), "x"), ReplaceText(Span(13, 15), "y")),
        (ReplaceText(Span(12, 14), "x"), ReplaceText(Span(12, 14), "y")),
        (ReplaceText(Span(6, 7), ""),),
    ],
)
def test_contradictions_are_told(changes: tuple[Change, ...]) -> None:
    with pytest.raises(Conflict):
        changed("FROM a\nCOPY aa bb\n", *changes)
