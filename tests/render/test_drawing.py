"""The graph as drawings: what belongs together in one, in columns, and nothing on top of something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config
from fixer.engine import Choice
from fixer.render.drawing import WIDTH, Drawing, drawings
from fixer.render.report import Report
from fixer.understand.links import Edge, Graph, Image, ImageKind

FILES = {
    "base/Dockerfile": "FROM debian:12\n",
    "web/Dockerfile": 'FROM acme/base\nCMD ["./web"]\n',
    "tools/Dockerfile": "FROM scratch\nCOPY tool /tool\n",
    "compose.yaml": (
        "services:\n"
        "  base: {build: base, image: acme/base}\n"
        "  web: {build: web, image: acme/web}\n"
        "  worker: {image: acme/web}\n"
        f"  cache: {{image: 'redis:7@sha256:{'0123456789abcdef' * 4}'}}\n"
    ),
}


@pytest.fixture
def report(tmp_path: Path) -> Report:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return app.report([tmp_path], Config(), Choice(), drawn=True)


def drawn(report: Report) -> dict[str, Drawing]:
    ((_, graph),) = report.graphs
    found = drawings(graph, {"web/Dockerfile": 2, "base/Dockerfile": 1})
    return {one.boxes[-1].lines[0][1]: one for one in found}


def columns(drawing: Drawing) -> list[list[str]]:
    rows: dict[int, list[str]] = {}
    for box in drawing.boxes:
        rows.setdefault((box.x - 1) // WIDTH, []).append(" | ".join(line for _, line in box.lines))
    return [rows[n] for n in sorted(rows)]


def test_from_the_base_to_its_users(report: Report) -> None:
    found = drawn(report)
    (shop,) = (one for one in found.values() if len(one.boxes) > 2)
    assert columns(shop) == [
        ["debian:12 | from outside"],
        ["acme/base | base/Dockerfile | 1 finding"],
        ["acme/web | web/Dockerfile | 2 findings"],
        ["service base | compose.yaml:2", "service web | compose.yaml:3", "service worker | compose.yaml:4"],
    ]
    assert "acme/web starts from acme/base" in shop.words
    assert "service worker runs acme/web" in shop.words
    assert len(shop.arrows) == 5


def test_what_is_made_here_has_its_column(report: Report) -> None:
    one = drawn(report)["tools/Dockerfile"]
    assert one.is_made_here
    assert [box.x for box in one.boxes] == [
        box.x for d in drawn(report).values() for box in d.boxes if "base/" in box.title
    ]


def test_an_image_from_outside_is_apart(report: Report) -> None:
    one = drawn(report)["service cache"]
    assert not one.is_made_here
    assert columns(one) == [["redis:7@… | from outside"], ["service cache | compose.yaml:5"]]
    assert "0123456789abcdef" in one.boxes[0].title


def test_no_box_is_on_another_or_outside(report: Report) -> None:
    for one in drawn(report).values():
        places = [(box.x, box.y, box.x + WIDTH, box.y + box.height) for box in one.boxes]
        for n, (x, y, right, bottom) in enumerate(places):
            assert 0 < x < right < one.width
            assert 0 < y < bottom < one.height
            for a, b, c, d in places[n + 1 :]:
                assert right <= a or c <= x or bottom <= b or d <= y


def test_images_that_start_from_each_other_end() -> None:
    pair = tuple(Image(name, ImageKind.BUILT, (name,), f"{name}/Dockerfile") for name in "ab")
    edges = (Edge("base", "a", "b", ""), Edge("base", "b", "a", "", "named"))
    (one,) = drawings(Graph((), pair, (), edges), {})
    assert len(one.boxes) == len(one.arrows) == 2
    assert [arrow.by_name for arrow in one.arrows] == [False, True]
