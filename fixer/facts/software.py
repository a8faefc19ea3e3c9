"""Facts on programs: which ones need root by nature, what they write, which ports they bind, who wants a home."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from fixer.tuples import NamedTuple


class Software(NamedTuple):
    """One program, by the name it is started with.

    `root` is a refusal code when the program needs root by nature and `why` says so; `writes` are absolute folders
    that it writes as its packages lay it out; `ports` are its defaults; `home` tells that it keeps files in
    $HOME; `builds` are folders below the working directory that it writes when it runs, as its build does.
    `families` are the base-image families in which the name means this program; empty for all.
    Source: manual pages and package file lists, as named in `data/software.json`.
    """

    name: str
    root: str = ""
    why: str = ""
    writes: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    home: bool = False
    builds: tuple[str, ...] = ()
    families: tuple[str, ...] = ()


@cache
def _programs() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("data") / "software.json"
    programs: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))["programs"]
    return programs


def software(name: str) -> Software | None:
    """Facts on a program by its file name (`nginx`, `catalina.sh`), or None."""
    row = _programs().get(name)
    if row is None:
        return None
    return Software(
        name,
        row.get("root", ""),
        row.get("why", ""),
        tuple(row.get("writes", ())),
        tuple(row.get("ports", ())),
        row.get("home", False),
        tuple(row.get("builds", ())),
        tuple(row.get("families", ())),
    )
