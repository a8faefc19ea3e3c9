"""Verdicts of `fixer verify` in requests: those of exactly these bytes, and in words that do no harm."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest

from fixer import app
from fixer.cli.requests import Job, compute
from fixer.deliver.plans import Plan, PlannedUnit, read, to_json
from fixer.engine import Choice
from fixer.errors import FixerError
from fixer.model import Safety
from fixer.proofs import Proof
from fixer.render.request import words
from fixer.verify.trying import Wishes
from tests.deliver.hosting import git, plan, unit
from tests.render.test_request import HOSTILE, assert_harmless
from tests.render.test_request import unit as unit_of
from tests.verify_judge.benches import as_promised, use

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE.parents[1] / "fixer/deliver/plan.schema.json").read_text())
FILES = {
    "shop/compose.yaml": "services:\n  web:\n    build: web\n    image: acme/web\n  jobs:\n    build: jobs\n",
    "shop/web/Dockerfile": 'FROM debian:12\nWORKDIR /srv\nCOPY web .\nEXPOSE 8080\nCMD ["./web"]\n',
    "shop/web/web": "",
    "shop/jobs/Dockerfile": 'FROM debian:12\nCMD ["sleep", "9"]\n',
    "tool/Dockerfile": 'FROM debian:12\nCMD ["sleep", "9"]\n',
}
HEADING = "\n## What was tried\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose fixes were tried, and hold."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "-q", "--initial-branch=main")
    use(monkeypatch, as_promised)
    wishes = Wishes(keep=tmp_path / "fixer.proof.json", date="2026-11-22")
    app.verify([tmp_path], app.config_for([tmp_path]), wishes, lambda text: None)
    return tmp_path


def requests(tree: Path) -> dict[str, PlannedUnit]:
    found, _, _ = app.requests([tree], app.config_for([tree]), Choice(True, Safety.REVIEW))
    return {one.name: one for one in found}


def verdicts(tree: Path) -> dict[str, list[str]]:
    return {name: [proof.dockerfile for proof in one.proofs] for name, one in requests(tree).items()}


def test_the_body_tells_what_was_tried(tree: Path) -> None:
    body = requests(tree)["shop"].said.body
    golden = HERE / "request-with-verdicts.md"
    if os.environ.get("FIXER_UPDATE", "") not in {"", "0"}:
        golden.write_text(body)
    assert body == golden.read_text()


def test_a_plan_carries_them(tree: Path) -> None:
    git(tree, "add", "--all")
    git(tree, "commit", "-qm", "All")
    found = compute(Job(str(tree)))
    text = to_json(found)
    jsonschema.validate(json.loads(text), SCHEMA, cls=jsonschema.Draft202012Validator)
    assert {one.name: len(one.proofs) for one in found.units} == {"shop": 2, "tool": 1}
    assert all(HEADING in one.said.body for one in found.units)
    assert read(text.encode()) == found
    assert to_json(read(text.encode())) == text


def test_a_plan_without_them_is_read_as_before() -> None:
    raw = json.loads(to_json(plan(unit())))
    del raw["units"][0]["verdicts"]
    jsonschema.validate(raw, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert read(json.dumps(raw).encode()) == plan(unit())


def test_only_what_was_tried_with_exactly_these_bytes_is_told(tree: Path) -> None:
    assert verdicts(tree) == {"shop": ["shop/jobs/Dockerfile", "shop/web/Dockerfile"], "tool": ["tool/Dockerfile"]}
    branches = {name: one.branch for name, one in requests(tree).items()}
    (tree / "shop/jobs/Dockerfile").write_text('FROM debian:12\nCMD ["sleep", "8"]\n')
    (tree / "tool/Dockerfile").write_text('FROM debian:12\n# ours\nCMD ["sleep", "9"]\n')
    assert verdicts(tree) == {"shop": ["shop/web/Dockerfile"], "tool": []}
    (tree / "fixer.toml").write_text("uid = 4321\n")
    assert verdicts(tree) == {"shop": [], "tool": []}
    (tree / "fixer.toml").unlink()
    (tree / "fixer.proof.json").unlink()
    found = requests(tree)
    assert not any(HEADING in one.said.body for one in found.values())
    assert found["tool"].branch == branches["tool"], "a branch is the same with and without verdicts"


def test_files_that_stay_as_they_are_count_too(tree: Path) -> None:
    file = tree / "fixer.proof.json"
    raw = json.loads(file.read_text())
    tool = next(one for one in raw["proofs"] if one["dockerfile"] == "tool/Dockerfile")
    web = next(one for one in raw["proofs"] if one["dockerfile"] == "shop/web/Dockerfile")
    tool["files"]["tool/x"] = {"before": "0" * 64, "after": "0" * 64}
    file.write_text(json.dumps(raw))
    assert verdicts(tree)["tool"] == [], "it is not there"
    same = web["files"]["shop/compose.yaml"]["before"]
    tool["files"] = {"tool/Dockerfile": tool["files"]["tool/Dockerfile"], "kept.yaml": {"before": same, "after": same}}
    file.write_text(json.dumps(raw))
    (tree / "kept.yaml").write_text(FILES["shop/compose.yaml"])
    assert verdicts(tree)["tool"] == ["tool/Dockerfile"]
    (tree / "kept.yaml").write_text("services: {}\n")
    assert verdicts(tree)["tool"] == []
    tool["files"] = {
        "tool/Dockerfile": tool["files"]["tool/Dockerfile"],
        "shop/compose.yaml": web["files"]["shop/compose.yaml"],
    }
    file.write_text(json.dumps(raw))
    assert verdicts(tree)["tool"] == [], "what it also needs is another request"


@pytest.mark.parametrize("text", HOSTILE)
def test_they_have_no_say_in_the_body(text: str) -> None:
    proof = Proof(text, text, text, text, text, text, (text,) * 9)
    body = words(unit_of("web/Dockerfile"), (), (proof,)).body
    assert_harmless(body)
    (row,) = (line for line in body.splitlines() if "| holds |" in line)
    assert row.replace("\\|", "").count("|") == 6
    assert "and 5 more |" in row
    headings = [line for line in body.splitlines() if line.startswith("#")]
    assert len(headings) == len(set(headings))
    raw = json.loads(to_json(plan(unit()._replace(proofs=(proof,)))))
    (found,) = read(json.dumps(raw).encode()).units[0].proofs
    for one in (found.image, found.dockerfile, found.engine, found.date, *found.observations):
        assert_harmless(one)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("verdict", "certainly"),
        ("verdict", None),
        ("seen", []),
        ("seen", [3]),
        ("seen", "x"),
        ("seen", ["x"] * 3_000),
        ("image", 3),
        ("engine", None),
    ],
)
def test_a_verdict_that_is_none_is_refused(key: str, value: object) -> None:
    row: dict[str, object] = {"verdict": "holds", **dict.fromkeys(("image", "dockerfile", "engine", "date"), "x")}
    row |= {"image_before": "", "image_after": "", "seen": ["x"]}
    raw = json.loads(to_json(plan(unit())))
    raw["units"][0]["verdicts"] = [row]
    assert isinstance(read(json.dumps(raw).encode()), Plan)
    row[key] = value
    with pytest.raises(FixerError, match="the plan"):
        read(json.dumps(raw).encode())
