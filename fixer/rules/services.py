"""What the rules on Compose are given: one file with its services, and what the repository knows about their images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fixer.config import Config
from fixer.ignores import Ignore, comments
from fixer.imageusers import ImageUser
from fixer.lazy import lazy
from fixer.model import Fix, Refusal, Safety, YamlChange
from fixer.rules.base import YamlView
from fixer.serviceusers import Seat, makes_containers, needs_host, seat
from fixer.source import SourceFile
from fixer.syntax.yaml import Document
from fixer.tuples import NamedTuple
from fixer.understand.builds import Read
from fixer.understand.compose import Compose, Service
from fixer.understand.composefiles import roots
from fixer.understand.workloads import Path


class ComposeSurroundings(NamedTuple):
    """What the repository tells about one file of Compose.

    `find_user` gives the user of the image of a service, `read` the text of another file of the tree. `conflict` takes
    the name of a service and changes of it, and says in a sentence which other file stands against them. `below` names
    the services of another file that this one is laid upon.
    """

    find_user: Callable[[Service], ImageUser]
    read: Read = lambda path: None
    conflict: Callable[[str, Sequence[YamlChange]], str | None] = lambda name, changes: None
    below: frozenset[str] = frozenset()


class ComposeView(YamlView):
    """One file of Compose as the rules see it.

    `ignores`, `known`, `selected` and `table` are as in `fixer.rules.base.DockerfileView`.
    """

    table = "compose"

    def __init__(self, source: SourceFile, compose: Compose, surroundings: ComposeSurroundings, config: Config) -> None:
        self.source = source
        self.documents = compose.documents
        self.services = compose.services
        self.surroundings = surroundings
        self.config = config
        self.ignores: list[Ignore] = []
        self.known: frozenset[str] = frozenset()
        self.selected: frozenset[str] = frozenset()
        self._seats: dict[str, Seat] = {}

    def own_ignores(self) -> list[Ignore]:
        """The ignore comments of the file."""
        return comments(self.source.text, self.documents)

    @lazy
    def whole(self) -> tuple[Service, ...]:
        """The services that are asked for what is missing.

        One that extends another gets what that one gets, and on Windows there is nothing of it.
        """
        return tuple(one for one in self.services if not one.derived and not self.on_windows(one))

    @lazy
    def laid(self) -> tuple[tuple[Document, Path, str], ...]:
        """Where this file makes services of the one that it is laid upon root: document, path and the word for it."""
        below = self.surroundings.below
        return tuple((one, path, word) for one in self.documents for path, word in roots(one, below)) if below else ()

    def on_windows(self, service: Service) -> bool:
        """Whether a service runs on Windows."""
        refusal = self.seat(service).refusal
        return refusal is not None and refusal.code == "windows"

    def seat(self, service: Service) -> Seat:
        """Who a service runs as, and what becomes of it; worked out once."""
        if service.key not in self._seats:
            self._seats[service.key] = seat(service, self.surroundings.find_user(service))
        return self._seats[service.key]

    def fix(
        self, service: Service, title: str, safety: Safety, risk: str, changes: Iterable[YamlChange], group: str = ""
    ) -> Fix | Refusal:
        """A fix of a service, or the reason why another file stands against it."""
        changes = tuple(changes)
        why = self.surroundings.conflict(service.name, changes)
        if why is not None:
            return Refusal("overlay", why)
        return Fix(title, safety, "" if safety is Safety.SAFE else risk, changes, group, bool(group))


def privileges(service: Service, image: ImageUser) -> Refusal | None:
    """Why a service keeps what it has: it is privileged and may use that, or makes containers inside of its own."""
    if service.says("privileged"):
        why = f"{service.name} is privileged, which gives it all that this would take; find out what it needs instead"
        return Refusal("privileged", why)
    if makes_containers(service, image):
        why = f"{service.called} makes containers, for which it needs more than others; find out what"
        return Refusal("needs-host", why, image.reference)
    return None


def uses_host(service: Service) -> Refusal | None:
    """Why a service keeps what opens its host to it; None where nothing says so."""
    why = needs_host(service)
    return (
        Refusal("needs-host", f"{service.name} may need this, since {why}; find out what it needs instead")
        if why
        else None
    )
