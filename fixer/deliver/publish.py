"""From a plan to requests on a forge: look before opening, respect what people did, and tell how each unit ended."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from fixer.deliver import gitremote
from fixer.deliver.branches import NOBODY, Step, deliver, is_ours
from fixer.deliver.gitremote import Remote, Stale
from fixer.deliver.gitstore import FILE, PROGRAM, Commit, Entry, GitStore, Person, opened
from fixer.deliver.ledger import End, Ended
from fixer.deliver.plans import PREFIX, Plan, PlannedUnit, bytes_of
from fixer.errors import FixerError
from fixer.forge.base import Draft, Forge, Request, State
from fixer.render.request import OFF, Marker, is_untouched, marked, read_marker, with_marker
from fixer.tuples import NamedTuple

_HANDS_OFF = (
    "This branch has commits of somebody else now, so it is yours: the program that opened this request changes"
    " nothing here any more.\n\n<!-- fixer-said: left -->\n"
)
_NO_LONGER = {
    "obsolete": "What this request repaired needs no repair any more, so it is closed.",
    "off": f"This repository wants no requests any more (`{OFF}`), so this one is closed.",
}

Known = tuple[Request, "Marker | None"]
"""A request, and what it says to be about."""


class Place(NamedTuple):
    """Where a plan is published: a forge, the name of a repository there, and its address for git."""

    forge: Forge
    repository: str
    remote: Remote


class Terms(NamedTuple):
    """How: as drafts or not, how many may be open at once, with which labels, and who makes the commits."""

    draft: bool = True
    most_open: int = 5
    labels: tuple[str, ...] = ()
    author: Person = NOBODY


def publish(plan: Plan, place: Place, terms: Terms) -> Iterator[Ended]:
    """Bring the requests of a repository to where the plan wants them; how each unit ends, one by one.

    What goes wrong with one unit does not stop the others.

    Raises:
        FixerError: when nothing can be done with the repository at all.
    """
    hosted = place.forge.repository(place.repository)
    name = place.repository
    if hosted.archived or hosted.disabled:
        yield Ended(name, "", End.SKIPPED, "the repository is archived or closed, so nothing can be proposed there")
        return
    with tempfile.TemporaryDirectory(prefix="fixer-publish-", ignore_cleanup_errors=True) as folder:
        tip = gitremote.clone(place.remote, Path(folder), plan.base)
        with opened(Path(folder)) as store:
            yield from _Publisher(plan, place, terms, store, Path(folder), store.commit(tip)).all()


class _Publisher:
    """One repository: its copy, what the forge has, and what the branches stand for."""

    def __init__(self, plan: Plan, place: Place, terms: Terms, store: GitStore, folder: Path, base: Commit) -> None:
        self.plan, self.place, self.terms = plan, place, terms
        self.store, self.folder, self.base = store, folder, base
        self.forge = place.forge
        self.name = place.repository
        self.me = self.forge.identity()
        self.branches = gitremote.branches(place.remote, PREFIX)
        self.files = {entry.path: entry for entry in store.files(base.tree)}
        self.off = plan.off or os.fsencode(OFF) in self.files
        # Requests of other branches are none of the program's, whatever their bodies say.
        known = [one for one in self.forge.requests(self.name) if one.branch.startswith(PREFIX)]
        self.known: list[Known] = [(one, read_marker(one.body)) for one in known]
        self.open = [one for one in self.known if one[0].state is State.OPEN and one[0].base == plan.base]
        self.count = sum(one.state is State.OPEN for one in known)

    def all(self) -> Iterator[Ended]:
        """Close what is no longer needed, then look at each unit."""
        units = () if self.off else self.plan.units
        taken = self._taken(units)
        numbers = {request.number for request, _ in taken.values()}
        yield from self._obsolete([(request, marker) for request, marker in self.open if request.number not in numbers])
        if self.off:
            yield Ended(self.name, "", End.SKIPPED, f"the repository wants no requests: it has a file {OFF}")
        for unit in units:
            try:
                yield self._one(unit, taken.get(unit.branch))
            except Stale as error:
                yield self._ended(unit, End.SKIPPED, str(error))
            except FixerError as error:
                yield self._ended(unit, End.FAILED, str(error))

    def _taken(self, units: Iterable[PlannedUnit]) -> dict[str, Known]:
        """The open request of each unit, by its branch: that of the same work first, then that of the nearest."""
        left = list(self.open)
        taken: dict[str, Known] = {}
        for near in (_is_same, _is_of, _shares):
            for unit in units:
                found = next((one for one in left if near(one, unit)), None) if unit.branch not in taken else None
                if found is not None:
                    taken[unit.branch] = found
                    left.remove(found)
        return taken

    def _ended(self, unit: PlannedUnit, end: End, why: str = "", url: str = "") -> Ended:
        return Ended(self.name, unit.name, end, why, unit.branch, url)

    # --- one unit -----------------------------------------------------------------------------------------------------

    def _one(self, unit: PlannedUnit, found: Known | None) -> Ended:
        why = self._stale(unit)
        if not why and found is not None:
            return self._renewed(unit, *found)
        why = why or self._declined(unit)
        if not why and self.count >= self.terms.most_open:
            why = f"{self.count} requests are open, which is as many as may be; merge or close some"
        return self._ended(unit, End.SKIPPED, why) if why else self._opened(unit)

    def _stale(self, unit: PlannedUnit) -> str:
        """Why the plan does not fit what the base branch holds now, "" when it does."""
        for file in unit.files:
            entry = self.files.get(os.fsencode(file.path))
            if entry is None or entry.mode not in (FILE, PROGRAM):
                return f"{file.path} is no file of {self.plan.base} any more; compute the plan anew"
            if self._sum(entry) != file.before:
                return f"{file.path} was changed on {self.plan.base} since the plan was made; compute the plan anew"
        return ""

    def _sum(self, entry: Entry) -> str:
        return hashlib.sha256(self.store.read(entry.oid)).hexdigest()

    def _declined(self, unit: PlannedUnit) -> str:
        """Why people want no such request, "" when nobody said so."""
        for request, marker in self.known:
            same = _is_same((request, marker), unit)
            shared = same or _shares((request, marker), unit)
            if request.state is State.CLOSED and shared and not (marker is not None and marker.closed):
                return f"request {request.number} was closed by a person, which is respected; reopen it to have it back"
            if request.state is State.MERGED and same:
                return f"request {request.number} was merged and taken back since; it is left for a person"
        return ""

    def _opened(self, unit: PlannedUnit) -> Ended:
        found = self.branches.get(unit.branch, "")
        if found and not self._is_ours(unit.branch):
            return self._ended(unit, End.SKIPPED, f"branch {unit.branch} has commits of somebody else")
        if not found or not self._has_it(unit, found):
            self._push(unit, unit.branch, found)
        body = marked(unit.said, self._marker(unit), self.forge.body_limit)
        draft = Draft(unit.branch, self.plan.base, unit.said.title, body, self.terms.labels, self.terms.draft)
        request = self.forge.open(self.name, draft)
        self.count += 1
        return self._ended(unit, End.OPENED, url=request.url)

    def _renewed(self, unit: PlannedUnit, request: Request, marker: Marker | None) -> Ended:
        """Let an open request be about what is to do now."""
        if request.author != self.me:
            why = f"request {request.number} was opened by another account, {request.author}, and is left to it"
            return self._ended(unit, End.SKIPPED, why, request.url)
        if not self._is_ours(request.branch):
            self._hand_over(request, marker)
            why = f"request {request.number} has commits of somebody else, so it is theirs"
            return self._ended(unit, End.SKIPPED, why, request.url)
        head = self.branches[request.branch]
        pushed = not self._has_it(unit, head)
        if pushed:
            self._push(unit, request.branch, head)
        said = self._said_again(unit, request, marker)
        return self._ended(unit, End.UPDATED if pushed or said else End.UNCHANGED, url=request.url)

    def _said_again(self, unit: PlannedUnit, request: Request, marker: Marker | None) -> bool:
        """Say what is true now, if that is something else; what a person wrote stays."""
        if marker is None:
            return False
        own_title, own_body = is_untouched(request.title, request.body, marker)
        title = unit.said.title if own_title else request.title
        wanted = self._marker(unit)
        body = marked(unit.said, wanted, self.forge.body_limit)
        now = read_marker(body)
        assert now is not None
        if not own_body:
            # The hashes stay those of the program's own words, so that the person's remain known as theirs.
            now = wanted._replace(text=marker.text, title=now.title)
            body = with_marker(request.body, now)
        if now == marker and title == request.title:
            return False
        draft = Draft(request.branch, request.base, title, body, self.terms.labels, request.draft)
        self.forge.update(self.name, request.number, draft)
        return True

    def _marker(self, unit: PlannedUnit) -> Marker:
        return Marker(unit.name, unit.fingerprints)

    # --- branches -----------------------------------------------------------------------------------------------------

    def _is_ours(self, branch: str) -> bool:
        """Whether nobody else has a commit on a branch; one that is not there any more is nobody's."""
        if branch not in self.branches:
            return False
        tip = gitremote.fetch(self.place.remote, self.folder, branch, 2)
        self.branches[branch] = tip
        return is_ours(self.store.commit(tip))

    def _has_it(self, unit: PlannedUnit, head: str) -> bool:
        """Whether a branch of the program's own has all that is wanted, and fits the base."""
        tip = self.store.commit(head)
        parent = self.store.commit(tip.parents[0])
        old, new = ({entry.path: entry for entry in self.store.files(one.tree)} for one in (parent, tip))
        changed = {path for path, entry in new.items() if old.get(path) != entry}
        if changed != {os.fsencode(file.path) for file in unit.files}:
            return False
        pairs = [(file, os.fsencode(file.path)) for file in unit.files]
        return all(
            path in old
            and self._sum(old[path]) == file.before
            and self._sum(new[path]) == hashlib.sha256(file.after).hexdigest()
            for file, path in pairs
        )

    def _push(self, unit: PlannedUnit, branch: str, old: str) -> None:
        made = deliver(self.store, branch, self.base, [Step(unit.message, bytes_of(unit))], self.terms.author, False)
        if made.state == "empty":
            raise FixerError("the plan changes nothing in its files; compute it anew")
        gitremote.push(self.place.remote, self.folder, branch, made.commits[-1], old)
        self.branches[branch] = made.commits[-1]

    # --- what is no longer needed -------------------------------------------------------------------------------------

    def _obsolete(self, left: Iterable[Known]) -> Iterator[Ended]:
        for request, marker in left:
            if marker is None or request.author != self.me:
                continue
            try:
                yield self._closed(request, marker)
            except FixerError as error:
                yield Ended(self.name, marker.unit, End.FAILED, str(error), request.branch, request.url)

    def _closed(self, request: Request, marker: Marker) -> Ended:
        """Close a request that is no longer needed, and delete its branch."""
        if request.branch in self.branches and not self._is_ours(request.branch):
            self._hand_over(request, marker)
            why = f"request {request.number} is no longer needed, but has commits of somebody else, so it is theirs"
            return Ended(self.name, marker.unit, End.SKIPPED, why, request.branch, request.url)
        reason = "off" if self.off else "obsolete"
        # First of all, so that nobody takes it for the decision of a person.
        self._remember(request, marker._replace(closed=reason))
        if not marker.closed:
            self.forge.comment(self.name, request.number, f"{_NO_LONGER[reason]}\n\n<!-- fixer-said: closed -->\n")
        self.forge.close(self.name, request.number)
        if request.branch in self.branches:
            gitremote.push(self.place.remote, self.folder, request.branch, "", self.branches.pop(request.branch))
        self.count -= 1
        return Ended(self.name, marker.unit, End.UPDATED, _NO_LONGER[reason], request.branch, request.url)

    def _hand_over(self, request: Request, marker: Marker | None) -> None:
        """Say once that a branch is somebody else's now."""
        if marker is None or marker.left:
            return
        self._remember(request, marker._replace(left=self.branches.get(request.branch, "gone")))
        self.forge.comment(self.name, request.number, _HANDS_OFF)

    def _remember(self, request: Request, marker: Marker) -> None:
        body = with_marker(request.body, marker)
        draft = Draft(request.branch, request.base, request.title, body, request.labels, request.draft)
        self.forge.update(self.name, request.number, draft)


def _is_same(known: Known, unit: PlannedUnit) -> bool:
    return known[0].branch == unit.branch


def _is_of(known: Known, unit: PlannedUnit) -> bool:
    return known[1] is not None and known[1].unit == unit.name


def _shares(known: Known, unit: PlannedUnit) -> bool:
    """Whether a request repairs something that the unit does; fingerprints tell the files apart."""
    return known[1] is not None and not {*known[1].fingerprints}.isdisjoint(unit.fingerprints)
