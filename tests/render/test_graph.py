"""The graph as text and as a flowchart, with names that somebody made to break out."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from fixer.render.graph import label, lines, mermaid
from fixer.understand.builds import Build
from fixer.understand.links import Base, Collection, Graph, Link, Use

TEXT = st.text(max_size=30) | st.sampled_from(
    ['"]; click x "javascript:1"', "a\n  g0d0 --> g0d1", "#quot;", "`**x**`", "<b>"]
)
# what each line of a chart may be, with labels of nothing but plain characters and numbers
WORDS = r'"(?:[A-Za-z0-9 ./:_@,-]|#\d+;)*"'
LINE = re.compile(
    rf"flowchart LR|  g\d+d\d+\[/{WORDS}/\]|  g\d+[iu]\d+(?:\({WORDS}\)|\(\[{WORDS}\]\)|\{{{WORDS}\}}|\[{WORDS}\])"
    rf'|  g\d+[diu]\d+ (?:-->|-\.->)\|"(?:makes|starts from|runs in)"\| g\d+[diu]\d+'
)


def drawn(name: str, path: str, owner: str) -> Graph:
    build = Build(f"{path}/Dockerfile", "", "", f"{path}:1: {owner}", (name,), path=path, line=1)
    other = build._replace(dockerfile=f"other/{path}")
    collection = Collection([build, other])
    collection.add(Link(Use(path, 1, owner, name, "container", name), name, build))
    collection.add(Link(Use(path, 2, owner, name, "service", name), name, candidates=(build, other)))
    collection.add(Link(Use(path, 3, owner, "", "container", name), f"{name}x"))
    collection.add_base(build, Base(name, f"{path}:1: FROM {name}"))
    collection.add_base(other, Base(f"${name}", f"{path}:1: FROM ${name}", False))
    return collection.graph([build.dockerfile, other.dockerfile])


@given(TEXT, TEXT, TEXT)
def test_no_name_breaks_out_of_a_chart(name: str, path: str, owner: str) -> None:
    chart = mermaid([drawn(name, path, owner)])
    assert [line for line in chart.removesuffix("\n").split("\n") if not LINE.fullmatch(line)] == []


def test_a_label_says_what_it_stands_for() -> None:
    assert label('a"b#') == "a#34;b#35;"


def test_text_fits_into_eighty_columns() -> None:
    name = "registry.example.com/a-team/of-some-length/with-a-service:1.2.3"
    rows = [
        "".join(piece for piece, _ in line) for line in lines(drawn(name, "some/folder/of/them", "Deployment/shop"))
    ]
    assert max(map(len, rows)) <= 80
    assert f"  {name}" in rows


def test_the_path_stands_above_where_there_are_several() -> None:
    assert next(iter(lines(drawn("a", "b", "c"), "here"))) == [("here:", "bold")]
