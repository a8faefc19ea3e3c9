"""What a session asks about the files: their findings as they are now, and what one fix would make of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from fixer import app, engine
from fixer.config import Config, ImageConfig
from fixer.discover import Tree
from fixer.engine import Choice
from fixer.errors import Unreadable
from fixer.model import FileChange, Finding, Fix, LowPorts, Refusal, Skipped
from fixer.parallel import in_parallel
from fixer.repository import Held, Repository, Scope, absolute
from fixer.rules.base import DockerfileView
from fixer.session.items import Item, items
from fixer.session.record import Text
from fixer.source import SourceFile, read_bytes
from fixer.tuples import NamedTuple

Key = tuple[str, int, int, str]


class Seen(NamedTuple):
    """What was seen of one file: the questions about it, what of it was not judged, and whether anything was."""

    items: tuple[Item, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    judged: bool = False


class Tried(NamedTuple):
    """What a fix would make of the files; where it cannot be applied, why."""

    texts: tuple[Text, ...] = ()
    left: Refusal | None = None


class Place(NamedTuple):
    """A file: the tree that it lies in, by its number, and its path there."""

    tree: int
    path: str


class Bench:
    """The files of a session, read from the disk or from what is held in their place.

    Each file is looked at as if nothing that could be fixed in the others ever would be: what was accepted there is
    held, and the rest is not decided, or declined.
    """

    def __init__(self, paths: list[Path], config: Config, choice: Choice) -> None:
        self.paths = paths
        self.moves_ports = config.ports is LowPorts.MOVE
        self.config = config._replace(ports=LowPorts.KEEP, proved=None)
        self.choice = choice._replace(apply=True, rounds=1)
        self.trees: list[Tree] = [app.tree_of(path, config) for path in paths]
        self.texts: Mapping[str, bytes] = {}
        self._repositories: list[Repository] | None = None
        self.places = self._all_places()

    def hold(self, texts: Mapping[str, bytes]) -> None:
        """Let these bytes stand for those of files, by their absolute paths, from here on."""
        if texts != self.texts:
            self.texts = dict(texts)
            self._repositories = None

    # --- which files --------------------------------------------------------------------------------------------------

    def _all_places(self) -> dict[str, Place]:
        """The files by their absolute paths: Dockerfiles first, each behind those that it is built on."""
        seen: set[str] = set()
        found: dict[str, Place] = {}
        for n, repository in enumerate(self._now()):
            for path in app.files_of(repository, seen):
                found[absolute(repository.tree, path)] = Place(n, path)
        images = {place for n, one in enumerate(self._now()) for place in found if self._is_image(found[place], n, one)}
        order: dict[str, None] = {}
        for place in sorted(images):
            self._append(place, found, images, order)
        return {place: found[place] for place in (*order, *sorted(found.keys() - images))}

    def _is_image(self, place: Place, number: int, repository: Repository) -> bool:
        return place.tree == number and place.path in repository.dockerfiles

    def _append(self, place: str, found: Mapping[str, Place], images: set[str], order: dict[str, None]) -> None:
        waiting, opened = [place], set[str]()
        while waiting:
            one = waiting[-1]
            before = [] if one in opened else [other for other in self._parents(found[one]) if other in images]
            opened.add(one)
            before = [other for other in before if other not in order and other not in opened]
            if before:
                waiting += before
            else:
                order[waiting.pop()] = None

    def _parents(self, place: Place) -> list[str]:
        """The Dockerfiles, by their absolute paths, whose images a Dockerfile is built on."""
        repository = self._now()[place.tree]
        view = self._view(repository, place.path)
        parents = {image.parent.path for image in view.images.values() if image.parent is not None} if view else set()
        trees = [repository.tree] + ([repository.around.tree] if repository.around is not None else [])
        return sorted(absolute(tree, path) for path in parents for tree in trees)

    # --- what is found ------------------------------------------------------------------------------------------------

    def look(self, places: Iterable[str], tick: Callable[[], None] = lambda: None) -> dict[str, Seen]:
        """What is seen of some files as they are now.

        Args:
            places: their absolute paths.
            tick: called for each of them.
        """
        places = list(places)
        now = self._now()
        out: dict[str, Seen] = {}
        for place, outcome in zip(places, in_parallel(lambda one: self._outcome(now, one), places), strict=True):
            tick()
            out[place] = outcome
        return out

    def _outcome(self, repositories: list[Repository], place: str) -> Seen:
        number, path = self.places[place]
        outcome = repositories[number](path)
        if outcome is None:
            return Seen()
        found = items(place, outcome.findings, self.data(place)) if outcome.findings else ()
        return Seen(found, outcome.skipped, outcome.judged)

    def data(self, place: str) -> bytes:
        """The bytes of a file as they are now.

        Raises:
            Unreadable: where it cannot be read any more.
        """
        held = self.texts.get(place)
        number, path = self.places[place]
        return read_bytes(self.trees[number].root, path, "a file", "") if held is None else held

    def shown(self, place: str) -> str:
        """What a file is called."""
        return self.places[place].path if place in self.places else os.path.relpath(place, self.trees[0].root)

    def view(self, item: Item) -> DockerfileView | None:
        """A Dockerfile as the rules see it; None for any other file, and one that cannot be read."""
        number, path = self.places[item.place]
        repository = self._now()[number]
        return self._view(repository, path) if path in repository.dockerfiles else None

    def _view(self, repository: Repository, path: str) -> DockerfileView | None:
        try:
            return engine.understand(repository.source(path), self.config, repository.setting(path))
        except Unreadable:
            return None

    # --- what a fix would do ------------------------------------------------------------------------------------------

    def fixed(self, item: Item) -> Tried:
        """What the fixes of a question make of its file."""
        return self._tried(item.place, item.findings, self.config)

    def with_user(self, item: Item, user: str) -> tuple[Tried, Item]:
        """What takes an image off root with another user, as the configuration would name it, and the finding then."""
        path = self.places[item.place].path
        said = self.config.images.get(path, ImageConfig())
        config = self.config._replace(images={**self.config.images, path: said._replace(user=user)})
        repositories = self._repositories_with(config, frozenset(), item.place)
        findings = self._outcome(repositories, item.place).items
        same = next((one for one in findings if _like(one, item)), None)
        if same is None:
            return Tried(left=Refusal("no-fix", "with this user there is nothing to change here")), item
        if not same.repairable:
            return Tried(left=same.lead.refusal), same
        return self._tried(item.place, same.findings, config), same

    def with_text(self, place: str, after: bytes) -> Tried:
        """What another text of a file comes to: itself, if it can still be read."""
        before = self.data(place)
        held = {**self.texts, place: after}
        number, path = self.places[place]
        repository = self._repositories_with(self.config, frozenset(), place, held)[number]
        outcome = repository(path)
        broken = outcome.skipped[0] if outcome is not None and outcome.skipped and not outcome.judged else None
        if broken is not None:
            return Tried(left=Refusal(broken.reason, broken.message))
        return Tried((Text(place, before, after),) if after != before else ())

    def moved_ports(self, item: Item) -> tuple[Tried, str]:
        """What moves the ports below 1024 of a Dockerfile everywhere at once, and what that is in words."""
        from fixer.portmoves import plan

        found = self._repositories_with(self.config, frozenset(), item.place)
        planned = plan(found, item.place)
        answers = list(planned.answers.values())
        stuck = next((one for one in answers if isinstance(one, Refusal)), None)
        if stuck is not None or not planned.texts:
            why = stuck or Refusal("no-fix", "no port of this file can be moved")
            return Tried(left=why), ""
        texts = tuple(Text(one, self._before(one), after) for one, after in sorted(planned.texts.items()))
        return Tried(texts), "; ".join(dict.fromkeys(one.title for one in answers if isinstance(one, Fix)))

    def change(self, text: Text) -> FileChange:
        """A change of a file, as whoever shows or writes it wants it."""
        roots = [os.path.abspath(one.tree.root) for one in self._now()]
        known = self.places.get(text.place)
        inside = (n for n, root in enumerate(roots) if text.place.startswith(root.rstrip(os.sep) + os.sep))
        number = known.tree if known is not None else next(inside)
        repository = self._now()[number]
        path = os.path.relpath(text.place, roots[number])
        root = str(repository.tree.root)
        return FileChange(path, text.before, text.after, (), root, repository.top + path)

    def _before(self, place: str) -> bytes:
        held = self.texts.get(place)
        return read_bytes(Path(os.sep), place.lstrip(os.sep), "a file", "") if held is None else held

    def _tried(self, place: str, findings: Collection[Finding], config: Config) -> Tried:
        wanted = frozenset(_key(finding) for finding in findings)
        repository = self._repositories_with(config, wanted, place)[self.places[place].tree]
        outcome = repository(self.places[place].path)
        change = outcome.change if outcome is not None else None
        if change is None:
            found = outcome.findings if outcome is not None else []
            why = next((one.refusal for one in found if _key(one) in wanted and one.refusal is not None), None)
            return Tried(left=why or Refusal("no-fix", "there is no automatic fix; edit the file, or leave it"))
        return Tried((Text(place, change.before, change.after),))

    def _now(self) -> list[Repository]:
        if self._repositories is None:
            self._repositories = self._repositories_with(self.config, frozenset(), "")
        return self._repositories

    def _repositories_with(
        self, config: Config, wanted: frozenset[Key], place: str, texts: Mapping[str, bytes] | None = None
    ) -> list[Repository]:
        """The trees, of which in one file some fixes are applied, and no others anywhere."""
        held = Held(self.texts if texts is None else texts, lambda where, one: where == place and _key(one) in wanted)
        scope = Scope(config, self.choice, self.paths, None, held)
        return [Repository(tree, scope) for tree in self.trees]

    def source(self, place: str) -> SourceFile:
        """A file as it is now.

        Raises:
            Unreadable: where it cannot be read any more.
        """
        return SourceFile(self.places[place].path, self.data(place))


def _key(finding: Finding) -> Key:
    return finding.rule, finding.line, finding.column, finding.message


def _like(one: Item, other: Item) -> bool:
    return (one.lead.rule, one.lead.line, one.lead.column) == (other.lead.rule, other.lead.line, other.lead.column)
