"""Images whose services write one volume: which number their new users get."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer import app, sharing
from fixer.config import Config, ImageConfig
from fixer.model import SetUser
from fixer.repository import Repository
from fixer.understand.volumes import may_share

NODE = 'FROM node:22-slim\nCMD ["node", "a.js"]\n'
PYTHON = 'FROM python:3.12-slim\nCMD ["python", "a.py"]\n'
OWN = 'FROM debian:12\nRUN useradd --uid 2000 --user-group shop\nUSER 2000:2000\nCMD ["sleep", "9"]\n'
UBUNTU = 'FROM ubuntu:24.04\nCMD ["python3", "a.py"]\n'
ALPINE = 'FROM alpine:3.20\nCMD ["./a", "--port", "8080"]\n'  # its group ping has 999
SCRATCH = 'FROM scratch\nCOPY a /a\nENTRYPOINT ["/a"]\n'
STEPS_DOWN = 'FROM debian:12\nRUN apt-get install -y gosu\nENTRYPOINT ["gosu", "nobody", "sleep", "9"]\n'


def services(**rows: str) -> str:
    """A file of Compose: each service with its own folder, and the volumes that it mounts at paths of their names."""
    text = "services:\n"
    for name, volumes in rows.items():
        text += f"  {name}:\n    build: {name}\n    volumes:\n"
        text += "".join(f"      - {one.partition(':')[0]}:/{one}\n" for one in volumes.split())
    return text


def lay_out(tree: Path, compose: str, **dockerfiles: str) -> Path:
    (tree / "compose.yaml").write_text(compose)
    for name, text in dockerfiles.items():
        (tree / name).mkdir()
        (tree / name / "Dockerfile").write_text(text)
    return tree


def users(tree: Path, start: str = ".", **images: ImageConfig) -> dict[str, str]:
    """The users that the Dockerfiles get, by their folder; a second run has to change nothing."""
    config = Config(images={f"{name}/Dockerfile": one for name, one in images.items()})
    result = app.write_changes(app.fix(tree / start, config=config))
    assert app.fix(tree / start, config=config).changes == ()
    found = {}
    for change in result.changes:
        written = re.findall(r"^USER (.*)$", change.after.decode(), re.MULTILINE)
        if written:
            found[Path(tree / start, change.path).parent.name] = written[-1]
    return found


@pytest.mark.parametrize(
    ("volumes", "dockerfiles", "expected"),
    [
        ({"a": "v", "b": "v"}, {"a": NODE, "b": PYTHON}, {"a": "1000:1000", "b": "1000:1000"}),
        ({"a": "v", "b": "w"}, {"a": NODE, "b": PYTHON}, {"a": "1000:1000", "b": "10001:10001"}),
        ({"a": "v", "b": "v:ro"}, {"a": NODE, "b": PYTHON}, {"a": "1000:1000", "b": "10001:10001"}),
        ({"a": "v:ro", "b": "v"}, {"a": NODE, "b": PYTHON}, {"a": "1000:1000", "b": "10001:10001"}),
        ({"a": "v", "b": "v"}, {"a": OWN, "b": SCRATCH}, {"b": "2000:2000"}),
        ({"a": "v", "b": "v"}, {"a": NODE, "b": UBUNTU}, {"a": "1000:1000", "b": "1000:1000"}),
        ({"a": "v", "b": "v"}, {"a": OWN.replace("2000", "999"), "b": ALPINE}, {"b": "10001:10001"}),
        ({"a": "v", "b": "v"}, {"a": OWN.replace("2000", "1001"), "b": ALPINE}, {"b": "1001:1001"}),
        ({"a": "v", "b": "v"}, {"a": STEPS_DOWN, "b": PYTHON}, {"b": "10001:10001"}),
        # what new users share with each other keeps one number
        ({"a": "v", "b": "v w", "c": "w"}, {"a": OWN, "b": PYTHON, "c": PYTHON}, {"b": "2000:2000", "c": "2000:2000"}),
        ({"a": "v", "b": "v", "c": "v"}, {"a": OWN, "b": PYTHON, "c": NODE}, {"b": "10001:10001", "c": "1000:1000"}),
        (
            {"a": "v", "b": "v w", "c": "w x", "d": "x"},
            {"a": OWN, "b": PYTHON, "c": PYTHON, "d": NODE},
            {"b": "10001:10001", "c": "10001:10001", "d": "1000:1000"},
        ),
        # two that are fixed do not tie those together who share with one of them alone
        (
            {"a": "v w", "b": "v", "c": "w x", "d": "x"},
            {"a": OWN, "b": PYTHON, "c": PYTHON, "d": NODE},
            {"b": "2000:2000", "c": "10001:10001", "d": "1000:1000"},
        ),
    ],
)  # fmt: skip
def test_new_users_get_the_number_of_those_who_write_their_volume(
    tmp_path: Path, volumes: dict[str, str], dockerfiles: dict[str, str], expected: dict[str, str]
) -> None:
    assert users(lay_out(tmp_path, services(**volumes), **dockerfiles)) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("    user: '1234'\n", "1234:1234"),
        ("    user: 1234:99\n", "1234:99"),
        ("    user: root\n", "10001:10001"),
        ("    user: ${SOMEBODY}\n", "10001:10001"),
        ("", "10001:10001"),  # an image of others, whose user nobody here has chosen
    ],
)
def test_a_service_of_an_image_of_others_counts_where_it_says_a_user(tmp_path: Path, more: str, expected: str) -> None:
    compose = services(b="v") + f"  x:\n    image: grafana/grafana:11.0.0\n{more}    volumes: ['v:/data']\n"
    assert users(lay_out(tmp_path, compose, b=PYTHON)) == {"b": expected}


def test_the_finding_tells_who_it_is(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, services(a="v w", b="w", c="w z", d="z"), a=OWN, b=PYTHON, c=PYTHON, d=PYTHON)
    found = {f.path: f.fix.title for f in app.check(tree).findings if f.rule == "DF001" and f.fix is not None}
    told = "a new user; compose.yaml:2: service a, which shares volume w, runs as 2000; base image python:3.12-slim"
    assert [told in found[f"{name}/Dockerfile"] for name in "bcd"] == [True, True, True]


def test_the_configuration_and_what_the_repository_asks_for_stand_above_it(tmp_path: Path) -> None:
    compose = services(a="v", b="v", c="v") + "    user: '3000'\n"
    tree = lay_out(tmp_path, compose, a=OWN, b=PYTHON, c=PYTHON)
    assert users(tree, b=ImageConfig("4000:4000")) == {"b": "4000:4000", "c": "3000:3000"}


def test_what_is_asked_for_a_new_user_is_a_number_for_others_too(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, services(b="v", c="v") + "    user: '3000'\n", b=PYTHON, c=PYTHON)
    assert users(tree) == {"b": "3000:3000", "c": "3000:3000"}


def test_a_part_of_a_repository_gets_what_the_whole_of_it_gives(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, services(a="v", b="v"), a=NODE, b=PYTHON)
    (tree / ".git").mkdir()
    (tree / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    result = app.fix(tree / "b")
    fix = next(f.fix for f in result.findings if f.rule == "DF001")
    assert fix is not None
    assert [change.user for change in fix.changes if isinstance(change, SetUser)] == ["1000:1000"]
    assert "../compose.yaml:2: service a, which shares volume v, runs as 1000" in fix.title


def test_an_image_on_an_image_of_the_repository_gives_its_number_to_that(tmp_path: Path) -> None:
    compose = services(a="v", c="v") + "  b:\n    build: b\n    image: shop/base\n"
    tree = lay_out(tmp_path, compose, a=OWN, b=PYTHON, c='FROM shop/base\nCMD ["python", "b.py"]\n')
    users(tree)
    assert "USER 2000:2000" in (tree / "b/Dockerfile").read_text()
    assert "10001" not in (tree / "c/Dockerfile").read_text()


def test_nothing_is_worked_out_where_no_volume_is_shared(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, services(a="v", b="w"), a=NODE, b=PYTHON)
    wrong = AssertionError("it was worked out all the same")
    with mock.patch.object(sharing, "writers", side_effect=wrong), mock.patch.object(Repository, "_lone_user", wrong):
        assert len(app.check(tree).findings) > 2


NAMES = st.text("abzAZ09_.-", min_size=1, max_size=9).filter(lambda name: name[0] not in "_.-")
SHORT = st.sampled_from(["      - {}:/a\n", "      - '{}:/b/c'\n", '      - "{}:/a:rw"\n'])
LONG = st.sampled_from(
    ["      - source: {}\n        target: /a\n", "      - type: volume\n        source: '{}'\n        target: /a\n"]
)
ROWS = SHORT | LONG


@settings(max_examples=50)
@given(NAMES, ROWS, ROWS)
def test_no_shared_volume_is_overlooked(name: str, one: str, other: str) -> None:
    text = "services:\n"
    for service, row in (("a", one), ("b", other)):
        text += f"  {service}:\n    image: x\n    volumes:\n{row.format(name)}"
    assert may_share(text.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x: &v\n  volumes: [v:/v]\nservices:\n  a: {<<: *v, image: x}\n  b: {<<: *v, image: x}\n", True),
        ("services:\n  a:\n    volumes: [v:/v]\n  b:\n    extends: a\n", True),
        ("services:\n  a:\n    volumes: [./v:/v, /v:/w, ~/v:/x, '${V}v:/y', '${V}v:/z']\n", False),
        ("services:\n  a:\n    environment: [A=http://v:80/v, B=http://v:80/v]\n", False),
        ("services:\n  a:\n    volumes: [v:/v, w:/w]\n", False),
    ],
)
def test_what_may_be_shared_is_seen_without_parsing(text: str, expected: bool) -> None:
    assert may_share(text.encode()) is expected
