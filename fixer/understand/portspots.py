"""Where a port stands in the files of a repository, and what must be written there when it moves."""

from __future__ import annotations

import re
from typing import Any

from fixer.model import Edit, SetKey, Span
from fixer.syntax.yaml import Document, Scalar
from fixer.tuples import NamedTuple

SCHEMES = {80: "http", 443: "https"}
"""The ports that a URL means without naming them."""


class Move(NamedTuple):
    """A port that an image binds, and the one that it will bind."""

    old: int
    new: int

    def number(self) -> re.Pattern[str]:
        """The old port as a number of its own: no part of a longer one, of a version or of an address."""
        return re.compile(rf"(?<![\w.])0*{self.old}(?![\w.]|:\d)")


class Spot(NamedTuple):
    """One place that changes: its line, what it is, and the edit, or for a key that is missing the change.

    In YAML, `document` and `steps` lead to the value, and `value` is what it becomes.
    """

    path: str
    line: int
    what: str
    edit: Edit | None
    document: int = -1
    steps: tuple[str | int, ...] = ()
    value: Any = None
    change: SetKey | None = None


class Stuck(Exception):
    """A place that names the port and cannot be edited, so that the port stays: `place`, and why."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place}: {why}")
        self.place = place
        self.why = why


def scalar_spot(path: str, document: Document, steps: tuple[str | int, ...], move: Move, what: str) -> Spot:
    """The spot of a scalar in which the old port stands once.

    Raises:
        Stuck: when it is not written there itself, is used at other places too, or names the port more than once.
    """
    node = document.find(steps)
    line = document.line(node.start) if node is not None else document.line(document.root.start)
    place = f"{path}:{line}"
    if not isinstance(node, Scalar) or node.aliased:
        raise Stuck(place, f"{what} comes from an anchor")
    text = document.text[node.inner : node.end]
    found = list(move.number().finditer(text))
    if len(found) != 1:
        raise Stuck(place, f"{what} names port {move.old} in a way that is not understood")
    start = node.inner + found[0].start()
    value = node.value
    after = move.new if isinstance(value, int) else move.number().sub(str(move.new), str(value))
    return Spot(
        path, line, what, Edit(Span(start, node.inner + found[0].end()), str(move.new)), document.index, steps, after
    )
