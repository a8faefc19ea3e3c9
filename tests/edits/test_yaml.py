"""YAML in every style: what a change looks like, what is refused, and that the second reader agrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fixer.edits.yaml import lower, same
from fixer.model import EnsureItem, RemoveItem, RemoveKey, SetKey, YamlChange
from fixer.prove.yaml import Rewritten, rewrite
from fixer.source import SourceFile
from fixer.syntax.yaml import parse

AFTER = ("name", "image")


def restricted(*path: str | int, document: int = 0) -> list[YamlChange]:
    """Give what a rule wants of a container at a path."""
    own = (*path, "sc")
    return [
        SetKey(document, own, "esc", False, after=AFTER),
        EnsureItem(document, (*own, "caps", "drop"), "ALL", after=AFTER),
    ]


def run(text: str, changes: Sequence[YamlChange] | dict[str, list[YamlChange]]) -> Rewritten:
    groups = changes if isinstance(changes, dict) else {"g": list(changes)}
    data = text.encode("utf-8", "surrogateescape")
    done = rewrite(SourceFile("x.yaml", data), groups)
    if done.edits:
        again = lower(parse(done.after.text), {name: groups[name] for name in done.applied})
        assert not again.edits
        assert not again.refused
    else:
        assert done.after.data == data
    return done


LISTS = [
    pytest.param(
        "spec:\n  containers:\n  - name: a\n    image: b\n    args: [x]\n",
        "spec:\n  containers:\n  - name: a\n    image: b\n    sc:\n      esc: false\n      caps:\n        drop:\n"
        "        - ALL\n    args: [x]\n",
        id="flush",
    ),
    pytest.param(
        "spec:\n  containers:\n    - name: a\n      args: [x]\n",
        "spec:\n  containers:\n    - name: a\n      sc:\n        esc: false\n        caps:\n          drop:\n"
        "            - ALL\n      args: [x]\n",
        id="indented",
    ),
    pytest.param(
        "spec:\n    containers:\n    -   name: a\n        env:\n          - x\n        ports:\n          - y\n",
        "spec:\n    containers:\n    -   name: a\n        sc:\n            esc: false\n            caps:\n"
        "                drop:\n                  - ALL\n        env:\n          - x\n        ports:\n          - y\n",
        id="both in one file, four blanks",
    ),
    pytest.param(
        "spec:\n  containers:\n  -\n    name: a # why\n",
        "spec:\n  containers:\n  -\n    name: a # why\n    sc:\n      esc: false\n      caps:\n        drop:\n"
        "        - ALL\n",
        id="dash alone",
    ),
    pytest.param(
        "spec:\n  containers:\n  - sc: {} # none\n    name: a\n",
        "spec:\n  containers:\n  - sc: # none\n      esc: false\n      caps:\n        drop:\n        - ALL\n"
        "    name: a\n",
        id="empty map, comment kept",
    ),
    pytest.param(
        "spec:\n  containers:\n  - name: a\n    sc:\n",
        "spec:\n  containers:\n  - name: a\n    sc:\n      esc: false\n      caps:\n        drop:\n        - ALL\n",
        id="null",
    ),
    pytest.param(
        "spec:\n  containers:\n  - name: a\n    sc: ~",
        "spec:\n  containers:\n  - name: a\n    sc:\n      esc: false\n      caps:\n        drop:\n        - ALL",
        id="written null, no newline at the end",
    ),
    pytest.param(
        "spec:\n  containers:\n  - name: a\n    sc:\n      caps:\n        drop: []\n      esc: true\n",
        "spec:\n  containers:\n  - name: a\n    sc:\n      caps:\n        drop:\n        - ALL\n      esc: false\n",
        id="empty list, other value",
    ),
    pytest.param(
        "spec:\n  containers:\n  - {}\n",
        "spec:\n  containers:\n  - sc:\n      esc: false\n      caps:\n        drop:\n        - ALL\n",
        id="empty item",
    ),
    pytest.param(
        "spec:\n  containers:\n  -\n  - x\n",
        "spec:\n  containers:\n  - sc:\n      esc: false\n      caps:\n        drop:\n        - ALL\n  - x\n",
        id="null item",
    ),
    pytest.param(
        "spec:\n  containers:\n  - name: a\n    sc: {esc: true, caps: {drop: [NET]}}\n",
        "spec:\n  containers:\n  - name: a\n    sc: {esc: false, caps: {drop: [NET, ALL]}}\n",
        id="flow",
    ),
    pytest.param(
        "spec:\n  containers:\n  - { name: a }\n",
        "spec:\n  containers:\n  - { name: a, sc: { esc: false, caps: { drop: [ ALL ] } } }\n",
        id="flow with blanks",
    ),
    pytest.param(
        'spec:\n  containers:\n  - "name": "a"\n',
        'spec:\n  containers:\n  - "name": "a"\n    "sc":\n      "esc": false\n      "caps":\n        "drop":\n'
        "        - ALL\n",
        id="quoted keys",
    ),
    pytest.param(
        "spec:\n  containers:\n  - name: a\n    sc:\n      caps:\n        drop: # all\n        - 'NET' # one\n",
        "spec:\n  containers:\n  - name: a\n    sc:\n      caps:\n        drop: # all\n        - 'NET' # one\n"
        "        - 'ALL'\n      esc: false\n",
        id="quoted items",
    ),
    pytest.param(
        '{"spec":{"containers":[{"name":"a","x":1}]}}',
        '{"spec":{"containers":[{"name":"a","sc":{"esc":false,"caps":{"drop":["ALL"]}},"x":1}]}}',
        id="JSON on one line",
    ),
    pytest.param(
        '{\n\t"spec": {\n\t\t"containers": [\n\t\t\t{\n\t\t\t\t"name": "a"\n\t\t\t}\n\t\t]\n\t}\n}\n',
        '{\n\t"spec": {\n\t\t"containers": [\n\t\t\t{\n\t\t\t\t"name": "a",\n\t\t\t\t"sc": {\n\t\t\t\t\t"esc": false,\n'
        '\t\t\t\t\t"caps": {\n\t\t\t\t\t\t"drop": [\n\t\t\t\t\t\t\t"ALL"\n\t\t\t\t\t\t]\n\t\t\t\t\t}\n\t\t\t\t}\n'
        "\t\t\t}\n\t\t]\n\t}\n}\n",
        id="JSON with tabs",
    ),
    pytest.param(
        "spec:\n  containers:\n  - args:\n    - |+\n      x\n\n  y: 1\n",
        "spec:\n  containers:\n  - args:\n    - |+\n      x\n\n    sc:\n      esc: false\n      caps:\n        drop:\n"
        "        - ALL\n  y: 1\n",
        id="a block that keeps its end",
    ),
    pytest.param(
        "spec:\n  containers:\n  - args:\n    - |-\n      x\n      # text",
        "spec:\n  containers:\n  - args:\n    - |-\n      x\n      # text\n    sc:\n      esc: false\n      caps:\n"
        "        drop:\n        - ALL",
        id="a block without its end, no newline",
    ),
    pytest.param(
        "spec:\n  containers:\n  - a: 1\n    b: >\n      x\n\n\n  # end\n",
        "spec:\n  containers:\n  - a: 1\n    b: >\n      x\n    sc:\n      esc: false\n      caps:\n        drop:\n"
        "        - ALL\n\n\n  # end\n",
        id="a folded block, comment behind",
    ),
    pytest.param(
        "spec:\n  containers:\n  - a: 1\n    b: |\n      x",
        "spec:\n  containers:\n  - a: 1\n    sc:\n      esc: false\n      caps:\n        drop:\n        - ALL\n"
        "    b: |\n      x",
        id="a block at the end, a safer place above",
    ),
    pytest.param(
        "spec:\n  containers:\n  - b:\n      c: 1\n      # of b\n    # of the container\n  # of the list\n",
        "spec:\n  containers:\n  - b:\n      c: 1\n      # of b\n    sc:\n      esc: false\n      caps:\n"
        "        drop:\n        - ALL\n    # of the container\n  # of the list\n",
        id="comments behind",
    ),
    pytest.param(
        "spec:\n  containers:\n  - &used\n    name: a\n",
        "spec:\n  containers:\n  - &used\n    name: a\n    sc:\n      esc: false\n      caps:\n        drop:\n"
        "        - ALL\n",
        id="an anchor that nobody uses",
    ),
    pytest.param(
        "b: &b {x: 1}\nspec:\n  containers:\n  - <<: *b\n    name: a\n",
        "b: &b {x: 1}\nspec:\n  containers:\n  - <<: *b\n    name: a\n    sc:\n      esc: false\n      caps:\n"
        "        drop:\n        - ALL\n",
        id="a merge key that brings other keys",
    ),
    pytest.param(
        "%YAML 1.1\n# head\n---\nspec:\n  containers:\n  - name: é\n...\n# tail\n",
        "%YAML 1.1\n# head\n---\nspec:\n  containers:\n  - name: é\n    sc:\n      esc: false\n      caps:\n"
        "        drop:\n        - ALL\n...\n# tail\n",
        id="directive and end marker",
    ),
]


@pytest.mark.parametrize(("before", "after"), LISTS)
@pytest.mark.parametrize("variant", ["plain", "crlf", "bom", "second document"])
def test_a_container_is_changed_in_its_own_style(before: str, after: str, variant: str) -> None:
    document = 0
    if variant == "crlf":
        before, after = before.replace("\n", "\r\n"), after.replace("\n", "\r\n")
    elif variant == "bom":
        before, after = "\ufeff" + before, "\ufeff" + after
    elif variant == "second document":
        head = "a: 1\n...\n" if before.startswith("%") else "a: 1\n--- # next\n"
        before, after, document = head + before, head + after, 1
    done = run(before, restricted("spec", "containers", 0, document=document))
    assert not done.refused
    assert done.after.data.decode() == after


REFUSED = [
    ("spec: &a\n  containers:\n  - name: a\nother: *a\n", "anchored"),
    ("a: &a\n- name: a\nspec:\n  containers: *a\n", "anchored"),
    ("a: &a {sc: {x: 1}}\nspec:\n  containers:\n  - <<: *a\n    name: a\n", "merge-key"),
    ("spec:\n  containers:\n  - name: a\n    name: b\n", "duplicate-key"),
    ("spec:\n  containers:\n  - name: a\n    [x]: b\n", "complex-key"),
    ("spec:\n  containers:\n  - ? name\n    : a\n", "complex-key"),
    ("spec:\r  containers:\r  - name: a\r", "uneven"),
    ("spec:\n  containers:\n  - {name: a, # why\n    x: 1 # last\n    }\n", "comment-inside"),
    ("spec:\n  containers:\n  - args: |\n      x", "block-scalar-end"),
    ("spec:\n  containers:\n  - text\n", "other-shape"),
    ("spec:\n  containers: none\n", "other-shape"),
    ("spec:\n  containers: []\n", "other-shape"),
    ("spec:\n  containers:\n  - !mine\n    name: a\n", "other-shape"),
    ("# nothing\n---\n", "other-shape"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_what_has_no_safe_place_is_refused(text: str, code: str) -> None:
    done = run(text, restricted("spec", "containers", 0))
    assert done.refused["g"].code == code
    assert not done.edits


def test_a_group_is_whole_or_absent_and_others_go_on() -> None:
    text = "x:\n  a: 1\ny: &y\n  b: 1\nz: *y\n"
    groups: dict[str, list[YamlChange]] = {
        "half": [SetKey(0, ("x",), "c", 1), SetKey(0, ("y",), "c", 1)],
        "whole": [SetKey(0, ("x",), "d", 1)],
    }
    done = run(text, groups)
    assert done.applied == ("whole",)
    assert done.after.text == "x:\n  a: 1\n  d: 1\ny: &y\n  b: 1\nz: *y\n"


CONFLICTS: list[tuple[list[YamlChange], list[YamlChange]]] = [
    ([SetKey(0, ("x",), "a", True)], [SetKey(0, ("x",), "a", 1)]),
    ([SetKey(0, ("x",), "n", 1)], [RemoveKey(0, ("x",), "n")]),
    ([SetKey(0, ("x",), "n", {})], [SetKey(0, ("x", "n"), "m", 1)]),
    ([SetKey(0, ("x", "n"), "m", 1)], [SetKey(0, ("x",), "n", {"m": 1})]),
    ([SetKey(0, ("x", "n"), "m", 1)], [EnsureItem(0, ("x", "n"), "m")]),
    ([EnsureItem(0, ("x", "n"), "m")], [SetKey(0, ("x", "n"), "m", 1)]),
    ([EnsureItem(0, ("x", "n"), "m")], [RemoveItem(0, ("x", "n"), "m")]),
    ([RemoveItem(0, ("x", "n"), "m")], [EnsureItem(0, ("x", "n"), "o"), EnsureItem(0, ("x", "n"), "m")]),
    ([RemoveItem(0, ("x", "n"), "m")], [SetKey(0, ("x",), "n", [])]),
    ([RemoveItem(0, ("x", "n"), "m")], [RemoveKey(0, ("x",), "n")]),
    ([RemoveItem(0, ("x", "n"), "m")], [SetKey(0, ("x", "n", 0), "m", 1)]),
    ([SetKey(0, ("x",), "a", {})], [RemoveItem(0, ("x", "a", "n"), "m")]),
]


@pytest.mark.parametrize(("one", "two"), CONFLICTS)
def test_the_later_of_two_contradicting_groups_is_refused(one: list[YamlChange], two: list[YamlChange]) -> None:
    done = run("x:\n  a: 1\n", {"one": one, "two": two})
    assert done.applied == ("one",)
    assert done.refused["two"].code == "conflict"


SEVERAL: list[tuple[str, list[YamlChange], str]] = [
    (
        "a:\n  b:\n  - x: 1\n",
        [
            SetKey(0, ("a",), "c", 1),
            EnsureItem(0, ("a", "b"), 2),
            SetKey(0, ("a", "b", 0), "w", 2),
            SetKey(0, (), "z", 1),
        ],
        "a:\n  b:\n  - x: 1\n    w: 2\n  - 2\n  c: 1\nz: 1\n",
    ),
    ("a:\n  b:", [SetKey(0, ("a", "b"), "c", 1), SetKey(0, ("a",), "d", 1)], "a:\n  b:\n    c: 1\n  d: 1"),
    ("- a: 1\n  b: 2\n  c: 3\n", [RemoveKey(0, (0,), "a"), RemoveKey(0, (0,), "b")], "- c: 3\n"),
    (
        "a: 1\nb: 2\nc: 3\n",
        [RemoveKey(0, (), "b"), RemoveKey(0, (), "c"), SetKey(0, (), "d", 1, ("b",))],
        "a: 1\nd: 1\n",
    ),
    (
        "{a: 1, b: 2, c: 3}",
        [RemoveKey(0, (), "b"), RemoveKey(0, (), "c"), SetKey(0, (), "d", 1, ("b",))],
        "{a: 1, d: 1}",
    ),
    ("{a: 1, b: 2, c: 3}", [RemoveKey(0, (), "a"), RemoveKey(0, (), "c")], "{b: 2}"),
    ("a:\n- b: 1\n", [RemoveKey(0, ("a", 0), "b"), SetKey(0, ("a", 0), "c", 1)], "a:\n- c: 1\n"),
    ("a: {b: 1}\n", [RemoveKey(0, ("a",), "b"), SetKey(0, ("a",), "c", 1)], "a: {c: 1}\n"),
    ("- a: 1\n  b: 2\n", [RemoveKey(0, (0,), "a"), SetKey(0, (0,), "c", 1, before="b")], "- c: 1\n  b: 2\n"),
    (
        "x:\n  a: 1\n  # b\n  b: 2",
        [RemoveKey(0, ("x",), "a"), SetKey(0, ("x",), "c", 1, before="b")],
        "x:\n  c: 1\n  # b\n  b: 2",
    ),
    ("{a: 1, b: 2}\n", [RemoveKey(0, (), "a"), SetKey(0, (), "c", 1, before="b")], "{c: 1, b: 2}\n"),
    (
        '{\n  "a": ["x"],\n  "b": {\n    "a": []\n  }\n}\n',
        [EnsureItem(0, ("b", "a"), "y")],
        '{\n  "a": ["x"],\n  "b": {\n    "a": ["y"]\n  }\n}\n',
    ),
    ("a:\n- |-\n  b\n- c", [RemoveItem(0, ("a",), "c")], "a:\n- |-\n  b"),
    (
        '{\n  "a": ["x"],\n  "b": {\n    "c": 1\n  }\n}\n',
        [EnsureItem(0, ("b", "a"), "y"), SetKey(0, ("b",), "d", ["z"])],
        '{\n  "a": ["x"],\n  "b": {\n    "c": 1,\n    "a": ["y"],\n    "d": [\n      "z"\n    ]\n  }\n}\n',
    ),
    ("b: 1\n", [RemoveKey(0, (), "b")], "{}\n"),
    ("b: 1 # b", [RemoveKey(0, (), "b"), SetKey(0, (), "c", 1)], "c: 1"),
    (
        "a: # a\n  b: 1 # b\n  # of c\n  c: 1\nd: 1\n",
        [RemoveKey(0, ("a",), "b"), RemoveKey(0, ("a",), "c")],
        "a: {} # a\n  # of c\nd: 1\n",
    ),
    (
        "a: &a # a\n  b: 1 # b\n  # of c\n  c: 1\n",
        [RemoveKey(0, ("a",), "b"), RemoveKey(0, ("a",), "c"), SetKey(0, ("a",), "d", [])],
        "a: &a # a\n  d: []\n  # of c\n",
    ),
    ("x: &x\n  a: 1 # c\ny: 1", [RemoveKey(0, ("x",), "a")], "x: &x {}\ny: 1"),
    (
        "- a: 1 # a\n\n  b: 2\n  c: 3\n  # of d\n  d: 4\n",
        [RemoveKey(0, (0,), key) for key in "abd"],
        "- c: 3\n  # of d\n",
    ),
    (
        '{\n  "a": {\n    "b": 1\n  }\n}\n',
        [RemoveKey(0, ("a",), "b"), SetKey(0, ("a", "c"), "d", [1])],
        '{\n  "a": {\n    "c": {\n      "d": [\n        1\n      ]\n    }\n  }\n}\n',
    ),
    (
        "x:\n  a: [1]\n  b: 2",
        [RemoveKey(0, ("x",), "b"), SetKey(0, ("x",), "c", 3), SetKey(0, (), "d", 4)],
        "x:\n  a: [1]\n  c: 3\nd: 4",
    ),
    (
        "x:\n  a:\n  - 1\n  b: 2",
        [RemoveKey(0, ("x",), "b"), SetKey(0, ("x",), "c", 3), EnsureItem(0, ("x", "a"), 2)],
        "x:\n  a:\n  - 1\n  - 2\n  c: 3",
    ),
]


@pytest.mark.parametrize(("before", "changes", "after"), SEVERAL)
def test_several_changes(before: str, changes: list[YamlChange], after: str) -> None:
    done = run(before, changes)
    assert not done.refused
    assert done.after.text == after


def test_a_change_inside_of_an_item_keeps_other_items_where_they_are() -> None:
    groups: dict[str, list[YamlChange]] = {
        "inside": [SetKey(0, ("a", 1), "c", 2)],
        "gone": [RemoveItem(0, ("a",), {"b": 1})],
        "new": [EnsureItem(0, ("a",), {"b": 3})],
    }
    done = run("a:\n- b: 1\n- b: 2\n", groups)
    assert done.refused["gone"].code == "conflict"
    assert done.after.text == "a:\n- b: 1\n- b: 2\n  c: 2\n- b: 3\n"


def test_what_a_refused_group_said_of_a_list_holds_no_longer() -> None:
    groups: dict[str, list[YamlChange]] = {
        "first": [RemoveItem(0, ("a",), 3)],
        "half": [RemoveItem(0, ("a",), 1), SetKey(0, ("b", "c"), "d", 1)],
        "other": [EnsureItem(0, ("a",), 1), EnsureItem(0, ("a",), 4)],
        "against": [EnsureItem(0, ("a",), 3)],
    }
    done = run("a: [1, 2, 3]\nb: 1\n", groups)
    assert done.applied == ("first", "other")
    assert {name: refusal.code for name, refusal in done.refused.items()} == {
        "half": "other-shape",
        "against": "conflict",
    }
    assert done.after.text == "a: [1, 2, 4]\nb: 1\n"


def test_changes_of_several_groups_write_one_block() -> None:
    groups: dict[str, list[YamlChange]] = {
        "a": [SetKey(0, ("sc",), "user", 1000)],
        "b": [SetKey(0, ("sc",), "root", True)],
        "again": [SetKey(0, ("sc",), "root", True)],
        "c": [EnsureItem(0, ("sc", "drop"), "ALL"), EnsureItem(0, ("sc", "drop"), "NET")],
        "d": [SetKey(0, ("sc",), "profile", {"type": "RuntimeDefault"})],
    }
    done = run("kind: Pod\nlist:\n- a\n", groups)
    assert done.applied == tuple(groups)
    assert len(done.edits) == 1
    assert done.after.text == (
        "kind: Pod\nlist:\n- a\nsc:\n  user: 1000\n  root: true\n  drop:\n  - ALL\n  - NET\n  profile:\n"
        "    type: RuntimeDefault\n"
    )


SINGLE: list[tuple[str, YamlChange, str]] = [
    ("a: 1 # one\nb: 2\n", RemoveKey(0, (), "a"), "b: 2\n"),
    ("a: 1\nb: 2", RemoveKey(0, (), "b"), "a: 1"),
    ("- a: 1\n  b: 2\n", RemoveKey(0, (0,), "a"), "- b: 2\n"),
    ("- a: 1\n  # c\n", RemoveKey(0, (0,), "a"), "- {}\n  # c\n"),
    ("x:\n  a: {b: 1}\ny: 1\n", RemoveKey(0, ("x",), "a"), "x: {}\ny: 1\n"),
    ("{a: 1, b: 2, c: 3}\n", RemoveKey(0, (), "b"), "{a: 1, c: 3}\n"),
    ("{a: 1, b: 2, c: 3}\n", RemoveKey(0, (), "c"), "{a: 1, b: 2}\n"),
    ("x: {a: 1}\n", RemoveKey(0, ("x",), "a"), "x: {}\n"),
    ("a: 1\n", RemoveKey(0, (), "b"), "a: 1\n"),
    ("a: 'x' # c\n", SetKey(0, (), "a", "it's"), "a: 'it''s' # c\n"),
    ("a: x\n", SetKey(0, (), "a", "yes"), 'a: "yes"\n'),
    ("a: |\n  x\n  y\nb: 1\n", SetKey(0, (), "a", "x: y\n"), 'a: "x: y\\n"\nb: 1\n'),
    ("a: x\nb: 1\n", SetKey(0, (), "a", {"c": [1, {"d": None}]}), "a:\n  c:\n    - 1\n    - d: null\nb: 1\n"),
    ("a:\n  b: 1\n  c: 2\nd: 1\n", SetKey(0, (), "a", 5), "a: 5\nd: 1\n"),
    ("a:\n  b: 1\nd: 1\n", SetKey(0, (), "a", {"c": 2}), "a:\n  c: 2\nd: 1\n"),
    ("{a: [1]}\n", SetKey(0, (), "a", {"c": 2}), "{a: {c: 2}}\n"),
    ("{a: }\n", SetKey(0, (), "a", 1), "{a: 1 }\n"),
    ("a: yes\n", SetKey(0, (), "a", True), "a: yes\n"),
    ("a: 010\n", SetKey(0, (), "a", 8), "a: 010\n"),
    ("{}\n", SetKey(0, (), "a", 8), "{a: 8}\n"),
    ("a: 1\nz: 2\n", SetKey(0, (), "m", 3, before="z"), "a: 1\nm: 3\nz: 2\n"),
    ("a: 1\n# z\nz: 2\n", SetKey(0, (), "m", 3, before="z"), "a: 1\nm: 3\n# z\nz: 2\n"),
    ("# file\nz: 2\n", SetKey(0, (), "m", 3, before="z"), "# file\nm: 3\nz: 2\n"),
    (
        "x: # x\n  # z\n  # z too\n  z: 2",
        SetKey(0, ("x",), "m", 3, before="z"),
        "x: # x\n  m: 3\n  # z\n  # z too\n  z: 2",
    ),
    ("x:\n    # x\n\n  z: 2\n", SetKey(0, ("x",), "m", 3, before="z"), "x:\n    # x\n\n  m: 3\n  z: 2\n"),
    ("- z: 2 # z\n", SetKey(0, (0,), "m", {"n-": 1}, before="z"), "- m:\n    n-: 1\n  z: 2 # z\n"),
    ("-\n  z: 2\n", SetKey(0, (0,), "m", 3, before="z"), "-\n  m: 3\n  z: 2\n"),
    ("x: { z: 2 }\n", SetKey(0, ("x",), "m", 3, before="z"), "x: { m: 3, z: 2 }\n"),
    ('{\n  "z": 2\n}\n', SetKey(0, (), "m", 3, before="z"), '{\n  "m": 3,\n  "z": 2\n}\n'),
    ("a: ['x', 'y']\n", SetKey(0, (), "a", ["z", "w"]), "a: ['z', 'w']\n"),
    ("a: {b: 1}\n", SetKey(0, (), "a", {"c": [1]}), "a: {c: [1]}\n"),
    ("b:\n- a: [ x ]\n- a: # none\n", SetKey(0, ("b", 1), "a", ["v", "z"]), "b:\n- a: [ x ]\n- a: [ v, z ] # none\n"),
    ("b:\n- a: [x]\n- c: 1\n", SetKey(0, ("b", 1), "a", [["v"]]), "b:\n- a: [x]\n- c: 1\n  a:\n  - - v\n"),
    (
        "b:\n- a: [x]\n- a: # 1\n\n  - x\n- 'a':\n  - x\n-\n",
        EnsureItem(0, ("b", 3, "a"), 1),
        "b:\n- a: [x]\n- a: # 1\n\n  - x\n- 'a':\n  - x\n- a:\n  - 1\n",
    ),
    ("a: ['x']\nb:\n  c: 1\n---\n", EnsureItem(0, ("b", "a"), "y"), "a: ['x']\nb:\n  c: 1\n  a: ['y']\n---\n"),
    ("a:\n-   b: 1\n", EnsureItem(0, ("c",), 1), "a:\n-   b: 1\nc:\n-   1\n"),
    ("- a: [A] # why\n  b: 1\n", RemoveItem(0, (0, "a"), "A"), "- b: 1\n"),
    ("a:\n- - 1\n", EnsureItem(0, ("a",), [2, [3]]), "a:\n- - 1\n- - 2\n  - - 3\n"),
    ("a: []\n", EnsureItem(0, ("a",), {"b": 1}), "a:\n  - b: 1\n"),
    ("a:\n-   b: 1\n", EnsureItem(0, ("a",), {"c": {"d": 1}}), "a:\n-   b: 1\n-   c:\n      d: 1\n"),
    ("a: [1]\n", EnsureItem(0, ("a",), 1), "a: [1]\n"),
    ('a: ["x"]\n', EnsureItem(0, ("a",), "y"), 'a: ["x", "y"]\n'),
]


AFTER_IMAGE = ("name", "image", "imagePullPolicy")
FIRST = ("spec", "containers", 0)


def hardened(*path: str | int) -> list[YamlChange]:
    """Give what the restricted level wants of a container at a path."""
    own = (*path, "securityContext")
    return [
        SetKey(0, own, "allowPrivilegeEscalation", False, after=AFTER_IMAGE),
        EnsureItem(0, (*own, "capabilities", "drop"), "ALL", after=AFTER_IMAGE),
        SetKey(0, own, "runAsNonRoot", True, after=AFTER_IMAGE),
        SetKey(0, (*own, "seccompProfile"), "type", "RuntimeDefault", after=AFTER_IMAGE),
    ]


def block(column: int, drop: str) -> str:
    """Give the lines of that block in a file that steps by two blanks."""
    lines = [
        "securityContext:", "  allowPrivilegeEscalation: false", "  capabilities:", *drop.split("|"),
        "  runAsNonRoot: true", "  seccompProfile:", "    type: RuntimeDefault",
    ]  # fmt: skip
    return "".join(f"{' ' * column}{line}\n" for line in lines)


HARDENED = [
    (
        "spec:\n  containers:\n  - image: x\n    name: a\n    ports:\n    - containerPort: 80\n",
        "spec:\n  containers:\n  - image: x\n    name: a\n"
        + block(4, "    drop:|    - ALL")
        + "    ports:\n    - containerPort: 80\n",
    ),
    (
        "spec:\n  containers:\n    - name: a\n      securityContext:   # of us\n      image: x\n",
        "spec:\n  containers:\n    - name: a\n"
        + block(6, "    drop:|      - ALL").replace("Context:", "Context:   # of us", 1)
        + "      image: x\n",
    ),
    (
        "spec:\n  containers:\n    -   name: a\n        image: x # it\n        args:\n          -   y\n",
        "spec:\n  containers:\n    -   name: a\n        image: x # it\n"
        + block(8, "    drop:|      -   ALL")
        + "        args:\n          -   y\n",
    ),
    (
        'spec:\n  containers:\n  - name: a\n  - securityContext:\n      capabilities:\n        drop: ["ALL"]\n',
        "spec:\n  containers:\n  - name: a\n"
        + block(4, '    drop: ["ALL"]')
        + '  - securityContext:\n      capabilities:\n        drop: ["ALL"]\n',
    ),
    (
        "spec:\n  containers:\n  - name: a\n    securityContext:\n      seccompProfile:\n"
        '        type: "Unconfined" # no\n      allowPrivilegeEscalation: yes  # why\n',
        "spec:\n  containers:\n  - name: a\n    securityContext:\n      seccompProfile:\n"
        '        type: "RuntimeDefault" # no\n      allowPrivilegeEscalation: false  # why\n      capabilities:\n'
        "        drop:\n        - ALL\n      runAsNonRoot: true\n",
    ),
    (
        '{\n    "spec": {\n        "containers": [{\n            "name": "a",\n            "args": ["x"]\n        }]\n'
        "    }\n}\n",
        '{\n    "spec": {\n        "containers": [{\n            "name": "a",\n            "securityContext": {\n'
        '                "allowPrivilegeEscalation": false,\n                "capabilities": {\n'
        '                    "drop": [\n                        "ALL"\n                    ]\n                },\n'
        '                "runAsNonRoot": true,\n                "seccompProfile": {\n'
        '                    "type": "RuntimeDefault"\n                }\n            },\n            "args": ["x"]\n'
        "        }]\n    }\n}\n",
    ),
]


@pytest.mark.parametrize(("before", "after"), HARDENED)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_the_restricted_level_wants_of_a_container(before: str, after: str, newline: str) -> None:
    done = run(before.replace("\n", newline), hardened(*FIRST))
    assert not done.refused
    assert done.after.data.decode() == after.replace("\n", newline)


def gone(*values: Any, path: tuple[str | int, ...] = ("x", "a")) -> list[YamlChange]:
    """Give removals from one list."""
    return [RemoveItem(0, path, value) for value in values]


ITEMS: list[tuple[str, list[YamlChange], str]] = [
    ("x:\n  a:\n  - A\n  - B\n", gone("A"), "x:\n  a:\n  - B\n"),
    ("x:\n  a:\n  - A\n  - B\n", gone("B"), "x:\n  a:\n  - A\n"),
    ("x:\n  a:\n  - A\n  - B", gone("B"), "x:\n  a:\n  - A"),
    ("x:\n  a:\n    - A\n    - B\n    - A\n    - C\n", gone("A"), "x:\n  a:\n    - B\n    - C\n"),
    ("x:\n  a:\n  - A\n  - B\n  - C\n", gone("A", "B"), "x:\n  a:\n  - C\n"),
    ("x:\n  a:\n  - A # of A\n  # between\n\n  - B\n", gone("A"), "x:\n  a:\n  # between\n\n  - B\n"),
    ("x:\n  a: # of a\n  - B\n  # of A\n  - 'A'\n# end\n", gone("A"), "x:\n  a: # of a\n  - B\n  # of A\n# end\n"),
    ("x:\n  a:\n  - k: 1\n    v: |\n      t\n\n  - k: 2\n", gone({"k": 1, "v": "t\n"}), "x:\n  a:\n\n  - k: 2\n"),
    ("x:\n  a:\n  -\n    v: 2\n    k: 1\n  -\n  - b\n", gone({"k": 1, "v": 2}, None), "x:\n  a:\n  - b\n"),
    ("x:\n  a:\n  - {k: 1}\n  - [1, 2]\n  - k: 1\n", gone({"k": 1}), "x:\n  a:\n  - [1, 2]\n"),
    ("x:\n  a:\n  - 1\n  - 1.0\n  - true\n  - '1'\n", gone(1), "x:\n  a:\n  - 1.0\n  - true\n  - '1'\n"),
    ("x:\n  a: [A, B, C]\n", gone("A"), "x:\n  a: [B, C]\n"),
    ("x:\n  a: [A, B, C]\n", gone("B"), "x:\n  a: [A, C]\n"),
    ("x:\n  a: [ A, B, C ] # c\n", gone("C", "A"), "x:\n  a: [ B ] # c\n"),
    ("x:\n  a: [A, B, ]\n", gone("B"), "x:\n  a: [A, ]\n"),
    ("x:\n  a: [b: 1, c]\n", gone({"b": 1}), "x:\n  a: [c]\n"),
    ('{"x":{"a":["A","B"],"b":1}}', gone("A"), '{"x":{"a":["B"],"b":1}}'),
    ('{"x":{"a":["A","B"],"b":1}}', gone("A", "B"), '{"x":{"b":1}}'),
    ('{\n  "x": {\n    "b": 1,\n    "a": [\n      "A",\n      "B"\n    ]\n  }\n}\n', gone("B"),
     '{\n  "x": {\n    "b": 1,\n    "a": [\n      "A"\n    ]\n  }\n}\n'),
    ('{\n  "x": {\n    "b": 1,\n    "a": [\n      "A"\n    ]\n  }\n}\n', gone("A"),
     '{\n  "x": {\n    "b": 1\n  }\n}\n'),
    ("x:\n  a:\n  - A\n  b: 1\n", gone("A"), "x:\n  b: 1\n"),
    ("x:\n  b: 1\n  a:\n  - A\n  - A", gone("A"), "x:\n  b: 1"),
    ("- a: [A]\n  b: 1\n", gone("A", path=(0, "a")), "- b: 1\n"),
    ("x:\n  a:\n  - A\ny: 1\n", gone("A"), "x: {}\ny: 1\n"),
    ("x:\n  a:\n  - A\n", [*gone("A"), EnsureItem(0, ("x", "b"), "C")], "x:\n  b:\n  - C\n"),
    ("x:\n  a:\n  - A\n  b: 1\n", [*gone("A"), RemoveKey(0, ("x",), "b"), *gone("Z")], "x: {}\n"),
    ("x:\n  a:\n  - A\n  - B\n", [*gone("B"), EnsureItem(0, ("x", "a"), "C")], "x:\n  a:\n  - A\n  - C\n"),
    ("x:\n  a:\n  - A\n  - B", [*gone("B"), EnsureItem(0, ("x", "a"), "C")], "x:\n  a:\n  - A\n  - C"),
    ("x:\n  a:\n  - 'A'\n  b: 1\n", [*gone("A"), EnsureItem(0, ("x", "a"), "C")], "x:\n  a:\n  - 'C'\n  b: 1\n"),
    ("x:\n  a: [A, B]\n", [*gone("B"), EnsureItem(0, ("x", "a"), "C")], "x:\n  a: [A, C]\n"),
    ("x:\n  a: [A, B]\n", [*gone("B", "A"), EnsureItem(0, ("x", "a"), "C")], "x:\n  a: [C]\n"),
    ("- - A\n  - B\n- C\n", gone("A", path=(0,)), "- - B\n- C\n"),
    ("- - A\n- C\n", gone("A", path=(0,)), "- []\n- C\n"),
    ("- A\n", gone("A", path=()), "[]\n"),
    ("[[A], B]\n", gone("A", path=(0,)), "[[], B]\n"),
    ("x:\n  a:\n  - B\n", gone("A"), "x:\n  a:\n  - B\n"),
    ("x:\n  a: &a\n  - B\ny: *a\n", gone("A"), "x:\n  a: &a\n  - B\ny: *a\n"),
    ("x:\n  a:\n", gone("A"), "x:\n  a:\n"),
    ("x:\n  a: []\n", gone("A"), "x:\n  a: []\n"),
    ("x: 1\n", gone("A", path=("y", "a")), "x: 1\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "changes", "after"), ITEMS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_items_go(before: str, changes: list[YamlChange], after: str, newline: str) -> None:
    done = run(before.replace("\n", newline), changes)
    assert not done.refused
    assert done.after.data.decode() == after.replace("\n", newline)


@pytest.mark.parametrize(("before", "change", "after"), SINGLE)
def test_one_change(before: str, change: YamlChange, after: str) -> None:
    done = run(before, [change])
    assert done.after.text == after
    assert not done.refused


@pytest.mark.parametrize(
    ("text", "change", "code"),
    [
        ("a:\n  # why\n  b: 1\n", SetKey(0, (), "a", 1), "comment-inside"),
        ("- a: 1\n  # of b\n  b: 1\n", RemoveKey(0, (0,), "a"), "comment-inside"),
        ("a: 1\n", SetKey(7, (), "a", 1), "other-shape"),
        ("a: 1\n", EnsureItem(0, ("a",), 1), "other-shape"),
        ("on: 1\n", SetKey(0, (), "true", 2), "after-condition"),
        ("a: &x 1\nb: *x\n", SetKey(0, (), "a", 2), "anchored"),
        ("a: &x 1\nb: *x\n", SetKey(0, (), "b", 2), "anchored"),
        ("a:\n- b: 1\n  # c\n  d: 2\n- e\n", RemoveItem(0, ("a",), {"b": 1, "d": 2}), "comment-inside"),
        ("a:\n- # c\n  b: 1\n- e\n", RemoveItem(0, ("a",), {"b": 1}), "comment-inside"),
        ("a: [b, # c\n  d]\n", RemoveItem(0, ("a",), "b"), "comment-inside"),
        ("- - a\n  # c\n  - b\n", RemoveItem(0, (0,), "a"), "comment-inside"),
        ("a:\n- b\n- |\n  c", RemoveItem(0, ("a",), "c"), "block-scalar-end"),
        ("a:\n- |\n  b\n- c", RemoveItem(0, ("a",), "c"), "block-scalar-end"),
        ("a: |+\n  b\n\nc: 1", RemoveKey(0, (), "c"), "block-scalar-end"),
        ("a: &x [1, 2]\nb: *x\n", RemoveItem(0, ("a",), 1), "anchored"),
        ("a: [&x 1, 2]\nb: *x\n", RemoveItem(0, ("a",), 1), "anchored"),
        ("b: &x 1\na: [*x, 2]\n", RemoveItem(0, ("a",), 1), "anchored"),
        ("b: &x {a: [1]}\nc: {<<: *x}\n", RemoveItem(0, ("c", "a"), 1), "merge-key"),
        ("a: [!!int '1', 2]\n", RemoveItem(0, ("a",), 1), "other-shape"),
        ("a: 1\n", RemoveItem(0, ("a",), 1), "other-shape"),
        ("a: {b: 1}\n", RemoveItem(0, ("a",), 1), "other-shape"),
        ("a: [1]\n", RemoveItem(0, ("a", 3), 1), "other-shape"),
        ("a: [on, 2]\n", RemoveItem(0, ("a",), True), "after-condition"),
    ],
)
def test_one_refusal(text: str, change: YamlChange, code: str) -> None:
    assert run(text, [change]).refused["g"].code == code


def test_a_second_reader_that_gives_up_refuses() -> None:
    done = run("a: 1\n---\n}\n", [SetKey(0, (), "b", 1)])
    assert done.refused["g"].code == "readers-disagree"


@pytest.mark.parametrize(
    ("one", "two", "equal"),
    [
        (1, True, False),
        (float("nan"), float("nan"), True),
        ({"a": [1]}, {"a": [1]}, True),
        ([1, 2], [2, 1], False),
        ({"a": 1}, {"b": 1}, False),
        ("1", 1, False),
    ],
)
def test_sameness_is_of_types_too(one: Any, two: Any, equal: bool) -> None:
    assert same(one, two) is equal
