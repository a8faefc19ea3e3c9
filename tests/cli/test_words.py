"""Words that cannot be meant: one sentence each, that names the place and what to do, and often what was meant."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from fixer import __main__ as program
from fixer.cli.main import app
from fixer.errors import FixerError, near

COMMANDS: dict[str, Any] = getattr(get_command(app), "commands", {})

CODES = "'fixer rules' lists the rules, and a report has the codes in brackets"


def wrong(*words: str) -> str:
    """Run in this process, and give the one sentence that it ends with."""
    with pytest.raises(FixerError) as caught:
        program._run(list(words))
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run in this process, and give what it prints."""
    with pytest.raises(SystemExit) as caught:
        program._run(list(words))
    assert caught.value.code == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


# --- the help page ----------------------------------------------------------------------------------------------------


def test_the_help_fits_a_screen_and_begins_with_what_people_need(capsys: pytest.CaptureFixture[str]) -> None:
    page = told(capsys, "--help").splitlines()
    assert len(page) < 24  # the prompt takes the last line
    assert max(map(len, page)) <= 80
    named = [found[1] for line in page if (found := re.match(r"  ([a-z-]+)  +\S", line))]
    assert named[:3] == ["check", "fix", "verify"]
    shown = [name for name, one in COMMANDS.items() if not one.hidden]
    assert named == shown


def test_no_words_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        program._run([])
    assert caught.value.code == 2
    assert "check" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_speaks_no_python(capsys: pytest.CaptureFixture[str], command: str) -> None:
    page = told(capsys, command, "--help")
    assert max(map(len, page.splitlines())) <= 80
    for word in ("list[", "<path>", "<str>", "<int>", "None", "[["):
        assert word not in page, page


# --- what is wrong, and what was meant --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("chekc", "there is no command 'chekc', did you mean 'check'?; 'fixer --help' lists them"),
        ("frobnicate", "there is no command 'frobnicate'; 'fixer --help' lists them"),
        ("--nope", "fixer has no option --nope; 'fixer --help' lists them"),
        ("check --gaol x", "check has no option --gaol, did you mean '--goal'?; 'fixer check --help' lists them"),
        ("check --gaol=x", "check has no option --gaol, did you mean '--goal'?; 'fixer check --help' lists them"),
        ("check -x", "check has no option -x; 'fixer check --help' lists them"),
        ("fix --wriet", "fix has no option --wriet, did you mean '--write'?; 'fixer fix --help' lists them"),
        ("check --goal", "check: --goal is given without its value; 'fixer check --help' tells more"),
        (
            "check --goal rest",
            "check: --goal: 'rest' is none of nonroot, restricted, hardened, trg-4.03, did you mean 'restricted'?;"
            " 'fixer check --help' tells more",
        ),
        (
            "verify --engine dockr",
            "verify: --engine: 'dockr' is none of auto, docker, podman, buildah, did you mean 'docker'?;"
            " 'fixer verify --help' tells more",
        ),
        (
            "graph --format svg",
            "graph: --format: 'svg' is none of text, mermaid, json; 'fixer graph --help' tells more",
        ),
        ("verify --timeout 0", "verify: --timeout: the smallest number is 1; 'fixer verify --help' tells more"),
        ("check --no-config=1", "check: --no-config takes no value; 'fixer check --help' tells more"),
        ("undo a b c", "undo: too many words: b c; 'fixer undo --help' tells more"),
        (
            "explain",
            "explain: RULE: nothing is given (Id or name of a rule, or a reason code);"
            " 'fixer explain --help' tells more",
        ),
        ("explain root-usr", f"'root-usr' is no rule and no reason code, did you mean 'root-user'?; {CODES}"),
        ("explain df1", f"'df1' is no rule and no reason code, did you mean 'DF001'?; {CODES}"),
        ("explain no-identiy", f"'no-identiy' is no rule and no reason code, did you mean 'no-identity'?; {CODES}"),
        ("check --select Root-User", "unknown rule 'Root-User', did you mean 'root-user'?; 'fixer rules' lists them"),
        ("undo gone", "gone: no such file or folder; check the path"),
        (
            "fix --sign-off",
            "--author, --sign-off, --base and --commit-per are about commits; give --branch NAME too",
        ),
        (
            "plan gone",
            "'gone' is no folder here, and a name alone does not tell the forge; say --forge github, gitlab or gitea,"
            " or give the whole address",
        ),
        (
            "pr --repos gone",
            "gone: cannot be read as a list of repositories (No such file or directory);"
            " it is a text file with one a line",
        ),
        (
            "check --config .git",
            ".git: cannot be read (Is a directory); correct it, or name another file with --config",
        ),
    ],
)  # fmt: skip
def test_a_sentence_says_what_is_wrong(words: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.endswith(("_ACTIONS", "_CI"))]:
        monkeypatch.delenv(name)
    assert wrong(*words.split()) == sentence


LONG = "x" * 300  # for which the system has no answer but an error


NAMING = (
    "check|fix|fix --write|fix --branch x|fix --rev HEAD|undo|init|graph|pod-security|plan|verify|publish"
    "|check --config|pr --repos|check --inspect engine|check --rev HEAD"
).split("|")


@pytest.mark.parametrize("words", NAMING)
@pytest.mark.parametrize("path", ["gone", "gone/below", LONG])
def test_a_path_that_is_not_there_is_told_by_every_command(words: str, path: str) -> None:
    sentence = wrong(*words.split(), path)
    assert sentence.partition(":")[0].strip("'").startswith(path) or words == "plan"
    assert ";" in sentence


def test_a_reason_code_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    page = told(capsys, "explain", "no-identity")
    assert page.startswith("[no-identity] as a reason code\nWhy: ")
    assert "\nWhat to do: " in page
    both = told(capsys, "explain", "steps-down")
    assert both.startswith("DF017 steps-down")
    assert "\n\n[steps-down] as a reason code\nWhy: " in both


def test_an_empty_word_is_no_path() -> None:
    assert wrong("check", "").startswith("an argument is empty")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('goal = "restrict"', "did you mean 'restricted'?"),
        ('ownership = "writable"', "did you mean 'writable-paths'?"),
        ('ports = "moved"', "did you mean 'move'?"),
        ("build_arg = {}", "did you mean 'build_args'?"),
        ('[images.x]\nwriteable = ["/a"]', "did you mean 'writable'?"),
    ],
)
def test_a_key_and_a_value_of_the_configuration_have_neighbours(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "fixer.toml").write_text(text)
    assert words in wrong("check")


@pytest.mark.parametrize(
    ("word", "found"),
    [("DF01", "DF001"), ("ks12", "KS012"), ("hard", "hardened"), ("r", ""), ("", ""), ("zzzz", "")],
)
def test_near(word: str, found: str) -> None:
    known = ["DF001", "DF010", "KS012", "hardened", "restricted", "root-user"]
    assert near(word, known) == (f", did you mean '{found}'?" if found else "")
