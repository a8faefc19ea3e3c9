"""The action and the examples for CI: two jobs with different rights, and scripts that do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from fixer.forge.memory import Memory
from tests.deliver.hosting import BEFORE, commit, hosted

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> Any:
    return YAML(typ="safe", pure=True).load(ROOT / name)


ACTION = load("action.yml")
GITHUB = load("examples/ci/github.yml")
GITLAB = load("examples/ci/gitlab.yml")


def scripts() -> Iterator[tuple[str, str]]:
    for step in ACTION["runs"]["steps"]:
        yield "action.yml", step["run"]
    for name in ("fixer-plan", "fixer-publish"):
        yield "gitlab.yml", "\n".join(GITLAB[name]["script"])


def test_the_job_that_computes_cannot_write() -> None:
    assert GITHUB["permissions"] == {}
    assert GITHUB["jobs"]["plan"]["permissions"] == {"contents": "read"}
    assert GITHUB["jobs"]["publish"]["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert GITLAB["fixer-plan"]["variables"] == {"GITLAB_TOKEN": ""}
    assert GITLAB["fixer-publish"]["variables"] == {"GIT_STRATEGY": "none"}


def test_what_others_wrote_is_pinned() -> None:
    used = [step["uses"] for job in GITHUB["jobs"].values() for step in job["steps"]]
    assert len(used) == 4
    for one in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}|OWNER/nonroot-fixer@COMMIT", one)


def test_no_value_stands_in_a_script() -> None:
    for name, script in scripts():
        assert "${{" not in script, name
        subprocess.run(["bash", "-n"], input=script.encode(), check=True)


def test_the_example_gives_the_action_what_it_takes() -> None:
    for job in GITHUB["jobs"].values():
        for step in job["steps"]:
            if step["uses"].startswith("OWNER/"):
                assert set(step["with"]) <= set(ACTION["inputs"])


def run(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the script of the action as a runner does, with this checkout as what is installed."""
    step = ACTION["runs"]["steps"][1]
    given = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    environment = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: given[found[1]], value)
        for name, value in step["env"].items()
    }
    program = folder / "temp/fixer/bin/fixer"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m fixer "$@"\n')
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))}
    own = {"RUNNER_TEMP": str(folder / "temp"), "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state")}
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(
        shell, env=kept | environment | own, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_action_plans_and_publishes(tmp_path: Path) -> None:
    forge = Memory(tmp_path / "forge")
    commit(hosted(forge.folder), {"web/Dockerfile": BEFORE, "api/Dockerfile": b"FROM unknown.example/x\n"})
    here = {"repository": "forge/acme/shop", "forge": "memory"}
    done = run(tmp_path, command="plan", **here)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "fixer-plan.json").is_file()
    assert list(forge.requests("acme/shop")) == []
    done = run(tmp_path, command="publish", labels="security,containers", **here)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = forge.requests("acme/shop")
    assert (found.draft, found.labels) == (True, ("security", "containers"))


@pytest.mark.parametrize(
    "inputs",
    [
        {"command": "rm"},
        {"command": "plan", "repository": "forge/acme/absent", "forge": "memory"},
        {"command": "plan", "repository": "--help"},
        {"command": "publish", "plan": "$(touch mark)"},
        {"command": "publish", "plan": "--mode=full"},
    ],
)
def test_the_action_fails_when_it_fails(tmp_path: Path, inputs: dict[str, str]) -> None:
    done = run(tmp_path, **inputs)
    assert done.returncode == 2, done.stdout + done.stderr
    assert not (tmp_path / "mark").exists()
