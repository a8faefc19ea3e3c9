"""Random values in random styles, and random changes: what was planned comes out, or a refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixer.edits.yaml import lower
from fixer.model import EnsureItem, RemoveItem, RemoveKey, SetKey, YamlChange
from fixer.prove.yaml import rewrite
from fixer.source import SourceFile
from fixer.syntax.yaml import load_stream, parse

CODES = {
    "comment-inside", "other-shape", "conflict", "anchored", "block-scalar-end", "merge-key",
    "duplicate-key", "complex-key",
}  # fmt: skip
KEYS = st.sampled_from(["a", "b", "c", "name", "image", "x y", "k-1", "é"])
TEXTS = st.sampled_from(
    ["x", "ALL", "yes", "1", "", "a: b", "# no", "it's", 'say "no"', "two\nlines\n", "- a", "\u2028é"]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 70000), TEXTS, st.just(1.5))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
ROOTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


class Writer:
    """Writes a value as YAML, asking for each choice of style."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.step = draw(st.sampled_from([2, 2, 4]))
        self.comments = draw(st.booleans())
        self.anchors = 0

    def choose(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def comment(self) -> str:
        return self.choose("", "", "", " # c", "  # 'd: {") if self.comments else ""

    def own_lines(self, column: int) -> list[str]:
        """Blank lines and comments between entries."""
        if not self.comments:
            return []
        lines = ["", " " * column + "# own", " " * (column + 2) + "# deep", "# root"]
        return [line for line in lines if self.draw(st.integers(0, 9)) == 9]

    def scalar(self, value: Any) -> str:
        if value is None:
            return str(self.choose("null", "~"))
        if isinstance(value, str) and value.isalnum() and value not in ("yes", "1") and self.choose(True, False):
            return value
        return json.dumps(value, ensure_ascii=self.choose(True, False))

    def key(self, key: str) -> str:
        return key if " " not in key and self.choose(True, True, False) else json.dumps(key)

    def flow(self, value: Any) -> str:
        gap = self.choose(" ", " ", "\n" + " " * 20)
        if isinstance(value, dict):
            return "{" + f",{gap}".join(f"{self.key(k)}: {self.flow(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + f",{gap}".join(map(self.flow, value)) + "]"
        return self.scalar(value)

    def below(self, value: Any, column: int, head: str) -> list[str]:
        """Lines of a value whose key or dash is `head`, at a column."""
        if isinstance(value, str) and value.endswith("\n") and self.choose(True, False):
            lines = [" " * (column + self.step) + line for line in value.rstrip("\n").split("\n")]
            header = self.choose("|", "|", "|+")
            return [f"{head} {header}", *lines]
        if value is None and self.choose(True, False):
            return [head + self.comment()]
        if not value or not isinstance(value, dict | list) or self.choose(True, False, False, False):
            return [f"{head} {self.flow(value)}{self.comment()}"]
        dash = isinstance(value, list) and not head.endswith("-") and self.choose(True, False)
        self.anchors += 1
        anchor = self.choose("", "", "", f" &anchor{self.anchors}")
        return [head + anchor + self.comment(), *self.block(value, column + (0 if dash else self.step))]

    def block(self, value: Any, column: int) -> list[str]:
        pad = " " * column
        lines: list[str] = []
        if isinstance(value, dict):
            for key, inner in value.items():
                lines += [*self.own_lines(column), *self.below(inner, column, f"{pad}{self.key(key)}:")]
            return lines
        for inner in value:
            lines += self.own_lines(column)
            if isinstance(inner, dict | list) and inner and self.choose(True, True, False):
                gap = self.choose(2, 2, 4)
                below = self.block(inner, column + gap)
                while not below[0].strip() or below[0].lstrip().startswith("#"):
                    del below[0]
                lines += [pad + "-" + below[0][column + 1 :], *below[1:]]
            else:
                lines += self.below(inner, column, f"{pad}-")
        return lines


@st.composite
def files(draw: Any) -> tuple[str, Any]:
    """Give a file and its value: block or JSON, with comments, documents around it, and odd line ends."""
    value = draw(ROOTS)
    writer = Writer(draw)
    kind = writer.choose("block", "block", "block", "json", "compact")
    if kind == "block":
        text = "\n".join([*writer.block(value, 0), *writer.own_lines(0)]) + "\n"
    else:
        text = json.dumps(value, **({"indent": writer.choose(1, 2, "\t")} if kind == "json" else {})) + "\n"
    text = writer.choose("", "", "---\n", "# head\n---\n") + text
    if writer.choose(True, False, False):
        text += "---\nother: 1\n"
    if writer.choose(True, False, False):
        text = text.rstrip("\n")
    if writer.choose(True, False, False):
        text = text.replace("\n", "\r\n")
    return text, value


def lists_of(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], list[Any]]]:
    """Give every list below a value, with its path."""
    if isinstance(value, list):
        yield path, value
    steps: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from lists_of(inner, (*path, step))


@st.composite
def changes(draw: Any, value: Any) -> list[YamlChange]:
    """Give changes whose paths mostly exist."""
    out: list[YamlChange] = []
    for _ in range(draw(st.integers(1, 3))):
        path: tuple[str | int, ...] = ()
        node = value
        while node and isinstance(node, dict | list) and draw(st.sampled_from([True, True, False])):
            step = (
                draw(st.sampled_from(sorted(node))) if isinstance(node, dict) else draw(st.integers(0, len(node) - 1))
            )
            path, node = (*path, step), node[step]
        if draw(st.sampled_from([True, False, False])):
            path = (*path, draw(KEYS))
        after = tuple(draw(st.lists(KEYS, max_size=2)))
        kind = draw(st.sampled_from(["set", "set", "remove", "item", "unitem", "unitem"]))
        if kind == "unitem":
            lists = list(lists_of(value))
            where, items = draw(st.sampled_from(lists)) if lists else (path, [])
            out += [RemoveItem(0, where, draw(st.sampled_from([*items, *items, "none"]))) for _ in range(2)]
        elif kind == "item":
            out.append(EnsureItem(0, path, draw(VALUES), after=after))
        elif kind == "remove":
            out.append(RemoveKey(0, path, draw(KEYS)))
        else:
            out.append(SetKey(0, path, draw(KEYS), draw(VALUES), after=after, before=draw(KEYS)))
    return out


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_was_planned_comes_out_or_a_refusal(data: st.DataObject) -> None:
    text, value = data.draw(files())
    groups = {f"g{n}": data.draw(changes(value)) for n in range(data.draw(st.integers(1, 3)))}
    source = SourceFile("x.yaml", text.encode())
    documents = parse(source.text)
    load_stream(source.text)
    done = rewrite(source, groups, documents)
    after = done.after.text
    assert set(done.applied) | set(done.refused) == set(groups)
    assert {refusal.code for refusal in done.refused.values()} <= CODES, (text, groups, done.refused)
    at = shift = 0
    for edit in done.edits:
        assert source.text[at : edit.span.start] == after[at + shift : edit.span.start + shift]
        shift += len(edit.text) - (edit.span.end - edit.span.start)
        at = edit.span.end
    assert source.text[at:] == after[at + shift :]
    assert text.endswith("\n") or not after.endswith("\n")
    again = lower(parse(after), {name: groups[name] for name in done.applied})
    assert not again.edits
    assert not again.refused
