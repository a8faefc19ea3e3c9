"""JUnit's XML, which most CI systems show: a suite a file, a case a finding. Information alone does not fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from fixer.model import Finding, Skipped
from fixer.render.report import Report, headline, is_finding, notes, told
from fixer.render.words import plain, visible
from fixer.rules import name_of


def to_junit(report: Report) -> str:
    """The findings that are in the files, and the files that could not be read, as XML with a final newline."""
    unread = sorted(report.unread, key=lambda one: one.path)
    findings = [f._replace(path=plain(f.path)) for f in report.open]
    failures = sum(map(is_finding, findings))
    tests = len(findings) + len(unread)
    rows = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="fixer" tests="{tests + 1}" failures="{failures}" errors="{len(unread)}">',
        *_suite("fixer", [f'<testcase classname="fixer" name={_quoted(_said(report))}/>'], 1, 0, 0),
    ]
    for path, group in groupby(sorted(findings, key=lambda f: f.path), key=lambda f: f.path):
        of_file = list(group)
        seen: Counter[str] = Counter()
        cases = [line for finding in of_file for line in _case(finding, seen)]
        rows += _suite(path, cases, len(of_file), sum(map(is_finding, of_file)), 0)
    for one in unread:
        rows += _suite(one.path, list(_error(one)), 1, 0, 1)
    return "\n".join([*rows, "</testsuites>"]) + "\n"


def _said(report: Report) -> str:
    return "; ".join([headline(report), *notes(report)])


def _suite(name: str, cases: list[str], tests: int, failures: int, errors: int) -> Iterator[str]:
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}"'
    yield f"  <testsuite name={_quoted(name)} {counts}>"
    yield from (f"    {case}" for case in cases)
    yield "  </testsuite>"


def _case(finding: Finding, seen: Counter[str]) -> Iterator[str]:
    """One case; its name has no line in it, so that CI knows it again when lines move."""
    place = f"{finding.path}:{finding.line}:{finding.column}"
    name = f"{finding.rule} {name_of(finding.rule)}: {finding.message}"
    seen[name] += 1
    name += f" ({seen[name]})" if seen[name] > 1 else ""
    body = "\n".join([place, *told(finding)])
    yield f"<testcase classname={_quoted(finding.path)} name={_quoted(name)}>"
    if is_finding(finding):
        kind, message = _quoted(finding.severity.word), _quoted(f"{place} {finding.message}")
        yield f"  <failure type={kind} message={message}>{escape(visible(body))}</failure>"
    else:
        yield f"  <system-out>{escape(visible(f'{finding.message}{chr(10)}{body}'))}</system-out>"
    yield "</testcase>"


def _error(skipped: Skipped) -> Iterator[str]:
    yield f"<testcase classname={_quoted(skipped.path)} name={_quoted(skipped.reason)}>"
    yield f"  <error type={_quoted(skipped.reason)} message={_quoted(skipped.message)}/>"
    yield "</testcase>"


def _quoted(words: str) -> str:
    return quoteattr(plain(words))
