"""The report of trials: text for a terminal, JSON by its schema, Markdown in which nobody can write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import fixer.render.verify as module
from fixer.evidence import Cause, Kind, Left, Report, Verdict, Word
from fixer.render.verify import exit_code, markdown, remedy, text, to_json
from fixer.rules import find

SCHEMA = json.loads((Path(module.__file__).parent / "verify.schema.json").read_text())

HELD = Verdict(
    "shop/web",
    "web/Dockerfile",
    Word.HOLDS,
    ("compose.yaml:2: service web: runs as 10001:10001, before as 0:0", "nothing was refused"),
    (),
    "",
    "docker 20.10",
    "sha256:a",
    "sha256:b",
    ("DF001",),
)
PATH = Cause(Kind.PATH, "/data/db", "it may not use /data/db (in the log: EACCES)", "DF007")
BROKEN = HELD._replace(image="shop/api", word=Word.BROKEN, causes=(PATH,))
WAS_BROKEN = Verdict("old", "", Word.BROKEN_BEFORE, (), (), "the original ends with 1")
UNKNOWN = Verdict("far", "far/Dockerfile", Word.NOT_PROVABLE, (), (), "base image acme/base is not here")
CRON = Left("cron/Dockerfile", "cron/Dockerfile", "[cron] the container starts crond")
WHOLE = Report(
    (HELD, BROKEN, WAS_BROKEN, UNKNOWN), (CRON,), ('ports = "move"',), "fixer.toml", ("shop/web is not kept",)
)


def plain(report: Report) -> list[str]:
    return ["".join(piece for piece, _ in line) for line in text(report)]


def test_each_image_has_a_block() -> None:
    rows = plain(WHOLE)
    assert rows[0] == "shop/web: holds"
    assert rows[1] == "    file       web/Dockerfile"
    assert "    seen       nothing was refused" in rows
    assert "shop/api: broken by the fix" in rows
    assert "    path       it may not use /data/db (in the log: EACCES)" in rows
    assert any(row.startswith("    do         DF007 unwritable-path: name the folder") for row in rows)
    assert "    why        the original ends with 1" in rows
    assert "cron/Dockerfile: left as it is" in rows
    assert rows[-3:] == [
        "written to fixer.toml",
        '    ports = "move"',
        "5 images: 1 holds, 1 was broken before, 1 broken by the fix, 1 not provable here, 1 left as it is",
    ]


def test_lines_end_at_80_columns_where_words_do() -> None:
    long = HELD._replace(observations=("word " * 100, "x" * 200))
    rows = plain(Report((long,)))
    assert all(len(row) <= 80 or "x" * 200 in row for row in rows)


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (Report((HELD,)), 0),
        (Report((HELD,), (CRON,)), 0),
        (Report((HELD, BROKEN)), 1),
        (Report((WAS_BROKEN,)), 1),
        (Report((UNKNOWN,)), 1),
        (Report((), (CRON,)), 3),
        (Report(), 3),
    ],
)
def test_exit_codes(report: Report, code: int) -> None:
    assert exit_code(report) == code


@pytest.mark.parametrize("report", [WHOLE, Report(), Report((HELD,))])
def test_the_json_is_what_its_schema_says(report: Report) -> None:
    raw: dict[str, Any] = json.loads(to_json(report))
    jsonschema.validate(raw, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert [one["image"] for one in raw["images"]] == [one.image for one in report.verdicts]
    assert sum(raw["summary"].values()) == len(report.verdicts) + len(report.left)


def test_the_schema_wants_an_observation_for_green() -> None:
    raw = json.loads(to_json(Report((HELD._replace(observations=()),))))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(raw, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_markdown_has_a_table_and_what_was_seen() -> None:
    rows = markdown(WHOLE).splitlines()
    assert rows[0] == "## What was tried"
    assert "| shop/web | holds |" in rows
    assert "| shop/api | broken by the fix |" in rows
    assert "| cron/Dockerfile | left as it is |" in rows
    assert "**shop/api**: broken by the fix" in rows
    assert any(row.startswith("- path: it may not use /data/db") and "DF007" in row for row in rows)


EVIL = "a|b\n# x <script> [l](http://x) @me `c` \x1b[31m \u202e ![i](y) #12"


def test_strangers_write_no_markdown() -> None:
    report = Report((HELD._replace(image=EVIL, observations=(EVIL,)),), (Left(EVIL, "", EVIL),))
    out = markdown(report)
    assert not any(row.startswith("# ") for row in out.splitlines())
    for sign in ("http://", "@me", "\x1b", "\u202e", "](", " `c"):
        assert sign not in out
    assert not re.search(r"(?<!\\)[<>`#]", out.removeprefix("##"))
    table = [row for row in out.splitlines() if row.startswith("|")]
    assert all(row.replace("\\|", "").count("|") == 3 for row in table)


def test_strangers_write_no_control_characters_into_text() -> None:
    report = Report((BROKEN._replace(image="x", observations=(EVIL,), causes=(PATH._replace(message=EVIL),)),))
    assert all(row.isprintable() for row in plain(report))


def test_remedies_belong_to_rules_that_are_there() -> None:
    assert all(find(rule) is not None for rule in module._REMEDIES)
    assert remedy(PATH).startswith("DF007 unwritable-path: ")
    assert remedy(PATH._replace(rule="DF010")) == "see fixer explain DF010 (root-home)"
    assert remedy(PATH._replace(rule="")) == ""
