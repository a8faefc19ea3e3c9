"""What a plain scalar means to Kubernetes, which reads YAML 1.1 with go-yaml and makes JSON of it."""

from __future__ import annotations

import re
from functools import lru_cache

Plain = None | bool | int | float | str

_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float(sign + "inf") for word in (".inf", ".Inf", ".INF") for sign in ("", "+", "-")},
}
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMBER_STARTS = frozenset("+-.0123456789")


@lru_cache(maxsize=65536)
def plain(text: str) -> Plain:
    """The value of a scalar without quotes and tag; what looks like a date stays text, as it does in Kubernetes."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    digits = text.replace("_", "")
    if match := _INT.fullmatch(digits):
        return _whole(match)
    return float(digits) if _FLOAT.fullmatch(digits) else text


def _whole(match: re.Match[str]) -> int | float:
    sign, hexadecimal, binary, octal, decimal = match.groups()
    bases = ((hexadecimal, 16), (binary, 2), (octal, 8), (decimal, 10))
    value = next(int(digits, base) for digits, base in bases if digits is not None)
    return -value if sign == "-" else value


def tagged(tag: str, text: str) -> Plain:
    """The value of a scalar with a tag: one of YAML's own is obeyed where the text allows, any other leaves text."""
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind == tag or kind in ("str", "binary"):
        return text
    value = plain(text)
    return float(value) if kind == "float" and isinstance(value, int) else value


def key_name(value: Plain) -> str:
    """The name under which a value becomes a key in JSON, where every key is text."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool | float) else str(value)
