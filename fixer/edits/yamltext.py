"""Plain values as YAML text: block lines at a column, or flow in the layout of a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fixer.tuples import NamedTuple

_SAFE = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_WORDS = frozenset("y n yes no on off true false null none nan inf".split())
_ESCAPED = re.compile('["\\\\\x00-\x1f\x7f-\xa0\xad\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _as_around(key: str, value: Any) -> Flow | None:
    return None


class Flow(NamedTuple):
    """How a flow collection is written.

    `quote` is that of keys and texts; `comma` and `colon` bring their blanks; `prefix` is what stands before an entry
    in a line of its own, None where all is on one line; `step` is what a deeper line has more; `pad` stands inside
    braces. `one_line` says of a key and a value below it in which other style that is written, if there is one.
    """

    quote: str
    colon: str
    comma: str
    newline: str
    prefix: str | None = None
    step: str = "  "
    pad: str = ""
    one_line: Callable[[str, Any], Flow | None] = _as_around


class Block(NamedTuple):
    """How block collections are written: blanks of one step, blanks before a dash below its key, quotes of keys.

    `gap` is from a dash to its content; `flow` says of a key and a value below it in which flow style that is written,
    if it is.
    """

    step: int
    dash: int
    quote: str = ""
    gap: int = 2
    flow: Callable[[str, Any], Flow | None] = _as_around


def scalar(value: Any, quote: str = "") -> str:
    """One scalar on one line; text is quoted where it must be, or with the quotes that its neighbours have.

    Raises:
        TypeError: for what is no plain value.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, str):
        return _text(value, quote)
    if value in ({}, []):
        return "{}" if isinstance(value, dict) else "[]"
    raise TypeError(f"no plain value: {type(value).__name__}")


def _real(value: float) -> str:
    written = repr(value)
    if written in ("inf", "-inf", "nan"):
        return written.replace("inf", ".inf").replace("nan", ".nan")
    mantissa, exponent, power = written.partition("e")
    return written if "." in mantissa or not exponent else f"{mantissa}.0e{power}"


def _text(value: str, quote: str) -> str:
    if not quote and _SAFE.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if quote == "'" and not _ESCAPED.search(value.replace('"', "").replace("\\", "")):
        return "'" + value.replace("'", "''") + "'"
    return '"' + _ESCAPED.sub(lambda m: _SHORT.get(m[0], f"\\u{ord(m[0]):04x}"), value) + '"'


def entry(key: str, value: Any, column: int, style: Block) -> list[str]:
    """The lines of one entry of a block map whose keys stand at a column."""
    head = " " * column + _text(key, style.quote)
    if (in_flow := style.flow(key, value)) is not None:
        return [f"{head}: {flow(value, in_flow)}"]
    if value and isinstance(value, dict):
        return [head + ":", *entries(value, column + style.step, style)]
    if value and isinstance(value, list):
        below = column + style.dash
        return [head + ":", *(line for v in value for line in item(v, below, style, style.gap))]
    return [f"{head}: {scalar(value)}"]


def entries(value: dict[str, Any], column: int, style: Block) -> list[str]:
    """The lines of a block map."""
    return [line for key, v in value.items() for line in entry(key, v, column, style)]


def item(value: Any, column: int, style: Block, gap: int = 2, quote: str = "") -> list[str]:
    """The lines of one item of a block list whose dashes stand at a column; `gap` is from the dash to its content."""
    if value and isinstance(value, dict):
        lines = entries(value, column + gap, style)
    elif value and isinstance(value, list):
        lines = [line for v in value for line in item(v, column + gap, style)]
    else:
        lines = [" " * (column + gap) + scalar(value, quote)]
    return [" " * column + "-" + lines[0][column + 1 :], *lines[1:]]


def flow(value: Any, style: Flow) -> str:
    """A value in flow style, without a line end behind it."""
    if not value or not isinstance(value, dict | list):
        return scalar(value, style.quote)
    deeper = style if style.prefix is None else style._replace(prefix=style.prefix + style.step)
    if isinstance(value, dict):
        inside, ends = [flow_entry(key, v, deeper) for key, v in value.items()], "{}"
    else:
        inside, ends = [flow(v, deeper) for v in value], "[]"
    if style.prefix is None:
        return ends[0] + style.pad + style.comma.join(inside) + style.pad + ends[1]
    lead = style.newline + (deeper.prefix or "")
    return ends[0] + lead + f",{lead}".join(inside) + style.newline + style.prefix + ends[1]


def flow_entry(key: str, value: Any, style: Flow) -> str:
    """One entry of a flow map."""
    name = _text(key, style.quote)
    return name + (style.colon if name[0] in "'\"" else ": ") + flow(value, style.one_line(key, value) or style)
