"""Where the words of a RUN stand: in the file, and which container paths they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixer.lazy import kept, regex
from fixer.model import Span
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.shell import Command, Word, parse
from fixer.tuples import NamedTuple
from fixer.understand.image import Image, script_of
from fixer.understand.shellroot import absolute
from fixer.understand.shellvalues import Values
from fixer.understand.stages import Stage, join

_UNSURE = frozenset("*?$`{}~[]")
# What may stand behind the last command of a script that another one can follow: closing words, and no comment.
_CLOSING = regex(r"(?:[\s;)}\\]|\b(?:fi|done|esac)\b)*")


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


def mounts(stage: Stage, item: Instruction) -> Iterator[str]:
    """Where `--mount` puts something that is not of the image; `/` where that is not known."""
    for flag in item.flags:
        found = re.search(r"(?:^|,)(?:target|dst|destination)=([^,]*)", flag.value or "")
        if flag.name == "mount" and found is not None:
            value = stage.expand(found[1], item)
            yield "/" if value is None else join(stage.workdir(item) or "/", value)


def script_end(item: Instruction) -> int | None:
    """The offset in the file at which `&&` and another command can be put behind the script of a RUN.

    None where that is not certain to run when the script has succeeded: other forms, heredocs, comments, what is not
    understood, and commands that end the shell or go on in the background.
    """
    if item.keyword != "RUN" or item.json is not None or item.heredocs or item.open_end:
        return None
    text = item.shell
    script = parse(text)
    last = max(script.commands, key=lambda command: command.end, default=None)
    if script.errors or last is None or any(word.text == "exec" for word in last.prefix):
        return None
    if any(c.name == "exit" and not (c.conditional and c.args and c.args[0].text != "0") for c in script.commands):
        return None
    end = len(text.rstrip("; \t\r\n\\"))
    if not _CLOSING.fullmatch(text, last.end) or item.source[item.shell_start + last.end - 1] != text[last.end - 1]:
        return None
    return item.shell_start + max(end, last.end)


class Step(NamedTuple):
    """One command of a RUN, with what its words mean there."""

    stage: Stage
    item: Instruction
    command: Command
    values: Values

    @property
    def here(self) -> str:
        """The absolute folder that the command works in, or an empty string."""
        return "" if self.command.cwd == "" else absolute(".", self.command.cwd, self.stage.workdir(self.item)) or ""

    def place(self, word: Word) -> str:
        """The absolute path that a word means, or an empty string."""
        return container_path(self.values.shown(word), self.command, self.stage, self.item) or ""

    def places(self) -> Iterator[str]:
        """All words behind the program that may be paths."""
        return (place for word in self.command.args if (place := self.place(word)))


@kept
def steps(image: Image, item: Instruction) -> tuple[Step, ...]:
    """The commands of a RUN, in order; none where another shell reads it."""
    if item.keyword != "RUN" or image.dialect(item) != "posix":
        return ()
    stage, script = image.stage_of(item), parse(script_of(item))
    values = Values(script, lambda text: stage.expand(text, item))
    return tuple(Step(stage, item, command, values) for command in script.commands)
