"""Where the words of a RUN stand: in the file, and which container paths they mean."""

from __future__ import annotations

from fixer.model import Span
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.shell import Command, Word
from fixer.understand.shellroot import absolute
from fixer.understand.stages import Stage

_UNSURE = frozenset("*?$`{}~[]")


def word_span(item: Instruction, word: Word) -> Span | None:
    """The place in the file of a word of a RUN's script, or None when the two are not one to one.

    Args:
        item: the RUN.
        word: a word of `script_of(item)`, as the shell parser gives it.
    """
    if item.json is not None:
        return None
    if not item.heredocs:
        start = item.shell_start
    elif item.args.startswith("<<"):
        start = item.heredocs[0].span.start
    else:
        return None
    span = Span(start + word.start, start + word.end)
    return span if item.source[span.start : span.end] == word.raw else None


def command_span(item: Instruction, command: Command) -> Span:
    """Where a command of a RUN begins in the file; the instruction itself when that cannot be told."""
    found = word_span(item, command.words[0]) if command.words else None
    return item.span if found is None else found


def container_path(text: str, command: Command, stage: Stage, item: Instruction) -> str | None:
    """The absolute path that a word of a command means, or None for patterns and what only the build knows."""
    value = stage.expand(text, item) if "$" in text else text
    if not value or _UNSURE & set(value):
        return None
    return absolute(value, command.cwd, stage.workdir(item))
