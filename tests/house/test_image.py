"""The image of the program itself: not root by its own judgement, and run as whoever the repository belongs to."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixer import app
from fixer.config import Config
from fixer.model import Goal, Severity

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
TAG = "fixer-own-image"
OWNER = 4321
BAD = b'FROM debian:12\nWORKDIR /app\nCOPY . .\nCMD ["./run"]\n'
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_project_finds_nothing_in_itself() -> None:
    """By the goal that asks for most, and but for what is bad on purpose."""
    found = app.check(ROOT, config=Config(goal=Goal.HARDENED, exclude=("examples/", "tests/")))
    assert found.files >= 1
    assert [f"{f.path}:{f.line} {f.message}" for f in found.findings if f.severity > Severity.INFO] == []


def test_its_base_is_pinned_and_its_user_a_number() -> None:
    assert re.search(r"^ARG BASE=python:3\.\d+-slim-[a-z]+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}", "${BASE}"]
    assert re.findall(r"^USER (.*)", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


@pytest.fixture(scope="module")
def run(engine: Any) -> Iterator[Run]:
    """Run the image on a folder: read-only but for that, and without a network."""
    if engine.docker("image", "inspect", "python:3.12-slim", timeout=30).returncode:
        pytest.skip("the engine has no python:3.12-slim (tests/rigs/images.sh)")
    ca = os.environ.get("PIP_CERT") or ssl.get_default_verify_paths().cafile or ""
    trusted = ["--secret", f"id=ca,src={ca}"] if os.path.isfile(ca) else []
    built = engine.docker(
        "build", "-q", "--network=host", *trusted, "--build-arg", "BASE=python:3.12-slim", "-t", TAG, ROOT, timeout=600
    )
    assert built.returncode == 0, built.stderr

    def started(folder: Path, *words: str, user: str = f"{OWNER}:{OWNER}") -> subprocess.CompletedProcess[str]:
        who = ["-u", user] if user else []
        command = ("--network", "none", "--read-only", "-e", "XDG_STATE_HOME=/src/.git", "-v", f"{folder}:/src", *who)
        done: subprocess.CompletedProcess[str] = engine.docker("run", "--rm", *command, TAG, *words, timeout=120)
        return done

    yield started
    engine.docker("image", "rm", TAG, timeout=60)


def test_it_runs_as_whoever_owns_the_repository(run: Run, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(BAD)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, OWNER, OWNER)
    tmp_path.parent.chmod(0o755)
    for folder in (tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    told = run(tmp_path, "check", user="")  # as the user of the image, who may only read
    assert told.returncode == 1, told.stderr
    assert "root-user" in told.stdout
    shown = run(tmp_path, "fix")
    assert "+USER 10001:10001" in shown.stdout
    done = run(tmp_path, "fix", "--write")
    assert done.returncode == 0, done.stderr
    assert "skipped" not in done.stderr
    file = tmp_path / "Dockerfile"
    assert b"USER 10001:10001" in file.read_bytes()
    assert file.stat().st_uid == OWNER
    refused = run(tmp_path, "fix", "--write")
    assert "not committed" in refused.stderr
    assert run(tmp_path, "undo").returncode == 0
    assert file.read_bytes() == BAD
