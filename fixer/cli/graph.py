"""`fixer graph`: which Dockerfile makes which image, on what, and who uses it."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from fixer.cli.options import ConfigOption, NoConfigOption, Paths

HELP = (
    "Show which Dockerfile makes which image, what it starts from, and who uses it."
    " Exit code: 0 shown, 2 error, 3 nothing to look at."
)


class GraphFormat(StrEnum):
    """The formats of a graph."""

    TEXT = "text"
    MERMAID = "mermaid"
    JSON = "json"


FormatOption = Annotated[GraphFormat, typer.Option("--format", help="How to show it.")]


def command(
    paths: Paths = None,
    output: FormatOption = GraphFormat.TEXT,
    config: ConfigOption = None,
    no_config: NoConfigOption = False,
) -> None:
    """Parse words, draw, print, set the exit code."""
    from pathlib import Path

    from fixer import app, console
    from fixer.cli.runs import Options, configured
    from fixer.render import graph as render
    from fixer.render.text import skipped

    paths = paths or [Path()]
    drawn = app.graph(*paths, config=configured(paths, Options(config=config, no_config=no_config)))
    graphs = {str(path): one.graph for path, one in zip(paths, drawn, strict=True)}
    if output is GraphFormat.TEXT:
        for path, graph in graphs.items():
            console.show(render.lines(graph, path if len(graphs) > 1 else ""))
    elif output is GraphFormat.MERMAID:
        console.text(render.mermaid(graphs.values()))
    else:
        console.text(render.to_json(graphs))
    console.show(skipped(row for one in drawn for row in one.skipped), sys.stderr)
    console.show([render.closing(graphs.values())], sys.stderr)
    raise typer.Exit(0 if any(graph.images for graph in graphs.values()) else 3)
