"""Understand a file of Compose and ask the rules, as `fixer.manifests` does with manifests."""

from __future__ import annotations

from types import ModuleType

from fixer.config import Config
from fixer.discover import is_compose
from fixer.engine import Outcome, check_reading
from fixer.model import Skipped
from fixer.rules.services import ComposeSurroundings, ComposeView
from fixer.source import UTF16, SourceFile
from fixer.understand.compose import may_be_compose, read_compose


class ComposeReading:
    """What a file holds: its view, and what of it was not judged and why."""

    def __init__(self, view: ComposeView, skipped: tuple[Skipped, ...]) -> None:
        self.view = view
        self.skipped = skipped

    @property
    def judged(self) -> bool:
        """Whether something of a service was seen; else all was skipped."""
        return bool(self.view.services or self.view.laid)


def may_matter(source: SourceFile, below: frozenset[str] = frozenset()) -> bool:
    """Whether a file may hold services of Compose, or say who those of another one (`below`) run as."""
    data = source.data
    if data[:2] in UTF16:
        data = data.replace(b"\0", b"")  # it cannot be read, and is told where it would have counted
    return may_be_compose(data, is_compose(source.path)) or (bool(below) and b"user" in data)


def understand(source: SourceFile, config: Config, surroundings: ComposeSurroundings) -> ComposeReading | None:
    """Read one file of Compose; None where it holds no service.

    Raises:
        Unreadable: when its bytes are no text.
    """
    if not may_matter(source, surroundings.below):
        return None
    named = is_compose(source.path)
    compose = read_compose(source.path, source.text, surroundings.read, named=named, below=surroundings.below)
    view = ComposeView(source, compose, surroundings, config)
    if not (compose.services or view.laid or (compose.skipped and named and may_matter(source))):
        return None
    return ComposeReading(view, compose.skipped)


def check(
    source: SourceFile, config: Config, surroundings: ComposeSurroundings, rules: tuple[ModuleType, ...]
) -> Outcome | None:
    """Check one file of Compose; None where it holds no service.

    A file that cannot be read or handled comes back as skipped; nothing is raised for it.
    """
    return check_reading(source.path, lambda: understand(source, config, surroundings), rules)
