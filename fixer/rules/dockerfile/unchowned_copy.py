"""COPY or ADD leaves files with root that the application should own.

## What it finds
A COPY or ADD without `--chown` in an image that this run moves off root, with a destination in the folders of the
application: the working directory, a volume, a folder that the build makes for data. System folders such as `/usr`
and `/etc` stay with root, and so does the program in an image without a shell (scratch, distroless): it is there to
be run, not to be written.

## Why it matters
COPY makes files that belong to root, whatever USER says. An application that writes beside its code (caches, uploads,
an SQLite file) stops with "permission denied" as soon as it is not root.

## How safe the fix is
`--chown` takes numbers, so it works before the user exists, in images without a passwd file, and with `--link`. An ADD
that extracts an archive stays an ADD. With `ownership = "writable-paths"` in the configuration, code stays with root,
readable and not writable, and only the paths that must be writable are handed over.

## References
Dockerfile reference, COPY --chown; CIS Docker Benchmark 4.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixer.decide import NO_PASSWD, Decision
from fixer.model import Finding, Fix, Safety, SetFlag, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.understand.image import Copy
from fixer.understand.making import SYSTEM, below

_DATA = re.compile(r"/(?:data|cache|state|storage|uploads?|logs?|db|tmp|spool)/?$")

CARD = Card(
    id="DF006",
    name="unchowned-copy",
    title="COPY or ADD leaves the application's files with root",
    severity=Severity.MEDIUM,
    standards=("CIS Docker 4.1",),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each COPY and ADD that has to give its files away with the move off root."""
    for decision in view.moving:
        for copy in decision.image.copies:
            if _wants_owner(view, decision, copy):
                yield _finding(view, decision, copy)


def _wants_owner(view: DockerfileView, decision: Decision, copy: Copy) -> bool:
    flag = copy.item.flag("chown")
    if copy.destination is None or (flag is not None and not _is_root(flag.value)):
        return False
    if decision.image.family in NO_PASSWD:
        data = _DATA.search(copy.destination) is not None
        return data or any(below(copy.destination, path) for path, _ in decision.image.volumes)
    return any(below(copy.destination, w.path) for w in view.writable(decision)) or (
        view.config.ownership == "app" and copy.destination in _own_folders(decision)
    )


def _own_folders(decision: Decision) -> set[str]:
    """Folders that COPY makes for the application where no WORKDIR names one: `/app` in `COPY . /app`.

    Such a folder stands at the top, or what the process starts lies in it.
    """
    started = [word for _, words in decision.running.commands for word in words if word and word.startswith("/")]
    return {
        copy.destination
        for copy in decision.image.copies
        if copy.destination
        and copy.is_folder
        and copy.destination not in SYSTEM
        and (copy.destination.count("/") == 1 or any(below(word, copy.destination) for word in started))
    }


def _is_root(owner: str | None) -> bool:
    return (owner or "").split(":")[0] in ("", "0", "root")


def _finding(view: DockerfileView, decision: Decision, copy: Copy) -> Finding:
    identity = decision.identity
    assert identity is not None
    fix = Fix(
        f"add --chown={identity.owner}", Safety.SAFE, "", (SetFlag(copy.item.index, "chown", identity.owner),),
        view.group(decision.image.stage),
    )  # fmt: skip
    message = f"{copy.item.name} leaves {copy.destination} with root, and the image will run as {identity.user}"
    return view.finding(CARD, copy.item, message, reason=f"{copy.destination} belongs to the application", fix=fix)
