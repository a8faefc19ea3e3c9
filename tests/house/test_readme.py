"""The README's words are true: what it tells people to type exists, and CI runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEST = "python -m pip install -e '.[test]' && python -m pytest"
BLOCK = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)
OURS = ("lint-imports", "mypy", "python -m pytest", "ruff ")


def commands() -> list[str]:
    """Give the lines of the README's shell blocks, without prompts and comments."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line.removeprefix("$ ").strip() for block in BLOCK.findall(text) for line in block.splitlines()]
    return [line.partition("  #")[0].strip() for line in lines if line and not line.startswith("#")]


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    assert TEST in commands()
    assert TEST in (ROOT / ".ci/run").read_text()


def test_the_checks_are_those_that_ci_runs() -> None:
    """CI may add options that concern caches."""
    ci = re.sub(r" --(no-cache|cache-dir=\S+)", "", (ROOT / ".ci/run").read_text())
    for command in commands():
        if command.startswith(OURS):
            assert all(part in ci for part in command.split(" && ")), command


def test_the_subcommands_exist() -> None:
    names = {m[1] for c in commands() if (m := re.match(r"fixer ([a-z][a-z-]*)", c))}
    assert {"check", "fix"} <= names
    for name in sorted(names):
        command = [sys.executable, "-m", "fixer", name, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"fixer {name}: {done.stderr}"


def test_ci_can_be_started_as_it_is() -> None:
    run = ROOT / ".ci/run"
    assert os.access(run, os.X_OK)
    assert run.read_bytes().startswith(b"#!/bin/bash\n")


@pytest.mark.parametrize("script", [".ci/run", *(f"tests/rigs/{p.name}" for p in (ROOT / "tests/rigs").glob("*.sh"))])
def test_scripts_are_valid_shell(script: str) -> None:
    done = subprocess.run(["bash", "-n", ROOT / script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
