"""Words of strangers (logs, errors, paths), made fit to be told: without control characters, and of bounded length."""

from __future__ import annotations

from fixer.lazy import regex

_ESCAPES = regex(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = regex(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")


def tidy(text: str, most: int = 300) -> str:
    """One line of at most so many characters."""
    line = _CONTROL.sub(" ", _ESCAPES.sub("", text[: 8 * most])).strip()
    return line if len(line) <= most else f"{line[: most - 3]}..."


def lines(data: bytes, most: int = 1 << 20) -> list[str]:
    """The lines of a log, empty ones left out, from its last so many bytes."""
    text = data[-most:].decode("utf-8", "replace").replace("\r", "\n")
    return [line for line in (tidy(raw) for raw in text.split("\n")) if line]
