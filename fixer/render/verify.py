"""The report of `fixer verify`: text for a terminal, JSON, and Markdown for the body of a pull request.

`fixer/render/verify.schema.json` documents the JSON.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any

from fixer.evidence import Cause, Left, Report, Verdict, Word
from fixer.render.text import Line
from fixer.render.words import escaped, plain
from fixer.rules import name_of

VERSION = 1
WIDTH = 80

_WORDS = {
    Word.HOLDS: ("holds", "green"),
    Word.BROKEN_BEFORE: ("was broken before", "yellow"),
    Word.BROKEN: ("broken by the fix", "red"),
    Word.NOT_PROVABLE: ("not provable here", "yellow"),
}
_REMEDIES = {
    "DF007": "name the folder under writable in fixer.toml (--repair does it)",
    "DF009": 'set ports = "move" (--repair does it)',
    "DF017": "leave the image at root and set the user in the manifest or Compose file, or root-on-purpose",
    "KS018": 'set ports = "move" (--repair does it), or open low ports with a sysctl of the pod',
    "KS023": "name the folder under writable in fixer.toml (--repair does it), or mount a volume there",
    "CS014": "name the folder under writable in fixer.toml (--repair does it), or mount a tmpfs there",
    "KS022": "give the volume to the group of the container (fsGroup)",
    "CS013": "hand the volume over to the user of the service",
    "KS004": "add the one capability that it needs, under capabilities.add",
    "CS004": "add the one capability that it needs, under cap_add",
}


def exit_code(report: Report) -> int:
    """0 when all images hold, 1 when one does not, 3 when there was nothing to try."""
    if not report.verdicts:
        return 3
    return 0 if all(one.word is Word.HOLDS for one in report.verdicts) else 1


# --- text -------------------------------------------------------------------------------------------------------------


def text(report: Report) -> Iterator[Line]:
    """The report for a terminal, a block for each image."""
    for verdict in report.verdicts:
        yield from _block(verdict)
    for left in report.left:
        yield [(left.image, "bold"), (": left as it is", "yellow")]
        yield from _wrapped("why", left.message)
    for note in report.notes:
        yield from _wrapped("note", note)
    if report.learnt:
        yield [("written to ", ""), (report.config, "bold")]
        for line in report.learnt:
            yield [(f"    {line}", "")]
    yield [(closing(report), "bold")]


def closing(report: Report) -> str:
    """The counts of a report in one line."""
    if not report.verdicts and not report.left:
        return "nothing to verify: no fix changes an image here"
    counts = Counter(one.word for one in report.verdicts)
    rows = [f"{counts[word]} {_WORDS[word][0]}" for word in Word if counts[word]]
    rows += [f"{len(report.left)} left as {'it is' if len(report.left) == 1 else 'they are'}"] if report.left else []
    number = len(report.verdicts) + len(report.left)
    return f"{number} image{'' if number == 1 else 's'}: {', '.join(rows)}"


def _block(verdict: Verdict) -> Iterator[Line]:
    word, style = _WORDS[verdict.word]
    yield [(verdict.image, "bold"), (": ", ""), (word, style)]
    if verdict.dockerfile and verdict.dockerfile != verdict.image:
        yield from _wrapped("file", verdict.dockerfile)
    if verdict.reason:
        yield from _wrapped("why", verdict.reason)
    for cause in verdict.causes:
        yield from _wrapped(cause.kind.value.removesuffix("-file"), cause.message)
        if remedy(cause):
            yield from _wrapped("do", remedy(cause))
    for observation in verdict.observations:
        yield from _wrapped("seen", observation)


def remedy(cause: Cause) -> str:
    """What a person can do about a cause, with the rule that would; "" where nobody knows."""
    if not cause.rule:
        return ""
    named = f"{cause.rule} {name_of(cause.rule)}"
    what = _REMEDIES.get(cause.rule)
    return f"{named}: {what}" if what else f"see fixer explain {cause.rule} ({name_of(cause.rule)})"


def _wrapped(label: str, words: str) -> Iterator[Line]:
    """A text in lines of at most 80 columns, with its label in front of the first."""
    lead = f"    {label:<11}"
    rows = textwrap.wrap(plain(words), WIDTH - len(lead), break_on_hyphens=False, break_long_words=False)
    for number, row in enumerate(rows or [""]):
        yield [(lead if number == 0 else " " * len(lead), "dim"), (row, "")]


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(report: Report) -> str:
    """The report as JSON text with a final newline."""
    value = {
        "version": VERSION,
        "images": [_verdict(one) for one in report.verdicts],
        "left": [one._asdict() for one in report.left],
        "learnt": list(report.learnt),
        "config": report.config,
        "notes": list(report.notes),
        "summary": {word.value: sum(one.word is word for one in report.verdicts) for word in Word}
        | {"left": len(report.left)},
    }
    return json.dumps(value, indent=2) + "\n"


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "image": verdict.image,
        "dockerfile": verdict.dockerfile,
        "verdict": verdict.word.value,
        "reason": verdict.reason,
        "causes": [
            {"kind": one.kind.value, "what": one.what, "message": one.message, "rule": one.rule, "remedy": remedy(one)}
            for one in verdict.causes
        ],
        "observations": list(verdict.observations),
        "engine": verdict.engine,
        "image_before": verdict.image_before,
        "image_after": verdict.image_after,
        "rules": list(verdict.rules),
    }


# --- Markdown ---------------------------------------------------------------------------------------------------------


def markdown(report: Report) -> str:
    """A section for the body of a pull request: a table of the images, and below it what was seen of each."""
    engines = sorted({one.engine for one in report.verdicts if one.engine})
    how = f" with {', '.join(map(escaped, engines))}" if engines else ""
    rows = ["## What was tried", "", f"Each image was built and run before and after{how}.", ""]
    if not report.verdicts:
        rows = ["## What was tried", "", f"{escaped(closing(report)).capitalize()}.", ""]
    if report.verdicts or report.left:
        rows += ["| image | verdict |", "|---|---|"]
        rows += [f"| {escaped(one.image)} | {_WORDS[one.word][0]} |" for one in report.verdicts]
        rows += [f"| {escaped(one.image)} | left as it is |" for one in report.left]
        rows += [""]
    for verdict in report.verdicts:
        rows += _section(verdict)
    for left in report.left:
        rows += _paragraph(left)
    if report.learnt:
        rows += [f"Learnt, and written to {escaped(report.config)}:", ""]
        rows += [*(f"- {escaped(line)}" for line in report.learnt), ""]
    rows += [f"- {escaped(note)}" for note in report.notes]
    return "\n".join(rows).rstrip() + "\n"


def _section(verdict: Verdict) -> list[str]:
    rows = [f"**{escaped(verdict.image)}**: {_WORDS[verdict.word][0]}", ""]
    rows += [f"- why: {escaped(verdict.reason)}"] if verdict.reason else []
    for cause in verdict.causes:
        do = f"; {escaped(remedy(cause))}" if remedy(cause) else ""
        rows.append(f"- {cause.kind.value}: {escaped(cause.message)}{do}")
    rows += [f"- {escaped(one)}" for one in verdict.observations]
    return [*rows, ""] if len(rows) > 2 else rows


def _paragraph(left: Left) -> list[str]:
    return [f"**{escaped(left.image)}**: left as it is", "", f"- why: {escaped(left.message)}", ""]
