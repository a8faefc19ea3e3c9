"""Temporary until merged."""

from __future__ import annotations

import re

from fixer.errors import Unreadable
from fixer.model import Skipped
from fixer.syntax.yaml import Document, parse_slice, slices

MATTERS = re.compile(r"""[cC]ontainers["']?\s*:|\bpredictor["']?\s*:""")
_TEMPLATED = re.compile(r"\{%-?\s|^[ \t]*#@", re.MULTILINE)


def read_manifests(path: str, text: str) -> tuple[list[Document], list[Skipped]]:
    docs, skipped = [], []
    for part in slices(text, MATTERS):
        piece = text[part.span.start : part.span.end]
        if ("{{" in piece and "}}" in piece) or _TEMPLATED.search(piece):
            skipped.append(Skipped(path, "template", f"document {part.number} is a template"))
            continue
        try:
            docs.append(parse_slice(text, part))
        except Unreadable as error:
            skipped.append(Skipped(path, error.reason, error.message))
    return docs, skipped
