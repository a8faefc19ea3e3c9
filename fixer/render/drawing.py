"""The graph of a repository as drawings: boxes in columns, from what images start from to who uses them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from fixer.render.graph import user
from fixer.render.words import plain
from fixer.tuples import NamedTuple
from fixer.understand.links import Edge, Graph, Image, ImageKind, Use

WIDTH = 320
_LINE = 16
_PAD = 12
_GAP = 14
_BETWEEN = 48
_MOST_LETTERS = 41
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")
_OUTSIDE = (ImageKind.OUTSIDE, ImageKind.UNKNOWN)
_WORDS = {
    ImageKind.BUILT: "",
    ImageKind.OTHER_TOOL: "made without a Dockerfile",
    ImageKind.AMBIGUOUS: "ambiguous: several builds",
    ImageKind.OUTSIDE: "from outside",
    ImageKind.UNKNOWN: "known to the build alone",
}


class Box(NamedTuple):
    """One thing: its corner, its size, its kind (`made`, `outside` or `use`), its lines, and the whole of its words."""

    x: int
    y: int
    height: int
    kind: str
    lines: tuple[tuple[int, str], ...]
    title: str


class Arrow(NamedTuple):
    """From one box to another: the commands of a path, and whether it goes by a name alone."""

    path: str
    by_name: bool


class Drawing(NamedTuple):
    """What belongs together: its size, its boxes and arrows, and the same in words."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    words: str

    @property
    def is_made_here(self) -> bool:
        """Whether something in it is made in this repository."""
        return any(box.kind == "made" for box in self.boxes)


class _Node(NamedTuple):
    key: str
    kind: str
    lines: tuple[str, ...]
    title: str


def drawings(graph: Graph, findings: Mapping[str, int]) -> Iterator[Drawing]:
    """The graph in parts that have nothing to do with each other; a base from outside is drawn in each that needs it.

    Args:
        graph: of one tree.
        findings: how many there are in a Dockerfile, by its path.
    """
    images = {image.id: image for image in graph.images}
    uses = {use.key: use for use in graph.uses}
    edges = [edge for edge in graph.edges if edge.kind != "makes"]
    inner = [edge for edge in edges if edge.kind == "uses" or images[edge.goal].kind not in _OUTSIDE]
    bases = {edge.goal for edge in edges if edge.kind == "base"}
    used = {edge.goal for edge in edges if edge.kind == "uses"}
    shown = [one.id for one in graph.images if one.kind not in _OUTSIDE or one.id in used or one.id not in bases]
    for keys in _parts([*shown, *uses], inner):
        yield _drawing(keys, [edge for edge in edges if edge.source in keys], images, uses, findings)


def _parts(keys: Iterable[str], edges: Iterable[Edge]) -> Iterator[dict[str, None]]:
    """The keys that edges join, each part in the order in which they came."""
    near: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        near[edge.source].append(edge.goal)
        near[edge.goal].append(edge.source)
    order = dict.fromkeys(keys)
    seen: set[str] = set()
    for key in order:
        if key in seen:
            continue
        part, pending = set[str](), [key]
        while pending:
            one = pending.pop()
            if one not in part:
                part.add(one)
                pending += near[one]
        seen |= part
        yield {one: None for one in order if one in part}


def _drawing(
    keys: Mapping[str, None],
    edges: list[Edge],
    images: Mapping[str, Image],
    uses: Mapping[str, Use],
    findings: Mapping[str, int],
) -> Drawing:
    nodes = {key: _use(uses[key]) if key in uses else _image(images[key], findings) for key in keys}
    nodes = {edge.goal: _image(images[edge.goal], findings) for edge in edges if edge.goal not in nodes} | nodes
    columns = _columns(nodes, edges)
    boxes = _placed(nodes, columns, edges)
    arrows = tuple(_arrow(boxes, edge) for edge in edges)
    width = (max(columns.values()) + 1) * (WIDTH + _BETWEEN) - _BETWEEN
    height = max(box.y + box.height for box in boxes.values())
    return Drawing(width + 2, height + 2, tuple(boxes.values()), arrows, "; ".join(_words(nodes, edges)))


def _columns(nodes: Mapping[str, _Node], edges: list[Edge]) -> dict[str, int]:
    """The column of each: an image stands right of what it starts from, and all uses stand in the last.

    The first is kept for what comes from outside, so that what is made here stands below each other in all parts.
    """
    below = {edge.source: edge.goal for edge in edges if edge.kind == "base"}
    out: dict[str, int] = {}
    for key, node in nodes.items():
        depth, at, seen = 0, key, {key}
        while at in below and below[at] not in seen:  # an image that starts from itself is one for the build to refuse
            at = below[at]
            seen.add(at)
            depth += 1
        if node.kind != "use":
            out[key] = depth + (nodes[at].kind == "made")
    last = max(out.values(), default=-1) + 1
    return {key: out.get(key, last) for key in nodes}


def _placed(nodes: Mapping[str, _Node], columns: Mapping[str, int], edges: list[Edge]) -> dict[str, Box]:
    """Boxes below each other in their columns, each near to what it is joined with on its left."""
    left: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        one, other = (edge.source, edge.goal) if columns[edge.source] > columns[edge.goal] else (edge.goal, edge.source)
        left[one].append(other)
    boxes: dict[str, Box] = {}
    for column in range(max(columns.values()) + 1):
        keys = [key for key in nodes if columns[key] == column]
        keys.sort(key=lambda key: min((boxes[one].y for one in left[key] if one in boxes), default=0))
        y = 1
        for key in keys:
            node = nodes[key]
            height = len(node.lines) * _LINE + _PAD
            rows = tuple((y + _LINE * (n + 1) + 1, _short(line)) for n, line in enumerate(node.lines))
            boxes[key] = Box(1 + column * (WIDTH + _BETWEEN), y, height, node.kind, rows, node.title)
            y += height + _GAP
    return boxes


def _arrow(boxes: Mapping[str, Box], edge: Edge) -> Arrow:
    one, other = boxes[edge.goal], boxes[edge.source]
    x, y = one.x + WIDTH, one.y + one.height // 2
    to_x, to_y = other.x, other.y + other.height // 2
    bend = max(_BETWEEN // 2, abs(to_x - x) // 2)
    return Arrow(f"M{x} {y} C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}", edge.confidence != "stated")


def _image(image: Image, findings: Mapping[str, int]) -> _Node:
    kind = "outside" if image.kind in _OUTSIDE else "made"
    lines = [plain(", ".join(image.names))] if image.names else []
    lines += [plain(image.dockerfile)] if image.dockerfile else []
    lines += [plain(f"target {image.target}")] if image.target else []
    lines += [_WORDS[image.kind]] if _WORDS[image.kind] else []
    number = findings.get(image.dockerfile, 0) if image.dockerfile else 0
    lines += [f"{number} finding{'' if number == 1 else 's'}"] if number else []
    return _Node(image.id, kind, tuple(lines), ", ".join(lines))


def _use(use: Use) -> _Node:
    lines = (plain(user(use)), plain(f"{use.path}:{use.line}"))
    return _Node(use.key, "use", lines, ", ".join(lines))


def _short(line: str) -> str:
    """A line that fits its box; of a long one the end says more than the middle, and a digest says nothing."""
    line = _DIGEST.sub("@…", line)
    if len(line) <= _MOST_LETTERS:
        return line
    tail = _MOST_LETTERS * 2 // 3
    return f"{line[: _MOST_LETTERS - tail - 1]}…{line[-tail:]}"


def _words(nodes: Mapping[str, _Node], edges: Iterable[Edge]) -> Iterator[str]:
    for edge in edges:
        verb = "starts from" if edge.kind == "base" else "runs"
        yield f"{nodes[edge.source].lines[0]} {verb} {nodes[edge.goal].lines[0]}"
