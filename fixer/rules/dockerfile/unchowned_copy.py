"""COPY or ADD leaves files with root that the application should own.

## What it finds
A COPY or ADD without `--chown` in an image that this run moves off root, with a destination in the folders of the
application: the working directory, a volume, a folder that the build makes for data. System folders such as `/usr`
and `/etc` stay with root, and so does the program in an image without a shell (scratch, distroless): it is there to
be run, not to be written. Wherever it goes, what only its owner can read or start counts too: a file with mode 0600 or
0700 in the build context, from a URL, or by a step of the stage that it is copied out of.

## Why it matters
COPY makes files that belong to root, whatever USER says. An application that writes beside its code (caches, uploads,
an SQLite file) stops with "permission denied" as soon as it is not root.

## How safe the fix is
`--chown` takes numbers, so it works before the user exists, in images without a passwd file, and with `--link`. An
ADD that extracts an archive stays an ADD. Where git reads the repository in a later step of root, which it refuses in
the folder of another user, the files change hands behind that step instead. With `ownership = "writable-paths"` in
the configuration, code stays with root, readable and not writable, and only the paths that must be writable are
handed over.

## References
Dockerfile reference, COPY --chown; CIS Docker Benchmark 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import NO_PASSWD, Decision
from fixer.lazy import regex
from fixer.model import Finding, Fix, HandOver, Safety, SetFlag, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.syntax.dockerfile import Instruction
from fixer.understand.gitowner import asked, with_repository
from fixer.understand.image import Copy
from fixer.understand.making import SYSTEM, below
from fixer.understand.writable import may_go

# What is called data here is read.
_CONTENT = ("/bin", "/boot", "/etc", "/lib", "/root", "/sbin", "/tmp", "/usr")
_DATA = regex(r"/(?:data|cache|state|storage|uploads?|logs?|db|tmp|spool)/?$")

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
        moved = {other.image.stage.index for other in view.moving} - {decision.image.stage.index}
        for copy in decision.image.all_copies:
            found = _given_away(view, decision, copy)
            if found is None or decision.image.stage_of(copy.item).index in moved:
                continue
            later = asked(decision.image, found[0], copy.item.index) if with_repository(decision.image, copy) else None
            if later is None or not _goes_later(view, decision, found[0], later):
                yield _finding(view, decision, copy, *found, later)


def _goes_later(view: DockerfileView, decision: Decision, path: str, later: Instruction) -> bool:
    """Whether all of a folder changes hands in a step, or behind it."""
    own = (one for one in view.writable(decision) if one.recursive and below(path, one.path))
    return any((one.run or later).index >= later.index for one in own)


def _given_away(view: DockerfileView, decision: Decision, copy: Copy) -> tuple[str, str] | None:
    """What of a COPY has to change hands, and why; None when nothing has to."""
    flag = copy.item.flag("chown")
    if copy.destination is None or (flag is not None and not _is_root(flag.value)):
        return None
    if _of_application(view, decision, copy.destination):
        return copy.destination, f"{copy.destination} belongs to the application"
    found = view.private(decision, copy)
    return (found.path, found.why) if found is not None and found.mendable and may_go(found.path) else None


def _of_application(view: DockerfileView, decision: Decision, destination: str) -> bool:
    if decision.image.family in NO_PASSWD:
        data = _DATA.search(destination) is not None
        return data or any(below(destination, path) for path, _ in decision.image.volumes)
    return any(below(destination, w.path) for w in view.writable(decision) if w.path != "/tmp") or (
        view.config.ownership == "app" and (destination in _own_folders(decision) or _for_data(destination))
    )


def _for_data(destination: str) -> bool:
    """Whether the name of a folder says that the application keeps data there: `/opt/shop/data`."""
    return _DATA.search(destination) is not None and not any(below(destination, place) for place in _CONTENT)


def _own_folders(decision: Decision) -> set[str]:
    """Folders that COPY makes for the application where no WORKDIR names one: `/app` in `COPY . /app`.

    Such a folder stands at the top, or what the process starts lies in it.
    """
    own = decision.image.copies
    started = [word for _, words in decision.running.commands for word in words if word and word.startswith("/")]
    return {
        copy.destination
        for copy in decision.image.all_copies
        if copy.destination
        and copy.is_folder
        and copy.destination not in SYSTEM
        and (
            (copy in own and copy.destination.count("/") == 1) or any(below(word, copy.destination) for word in started)
        )
    }


def _is_root(owner: str | None) -> bool:
    return (owner or "").split(":")[0] in ("", "0", "root")


def _finding(
    view: DockerfileView, decision: Decision, copy: Copy, path: str, reason: str, later: Instruction | None
) -> Finding:
    identity = decision.identity
    assert identity is not None
    image, owner, group = decision.image, identity.owner, view.group(decision.image.stage)
    if later is not None:
        reason = f"{reason}; line {later.line} runs git there as root, which refuses a folder of another user"
        step = HandOver(image.stage.index, path, owner, recursive=True, make=False)
        fix = Fix(f"hand {path} over to {owner} behind that step", Safety.SAFE, "", (step,), group)
    else:
        fix = Fix(f"add --chown={owner}", Safety.SAFE, "", (SetFlag(copy.item.index, "chown", owner),), group)
    who = view.who(decision, copy.item)
    message = f"{copy.item.name} leaves {path} with root, and {who} will run as {identity.user}"
    return view.finding(CARD, copy.item, message, reason=reason, fix=fix)
