"""Every file of the corpus, read as each kind of file that may start a container: nothing is too odd."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixer.errors import Unreadable
from fixer.source import MAX_BYTES, SourceFile
from fixer.understand.runs import quadlet, runs_of
from fixer.understand.runscripts import scripts_of

KINDS = ("shell", "make", "just", "unit", "ci", "jenkins")


@pytest.fixture(scope="module")
def texts(shared: Path) -> list[str]:
    out: list[str] = []
    for folder, _, names in sorted(os.walk(shared / "corpus")):
        for file in (Path(folder) / name for name in sorted(names)):
            if file.is_symlink() or file.stat().st_size > MAX_BYTES // 16:
                continue
            data = file.read_bytes()
            if b"docker" in data and (b" run " in data or b" exec " in data):
                try:
                    out.append(SourceFile(file.name, data).text)
                except Unreadable:
                    continue
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_too_odd(texts: list[str], kind: str) -> None:
    assert len(texts) > 50
    seen = 0
    for text in texts:
        try:
            scripts = scripts_of(kind, text)
        except Unreadable:
            assert kind == "ci"
            continue
        for snippet in scripts.snippets:
            assert len(snippet.shell) == len(snippet.written)
            if snippet.exact:
                assert text[snippet.at : snippet.at + len(snippet.written)] == snippet.written
        for run in runs_of(kind, scripts):
            assert 0 <= run.at < len(text)
            seen += run.action in ("run", "create", "exec")
        assert isinstance(quadlet(text), list)
    print(f"{kind}: {seen} commands in {len(texts)} files")  # noqa: T201
