"""`fixer verify` as people and scripts meet it, without an engine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fixer.cli.main import app
from fixer.evidence import Denied, Job, Kind, Seen
from tests.process import HERE, fixer
from tests.verify_judge.benches import as_promised, use

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "Dockerfile").write_text('FROM debian:12\nCMD ["/usr/bin/app"]\n')
    return tmp_path


def run(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    nowhere = f"unix://{cwd}/none.sock"
    return fixer(cwd, "verify", *words, env={**HERE, "DOCKER_HOST": nowhere, "CONTAINER_HOST": nowhere})


def test_without_an_engine_there_is_one_sentence(tree: Path) -> None:
    done = run(tree)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fixer: ")
    assert len(done.stderr.splitlines()) == 1
    assert "engine" in done.stderr


def test_nothing_to_verify_needs_no_engine(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (3, "nothing to verify: no fix changes an image here\n")


def test_a_refused_image_is_told_without_an_engine(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM debian:12\nRUN apt-get install -y cron\nCMD ["cron", "-f"]\n')
    done = run(tmp_path)
    assert done.returncode == 3
    assert "Dockerfile: left as it is" in done.stdout
    assert "[cron]" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--target", "nobody"], "--target nobody: no image of a fix is called so; there are Dockerfile"),
        (["--date", "yesterday"], "--date: 'yesterday' is no day; write it as 2026-01-31"),
        (["--smoke", "a 'b"], "--smoke: No closing quotation; quote it as a shell would"),
        (["--repair", "--no-config"], "--repair writes what it learns to fixer.toml"),
        (["--config", "x.toml", "--no-config"], "--config and --no-config contradict each other"),
        (["gone"], "gone: no such file or folder"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(tree: Path, words: list[str], sentence: str) -> None:
    done = run(tree, *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"fixer: {sentence}")
    assert len(done.stderr.splitlines()) == 1


def invoke(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *words], catch_exceptions=False)
    return done.exit_code, done.stdout


def refuses(job: Job) -> tuple[Seen, ...]:
    known = b"/var/lib/app" in job.overlay["Dockerfile"]
    denied = () if known else (Denied(Kind.PATH, "/var/lib/app/db", "in the log"),)
    return as_promised(job, denied=denied)


def test_a_report_in_each_format(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = use(monkeypatch, as_promised)
    code, out = invoke(str(tree))
    assert (code, out.splitlines()[0]) == (0, "Dockerfile: holds")
    assert bench.closed
    assert json.loads(invoke(str(tree), "--json")[1]) == json.loads(invoke(str(tree), "--format", "json")[1])
    assert invoke(str(tree), "--format", "markdown")[1].startswith("## What was tried\n")


def test_options_reach_the_engine(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = use(monkeypatch, as_promised)
    code, _ = invoke(str(tree), "--timeout", "7", "--smoke", "true", "--network", "--target", "Dockerfile")
    assert code == 0
    (options,) = bench.options
    assert (options.timeout, options.smoke, options.network) == (7, "true", True)


def test_repair_writes_what_helped(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, refuses)
    assert invoke(str(tree))[0] == 1
    assert not (tree / "fixer.toml").exists()
    code, out = invoke(str(tree), "--repair")
    assert code == 0
    assert '    [images."Dockerfile"] writable = ["/var/lib/app"]' in out
    assert (tree / "fixer.toml").read_text() == '[images."Dockerfile"]\nwritable = ["/var/lib/app"]\n'
    assert invoke(str(tree))[0] == 0


def test_proofs_are_kept_where_they_are_wanted_and_where_they_are(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, as_promised)
    file = tree / "fixer.proof.json"
    assert invoke(str(tree))[0] == 0
    assert not file.exists()
    assert invoke(str(tree), "--keep", str(file), "--date", "2026-11-22")[0] == 0
    assert '"date": "2026-11-22"' in file.read_text()
    assert invoke(str(tree))[0] == 0
    assert '"date"' not in file.read_text(), "what is there is kept up"


def test_the_help_of_the_program_names_it() -> None:
    out = CliRunner().invoke(app, ["--help"]).stdout
    assert "verify" in out
