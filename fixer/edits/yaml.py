"""Symbolic changes to a YAML file become byte edits in the file's own style.

Changes are merged for each document first, so that several below one missing map write one block. Changes of one
group are applied together or not at all. Nothing here knows Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fixer.edits.yamlplaces import Blocked, Piece, Site, Want, lower_site
from fixer.model import Edit, EnsureItem, Refusal, RemoveKey, SetKey, Span, YamlChange
from fixer.syntax.yaml import Alias, Document, Map, Node, Scalar, Seq

Path = tuple[str | int, ...]
Groups = Mapping[str, Sequence[YamlChange]]


class YamlPlan(NamedTuple):
    """Edits in the order in which they apply, the groups that they carry out, and those that were refused and why.

    `changes` are those of the groups carried out that the file does not hold yet.
    """

    edits: tuple[Edit, ...]
    applied: tuple[str, ...]
    refused: dict[str, Refusal]
    changes: tuple[YamlChange, ...]


def same(one: Any, two: Any, seen: set[tuple[int, int]] | None = None) -> bool:
    """Whether two plain values are equal and of equal types all the way down; NaN equals itself."""
    if type(one) is not type(two):
        return False
    if not isinstance(one, dict | list | tuple):
        return bool(one == two) or (one != one and two != two)
    if len(one) != len(two):
        return False
    # Values that aliases share are compared once, so that a nest of aliases costs no more than its text.
    seen = set() if seen is None else seen
    pair = (id(one), id(two))
    if one is two or pair in seen:
        return True
    seen.add(pair)
    if isinstance(one, dict):
        return all(key in two and same(value, two[key], seen) for key, value in one.items())
    return all(same(a, b, seen) for a, b in zip(one, two, strict=True))


def lower(documents: Iterable[Document], groups: Groups, newline: str = "\n") -> YamlPlan:
    """Turn changes of one file into edits.

    Takes the documents that changes speak of, groups of changes by name (an earlier group wins over a later one that
    contradicts it), and the line end for new lines. A group of which one change cannot be made is refused as a whole.
    """
    known = {document.index: document for document in documents}
    refused: dict[str, Refusal] = {}
    while True:
        wishes = _Wishes(known)
        for name, changes in groups.items():
            if name not in refused:
                try:
                    wishes.add(name, changes)
                except Blocked as blocked:
                    refused[name] = blocked.refusal
        pieces, failed = wishes.lower(newline)
        if not failed:
            pieces = _ordered(pieces, newline)
            failed = _overlaps(pieces)
        if not failed:
            break
        refused |= failed
    edits = tuple(Edit(p.span, p.text) for p in pieces)
    applied = tuple(name for name in groups if name not in refused)
    return YamlPlan(edits, applied, {n: refused[n] for n in groups if n in refused}, tuple(wishes.changes))


def _ordered(pieces: list[Piece], newline: str) -> list[Piece]:
    """Pieces in the order in which they apply.

    Of two insertions at one offset the deeper one goes first, since it ends what the other one stands behind. Where the
    last line of a file without a final newline goes and takes the line end before it along, an insertion behind that
    line end gives up its own instead.
    """
    pieces = sorted(pieces, key=lambda p: (p.span.start, p.span.end, -p.depth))
    for n, removal in enumerate(pieces[:-1]):
        if not removal.final:
            continue
        at = removal.span.start + len(newline)
        last = max((m for m, p in enumerate(pieces) if p.span == (at, at)), default=n)
        if last > n:
            pieces[n] = removal._replace(span=Span(at, removal.span.end))
            pieces[last] = pieces[last]._replace(text=pieces[last].text.removesuffix(newline))
            return sorted(pieces, key=lambda p: (p.span.start, p.span.end, -p.depth))
    return pieces


def _overlaps(pieces: list[Piece]) -> dict[str, Refusal]:
    refusal = Refusal("conflict", "two changes of the file touch the same characters; fix one by hand, run again")
    end = 0
    out: dict[str, Refusal] = {}
    for piece in pieces:
        if piece.span.start < end:
            out |= dict.fromkeys(piece.groups, refusal)
        end = max(end, piece.span.end)
    return out


class _Claim(NamedTuple):
    """What one change says about one path; `kind` is set, remove or item."""

    kind: str
    value: Any


class _Wishes:
    """The merged changes of a file: what is claimed about each path, and what follows for each written node."""

    def __init__(self, documents: Mapping[int, Document]) -> None:
        self.documents = documents
        self.claims: dict[tuple[int, Path], _Claim] = {}
        self.inside: set[tuple[int, Path]] = set()
        self.keyed: set[tuple[int, Path]] = set()
        self.fresh: list[tuple[int, Path]] = []
        self.sites: dict[int, Site] = {}
        self.changes: list[YamlChange] = []

    def add(self, group: str, changes: Sequence[YamlChange]) -> None:
        """Take all changes of a group, or none; raises Blocked."""
        self.fresh = []
        try:
            for change in changes:
                self.claim(change)
            found = [self.locate(change) for change in changes]
        except Blocked:
            # What is noted as lying above stays: at worst a later group is refused that need not be.
            for claimed in self.fresh:
                del self.claims[claimed]
            raise
        for change, place in zip(changes, found, strict=True):
            if place is not None:
                self.wish(group, change, *place)

    def claim(self, change: YamlChange) -> None:
        """Note what a change says about its path; raises Blocked where another one says otherwise."""
        path = _full(change)
        place = (change.document, path)
        kind = "set" if isinstance(change, SetKey) else "remove" if isinstance(change, RemoveKey) else "item"
        claim = _Claim(kind, change.value if isinstance(change, SetKey) else None)
        above = [(change.document, path[:n]) for n in range(len(path))]
        held = self.claims.get(place, claim)
        clash = held.kind != claim.kind or not same(held.value, claim.value)
        # New items go well with changes of items that are there, and with nothing else inside.
        clash = clash or any(
            p in self.claims and (self.claims[p].kind != "item" or isinstance(path[len(p[1])], str)) for p in above
        )
        clash = clash or (place in self.inside and (kind != "item" or place in self.keyed))
        if clash:
            what = ".".join(map(str, path))
            message = f"two changes want different things of {what}; fix one by hand, run again"
            raise Blocked(Refusal("conflict", message))
        if place not in self.claims:
            self.claims[place] = claim
            self.fresh.append(place)
        self.inside.update(above)
        self.keyed.update((change.document, path[:n]) for n, step in enumerate(path) if isinstance(step, str))

    def locate(self, change: YamlChange) -> tuple[list[Node], Path] | None:
        """The written nodes on the way to a change, and the steps that are not written; None where nothing is to do."""
        document = self.documents.get(change.document)
        if document is None:
            raise Blocked(Refusal("other-shape", f"the file has no document {change.document}"))
        path = _full(change)
        chain: list[Node] = [document.root]
        last = len(path) - (0 if isinstance(change, EnsureItem) else 1)
        for n, step in enumerate(path):
            node = chain[-1]
            _writable(document, node)
            if _empty(node):
                return None if isinstance(change, RemoveKey) else (chain, _texts(path[n:]))
            found = _step(document, node, step, path)
            if found is None:
                return None if isinstance(change, RemoveKey) else (chain, _texts(path[n:]))
            if n == last:
                return self.last(change, chain, found)
            chain.append(found)
        return self.items(change, document, chain)

    def last(self, change: YamlChange, chain: list[Node], found: Node) -> tuple[list[Node], Path] | None:
        """The key of a change is there: nothing to do where it has the value already."""
        assert not isinstance(change, EnsureItem)
        if isinstance(change, SetKey) and same(self.documents[change.document].value_of(found), change.value):
            return None
        _writable(self.documents[change.document], found)
        return chain, (change.key,)

    def items(self, change: YamlChange, document: Document, chain: list[Node]) -> tuple[list[Node], Path] | None:
        assert isinstance(change, EnsureItem)
        node = chain[-1]
        if isinstance(node, Seq) and any(same(document.value_of(item), change.value) for item in node.items):
            return None
        _writable(document, node)
        if not isinstance(node, Seq) and not (isinstance(node, Scalar) and node.value is None):
            raise Blocked(Refusal("other-shape", f"line {document.line(node.start)}: a list was expected here"))
        return chain, ()

    def wish(self, group: str, change: YamlChange, chain: list[Node], rest: Path) -> None:
        """Add a change to what is wanted of the last node that is written on its way."""
        self.changes.append(change)
        document = self.documents[change.document]
        node = chain[-1]
        site = self.sites.setdefault(id(node), Site(document, tuple(chain)))
        want = site.want
        for step in rest:
            assert isinstance(step, str)
            want = want.keys.setdefault(step, Want())
            want.place(group, () if isinstance(change, RemoveKey) else change.after, _before(change))
        want.place(group)
        if isinstance(change, EnsureItem):
            if not any(same(item, change.value) for item in want.items):
                want.items.append(change.value)
        elif isinstance(change, SetKey):
            want.exact = (change.value,)
        else:
            want.gone = True

    def lower(self, newline: str) -> tuple[list[Piece], dict[str, Refusal]]:
        """Pieces of all sites, and the groups whose site cannot be written."""
        pieces: list[Piece] = []
        failed: dict[str, Refusal] = {}
        for site in self.sites.values():
            try:
                pieces += lower_site(site, newline)
            except Blocked as blocked:
                failed |= dict.fromkeys(site.want.all_groups(), blocked.refusal)
        return pieces, failed


def _full(change: YamlChange) -> Path:
    return change.path if isinstance(change, EnsureItem) else (*change.path, change.key)


def _before(change: YamlChange) -> str:
    return "" if isinstance(change, RemoveKey) else change.before


def _texts(rest: Path) -> Path:
    if any(not isinstance(step, str) for step in rest):
        raise Blocked(Refusal("other-shape", f"the list has no item {next(s for s in rest if isinstance(s, int))}"))
    return rest


def _empty(node: Node) -> bool:
    """Whether this is a null, `{}` or `[]`, which takes children of any kind."""
    if isinstance(node, Scalar):
        return node.value is None and (not node.style)
    return isinstance(node, Map) and not node.entries


def _step(document: Document, node: Node, step: str | int, path: Path) -> Node | None:
    """The node one step further down, or None where a key is missing."""
    if isinstance(node, Seq) and isinstance(step, int):
        if step < len(node.items):
            return node.items[step]
        raise _refused(document, node, Refusal("other-shape", f"the list has no item {step}"))
    if not isinstance(node, Map) or not isinstance(step, str):
        what = ".".join(map(str, path))
        raise _refused(document, node, Refusal("other-shape", f"{what} leads through something that is no map or list"))
    if node.complex_keys:
        raise _refused(document, node, Refusal("complex-key", "a key of this map is no plain text; change it by hand"))
    if node.duplicates:
        raise _refused(
            document, node, Refusal("duplicate-key", "a key of this map is there twice; remove one of the two")
        )
    entry = node.get(step)
    if entry is None and node.merges and step in document.value_of(node):
        raise _refused(document, node, Refusal("merge-key", f"a merge key brings {step}; change it at the anchor"))
    return entry.value if entry is not None else None


def _writable(document: Document, node: Node) -> None:
    """Refuse what is used at more than one place, and what a tag gives another meaning."""
    if isinstance(node, Alias) or node.aliased:
        raise _refused(
            document, node, Refusal("anchored", "this is written once and used at several places by an alias")
        )
    if node.tag is not None:
        raise _refused(document, node, Refusal("other-shape", "a tag says what this is; change it by hand"))


def _refused(document: Document, node: Node, refusal: Refusal) -> Blocked:
    # The line is counted only here: in a long file that takes a while.
    return Blocked(refusal._replace(message=f"line {document.line(node.start)}: {refusal.message}"))
