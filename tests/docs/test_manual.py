"""The manual page tells what `--help` tells, and man can read it. `FIXER_UPDATE=1` writes it anew."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from fixer.cli.main import app
from tests.docs.manual import manual

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "templates/man/fixer.1"
UPDATE = os.environ.get("FIXER_UPDATE", "") not in {"", "0"}


@pytest.fixture(autouse=True)
def _usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_the_page_is_current() -> None:
    if UPDATE:
        PAGE.write_text(manual(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == manual()


def test_it_tells_every_command_and_option() -> None:
    text = manual().replace("\\-", "-")
    for name, command in getattr(typer.main.get_command(app), "commands", {}).items():
        (part,) = re.findall(rf'^\.SS "{name} .*\n((?:(?!\.S[SH]).*\n)*)', text, re.MULTILINE)
        for parameter in command.params:
            for word in parameter.opts if parameter.param_type_name == "option" else ():
                assert word in part, (name, word)


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff to read it with")
def test_man_reads_it_without_a_warning() -> None:
    command = ["groff", "-man", "-ww", "-b", "-Tutf8", "-rLL=78n", str(PAGE)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stderr == b""
    shown = " ".join(re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout.decode()).split())
    assert "--select R,.." in shown
    assert "fixer fix | git apply" in shown
    assert "'fixer init' writes one" in shown
