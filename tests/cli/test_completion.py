"""Completion: rules and values are offered in every shell, quickly, and installed where each shell looks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fixer import __main__ as program
from fixer.cli.completion import rule_lists, rule_words
from fixer.errors import UsageError
from fixer.model import Goal
from fixer.rules import all_rules

ROOT = Path(__file__).resolve().parents[2]


def offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str, line: str) -> list[str]:
    """What a shell is told when Tab is pressed at the end of a line."""
    words = line.split(" ")
    for name, value in {
        "_FIXER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as caught:
        program._run([])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    return re.findall(r'"([^"]+)"', out) if shell == "zsh" else out.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_offers_what_may_stand_there(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line, words in {
        "fixer che": ["check"],
        "fixer check --go": ["--goal"],
        "fixer check --goal ": [goal.value for goal in Goal],
        "fixer init --ci git": ["github", "gitlab"],
        "fixer explain root-us": ["root-user"],
        "fixer explain no-ide": ["no-identity"],
        "fixer explain DF00": [f"DF00{n}" for n in range(1, 10)],
        "fixer fix --select ks01": [f"ks01{n}" for n in range(10)],
        "fixer fix --select root-user,unch": ["root-user,unchowned-copy"],
        "fixer fix --ignore root-user,root-us": [],
        "fixer new": [],
    }.items():
        assert offered(monkeypatch, capsys, shell, line) == words, line


def test_every_rule_is_offered_by_name_and_by_id() -> None:
    cards = [rule.CARD for rule in all_rules()]
    assert sorted(rule_words("")) == sorted(card.name for card in cards)
    for letters in ("DF", "KS", "CS", "RT"):
        own = [card.id for card in cards if card.id.startswith(letters)]
        assert rule_words(letters) == sorted(own)
        assert rule_words(f"{letters.lower()}0") == sorted(one.lower() for one in own)
    assert rule_lists("root-user,") == [f"root-user,{word}" for word in rule_words("") if word != "root-user"]


def test_what_is_offered_is_understood(tmp_path: Path) -> None:
    from fixer.cli.runs import Options, configured

    for word in ("df001", "DF001"):
        assert configured([tmp_path], Options(select=word)).select == {"DF001"}
    (tmp_path / "fixer.toml").write_text('ignore = ["df001"]\n')
    assert configured([tmp_path], Options()).ignore == {"DF001"}


def test_bash_completes_and_loads_nothing_heavy(tmp_path: Path) -> None:
    """The script in a real shell, with a `fixer` that tells what it loads."""
    command = tmp_path / "fixer"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -X importtime -m fixer "$@" 2>>"{tmp_path}/loaded"\n')
    command.chmod(0o755)
    script = (
        'eval "$(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION=1 fixer --show-completion bash)"\n'
        'COMP_WORDS=(fixer explain root-us); COMP_CWORD=2; _fixer_completion fixer; echo "${COMPREPLY[@]}"\n'
        "complete -p fixer\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines() == ["root-user", "complete -o default -F _fixer_completion fixer"]
    loaded = {line.rpartition("|")[2].strip() for line in (tmp_path / "loaded").read_text().splitlines()}
    assert "fixer.cli.completion" in loaded
    heavy = {"rich", "ruamel", "git", "jinja2", "tree_sitter", "requests", "fixer.engine", "fixer.rules.base"}
    assert loaded & heavy == set()


@pytest.mark.parametrize(
    ("shell", "files"),
    [
        ("bash", {".bashrc", ".bash_completions/fixer.sh"}),
        ("zsh", {".zshrc", ".zfunc/_fixer"}),
        ("fish", {".config/fish/completions/fixer.fish"}),
    ],
)
def test_it_is_installed_where_the_shell_looks(tmp_path: Path, shell: str, files: set[str]) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "fixer", "--install-completion", shell]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == files
    assert "_FIXER_COMPLETE" in "".join((tmp_path / name).read_text() for name in files)


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_a_shell_that_cannot_complete_is_told(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    import shellingham

    def unknown() -> None:
        raise shellingham.ShellDetectionFailure

    monkeypatch.setattr(shellingham, "detect_shell", unknown)
    with pytest.raises(UsageError, match="the shell here is none; run this from bash, zsh, fish"):
        program._run([option])
