"""The promises of the design on every Dockerfile of the corpus, written to a copy as people would have it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from fixer.errors import Unreadable
from fixer.model import FileChange, Result, Safety, Severity, Status
from fixer.render.diff import diff
from fixer.source import SourceFile
from fixer.syntax.dockerfile import parse
from fixer.understand.stages import stages
from tests import oracle
from tests.corpus.conftest import Run
from tests.engine.properties import check_bytes, comments

NUMERIC = re.compile(r"\d+(:\d+)?$")
HINTS = ("compose", "skaffold", "bake", "makefile")
MOVES = {"DF001", "DF002"}


def shares(result: Result) -> str:
    """How much was fixed how safely, and what was left why, of the images that run as root."""
    own = [f for f in result.findings if f.rule in MOVES]
    total = len(own) or 1
    fixed = Counter(f.fix.safety.word for f in own if f.status is Status.FIXED and f.fix is not None)
    left = Counter(f.refusal.code for f in own if f.refusal is not None)
    words = [f"{result.files} files read, {len(result.changes)} changed, {len(own)} images as root"]
    words += [f"  fixed, {word}: {n} ({n / total:.1%})" for word, n in fixed.most_common()]
    words += [f"  left, {code}: {n} ({n / total:.1%})" for code, n in left.most_common()]
    words.append(f"skipped: {dict(Counter(s.reason for s in result.skipped).most_common())}")
    rules = Counter((f.rule, f.status.value) for f in result.findings)
    words += [f"  {rule} {status}: {n}" for (rule, status), n in sorted(rules.items())]
    return "\n".join(words)


def test_the_shares(corpus_run: Run) -> None:
    """Nothing is held here but that there is something; `-rP` shows the figures."""
    print(shares(corpus_run.first))  # noqa: T201
    assert corpus_run.first.files > 1000
    assert len(corpus_run.first.changes) > 100


def test_what_is_written_is_what_was_told(corpus_run: Run) -> None:
    for change in corpus_run.first.changes:
        assert (corpus_run.folder / change.path).read_bytes() == change.after
        assert corpus_run.before[change.path] == change.before


def test_a_second_run_changes_nothing(corpus_run: Run) -> None:
    assert [c.path for c in corpus_run.second.changes] == []
    assert [f for f in corpus_run.second.findings if f.status is Status.FIXED] == []


def test_every_result_parses_and_keeps_its_bytes(corpus_run: Run) -> None:
    for change in corpus_run.first.changes:
        assert oracle.parses(change.after), change.path
        check_bytes(change.before, change.after)


def test_no_comment_is_lost(corpus_run: Run) -> None:
    for change in corpus_run.first.changes:
        assert comments(change.before) == comments(change.after), change.path


def users(data: bytes) -> Counter[str]:
    """The USER values of a file, with variables replaced where the file itself knows them."""
    made = stages(parse(SourceFile("", data).text))
    return Counter(stage.expand(i.args, i) or i.args for stage in made for i in stage.of("USER"))


def test_every_new_user_is_a_number(corpus_run: Run) -> None:
    for change in corpus_run.first.changes:
        new = users(change.after) - users(change.before)
        for user in new:
            assert NUMERIC.fullmatch(user), (change.path, user)
        # root comes back as 0 where a stage builds on one that no longer is root, and never has the last word
        assert instructions(change.after, "USER")[-1].args != "0", change.path


def instructions(data: bytes, keyword: str) -> list:  # type: ignore[type-arg]
    return [i for i in parse(SourceFile("", data).text) if i.keyword == keyword]


def test_every_image_as_root_is_fixed_or_refused_with_a_reason(corpus_run: Run) -> None:
    fixed = {f.path for f in corpus_run.first.findings if f.status is Status.FIXED}
    assert fixed == {c.path for c in corpus_run.first.changes}
    for finding in corpus_run.first.findings:
        assert finding.status in (Status.FIXED, Status.REFUSED)
        if finding.status is Status.REFUSED:
            assert finding.refusal is not None
            assert re.fullmatch(r"[a-z][a-z0-9-]+", finding.refusal.code)
            assert len(finding.refusal.message) > 20
        else:
            assert finding.fix is not None
            assert finding.fix.safety is not Safety.MANUAL
            assert finding.fix.safety is Safety.SAFE or finding.fix.risk


def test_what_is_called_fixed_is_gone(corpus_run: Run) -> None:
    """A file whose move is called fixed has no open move left that nobody told."""
    told = {(f.path, f.rule, f.message) for f in corpus_run.first.findings if f.status is Status.REFUSED}
    for finding in corpus_run.second.findings:
        if finding.severity > Severity.INFO:
            assert (finding.path, finding.rule, finding.message) in told, finding


def test_the_diff_holds_planned_lines_only(corpus_run: Run) -> None:
    """What a diff takes away, it gives back with a word more or a word changed: the same instruction."""
    for change in corpus_run.first.changes:
        gone, come = changed_lines(change)
        for line in gone:
            first = line.split()[:1]
            assert first, (change.path, "a blank line is gone")
            same = [other for other in come if other.split()[:1] == first or shared_words(line, other) > 0.4]
            assert same or removed(change, line), (change.path, line)


def changed_lines(change: FileChange) -> tuple[list[bytes], list[bytes]]:
    lines = diff(change).split(b"\n")[2:]
    gone = [line[1:] for line in lines if line.startswith(b"-")]
    come = [line[1:] for line in lines if line.startswith(b"+")]
    return gone, come


def shared_words(one: bytes, two: bytes) -> float:
    left, right = set(one.split()), set(two.split())
    return len(left & right) / len(left | right)


def removed(change: FileChange, line: bytes) -> bool:
    """Whether a whole instruction went, which a fix may do to USER and to what hands out root (sudo)."""
    keyword = line.split()[0].decode().upper()
    gone = len(instructions(change.before, keyword)) > len(instructions(change.after, keyword))
    return gone and (keyword == "USER" or b"sudo" in line)


def test_nothing_is_left_behind(corpus_run: Run, shared: Path) -> None:
    """No temporary file stays, and no file that is not told as changed differs."""
    changed = {c.path for c in corpus_run.first.changes}
    old = {p.relative_to(shared / "corpus").as_posix() for p in (shared / "corpus").rglob("*")}
    new = {p.relative_to(corpus_run.folder).as_posix() for p in corpus_run.folder.rglob("*")}
    assert new == old
    for path in old - changed:
        file = shared / "corpus" / path
        if file.is_file() and not file.is_symlink() and "dockerfile" in file.name.lower():
            assert file.read_bytes() == (corpus_run.folder / path).read_bytes(), path


def test_skipped_files_are_no_dockerfiles(corpus_run: Run) -> None:
    for skipped in corpus_run.first.skipped:
        assert skipped.reason in {"template", "syntax", "empty", "encoding", "link", "line-too-long"}, skipped
        if skipped.reason == "syntax":
            data = (corpus_run.folder / skipped.path).read_bytes()
            with pytest.raises(Unreadable):
                parse(SourceFile(skipped.path, data).text)
