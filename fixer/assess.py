"""How safe it is to move one image off root: what the evidence covers, and what stays open, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import NO_PASSWD, Decision
from fixer.model import Safety
from fixer.understand.writable import SYSTEM, Writable

PRIVILEGED = 1024
_SHOWN = 3


def assess(decision: Decision, writables: tuple[Writable, ...]) -> tuple[Safety, str]:
    """Safety and risk of the move; `safe` only when nothing stays open.

    Args:
        decision: an image with an identity.
        writables: the folders that its process writes.

    Returns:
        The safety, and one sentence on what to look at (empty when safe).
    """
    risks = list(dict.fromkeys(_risks(decision, writables)))
    if not risks:
        return Safety.SAFE, ""
    return Safety.REVIEW, "; ".join(risks[:_SHOWN])


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
        yield f"the user rests on facts that nobody verified ({decision.image.family_evidence})"


def _ports(decision: Decision) -> Iterator[str]:
    image, running = decision.image, decision.running
    named = [port for port, _ in (*image.ports, *running.argument_ports)]
    if image.facts is not None and not named:
        named = list(image.facts.ports)
    named += [port for program in running.programs for port in program.ports if not image.ports]
    low = sorted({port for port in named if port < PRIVILEGED})
    if low:
        ports = ", ".join(map(str, low))
        yield (
            f"it binds port {ports}, which Docker 20.10 and containerd 2.0 allow without root and older or"
            " other runtimes do not"
        )
    elif not named:
        yield "the file does not say which ports the program binds"


def _process(decision: Decision) -> Iterator[str]:
    image, running = decision.image, decision.running
    if image.entrypoint is None and image.cmd is None and not running.base_serves:
        yield "the file names no command, so what runs (or what is built on this image) may need root"
    if running.unseen_script:
        yield f"the entry script {running.unseen_script} could not be read from here"


def _folders(decision: Decision, writables: tuple[Writable, ...]) -> Iterator[str]:
    image = decision.image
    if image.family in NO_PASSWD and writables:
        names = ", ".join(w.path for w in writables[:_SHOWN])
        yield f"the image has no shell to hand over {names}; mount a volume there if the program writes to it"
    if image.volumes:
        yield "volumes that root has written before must be handed over once (chown)"
    if image.workdir in SYSTEM and image.family not in NO_PASSWD:
        yield f"the program works in {image.workdir or 'an unknown folder'}, so what it writes is not known"
    elif image.workdir is None:
        yield "only the build knows the working directory"
