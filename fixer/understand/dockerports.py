"""The places of a Dockerfile that name a port which its program binds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixer.lazy import regex
from fixer.model import Edit, Span
from fixer.syntax.dockerfile import Instruction, Word
from fixer.understand.portspots import Move, Spot, Stuck
from fixer.understand.process import Running
from fixer.understand.stages import Stage

_PORT_NAME = regex(r"\w*(?:PORTS?|URLS?|LISTEN\w*|ADDR(?:ESS)?|BIND)")
_VARIABLE = regex(r"\$\{?(\w+)")
_SELF = r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])"
SCHEMES = {80: "http", 443: "https"}
"""The ports that a URL means without naming them."""


def spots(path: str, running: Running, move: Move) -> Iterator[Spot]:
    """What changes in the stages of an image when a port moves.

    Raises:
        Stuck: when an instruction names the port in a way that is not understood.
    """
    image = running.image
    started = [part.item for part in (image.entrypoint, image.cmd) if part is not None and part.item is not None]
    for stage in image.stage.chain:
        for item in stage.body:
            if item.keyword in ("CMD", "ENTRYPOINT"):
                if item in started:
                    yield from _command(path, running, item, move)
            else:
                yield from _KINDS.get(item.keyword, _other)(path, stage, item, move)


def _spot(path: str, item: Instruction, span: Span, move: Move, text: str = "") -> Spot:
    line = item.source.count("\n", 0, span.start) + 1
    return Spot(path, line, item.keyword, Edit(span, text or str(move.new)))


def _stuck(path: str, item: Instruction, move: Move) -> Stuck:
    return Stuck(f"{path}:{item.line}", f"{item.keyword} names port {move.old} in a way that is not understood")


def _in_word(word: Word, move: Move) -> list[Span]:
    return [Span(word.span.start + m.start(), word.span.start + m.end()) for m in move.number().finditer(word.text)]


def _expose(path: str, stage: Stage, item: Instruction, move: Move) -> Iterator[Spot]:
    for word in item.words:
        value = stage.expand(word.text, item) or word.text
        match = re.fullmatch(r"(\d+)(?:-(\d+))?(?:/\w+)?", value)
        if match is None or not int(match[1]) <= move.old <= int(match[2] or match[1]):
            continue
        if "$" in word.text and all(_PORT_NAME.fullmatch(name) for name in _VARIABLE.findall(word.text)):
            continue  # it moves where the variable is set
        found = _in_word(word, move)
        if match[2] or len(found) != 1:
            raise _stuck(path, item, move)
        yield _spot(path, item, found[0], move)


def _variables(path: str, stage: Stage, item: Instruction, move: Move) -> Iterator[Spot]:
    """ENV and ARG: the values of variables that are named like a port."""
    words = item.words
    spaced = item.keyword == "ENV" and words and "=" not in words[0].text
    for word in words[1:] if spaced else words:
        name = words[0].text if spaced else word.text.partition("=")[0]
        if not _PORT_NAME.fullmatch(name):
            continue
        found = _in_word(word, move)
        if len(found) > 1:
            raise _stuck(path, item, move)
        if found:
            yield _spot(path, item, found[0], move)


def _command(path: str, running: Running, item: Instruction, move: Move) -> Iterator[Spot]:
    text = item.source[item.span.start : item.span.end]
    found = list(move.number().finditer(text))
    if not found:
        return
    if len(found) > 1 or (move.old, item) not in running.argument_ports:
        raise _stuck(path, item, move)
    start = item.span.start
    yield _spot(path, item, Span(start + found[0].start(), start + found[0].end()), move)


def _health(path: str, stage: Stage, item: Instruction, move: Move) -> Iterator[Spot]:
    start = item.span.start
    text = item.source[start : item.span.end]
    named = list(re.finditer(rf"{_SELF}:({move.old})(?!\d)", text))
    for match in named:
        yield _spot(path, item, Span(start + match.start(1), start + match.end(1)), move)
    scheme = SCHEMES.get(move.old)
    for match in re.finditer(rf"{scheme}://{_SELF}(?![\w.:])", text) if scheme else ():
        yield _spot(path, item, Span(start + match.end(), start + match.end()), move, f":{move.new}")
    if len(list(move.number().finditer(text))) > len(named):
        raise _stuck(path, item, move)


def _other(path: str, stage: Stage, item: Instruction, move: Move) -> Iterator[Spot]:
    """RUN and the rest: a step that writes the port into a file cannot be followed."""
    text = item.logical + "".join(doc.content for doc in item.heredocs)
    if item.keyword in ("RUN", "COPY", "ADD", "ONBUILD") and _writes(text, move):
        raise _stuck(path, item, move)
    yield from ()


def _writes(text: str, move: Move) -> bool:
    named = rf"\b(?i:listen|port|bind)\b[^\n\w]{{0,12}}0*{move.old}(?!\d)"
    return re.search(rf"{named}|(?:\*|{_SELF}):{move.old}(?!\d)", text) is not None


_KINDS = {"EXPOSE": _expose, "ENV": _variables, "ARG": _variables, "HEALTHCHECK": _health}
