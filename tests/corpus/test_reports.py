"""Every report of the whole corpus: valid, and within the limits of forges."""

from __future__ import annotations

import zlib
from collections import Counter
from urllib.parse import unquote

import pytest

from fixer.model import Status
from fixer.render import baseline
from fixer.render.diff import lines_before
from fixer.render.github import to_github
from fixer.render.gitlab import to_gitlab
from fixer.render.html import to_html
from fixer.render.junit import to_junit
from fixer.render.markdown import MOST_BYTES, to_markdown
from fixer.render.report import Report
from fixer.render.sarif import to_sarif
from tests.corpus.conftest import Run
from tests.render import judging
from tests.render.test_reports import applied


@pytest.fixture(scope="module")
def report(whole_run: Run) -> Report:
    """A fix that was not written: what is left stands where it stood before."""
    result = whole_run.first
    changes = {change.path: change for change in result.changes}
    lines = {path: lines_before(change) for path, change in changes.items()}
    findings = tuple(
        f._replace(line=lines[f.path][f.line - 1]) if f.path in changes and f.status is Status.REFUSED else f
        for f in result.findings
    )
    texts = {
        path: changes[path].before if path in changes else (whole_run.folder / path).read_bytes()
        for path in {f.path for f in findings}
    }
    result = result._replace(findings=findings)
    return Report(result, result, texts, {}, fixing=True, version="1")


def test_sarif(report: Report) -> None:
    text = to_sarif(report)
    assert len(zlib.compress(text.encode())) < 10_000_000
    results = judging.sarif(text)["runs"][0]["results"]
    assert len(results) == len(report.result.findings) > 5000
    assert all("primaryLocationLineHash" in result["partialFingerprints"] for result in results)
    marks = [result["partialFingerprints"]["fixerFingerprint/v1"] for result in results]
    assert len({*marks}) == len(marks)
    for result, finding in zip(results, report.result.findings, strict=True):
        region = result["locations"][0]["physicalLocation"]["region"]
        line = report.texts[finding.path].removeprefix(b"\xef\xbb\xbf").split(b"\n")[finding.line - 1]
        assert region["endColumn"] <= len(line.decode("utf-8", "surrogateescape")) + 1, finding
    fixes = [change for result in results for fix in result.get("fixes", ()) for change in fix["artifactChanges"]]
    after = {change.path: change.after for change in report.result.changes}
    told = {unquote(one["artifactLocation"]["uri"]): one["replacements"] for one in fixes}
    assert len(told) == len(fixes) == len(after)
    for path, data in after.items():
        assert applied(report.texts[path], told[path]) == data, path


def test_gitlab_and_junit(report: Report) -> None:
    assert len(judging.gitlab(to_gitlab(report))) == len(report.result.findings)
    document = judging.junit(to_junit(report))
    assert int(document.root.attrib["failures"]) > 1000


def test_github_and_markdown(report: Report) -> None:
    assert Counter(one["kind"] for one in judging.github(to_github(report))) == dict.fromkeys(
        ("error", "warning", "notice"), 10
    )
    text = to_markdown(report)
    assert len(text.encode()) <= MOST_BYTES
    assert len(judging.markdown(text[: text.rindex("\n", 0, 200_000)])) > 200


def test_the_page(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixer.render.html.MOST_FINDINGS", 2000)
    monkeypatch.setattr("fixer.render.html.MOST_ROWS", 5000)
    page = to_html(report)
    words = judging.html(page)
    assert page.count("<article") == 2000
    assert "more findings are left out here" in words


def test_everything_is_in_the_baseline_of_today(report: Report) -> None:
    left = report._replace(fixing=False)
    quiet = left.without(baseline.read(baseline.to_json(left)))
    assert {finding.status for finding in quiet.result.findings} == {Status.FIXED}
    assert quiet.gone == 0
