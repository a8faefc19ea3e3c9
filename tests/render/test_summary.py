"""What a result adds up to: the counts, the exit code, and the lines that tell them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from fixer.model import Finding, Refusal, Result, Severity, Skipped, Status
from fixer.render import json as json_module
from fixer.render import text
from fixer.render.summary import Tally

SCHEMA = json.loads((Path(json_module.__file__).parent / "result.schema.json").read_text())


def left(image: str, line: int = 1, rule: str = "KS001", path: str = "a.yaml") -> Finding:
    refusal = Refusal("unknown-image", "nobody knows it", image)
    return Finding(rule, path, line, 1, "it is left", Severity.HIGH, refusal=refusal, status=Status.REFUSED)


def skips(reason: str, count: int, files: int = 0) -> tuple[Skipped, ...]:
    return tuple(Skipped(f"{n % files if files else n}.yaml", reason, f"number {n}") for n in range(count))


def words(result: Result) -> list[str]:
    tally = Tally(result)
    lines = [*text.findings(result), *text.skipped(tally.skipped), *text.closing(tally, fixing=False)]
    return ["".join(piece for piece, _ in line) for line in lines]


# --- images in the way ----------------------------------------------------------------------------------------------


def test_images_in_the_way() -> None:
    found = (
        left("redis:7", 3), left("redis:7", 3, "KS002"), left("redis:7", 3, path="b.yaml"),
        left("nginx", 1), left("nginx", 2), left("nginx", 3), left("alpine", 9), left("", 5),
        left("told", 7)._replace(status=Status.FOUND, refusal=None),
    )  # fmt: skip
    rows = Tally(Result(found, files=2)).summary()["images_in_the_way"]
    assert rows == [
        {"image": "nginx", "findings": 3},
        {"image": "redis:7", "findings": 2},
        {"image": "alpine", "findings": 1},
    ]
    line = "  images in the way: 3 nginx, 2 redis:7, 1 alpine; tell who they work as in fixer.toml"
    assert line in words(Result(found, files=2))
    jsonschema.validate(json.loads(json_module.to_json(Result(found, files=2))), SCHEMA)


def test_at_most_ten_images_are_named() -> None:
    ten = [left(f"i{n}", n) for n in range(1, 11)]
    (line,) = (w for w in words(Result(tuple(ten), files=1)) if "in the way" in w)
    assert " more" not in line
    twelve = (*ten, left("j", 20), left("k", 21))
    (line,) = (w for w in words(Result(twelve, files=1)) if "in the way" in w)
    assert line.endswith("1 i9 and 2 more; tell who they work as in fixer.toml")
    assert len(Tally(Result(twelve)).summary()["images_in_the_way"]) == 12


def test_without_such_images_nothing_is_said() -> None:
    assert not [w for w in words(Result((left(""),), files=1)) if "in the way" in w]
    assert Tally(Result((left(""),))).summary()["images_in_the_way"] == []


# --- the exit code --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["template", "patch", "fragment", "operator"])
def test_what_is_not_to_be_judged_is_nothing_left(reason: str) -> None:
    assert Tally(Result(skipped=skips(reason, 1), files=1)).exit_code() == 0
    assert Tally(Result(skipped=skips(reason, 1))).exit_code() == 3
    assert Tally(Result((left(""),), skipped=skips(reason, 1), files=1)).exit_code() == 1
    assert Tally(Result(skipped=skips(reason, 2))).summary()["skipped"] == {reason: 2}


@pytest.mark.parametrize("files", [0, 1])
@pytest.mark.parametrize("reason", ["unparsable", "syntax", "too-large", "encoding"])
def test_what_could_not_be_read_is_left(reason: str, files: int) -> None:
    assert Tally(Result(skipped=(*skips("template", 1), *skips(reason, 1)), files=files)).exit_code() == 1


# --- what was skipped -----------------------------------------------------------------------------------------------


def test_few_are_told_one_by_one() -> None:
    assert words(Result(skipped=skips("template", 5)))[:5] == [
        f"{n}.yaml: skipped [template] number {n}" for n in range(5)
    ]


def test_many_of_one_reason_take_one_line() -> None:
    skipped = (*skips("template", 6), *skips("patch", 2), *skips("operator", 8, 3), *skips("fragment", 6, 1))
    assert words(Result(skipped=skipped))[:5] == [
        "0.yaml: skipped [patch] number 0",
        "1.yaml: skipped [patch] number 1",
        "6 skipped [fragment] in 1 file: 0.yaml",
        "8 skipped [operator] in 3 files: 0.yaml, 1.yaml, 2.yaml",
        "6 skipped [template] in 6 files: 0.yaml, 1.yaml, 2.yaml and 3 more",
    ]
    assert len(json.loads(json_module.to_json(Result(skipped=skipped)))["skipped"]) == len(skipped)


def test_what_could_not_be_read_is_always_told_one_by_one() -> None:
    assert words(Result(skipped=skips("unparsable", 9)))[:9] == [
        f"{n}.yaml: skipped [unparsable] number {n}" for n in range(9)
    ]
