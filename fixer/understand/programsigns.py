"""What a program does in its own code that only root can do: another user, chroot, raw sockets, the clock.

Only calls in the one file that the image starts are looked for, by name: this reads no language as its interpreter
would.
"""

from __future__ import annotations

from collections.abc import Iterator
from re import Pattern
from typing import Final

from fixer.lazy import regex
from fixer.tuples import NamedTuple

_USERS: Final = "(?:set(?:e|re|res)?[ug]id|setgroups|initgroups)"
_RAW: Final = r"\b(?:SOCK_RAW|AF_PACKET)\b"
# Who it is, as a question: compared, kept, or the whole of a condition; not where it is only shown.
_ASKS: Final = (
    r"(?:[=!]|\b(?:if|not|and|or|unless)\b|&&|\|\|)\s*\(?!?\s*(?:\w+\.)?{0}(?:\(\)|\b(?!\())"
    r"|{0}(?:\(\))?\s*(?:[=!]=|[<>])"
)
_NONE: Final = r"(?!)"
_MARKS: Final = ("uid", "gid", "groups", "chroot", "settime", "_RAW", "_PACKET")


class Call(NamedTuple):
    """A call that only root may make: its words and its line (from 1).

    `code` is that of a refusal: `steps-down`, `kernel` or `network-admin`. `conditional` tells that a condition, or
    what catches errors, stands around it.
    """

    code: str
    words: str
    line: int
    conditional: bool


class _Language(NamedTuple):
    """How a language makes such calls, with a group for each kind; how it asks who it is; what begins a comment.

    None of the calls stands in a text without one of the marks.
    """

    calls: Pattern[str]
    asks: Pattern[str]
    comment: str
    marks: tuple[str, ...] = _MARKS


def _calls(users: str, kernel: str, network: str) -> Pattern[str]:
    return regex(rf"(?P<users>{users})|(?P<kernel>{kernel})|(?P<network>{network})")


_PYTHON: Final = _Language(
    _calls(rf"\bos\.{_USERS}\(", r"\bos\.chroot\(|\btime\.clock_settime(?:_ns)?\(", _RAW),
    regex(_ASKS.format(r"\bgete?uid") + "|PermissionError"),
    "#",
)
_NODE: Final = _Language(
    _calls(rf"\bprocess\.{_USERS}\(", _NONE, _NONE), regex(_ASKS.format(r"\bgete?uid") + "|EPERM"), "//"
)
_PERL: Final = _Language(
    _calls(r"(?<![\w$])\$[<>]\s*=(?![=~>])|\bset[ug]id\s*\(", r"(?<![\w$-])chroot\b", _RAW),
    regex(r"\$[<>]\s*(?:==|!=|\)|&&|\|\||\?)"),
    "#",
    (*_MARKS, "$<", "$>"),
)
_RUBY: Final = _Language(
    _calls(
        rf"\bProcess(?:::(?:Sys|UID|GID))?\.(?:{_USERS}|change_privilege|e?[ug]id\s*=(?!=))", r"\bDir\.chroot\b", _RAW
    ),
    regex(r"\.e?uid\s*==|\bEPERM\b"),
    "#",
    (*_MARKS, "change_privilege"),
)
_PHP: Final = _Language(
    _calls(r"\bposix_sete?[ug]id\(", r"(?<![\w>:])chroot\(", _RAW), regex(_ASKS.format(r"\bposix_gete?uid")), "//"
)
_LANGUAGES: Final = {
    "python": _PYTHON, "pypy": _PYTHON, "node": _NODE, "bun": _NODE, "perl": _PERL, "ruby": _RUBY, "php": _PHP,
}  # fmt: skip
_CODES: Final = {"users": "steps-down", "kernel": "kernel", "network": "network-admin"}
_CONDITION: Final = regex(
    r"(?:^|\}\s*|\s)(?:if|elif|elsif|else|unless|try|except|catch|rescue|case|when|switch|begin|eval)\b"
    r"(?!.*__(?:name|FILE)__)"
)


def interpreter_of(text: str) -> str:
    """The name of the program that the first line of a script asks for, an empty string without one."""
    if not text.startswith("#!"):
        return ""
    words = [word.rpartition("/")[2] for word in text[2:].partition("\n")[0].split()]
    named = [word for word in words if word != "env" and not word.startswith("-")]
    return named[0] if named else ""


def root_calls(interpreter: str, text: str) -> Iterator[Call]:
    """The calls of a program that only root may make; none where it asks who it is, because then it can do without.

    Args:
        interpreter: what runs it, by name: `python3`, `node`.
        text: its source.
    """
    language = _LANGUAGES.get(interpreter.rstrip("0123456789."))
    if language is None or not any(mark in text for mark in language.marks) or language.asks.search(text):
        return
    lines = text.splitlines()
    for number, line in enumerate(lines):
        found = language.calls.search(line)
        if found is not None and language.comment not in line[: found.start()]:
            words = found[0].rstrip("( =")
            yield Call(_CODES[found.lastgroup or ""], words, number + 1, _conditional(lines, number))


def _conditional(lines: list[str], at: int) -> bool:
    """Whether a line has a condition or stands below one, as far as its indentation tells."""
    if _CONDITION.search(lines[at]):
        return True
    indent = _indent(lines[at])
    for line in reversed(lines[:at]):
        if line.strip() and _indent(line) < indent:
            indent = _indent(line)
            if _CONDITION.search(line):
                return True
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
