"""What an entry script does that matters for the user it runs as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fixer.lazy import regex
from fixer.syntax.shell import Command, dialect_of_script, parse
from fixer.tuples import NamedTuple
from fixer.understand.shellaccounts import TOOLS
from fixer.understand.shellpackages import MANAGERS
from fixer.understand.shellroot import KERNEL, needs_root, path_need, service, step_down, written


class Sign(NamedTuple):
    """One thing that a script does.

    ``kind`` is one of ``steps-down``, ``service``, ``package-manager``, ``chown``, ``usermod``, ``kernel``,
    ``root-check`` and ``writes``. ``line`` starts at 1. ``conditional`` is as in :class:`Command`;
    ``guarded`` says that it is conditional and follows a test for root, so that the script may also work
    for another user.
    """

    kind: str
    detail: str
    line: int
    conditional: bool = False
    guarded: bool = False


_ROOT_TEST: Final = regex(r"\bid\s+-[a-z]*u|\$\{?E?UID\b|\bwhoami\b")
_KINDS: Final[dict[str, str]] = {
    **dict.fromkeys(MANAGERS, "package-manager"),
    **dict.fromkeys((*KERNEL, "sysctl", "ip"), "kernel"),
    **dict.fromkeys(("chown", "chgrp"), "chown"),
    **dict.fromkeys(TOOLS, "usermod"),
}


def script_signs(text: str) -> tuple[Sign, ...]:
    """The signs in a script, in the order of the text; none for scripts in other languages. Never raises."""
    if dialect_of_script(text) != "posix":
        return ()
    signs: list[Sign] = []
    tested = False
    for command in parse(text).commands:
        line = text.count("\n", 0, command.start) + 1
        for kind, detail in _signs_of(command, text):
            guarded = tested and command.conditional and kind != "root-check"
            signs.append(Sign(kind, detail, line, command.conditional, guarded))
            tested = tested or kind == "root-check"
    return tuple(dict.fromkeys(signs))


def _signs_of(command: Command, text: str) -> Iterator[tuple[str, str]]:
    if command.name in ("[", "[[", "test") and _ROOT_TEST.search(text, command.start, command.end):
        yield "root-check", text[command.start : command.end]
    down = step_down(command)
    if down is not None:
        yield "steps-down", f"{down.tool} {down.user}"
    started = service(command)
    if started is not None:
        yield "service", started.name
    kind = _KINDS.get(command.name)
    if kind is None:
        yield from (("writes", word.text) for word in written(command) if _is_system(word.text))
    elif needs_root(command) is not None:
        yield kind, command.name


def _is_system(path: str) -> bool:
    return path.startswith("/") and path_need(path) is not None
