"""README and CONTRIBUTING tell all there is, and nothing that is not: options, keys, codes, rules, paths.

`FIXER_UPDATE=1` writes the table of rules and the diff in the README anew.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from fixer import config, model
from fixer.cli.main import app
from fixer.model import Goal, Safety, Severity, Status
from fixer.render.json import to_json
from fixer.rules import all_rules
from fixer.understand import process

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
UPDATE = os.environ.get("FIXER_UPDATE", "") not in {"", "0"}
MAIN = "python -m pip install . && fixer fix examples/python-debian"
RULES = all_rules()
CODE = re.compile(r"^\| `([a-z-]+)` \|", re.MULTILINE)


def text() -> str:
    return README.read_text(encoding="utf-8")


def part(title: str) -> str:
    """Give the words below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", text(), re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(), re.MULTILINE | re.DOTALL)


def options() -> dict[str, set[str]]:
    """Give every option of the command line, and the commands that have it."""
    group = typer.main.get_command(app)
    commands = {"": group, **getattr(group, "commands", {})}
    out: dict[str, set[str]] = {}
    for name, command in commands.items():
        for parameter in command.params:
            for word in parameter.opts:
                if word.startswith("--"):
                    out.setdefault(word, set()).add(name)
    return out


# --- the first lines ------------------------------------------------------------------------------------------------


def test_the_main_command_comes_first() -> None:
    assert blocks("sh")[0].strip() == MAIN
    assert text().index(MAIN) < 1000


def test_the_diff_is_that_of_the_example() -> None:
    diff = (ROOT / "examples/python-debian.diff").read_text(encoding="utf-8")
    if UPDATE:
        README.write_text(text().replace(blocks("diff")[0], diff), encoding="utf-8")
    assert blocks("diff") == [diff]


# --- options, goals, exit codes ---------------------------------------------------------------------------------------


def rows(title: str) -> Iterator[list[str]]:
    for line in part(title).splitlines():
        if line.startswith("| ") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_every_option_is_told_with_its_commands() -> None:
    told: dict[str, str] = {}
    for first, where, _ in rows("Options"):
        told.update(dict.fromkeys(re.findall(r"--[a-z-]+", first), where))
    real = options()
    assert set(told) - {"--help"} == set(real) - {"--help"}
    for word, commands in real.items():
        named = set(told[word].split(", ")) - {"", "all"}
        assert word == "--help" or named == commands - {""}, word


def test_every_command_is_told() -> None:
    for name in getattr(typer.main.get_command(app), "commands", {}):
        assert f"\nfixer {name}" in text()


def test_every_goal_and_word_is_told() -> None:
    assert [row[0].strip("`") for row in rows("Goals")][1:] == [goal.value for goal in Goal]
    assert {row[0].strip("`") for row in rows("Safety")} - {"word"} == {one.word for one in Safety}


def test_every_exit_code_is_told(tmp_path: Path) -> None:
    told = [row[0] for row in rows("Exit codes")][1:]
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean/Dockerfile").write_text('FROM scratch\nCOPY a /a\nUSER 10001:10001\nENTRYPOINT ["/a"]\n')
    (tmp_path / "nothing").mkdir()
    cases = {"0": "clean", "1": str(ROOT / "examples/python-debian"), "2": "absent", "3": "nothing"}
    for code, path in cases.items():
        command = [sys.executable, "-m", "fixer", "check", "--no-config", path]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
        assert str(done.returncode) == code, done.stderr
    assert told == list(cases)


# --- rules and codes ------------------------------------------------------------------------------------------------


def test_every_rule_is_told() -> None:
    table = "".join(
        f"| {rule.CARD.id} | `{rule.CARD.name}` | {_lowered(rule.CARD.title)} | {_goals(rule.CARD.goals)} |\n"
        for rule in RULES
    )
    found = re.search(r"^\| id \| name \| finds \| goals \|\n\|---.*\n((?:\|.*\n)*)", text(), re.MULTILINE)
    assert found
    if UPDATE:
        README.write_text(text().replace(found[1], table), encoding="utf-8")
        return
    assert found[1] == table


def _goals(goals: frozenset[Goal]) -> str:
    return "all" if goals == frozenset(Goal) else ", ".join(f"`{goal}`" for goal in Goal if goal in goals)


def _lowered(title: str) -> str:
    return title if title[:2].isupper() else title[0].lower() + title[1:]


def codes() -> set[str]:
    """Give every code that a Refusal, an Unreadable or a Skipped of the program can carry."""
    place = {"Refusal": 0, "Unreadable": 0, "Skipped": 1}
    out = {*process._REMEDIES, model.UNREACHABLE, model.MISSING, model.DENIED, model.INVALID}
    for file in (ROOT / "fixer").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in place:
                continue
            at = place[node.func.id]
            if len(node.args) > at:
                out |= _words(node.args[at], tree)
    return out


def _words(node: ast.expr, tree: ast.Module) -> set[str]:
    """Give the texts that an expression can be: itself, the two arms of an if, or what its name was given."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _words(node.body, tree) | _words(node.orelse, tree)
    if isinstance(node, ast.Name):
        given = [a for a in ast.walk(tree) if isinstance(a, ast.Assign)]
        named = [a.value for a in given if any(isinstance(t, ast.Name) and t.id == node.id for t in a.targets)]
        return set().union(*(_words(value, tree) for value in named))
    return set()


def test_every_reason_code_is_told() -> None:
    assert set(CODE.findall(part("Reason codes"))) == codes()


def test_every_reason_code_is_explained() -> None:
    """As the README does; `FIXER_UPDATE=1` writes what `fixer explain` knows anew."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?)(?: \| (.*))? \|$", part("Reason codes"), re.MULTILINE)
    told = {code: [f"Why: {why}.", *([f"What to do: {what}."] if what else [])] for code, why, what in rows}
    file = ROOT / "fixer/cli/reasons.json"
    if UPDATE:
        file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(file.read_bytes()) == told


def test_every_purpose_has_a_remedy() -> None:
    """Facts may name no purpose that the program does not know."""
    data = json.loads((ROOT / "fixer/facts/data/software.json").read_bytes())
    named = {facts["root"] for facts in data["programs"].values() if facts.get("root")}
    assert named
    assert named <= set(process._REMEDIES)


# --- configuration, report, Python ------------------------------------------------------------------------------------


def test_every_key_is_in_the_example(tmp_path: Path) -> None:
    (example,) = blocks("toml")
    raw = tomllib.loads(example)
    assert {key.replace("-", "_") for key in raw} == set(config._READERS)
    assert {key for image in raw["images"].values() for key in image} == {"user", "writable", "root-on-purpose"}
    (tmp_path / config.FILE).write_text(example)
    read = config.load(tmp_path / config.FILE)
    plain = config.Config()
    assert (read.goal, read.uid, read.gid, read.user_name, read.ownership) == (
        plain.goal, plain.uid, plain.gid, plain.user_name, plain.ownership,
    )  # fmt: skip
    for word in ("app", "writable-paths"):
        assert f'- `"{word}"`' in part("ownership")
        assert config._ownership("ownership", word) == word


def test_every_key_of_the_report_is_told() -> None:
    from fixer import app as application

    report = json.loads(to_json(application.fix(ROOT / "examples/python-debian")))
    told = set(re.findall(r"`([a-z_]+)`", part("JSON report")))
    finding = next(f for f in report["findings"] if f["fix"])
    assert {*report, *report["summary"], *finding, *finding["fix"], "instructions"} <= told
    assert str(report["version"]) in part("JSON report")
    for word in (*(s.word for s in Severity), *(s.value for s in Status)):
        assert word in part("JSON report")


def test_the_python_example_runs() -> None:
    (example,) = blocks("python")
    command = [sys.executable, "-W", "error", "-c", example]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "USER 1000:1000" in done.stdout


def test_the_ignore_example_works() -> None:
    from fixer import app as application
    from fixer.source import SourceFile

    (example,) = blocks("dockerfile")
    for comment, findings in ((example, 0), (example.partition("\n")[2], 1)):
        source = SourceFile("Dockerfile", f"FROM alpine:3.20\n{comment}".encode())
        found = application.check(source, config=config.Config()).findings
        assert sum(f.rule == "DF001" for f in found) == findings


# --- paths and links --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_place_exists(name: str) -> None:
    words = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", words)
    paths = re.findall(r"`((?:fixer|tests|templates|examples|\.ci)/[\w./-]*)`", words)
    missing = [p for p in {*links, *paths} if "my-rule" not in p and "my_rule" not in p and not (ROOT / p).exists()]
    assert not missing
    for anchor in re.findall(r"\]\(#([a-z-]+)\)", words):
        assert re.search(rf"^#+ {anchor.replace('-', ' ')}$", words, re.MULTILINE | re.IGNORECASE), anchor
