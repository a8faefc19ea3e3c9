"""What a shell offers when Tab is pressed behind a rule. It runs at each Tab, so no rule is imported for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_ID = re.compile(r'^    id="([A-Z]{2}\d{3})",$', re.MULTILINE)


def rule_words(incomplete: str) -> list[str]:
    """Names and ids of rules that begin so; ids in small letters too, where these are typed."""
    return [word for word in _words(incomplete) if word.startswith(incomplete)]


def reason_codes() -> dict[str, list[str]]:
    """The reason codes of reports, each with the lines that explain it: why, and what to do."""
    import json

    found: dict[str, list[str]] = json.loads(Path(__file__).with_name("reasons.json").read_bytes())
    return found


def explained(incomplete: str) -> list[str]:
    """What `fixer explain` takes: rules, and reason codes."""
    codes = [code for code in reason_codes() if code.startswith(incomplete)] if incomplete else []
    return list(dict.fromkeys([*rule_words(incomplete), *codes]))


def rule_lists(incomplete: str) -> list[str]:
    """The same behind the last comma of a list, without the rules that it has already."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{word}" for word in rule_words(last) if word not in before.split(",")]


def _words(incomplete: str) -> Iterator[str]:
    """Names, and once letters tell that an id is meant, ids."""
    folder = Path(__file__).parents[1] / "rules"
    files = sorted(file for file in folder.glob("*/*.py") if file.stem != "__init__")
    yield from (file.stem.replace("_", "-") for file in files)
    if re.fullmatch(r"[A-Z]{1,2}\d*|[a-z]{2}\d+", incomplete):
        found = sorted(one for file in files for one in _ID.findall(file.read_text("utf-8")))
        yield from (one.lower() if incomplete.islower() else one for one in found)
