"""An ignore comment with its reason, written where `fixer/ignores.py` looks for it."""

from __future__ import annotations

from fixer.errors import FixerError
from fixer.ignores import comment
from fixer.model import Edit, Finding, Span
from fixer.source import SourceFile, apply_edits
from fixer.syntax.dockerfile import parse

_NO_COMMENTS = (".json",)


def with_ignore(source: SourceFile, finding: Finding, reason: str) -> SourceFile:
    """The same file with a comment above what a finding is about; the meaning of the file stays.

    Args:
        source: the file.
        finding: one of its findings.
        reason: why it is ignored, in one line.

    Raises:
        FixerError: where no comment can stand.
        Unreadable: where the file cannot be read any more.
    """
    if source.path.lower().endswith(_NO_COMMENTS):
        raise FixerError(f"{source.path}: JSON has no comments; name the rule under `ignore` in fixer.toml")
    text = source.text
    lines = text.split("\n")
    line = _first_line(source, finding, lines)
    indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip(" \t"))]
    at = sum(len(one) + 1 for one in lines[: line - 1])
    words = f"{indent}{comment(finding.rule, reason)}{source.newline}"
    after = source.with_text(apply_edits(text, [Edit(Span(at, at), words)]))
    if not _same(source, after, finding):
        raise FixerError(f"{source.path}: a comment here would change what the file says; write it by hand")
    return after


def _first_line(source: SourceFile, finding: Finding, lines: list[str]) -> int:
    """The line (from 1) that the comment goes above: where the instruction or the command of the finding begins."""
    line = max(1, min(finding.line, len(lines)))
    if finding.rule.startswith("DF"):
        return next((item.line for item in parse(source.text) if item.line <= line <= item.end_line), line)
    if finding.rule.startswith("RT"):
        while line > 1 and lines[line - 2].rstrip().endswith("\\"):
            line -= 1
    return line


def _same(before: SourceFile, after: SourceFile, finding: Finding) -> bool:
    """Whether two texts mean the same, as far as the files of a rule have a meaning."""
    if finding.rule.startswith("DF"):
        texts = [[item.logical for item in parse(one.text)] for one in (before, after)]
        return texts[0] == texts[1]
    if finding.rule.startswith(("KS", "CS")):
        from fixer.syntax.yaml import load_stream

        return bool(load_stream(before.text) == load_stream(after.text))
    return True
