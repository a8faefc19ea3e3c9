"""The documents of a YAML file that describes builds: plain values, and the lines that they are written in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fixer.errors import Unreadable
from fixer.syntax.yaml import parse
from fixer.understand.buildfacts import Hint, Steps
from fixer.understand.workloads import mapping


class Page:
    """One document of a hint: plain values, and the lines that they are written in."""

    def __init__(self, hint: Hint, document: Any) -> None:
        self.hint = hint
        self.document = document
        self.value: Mapping[Any, Any] = mapping(document.value)

    def line(self, path: Steps) -> int:
        """The line of the key or item at a path, or of the nearest thing above it."""
        node: Any = self.document.root
        start = node.start
        for step in path:
            entry = node.get(step) if isinstance(step, str) and hasattr(node, "get") else None
            items = getattr(node, "items", ())
            if entry is not None:
                start, node = entry.key.start, entry.value
            elif isinstance(step, int) and step < len(items):
                node = items[step]
                start = node.start
            else:
                break
        return int(self.document.line(start))

    def script(self, path: Steps) -> int:
        """How many lines stand above the first line of a text at a path."""
        node = self.document.find(path)
        if node is None:
            return self.line(path) - 1
        behind = self.hint.text[node.inner : self.hint.text.find("\n", node.inner)]
        return self.line(path) - (0 if re.match(r"[|>][\d+-]*\s*(?:#.*)?$", behind) else 1)


def pages(hint: Hint) -> list[Page]:
    """The documents of a file, none where it is no YAML."""
    try:
        return [
            Page(hint, document) for document in parse(hint.text.removeprefix("\ufeff")) if document.value is not None
        ]
    except Unreadable:
        return []
