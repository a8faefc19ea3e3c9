"""The table of what became of the cases: each with its safety and its verdict, and the sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

Row = dict[str, Any]
"""The fields of a report; as plain values they come from other processes too."""


def write(terminalreporter: pytest.TerminalReporter, rows: list[Row]) -> None:
    """Write the table to the terminal."""
    line = terminalreporter.write_line
    terminalreporter.section("who runs, and does it still work")
    for row in rows:
        who = " ".join(row["uids"])
        safety = row["safety"] or "-"
        line(f"{row['base']:11} {row['name']:34} {safety:7} {row['verdict']:26} {who:12} {row['seconds']:5.1f}s")
    for base in dict.fromkeys(row["base"] for row in rows):
        mine = [row for row in rows if row["base"] == base]
        line(f"{base}: {len(mine)} cases, {_sums(mine)}")
    line(f"all: {len(rows)} cases, {_sums(rows)}")


def _sums(rows: list[Row]) -> str:
    kinds = {
        "safe and works": sum(r["safety"] == "safe" and r["verdict"] == "works" for r in rows),
        "safe and broken": sum(r["safety"] == "safe" and r["verdict"] == "broken" for r in rows),
        "review and works": sum(r["safety"] == "review" and r["verdict"] == "works" for r in rows),
        "review and broken": sum(r["safety"] == "review" and r["verdict"] == "broken" for r in rows),
        "review, and the loss was told": sum(r["verdict"] == "told" for r in rows),
        "refused": sum(r["verdict"].startswith("refused") for r in rows),
        "clean": sum(r["verdict"] == "clean" for r in rows),
    }
    return ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
