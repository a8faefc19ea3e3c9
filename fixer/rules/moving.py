"""The fix that takes an image off root, which several rules lead with: the user, USER, and the stages behind it."""

from __future__ import annotations

from collections.abc import Iterator

from fixer.assess import assess
from fixer.decide import FOREIGN, Decision
from fixer.facts import family, style
from fixer.lazy import regex
from fixer.model import Change, CreateUser, Fix, Refusal, ReplaceText, SetUser, Span, StartAsRoot
from fixer.rules.base import DockerfileView
from fixer.understand.image import Image
from fixer.understand.making import below
from fixer.understand.private import Private
from fixer.understand.stages import Stage
from fixer.understand.users import word_span
from fixer.understand.writable import is_key

_ROOT = regex(r"(?:root|0)(?::.*)?")

# Packages and commands that make accounts, as `installed` is asked for them.
_TOOLS = ("shadow", "useradd")


def move(view: DockerfileView, decision: Decision) -> Fix:
    """The fix that moves one image to its identity.

    Args:
        view: the Dockerfile.
        decision: an image that runs as root, with an identity.
    """
    identity = decision.identity
    assert identity is not None
    own = view.config.ownership == "app"
    shut, left = tuple(_shut(view, decision)), view.filling(decision).left
    safety, risk = assess(decision, view.writable(decision), own, shut, left)
    stage = decision.image.stage
    changes: list[Change] = [SetUser(stage.index, identity.user)]
    new = identity.new
    if new is not None and style(decision.image.family, decision.image.facts) != "none":
        packages = tuple(sorted(installed(decision.image))) if family(decision.image.family).install_command else ()
        changes.append(CreateUser(stage.index, decision.image.family, new.name, new.uid, new.gid, new.home, packages))
    if identity.pin is not None and identity.pin.add is not None:
        changes.append(pin(decision, identity.uid))
    first = stage.chain[0] if decision.shares_with == FOREIGN else stage
    if decision.shares_with is not None and any(first.of("RUN")):
        changes.append(StartAsRoot(first.index))
    moved = {d.image.stage.index for d in view.moving}
    for child in _builders(stage, moved):
        changes.append(StartAsRoot(child.index))
        if not any(child.of("USER")):
            changes.append(SetUser(child.index, identity.user))
    changes += [SetUser(builder.index, _last_identity(view)) for builder in _left_as_root(view)]
    changes += numeric_root(view)
    title = f"run as {identity.user}, {identity.evidence}"
    return Fix(title, safety, risk, tuple(changes), view.group(stage), leads=True)


def _shut(view: DockerfileView, decision: Decision) -> Iterator[Private]:
    """What a COPY of the image brings, only root can use, and no `--chown` hands over."""
    folders = [one.path for one in view.writable(decision)]
    for copy in decision.image.all_copies:
        if copy.item.flag("chown") is not None or any(below(copy.destination or "", path) for path in folders):
            continue
        found = view.private(decision, copy)
        if found is not None and (is_key(found.path) or not found.mendable):
            yield found


def _last_identity(view: DockerfileView) -> str:
    """The user of the last image that moves: one for all stages that only build, whoever asks."""
    identity = view.moving[-1].identity
    assert identity is not None
    return identity.user


def _left_as_root(view: DockerfileView) -> Iterator[Stage]:
    """Stages that only build and whose last USER says root.

    What is copied out of them does not depend on it, but whoever judges a file judges each of its stages, and each
    should end as somebody else. A stage that others start from is not among them: they would inherit it.
    """
    if not view.moving:
        return
    runs = {decision.image.stage.index for decision in view.decisions}
    for stage in view.stages:
        own = view.images[stage.index].own_user
        if stage.index in runs or stage.children or own is None or view.images[stage.index].family == "windows":
            continue
        if _ROOT.fullmatch(own.args):
            yield stage


def _ends(image: Image) -> bool:
    """Whether the last USER of a stage stands behind all its build steps, so that it decides who runs."""
    last = image.own_user
    return last is not None and not any(
        item.index > last.index for item in image.stage.body if item.keyword in ("RUN", "COPY", "ADD", "WORKDIR")
    )


def numeric_root(view: DockerfileView) -> Iterator[ReplaceText]:
    """`USER root` in front of build steps, as a number like every other USER of a file that is changed."""
    images = [*(d.image for d in view.decisions), *(view.images[stage.index] for stage in _left_as_root(view))]
    last = {image.own_user.index for image in images if image.own_user is not None and _ends(image)}
    for stage in view.stages:
        for item in stage.of("USER"):
            if item.args == "root" and item.index not in last and view.images[stage.index].family != "windows":
                start = item.args_start
                yield ReplaceText(item.source_span(start, start + len(item.args)), "0")


def stays(view: DockerfileView, decision: Decision) -> Refusal | None:
    """Why a fix that hands something to the user of this image cannot be made, or None.

    The image may stay root, because the rule that moves it is left out of the run, or ignored in the file.
    """
    names = {"DF001", "root-user"}
    left_out = bool(view.selected) and not names & view.selected
    if not decision.is_root or not (left_out or any(names & ignore.used for ignore in view.ignores)):
        return None
    return Refusal("stays-root", "the user of the image comes with rule root-user, which is left out or ignored here")


def _builders(stage: Stage, moved: set[int]) -> Iterator[Stage]:
    """Stages that start from this one, build something, and would suddenly not be root."""
    for child in stage.children:
        if child.index in moved:
            continue
        if any(i.keyword == "RUN" for i in child.body):
            yield child
        else:
            yield from _builders(child, moved)


def installed(image: Image) -> frozenset[str]:
    """Packages with the tools for accounts that the file itself installs in the chain of an image."""
    return frozenset(
        package
        for item in image.runs_about(_TOOLS)
        for install in image.shell(item).installs
        for package in install.packages
    )


def pin(decision: Decision, uid: int) -> ReplaceText:
    """Give a number to an account that the file creates without one."""
    identity = decision.identity
    assert identity is not None
    assert identity.pin is not None
    add, item = identity.pin.add, identity.pin.item
    assert add is not None
    assert item is not None
    first = word_span(item, add.command.words[0])
    assert first is not None
    at = first.end
    option = "-u" if add.tool == "adduser" else "--uid"
    return ReplaceText(Span(at, at), f" {option} {uid}")
