"""The graph of a repository as text for people, as a Mermaid flowchart, and as JSON."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap

from fixer.render.text import Line, many
from fixer.understand.links import Edge, Graph, Image, ImageKind, Use

VERSION = 1
_WIDTH = 80
_LEAD = 11
_TITLES = {
    ImageKind.BUILT: "made here",
    ImageKind.OTHER_TOOL: "made here without a Dockerfile",
    ImageKind.AMBIGUOUS: "ambiguous: several builds may make it, so that it is linked to none",
    ImageKind.OUTSIDE: "from outside",
}
# What stands in a label as itself; everything else becomes a number that no reader of Mermaid takes for syntax.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ./:-_@,")


class _Sides:
    """The edges of a graph by the two things that they join."""

    def __init__(self, graph: Graph) -> None:
        self.uses = {use.key: use for use in graph.uses}
        self.images = {image.id: image for image in graph.images}
        self.to: dict[str, list[Edge]] = defaultdict(list)
        self.of: dict[str, list[Edge]] = defaultdict(list)
        for edge in graph.edges:
            self.to[edge.goal].append(edge)
            self.of[edge.source].append(edge)


def lines(graph: Graph, path: str = "") -> Iterator[Line]:
    """The graph for people: a block for each image, those from outside at the end; the path stands above, if given."""
    sides = _Sides(graph)
    if path:
        yield [(f"{path}:", "bold")]
    for kind, title in _TITLES.items():
        images = [image for image in graph.images if image.kind is kind]
        if images:
            yield [(title, "bold")]
            for image in images:
                yield from _block(image, sides)
            yield [("", "")]


def title(image: Image) -> str:
    """What an image is called: its names, else its Dockerfile and target."""
    return ", ".join(image.names) or f"the image of {_source(image)}"


def _source(image: Image) -> str:
    return f"{image.dockerfile}, target {image.target}" if image.target else image.dockerfile


def _block(image: Image, sides: _Sides) -> Iterator[Line]:
    yield from _wrapped("  ", title(image), "bold")
    makes = [edge for edge in sides.to[image.id] if edge.kind == "makes"]
    for number, edge in enumerate(makes):
        if not number:
            yield from _row("made by", _source(image))
        yield from _row("", f"{edge.evidence}{_sure(edge)}")
    if image.args:
        yield from _row("args", ", ".join(f"{name}={value}" for name, value in image.args))
    lead = "perhaps" if image.kind is ImageKind.AMBIGUOUS else "made by"
    for number, place in enumerate(image.places):
        yield from _row("" if number else lead, place)
    for edge in (edge for edge in sides.of[image.id] if edge.kind == "base"):
        below = sides.images[edge.goal]
        where = edge.evidence.removesuffix(f": FROM {_base(below)}")
        unknown = ", which only the build knows" if below.kind is ImageKind.UNKNOWN else ""
        yield from _row("on", f"{_base(below)}{unknown} ({where})")
    above = [edge for edge in sides.to[image.id] if edge.kind == "base"]
    for number, edge in enumerate(above):
        where = edge.evidence.removesuffix(f": FROM {_base(image)}")
        yield from _row("" if number else "base of", f"{_base(sides.images[edge.source])} ({where})")
    users = [edge for edge in sides.to[image.id] if edge.kind == "uses"]
    for number, edge in enumerate(users):
        yield from _row("" if number else "used by", f"{user(sides.uses[edge.source])} ({edge.evidence})")


def user(use: Use) -> str:
    """Who uses an image, in words."""
    return use.owner if use.role == "service" else f"{use.owner}, {use.role} {use.container}".rstrip()


def _base(image: Image) -> str:
    return image.names[0] if image.names else title(image)


def _sure(edge: Edge) -> str:
    return "" if edge.confidence == "stated" else f" [{edge.confidence}]"


def _row(lead: str, text: str) -> Iterator[Line]:
    style = "dim" if lead else ""
    rows = _cut(text, _WIDTH - _LEAD - 2)
    for number, row in enumerate(rows):
        yield [(f"    {'' if number else lead:<{_LEAD - 2}}", style), (row, "")]


def _wrapped(lead: str, text: str, style: str) -> Iterator[Line]:
    for number, row in enumerate(_cut(text, _WIDTH - len(lead) - 2)):
        yield [(lead if not number else f"{lead}  ", ""), (row, style)]


def _cut(text: str, width: int) -> list[str]:
    """Rows of a text; a path or name that is longer stays whole, so that it can be copied."""
    return wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def closing(graphs: Iterable[Graph]) -> Line:
    """The counts in one line."""
    each = tuple(graphs)
    counts = Counter(image.kind for graph in each for image in graph.images if image.kind in _COUNTED)
    told = ", ".join(f"{counts[kind]} {word}" for kind, word in _COUNTED.items() if counts[kind])
    images = many(counts.total(), "image")
    return [(f"{images}{f' ({told})' if told else ''}, {many(sum(len(g.uses) for g in each), 'use')}", "bold")]


_COUNTED = {
    ImageKind.BUILT: "made here",
    ImageKind.OTHER_TOOL: "made without a Dockerfile",
    ImageKind.AMBIGUOUS: "ambiguous",
    ImageKind.OUTSIDE: "from outside",
}


# --- Mermaid -----------------------------------------------------------------------------------------------------


def mermaid(graphs: Iterable[Graph]) -> str:
    """A flowchart: Dockerfiles, images, and who uses them, from left to right; a dotted arrow goes by a name alone."""
    out = ["flowchart LR"]
    for number, graph in enumerate(graphs):
        out += _chart(graph, f"g{number}")
    return "\n".join(out) + "\n"


def _chart(graph: Graph, lead: str) -> Iterator[str]:
    """The nodes and arrows of one graph; names of nodes are numbers, so that no name of a repository is one."""
    names: dict[str, str] = {}
    for number, path in enumerate(graph.dockerfiles):
        names[f"dockerfile {path}"] = f"{lead}d{number}"
        yield f'  {lead}d{number}[/"{label(path)}"/]'
    for number, image in enumerate(graph.images):
        names[image.id] = f"{lead}i{number}"
        yield f"  {lead}i{number}{_shape(image)}"
    for number, use in enumerate(graph.uses):
        names[use.key] = f"{lead}u{number}"
        yield f'  {lead}u{number}["{label(user(use))}"]'
    for edge in graph.edges:
        source, goal = names[f"dockerfile {edge.source}" if edge.kind == "makes" else edge.source], names[edge.goal]
        if edge.kind == "uses":
            source, goal = goal, source
        arrow = "-->" if edge.confidence == "stated" else "-.->"
        word = {"makes": "makes", "base": "starts from", "uses": "runs in"}[edge.kind]
        yield f'  {source} {arrow}|"{word}"| {goal}'


def _shape(image: Image) -> str:
    names = label(title(image))
    if image.kind is ImageKind.AMBIGUOUS:
        return f'{{"{names}, ambiguous"}}'
    if image.kind is ImageKind.UNKNOWN:
        return f'(["{names}, known to the build alone"])'
    return f'(["{names}"])' if image.kind is ImageKind.OUTSIDE else f'("{names}")'


def label(text: str) -> str:
    """A text as Mermaid shows it, which cannot end the label that it stands in, nor be taken for HTML or Markdown."""
    return "".join(one if one in _PLAIN else f"#{ord(one)};" for one in text)


# --- JSON --------------------------------------------------------------------------------------------------------


def to_json(graphs: Mapping[str, Graph]) -> str:
    """Graphs by the paths that were named, as JSON text with a final newline.

    `fixer/render/graph.schema.json` documents it.
    """
    return f'{{\n"version": {VERSION},\n"graphs": {_list(_graph(path, graph) for path, graph in graphs.items())}\n}}\n'


def _graph(path: str, graph: Graph) -> str:
    rows = {
        "dockerfiles": (json.dumps(path) for path in graph.dockerfiles),
        "images": (json.dumps(_image(image)) for image in graph.images),
        "uses": (json.dumps(_use(use)) for use in graph.uses),
        "edges": (json.dumps(_edge(edge)) for edge in graph.edges),
    }
    parts = [f'"path": {json.dumps(path)}', *(f'"{name}": {_list(each)}' for name, each in rows.items())]
    return "{\n" + ",\n".join(parts) + "\n}"


def _list(rows: Iterable[str]) -> str:
    joined = ",\n".join(rows)
    return f"[\n{joined}\n]" if joined else "[]"


def _image(image: Image) -> dict[str, object]:
    return {**image._asdict(), "kind": image.kind.value, "args": dict(image.args)}


def _use(use: Use) -> dict[str, object]:
    return {"id": use.key, **use._asdict()}


def _edge(edge: Edge) -> dict[str, object]:
    return {
        "kind": edge.kind,
        "from": edge.source,
        "to": edge.goal,
        "evidence": edge.evidence,
        "confidence": edge.confidence,
    }
