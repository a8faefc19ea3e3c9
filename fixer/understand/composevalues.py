"""The variables of Compose: what a `.env` file sets, and how the words of a Compose file are filled in with them.

As the specification says it: only braces and plain names are variables, `$$` is a dollar, and quotes mean nothing.
"""

from __future__ import annotations

import posixpath

from fixer.lazy import regex
from fixer.syntax.expand import expand
from fixer.understand.buildfacts import UNKNOWN, Env
from fixer.understand.builds import Read

# A line of `.env`; with quotes the value ends with them, whatever stands behind.
_ROW = regex(r"""(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*[=:][ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\n]*))""")
_COMMENT = regex(r"(?:^|[ \t])#.*")
# The last alternative is what Compose refuses.
_VARIABLE = regex(r"\$\$|\$[A-Za-z_]\w*|\$\{(?:[^{}]|\$\{(?:[^{}]|\$\{[^{}]*\})*\})*\}|\$\S*")


def variables(folder: str, read: Read) -> Env:
    """What the `.env` file of a folder sets; such a file holds unless somebody says otherwise."""
    return settings(read(posixpath.join(folder, ".env")) or "")


def settings(text: str) -> Env:
    """What a file of variables sets, None for a value that only the environment knows.

    A value in single quotes is what is written.
    """
    env: dict[str, str | None] = {}
    for name, double, single, bare in _ROW.findall(text):
        value = single or fill(double or _COMMENT.sub("", bare).strip(), env)
        env[name] = None if UNKNOWN in value else value
    return env


def fill(text: str, env: Env) -> str:
    """A text with its variables, each that only the environment knows replaced by `UNKNOWN`."""
    return _VARIABLE.sub(lambda match: _value(match[0], env), text) if "$" in text else text


def _value(word: str, env: Env) -> str:
    if word == "$$":
        return "$"
    value = expand(word, env, "\0", None) if len(word) > 1 and (word[1] == "{" or word[1].isidentifier()) else None
    return UNKNOWN if value is None else value
