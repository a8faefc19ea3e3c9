"""The report for people: a list of styled lines, which the console prints with or without colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fixer.model import UNREAD_IMAGE, Finding, Result, Severity, Skipped, Status
from fixer.render.summary import LEFT_OUT, Tally
from fixer.rules import name_of

Line = list[tuple[str, str]]
"""One line: pieces of text, each with a style name (empty for none)."""

_SEVERITY = {Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan", Severity.INFO: "dim"}
# What became of a finding, after the files were written and before.
_WRITTEN = {Status.FOUND: "found", Status.FIXED: "fixed", Status.REFUSED: "left"}
_PLANNED = _WRITTEN | {Status.FIXED: "would fix"}
_MARK_STYLE = {Status.FOUND: "bold", Status.FIXED: "green", Status.REFUSED: "yellow"}


def findings(result: Result, *, fixing: bool = False, written: bool = False) -> Iterator[Line]:
    """The findings, each with its place, reason and fix; when `fixing`, what became of it comes first."""
    words = _WRITTEN if written else _PLANNED
    width = max(map(len, words.values())) + 1
    before: Finding | None = None
    for finding in result.findings:
        mark: Line = [(f"{words[finding.status]:<{width}}", _MARK_STYLE[finding.status])] if fixing else []
        yield from _finding(finding, mark, before is not None and _line_to_use(before) == _line_to_use(finding))
        before = finding if finding.fix is not None and finding.fix.instructions else before


def many(number: int, word: str) -> str:
    """A number of things in words: `1 file`, `2 files`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def _line_to_use(finding: Finding) -> tuple[str, str]:
    return finding.path, finding.fix.instructions if finding.fix is not None else ""


# More of one reason than this are told in one line, with the first paths.
_FEW = 5
_PATHS = 3
_IMAGES = 10


def skipped(told: Iterable[Skipped]) -> Iterator[Line]:
    """What was not judged; much that is left out for such a reason takes one line."""
    every = sorted(told, key=lambda one: one.path)
    rows: dict[str, list[Skipped]] = {}
    for one in every:
        rows.setdefault(one.reason, []).append(one)
    often = {reason: found for reason, found in rows.items() if reason in LEFT_OUT and len(found) > _FEW}
    for one in every:
        if one.reason not in often:
            what = "not read" if one.reason in UNREAD_IMAGE else "skipped"
            yield [(one.path, "bold"), (f": {what} ", ""), (f"[{one.reason}] ", "dim"), (one.message, "")]
    for reason, found in sorted(often.items()):
        paths = list(dict.fromkeys(one.path for one in found))
        files = f"in {many(len(paths), 'file')}: "
        more = f" and {len(paths) - _PATHS} more" if len(paths) > _PATHS else ""
        first = (", ".join(paths[:_PATHS]), "bold")
        yield [(f"{len(found)} skipped ", ""), (f"[{reason}] ", "dim"), (files, ""), first, (more, "")]


def _finding(finding: Finding, mark: Line, repeats: bool) -> Iterator[Line]:
    yield [
        *mark,
        (f"{finding.path}:{finding.line}:{finding.column}", "bold"),
        (f" {finding.rule} {name_of(finding.rule)} ({finding.severity.word})", _SEVERITY[finding.severity]),
        (f" {finding.message}", ""),
    ]
    if finding.reason:
        yield [("    why   ", "dim"), (finding.reason, "")]
    fix = finding.fix
    if fix is not None and finding.status is not Status.REFUSED:
        risk = f": {fix.risk}" if fix.risk else ""
        yield [("    fix   ", "dim"), (fix.title, ""), (f" ({fix.safety.word}{risk})", "dim")]
        if fix.instructions and not repeats:
            yield from _words("write", [], fix.instructions)
    if finding.refusal is not None:
        message = finding.refusal.message
        same = repeats and fix is not None and message == fix.instructions
        yield from _words(
            "left", [(f"[{finding.refusal.code}] ", "yellow")], "the same line as above" if same else message
        )
    for other in finding.alternatives:
        yield [("    or    ", "dim"), (other.title, ""), (f" ({other.safety.word})", "dim")]


def _words(label: str, mark: Line, text: str) -> Iterator[Line]:
    """A text of one line, or of several, which then stand below each other as they are."""
    first, *others = text.split("\n")
    if not others:
        yield [(f"    {label:<6}", "dim"), *mark, (first, "")]
        return
    yield [(f"    {label:<6}", "dim"), *mark]
    for line in (first, *others):
        yield [(f"          {line}", "")]


def closing(tally: Tally, *, fixing: bool, written: bool = False) -> Iterator[Line]:
    """The summary: what was fixed, what was left and why, what was skipped and why."""
    counts = tally.summary()
    files = many(counts["files"], "file")
    if fixing:
        yield from _fixed(counts, files, written)
    else:
        total = counts["found"] + counts["refused"]
        yield [
            (f"{files} checked, ", ""),
            (many(total, "finding"), "bold" if total else "green"),
        ]
        if counts["fixable"]:
            yield [(f"  {counts['fixable']} can be fixed: run 'fixer fix' to see the diff", "")]
    yield from _reasons("left for a person", counts["refused_by_reason"])
    yield from _images(counts["images_in_the_way"])
    images = {reason: number for reason, number in counts["skipped"].items() if reason in UNREAD_IMAGE}
    yield from _reasons("skipped", {r: n for r, n in counts["skipped"].items() if r not in images})
    yield from _reasons(f"image{'' if sum(images.values()) == 1 else 's'} not read", images)


def _fixed(counts: dict[str, Any], files: str, written: bool) -> Iterator[Line]:
    verb = "written" if written else "to change (nothing was written; --write does it)"
    kinds = ", ".join(f"{n} {word}" for word, n in counts["fixed_by_safety"].items())
    yield [(f"{files} checked, {counts['changed']} {verb}", "bold")]
    if counts["fixed"]:
        done = "fixed" if written else "would be fixed"
        yield [(f"  {counts['fixed']} {done}", "green"), (f" ({kinds})", "dim")]


def _reasons(what: str, reasons: dict[str, int]) -> Iterator[Line]:
    if reasons:
        each = ", ".join(f"{n} {code}" for code, n in sorted(reasons.items(), key=lambda r: (-r[1], r[0])))
        yield [(f"  {sum(reasons.values())} {what}: ", ""), (each, "yellow")]


def _images(rows: list[dict[str, Any]]) -> Iterator[Line]:
    if rows:
        each = ", ".join(f"{row['findings']} {row['image']}" for row in rows[:_IMAGES])
        more = f" and {len(rows) - _IMAGES} more" if len(rows) > _IMAGES else ""
        yield [
            ("  images in the way: ", ""),
            (f"{each}{more}", "yellow"),
            ("; tell who they work as in fixer.toml", ""),
        ]
