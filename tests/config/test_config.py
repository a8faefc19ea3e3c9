"""Configuration: where it is found, what it takes, and the schema that editors read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fixer import config as module
from fixer.config import Config, ImageConfig, find, load
from fixer.errors import UsageError
from fixer.model import Goal

SCHEMA = json.loads((Path(module.__file__).parent / "config.schema.json").read_text())
VALID: list[tuple[dict[str, Any], Config]] = [
    ({}, Config()),
    ({"goal": "nonroot"}, Config(goal=Goal.NONROOT)),
    (
        {"select": ["DF001"], "ignore": ["root-user"]},
        Config(select=frozenset({"DF001"}), ignore=frozenset({"root-user"})),
    ),
    ({"exclude": ["legacy/", "*.old"]}, Config(exclude=("legacy/", "*.old"))),
    ({"uid": 1000, "gid": 2000, "user-name": "web"}, Config(uid=1000, gid=2000, user_name="web")),
    ({"ownership": "writable-paths"}, Config(ownership="writable-paths")),
    ({"build-args": {"BASE": "debian:12"}}, Config(build_args={"BASE": "debian:12"})),
    (
        {"images": {"nginx": {"user": "101:101", "writable": ["/x"]}, "a": {"root-on-purpose": "why"}}},
        Config(images={"nginx": ImageConfig("101:101", ("/x",)), "a": ImageConfig(root_on_purpose="why")}),
    ),
    ({"images": {"a": {"user": ""}}}, Config(images={"a": ImageConfig()})),
]
INVALID: list[dict[str, Any]] = [
    {"goal": "best"},
    {"goal": 1},
    {"select": "DF001"},
    {"select": [1]},
    {"uid": 0},
    {"uid": -1},
    {"uid": 2147483648},
    {"uid": "1"},
    {"uid": True},
    {"user-name": "root"},
    {"user-name": "A"},
    {"user-name": ""},
    {"ownership": "all"},
    {"build-args": {"A": 1}},
    {"build-args": []},
    {"images": []},
    {"images": {"a": 1}},
    {"images": {"a": {"user": "root"}}},
    {"images": {"a": {"user": "0"}}},
    {"images": {"a": {"user": "00:1"}}},
    {"images": {"a": {"user": 5}}},
    {"images": {"a": {"x": 1}}},
    {"images": {"a": {"writable": "x"}}},
    {"images": {"a": {"root-on-purpose": True}}},
    {"nonsense": 1},
]


def test_the_schema_knows_what_the_reader_knows() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert {key.replace("-", "_") for key in SCHEMA["properties"]} == set(module._READERS)
    assert SCHEMA["properties"]["goal"]["enum"] == [goal.value for goal in Goal]


def test_the_schema_tells_the_defaults() -> None:
    for key, entry in SCHEMA["properties"].items():
        if "default" in entry:
            assert entry["default"] == getattr(Config(), key.replace("-", "_"))


@pytest.mark.parametrize(("raw", "expected"), VALID)
def test_what_it_takes(raw: dict[str, Any], expected: Config) -> None:
    assert module._config(raw) == expected
    jsonschema.Draft202012Validator(SCHEMA).validate(raw)


@pytest.mark.parametrize("raw", INVALID, ids=json.dumps)
def test_what_it_refuses_the_schema_refuses_too(raw: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        module._config(raw)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(raw)


def test_underscores_are_taken_too() -> None:
    assert module._config({"user_name": "web"}).user_name == "web"


def test_the_nearest_file_holds(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    assert find(tmp_path / "a/b") is None
    (tmp_path / "fixer.toml").write_text("uid = 1\n")
    assert find(tmp_path / "a/b") == tmp_path / "fixer.toml"
    assert find(tmp_path / "a/b/Dockerfile") == tmp_path / "fixer.toml"
    (tmp_path / "a/pyproject.toml").write_text("[tool.other]\n")
    assert find(tmp_path / "a/b") == tmp_path / "fixer.toml"
    (tmp_path / "a/pyproject.toml").write_text("[tool.fixer]\nuid = 2\n")
    assert find(tmp_path / "a/b") == tmp_path / "a/pyproject.toml"
    (tmp_path / "a/fixer.toml").write_text("uid = 3\n")
    assert find(tmp_path / "a/b") == tmp_path / "a/fixer.toml"


def test_it_does_not_look_beyond_the_repository(tmp_path: Path) -> None:
    (tmp_path / "fixer.toml").write_text("uid = 1\n")
    (tmp_path / "repo/.git").mkdir(parents=True)
    assert find(tmp_path / "repo") is None


def test_pyproject_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.fixer]\nuid = 2\n[tool.fixer.images.a]\nuser = "7"\n'
    )
    assert load(tmp_path / "pyproject.toml") == Config(uid=2, images={"a": ImageConfig("7")})


@pytest.mark.parametrize("data", [b"uid = 1\xff", b"uid =", b"x = 1\n"])
def test_errors_name_the_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "fixer.toml").write_bytes(data)
    with pytest.raises(UsageError, match=r"fixer\.toml"):
        load(tmp_path / "fixer.toml")


def test_options_lie_over_the_file() -> None:
    assert Config(uid=5).with_options(uid=None, goal=Goal.NONROOT) == Config(uid=5, goal=Goal.NONROOT)
