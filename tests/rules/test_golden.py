"""Golden cases: whole folders, compared as bytes. `FIXER_UPDATE=1` writes `out` and `findings.txt` anew.

    tests/rules/<rule>/<bad|ok|hold>-<what>/in/... out/... findings.txt

`bad-` must be fixed, `ok-` must be clean, `hold-` must be found and left alone with its reason. The harness, not the
author, repeats each case with CRLF, without the final newline and with a byte order mark, runs it twice, and reads
the result with the scanner and with BuildKit's parser. Without `out` nothing may change.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from fixer import app
from fixer import config as configuration
from fixer.config import Config
from fixer.discover import is_dockerfile, is_manifest, run_kind
from fixer.model import Result, Safety, Status
from fixer.rules import all_rules, on_compose, on_dockerfiles, on_manifests, on_runs
from fixer.source import BOM, SourceFile
from fixer.syntax.dockerfile import parse
from fixer.syntax.yaml import load_stream
from tests import oracle

HERE = Path(__file__).parent
UPDATE = os.environ.get("FIXER_UPDATE", "") not in {"", "0"}
KINDS = ("bad", "ok", "hold")
CASES = sorted(folder for folder in HERE.glob("*/*-*") if (folder / "in").is_dir())
RULES = all_rules()
IDS = {rule.CARD.name: rule.CARD.id for rule in RULES}
NAMES = [f"{case.parent.name}/{case.name}" for case in CASES]
RUN_IDS = frozenset(rule.CARD.id for rule in on_runs()[:-1])  # the last one is for all tables
HEADINGS = ["## What it finds", "## Why it matters", "## How safe the fix is", "## References"]

Tree = dict[str, bytes]
Save = Callable[[bytes], bytes]


def crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def unended(data: bytes) -> bytes:
    return data.removesuffix(b"\n").removesuffix(b"\r")


def marked(data: bytes) -> bytes:
    return data if data.startswith(BOM) else BOM + data


def crlf_unended(data: bytes) -> bytes:
    return unended(crlf(data))


WAYS: dict[str, Save] = {
    "crlf": crlf,
    "no-final-newline": unended,
    "bom": marked,
    "crlf-no-final-newline": crlf_unended,
}


def files(folder: Path) -> Tree:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def saved(tree: Tree, save: Save) -> Tree:
    """The tree with all that is read of it saved in another way."""
    return {path: save(data) if is_read(path) else data for path, data in tree.items()}


def is_read(path: str) -> bool:
    return is_dockerfile(name(path)) or is_manifest(path) or run_kind(path) != ""


def name(path: str) -> str:
    return path.rpartition("/")[2]


def lay_out(tree: Tree, folder: Path) -> Path:
    for path, data in tree.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


def config_of(folder: Path) -> Config:
    file = folder / configuration.FILE
    config = configuration.load(file) if file.exists() else Config()
    return configuration.with_lock(config, folder / configuration.LOCK)


def fixed(tree: Tree, folder: Path) -> tuple[Result, Tree]:
    """Run the fixes over a tree, write them, and give what came of it."""
    lay_out(tree, folder)
    result = app.fix(folder, config=config_of(folder))
    app.write_changes(result)
    return result, files(folder)


def lines(result: Result) -> str:
    out: list[str] = []
    for f in result.findings:
        code = f" [{f.refusal.code}]" if f.refusal is not None else ""
        out.append(f"{f.rule} {f.status.value} {f.path}:{f.line} {f.message}{code}\n")
        if f.rule in RUN_IDS and f.fix is not None and f.fix.safety is Safety.MANUAL:
            # the line to use is all that a person gets
            out += [f"    {line}\n" for line in f.fix.instructions.splitlines()]
    out += [f"skipped {s.path} {s.message} [{s.reason}]\n" for s in result.skipped]
    return "".join(out)


def expected(case: Path) -> Tree:
    return files(case / "out") if (case / "out").is_dir() else files(case / "in")


def update(case: Path, result: Result, after: Tree) -> None:
    """Write what a run gives as what is expected."""
    shutil.rmtree(case / "out", ignore_errors=True)
    if after != files(case / "in"):
        lay_out(after, case / "out")
    (case / "findings.txt").write_text(lines(result), encoding="utf-8")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], tuple[Result, Tree]]:
    """Give what came of a case as it is, which many tests look at."""
    return cache(lambda case: fixed(files(case / "in"), tmp_path_factory.mktemp("plain")))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_case(case: Path, tmp_path: Path, plain: Callable[[Path], tuple[Result, Tree]]) -> None:
    kind = case.name.partition("-")[0]
    rule = IDS[case.parent.name]
    result, after = plain(case)
    if UPDATE:
        update(case, result, after)
    assert after == expected(case)
    assert lines(result) == (case / "findings.txt").read_text(encoding="utf-8")
    own = [f for f in result.findings if f.rule == rule]
    if kind == "ok":
        assert not own
    elif kind == "hold":
        assert any(f.status is Status.REFUSED and f.refusal is not None and f.refusal.code for f in own)
        assert not any(f.status is Status.FIXED for f in own)
    else:
        assert any(f.status is Status.FIXED for f in own)
        gone = {(f.path, f.message) for f in own if f.status is Status.FIXED}
        lay_out(after, tmp_path)
        again = app.check(tmp_path, config=config_of(tmp_path))
        assert not [f for f in again.findings if f.rule == rule and (f.path, f.message) in gone]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_second_run_changes_nothing(case: Path, tmp_path: Path, plain: Callable[[Path], tuple[Result, Tree]]) -> None:
    _, after = plain(case)
    lay_out(after, tmp_path)
    again = app.fix(tmp_path, config=config_of(tmp_path))
    assert not again.changes
    assert not [f for f in again.findings if f.status is Status.FIXED]
    assert files(tmp_path) == after


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_result_parses(case: Path) -> None:
    for path, data in expected(case).items():
        if is_manifest(path):
            load_stream(SourceFile(path, data).text)
        if is_dockerfile(name(path)) and oracle.parses((case / "in" / path).read_bytes()):
            assert oracle.difference(data) == "", path
            parse(SourceFile(path, data).text)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_case_saved_in_another_way(
    case: Path, way: str, tmp_path: Path, plain: Callable[[Path], tuple[Result, Tree]]
) -> None:
    """The same findings, and the same change in that file's own way."""
    save = WAYS[way]
    result, _ = plain(case)
    again, after = fixed(saved(files(case / "in"), save), tmp_path)
    assert lines(again) == lines(result)
    assert after == saved(expected(case), save)


# --- the table of rules, held against the files -----------------------------------------------------------------


def test_every_rule_file_is_in_the_table() -> None:
    folder = Path(app.__file__).parent / "rules"
    modules = {f"{p.parent.name}.{p.stem}" for p in folder.glob("*/*.py") if not p.stem.startswith("_")}
    assert {rule.__name__.partition(".rules.")[2] for rule in RULES} == modules


def test_ids_and_names_are_unique_and_in_order() -> None:
    assert len({rule.CARD.id for rule in RULES}) == len(set(IDS)) == len(RULES)
    tables = ((on_dockerfiles(), "DF"), (on_manifests(), "KS"), (on_compose(), "CS"), (on_runs(), "RT"))
    for table, letters in tables:
        # the last one asks what the others left unused
        ids = [rule.CARD.id for rule in table[:-1]]
        assert ids == sorted(ids)
        assert all(len(i) == 5 and i.startswith(letters) and i[2:].isdigit() for i in ids)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.CARD.name)
def test_a_rule_has_its_page(rule: object) -> None:
    page = (rule.__doc__ or "").strip()
    assert [line for line in page.splitlines() if line.startswith("## ")] == HEADINGS
    title = page.splitlines()[0]
    assert title.endswith(".")
    words = [*page.splitlines(), rule.CARD.title]  # type: ignore[attr-defined]
    assert [line for line in words if line.startswith("Fill in:")] == []
    for one, two in zip([title, *HEADINGS], HEADINGS, strict=False):
        assert page.partition(one)[2].partition(two)[0].strip() or one == title


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.CARD.name)
def test_a_rule_file_is_named_like_its_rule(rule: object) -> None:
    assert rule.__name__.rpartition(".")[2].replace("_", "-") == rule.CARD.name  # type: ignore[attr-defined]
    assert rule.CARD.goals  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.CARD.name)
def test_a_rule_has_cases(rule: object) -> None:
    kinds = {case.name.partition("-")[0] for case in CASES if case.parent.name == rule.CARD.name}  # type: ignore[attr-defined]
    assert "ok" in kinds
    assert kinds & {"bad", "hold"}


def test_every_case_has_its_place() -> None:
    assert {case.parent.name for case in CASES} <= set(IDS)
    assert {case.name.partition("-")[0] for case in CASES} <= set(KINDS)
    assert [c for c in HERE.glob("*/*") if c.is_dir() and c not in CASES and c.name != "__pycache__"] == []
