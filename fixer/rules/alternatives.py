"""Base images that are not root to begin with, as proposals to a person: never a change made unasked."""

from __future__ import annotations

from collections.abc import Mapping

from fixer.decide import Decision
from fixer.facts import Hardened, ImageRef, hardened
from fixer.model import Fix, Safety
from fixer.syntax.dockerfile import Instruction
from fixer.tuples import NamedTuple

# The person decided already, or the image would not be what it is for without root.
_DECIDED = frozenset({"configured-root", "windows"})


class Proposal(NamedTuple):
    """Another base image: the reference to write, what is known about it, and how sure that is."""

    to: str
    instructions: str
    confidence: str

    @property
    def fix(self) -> Fix:
        """The proposal as a fix that is only shown."""
        risk = "another image may lack what this one has"
        return Fix(f"FROM {self.to}", Safety.MANUAL, risk, instructions=self.instructions)


def wants_base(decision: Decision) -> bool:
    """Whether another base image is worth a word: the image is root now, and nobody has said that it shall be."""
    return decision.is_root and not (decision.refusal is not None and decision.refusal.code in _DECIDED)


def nonroot_variant(decision: Decision) -> Proposal | None:
    """The variant that the makers of the base image offer, or None."""
    facts = decision.image.facts
    if facts is None or not facts.nonroot_variant:
        return None
    row = next((h for h in _rows(decision) if _repository(h.to) == _repository(facts.nonroot_variant)), None)
    if row is not None:
        return _proposal(row)
    to = facts.nonroot_variant
    steps = f"write FROM {to}, and leave USER out; check that the tag exists{_digest(decision)}"
    return Proposal(to, steps, facts.confidence)


def others(decision: Decision) -> tuple[Proposal, ...]:
    """Hardened images by other makers that the curated table lists and that this image could run on.

    None when each of them gives up the version that the file names.
    """
    facts = decision.image.facts
    own = _repository(facts.nonroot_variant) if facts is not None and facts.nonroot_variant else ""
    bare = _needs_no_shell(decision)
    rows = [h for h in _rows(decision) if _repository(h.to) != own and (bare or not h.needs_no_shell)]
    if _names_version(decision) and all(h.to.endswith(":latest") for h in rows):
        return ()
    return tuple(_proposal(h) for h in rows)


def _names_version(decision: Decision) -> bool:
    base = (decision.image.stage.root_base or "").partition("@")[0]
    return any(ch.isdigit() for ch in base.rpartition("/")[2].partition(":")[2])


def _rows(decision: Decision) -> tuple[Hardened, ...]:
    base = decision.image.stage.root_base
    try:
        return hardened(base) if base else ()
    except ValueError:
        return ()


def _repository(reference: str) -> str:
    try:
        ref = ImageRef.parse(reference)
    except ValueError:
        return reference
    return f"{ref.registry}/{ref.repository}"


def _proposal(row: Hardened) -> Proposal:
    steps = [f"write FROM {row.to}, which runs as {row.uid}"]
    if row.ports:
        steps.append(f"move {_ports(row.ports)} everywhere (EXPOSE, Service, probes, Compose, configuration)")
    if row.needs_no_shell:
        steps.append("it has no shell: no RUN, and CMD and ENTRYPOINT as JSON")
    return Proposal(row.to, "; ".join(steps) + f". {row.notes}", row.confidence)


def _ports(ports: Mapping[int, int]) -> str:
    return ", ".join(f"port {old} to {new}" for old, new in ports.items())


def _digest(decision: Decision) -> str:
    return ", and take its own digest" if "@" in (decision.image.stage.root_base or "") else ""


def _needs_no_shell(decision: Decision) -> bool:
    """Whether nothing of this image needs a shell: no RUN, JSON forms only, and no script to start."""
    image, running = decision.image, decision.running
    if any(True for stage in image.stage.chain for _ in stage.of("RUN")):
        return False
    processes: list[Instruction | None] = [p.item for p in (image.entrypoint, image.cmd) if p is not None]
    if not processes or any(item is None or item.json is None for item in processes):
        return False
    names = [name for name, _ in running.commands]
    return bool(names) and not running.scripts and not any(name in _SHELLS or name.endswith(".sh") for name in names)


_SHELLS = frozenset("sh bash ash dash zsh ksh".split())
