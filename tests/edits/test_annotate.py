"""`fix --annotate`: the reason as a comment above each change."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config
from fixer.model import Goal, Status
from fixer.source import SourceFile
from fixer.syntax.dockerfile import parse

COMMENT = re.compile(r"# [a-z-]+ \(DF\d{3}\): \S.*")
CREATION = (
    "useradd --no-log-init --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent"
    " --shell /usr/sbin/nologin app"
)
ROOT = "# root-user (DF001): the image runs as root: no USER is set"

MOVED = """\
# syntax=docker/dockerfile:1
# check=skip=all
FROM debian:12-slim
WORKDIR /app
# hadolint ignore=DL3045
COPY --chmod=777 . .
RUN make && \\
    # not the tests
    chmod 777 build
EXPOSE 8080
# how it starts
CMD ["./shop"]
"""


def fixed(text: str, annotate: bool = True) -> str:
    source = SourceFile("Dockerfile", text.encode())
    result = app.fix(source, config=Config(goal=Goal.HARDENED), annotate=annotate)
    assert any(f.status is Status.FIXED for f in result.findings)
    (change,) = result.changes
    return change.after.decode()


def without_comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if not COMMENT.fullmatch(line.strip())]


def test_one_comment_stands_above_each_change() -> None:
    lines = [line.replace(CREATION, "CREATION") for line in fixed(MOVED).splitlines()]
    assert (
        lines
        == """\
# syntax=docker/dockerfile:1
# check=skip=all
FROM debian:12-slim
WORKDIR /app
# unchowned-copy (DF006): COPY leaves /app with root, and the image will run as 10001:10001
# world-writable (DF012): COPY --chmod=777 lets everybody write /app
# hadolint ignore=DL3045
COPY --chmod=755 --chown=10001:10001 . .
# unwritable-path (DF007): /app belongs to root, and the image will run as 10001:10001
# world-writable (DF012): chmod 777 lets everybody write build
RUN make && \\
    # not the tests
    chmod 755 build && \\
    chown -R 10001:10001 /app
EXPOSE 8080
# root-user (DF001): the image runs as root: no USER is set
RUN groupadd --gid 10001 app && \\
    CREATION && \\
    chown 10001:10001 /app/build
USER 10001:10001
# how it starts
CMD ["./shop"]
""".splitlines()
    )


CASES = {
    "plain": MOVED,
    "crlf": MOVED.replace("\n", "\r\n"),
    "no-final-newline": MOVED.rstrip("\n"),
    "bom": "\ufeff" + MOVED,
    "no-command": "FROM alpine:3.20\nWORKDIR /data",
    "volume": "FROM debian:12\nVOLUME /data\nEXPOSE 8080\nCMD [\"/x\"]\n",
    "last-user": "FROM debian:12\n  # who\n  USER root\nCMD [\"/x\"]\n",
    "user-with-folders": "FROM debian:12\nRUN mkdir /data\nUSER 0\nVOLUME /data\nCMD [\"/x\"]\n",
    "heredoc": "FROM debian:12\nRUN <<A\nmkdir /data\nchmod 777 /data\nA\nEXPOSE 8080\nCMD [\"/x\"]\n",
    "stages": "FROM debian:12 AS base\nCMD [\"/x\"]\nFROM base AS tool\nRUN make\nFROM base\nCOPY a /a\n",
    "lower-case": "from node:22\nworkdir /app\ncopy . .\nonbuild user root\ncmd [\"node\", \"x.js\"]\n",
    "home": "FROM debian:12\nWORKDIR /root/x\nRUN mkdir y\nUSER root\nCMD [\"./x\"]\n",
    "indented": "FROM debian:12\n  WORKDIR /app\n  COPY . .\n  EXPOSE 8080\n  CMD [\"/app/x\"]\n",
}  # fmt: skip


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_comments_are_all_that_is_added(text: str) -> None:
    after = fixed(text)
    assert without_comments(after) == without_comments(fixed(text, annotate=False))
    own = [line for line in after.splitlines() if COMMENT.fullmatch(line.strip())]
    assert own
    assert after.count("\r\n") == (after.count("\n") if "\r\n" in text else 0)
    assert parse(after.removeprefix("\ufeff")).directives == parse(text.removeprefix("\ufeff")).directives


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_no_comment_stands_inside_an_instruction(text: str) -> None:
    after = fixed(text).removeprefix("\ufeff")
    inside = [after[item.span.start : item.span.end] for item in parse(after)]
    assert not any(COMMENT.fullmatch(line.strip()) for body in inside for line in body.splitlines())


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_a_second_run_changes_nothing(text: str) -> None:
    again = app.fix(SourceFile("Dockerfile", fixed(text).encode()), config=Config(goal=Goal.HARDENED), annotate=True)
    assert again.changes == ()


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_no_comment_stands_twice_in_a_block(text: str) -> None:
    lines = [line.strip() for line in fixed(text).splitlines()]
    assert not [one for one, two in pairwise(lines) if one == two and COMMENT.fullmatch(one)]
    if "stages" not in text and text.count("FROM") == 1:
        assert lines.count(ROOT) <= 1


def test_a_stage_that_builds_as_root_as_before_says_so(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(CASES["stages"])
    (tmp_path / "compose.yaml").write_text("services:\n  app:\n    build: {context: ., target: base}\n")
    changes = app.fix(tmp_path, config=Config(goal=Goal.HARDENED), annotate=True).changes
    (change,) = (one for one in changes if one.path == "Dockerfile")
    lines = change.after.decode().splitlines()
    at = lines.index("USER 0")
    assert lines[at - 1].startswith("# root-user (DF001): this stage starts from one that no longer ends as root")
    assert lines[at + 1] == "RUN make"


def test_a_comment_that_is_there_already_is_not_repeated() -> None:
    text = MOVED.replace("RUN make", "# world-writable (DF012): chmod 777 lets everybody write build\nRUN make")
    assert fixed(text).count("# world-writable (DF012): chmod 777 lets everybody write build") == 1


def test_without_the_option_no_comment_is_written() -> None:
    assert "(DF" not in fixed(MOVED, annotate=False)
