"""Every file of the corpus that is named like a Dockerfile: read as BuildKit reads it, or refused as BuildKit does."""

from __future__ import annotations

import re
from pathlib import Path

from fixer.errors import Unreadable
from fixer.source import SourceFile
from fixer.syntax.dockerfile import parse
from tests import oracle

FROM = re.compile(rb"^\s*from\s", re.IGNORECASE | re.MULTILINE)


def test_the_scanner_reads_what_buildkit_reads(corpus_dockerfiles: list[Path]) -> None:
    differences = {str(path): why for path in corpus_dockerfiles if (why := oracle.difference(path.read_bytes()))}
    assert not differences, differences


def test_what_is_refused_is_no_dockerfile(corpus_dockerfiles: list[Path]) -> None:
    """A refused file is a template, a fragment without FROM, or one that BuildKit refuses too."""
    wrong: list[str] = []
    taken = 0
    for path in corpus_dockerfiles:
        data = path.read_bytes()
        try:
            parse(SourceFile(path.name, data).text)
            taken += 1
        except Unreadable as error:
            fragment = "before the first FROM" in error.message or not FROM.search(data)
            if not (b"{{" in data or fragment or not oracle.parses(data)):
                wrong.append(f"{path}: {error.message}")
    assert not wrong
    assert taken > 0.9 * len(corpus_dockerfiles)
