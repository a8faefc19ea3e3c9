"""What tells findings apart although lines move: the rule, the file, and the words of the line that each is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from fixer.model import Finding
from fixer.source import BOM


class Lines:
    """The lines that findings are about.

    Args:
        texts: the bytes of the files, by the paths that the findings have; without them a line counts as empty.
    """

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self.texts = texts
        self._rows: dict[str, list[bytes]] = {}

    def at(self, finding: Finding) -> bytes:
        """The line of a finding, with all of its blanks, and without its end."""
        if finding.path not in self._rows:
            self._rows[finding.path] = self.texts.get(finding.path, b"").removeprefix(BOM).split(b"\n")
        rows = self._rows[finding.path]
        return rows[finding.line - 1].removesuffix(b"\r") if 0 < finding.line <= len(rows) else b""

    def text(self, finding: Finding) -> str:
        """The same as text."""
        return self.at(finding).decode("utf-8", "surrogateescape")


def marks(findings: Iterable[Finding], texts: Mapping[str, bytes]) -> Iterator[tuple[str, int]]:
    """For each finding a mark that stays when lines above it come and go, and which one of that mark it is, from 1.

    Args:
        findings: in order.
        texts: the bytes of the files, as `Lines` takes them.
    """
    lines = Lines(texts)
    seen: dict[str, int] = {}
    for finding in findings:
        key = f"{finding.rule}\0{finding.path}\0".encode("utf-8", "surrogateescape") + lines.at(finding).strip()
        mark = hashlib.sha256(key).hexdigest()
        seen[mark] = seen.get(mark, 0) + 1
        yield mark, seen[mark]


def fingerprints(findings: Iterable[Finding], texts: Mapping[str, bytes]) -> Iterator[str]:
    """For each finding 64 hexadecimal digits that no other one has, and that stay when lines move."""
    for mark, number in marks(findings, texts):
        yield hashlib.sha256(f"{mark}{number}".encode()).hexdigest()
