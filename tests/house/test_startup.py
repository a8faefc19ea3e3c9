"""A hook runs on every commit: what a run does not need, it does not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = set("docker git github gitlab jinja2 libcst requests rich ruamel urllib3 zstandard".split())
# What reads manifests, and what only several processes need.
FOR_OTHERS = {"fixer.manifests", "fixer.podusers", "fixer.syntax.yaml.tree", "pickle", "select", "signal"}


def loaded(*arguments: str | Path) -> set[str]:
    """Run the command, and give the names of all modules that it loaded."""
    command = [sys.executable, "-X", "importtime", "-m", "fixer", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in {0, 1}, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def imported(*arguments: str | Path) -> set[str]:
    """The same, top names alone."""
    return {name.partition(".")[0] for name in loaded(*arguments)}


def test_the_version_loads_nothing_heavy() -> None:
    names = imported("--version")
    assert "fixer" in names
    assert names & HEAVY == set()


@pytest.mark.parametrize("user", ["", "USER 10001:10001\n"], ids=["bad", "ok"])
def test_a_check_of_one_file_loads_nothing_heavy(tmp_path: Path, user: str) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f'FROM debian:bookworm-slim\n{user}CMD ["sleep", "1"]\n')
    names = loaded("check", dockerfile)
    assert "fixer.engine" in names
    assert {name.partition(".")[0] for name in names} & HEAVY == set()
    assert names & FOR_OTHERS == set()
