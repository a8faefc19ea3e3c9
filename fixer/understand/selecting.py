"""Which objects a patch of Kustomize hits: by the name that the patch carries, or by a target with expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fixer.tuples import NamedTuple
from fixer.understand.workloads import mapping, word

# Nobody writes longer ones; Kubernetes has no longer names.
_LONGEST = 300
# The parts of an expression that are read here. What has others may match.
_ATOM = re.compile(r"\\[^0-9A-Za-z]|\[\^?(?:[\w.]|-(?!-))++\]|[^\\\[\](){}*+?|^$]")
_REPEAT = re.compile(r"([*+?])\??")


class Identity(NamedTuple):
    """What an object is called on its way through the layers: all names and namespaces that it has had so far.

    An object without a namespace is in `default`, as for Kustomize.
    """

    group: str
    version: str
    kind: str
    names: frozenset[str]
    current: str
    namespaces: frozenset[str]

    def renamed(self, kustomization: Mapping[Any, Any]) -> Identity:
        """The identity behind the namespace, prefix and suffix that a Kustomization sets."""
        name = word(kustomization.get("namePrefix")) + self.current + word(kustomization.get("nameSuffix"))
        namespace = word(kustomization.get("namespace"))
        namespaces = self.namespaces | {namespace} if namespace else self.namespaces
        return self._replace(names=self.names | {name}, current=name, namespaces=namespaces)


def identity(document: Mapping[Any, Any]) -> Identity:
    """The identity of an object as it is written."""
    group, version = _group(document)
    metadata = mapping(document.get("metadata"))
    name = word(metadata.get("name"))
    namespace = word(metadata.get("namespace")) or "default"
    return Identity(group, version, word(document.get("kind")), frozenset({name}), name, frozenset({namespace}))


def is_named(patch: Mapping[Any, Any], who: Identity) -> bool:
    """Whether a strategic merge patch without a target names this object."""
    other = identity(patch)
    namespace = word(mapping(patch.get("metadata")).get("namespace"))
    return (
        other.kind == who.kind
        and other.group == who.group
        and other.current in who.names
        and (not namespace or namespace in who.namespaces)
    )


def is_selected(target: Mapping[Any, Any], who: Identity) -> bool:
    """Whether a target may select this object; selectors of labels and annotations are taken as met."""
    rows = (
        ("group", {who.group}),
        ("version", {who.version}),
        ("kind", {who.kind}),
        ("name", who.names),
        ("namespace", who.namespaces),
    )
    return all(_any(word(target.get(field)), texts) for field, texts in rows)


def _group(document: Mapping[Any, Any]) -> tuple[str, str]:
    group, _, version = word(document.get("apiVersion")).rpartition("/")
    return group, version


def _any(expression: str, texts: frozenset[str] | set[str]) -> bool:
    return not expression or any(may_match(expression, text) for text in texts)


def may_match(expression: str, text: str) -> bool:
    """Whether a whole text may match an expression; true where the expression has more than is read here.

    Other than `re`, which tries one way after the other, this goes all ways at once: no expression takes long.
    """
    if max(len(expression), len(text)) > _LONGEST:
        return True
    reader = _Reader(expression.removeprefix("^").removesuffix("$"), text)
    try:
        return len(text) in reader.alternatives({0}) or reader.at < len(reader.expression)
    except _Unread:
        return True


class _Unread(Exception):
    """An expression with more than is read here."""


class _Reader:
    """Walks once through an expression, with the set of places of the text that it may have come to."""

    def __init__(self, expression: str, text: str) -> None:
        self.expression = expression
        self.text = text
        self.at = 0

    def alternatives(self, places: set[int]) -> set[int]:
        found = self.sequence(places)
        while self._take("|"):
            found |= self.sequence(places)
        return found

    def sequence(self, places: set[int]) -> set[int]:
        found = set(places)
        while self.at < len(self.expression) and self.expression[self.at] not in "|)":
            if self._take("("):
                self._take("?:")
                found = self.alternatives(found)
                if not self._take(")") or _REPEAT.match(self.expression, self.at):
                    raise _Unread
            else:
                found = self._atom(found)
        return found

    def _take(self, sign: str) -> bool:
        if not self.expression.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _atom(self, places: set[int]) -> set[int]:
        atom = _ATOM.match(self.expression, self.at)
        if atom is None:
            raise _Unread
        self.at = atom.end()
        try:
            one = re.compile(atom[0])
        except re.error:
            raise _Unread from None
        repeat = _REPEAT.match(self.expression, self.at)
        self.at = repeat.end() if repeat else self.at
        sign = repeat[1] if repeat else ""
        found = set(places) if sign in ("*", "?") else set()
        fresh = places
        while fresh:
            fresh = {at + 1 for at in fresh if one.match(self.text, at)} - found
            found |= fresh
            if sign in ("", "?"):
                break
        return found
