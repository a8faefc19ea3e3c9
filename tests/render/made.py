"""Reports that are made by hand, and what strangers may write into repositories."""

from __future__ import annotations

import os
import re
from typing import Any

from fixer.model import FileChange, Finding, Fix, Refusal, Result, Safety, Severity, Skipped, Status
from fixer.render.report import Report

DOCKERFILE = 'FROM debian:12 AS base\nRUN true\n\nFROM base\nCOPY . /app\nWORKDIR /app\nCMD ["./serve"]\n'
COMPOSE = "services:\n  web:\n    build: web\n  cache:\n    image: redis:7\n  odd:\n    image: acme/odd:1\n"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]></failure><x>",
    "::error::broken",
    "\n::stop-commands::x",
    "##[error]broken",
    "a\r\n# heading\n- item\n\n> quote",
    "\x1b[31mred\x1b]8;;http://evil\x07",
    "\u202egnp.exe\u2066x",
    "a|b`c``d",
    "[link](javascript:alert(1)) ![i](http://evil/x.png) <http://evil>",
    "@everyone #1 GH-1 www.evil.example https://evil.example",
    "100%25 %0A::error::x,title=y:z",
    "{{ 7*7 }} {% raw %} &lt;b&gt;",
    "broken \udc80\udcff utf-8 \x00 \ufffe",
    "</style><style>*{}",
    "```\n</details>",
]


def found(path: str = "web/Dockerfile", line: int = 2, rule: str = "DF001", **more: Any) -> Finding:
    values: dict[str, Any] = {"message": "the image runs as root", "severity": Severity.HIGH, **more}
    return Finding(rule, path, line, values.pop("column", 1), **values)


def made(*findings: Finding, texts: dict[str, bytes] | None = None, **more: Any) -> Report:
    result = Result(findings, more.pop("skipped", ()), more.pop("changes", ()), files=1)
    return Report(result, result, texts or {}, {}, version="1.2.3", **more)


def _bytes(words: str) -> bytes:
    """What a file may hold; half of a pair comes from escapes in YAML alone."""
    return re.sub(r"[\ud800-\udc7f\udd00-\udfff]", "?", words).encode("utf-8", "surrogateescape")


def evil(words: str) -> Report:
    """A report in which every word that may come from a repository is this one."""
    fix = Fix(words, Safety.REVIEW, words)
    manual = Fix(words, Safety.MANUAL, words, instructions=words)
    path = os.fsdecode(_bytes(words.replace("/", "_").replace("\0", "_")))
    before, after = f"{words}\nb\n", f"{words}\n{words}\n"
    data = [_bytes(text) for text in (before, after)]
    findings = (
        found(path, 1, message=words, reason=words, fix=fix, alternatives=(fix,)),
        found(path, 1, message=words, reason=words, fix=manual),
        found(path, 2, message=words, refusal=Refusal("no-fix", words, words), status=Status.REFUSED),
        found(path, 9, "DF018", message=words, severity=Severity.INFO, refusal=Refusal("no-fix", words)),
        found(path, 1, message=words, fix=fix, status=Status.FIXED),
    )
    change = FileChange(path, data[0], data[1], ("DF001",), "/r")
    skipped = (Skipped(path, "syntax", words), Skipped(path, "template", words))
    report = made(*findings, texts={path: data[0]}, skipped=skipped, changes=(change,), fixing=True)
    return report._replace(units={words: (path,)})
