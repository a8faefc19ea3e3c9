"""`fixer init`: what it writes is valid, whole, never over anything, and the same as the examples show."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from fixer import __version__, config
from fixer.deliver.setup import HOOKS, PIPELINE, WORKFLOW, Part, carry_out, parts
from fixer.errors import FixerError, UsageError
from fixer.model import Ci
from fixer.templates import read_template, render

ROOT = Path(__file__).resolve().parents[2]
UPDATE = os.environ.get("FIXER_UPDATE", "") not in {"", "0"}
HOOKED = """# ours
repos:
- repo: https://example.org/hooks
  rev: v4
  hooks:
  - id: end-of-file   # last
"""
PIPED = """stages: [build, deploy]

build:
    stage: build
    script:
        - make   # all
"""


def load(text: str | bytes) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def by_path(found: tuple[Part, ...]) -> dict[str, Part]:
    return {part.path: part for part in found}


def test_all_of_it_in_a_repository_of_github(tree: Path) -> None:
    (tree / ".github").mkdir()
    (tree / "sub").mkdir()
    found = parts(tree / "sub", __version__)
    assert [(part.path, part.new) for part in found] == [("fixer.toml", True), (HOOKS, True), (WORKFLOW, True)]
    assert not any((tree / part.path).exists() for part in found)
    assert carry_out(found) == ("fixer.toml", HOOKS, WORKFLOW)
    (hook,) = load((tree / HOOKS).read_bytes())["repos"][0]["hooks"]
    assert hook["additional_dependencies"] == [f"nonroot-fixer=={__version__}"]
    job = load((tree / WORKFLOW).read_bytes())
    assert job["permissions"] == {"contents": "read"}
    steps = job["jobs"]["fixer"]["steps"]
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)
    assert "${{" not in "".join(step.get("run", "") for step in steps)
    again = parts(tree, __version__)
    assert [part.change for part in again] == [None, None, None]
    assert not any(part.left for part in again)


def test_the_settings_are_valid_as_they_are_and_with_every_mark_taken_away(tree: Path) -> None:
    schema = json.loads((ROOT / "fixer/config.schema.json").read_bytes())
    text = read_template("init/fixer.toml")
    used = re.sub(r"^# (?=\[|[a-z-]+ = )", "", text, flags=re.MULTILINE)
    assert used.count(" = ") > text.count("\ngoal = ") + 5
    for one in (text, used):
        jsonschema.Draft202012Validator(schema).validate(tomllib.loads(one))
        (tree / "fixer.toml").write_text(one)
        config.load(tree / "fixer.toml")
    (tree / "fixer.toml").write_text(text)
    assert config.load(tree / "fixer.toml") == config.Config()


def test_the_hook_is_the_one_that_is_offered() -> None:
    (own,) = load(render("init/pre-commit.yaml.j2", version=__version__))["repos"][0]["hooks"]
    offered = load((ROOT / ".pre-commit-hooks.yaml").read_bytes())[0]
    for key in ("id", "name", "entry", "language", "types", "files", "exclude", "require_serial"):
        assert own[key] == offered[key], key


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_the_example_is_what_is_written(name: str) -> None:
    example = ROOT / f"examples/ci/{name}-check.yml"
    text = render(f"init/{name}.yml.j2", version=__version__)
    if UPDATE:
        example.write_text(text, encoding="utf-8")
    assert example.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_that_is_there_gets_one_entry_more(tree: Path, newline: str) -> None:
    before = {HOOKS: HOOKED.replace("\n", newline).encode(), PIPELINE: PIPED.replace("\n", newline).encode()}
    for path, data in before.items():
        (tree / path).write_bytes(data)
    carry_out(parts(tree, __version__))
    for path, data in before.items():
        after = (tree / path).read_bytes()
        assert after.startswith(data)
        assert after.count(b"\n") == after.count(newline.encode())
    assert [one["id"] for repo in load((tree / HOOKS).read_bytes())["repos"] for one in repo["hooks"]] == [
        "end-of-file",
        "fixer-check",
    ]
    assert load((tree / PIPELINE).read_bytes())["fixer-check"]["stage"] == ".pre"
    assert not any(part.change for part in parts(tree, __version__))


@pytest.mark.parametrize(
    ("text", "stage", "rules"),
    [
        ("", None, None),
        ("# later", None, None),
        ("build: {script: make}\n", None, None),
        ("stages: [build, test]\n", None, None),
        ("stages: [lint]\n", ".pre", None),
        ("include: other.yml\n", ".pre", None),
        ("workflow: {rules: [{if: $CI_MERGE_REQUEST_IID}]}\n", None, [{"when": "on_success"}]),
        ("spec:\n  inputs: {}\n---\nstages: [lint]\n", ".pre", None),
        ("a: &x [b]\nc:\n  script: !reference [a, b]\n  d: *x\n", None, None),
    ],
)
def test_the_job_has_a_stage_that_is_there(tree: Path, text: str, stage: str | None, rules: Any) -> None:
    (tree / PIPELINE).write_text(text)
    part = by_path(parts(tree, __version__, hook=False))[PIPELINE]
    assert part.change is not None, part.why
    assert part.change.after.startswith(text.encode())
    loader = YAML(typ="safe", pure=True)
    loader.constructor.add_constructor("!reference", lambda constructor, node: None)
    job = list(loader.load_all(part.change.after))[-1]["fixer-check"]
    assert (job.get("stage"), job.get("rules")) == (stage, rules)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        (HOOKS, b"- repo: old\n  hooks: []\n"),
        (HOOKS, b"repos: &a []\nx: *a\n"),
        (HOOKS, b"repos: [\n"),
        (HOOKS, b"\xff\xfe\0"),
        (PIPELINE, b"{{ template }}\n"),
        (PIPELINE, b"- list\n"),
    ],
)
def test_a_file_that_cannot_be_edited_is_left_with_what_to_write(tree: Path, path: str, data: bytes) -> None:
    (tree / path).write_bytes(data)
    part = by_path(parts(tree, __version__))[path]
    assert part.change is None
    assert part.left
    assert "by hand" in part.why.splitlines()[0]
    assert "fixer-check" in part.why
    carry_out(parts(tree, __version__))
    assert (tree / path).read_bytes() == data


def test_no_link_is_followed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "hooks.yaml").write_text(HOOKED)
    (outside / "workflows").mkdir()
    (tree / HOOKS).symlink_to(outside / "hooks.yaml")
    (tree / ".github").mkdir()
    (tree / ".github/workflows").symlink_to(outside / "workflows")
    (tree / "fixer.toml").symlink_to(outside / "gone.toml")
    found = parts(tree, __version__)
    assert all(part.left and "link" in part.why for part in found)
    assert carry_out(found) == ()
    assert not any((outside / "workflows").iterdir())
    assert not (outside / "gone.toml").exists()
    assert (outside / "hooks.yaml").read_text() == HOOKED


def test_what_came_meanwhile_is_not_written_over(tree: Path) -> None:
    found = parts(tree, __version__)
    (tree / HOOKS).write_text("mine\n")
    with pytest.raises(FixerError, match=r"pre-commit.*File exists.*written before it: fixer\.toml"):
        carry_out(found)
    assert (tree / HOOKS).read_text() == "mine\n"


def test_what_is_set_up_in_another_way_is_left(tree: Path) -> None:
    (tree / "pyproject.toml").write_text("[tool.fixer]\n")
    (tree / ".github/workflows").mkdir(parents=True)
    (tree / ".github/workflows/ci.yaml").write_text("jobs: {a: {steps: [{run: fixer check}]}}\n")
    (tree / HOOKS).write_text(HOOKED.replace("end-of-file", "fixer-fix"))
    found = parts(tree, __version__)
    assert [part.change for part in found] == [None] * 3
    assert [part.left for part in found] == [False] * 3
    assert "pyproject.toml" in found[0].why
    assert "ci.yaml" in found[2].why


def test_the_ci_is_that_of_the_repository(tree: Path) -> None:
    def paths(*arguments: Any) -> list[str]:
        return [part.path for part in parts(tree, __version__, *arguments)]

    assert paths()[2:] == ["CI"]
    assert paths(Ci.NONE) == paths(Ci.NONE, True) == ["fixer.toml", HOOKS]
    assert paths(Ci.NONE, False) == ["fixer.toml"]
    assert paths(Ci.GITLAB)[2:] == [PIPELINE]
    config_file = tree / ".git/config"
    (tree / ".git/HEAD").write_text("ref: refs/heads/main\n")
    for folder in ("objects", "refs"):
        (tree / ".git" / folder).mkdir()
    for url, path in (("git@github.com:a/b.git", WORKFLOW), ("https://gitlab.com/a/b", PIPELINE), ("/srv/x", "CI")):
        config_file.write_text(f'[core]\nrepositoryformatversion = 0\n[remote "origin"]\nurl = {url}\n')
        assert paths()[2:] == [path]
    (tree / PIPELINE).touch()
    assert paths()[2:] == [PIPELINE]


def test_a_folder_that_is_none(tree: Path) -> None:
    (tree / "file").touch()
    for name, words in (("gone", "no such folder"), ("file", "is no folder")):
        with pytest.raises(UsageError, match=words):
            parts(tree / name, __version__)
