"""What `fixer new-rule` writes into a checkout of this project: a rule that says what to fill in, and its cases."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from pathlib import Path

from fixer.errors import FixerError, UsageError, plainly
from fixer.model import RuleKind
from fixer.templates import read_template, render
from fixer.tuples import NamedTuple

_ID = re.compile(r"([A-Z]{2})(\d{3})")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OWN_ID = re.compile(r'^    id="([A-Z]{2}\d{3})",$', re.MULTILINE)
_LAST = "unused_ignore"


class _Kind(NamedTuple):
    """What rules of a kind are given: letters of their ids, what they look at, how it is called, and a clean file."""

    letters: str
    file: str
    what: str
    view: str
    each: str
    one: str
    imports: tuple[str, ...]


_KINDS = {
    RuleKind.DOCKERFILE: _Kind(
        "DF", "Dockerfile", "instructions", "DockerfileView", "decisions", "Decision",
        (
            "from fixer.decide import Decision",
            "from fixer.model import Finding, Severity",
            "from fixer.rules.base import Card, DockerfileView",
        ),
    ),
    RuleKind.KUBERNETES: _Kind(
        "KS", "pod.yaml", "settings of pods and containers", "ManifestView", "pods", "Pod",
        (
            "from fixer.model import Finding, Severity",
            "from fixer.rules.base import Card",
            "from fixer.rules.pods import ManifestView",
            "from fixer.understand.pods import Pod",
        ),
    ),
    RuleKind.COMPOSE: _Kind(
        "CS", "compose.yaml", "settings of services", "ComposeView", "services", "Service",
        (
            "from fixer.model import Finding, Severity",
            "from fixer.rules.base import Card",
            "from fixer.rules.services import ComposeView",
            "from fixer.understand.compose import Service",
        ),
    ),
    RuleKind.RUNNING: _Kind(
        "RT", "run.sh", "options of commands that start containers", "RunView", "runs", "Run",
        (
            "from fixer.model import Finding, Severity",
            "from fixer.rules.base import Card",
            "from fixer.rules.runlines import RunView, Seen",
        ),
    ),
}  # fmt: skip


def new_rule(top: Path, rule_id: str, name: str, kind: RuleKind) -> tuple[str, ...]:
    """Write a new rule, its line in the table and its cases; the paths of what was written.

    Args:
        top: the checkout.
        rule_id: its id, such as DF022.
        name: its name, such as root-user.
        kind: on which files it is.

    Raises:
        UsageError: outside of a checkout, and for an id or a name that cannot be.
        FixerError: when something cannot be written.
    """
    _must_be_a_checkout(top)
    _check_id(top, rule_id, kind)
    module = _check_name(top, name)
    about = _KINDS[kind]
    page = render("rule/rule.py.j2", kind=kind.value, id=rule_id, name=name, **about._asdict())
    clean = read_template(f"rule/{kind.value}.txt")
    cases = f"tests/rules/{name}"
    texts = {
        f"fixer/rules/{kind.value}/{module}.py": page,
        f"{cases}/bad-example/in/{about.file}": clean,
        f"{cases}/bad-example/findings.txt": _unfilled(name, kind, module, about.file),
        f"{cases}/ok-clean/in/{about.file}": clean,
        f"{cases}/ok-clean/findings.txt": "",
    }
    table = f"fixer/rules/{kind.value}/__init__.py"
    after = _with_line((top / table).read_text("utf-8"), module, rule_id, _ids(top / table))
    try:
        for path, text in texts.items():
            _create(top / path, text)
        (top / table).write_text(after, "utf-8")
    except OSError as error:
        raise FixerError(f"{error.filename}: cannot be written ({plainly(error)}); look at 'git status'") from None
    return (*texts, table)


def _unfilled(name: str, kind: RuleKind, module: str, file: str) -> str:
    """What stands where the findings of the first case will; the test shows it until then."""
    return (
        f"Fill in: put what the rule finds into tests/rules/{name}/bad-example/in/{file}, write check() in"
        f" fixer/rules/{kind.value}/{module}.py, let FIXER_UPDATE=1 python -m pytest tests/rules -k {name} write this"
        " file and out/, and read both.\n"
    )


def _create(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("x", encoding="utf-8", newline="") as out:
        out.write(text)


def _must_be_a_checkout(top: Path) -> None:
    project = top / "pyproject.toml"
    named = project.is_file() and 'name = "nonroot-fixer"' in project.read_text("utf-8", "replace")
    if not (named and (top / "fixer/rules").is_dir() and (top / "tests/rules").is_dir()):
        raise UsageError(
            f"{top.absolute()} is no checkout of nonroot-fixer, and rules are made in one only; go to the top of yours"
        )


def _check_id(top: Path, rule_id: str, kind: RuleKind) -> None:
    letters = _KINDS[kind].letters
    taken = sorted(found for one in RuleKind for found in _ids(top / f"fixer/rules/{one.value}/x").values())
    found = _ID.fullmatch(rule_id)
    free = f"{letters}{max(int(one[2:]) for one in taken if one.startswith(letters)) + 1:03}"
    if found is None or found[1] != letters:
        raise UsageError(f"'{rule_id}' is no id of a rule on this kind of files; the next free one is {free}")
    if rule_id in taken:
        raise UsageError(f"{rule_id} is taken; the next free one is {free}")


def _check_name(top: Path, name: str) -> str:
    """The name of the module of a rule."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name of a rule: lower-case words with hyphens, such as root-user")
    module = name.replace("-", "_")
    if any(top.glob(f"fixer/rules/*/{module}.py")) or (top / "tests/rules" / name).exists():
        raise UsageError(f"there is a rule '{name}' already; choose another name")
    return module


def _ids(table: Path) -> dict[str, str]:
    """The ids of the rules beside a table, by their modules."""
    texts = {file.stem: file.read_text("utf-8") for file in sorted(table.parent.glob("*.py"))}
    return {module: found[1] for module, text in texts.items() if (found := _OWN_ID.search(text))}


def _with_line(table: str, module: str, rule_id: str, ids: dict[str, str]) -> str:
    """A table with one rule more: among the imports by name, among the rules by id."""
    lines = table.splitlines(keepends=True)
    starts = [n for n, line in enumerate(lines) if line.endswith("(\n")]
    own, rules = starts[0], starts[-1]
    for start, key in ((rules, lambda word: _place(word, rule_id, ids)), (own, lambda word: word)):
        inside = list(_words(lines, start))
        at = bisect.bisect_left([key(word) for word in inside], key(module))
        lines.insert(start + 1 + at, f"    {module},\n")
    return "".join(lines)


def _place(module: str, rule_id: str, ids: dict[str, str]) -> str:
    """What rules are sorted by: their id, but for the last, which stands behind all."""
    return "~" if module == _LAST else ids.get(module, rule_id)


def _words(lines: list[str], start: int) -> Iterator[str]:
    for line in lines[start + 1 :]:
        if line.startswith(")"):
            return
        yield line.strip().rstrip(",")
