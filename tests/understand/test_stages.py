"""Stages as a graph: parents, variables, working directories, and which stages run."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.facts import base_facts
from fixer.syntax.dockerfile import parse
from fixer.understand.shellroot import absolute
from fixer.understand.stages import Inherited, Stage, declared, join, pairs, runtime_stages, stages


def read(text: str, **build_args: str) -> tuple[Stage, ...]:
    return stages(parse(text), build_args)


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        ("FROM a\n", ["a"]),
        ("ARG B=x\nFROM $B\n", ["x"]),
        ("ARG B=x\nFROM ${B}:1\n", ["x:1"]),
        ("FROM ${B:-debug}\n", ["debug"]),
        ("ARG B\nFROM $B\n", [None]),
        ("ARG B\nFROM ${B:-x}\n", ["x"]),
        ("ARG A=x\nARG B=$A:1\nFROM $B\n", ["x:1"]),
        ("FROM --platform=$BUILDPLATFORM a\n", ["a"]),
        ("FROM a-$TARGETARCH\n", [None]),
        ('ARG B="x"\nFROM "$B"\n', ["x"]),
        ("FROM a\nARG B=x\nFROM $B\n", ["a", None]),
        ("FROM $NONE\n", [None]),
    ],
)
def test_bases(text: str, bases: list[str | None]) -> None:
    assert [stage.base for stage in read(text)] == bases


def test_a_build_argument_decides() -> None:
    assert read("ARG B=x\nFROM $B\n", B="y")[0].base == "y"


def test_stages_start_from_stages() -> None:
    one, two, three = read("FROM debian:12 AS Base\nFROM BASE AS x\nFROM x\n")
    assert (one.parent, two.parent, three.parent) == (None, one, two)
    assert [s.index for s in three.chain] == [0, 1, 2]
    assert three.root_base == "debian:12"
    assert one.children == [two]


def test_a_stage_name_hides_an_image_only_below_it() -> None:
    one, two = read("FROM debian AS node\nFROM node\n")
    assert two.parent is one
    assert read("FROM node\nFROM debian AS node\n")[0].parent is None


def test_a_stage_may_have_the_name_of_its_own_base() -> None:
    only = read("FROM nginx AS nginx\n")[0]
    assert (only.parent, only.base) == (None, "nginx")


def test_a_default_may_name_a_stage() -> None:
    _, last = read("FROM a AS debug\nFROM ${BASE:-debug}\n")
    assert last.parent is not None


def test_variables_in_order() -> None:
    only = read("FROM a\nENV A=1\nENV A=2 B=$A\nARG A=3\nARG C=$B\nUSER $A$B$C\n")[0]
    user = only.of("USER")[0]
    assert only.expand("$A$B$C", user) == "211"
    assert only.final_env == {"A": "2", "B": "1"}


def test_arg_of_the_head_is_seen_where_it_is_declared() -> None:
    text = "ARG V=1\nFROM scratch\nUSER x$V\nARG V\nUSER y$V\n"
    only = read(text)[0]
    assert [only.expand(i.args, i) for i in only.of("USER")] == ["x", "y1"]


def test_a_variable_that_the_file_never_sets_may_come_from_the_base() -> None:
    for base, value in {"a": None, "scratch": "x"}.items():
        only = read(f"FROM {base}\nUSER x$V\n")[0]
        assert only.expand("x$V", only.of("USER")[0]) == value


def test_env_goes_to_children_and_arg_too() -> None:
    text = "FROM a AS b\nENV E=1\nARG A=2\nFROM b\nUSER $E$A\n"
    child = read(text)[1]
    assert child.expand("$E$A", child.of("USER")[0]) == "12"


def test_the_base_image_brings_variables() -> None:
    reference = "mcr.microsoft.com/dotnet/aspnet:8.0"
    made = stages(parse(f"FROM {reference}\nUSER $APP_UID\n"), {}, base_facts)
    assert made[0].expand("$APP_UID", made[0].of("USER")[0]) == "1654"


def test_an_image_of_the_repository_hands_down_variables_and_folder() -> None:
    def inherit(reference: str) -> Inherited | None:
        return Inherited({"H": "/h", "V": None}, "/srv", ("/data",)) if reference == "team/base" else None

    made = stages(parse("FROM team/base\nWORKDIR x\nUSER $H$V\n"), {}, base_facts, inherit)[0]
    assert made.final_workdir == "/srv/x"
    assert made.expand("$H", made.of("USER")[0]) == "/h"
    assert made.expand("$V", made.of("USER")[0]) is None
    assert made.inherited is not None
    assert made.inherited.volumes == ("/data",)
    other, known = stages(parse("FROM team/other\nFROM node:22\n"), {}, base_facts, inherit)
    assert other.inherited is None
    assert (other.final_workdir, known.inherited) == ("/", None)


@pytest.mark.parametrize(
    ("body", "folder"),
    [
        ("", "/"),
        ("WORKDIR /a", "/a"),
        ("WORKDIR a", "/a"),
        ("WORKDIR /a\nWORKDIR b", "/a/b"),
        ("WORKDIR /a\nWORKDIR ../b/", "/b"),
        ("ENV H=/h\nWORKDIR $H/x", "/h/x"),
        ("ARG H\nWORKDIR $H", None),
        ("ARG H\nWORKDIR $H\nWORKDIR b", None),
        ("ARG H\nWORKDIR $H\nWORKDIR /b", "/b"),
        ("WORKDIR //a//b", "/a/b"),
        ('WORKDIR "/a b"', "/a b"),
    ],
)
def test_the_working_directory(body: str, folder: str | None) -> None:
    assert read(f"FROM a\n{body}\nCMD x\n")[0].final_workdir == folder


def test_the_working_directory_goes_to_children() -> None:
    assert read("FROM a AS b\nWORKDIR /x\nFROM b\nWORKDIR y\n")[1].final_workdir == "/x/y"
    assert read("FROM a AS b\nWORKDIR /x\nFROM a\n")[1].final_workdir == "/"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ENV A=b C=d", [("A", "b"), ("C", "d")]),
        ('ENV A="b c" D=e\\ f', [("A", '"b c"'), ("D", "e\\ f")]),
        ("ENV A b  c", [("A", "b  c")]),
        ("ENV A b=c", [("A", "b=c")]),
        ("ENV A= B=", [("A", ""), ("B", "")]),
        ("LABEL a.b=c \\\n  d=e", [("a.b", "c"), ("d", "e")]),
    ],
)
def test_pairs(line: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(parse(f"FROM a\n{line}\n").instructions[1]) == expected


def test_declared() -> None:
    assert declared(parse('FROM a\nARG A B=c D="e f" G=\n').instructions[1]) == [
        ("A", None),
        ("B", "c"),
        ("D", '"e f"'),
        ("G", ""),
    ]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [((), [2]), (("one",), [0, 2]), (("ONE",), [0, 2]), (("1",), [1, 2]), (("nobody",), [2]), (("three",), [2])],
)
def test_which_stages_run(targets: tuple[str, ...], expected: list[int]) -> None:
    made = read("FROM a AS one\nFROM b\nFROM c AS three\n")
    assert [s.index for s in runtime_stages(made, targets)] == expected


@pytest.mark.parametrize(
    ("folder", "path", "expected"),
    [("/", "a", "/a"), ("/a", "/b", "/b"), ("/a", "..", "/"), ("/a", "./b//c", "/a/b/c")],
)
def test_join(folder: str, path: str, expected: str) -> None:
    assert join(folder, path) == expected


_PIECES = st.lists(st.sampled_from(["a", "b c", ".", "..", ".x", "", "é"]), max_size=5)


@given(_PIECES, st.booleans(), _PIECES)
def test_paths_are_joined_and_normal(folder: list[str], whole: bool, path: list[str]) -> None:
    first, second = "/" + "/".join(folder), ("/" if whole else "") + "/".join(path)
    expected = posixpath.normpath(posixpath.join(first, second)).replace("//", "/")
    assert join(first, second) == expected
    assert not whole or absolute(second, None) == expected
