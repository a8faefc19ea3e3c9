"""The baseline: which findings are old, as JSON, one a line; `fixer/render/baseline.schema.json` documents it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from fixer.model import Status
from fixer.render.report import Report
from fixer.render.words import plain

VERSION = 1
_MARK = 64


def to_json(report: Report) -> str:
    """The findings of a run that are left, as a baseline: equal ones in one line with their number."""
    counts = Counter(
        (finding.path, finding.rule, mark)
        for finding, (mark, _) in zip(report.result.findings, report.marked(), strict=True)
        if finding.status is not Status.FIXED
    )
    rows = [
        json.dumps({"path": plain(path), "rule": rule, "fingerprint": mark, "count": number})
        for (path, rule, mark), number in sorted(counts.items())
    ]
    body = "[\n" + ",\n".join(rows) + "\n]" if rows else "[]"
    return f'{{\n"version": {VERSION},\n"findings": {body}\n}}\n'


def read(text: str) -> dict[str, int]:
    """How often each finding is in a baseline, by its mark.

    Raises:
        ValueError: for what is no baseline, with what is wrong.
    """
    raw: Any = json.loads(text)
    if not isinstance(raw, dict) or not isinstance(raw.get("findings"), list):
        raise ValueError("it has no list of findings")
    if raw.get("version") != VERSION:
        raise ValueError(f"its version is {raw.get('version')!r}, and this program knows {VERSION}")
    found: Counter[str] = Counter()
    for number, row in enumerate(raw["findings"], 1):
        mark, count = (row.get("fingerprint"), row.get("count")) if isinstance(row, dict) else (None, None)
        if not isinstance(mark, str) or len(mark) != _MARK or type(count) is not int or count < 1:
            raise ValueError(f"finding {number} has no fingerprint of {_MARK} digits, or no count")
        found[mark] += count
    return dict(found)
