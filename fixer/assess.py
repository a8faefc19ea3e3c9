"""How safe it is to move one image off root: what the evidence covers, and what stays open, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from fixer.decide import NO_PASSWD, Decision, unfamiliar
from fixer.model import Safety
from fixer.understand.listening import bound, privileged
from fixer.understand.making import SYSTEM, unknown_folders
from fixer.understand.private import Private, masked
from fixer.understand.writable import Writable, keys

_SHOWN = 3


def assess(
    decision: Decision,
    writables: tuple[Writable, ...],
    owns_code: bool,
    shut: tuple[Private, ...] = (),
    left: tuple[str, ...] = (),
) -> tuple[Safety, str]:
    """Safety and risk of the move; `safe` only when nothing stays open.

    Args:
        decision: an image with an identity.
        writables: the folders that its process writes.
        owns_code: whether the working directory and the code are handed over too.
        shut: what COPY brings, only root can use, and no `--chown` hands over.
        left: what else stays with root or is not known, in sentences.

    Returns:
        The safety, and one sentence on what to look at (empty when safe).
    """
    risks: dict[str, None] = {}
    if not owns_code and decision.image.family not in NO_PASSWD:
        risks["the code stays with root, so the program cannot write beside it"] = None
    for risk in chain(_held(decision), _shut(decision, shut), _risks(decision, writables), left):
        risks[risk] = None
        if len(risks) == _SHOWN:  # the others are not looked for, because some of them are dear
            break
    return (Safety.REVIEW, "; ".join(risks)) if risks else (Safety.SAFE, "")


def _risks(decision: Decision, writables: tuple[Writable, ...]) -> Iterator[str]:
    identity = decision.identity
    assert identity is not None
    yield from _ports(decision)
    yield from _process(decision)
    yield from _folders(decision, writables)
    if identity.pin is not None:
        yield (
            f"{identity.pin.name} gets the fixed number {identity.uid}; volumes that it wrote before belong"
            " to another number"
        )
    if not identity.certain:
        yield f"it is not verified that {decision.image.family_evidence}"


def _held(decision: Decision) -> Iterator[str]:
    """What containers that the repository runs of the image may need root for, the first of them in words."""
    if not decision.holds:
        return
    ports = tuple(one.port for one in privileged(decision.running))
    found = [words for hold in decision.holds if (words := hold.told(ports))]
    if found:
        yield f"{found[0]}, and {len(found) - 1} more like it" if len(found) > 1 else found[0]


def _shut(decision: Decision, shut: tuple[Private, ...]) -> Iterator[str]:
    for one in shut:
        yield f"{one.why}, and only root will be able to use {one.path}"
    for key in keys(decision.image):
        yield f"{key.why}, and {key.path} stays with root"
    yield from masked(decision.image)


def _ports(decision: Decision) -> Iterator[str]:
    low = privileged(decision.running)
    if low:
        ports = ", ".join(str(one.port) for one in low)
        yield (
            f"it binds port {ports}, which Docker 20.10 and containerd 2.0 allow without root and older or other"
            " runtimes do not"
        )
    elif not bound(decision.running):
        yield "the file does not say which ports the program binds"


def _process(decision: Decision) -> Iterator[str]:
    image, running = decision.image, decision.running
    if image.entrypoint is None and image.cmd is None and not running.base_serves:
        yield "the file names no command, so what runs (or what is built on this image) may need root"
    stranger = next((name for name in unfamiliar(running)), "")
    if stranger:
        yield f"what {stranger} writes is not known"
    trigger = next((i for stage in image.stage.chain[:-1] for i in stage.of("ONBUILD")), None)
    if trigger is not None:
        yield f"what the ONBUILD steps from line {trigger.line} on leave behind stays with root"
    unknown = unknown_folders(image)
    if unknown is not None:
        yield f"which folders line {unknown.line} makes is known in the build only"
    for script, call in running.root_calls:
        yield f"{script.origin}, line {call.line}, may call {call.words}, which only root can do"
    if running.unseen_script:
        yield f"the entry script {running.unseen_script} could not be read from here"


def _folders(decision: Decision, writables: tuple[Writable, ...]) -> Iterator[str]:
    image = decision.image
    home = decision.identity.home if decision.identity is not None else ""
    closed = [w.path for w in writables if w.path != image.workdir] if image.family in NO_PASSWD else []
    if closed:
        names = ", ".join(closed[:_SHOWN])
        yield f"the image has no shell to hand over {names}; mount a volume there if the program writes to it"
    elif image.family in NO_PASSWD and image.stage.sets_workdir and image.workdir not in (None, "/", home):
        yield f"the image has no shell to hand over {image.workdir}; the program can read there and not write"
    if image.family == "scratch" and not any(c.destination == "/tmp" for c in image.all_copies):
        yield "an empty image has no folder that the program could write, not even /tmp"
    if image.volumes or (image.parent is not None and image.base_volumes):
        yield "volumes that root has written before must be handed over once (chown)"
    if image.workdir in SYSTEM and image.family not in NO_PASSWD and image.workdir not in {w.path for w in writables}:
        yield f"the program works in {image.workdir or 'an unknown folder'}, so what it writes is not known"
    elif image.workdir is None:
        yield "only the build knows the working directory"
