"""The words of `fixer check` mean the same with typer and without it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from fixer.cli import check, plain, runs
from fixer.cli.main import app
from fixer.model import Goal, LowPorts

DOCKERFILE = 'FROM debian:12\nCMD ["sleep", "1"]\n'


def test_it_knows_every_option_of_the_command() -> None:
    known = {"paths", *plain.SWITCHES.values(), *plain.VALUED.values()}
    assert known == set(inspect.signature(check.command).parameters)
    command = typer.main.get_command(app).commands["check"]  # type: ignore[attr-defined]
    written = {o for p in command.params for o in p.opts if o.startswith("--")} - {"--help"}
    assert written == {*plain.SWITCHES, *plain.VALUED}


@pytest.mark.parametrize(
    ("words", "options", "output"),
    [
        ([], runs.Options(), "text"),
        (["a", "--no-config", "b"], runs.Options(no_config=True), "text"),
        (["--goal", "hardened", "--format=json"], runs.Options(goal=Goal.HARDENED), "json"),
        (["--select=DF001,DF002", "--ignore", "sudo"], runs.Options(select="DF001,DF002", ignore="sudo"), "text"),
        (["--pod-security-version", "v1.24"], runs.Options(pod_security_version="v1.24"), "text"),
        (["--ports", "move"], runs.Options(ports=LowPorts.MOVE), "text"),
        (
            ["--output-file", "json=x", "--baseline=y"],
            runs.Options(output_file=("json=x",), baseline=Path("y")),
            "text",
        ),
        (["--write-baseline", "z"], runs.Options(write_baseline=Path("z")), "text"),
        (["--config", "x.toml", "--no-ignores"], runs.Options(config=Path("x.toml"), no_ignores=True), "text"),
    ],
)
def test_plain_words(monkeypatch: pytest.MonkeyPatch, words: list[str], options: runs.Options, output: str) -> None:
    seen: list[tuple[list[Path], runs.Options, str]] = []

    def run(*given: Any) -> int:
        seen.append(given)
        return 0

    monkeypatch.setattr(plain, "check", run)
    assert plain.run_check(words) == 0
    paths = [Path(w) for w in words if w in ("a", "b")] or [Path()]
    assert seen == [(paths, options, output)]


@pytest.mark.parametrize(
    "words",
    [["--goal", "none"], ["--goal"], ["--format", "xml"], ["--what"], ["-h"], ["--help"], ["--select", "--no-config"],
     ["--output-file", "json=x", "--output-file", "json=y"], ["--no-config=1"], ["--", "a"], ["-"]],
)  # fmt: skip
def test_everything_else_is_for_typer(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setattr(plain, "check", lambda *given: pytest.fail("it must not run"))
    assert plain.run_check(words) is None


def test_options_cost_no_typer(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    code = "import os, sys, fixer.__main__ as m\nos._exit = sys.exit\n"
    code += "try: m.main()\nfinally: print('typer' in sys.modules)"
    words = ["check", "--no-config", "--format", "json", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.endswith("False\n")
