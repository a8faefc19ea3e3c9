"""Base images that could be exchanged for one that is not root to begin with.

The table is `data/hardened.json`, read from top to bottom. A row is a proposal to a person, never a change
made unasked: what it leads to may have no shell, other ports or another distribution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from fixer.facts.images import ImageRef, load_json
from fixer.tuples import NamedTuple


class Hardened(NamedTuple):
    """One way from a base image to a non-root alternative.

    `to` is the reference to write; `uid` the number it runs as; `needs_no_shell` whether RUN and shell-form
    CMD stop working; `ports` the ports that move, old to new.
    """

    to: str
    uid: int
    needs_no_shell: bool
    notes: str
    source: str
    confidence: str
    ports: Mapping[int, int] = MappingProxyType({})


@cache
def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = load_json("hardened.json")
    return rows


def hardened(ref: ImageRef | str) -> tuple[Hardened, ...]:
    """The non-root alternatives to an image, best first; () when none is known.

    In `to` of a row, {tag} stands for the tag that was asked about, {0} for the first group of the row's
    `tags`. A reference with a digest and no tag has none, because its tag is unknown. Raises ValueError for a
    text that is no image reference.
    """
    return _hardened(ImageRef.parse(ref) if isinstance(ref, str) else ref)


@cache
def _hardened(ref: ImageRef) -> tuple[Hardened, ...]:
    if ref.digest and not ref.tag:
        return ()
    tag = ref.tag or "latest"
    found = []
    for row in _rows():
        if ref.registry != row.get("registry", "docker.io") or ref.repository not in row["repository"]:
            continue
        match = re.fullmatch(row.get("tags", ".*"), tag)
        if match is None:
            continue
        ports = {int(old): new for old, new in row.get("ports", {}).items()}
        found.append(
            Hardened(
                to=row["to"].format(*match.groups(default=""), tag=tag, repository=ref.repository),
                uid=row["uid"],
                needs_no_shell=row["needs_no_shell"],
                notes=row["notes"],
                source=row["source"],
                confidence=row["confidence"],
                ports=MappingProxyType(ports),
            )
        )
    return tuple(found)
