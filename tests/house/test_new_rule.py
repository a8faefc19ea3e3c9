"""`fixer new-rule`: what it writes fits into a checkout, and its tests say what to fill in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fixer import __main__ as program
from fixer.deliver.scaffold import new_rule
from fixer.errors import UsageError
from fixer.model import RuleKind

ROOT = Path(__file__).resolve().parents[2]
RULES = {
    RuleKind.DOCKERFILE: "DF900",
    RuleKind.KUBERNETES: "KS900",
    RuleKind.COMPOSE: "CS900",
    RuleKind.RUNNING: "RT900",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with no cases of its own, and a new rule of each kind."""
    top = tmp_path_factory.mktemp("checkout")
    for name in ("fixer", "templates", "tests/rigs"):
        shutil.copytree(ROOT / name, top / name, ignore=shutil.ignore_patterns("__pycache__"))
    (top / "tests/rules").mkdir()
    for file in (ROOT / "pyproject.toml", *(ROOT / "tests").glob("*.py"), ROOT / "tests/rules/test_golden.py"):
        shutil.copy(file, top / file.relative_to(ROOT))
    for kind, rule_id in RULES.items():
        new_rule(top, rule_id, f"sample-{kind}", kind)
    return top


def test_its_line_stands_where_it_belongs(checkout: Path) -> None:
    for kind in RuleKind:
        path = f"fixer/rules/{kind}/__init__.py"
        before, after = (top.joinpath(path).read_text().splitlines() for top in (ROOT, checkout))
        line = f"    sample_{kind},"
        assert [one for one in after if one != line] == before
        assert after.count(line) == 2
        assert after[len(after) - 1 - after[::-1].index(line) + 1] == "    unused_ignore,"
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "fixer/rules"]
    assert subprocess.run(command, cwd=checkout, timeout=120, check=False).returncode == 0
    command[3:4] = ["format", "--check"]
    assert subprocess.run(command, cwd=checkout, timeout=120, check=False).returncode == 0


def test_its_tests_run_and_say_what_to_fill_in(checkout: Path) -> None:
    command = [sys.executable, "-m", "pytest", "tests/rules", "-n0", "-q", "-p", "no:cacheprovider", "-k", "sample"]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "COLUMNS": "400"}
    environment.pop("FIXER_UPDATE", None)
    done = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    failed = set(re.findall(r"^FAILED \S+::(\S+)", done.stdout, re.MULTILINE))
    assert failed == {
        *(f"test_case[sample-{kind}/bad-example]" for kind in RuleKind),
        *(f"test_a_rule_has_its_page[sample-{kind}]" for kind in RuleKind),
    }, done.stdout
    for kind in RuleKind:
        assert f"Fill in: put what the rule finds into tests/rules/sample-{kind}/bad-example/in/" in done.stdout


@pytest.mark.parametrize(
    ("rule_id", "name", "kind", "words"),
    [
        ("DF001", "sample", RuleKind.DOCKERFILE, r"DF001 is taken; the next free one is DF\d\d\d"),
        ("DF1", "sample", RuleKind.DOCKERFILE, "no id of a rule"),
        ("KS901", "sample", RuleKind.DOCKERFILE, "no id of a rule on this kind of files; the next free one is DF"),
        ("DF901", "Sample_Rule", RuleKind.DOCKERFILE, "lower-case words with hyphens"),
        ("DF901", "../x", RuleKind.DOCKERFILE, "lower-case words with hyphens"),
        ("DF901", "root-user", RuleKind.DOCKERFILE, "there is a rule 'root-user' already"),
        ("CS901", "sample-dockerfile", RuleKind.COMPOSE, "there is a rule 'sample-dockerfile' already"),
    ],
)
def test_what_cannot_be_is_told_and_writes_nothing(
    checkout: Path, rule_id: str, name: str, kind: RuleKind, words: str
) -> None:
    before = sorted(checkout.rglob("*"))
    with pytest.raises(UsageError, match=words):
        new_rule(checkout, rule_id, name, kind)
    assert sorted(checkout.rglob("*")) == before


def test_elsewhere_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"is no checkout of nonroot-fixer, .*; go to the top of yours"):
        program._run(["new-rule", "DF900", "sample"])
    assert not any(tmp_path.iterdir())
