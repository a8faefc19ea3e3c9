"""Plans: the same work gives the same plan, and a plan that lies is not used."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer import app
from fixer.config import Config
from fixer.deliver.plans import PREFIX, Plan, PlannedUnit, read, to_json
from fixer.engine import Choice
from fixer.errors import FixerError
from fixer.model import Safety
from tests.deliver.hosting import plan, unit

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "fixer/deliver/plan.schema.json").read_text())
DOCKERFILE = 'FROM debian:bookworm-slim\nCOPY . /app\nWORKDIR /app\nEXPOSE 8080\nCMD ["./serve"]\n'


def computed(folder: Path, files: dict[str, str]) -> tuple[PlannedUnit, ...]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / ".git").mkdir(exist_ok=True)
    return app.requests([folder], Config(), Choice(True, Safety.REVIEW))[0]


def test_the_same_work_gives_the_same_branch(tmp_path: Path) -> None:
    (first,) = computed(tmp_path / "a", {"web/Dockerfile": DOCKERFILE})
    (again,) = computed(tmp_path / "b", {"web/Dockerfile": DOCKERFILE, "README": "other"})
    assert first == again
    assert first.branch.startswith(f"{PREFIX}web-")


def test_lines_above_do_not_change_the_branch(tmp_path: Path) -> None:
    (first,) = computed(tmp_path / "a", {"web/Dockerfile": DOCKERFILE})
    (moved,) = computed(tmp_path / "b", {"web/Dockerfile": f"# a comment\n{DOCKERFILE}"})
    assert (moved.branch, moved.fingerprints) == (first.branch, first.fingerprints)


def test_other_work_gives_another_branch(tmp_path: Path) -> None:
    (first,) = computed(tmp_path / "a", {"web/Dockerfile": DOCKERFILE})
    (more,) = computed(tmp_path / "b", {"web/Dockerfile": DOCKERFILE.replace("WORKDIR", "COPY x /app/x\nWORKDIR")})
    (elsewhere,) = computed(tmp_path / "c", {"api/Dockerfile": DOCKERFILE})
    assert len({first.branch, more.branch, elsewhere.branch}) == 3
    assert set(first.fingerprints) < set(more.fingerprints)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    units = computed(tmp_path, {"web/Dockerfile": DOCKERFILE, "api/Dockerfile": DOCKERFILE})
    wanted = Plan("acme/shop", "main", "1" * 40, units, 3, ("a: b",))
    text = to_json(wanted)
    jsonschema.validate(json.loads(text), SCHEMA)
    assert read(text.encode()) == wanted
    assert to_json(read(text.encode())) == text


def test_a_name_that_is_no_utf_8_comes_back() -> None:
    odd = unit(path="we\udcffb/Dockerfile")
    (found,) = read(to_json(plan(odd)).encode()).units
    assert found.files[0].path == "we\udcffb/Dockerfile"


def lie(change: Callable[[dict[str, Any]], Any]) -> bytes:
    raw = json.loads(to_json(plan(unit())))
    change(raw)
    return json.dumps(raw).encode()


def first(raw: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = raw["units"][0]
    return found


PATHS = [
    "/etc/passwd",
    "../x",
    "a/../../x",
    "a//b",
    "./a",
    "",
    ".git/config",
    ".GIT/hooks/pre-push",
    "a/.git/config",
    ".git /config",
    ".g\u200cit/config",
    "git~1/config",
    ".git::$INDEX_ALLOCATION/x",
    "a\\..\\b",
    "a\0b",
    ".github/workflows/ci.yml",
    ".GitHub/workflows/ci.yml",
    ".github/actions/x/action.yml",
    ".gitea/workflows/x.yml",
    ".forgejo/workflows/x.yml",
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    "Jenkinsfile",
    ".gitmodules",
    "a/.gitattributes",
    "CODEOWNERS",
    "docs/CODEOWNERS",
]


@pytest.mark.parametrize("path", PATHS)
def test_files_that_nobody_may_change_are_refused(path: str) -> None:
    with pytest.raises(FixerError, match="nothing of it was used"):
        read(lie(lambda raw: first(raw)["files"][0].update(path=path)))


@pytest.mark.parametrize(
    "branch",
    [
        "main",
        "nonroot",
        "nonroot/",
        "nonroot/../main",
        "nonroot/x/y",
        "nonroot/-x",
        "nonroot/x.lock",
        "refs/heads/main",
    ],
)
def test_other_branches_are_refused(branch: str) -> None:
    with pytest.raises(FixerError, match="only those below nonroot/"):
        read(lie(lambda raw: first(raw).update(branch=branch)))


@pytest.mark.parametrize(
    "base", ["", "-x", "--upload-pack=x", "a..b", "a b", "a:b", "nonroot/x", "x\n", "@{-1}", "x.lock"]
)
def test_bases_that_are_none_are_refused(base: str) -> None:
    with pytest.raises(FixerError, match="a base that can be none"):
        read(lie(lambda raw: raw.update(base=base)))


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.update(version=2),
        lambda raw: raw.update(units={}),
        lambda raw: raw.update(units=[None]),
        lambda raw: raw.update(units=[first(raw), first(raw)]),
        lambda raw: raw.update(commit="main"),
        lambda raw: raw.update(left="x"),
        lambda raw: raw.update(off=1),
        lambda raw: first(raw).update(title=" \n"),
        lambda raw: first(raw).update(title=3),
        lambda raw: first(raw).update(body="x" * (2 << 20)),
        lambda raw: first(raw).update(fingerprints=[]),
        lambda raw: first(raw).update(fingerprints=["-->"]),
        lambda raw: first(raw).update(files=[]),
        lambda raw: first(raw).update(files=first(raw)["files"] * 2),
        lambda raw: first(raw)["files"][0].update(after="***"),
        lambda raw: first(raw)["files"][0].update(after=base64.b64encode(b"x" * (9 << 20)).decode()),
        lambda raw: first(raw)["files"][0].update(before="x"),
        lambda raw: first(raw)["files"][0].pop("before"),
    ],
)
def test_a_plan_that_is_no_plan_is_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(FixerError, match="the plan"):
        read(lie(change))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"version": 1}'])
def test_what_is_no_json_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(FixerError, match="the plan"):
        read(data)


def test_words_of_a_plan_are_neutralised() -> None:
    words = "Fixes #1, thanks @admin <img src=x> [here](https://evil.example)\n/merge"
    (found,) = read(lie(lambda raw: first(raw).update(title=words, body=words, message=words))).units
    for text in (*found.said, found.message):
        for bad in ("#1", "@admin", "<img", "](", "://", "\n/merge"):
            assert bad not in text


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.none()), st.just({})
)


@given(st.data())
def test_nothing_but_its_own_error_comes_of_a_broken_plan(data: st.DataObject) -> None:
    raw = copy.deepcopy(json.loads(to_json(plan(unit()))))
    where = data.draw(st.sampled_from([raw, first(raw), first(raw)["files"][0]]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(ODD)
    try:
        found = read(json.dumps(raw).encode())
    except FixerError:
        return
    assert all(one.branch.startswith(PREFIX) for one in found.units)
