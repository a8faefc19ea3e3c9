"""The reason for each change as a comment above it, for those who want to find it in the file later.

A comment goes above the comments that stand over an instruction already, so that those which speak to other tools about
the next line keep their place; never inside a continuation or a heredoc.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from fixer.edits.dockerfile import Plan, block_start, line_start
from fixer.model import (
    Change,
    CreateUser,
    Edit,
    HandOver,
    InsertLine,
    RemoveInstruction,
    ReplaceText,
    SetEnv,
    SetFlag,
    SetUser,
    Span,
    StageChange,
    StartAsRoot,
)
from fixer.syntax.dockerfile import Dockerfile, Instruction
from fixer.understand.stages import Stage

# What an inserted block is about, the first that applies.
_LEADS: tuple[type[Change], ...] = (SetUser, CreateUser, HandOver)


def annotate(
    plan: Plan, dockerfile: Dockerfile, stages: tuple[Stage, ...], notes: Mapping[Change, str], newline: str
) -> None:
    """Add comments to the edits of a plan.

    Args:
        plan: the lowered changes; its edits are replaced.
        dockerfile: the file that they belong to.
        stages: its stages.
        notes: the reason for each change, one line without the comment sign.
        newline: the line end of the file.
    """
    work = _Work(dockerfile, stages, notes, newline)
    plan.edits[:] = [*(work.block(edit) for edit in plan.edits), *work.above(plan)]


class _Work:
    """One file and its notes."""

    def __init__(
        self, dockerfile: Dockerfile, stages: tuple[Stage, ...], notes: Mapping[Change, str], newline: str
    ) -> None:
        self.dockerfile = dockerfile
        self.stages = stages
        self.notes = notes
        self.newline = newline
        self.written: set[tuple[int, str]] = set()

    def block(self, edit: Edit) -> Edit:
        """An edit that inserts or removes whole lines, with its comment."""
        start, end = edit.span.start, edit.span.end
        if start != end and edit.text:
            return edit
        notes = list(self._fresh(self._removed(edit.span) if start != end else self._inserted(edit)))
        if not notes:
            return edit
        head = self.newline if edit.text.startswith(self.newline) else ""
        body = edit.text[len(head) :]
        indent = re.match(r"[ \t]*", body or self.dockerfile.text[start:end])
        return Edit(edit.span, head + self._lines(notes, indent[0] if indent else "") + body)

    def _inserted(self, edit: Edit) -> Iterator[tuple[int, str]]:
        """The note that leads an inserted block, with its stage."""
        text = edit.text.strip()
        stage = max((s.index for s in self.stages if s.start.span.start < edit.span.start), default=0)
        single = [(c, n) for c, n in self.notes.items() if isinstance(c, InsertLine) and c.text.strip() == text]
        if single:
            yield stage, single[0][1]
            return
        kinds: tuple[type[Change], ...] = ()
        if re.fullmatch(r"(?i)user 0", text):
            kinds = (StartAsRoot,)
        elif re.fullmatch(r"(?i)env\s.*", text):
            kinds = (SetEnv,)
        elif re.match(r"(?i)(run|env|user)\s", text):
            kinds = _LEADS if re.search(r"(?im)^\s*user\s", edit.text) else _LEADS[1:]
        here = [(c, n) for c, n in self.notes.items() if isinstance(c, StageChange) and c.stage == stage]
        here = [(c, n) for c, n in here if not isinstance(c, HandOver) or c.run < 0]
        found = [note for kind in kinds for change, note in here if isinstance(change, kind)]
        if found:
            yield stage, found[0]

    def _removed(self, span: Span) -> Iterator[tuple[int, str]]:
        for change, note in self.notes.items():
            if isinstance(change, RemoveInstruction):
                item = self.dockerfile.instructions[change.instruction]
                if span.start <= item.span.start < span.end:
                    yield -1, note

    def _fresh(self, found: Iterable[tuple[int, str]]) -> Iterator[str]:
        """Notes that the stage does not have yet: the USER and the RUN of one move share theirs."""
        for key in found:
            if key[0] < 0 or key not in self.written:
                self.written.add(key)
                yield key[1]

    def above(self, plan: Plan) -> Iterator[Edit]:
        """Comments above the instructions that change inside."""
        for index in sorted(plan.touched):
            item = self.dockerfile.instructions[index]
            own = line_start(self.dockerfile.text, item.span.start)
            lead = self.dockerfile.text[own : item.span.start]
            if lead.strip() or self.dockerfile.text.count("\n", 0, own) + 1 != item.line:
                continue  # the first line of the instruction is nothing but a continuation
            at = block_start(self.dockerfile, item) if index else own
            over = {line.strip() for line in self.dockerfile.text[at:own].splitlines()}
            fresh = [n for n in dict.fromkeys(self._inside(item)) if f"# {_clean(n)}" not in over]
            if fresh:
                yield Edit(Span(at, at), self._lines(fresh, lead))

    def _inside(self, item: Instruction) -> Iterator[str]:
        """The notes of the changes within one instruction."""
        for change, note in self.notes.items():
            if isinstance(change, SetFlag):
                mine = change.instruction == item.index
            elif isinstance(change, ReplaceText):
                mine = item.span.start <= change.span.start and change.span.end <= item.span.end
            elif isinstance(change, HandOver):
                mine = change.run == item.index
            elif isinstance(change, SetUser):
                mine = item.keyword == "USER" and item in self.stages[change.stage].body
                mine = mine and (change.stage, note) not in self.written
            else:
                mine = False
            if mine:
                yield note

    def _lines(self, notes: Iterable[str], indent: str) -> str:
        return "".join(f"{indent}# {_clean(note)}{self.newline}" for note in notes)


def _clean(note: str) -> str:
    return " ".join(note.split())
