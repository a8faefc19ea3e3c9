"""Commands of GitHub's workflows, which it shows as annotations at the lines of a pull request.

It shows ten of each kind for a step. The worst become annotations, and all others are told as lines of the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fixer.model import Finding, Severity
from fixer.render.report import Report, headline, notes, told, worst_first
from fixer.render.words import plain
from fixer.rules import name_of

MOST = 10
_KINDS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "notice", Severity.INFO: "notice"}
_NOTHING = "\u200b"


def to_github(report: Report) -> str:
    """The findings that are in the files, the worst first, and what could not be read, a line each."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    shown: Counter[str] = Counter()
    rest: list[Finding] = []
    for finding in worst_first(report.open):
        kind = _KINDS[finding.severity]
        shown[kind] += 1
        if shown[kind] > MOST:
            rest.append(finding)
            continue
        yield _annotation(kind, finding)
    if rest:
        yield _line(f"{len(rest)} more without an annotation, since GitHub shows {MOST} of a kind for a step:")
        yield from (_line(_log(finding)) for finding in rest)
    for skipped in report.unread:
        yield _line(f"{skipped.path}: not read [{skipped.reason}] {skipped.message}")
    for words in (headline(report), *notes(report)):
        yield _line(words)


def _annotation(kind: str, finding: Finding) -> str:
    title = f"{finding.rule} {name_of(finding.rule)}"
    values = {"file": finding.path, "line": finding.line, "col": finding.column, "title": title}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in values.items())
    return f"::{kind} {properties}::{_data(chr(10).join([finding.message, *told(finding)]))}"


def _log(finding: Finding) -> str:
    place = f"{finding.path}:{finding.line}:{finding.column}"
    return f"{place} {finding.rule} {name_of(finding.rule)} {finding.message}"


def _line(words: str) -> str:
    """A line of the log: not at the start of it stands what strangers wrote, where it could be a command."""
    return f"fixer: {_harmless(plain(words))}"


def _harmless(words: str) -> str:
    """Words without what begins a command of the older kind, wherever it stands."""
    return words.replace("##[", f"##{_NOTHING}[")


def _data(words: str) -> str:
    lines = (_harmless(plain(line)).replace("%", "%25") for line in words.split("\n"))
    return "%0A".join(lines)


def _property(words: str) -> str:
    return _harmless(plain(words)).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
