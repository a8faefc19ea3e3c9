"""The hooks that pre-commit offers: their commands exist, and they are given the right files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
HOOKS: list[dict[str, Any]] = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-hooks.yaml").read_text())
BY_ID = pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])


def test_there_are_two() -> None:
    assert [hook["id"] for hook in HOOKS] == ["fixer-check", "fixer-fix"]


@BY_ID
def test_its_command_exists(hook: dict[str, Any]) -> None:
    program, *arguments = hook["entry"].split()
    assert program == "fixer"
    command = [sys.executable, "-m", "fixer", *arguments, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@BY_ID
@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("Dockerfile", True),
        ("a/Dockerfile", True),
        ("Dockerfile.dev", True),
        ("a/app.Dockerfile", True),
        ("a/dockerfile", True),
        ("Containerfile", True),
        ("Dockerfile-alpine", True),
        ("Dockerfile.dockerignore", False),
        ("Dockerfile.j2", False),
        ("build-dockerfile.sh", False),
        ("Dockerfile/readme.txt", False),
        ("compose.yaml", False),
    ],
)
def test_it_is_given_dockerfiles(hook: dict[str, Any], path: str, wanted: bool) -> None:
    given = re.search(hook["files"], path) and not re.search(hook["exclude"], path)
    assert bool(given) is wanted


@BY_ID
def test_it_sees_all_files_in_one_run(hook: dict[str, Any]) -> None:
    assert hook["require_serial"] is True
