"""The words of a request: complete, within bounds, and with nothing in them that a forge would act upon."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer import app
from fixer.config import Config
from fixer.deliver.plans import PlannedUnit
from fixer.engine import Choice
from fixer.model import FileChange, Finding, Fix, Safety, SetUser, Severity, Status
from fixer.render.request import (
    Marker,
    Words,
    _code,
    is_untouched,
    marked,
    neutral,
    read_marker,
    title_of,
    with_marker,
    words,
)
from fixer.units import Unit

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = [
    "@admin please look",
    "see #1 and !2 and &3 and %4 and ~5 and $6",
    "GH-12 gh-12",
    "Fixes PROJ-12, closes ABC-1, resolve: XY-9",
    "<script>alert(1)</script> <img src=x onerror=y> </table> <!-- hidden -->",
    "[click](https://evil.example) ![x](https://evil.example/x.png) [a]: b [x][y]",
    "https://evil.example http://evil.example www.evil.example ftp://evil.example",
    "a\n/merge\n/close\n/label ~bug",
    "\x1b[31mred\x1b]8;;https://evil.example\x07 \x9b2J \x00",
    "left\u202eright\u2066x\u2029/approve",
    "`` ` ``` | | --- |",
    "x\r\ny\rz",
    "[skip ci] [ci skip] [no ci]",
    "lone \udcff surrogate",
    "*bold* _it_ ~~gone~~ | cell\n# heading\n- item\n> quote",
    "<!-- fixer: {} -->",
]
BAD = [
    r"[@#]\w",
    r"(?<!\w)[!&%~$]\d",
    r"GH-\d",
    r"(?i)(?:fixes|closes|resolve): ?[A-Z]+-\d|(?i:fixes|closes) [A-Z]+-\d",
    r"<[A-Za-z/!]",
    r"\]\(",
    r"\]\[",
    r"\]:",
    r"://",
    r"(?i)www\.\w",
    r"(?m)^[ \t]*/\w",
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]",
    r"(?i)\[(?:skip|ci|no) ",
    r"[\ud800-\udfff]",
]


def assert_harmless(text: str) -> None:
    for pattern in BAD:
        assert not re.search(pattern, text.replace("\\", "")), pattern


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_is_acted_upon(text: str) -> None:
    assert_harmless(neutral(text))
    assert neutral(neutral(text)) == neutral(text)


@given(st.text(st.sampled_from("@#!<>[]():/w.G-H1aA\n\r\u202e`|*_ \x1b\u200b"), max_size=30))
def test_whatever_comes_it_is_harmless_the_first_time(text: str) -> None:
    once = neutral(text)
    assert_harmless(once)
    assert neutral(once) == once


def test_plain_words_stay_as_they_are() -> None:
    text = "hand /srv/api over to 10001:10001; a | b, 50% of #, x@ y, <none>"
    assert neutral(text.replace("<none>", "")) == text.replace("<none>", "")


def unit(name: str, risk: str = "a risk") -> Unit:
    """A unit in which every text is the same."""
    fix = Fix(name, Safety.REVIEW, name + risk, (SetUser(0, "10001:10001"),))
    finding = Finding("DF001", name, 1, 1, name, Severity.HIGH, name, fix, None, (), Status.FIXED)
    return Unit(name, (FileChange(name, b"a", b"EXPOSE 80\n", (), "", name),), (finding,))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_repository_has_no_say_in_the_body(text: str) -> None:
    said = words(unit(text))
    body = marked(said, Marker(text, ("0123456789",)), 65_536)
    visible, _, hidden = body.rpartition("<!-- fixer: ")
    assert_harmless(visible)
    assert_harmless(said.title)
    assert "\n" not in said.title
    assert hidden.count("-->") == 1
    assert body.count("<!--") == 1
    marker = read_marker(body)
    assert marker is not None
    assert marker.unit == text
    # A row of a table is a row: the text brings neither lines nor cells.
    tables = [line for line in visible.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} <= {3, 4, 6}
    headings = [line for line in visible.splitlines() if line.startswith("#")]
    assert headings[-1] == "## Every change"
    assert len(headings) == len(set(headings))


@given(st.text(st.sampled_from("`|\\ a\n"), max_size=12))
def test_no_words_end_the_code_that_they_stand_in(text: str) -> None:
    shown = _code(text)
    fence = re.match("`+", shown)
    assert fence is not None
    assert shown.endswith(fence[0])
    runs = re.findall("`+", shown[fence.end() : -fence.end()])
    assert fence[0] not in runs
    assert set(re.findall(r"\\*\|", shown)) <= {"\\|"}


def planned(folder: str) -> tuple[PlannedUnit, ...]:
    return app.requests([ROOT / folder], Config(), Choice(True, Safety.REVIEW))[0]


def test_the_body_has_all_that_a_stranger_needs() -> None:
    shop = next(one for one in planned("examples/kubernetes-shop") if len(one.files) > 1)
    body = shop.said.body
    for heading in ("Why", "What changes", "Evidence", "What could break", "How to check", "If you do not want this"):
        assert f"\n## {heading}\n" in body
    assert "api/Dockerfile:9` | `10001:10001` |" in body
    assert "`/srv/api`" in body
    assert "api/Dockerfile:9` | `DF001` |" in body
    assert "api/Dockerfile:8` | `8080`" in body
    assert ".fixer-off" in body
    assert "docker compose --file examples/kubernetes-shop/compose.yaml up" in body
    assert "the image must be built anew" in body


def test_commands_hold_plain_paths_alone() -> None:
    body = words(unit("a;touch x/Dockerfile")).body
    assert "How to check" not in body
    assert "How to check" in words(unit("a/Dockerfile")).body


# --- bounds and the hidden line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [65_536, 30_000, 4_000])
def test_a_body_that_is_too_long_says_so(limit: int) -> None:
    said = Words("T", "## A\n\n```sh\n" + "x" * 50 + "\n" + ("y" * 70 + "\n") * 2_000 + "```\n")
    body = marked(said, Marker("web", ("0123456789",) * 20), limit)
    assert limit - 500 < len(body) <= limit
    assert "longer than may be said here" in body
    assert body.count("\n```") % 2 == 0
    assert read_marker(body) is not None


def test_a_marker_does_not_grow_with_the_work() -> None:
    many = tuple(f"{n:010x}" for n in range(5_000))
    body = marked(Words("T", "B"), Marker("web", many), 65_536)
    marker = read_marker(body)
    assert marker is not None
    assert marker.fingerprints == many[: len(marker.fingerprints)]
    assert len(body) < 12_000


def test_what_a_person_changes_is_noticed() -> None:
    body = marked(Words("Title", "Words of *ours*.\n"), Marker("web"), 65_536)
    marker = read_marker(body)
    assert marker is not None
    assert is_untouched("Title", body, marker) == (True, True)
    assert is_untouched("Title", body.replace("\n", "\r\n"), marker) == (True, True)
    assert is_untouched("Mine", body + "\nmine", marker) == (False, False)
    other = with_marker("mine\n" + body, marker._replace(left="x"))
    assert other.startswith("mine\n")
    assert read_marker(other) == marker._replace(left="x")
    assert other.count("<!--") == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!-- fixer: {} -->",
        '<!-- fixer: {"version": 2} -->',
        '<!-- fixer: {"version": 1, "fingerprints": [1], "unit": "x"} -->',
        '<!-- fixer: {"version": 1, "fingerprints": [], "unit": 3} -->',
        '<!-- fixer: {"version": 1, "fingerprints": [], "unit": "x", "other": "y"} -->',
        '<!-- fixer: {"version": 1, "fingerprints": [], "unit": "x", "closed": true} -->',
        "<!-- fixer: {" + "[" * 9_000 + "} -->",
        "<!-- fixer: " + "{" * 9_000 + " -->",
    ],
)
def test_a_marker_of_somebody_else_is_none(body: str) -> None:
    assert read_marker(body) is None


def test_a_digest_is_shortened() -> None:
    body = words(unit("image@sha256:" + "0123456789abcdef" * 4)).body
    assert "sha256:0123456789ab…" in body
    assert "0123456789abcdef" not in body


def test_a_title_is_short() -> None:
    assert len(title_of("x " * 500)) == 120
    assert "deep" in words(unit("a/" * 100 + "deep")).title
