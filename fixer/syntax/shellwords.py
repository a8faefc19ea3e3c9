"""Shell words: quoting, programs that run other programs, and which shell reads a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from posixpath import basename
from typing import Final, Literal

from fixer.lazy import regex
from fixer.tuples import NamedTuple

Dialect = Literal["posix", "powershell", "cmd", "other"]


# Named tuples, not frozen dataclasses: there are dozens in every Dockerfile, and these are made four times
# as fast.
class Word(NamedTuple):
    """One shell word.

    ``text`` is the value without quotes and escapes; variables stay as they are written. ``raw`` is what is
    written at ``start:end`` (characters). ``literal`` is false when the shell would put in a variable or
    the output of a command; patterns such as ``*.conf`` count as literal. A word of a quoted script whose
    escapes prevent a one-to-one place has the place, and the ``raw``, of the whole quoted word.
    """

    text: str
    raw: str
    start: int
    end: int
    literal: bool


class Assignment(NamedTuple):
    """``name=value``; an empty value has an empty word. ``conditional`` is as in :class:`Command`."""

    name: str
    value: Word
    conditional: bool


# ----------------------------------------------------------------------------------------------- words

SPECIAL: Final = regex(r"[\\'\"$`(]")
_PIECE: Final = regex(
    r"""\$'(?P<ansi>(?:[^'\\]|\\.)*)'            # $'\n'
      | '(?P<single>[^']*)'
      | \$?"(?P<double>(?:[^"\\]|\\.)*)"
      | \\(?P<escaped>.)
      | (?P<expansion>\$(?=[A-Za-z0-9_{@*#?!$(-])|`)
      | (?P<plain>.)""",
    re.DOTALL | re.VERBOSE,
)
_DOUBLE: Final = regex(r"\\(?P<escaped>[$`\"\\\n])|(?P<expansion>\$[A-Za-z0-9_{@*#?!$(-]|`)", re.DOTALL)
_EXPANSION: Final = regex(r"\$[A-Za-z0-9_{@*#?!$(-]|`")
_ANSI: Final = regex(r"\\(?:x(?P<hex>[0-9A-Fa-f]{1,2})|(?P<octal>[0-7]{1,3})|(?P<letter>.))", re.DOTALL)
_ANSI_LETTERS: Final = dict(zip("ntrabefv", "\n\t\r\a\b\x1b\f\v", strict=True))


def unquote(raw: str) -> tuple[str, bool]:
    """The value of a word as written, and whether it is literal (see :class:`Word`)."""
    if not SPECIAL.search(raw):
        return raw, True
    quote = raw[0]
    if quote == "'" and raw.find("'", 1) == len(raw) - 1:
        return raw[1:-1], True
    if "$(" in raw or "`" in raw:
        return _strip_quotes(raw), False
    if "\\" not in raw:
        # Nearly all words are one quoted piece or have no quotes; the rest is taken apart.
        if quote == '"' and raw.find('"', 1) == len(raw) - 1:
            return raw[1:-1], _EXPANSION.search(raw) is None
        if '"' not in raw and "'" not in raw:
            return raw, _EXPANSION.search(raw) is None
    parts: list[str] = []
    literal = True
    for match in _PIECE.finditer(raw):
        text, known = _PIECES[match.lastgroup or "plain"](match)
        parts.append(text)
        literal = literal and known
    return "".join(parts), literal


def literal_word(text: str, raw: str, start: int) -> Word:
    """A word with a known value, such as one item of a JSON array that is written as ``raw``."""
    return Word(text, raw, start, start + len(raw), True)


def _strip_quotes(raw: str) -> str:
    """The text of a word with a command in it, whose own quotes make exact unquoting pointless."""
    return raw[1:-1] if len(raw) > 1 and raw[0] in "\"'" and raw[-1] == raw[0] else raw


def _double_quoted(match: re.Match[str]) -> tuple[str, bool]:
    text = match["double"]
    if not SPECIAL.search(text):
        return text, True
    literal = not any(found["expansion"] for found in _DOUBLE.finditer(text))
    return _DOUBLE.sub(lambda found: _escaped(found)[0] if found["escaped"] else found[0], text), literal


def _escaped(match: re.Match[str]) -> tuple[str, bool]:
    # A backslash in front of a newline vanishes together with it.
    return ("" if match["escaped"] in "\r\n" else match["escaped"]), True


def _ansi_letter(match: re.Match[str]) -> str:
    if match["hex"]:
        return chr(int(match["hex"], 16))
    if match["octal"]:
        return chr(int(match["octal"], 8))
    return _ANSI_LETTERS.get(match["letter"], match["letter"])


_PIECES: Final[dict[str, Callable[[re.Match[str]], tuple[str, bool]]]] = {
    "ansi": lambda match: (_ANSI.sub(_ansi_letter, match["ansi"]), True),
    "single": lambda match: (match["single"], True),
    "double": _double_quoted,
    "escaped": _escaped,
    "expansion": lambda match: (match[0], False),
    "plain": lambda match: (match[0], True),
}


# ---------------------------------------------------------------------------------- programs that run others


class _Prefix(NamedTuple):
    """How a program that runs another reads its own words."""

    letters: str = ""  # short options that take an argument
    names: frozenset[str] = frozenset()  # long options that take an argument, without the dashes
    positional: int = 0  # own words in front of the program
    assignments: bool = False  # NAME=value words may come before the program
    alone: frozenset[str] = frozenset()  # options with which it runs nothing


def _prefix(
    letters: str = "", names: str = "", positional: int = 0, assignments: bool = False, alone: str = ""
) -> _Prefix:
    return _Prefix(letters, frozenset(names.split()), positional, assignments, frozenset(alone.split()))


PREFIXES: Final[dict[str, _Prefix]] = {
    "sudo": _prefix("ughpCcrtTUDR", "user group host prompt close-from role type chdir chroot", 0, True, "-l -v -V"),
    "doas": _prefix("uC"),
    "env": _prefix("uC", "unset chdir", 0, True),
    "exec": _prefix("a"),
    "time": _prefix("fo", "format output"),
    "nice": _prefix("n", "adjustment"),
    "ionice": _prefix("cn", "class classdata", alone="-p"),
    "nohup": _prefix(),
    "setsid": _prefix(),
    "command": _prefix(alone="-v -V"),
    "builtin": _prefix(),
    "timeout": _prefix("sk", "signal kill-after", 1),
    "stdbuf": _prefix("ioe", "input output error"),
    "eatmydata": _prefix(),
    "xargs": _prefix("adEILnPs", "arg-file delimiter max-lines max-args max-procs max-chars replace process-slot-var"),
    "tini": _prefix("pe"),
    "tini-static": _prefix("pe"),
    "docker-init": _prefix("pe"),
    "dumb-init": _prefix("r", "rewrite"),
    "catatonit": _prefix(),
    "busybox": _prefix(),
    "xvfb-run": _prefix("efnpsw", "error-file auth-file server-num xauth-protocol server-args wait"),
}
_ASSIGNMENT: Final = regex(r"([A-Za-z_]\w*)=")


def prefix_length(words: tuple[Word, ...]) -> tuple[int, list[Assignment]]:
    """How many words are prefixes (at least one word stays), and the assignments among them."""
    at = 0
    env: list[Assignment] = []
    while (grammar := PREFIXES.get(basename(words[at].text))) is not None:
        following = _behind_prefix(words, at, grammar, env)
        if following is None or following >= len(words):
            break
        at = following
    return at, env


def _behind_prefix(words: tuple[Word, ...], at: int, grammar: _Prefix, env: list[Assignment]) -> int | None:
    """Where the program starts that ``words[at]`` runs, or ``None`` when it runs none."""
    index, left = at + 1, grammar.positional
    while index < len(words):
        text = words[index].text
        if text in grammar.alone:
            return None
        if text == "--":
            index += 1
            break
        if text.startswith("-") and len(text) > 1:
            index += 2 if _takes_next(text, grammar) else 1
        elif grammar.assignments and (match := _ASSIGNMENT.match(text)):
            env.append(Assignment(match[1], behind(words[index], len(match[0])), False))
            index += 1
        elif left:
            left, index = left - 1, index + 1
        else:
            break
    return index + left


def _takes_next(option: str, grammar: _Prefix) -> bool:
    """Whether the next word is the argument of this option."""
    if option.startswith("--"):
        return option[2:] in grammar.names
    for position, letter in enumerate(option[1:], 1):
        if letter in grammar.letters:
            return position == len(option) - 1
    return False


def behind(word: Word, length: int) -> Word:
    """What follows the first ``length`` characters of a word, such as the value of ``--name=value``."""
    if word.raw[:length] != word.text[:length]:
        # Quoted from its start: the part has no place of its own.
        return word._replace(text=word.text[length:])
    return Word(word.text[length:], word.raw[length:], word.start + length, word.end, word.literal)


def quoted_script(words: tuple[Word, ...]) -> Word | None:
    """The script of ``sh -c script``."""
    wanted = False
    index = 1
    while index < len(words):
        text = words[index].text
        if text[:1] not in "-+" or len(text) < 2:
            return words[index] if wanted else None
        if not text.startswith("--"):
            wanted = wanted or "c" in text[1:]
            index += text[-1] in "oO"
        index += 1
    return None


_REAL_ESCAPE: Final = regex(r"\\[$`\"\\]")


def inside(word: Word) -> tuple[str, int | None]:
    """The text inside a quoted word and where it starts, if its places are those of the source."""
    raw, inner = word.raw, word.raw[1:-1]
    quote = raw[0] if len(raw) > 1 and raw[0] == raw[-1] else ""
    if quote == "'" and "'" not in inner:
        return inner, word.start + 1
    # A quote inside means several quoted pieces, unless it stands in a substitution.
    whole = '"' not in inner or ("$(" in inner and word.text == inner)
    if quote == '"' and whole and not _REAL_ESCAPE.search(inner):
        return inner, word.start + 1
    return word.text, word.start if raw == word.text else None


# --------------------------------------------------------------------------------------------- which shell

SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})  # they have -c
_POSIX: Final = SHELLS | {"busybox", "rbash", "mksh", "yash", "bashio"}
_POWERSHELL: Final = frozenset({"powershell", "pwsh"})
_CARRIERS: Final = frozenset({"env", "nice", "time", "exec", "with-contenv"})
_SHEBANG: Final = regex(r"\ufeff?#![ \t]*(\S[^\r\n]*)")


def dialect(shell: Sequence[str]) -> Dialect:
    """Which language the shell of a ``SHELL`` instruction (its words) reads.

    Only ``posix`` is understood here; an empty sequence is Docker's default, ``/bin/sh -c``.
    """
    if not shell:
        return "posix"
    name = _interpreter(shell)
    if name in _POWERSHELL:
        return "powershell"
    if name == "cmd":
        return "cmd"
    return "posix" if name in _POSIX else "other"


def dialect_of_script(text: str) -> Dialect:
    """The language of a script file, from its ``#!`` line; without one it is the shell's."""
    match = _SHEBANG.match(text)
    return "posix" if match is None else dialect(match[1].split())


def _interpreter(words: Sequence[str]) -> str:
    """The first program among the words that does more than start another one."""
    for word in words:
        name = program(word)
        if name not in _CARRIERS and not word.startswith("-") and not _ASSIGNMENT.match(word):
            return name
    return ""


def program(word: str) -> str:
    """The name of a program without its folder, and without ``.exe``."""
    name = re.split(r"[/\\]", word)[-1].lower()
    return name.removesuffix(".exe")
