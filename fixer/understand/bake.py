"""The builds of a bake file, in HCL or JSON: targets with what they inherit, and variables with their defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from fixer.lazy import regex
from fixer.understand.buildfacts import UNKNOWN, Hint, Said, Spot, docker_build, fill, pairs
from fixer.understand.builds import Build

_TOKEN = regex(
    r"""(?P<skip>\s+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
      | (?P<text>"(?:[^"\\$]|\\.|\$\{[^{}]*\}|\$)*")
      | (?P<name>[A-Za-z_][\w.-]*)
      | (?P<sign>[=\[\]{},:])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_MERGED = ("args",)
_DEEPEST = 20


def bake(hint: Hint) -> Iterator[Build]:
    """The builds of a `docker-bake` file; one whose target is made of a matrix is not known."""
    blocks = _json(hint.text) if hint.path.endswith(".json") else _hcl(hint.text)
    variables = {name: body.get("default") for kind, name, body, _ in blocks if kind == "variable"}
    env = {name: value if isinstance(value, str) else None for name, value in variables.items()}
    env = {name: fill(value, env) if value is not None else None for name, value in env.items()}
    targets = {name: (body, line) for kind, name, body, line in blocks if kind == "target"}
    bodies = {name: body for name, (body, _) in targets.items()}
    for name, (_, line) in targets.items():
        body = _whole(name, bodies, 0)
        if "matrix" in body or "dockerfile-inline" in body:
            continue
        context, dockerfile, target = (_text(body, key, env) for key in ("context", "dockerfile", "target"))
        tags = body.get("tags")
        images = tuple(fill(tag, env) for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
        said = Said(context, dockerfile, target, images, pairs(body.get("args"), env))
        yield from docker_build(hint, Spot(line, f"target {name}"), said)


def _text(body: dict[str, Any], key: str, env: dict[str, str | None]) -> str | None:
    value = body.get(key)
    return None if value is None else fill(value, env) if isinstance(value, str) else UNKNOWN


def _whole(name: str, bodies: dict[str, dict[str, Any]], depth: int) -> dict[str, Any]:
    """What a target says, over what those say that it inherits from, the later over the earlier."""
    own = bodies.get(name, {})
    parents = own.get("inherits")
    found: dict[str, Any] = {}
    for parent in parents if isinstance(parents, list) and depth < _DEEPEST else ():
        if isinstance(parent, str):
            found = _over(found, _whole(parent, bodies, depth + 1))
    return _over(found, own)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = {
        key: {**below[key], **above[key]}
        for key in _MERGED
        if isinstance(below.get(key), dict) and isinstance(above.get(key), dict)
    }
    return {**below, **above, **merged}


Block = tuple[str, str, dict[str, Any], int]


def _json(text: str) -> list[Block]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found: list[Block] = []
    for kind in ("variable", "target"):
        rows = document.get(kind) if isinstance(document, dict) else None
        for name, body in rows.items() if isinstance(rows, dict) else ():
            at = text.find(f'"{name}"')
            found += [(kind, name, body, text.count("\n", 0, at) + 1)] if isinstance(body, dict) else []
    return found


def _hcl(text: str) -> list[Block]:
    try:
        return list(_Blocks(text).read())
    except RecursionError:
        return []


class _Blocks:
    """The blocks of an HCL text, with texts, lists of texts and maps of texts; what is computed is not known."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found = [match for match in _TOKEN.finditer(text) if match.lastgroup != "skip"]
        self.tokens = [(match.lastgroup or "", match[0]) for match in self.found]
        self.at = 0

    def read(self) -> Iterator[Block]:
        """The variables and targets: kind, name, attributes and line."""
        while (token := self._next()) is not None:
            start = self.found[self.at - 1].start()
            name, opens = self._peek(), self.tokens[self.at + 1 : self.at + 2]
            if name is not None and name[0] == "text" and opens == [("sign", "{")]:
                self.at += 2
                yield token[1], _unquoted(name[1]), self._body(), self.text.count("\n", 0, start) + 1

    def _body(self) -> dict[str, Any]:
        """The attributes up to the closing brace; nested blocks are left out."""
        found: dict[str, Any] = {}
        while (token := self._next()) is not None and token != ("sign", "}"):
            if token[0] not in ("name", "text"):
                continue
            follows = self._peek()
            if follows in (("sign", "="), ("sign", ":")):
                self.at += 1
                found[_unquoted(token[1])] = self._value()
            elif follows == ("sign", "{"):
                self.at += 1
                self._body()
        return found

    def _next(self) -> tuple[str, str] | None:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else None

    def _peek(self) -> tuple[str, str] | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _value(self) -> Any:
        token = self._next()
        if token == ("sign", "{"):
            return self._body()
        if token == ("sign", "["):
            return self._list()
        # a value ends where the next attribute or item begins; what has more parts is computed
        if self._ends():
            if token is not None and token[0] == "text":
                return _unquoted(token[1])
            return f"${{{token[1]}}}" if token is not None and token[0] == "name" else UNKNOWN
        while not self._ends() and self._next() is not None:
            continue
        return UNKNOWN

    def _ends(self) -> bool:
        here = self._peek()
        after = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
        if here is None or here in (("sign", ","), ("sign", "}"), ("sign", "]")):
            return True
        return here[0] in ("name", "text") and after in (("sign", "="), ("sign", "{"), ("sign", ":"))

    def _list(self) -> list[Any]:
        found: list[Any] = []
        while (token := self._peek()) is not None and token != ("sign", "]"):
            if token == ("sign", ","):
                self._next()
            else:
                found.append(self._value())
        self._next()
        return found


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
