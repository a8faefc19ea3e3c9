"""Variables in Dockerfile words, expanded as BuildKit's shell lexer does.

`${VAR:-default}` and its kin are the project's own, since no Python library reads them rightly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import translate

from fixer.lazy import regex

_NAME = regex(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!$-]")
# What is itself: it neither quotes, escapes nor begins a variable, and ends no word in one but that before a slash.
_PLAIN = regex(r"[A-Za-z0-9_./:@,+= -]++")
_MODIFIER = regex(r"(:?[-+?]|##?|%%?|//?)")

Env = Mapping[str, "str | None"]


class _Unknown(Exception):
    """A value that only the build knows."""


class _Scope(dict[str, "str | None"]):
    """Known variables, and what a name that is missing expands to."""

    unset: str | None = ""


def expand(text: str, env: Env, escape: str = "\\", unset: str | None = "") -> str | None:
    """The value of a word: variables replaced, quotes removed, escapes resolved.

    Args:
        text: one or more words as written.
        env: known variables; a value of None is a variable that exists but whose value only the build knows.
        escape: the file's escape character.
        unset: what a name that is missing expands to: nothing, as in BuildKit, or None where it may be set elsewhere.

    Returns:
        The value, or None when it depends on something that only the build knows, or is malformed.
    """
    if is_plain(text, escape):
        return text
    try:
        scope = _Scope(env)
        scope.unset = unset
        value, at = _run(text, 0, scope, escape, "")
    except (_Unknown, IndexError, RecursionError):  # nobody nests defaults that deep and means well
        return None
    return value if at == len(text) else None


def is_plain(text: str, escape: str) -> bool:
    """Whether a word means what is written, whatever the variables are."""
    return "$" not in text and "'" not in text and '"' not in text and escape not in text


def names(text: str) -> frozenset[str]:
    """Names of the variables that a word mentions."""
    return frozenset(a or b for a, b in re.findall(r"\$(?:\{([A-Za-z_]\w*)|([A-Za-z_]\w*))", text))


def _run(text: str, at: int, env: _Scope, escape: str, stop: str) -> tuple[str, int]:
    out: list[str] = []
    quote = ""
    while at < len(text):
        plain = _PLAIN.match(text, at) if stop != "/}" else None
        if plain is not None:
            out.append(plain[0])
            at = plain.end()
            continue
        ch = text[at]
        if not quote and stop and ch in stop:
            break
        if ch == escape and quote != "'":
            at += 1
            if at == len(text):
                break
            if quote and text[at] not in ('"', "$", escape):
                out.append(ch)
            out.append(text[at])
        elif quote == ch:
            quote = ""
        elif not quote and ch in "'\"":
            quote = ch
        elif ch == "$" and quote != "'":
            value, at = _variable(text, at + 1, env, escape)
            out.append(value)
            continue
        else:
            out.append(ch)
        at += 1
    if quote:
        raise _Unknown
    return "".join(out), at


def _variable(text: str, at: int, env: _Scope, escape: str) -> tuple[str, int]:
    if text.startswith("{", at):
        return _braced(text, at + 1, env, escape)
    match = _NAME.match(text, at)
    if match is None:
        return "$", at
    return _value(match[0], env), match.end()


def _value(name: str, env: _Scope) -> str:
    value = env.get(name, env.unset)
    if value is None:
        raise _Unknown
    return value


def _braced(text: str, at: int, env: _Scope, escape: str) -> tuple[str, int]:
    match = _NAME.match(text, at)
    if match is None:
        raise _Unknown
    name, at = match[0], match.end()
    if text[at] == "}":
        return _value(name, env), at + 1
    modifier = _MODIFIER.match(text, at)
    if modifier is None:
        raise _Unknown
    return _MODIFIED[modifier[0].lstrip(":")[0]](name, modifier[0], text, modifier.end(), env, escape)


def _close(text: str, at: int) -> int:
    if text[at] != "}":
        raise _Unknown
    return at + 1


def _default(name: str, modifier: str, text: str, at: int, env: _Scope, escape: str) -> tuple[str, int]:
    """`-` and `:-`: the word when the variable is not set (or empty)."""
    present = name in env and not (modifier[0] == ":" and env[name] == "")
    word, at = _lazy(text, at, env, escape)
    at = _close(text, at)
    if present and env[name] is None:
        # An ARG without a value takes its default unless the build gives one, and then it says so.
        present = False
    if not present:
        if word is None:
            raise _Unknown
        return word, at
    return _value(name, env), at


def _alternate(name: str, modifier: str, text: str, at: int, env: _Scope, escape: str) -> tuple[str, int]:
    """`+` and `:+`: the word when the variable is set (and not empty)."""
    word, at = _lazy(text, at, env, escape)
    at = _close(text, at)
    if name not in env and env.unset is not None:
        return "", at
    value = _value(name, env)
    if modifier[0] == ":" and not value:
        return "", at
    if word is None:
        raise _Unknown
    return word, at


def _required(name: str, modifier: str, text: str, at: int, env: _Scope, escape: str) -> tuple[str, int]:
    """`?` and `:?`: the value, or a failing build."""
    _, at = _lazy(text, at, env, escape)
    value = _value(name, env)
    if name not in env or (modifier[0] == ":" and not value):
        raise _Unknown  # the build fails
    return value, _close(text, at)


def _strip(name: str, modifier: str, text: str, at: int, env: _Scope, escape: str) -> tuple[str, int]:
    """`#`, `##`, `%`, `%%`: the value without a matching prefix or suffix."""
    pattern, at = _run(text, at, env, escape, "}")
    at = _close(text, at)
    value = _value(name, env)
    test = re.compile(translate(pattern.replace("[", "[[]")))  # BuildKit knows * and ?, and no classes
    cuts = range(len(value) + 1)
    if modifier[0] == "#":
        found = [i for i in cuts if test.match(value[:i])]
        return (value[found[-1 if len(modifier) == 2 else 0] :] if found else value), at
    found = [i for i in cuts if test.match(value[i:])]
    return (value[: found[0 if len(modifier) == 2 else -1]] if found else value), at


def _replace(name: str, modifier: str, text: str, at: int, env: _Scope, escape: str) -> tuple[str, int]:
    """`/` and `//`: the value with the first or every match replaced; only literal patterns are known here."""
    old, at = _run(text, at, env, escape, "/}")
    new = ""
    if text[at] == "/":
        new, at = _run(text, at + 1, env, escape, "}")
    at = _close(text, at)
    if any(ch in old for ch in "*?["):
        raise _Unknown
    return _value(name, env).replace(old, new, -1 if modifier == "//" else 1), at


def _lazy(text: str, at: int, env: _Scope, escape: str) -> tuple[str | None, int]:
    """The word behind a modifier, or None when it is unknown; it must not matter unless it is used."""
    try:
        return _run(text, at, env, escape, "}")
    except _Unknown:
        known = _Scope({**env, **{n: env.get(n) or "" for n in names(text)}})
        _, end = _run(text, at, known, escape, "}")
        return None, end


_MODIFIED = {
    "-": _default,
    "+": _alternate,
    "?": _required,
    "#": _strip,
    "%": _strip,
    "/": _replace,
}
