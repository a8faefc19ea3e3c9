"""The ways out of one finding: its fix, another user, another base image, a moved port, or what a person can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fixer.decide import Decision, possible
from fixer.errors import Unreadable
from fixer.model import Fix, Refusal, Safety, SetUser
from fixer.rules.alternatives import Proposal, nonroot_variant, others, wants_base
from fixer.session.bench import Bench, Tried
from fixer.session.items import Item
from fixer.tuples import NamedTuple

_OTHER_USER = "it is not the user that was chosen for this image: see that it may read and write what it needs"
_NAMED = "run as a user whose numbers you name"
_OTHER_BASE = "another image may lack what this one has"
_USERS = ("DF001", "DF002")  # rules that take an image off root
_BASES = (*_USERS, "DF015", "DF016")
_PORTS = "DF009"
# What a number from a person helps against.
_NUMBERLESS = frozenset({"base-not-resolved", "number-unknown", "unknown-base", "user-not-resolved"})


class Way(NamedTuple):
    """One way out: what it is, how safe, its risk, and what it makes of the files.

    `by_hand` says what a person has to do where nothing is changed. `then` is the finding as this way sees it, where
    that is another one. `asks` tells that the numbers of a user are wanted first.
    """

    title: str
    safety: Safety
    risk: str
    by_hand: str = ""
    tried: Tried = Tried()
    then: Item | None = None
    asks: bool = False

    @property
    def left(self) -> Refusal | None:
        """Why it cannot be taken, if so."""
        return self.tried.left


Maker = Callable[[], Way]


def ways(bench: Bench, item: Item) -> list[tuple[str, Maker]]:
    """The ways out of a finding, the one that is proposed first: each in words, and what works it out."""
    lead = item.lead
    out: list[tuple[str, Maker]] = []
    if item.repairable and lead.fix is not None:
        out.append((lead.fix.title, lambda: _own(bench, item)))
    if lead.rule == _PORTS:
        moved = ("move the port, in all files at once", lambda: _ports(bench, item))
        out.append(moved)
    decision = _decision(bench, item) if lead.rule in _BASES else None
    if decision is not None and lead.rule in _USERS and item.repairable:
        asked = _asked(decision)
        out += [(words, _user(bench, item, user, words, asked)) for user, words in possible(decision)]
    if lead.rule in _USERS and lead.refusal is not None and lead.refusal.code in _NUMBERLESS:
        out.append((_NAMED, lambda: Way(_NAMED, Safety.REVIEW, _OTHER_USER, asks=True)))
    bases = list(_proposals(decision)) if decision is not None else []
    out += [(f"start from {one.to}", _base(bench, item, decision, one)) for one in bases if decision is not None]
    told = {one.fix.title for one in bases}
    by_hand = [lead.fix] if lead.fix is not None and not item.repairable else []
    for fix in (*by_hand, *lead.alternatives):
        if fix.title not in told and lead.rule != _PORTS:
            out.append((fix.title, _by_hand(fix)))
    if lead.rule == _PORTS and not bench.moves_ports:
        out += [(fix.title, _by_hand(fix)) for fix in by_hand]
        out.reverse()  # nobody asked that ports move
    return out


def _own(bench: Bench, item: Item) -> Way:
    assert item.lead.fix is not None
    return Way(item.lead.fix.title, item.safety, _risk(item), "", bench.fixed(item))


def _risk(item: Item) -> str:
    """The risks of all fixes of a question."""
    said = (part for f in item.findings if f.fix is not None and f.fix.risk for part in f.fix.risk.split("; "))
    return "; ".join(dict.fromkeys(said))


def _ports(bench: Bench, item: Item) -> Way:
    tried, words = bench.moved_ports(item)
    risk = "" if tried.left is not None else "whoever calls the container by its own port must follow"
    return Way(words or "move the port, in all files at once", Safety.REVIEW, risk, "", tried)


def named(bench: Bench, item: Item, user: str) -> tuple[str, Maker]:
    """The way with a user whom a person named, as `uid` or `uid:gid`."""
    words = f"run as {user}, whom you named"
    return words, _user(bench, item, user, words)


def _user(bench: Bench, item: Item, user: str, words: str, asked: str = "") -> Maker:
    def made() -> Way:
        tried, then = bench.with_user(item, user)
        risk = "; ".join(filter(None, (asked or _OTHER_USER, _risk(then))))
        return Way(words, min(then.safety, Safety.REVIEW), risk, "", tried, then)

    return made


def _asked(decision: Decision) -> str:
    """What follows from a manifest or a file of Compose that says who runs the image; "" for none."""
    identity = decision.identity
    if identity is None or identity.source != "manifest":
        return ""
    return f"{identity.evidence}, which stays: change it there too"


def _by_hand(fix: Fix) -> Maker:
    return lambda: Way(fix.title, Safety.MANUAL, fix.risk, fix.instructions or fix.risk)


def _base(bench: Bench, item: Item, decision: Decision, proposal: Proposal) -> Maker:
    words = f"start from {proposal.to}"

    def made() -> Way:
        after = _with_base(bench, item, decision, proposal.to)
        if after is None:
            return Way(words, Safety.MANUAL, _OTHER_BASE, proposal.instructions)
        risk = f"{_OTHER_BASE}; {_known(proposal)}"
        return Way(words, Safety.REVIEW, risk, "", bench.with_text(item.place, after))

    return made


def _known(proposal: Proposal) -> str:
    """What is known of a proposed base image, without the step that is done already."""
    rest = proposal.instructions.removeprefix(f"write FROM {proposal.to}, ")
    return rest.removeprefix("and leave USER out; ").replace("which runs as", "it runs as", 1)


def _with_base(bench: Bench, item: Item, decision: Decision, to: str) -> bytes | None:
    """A Dockerfile whose stage starts from another image; None where the FROM does not name it as one plain word."""
    stage = decision.image.stage.chain[0]
    try:
        source = bench.source(item.place)
        text = source.text
    except Unreadable:
        return None
    span, base = stage.start.span, stage.base_text
    line = text[span.start : span.end]
    if not base or line.split().count(base) != 1 or "$" in base or "<" in to or line.count(base) != 1:
        return None
    changed = line.replace(base, to)
    return source.with_text(text[: span.start] + changed + text[span.end :]).data


def _proposals(decision: Decision) -> Iterator[Proposal]:
    """Other base images; a digest would name the old one."""
    if not wants_base(decision) or "@" in (decision.image.stage.root_base or ""):
        return
    variant = nonroot_variant(decision)
    if variant is not None:
        yield variant
    yield from others(decision)


def _decision(bench: Bench, item: Item) -> Decision | None:
    """The decision that a finding is about: that on the stage which gets a user, else on the one that it stands in."""
    view = bench.view(item)
    if view is None:
        return None
    changes = item.lead.fix.changes if item.lead.fix is not None else ()
    number = next((change.stage for change in changes if isinstance(change, SetUser)), None)
    for decision in view.decisions:
        if number is not None and decision.image.stage.index == number:
            return decision
    return next((one for one in view.decisions if _stands_in(one, item.lead.line)), None)


def _stands_in(decision: Decision, line: int) -> bool:
    return any(
        stage.start.line <= line <= max(one.end_line for one in (stage.start, *stage.body))
        for stage in decision.image.stage.chain
    )
