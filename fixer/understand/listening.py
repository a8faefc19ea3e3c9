"""Ports below 1024 that an image binds, each with how that is known; the surest evidence of a port counts."""

from __future__ import annotations

from collections.abc import Iterator

from fixer.lazy import kept
from fixer.syntax.dockerfile import Instruction, unquote
from fixer.tuples import NamedTuple
from fixer.understand.process import Running
from fixer.understand.shellports import ports
from fixer.understand.stages import pairs

PRIVILEGED = 1024


class Bound(NamedTuple):
    """A port below 1024: where it is named (None for facts), whether that makes the program bind it, and why."""

    port: int
    item: Instruction | None
    certain: bool
    why: str


def privileged(running: Running) -> tuple[Bound, ...]:
    """The ports below 1024 that an image binds, none twice, lowest first."""
    found: dict[int, Bound] = {}
    for one in bound(running):
        if one.port < PRIVILEGED:
            found.setdefault(one.port, one)
    return tuple(found[port] for port in sorted(found))


@kept
def bound(running: Running) -> tuple[Bound, ...]:
    """Every port that an image is known to bind; one may come more than once."""
    return tuple(_bound(running))


def _bound(running: Running) -> Iterator[Bound]:
    image = running.image
    for port, item in running.argument_ports:
        yield Bound(port, item, True, f"line {item.line}: {item.keyword} names it")
    yield from _environment(running)
    for port, item in image.ports:
        yield Bound(port, item, False, f"line {item.line}: EXPOSE names it")
    if image.ports or running.argument_ports:
        return
    for program in running.programs:
        for port in program.ports:
            yield Bound(port, None, False, f"{program.name} binds it unless told otherwise (facts)")
    if image.facts is not None and running.runs_base:
        why = f"base image {image.stage.root_base} binds it{image.facts.told('ports')}"
        yield from (Bound(port, None, False, why) for port in image.facts.ports)


def _environment(running: Running) -> Iterator[Bound]:
    """ENV values that servers read their port from; the last value of a name is the one that counts."""
    image = running.image
    last: dict[str, tuple[str, Instruction]] = {}
    for stage in image.stage.chain:
        for item in stage.of("ENV"):
            for name, value in pairs(item):
                if name.endswith(("PORT", "PORTS", "URLS")):
                    last[name] = (unquote(image.expand(value, item) or "", item.escape), item)
    for name, (value, item) in last.items():
        for part in value.replace(",", ";").split(";"):
            for found in ports([f"{name}={part}", "server"]):
                yield Bound(found.port, item, True, f"line {item.line}: ENV {name} names it")
