"""Reports for machines and pages: valid, true, within limits, and deaf to what a repository says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer import app
from fixer.config import Config
from fixer.engine import Choice
from fixer.model import FileChange, Fix, Refusal, Safety, Severity, Skipped, Status
from fixer.render import baseline
from fixer.render.diff import lines_before
from fixer.render.fingerprints import fingerprints
from fixer.render.github import to_github
from fixer.render.gitlab import to_gitlab
from fixer.render.html import to_html
from fixer.render.junit import to_junit
from fixer.render.linehash import line_hashes
from fixer.render.markdown import to_markdown
from fixer.render.report import Report
from fixer.render.sarif import to_sarif
from fixer.render.words import code, escaped, plain
from tests.render import judging
from tests.render.made import COMPOSE, DOCKERFILE, HOSTILE, evil, found, made

RENDERERS: dict[str, tuple[Callable[[Report], str], Callable[[str], Any]]] = {
    "sarif": (to_sarif, judging.sarif),
    "gitlab": (to_gitlab, judging.gitlab),
    "junit": (to_junit, judging.junit),
    "github": (to_github, judging.github),
    "markdown": (to_markdown, judging.markdown),
    "html": (to_html, judging.html),
}
SCHEMA = json.loads((Path(baseline.__file__).parent / "baseline.schema.json").read_text())


@pytest.mark.parametrize("name", RENDERERS)
def test_strangers_are_not_obeyed(name: str) -> None:
    render, judge = RENDERERS[name]
    for words in HOSTILE:
        judge(render(evil(words)))


@pytest.mark.parametrize("name", RENDERERS)
@settings(max_examples=20, deadline=None)
@given(words=st.text(st.characters(exclude_categories=()), min_size=1, max_size=30))
def test_any_words_are_told(name: str, words: str) -> None:
    render, judge = RENDERERS[name]
    judge(render(evil(words)))


@pytest.mark.parametrize("name", RENDERERS)
def test_nothing_is_a_report_too(name: str) -> None:
    render, judge = RENDERERS[name]
    judge(render(made()))


def test_words_stay_readable() -> None:
    assert plain("a\tb\x1b[0m\u202e") == "a\\x09b\\x1b[0m\\x202e"
    assert escaped("a_b <c>") == "a\\_b \\<c\\>"
    assert code("a`b|c") == "`` a`b\\|c ``"


def test_the_page_says_what_was_found() -> None:
    for words in ("<b>bold</b>", "a & b", '"quoted"'):
        assert judging.html(to_html(evil(words))).count(words) > 5


# --- a real repository ------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "shop/web").mkdir(parents=True)
    (tmp_path / "shop/web/Dockerfile").write_bytes(b"\xef\xbb\xbf" + DOCKERFILE.encode().replace(b"\n", b"\r\n"))
    (tmp_path / "shop/compose.yaml").write_text(COMPOSE)
    return tmp_path / "shop"


def fixed(folder: Path, **more: Any) -> Report:
    return app.report([folder], Config(), Choice(True, Safety.REVIEW), **more)


def applied(before: bytes, replacements: list[dict[str, Any]]) -> bytes:
    """What a reader of SARIF makes of a file."""
    mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
    text = before.removeprefix(mark).decode()
    starts = [0, *(n + 1 for n, sign in enumerate(text) if sign == "\n")]
    for row in reversed(replacements):
        region = row["deletedRegion"]
        start = starts[region["startLine"] - 1] + region["startColumn"] - 1
        end = starts[region["endLine"] - 1] + region["endColumn"] - 1
        text = text[:start] + row.get("insertedContent", {}).get("text", "") + text[end:]
    return mark + text.encode()


def test_paths_are_those_of_the_repository(shop: Path) -> None:
    report = app.report([shop], Config(), Choice())
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in judging.sarif(to_sarif(report))["runs"][0]["results"]
    }
    assert uris == {"shop/web/Dockerfile", "shop/compose.yaml"}
    assert {finding.path for finding in report.told.findings} == {"web/Dockerfile", "compose.yaml"}


def test_a_file_of_a_repository_elsewhere(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.parent.parent)
    report = app.report([shop / "web/Dockerfile"], Config(), Choice(), drawn=True)
    assert {finding.path for finding in report.result.findings} == {"shop/web/Dockerfile"}
    assert {finding.path for finding in report.told.findings} == {f"{shop.parent.name}/shop/web/Dockerfile"}
    assert {*report.texts} == {"shop/web/Dockerfile"}


def test_several_trees_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(f"# {name}\n{DOCKERFILE}")
    report = app.report([Path("b"), Path("a")], Config(), Choice())
    assert {finding.path for finding in report.result.findings} == {"a/Dockerfile", "b/Dockerfile"}
    for told, whole in zip(report.told.findings, report.result.findings, strict=True):
        assert (told.path, told.line, told.rule) == ("Dockerfile", whole.line, whole.rule)
    assert {path: text[:3] for path, text in report.texts.items()} == {"a/Dockerfile": b"# a", "b/Dockerfile": b"# b"}


def test_the_fix_of_a_file_is_told_once_and_whole(shop: Path) -> None:
    report = fixed(shop)
    log = judging.sarif(to_sarif(report))
    changes = [
        c for result in log["runs"][0]["results"] for fix in result.get("fixes", ()) for c in fix["artifactChanges"]
    ]
    told = {
        one["artifactLocation"]["uri"]: applied(report.texts[one["artifactLocation"]["uri"]], one["replacements"])
        for one in changes
    }
    assert told == {change.whole_path: change.after for change in report.result.changes}
    assert len(told) == len(changes) == 2


def test_what_is_left_has_its_place_in_the_file_as_it_is(shop: Path) -> None:
    report = fixed(shop)
    (left,) = (f for f in report.result.findings if f.rule == "CS001" and f.status is Status.REFUSED)
    assert report.texts[left.path].splitlines()[left.line - 1] == b"  odd:"
    written = report.with_result(app.write_changes(report.told))
    (left,) = (f for f in written.open if f.rule == "CS001")
    assert written.texts[left.path].splitlines()[left.line - 1] == b"  odd:"
    assert (shop / "compose.yaml").read_bytes() == written.texts["shop/compose.yaml"]
    assert not any("fixes" in result for result in judging.sarif(to_sarif(written))["runs"][0]["results"])


def test_the_page_has_the_units_the_graph_and_the_diff(shop: Path) -> None:
    page = to_html(fixed(shop, drawn=True))
    words = judging.html(page)
    assert "<h3>shop</h3>" in page
    assert "shop/compose.yaml, shop/web/Dockerfile" in words
    assert "service web" in words
    assert '<td class="right plus">USER 10001:10001</td>' in page
    assert 'aria-label="web/Dockerfile starts from debian:12; service web runs web/Dockerfile"' in page


# --- places -----------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=8),
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.booleans(),
)
def test_replacements_make_the_file(old: list[str], new: list[str], end: str, whole: bool, also: bool) -> None:
    texts = [end.join(lines) + (end if last and lines else "") for lines, last in ((old, whole), (new, also))]
    before, after = (text.encode() for text in texts)
    change = FileChange("Dockerfile", before, after, root="/r")
    fixing = found("Dockerfile", 1, fix=Fix("t", Safety.SAFE, ""), status=Status.FIXED)
    log = json.loads(to_sarif(made(fixing, texts={"Dockerfile": before}, changes=(change,), fixing=True)))
    fixes = log["runs"][0]["results"][0].get("fixes")
    assert (fixes is None) == (before == after)
    if fixes:
        assert applied(before, fixes[0]["artifactChanges"][0]["replacements"]) == after


def test_half_of_a_fix_is_not_told() -> None:
    pair = [FileChange(p, b"a\n", b"b\n", root="/r", unit="port") for p in ("a", "b")]
    pair[1] = pair[1]._replace(before=b"\xff\n")
    fixing = found("a", 1, fix=Fix("t", Safety.SAFE, ""), status=Status.FIXED)
    log = json.loads(to_sarif(made(fixing, changes=tuple(pair), fixing=True)))
    assert "fixes" not in log["runs"][0]["results"][0]


def test_lines_before() -> None:
    change = FileChange("f", b"a\nb\nc\nd\n", b"a\nnew\nb\nC\nmore\nd\nlast\n")
    assert lines_before(change) == [1, 1, 2, 3, 3, 4, 4]
    assert lines_before(FileChange("f", b"", b"a\nb\n")) == [1, 1]


def test_a_place_behind_the_end_is_kept_inside() -> None:
    row = found(line=2, column=40)
    (result,) = json.loads(to_sarif(made(row, texts={"web/Dockerfile": b"FROM a\nRUN x \n"})))["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 7, "endLine": 2, "endColumn": 7}


# The values are those of the tests of github/codeql-action.
@pytest.mark.parametrize(
    ("data", "hashes"),
    [
        (b"", "c129715d7a2bc9a3:1"),
        (b" a\nb\n  \t\tc\n d", "271789c17abda88f:1 54703d4cd895b18:1 180aee12dab6264:1 a23a3dc5e078b07b:1"),
        (
            b" hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n",
            "e9496ae3ebfced30:1 fb7c023a8b9ccb3f:1 ce8ba1a563dcdaca:1 e20e36e16fcb0cc8:1 b3edc88f2938467e:1"
            " c8e28b0b4002a3a0:1 c129715d7a2bc9a3:1",
        ),
        (
            b"Lorem ipsum dolor sit amet.\n" * 10,
            "a7f2ff13bc495cf2:1 a7f2ff13bc495cf2:2 a7f2ff13bc495cf2:3 a7f2ff13bc495cf2:4 a7f2ff13bc495cf2:5"
            " a7f2ff13bc495cf2:6 a7f2ff1481e87703:1 a9cf91f7bbf1862b:1 55ec222b86bcae53:1 cc97dc7b1d7d8f7b:1"
            " c129715d7a2bc9a3:1",
        ),
    ],
)
def test_line_hashes_are_those_of_github(data: bytes, hashes: str) -> None:
    assert line_hashes(data) == hashes.split()


def test_line_hashes_count_in_utf_16() -> None:
    units = (0xD83D, 0xDE00, 0xFFFF)
    value = sum(unit * 37 ** (99 - n) for n, unit in enumerate(units)) % 2**64
    assert line_hashes("\U0001f600".encode()) == [f"{value:x}:1"]


# --- fingerprints and the baseline ------------------------------------------------------------------------------------


def marks(report: Report) -> list[str]:
    return list(fingerprints(report.result.findings, report.texts))


def test_fingerprints_stay_when_lines_move() -> None:
    one = made(found(line=2), found(line=2, message="another"), texts={"web/Dockerfile": b"FROM a\nUSER root\n"})
    moved = made(found(line=4), found(line=4, message="x"), texts={"web/Dockerfile": b"# c\n\nFROM a\n  USER root\r\n"})
    other = made(found(line=2), texts={"web/Dockerfile": b"FROM a\nUSER 0\n"})
    assert marks(one) == marks(moved)
    assert len({*marks(one), *marks(other)}) == 3


def test_a_baseline_counts() -> None:
    texts = {"web/Dockerfile": b"FROM a\nUSER root\nUSER root\n"}
    old = made(found(line=2), found(line=3), found(rule="DF002"), texts=texts)
    text = baseline.to_json(old)
    jsonschema.validate(json.loads(text), SCHEMA)
    known = baseline.read(text)
    assert sorted(known.values()) == [1, 2]
    again = old.without(known)
    assert (again.result.findings, again.quiet, again.gone) == ((), 3, 0)
    assert again.tally.exit_code() == 0
    third = made(found(line=2), found(line=3), found(line=3, message="new"), texts=texts).without(known)
    assert [finding.message for finding in third.result.findings] == ["new"]
    assert third.told.findings == third.result.findings
    assert (third.quiet, third.gone, third.tally.exit_code()) == (2, 1, 1)


def test_a_baseline_hides_nothing_that_is_repaired() -> None:
    fixing = found(fix=Fix("t", Safety.SAFE, ""), status=Status.FIXED)
    report = made(fixing, found(rule="DF002", status=Status.REFUSED, refusal=Refusal("no-fix", "x")))
    quiet = report.without({mark: 1 for mark, _ in report.marked()})
    assert quiet.result.findings == (fixing,)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{"fingerprint": "x", "count": 1}]}',
     '{"version": 1, "findings": [1]}',
     json.dumps({"version": 1, "findings": [{"fingerprint": "0" * 64, "count": True}]}),
     json.dumps({"version": 1, "findings": [{"fingerprint": "0" * 64, "count": 0}]})],
)  # fmt: skip
def test_what_is_no_baseline(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        baseline.read(text)


# --- limits -----------------------------------------------------------------------------------------------------------


def many(number: int) -> Report:
    severities = (Severity.LOW, Severity.HIGH, Severity.MEDIUM)
    rows = (
        found(f"d{n}/Dockerfile", 1, message=f"number {n} {n * 7919}", severity=severities[n % 3])
        for n in range(number)
    )
    return made(*rows)


def levels(log: Any) -> list[str]:
    return [result["level"] for result in log["runs"][0]["results"]]


def test_sarif_leaves_out_the_least_severe_and_says_so() -> None:
    log = judging.sarif(to_sarif(many(30), most=15))
    assert sorted(levels(log)) == ["error"] * 10 + ["warning"] * 5
    (note,) = log["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("15 of 30 findings")
    paths = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in log["runs"][0]["results"]]
    assert paths == [f"d{n}/Dockerfile" for n in range(30) if n % 3 == 1 or (n % 3 == 2 and n < 17)]


def test_sarif_is_small_enough_when_compressed() -> None:
    import zlib

    whole = to_sarif(many(600))
    limit = len(zlib.compress(whole.encode())) // 2
    text = to_sarif(many(600), most_bytes=limit)
    assert len(zlib.compress(text.encode())) <= limit
    kept = levels(judging.sarif(text))
    assert 100 < len(kept) < 600
    assert kept.count("error") >= kept.count("warning") >= kept.count("note")


def test_github_gets_ten_of_a_kind_and_the_rest_in_the_log() -> None:
    text = to_github(many(36))
    kinds = [one["kind"] for one in judging.github(text)]
    assert kinds == ["error"] * 10 + ["warning"] * 10 + ["notice"] * 10
    assert "fixer: 6 more without an annotation" in text
    assert text.count("fixer: d") == 6


def test_markdown_has_room_for_so_much() -> None:
    text = to_markdown(many(200), 5000)
    rows = judging.markdown(text)
    assert len(text.encode()) <= 5000
    assert 10 < len(rows) < 200
    assert {row[0] for row in rows} == {"high"}
    assert f"{200 - len(rows)} more findings are left out here" in text
    assert "left out" not in to_markdown(many(20), 20_000)


def test_the_page_has_room_for_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixer.render.html.MOST_FINDINGS", 25)
    words = judging.html(to_html(many(30)))
    assert "5 more findings are left out here" in words
    assert words.count("DF001 root-user: number") == 25


# --- what they say ----------------------------------------------------------------------------------------------------


def test_information_alone_fails_no_case() -> None:
    info = found(severity=Severity.INFO, rule="DF018")
    document = judging.junit(to_junit(made(found(), found(), info, skipped=(Skipped("x", "syntax", "y"),))))
    assert document.root.attrib["failures"] == "2"
    assert document.root.attrib["errors"] == "1"


def test_skipped_templates_are_no_problem_of_anybody() -> None:
    report = made(skipped=(Skipped("x.j2", "template", "it is one"),))
    assert judging.junit(to_junit(report)).root.attrib["errors"] == "0"
    assert "x.j2" not in to_sarif(report) + to_github(report) + to_markdown(report)
    assert "1 file left out as template" in judging.html(to_html(report))


def test_annotations_say_what_to_do() -> None:
    row = found(column=3, reason="debian is root", fix=Fix("add USER 1", Safety.REVIEW, "it may, perhaps: fail"))
    (one,) = judging.github(to_github(made(row)))
    assert one["file"] == "web/Dockerfile"
    assert (one["line"], one["col"], one["title"]) == ("2", "3", "DF001 root-user")
    words = "the image runs as root%0AWhy: debian is root%0AFix: add USER 1 (review: it may, perhaps: fail)"
    assert one["message"] == words


def test_severities_have_the_words_of_each_forge() -> None:
    rows = [found(severity=severity) for severity in reversed(Severity)]
    assert [r["severity"] for r in judging.gitlab(to_gitlab(made(*rows)))] == ["critical", "major", "minor", "info"]
    assert levels(judging.sarif(to_sarif(made(*rows)))) == ["error", "warning", "note", "note"]
