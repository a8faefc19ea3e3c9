"""Words of strangers in reports: nothing in them is obeyed by a terminal, a page, a reader of XML or a CI system."""

from __future__ import annotations

import re

# Controls, and what turns or hides the letters around it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&$-])")
_REFERENCE = re.compile(r"\b(GH)-(?=\d)|\b(www)\.(?=\w)", re.IGNORECASE)


def plain(words: str) -> str:
    """One line in which every sign that cannot be seen is written as `\\xNN`; what was not UTF-8 is written so too."""
    return visible(words.replace("\n", " "))


def visible(words: str) -> str:
    """The same with the line ends left where they are."""
    if words.isascii() and words.isprintable():  # as most are
        return words
    safe = "\n".join(_CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", line) for line in words.split("\n"))
    return safe.encode("utf-8", "backslashreplace").decode("utf-8")


def source_line(words: str) -> str:
    """A line of a file, without its end, as a page shows it: tabs stay."""
    return "\t".join(plain(piece) for piece in words.rstrip("\r\n").split("\t"))


def escaped(words: str) -> str:
    """Plain words of Markdown: no mark-up, no link, no mention of anybody, in one line that fits a cell of a table."""
    safe = _REFERENCE.sub(lambda match: f"{match[0][:-1]}\u2060{match[0][-1]}", plain(" ".join(words.split())))
    # a sign without width behind it keeps forges from making links and mentions of them
    safe = _MARKDOWN.sub(r"\\\1", safe).replace("\\@", "@\u2060").replace("\\#", "\\#\u2060")
    return safe.replace("://", ":\u2060//")


def code(words: str) -> str:
    """Words as code in a line of Markdown, whatever is in them, also in a cell of a table."""
    text = plain(" ".join(words.split())).replace("|", "\\|") or "-"
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def fenced(words: str, language: str) -> str:
    """Lines as a block of code in Markdown, which nothing in them can end."""
    fence = "`" * max(3, _longest_run(words) + 1)
    return f"{fence}{language}\n{words}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
