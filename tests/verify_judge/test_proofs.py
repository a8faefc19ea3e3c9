"""What was proved is kept for exactly these bytes, and counts as safe for nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import fixer.proofs as module
from fixer import app
from fixer.config import Config
from fixer.engine import Choice
from fixer.errors import UsageError
from fixer.evidence import Denied, Job, Kind, Report, Seen, Word
from fixer.model import Result, Safety, Status
from fixer.proofs import load, text
from fixer.verify.trying import Wishes
from tests.verify_judge.benches import as_promised, use

SCHEMA = json.loads((Path(module.__file__).parent / "proofs.schema.json").read_text())
FILES = {
    ".git/HEAD": "",
    "compose.yaml": "services:\n  a:\n    build: a\n  b:\n    build: b\n",
    "a/Dockerfile": "FROM debian:12\nCMD a\n",
    "b/Dockerfile": "FROM debian:12\nCMD b\n",
    "c/Dockerfile": "FROM debian:12\nCMD c\n",
}
WORDS = "verified on 2026-11-22 with fake 1.0"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, words in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(words)
    return tmp_path


def holds(job: Job) -> tuple[Seen, ...]:
    return as_promised(job)


def all_but_b(job: Job) -> tuple[Seen, ...]:
    denied = (Denied(Kind.PATH, "/x/y", "in the log"),) if job.dockerfile == "b/Dockerfile" else ()
    return as_promised(job, denied=denied)


def verify(tree: Path, target: str = "") -> Report:
    wishes = Wishes(target=target, keep=tree / "fixer.proof.json", date="2026-11-22")
    return app.verify([tree], app.config_for([tree]), wishes, lambda words: None)


def kept(tree: Path) -> dict[str, list[str]]:
    raw = json.loads((tree / "fixer.proof.json").read_text())
    jsonschema.validate(raw, SCHEMA, cls=jsonschema.Draft202012Validator)
    return {one["dockerfile"]: sorted(one["files"]) for one in raw["proofs"]}


def safe(tree: Path) -> dict[str, bool]:
    """The files that a run without a reader would change, and whether all of each is called safe and verified."""
    result = app.fix(tree, safe_only=True)
    return {change.path: _is_verified(result, change.path) for change in result.changes}


def _is_verified(result: Result, path: str) -> bool:
    fixed = [one for one in result.findings if one.path == path and one.status is Status.FIXED]
    return bool(fixed) and all(one.fix and one.fix.safety is Safety.SAFE and WORDS in one.reason for one in fixed)


def test_what_holds_counts_as_safe(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a/Dockerfile" not in safe(tree), "without a proof this needs a reader"
    use(monkeypatch, holds)
    assert all(one.word is Word.HOLDS for one in verify(tree).verdicts)
    assert kept(tree)["a/Dockerfile"] == ["a/Dockerfile", "compose.yaml"]
    assert safe(tree) == dict.fromkeys(("a/Dockerfile", "b/Dockerfile", "c/Dockerfile", "compose.yaml"), True)
    reviewed = app.fix(tree, config=Config())
    assert {one.path: one.after for one in app.fix(tree, safe_only=True).changes} == {
        one.path: one.after for one in reviewed.changes
    }


def test_a_check_tells_it_too(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, holds)
    verify(tree)
    fixes = [one for one in app.check(tree).findings if one.path == "a/Dockerfile" and one.fix is not None]
    assert fixes
    assert all(one.fix and one.fix.safety is not Safety.REVIEW and WORDS in one.reason for one in fixes)


def test_whoever_changes_a_file_takes_the_proof_of_all_that_share_it(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, holds)
    verify(tree)
    (tree / "b/Dockerfile").write_text("FROM debian:12\nCMD b --now\n")
    # a shares compose.yaml with b, so that its change is a part of what was proved of both
    assert {path for path, verified in safe(tree).items() if verified} == {"c/Dockerfile"}


def test_another_result_than_the_recorded_one_is_not_proved(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, holds)
    verify(tree)
    (tree / "fixer.toml").write_text("uid = 4321\n")
    assert True not in safe(tree).values()


def test_a_file_that_also_starts_what_does_not_hold_proves_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, all_but_b)
    report = verify(tree)
    assert list(kept(tree)) == ["c/Dockerfile"]
    assert any("compose.yaml also changes" in note for note in report.notes)


def test_what_was_not_tried_proves_nothing_and_what_was_kept_stays(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, holds)
    verify(tree, "c/Dockerfile")
    assert list(kept(tree)) == ["c/Dockerfile"]
    verify(tree, "a/Dockerfile")
    assert list(kept(tree)) == ["c/Dockerfile"], "compose.yaml also changes b, which was not tried"


def test_what_holds_no_more_is_kept_no_more(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, holds)
    verify(tree)
    use(monkeypatch, lambda job: as_promised(job, exit_code=1))
    verify(tree)
    assert kept(tree) == {}


def test_the_same_proofs_are_the_same_text(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, holds)
    verify(tree)
    data = (tree / "fixer.proof.json").read_bytes()
    verify(tree)
    assert (tree / "fixer.proof.json").read_bytes() == data
    assert text(reversed(load(tree / "fixer.proof.json"))).encode() == data


PORTS = {
    "Dockerfile": "FROM nginx:1.27\nCOPY site.conf /etc/nginx/conf.d/default.conf\n",
    "site.conf": "server {\n  listen 80;\n}\n",
    "fixer.toml": 'ports = "move"\n',
    "compose.yaml": "services:\n  web:\n    build: .\n    ports: ['80:80']\n",
}


def test_ports_that_move_are_proved_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, words in PORTS.items():
        (tmp_path / name).write_text(words)
    moved = sorted(change.path for change in app.fix(tmp_path).changes)
    assert "site.conf" in moved
    assert "site.conf" not in safe(tmp_path)
    use(monkeypatch, holds)
    verify(tmp_path)
    assert kept(tmp_path) == {"Dockerfile": moved}
    assert safe(tmp_path) == dict.fromkeys(moved, True)
    (tmp_path / "site.conf").write_text("server {\n  listen 80; # ours\n}\n")
    assert True not in safe(tmp_path).values()


@pytest.mark.parametrize(
    "words",
    [
        "",
        "[]",
        '{"version": 2, "proofs": []}',
        '{"version": 1, "proofs": [1]}',
        '{"version": 1, "proofs": [{"image": "a", "observations": [], "files": {}}]}',
        '{"version": 1, "proofs": [{"image": "a", "observations": ["x"], "files": {"/etc/x": {}}}]}',
        '{"version": 1, "proofs": [{"image": "a", "observations": ["x"], "files": {"x": {"before": "1"}}}]}',
        '{"version": 1, "proofs": [{"image": "a", "more": 1}]}',
        "\xff",
    ],
)  # fmt: skip
def test_a_malformed_file_is_one_sentence(tmp_path: Path, words: str) -> None:
    (tmp_path / "fixer.proof.json").write_bytes(words.encode("latin-1"))
    with pytest.raises(UsageError, match=r"fixer\.proof\.json: is malformed: .*; restore it"):
        app.config_for([tmp_path])


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "fixer.proof.json").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="it is a link or no file"):
        app.config_for([tmp_path])


def test_a_choice_without_proofs_is_what_it_was(tree: Path) -> None:
    before = list(app.outcomes([tree], Config(), Choice(True)))
    assert [one.change for one in before] == [one.change for one in app.outcomes([tree], Config(), Choice(True))]
