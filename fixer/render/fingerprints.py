"""What tells findings apart although lines move: the rule, the file, and the words of the line that each is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from fixer.model import Finding


def marks(findings: Iterable[Finding], texts: Mapping[str, bytes]) -> Iterator[tuple[str, int]]:
    """For each finding a mark that stays when lines above it come and go, and which one of that mark it is, from 1.

    Args:
        findings: in order.
        texts: the bytes of the files, by the paths that the findings have; without them a line counts as empty.
    """
    lines: dict[str, list[bytes]] = {}
    seen: dict[str, int] = {}
    for finding in findings:
        if finding.path not in lines:
            lines[finding.path] = texts.get(finding.path, b"").split(b"\n")
        rows = lines[finding.path]
        line = rows[finding.line - 1].strip() if 0 < finding.line <= len(rows) else b""
        key = f"{finding.rule}\0{finding.path}\0".encode("utf-8", "surrogateescape") + line
        mark = hashlib.sha256(key).hexdigest()
        seen[mark] = seen.get(mark, 0) + 1
        yield mark, seen[mark]


def fingerprints(findings: Iterable[Finding], texts: Mapping[str, bytes]) -> Iterator[str]:
    """For each finding 64 hexadecimal digits that no other one has, and that stay when lines move."""
    for mark, number in marks(findings, texts):
        yield hashlib.sha256(f"{mark}{number}".encode()).hexdigest()
