"""What every rule is made of: its card, and the view of one Dockerfile that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from fixer.config import Config
from fixer.decide import Decision, configured, owners
from fixer.ignores import Ignore, ignores
from fixer.lazy import lazy
from fixer.model import Finding, Fix, Goal, Refusal, Severity, Span
from fixer.source import SourceFile
from fixer.syntax.dockerfile import Dockerfile, Instruction
from fixer.tuples import NamedTuple
from fixer.understand.filling import Filling, filling
from fixer.understand.image import Copy, Image
from fixer.understand.private import Private, private
from fixer.understand.stages import Stage
from fixer.understand.writable import Writable, writable

ALL_GOALS = frozenset(Goal)


class Card(NamedTuple):
    """What a rule is called and answers to. Ids never change meaning once released.

    `standards` are references such as `CIS Docker 4.1`; `goals` are the goals that the rule belongs to.
    """

    id: str
    name: str
    title: str
    severity: Severity
    goals: frozenset[Goal] = ALL_GOALS
    standards: tuple[str, ...] = ()


FindMove = Callable[[int], "Fix | Refusal | None"]
"""How a port moves everywhere, or why it stays; None where nobody asked for that."""


class DockerfileView:
    """One Dockerfile as the rules see it.

    `decisions` has one entry for each stage whose image runs, `images` one image for every stage by its index,
    `ignores` the comments that silence findings, with what they silenced so far; `known` and `selected` are the ids and
    names of all rules, and of those that had a chance to speak. `table` names the table of the rules that are asked.
    """

    table = "dockerfiles"

    def __init__(
        self,
        source: SourceFile,
        dockerfile: Dockerfile,
        stages: tuple[Stage, ...],
        images: dict[int, Image],
        decisions: tuple[Decision, ...],
        config: Config,
        find_move: FindMove = lambda port: None,
    ) -> None:
        self.find_move = find_move
        self.source = source
        self.dockerfile = dockerfile
        self.stages = stages
        self.images = images
        self.decisions = decisions
        self.config = config
        self.ignores: list[Ignore] = []
        self.known: frozenset[str] = frozenset()
        self.selected: frozenset[str] = frozenset()
        self._writable: dict[int, tuple[Writable, ...]] = {}
        self._private: dict[int, Private | None] = {}
        self._filling: dict[int, Filling] = {}

    def own_ignores(self) -> list[Ignore]:
        """The ignore comments of the file."""
        return ignores(self.dockerfile)

    def writable(self, decision: Decision) -> tuple[Writable, ...]:
        """The folders that the process of this image must be able to write."""
        index = decision.image.stage.index
        if index not in self._writable:
            extra = configured(decision.image, self.source.path, self.config).writable
            own = self.config.ownership == "app"
            self._writable[index] = writable(decision.running, extra, own, self.filling(decision).handed)
        return self._writable[index]

    def filling(self, decision: Decision) -> Filling:
        """What becomes of what the steps of the build put into the working directory, where that changes hands."""
        index = decision.image.stage.index
        if index not in self._filling:
            wanted = self.config.ownership == "app" and decision.is_root and decision.identity is not None
            self._filling[index] = filling(decision.running, owners(decision)) if wanted else Filling()
        return self._filling[index]

    def private(self, decision: Decision, copy: Copy) -> Private | None:
        """What a COPY of this image brings that only root could use, unless the COPY gives it away."""
        index = copy.item.index
        if index not in self._private:
            self._private[index] = private(decision.image, copy, self.images)
        return self._private[index]

    @lazy
    def moving(self) -> tuple[Decision, ...]:
        """The images that run as root now and that have an identity to move to."""
        return tuple(d for d in self.decisions if d.is_root and d.identity is not None)

    def who(self, decision: Decision, item: Instruction) -> str:
        """How to call an image at an instruction that may stand in a stage which it starts from."""
        stage = decision.image.stage
        inherits = decision.image.stage_of(item) is not stage
        return f"stage {stage.name or stage.index}, which starts from this one," if inherits else "the image"

    def group(self, stage: Stage) -> str:
        """The name under which all fixes that move one stage off root stand or fall together."""
        return f"stage-{stage.index}"

    def finding(
        self,
        card: Card,
        at: Instruction | Span,
        message: str,
        *,
        reason: str = "",
        fix: Fix | None = None,
        refusal: Refusal | None = None,
        alternatives: tuple[Fix, ...] = (),
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this file at an instruction or a span."""
        span = at.span if isinstance(at, Instruction) else at
        line, column = self.source.place(span.start)
        return Finding(
            card.id, self.source.path, line, column, message, card.severity if severity is None else severity,
            reason, fix, refusal, alternatives,
        )  # fmt: skip


class YamlView:
    """What the views of YAML files have in common: how a finding is told."""

    source: SourceFile

    def finding(
        self,
        card: Card,
        at: Span,
        message: str,
        *,
        reason: str = "",
        fix: Fix | Refusal | None = None,
        alternatives: tuple[Fix, ...] = (),
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this file at some characters, with its fix or the refusal that takes its place."""
        line, column = self.source.place(at.start)
        refusal = fix if isinstance(fix, Refusal) else None
        repair = fix if isinstance(fix, Fix) else None
        return Finding(
            card.id, self.source.path, line, column, message, card.severity if severity is None else severity,
            reason, repair, refusal, alternatives,
        )  # fmt: skip


class Rule(Protocol):
    """A rule is a module with a page (its docstring), a CARD, and `check`."""

    __doc__: str | None
    CARD: Card

    def check(self, view: DockerfileView) -> Iterator[Finding]:
        """The findings of one Dockerfile."""
        ...
