"""The application cannot write a folder that it has to write.

## What it finds
In an image that is moved off root: the working directory, a VOLUME, a folder that the build makes for data, and the
folders that the base image or the program is known to write, where they still belong to root. In an image that has a
non-root USER already: a VOLUME that nobody handed to it.

## Why it matters
The first write fails with "permission denied": a pid file, a cache, an upload, a database. It is the commonest reason
why a change to non-root is taken back.

## How safe the fix is
The folders are made (if they may be missing), log files too, and handed over in the same RUN that creates the user,
before VOLUME, because the classic builder drops what is changed behind it. What lies below the working directory
changes hands where it is put there, so that no layer doubles: by COPY --chown, and by a chown at the end of the RUN
that downloads, unpacks, clones, installs or builds it. What such a step leaves and cannot be given away there makes the
fix `review`.

## References
Dockerfile reference, VOLUME, "Changing the volume from within the Dockerfile"; CIS Docker Benchmark 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import NO_PASSWD, Decision, owners
from fixer.model import Finding, Fix, HandOver, Refusal, Safety, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.understand.creations import given
from fixer.understand.image import OWNERS
from fixer.understand.making import below, made
from fixer.understand.places import container_path
from fixer.understand.shellaccounts import UserAdd
from fixer.understand.writable import Writable, open_to_all, stays_open

# The flags of a command that makes no home, of those that make one unless they are told not to.
_MAKES_NONE = {"adduser": {"no-create-home"}, "deb-adduser": {"system", "no-create-home", "group"}}

CARD = Card(
    id="DF007",
    name="unwritable-path",
    title="The application cannot write a folder that it has to write",
    severity=Severity.MEDIUM,
    standards=("CIS Docker 4.1",),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each folder that must change hands."""
    for decision in view.moving:
        for folder in view.writable(decision):
            if decision.image.family in NO_PASSWD and folder.path == decision.image.workdir:
                continue  # what lies there can be read, and nothing in the image can change its owner
            settled = folder.run is None and (
                _open_already(decision, folder) or _handed_over(decision, folder) or _home_of_another(decision, folder)
            )
            if not settled and not _by_parent(view, decision, folder):
                yield _moved(view, decision, folder)
    for decision in view.decisions:
        if not decision.is_root and decision.identity is not None and decision.image.own_user is not None:
            yield from _volumes(view, decision)


def _open_already(decision: Decision, folder: Writable) -> bool:
    """Whether only the folder itself is needed, and the base image lets everybody write it."""
    return not folder.recursive and stays_open(decision.image, folder.path)


def _home_of_another(decision: Decision, folder: Writable) -> bool:
    """Whether this is known to be written as the home of a user of the base image who will not run here."""
    image, identity = decision.image, decision.identity
    if folder.item is not None or image.facts is None or identity is None:
        return False
    return any(user.home == folder.path and user.uid != identity.uid for user in image.facts.users)


def _by_parent(view: DockerfileView, decision: Decision, folder: Writable) -> bool:
    """Whether the stage that this one starts from, and that moves too, hands the folder over."""
    return any(
        folder.path == other.path and folder.run in (None, other.run)
        for elder in view.moving
        if elder.image.stage.index == decision.shares_with
        for other in view.writable(elder)
    )


def _moved(view: DockerfileView, decision: Decision, folder: Writable) -> Finding:
    image, identity = decision.image, decision.identity
    assert identity is not None
    item = folder.run or folder.item
    at = item if item is not None and (item in image.stage.body or folder.run is not None) else image.stage.start
    who = view.who(decision, at) if folder.run is not None else "the image"
    message = f"{folder.path} belongs to root, and {who} will run as {identity.user}"
    if image.family in NO_PASSWD:
        refusal = Refusal(
            "no-shell",
            f"the image has no shell to hand over {folder.path}; mount a volume there if the program writes to it",
        )
        return view.finding(CARD, at, message, reason=folder.why, refusal=refusal, severity=Severity.INFO)
    step = _step(decision, folder, identity.owner)
    fix = Fix(f"hand {folder.path} over to {identity.owner}", Safety.SAFE, "", (step,), view.group(image.stage))
    return view.finding(CARD, at, message, reason=folder.why, fix=fix)


def _step(decision: Decision, folder: Writable, owner: str) -> HandOver:
    image, make = decision.image, not folder.exists
    if folder.run is not None:
        stage = image.stage_of(folder.run)
        return HandOver(stage.index, folder.path, owner, folder.recursive, make, run=folder.run.index)
    early = _before_volume(decision, folder)
    if early >= 0 and folder.item is not None and folder.item.index > early:
        make = True  # what makes it stands behind the VOLUME
    return HandOver(image.stage.index, folder.path, owner, folder.recursive, make, early, file=folder.file)


def _before_volume(decision: Decision, folder: Writable) -> int:
    """The index of the VOLUME that the folder must change hands before, or -1 where the usual place is early enough.

    Behind VOLUME, the classic builder drops what a later step changes.
    """
    body = decision.image.stage.body
    volume = next((item for path, item in decision.image.volumes if below(folder.path, path) and item in body), None)
    if volume is None or decision.image.user_at(volume).root is not True:
        return -1
    builds = any(item.keyword in ("RUN", "COPY", "ADD", "WORKDIR") and item.index > volume.index for item in body)
    return volume.index if builds else -1


def _made_as_root(decision: Decision, folder: Writable) -> bool:
    """Whether a step that root runs makes this folder of the home, where the commands that create users leave it so."""
    identity, image = decision.identity, decision.image
    assert identity is not None
    if folder.item is None or (identity.new is None and folder.path == identity.home):
        return False
    return folder.item.keyword == "WORKDIR" and image.user_at(folder.item).root is not False


def _own_home(decision: Decision, folder: Writable) -> bool:
    """Whether the command that creates the chosen user makes this folder, as its home and before anything else does."""
    image, identity = decision.image, decision.identity
    assert identity is not None
    account = image.accounts.get(identity.name)
    if folder.recursive or account is None or account.add is None or account.item is None:
        return False
    home = account.home or f"/home/{account.name}"
    if folder.path != home or not _makes_home(account.add):
        return False
    since = account.item.index
    early = [one.path for one in made(image) if one.item.index < since]
    early += [copy.destination or "" for copy in image.all_copies if copy.item.index < since]
    early += [stage.workdir(i) or "" for stage in image.stage.chain for i in stage.of("WORKDIR") if i.index < since]
    return not any(below(path, home) for path in early)


def _makes_home(add: UserAdd) -> bool:
    """Whether a command that creates a user surely makes a home for it."""
    if add.command.conditional or add.tool == "passwd-file":
        return False
    flags = given(add).flags
    return "create-home" in flags if add.tool == "useradd" else not flags & _MAKES_NONE[add.tool]


def _made_by_itself(decision: Decision, folder: Writable) -> bool:
    """Whether a step that the chosen user runs makes this folder."""
    image, identity = decision.image, decision.identity
    assert identity is not None
    if folder.item is None or folder.item.keyword != "RUN":
        return False
    user = image.user_at(folder.item)
    return user.root is False and (user.uid == identity.uid or user.name == identity.name != "")


def _handed_over(decision: Decision, folder: Writable) -> bool:
    """Whether the build gives this folder to the chosen user already."""
    image, identity = decision.image, decision.identity
    assert identity is not None
    names = owners(decision)
    if _own_home(decision, folder) or _made_by_itself(decision, folder):
        return True
    if identity.home.startswith("/home/") and below(folder.path, identity.home) and not _made_as_root(decision, folder):
        return True
    facts = image.facts
    if facts is not None and facts.runs_as_root is False and facts.default_uid == identity.uid:
        given = (*facts.writable_paths, *facts.volumes)
        if any(below(folder.path, path) for path in given):
            return True
    for item in image.runs_about(OWNERS):
        stage = image.stage_of(item)
        for chown in image.shell(item).chowns:
            expanded = image.expand(chown.owner, item) or chown.owner
            paths = [container_path(path.removesuffix("/*"), chown.command, stage, item) for path in chown.paths]
            if expanded in names and any(path and below(folder.path, path) for path in paths):
                return True
    return False


def _volumes(view: DockerfileView, decision: Decision) -> Iterator[Finding]:
    image, identity = decision.image, decision.identity
    assert identity is not None
    for path, item in image.volumes:
        folder = Writable(path, f"line {item.line}: VOLUME", True, False, item)
        if item not in image.stage.body or open_to_all(path):
            continue
        if _handed_over(decision, folder) or _made_by_user(decision, path):
            continue
        message = f"VOLUME {path} belongs to root, and the image runs as {identity.user}"
        own = image.own_user
        if own is None or image.family in NO_PASSWD or image.user_at(own).root is not True:
            refusal = Refusal(
                "no-root-step",
                f"no step of this stage runs as root, so {path} cannot be handed over here; do it where it is made",
            )
            yield view.finding(CARD, item, message, reason=folder.why, refusal=refusal, severity=Severity.INFO)
            continue
        fix = Fix(
            f"hand {path} over to {identity.owner}", Safety.REVIEW,
            "the folder changes hands; leave it out if the program never writes there",
            (HandOver(image.stage.index, path, identity.owner, True, True),),
        )  # fmt: skip
        yield view.finding(CARD, item, message, reason=folder.why, fix=fix)


def _made_by_user(decision: Decision, path: str) -> bool:
    """Whether a COPY hands it over, or a step behind USER makes it."""
    image = decision.image
    if any(c.destination and below(path, c.destination) and c.item.flag("chown") for c in image.all_copies):
        return True
    facts = image.facts
    if facts is not None and any(below(path, p) for p in facts.writable_paths):
        return True
    for stage in image.stage.chain:
        for item in stage.body:
            named = item.keyword == "WORKDIR" and stage.workdir(item) == path
            made = item.keyword == "RUN" and path in item.logical
            if (named or made) and image.user_at(item).root is False:
                return True
    home = image.accounts.get(image.user.name)
    return home is not None and bool(home.home) and below(path, home.home)
