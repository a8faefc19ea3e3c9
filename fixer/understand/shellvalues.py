"""The values of shell words: literal text, the script's own variables, and those known from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from fixer.lazy import regex
from fixer.syntax.shell import Script, Word

Expand = Callable[[str], "str | None"]

_VARIABLE: Final = regex(
    r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<op>:?[-=+])(?P<word>[^{}$]*))?\})"
)
_UNKNOWN: Final = "\0"  # stands for a value that only the build knows


class Values:
    """What the words of one script stand for."""

    def __init__(self, script: Script, expand: Expand) -> None:
        self.expand = expand
        self.own = _assigned(script)

    def value(self, word: Word | None) -> str | None:
        """The text of a word when it is known, also through variables; ``None`` when not or when empty."""
        if word is None or word.literal:
            return word.text if word is not None else None
        text = word.text
        if "$(" in text or "`" in text:
            return None
        if self.own:
            text = _VARIABLE.sub(self._own_value, text)
        if _UNKNOWN in text:
            return None
        return (self.expand(text) if "$" in text else text) or None

    def _own_value(self, match: re.Match[str]) -> str:
        name = match["plain"] or match["name"]
        if name not in self.own:
            return match[0]
        value = self.own[name]
        chosen = _chosen(match, value) if value is not None else None
        return _UNKNOWN if chosen is None else chosen

    def number(self, word: Word | None) -> int | None:
        """The number that a word stands for, or ``None``."""
        value = self.value(word)
        return int(value) if value is not None and re.fullmatch(r"[0-9]{1,10}", value) else None

    def shown(self, word: Word | None) -> str:
        """The value of a word, or the word as written when that is not known; empty for no word."""
        if word is None:
            return ""
        value = self.value(word)
        return word.text if value is None else value

    def name(self, word: Word | None) -> str:
        """The value of a word that is no number, else an empty string."""
        value = self.value(word)
        return value if value is not None and not value.isdecimal() else ""

    def names(self, word: Word | None) -> tuple[str, ...]:
        """The parts of a word with commas."""
        return tuple(name for name in (self.value(word) or "").split(",") if name)


def _assigned(script: Script) -> dict[str, str | None]:
    """Variables that the script sets, and their values where there is but one literal value."""
    own: dict[str, str | None] = {}
    for assignment in script.assignments:
        sure = assignment.value.literal and not assignment.conditional and assignment.name not in own
        own[assignment.name] = assignment.value.text if sure else None
    return own


def expander(env: Mapping[str, str]) -> Expand:
    """An expansion that knows these variables, and the ``${NAME:-default}`` of others."""

    def replace(match: re.Match[str]) -> str:
        value = _chosen(match, env.get(match["plain"] or match["name"]))
        return _UNKNOWN if value is None else value

    def expand(text: str) -> str | None:
        result = _VARIABLE.sub(replace, text)
        return None if _UNKNOWN in result or "$" in result or "`" in result else result

    return expand


def _chosen(match: re.Match[str], value: str | None) -> str | None:
    """The value of one variable with its ``:-`` or ``:+``; ``None`` when it is not known."""
    operator = match["op"] or ""
    is_set = value is not None and (value != "" or not operator.startswith(":"))
    if operator.endswith("+"):
        return match["word"] if is_set else ""
    return match["word"] if operator and not is_set else value
