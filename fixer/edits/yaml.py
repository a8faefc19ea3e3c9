"""Symbolic changes to a YAML file become byte edits in the file's own style.

Changes are merged for each document first, so that several below one missing map write one block. Changes of one
group are applied together or not at all. Nothing here knows Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fixer.edits.yamlplaces import Blocked, Customs, Piece, Site, Want, lower_site
from fixer.model import Edit, EnsureItem, Refusal, RemoveItem, RemoveKey, SetKey, Span, YamlChange
from fixer.syntax.yaml import Alias, Document, Map, Node, Scalar, Seq
from fixer.tuples import NamedTuple

Path = tuple[str | int, ...]
Groups = Mapping[str, Sequence[YamlChange]]


class YamlPlan(NamedTuple):
    """Edits in the order in which they apply, the groups that they carry out, and those that were refused and why.

    `changes` are those of the groups carried out that the file does not hold yet, `owners` the groups behind each edit.
    """

    edits: tuple[Edit, ...]
    applied: tuple[str, ...]
    refused: dict[str, Refusal]
    changes: tuple[YamlChange, ...]
    owners: tuple[frozenset[str], ...]


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
    owners = tuple(p.groups for p in pieces)
    return YamlPlan(edits, applied, {n: refused[n] for n in groups if n in refused}, tuple(wishes.changes), owners)


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
    """What changes say about one path: `kind` is set, remove or items.

    Of a list, `wanted` and `unwanted` are the items that it is to hold, and that it is not to hold.
    """

    kind: str
    value: Any = None
    wanted: tuple[Any, ...] = ()
    unwanted: tuple[Any, ...] = ()

    def and_too(self, other: _Claim) -> _Claim | None:
        """What two of one path say together, or None where they contradict one another."""
        if self.kind != other.kind or not same(self.value, other.value):
            return None
        both = _Claim(self.kind, self.value, self.wanted + other.wanted, self.unwanted + other.unwanted)
        return None if any(same(one, two) for one in both.wanted for two in both.unwanted) else both


class _Wishes:
    """The merged changes of a file: what is claimed about each path, and what follows for each written node."""

    def __init__(self, documents: Mapping[int, Document]) -> None:
        self.documents = documents
        self.claims: dict[tuple[int, Path], _Claim] = {}
        self.inside: set[tuple[int, Path]] = set()
        self.keyed: set[tuple[int, Path]] = set()
        self.fresh: list[tuple[tuple[int, Path], _Claim | None]] = []
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
            for place, before in reversed(self.fresh):
                if before is None:
                    del self.claims[place]
                else:
                    self.claims[place] = before
            raise
        for change, way in zip(changes, found, strict=True):
            if way is not None:
                self.wish(group, change, *way)

    def claim(self, change: YamlChange) -> None:
        """Note what a change says about its path; raises Blocked where another one says otherwise."""
        path = _full(change)
        place = (change.document, path)
        above = [(change.document, path[:n]) for n in range(len(path))]
        held = self.claims.get(place)
        claim = _claim(change)
        both = claim if held is None else held.and_too(claim)
        # New items go well with changes of items that are there, and with nothing else inside. Where items go, the
        # numbers of the others change, so that nothing may lead through them.
        clash = both is None or any(p in self.claims and not _lets(self.claims[p], path[len(p[1])]) for p in above)
        clash = clash or (place in self.inside and (not _lets(claim, 0) or place in self.keyed))
        if both is None or clash:
            what = ".".join(map(str, path))
            message = f"two changes want different things of {what}; fix one by hand, run again"
            raise Blocked(Refusal("conflict", message))
        self.claims[place] = both
        self.fresh.append((place, held))
        self.inside.update(above)
        self.keyed.update((change.document, path[:n]) for n, step in enumerate(path) if isinstance(step, str))

    def locate(self, change: YamlChange) -> tuple[list[Node], Path] | None:
        """The written nodes on the way to a change, and the steps that are not written; None where nothing is to do."""
        document = self.documents.get(change.document)
        if document is None:
            raise Blocked(Refusal("other-shape", f"the file has no document {change.document}"))
        path = _full(change)
        chain: list[Node] = [document.root]
        last = len(path) - (0 if isinstance(change, EnsureItem | RemoveItem) else 1)
        removes = isinstance(change, RemoveKey | RemoveItem)
        for n, step in enumerate(path):
            node = chain[-1]
            _writable(document, node)
            found = None if _empty(node) else _step(document, node, step, path)
            if found is None:
                return None if removes else (chain, _texts(path[n:]))
            if n == last:
                return self.last(change, chain, found)
            chain.append(found)
        return self.items(change, document, chain)

    def last(self, change: YamlChange, chain: list[Node], found: Node) -> tuple[list[Node], Path] | None:
        """The key of a change is there: nothing to do where it has the value already."""
        assert isinstance(change, SetKey | RemoveKey)
        if isinstance(change, SetKey) and same(self.documents[change.document].value_of(found), change.value):
            return None
        _writable(self.documents[change.document], found)
        return chain, (change.key,)

    def items(self, change: YamlChange, document: Document, chain: list[Node]) -> tuple[list[Node], Path] | None:
        """The list of a change is there, or what takes items: nothing to do where it is as it should be."""
        assert isinstance(change, EnsureItem | RemoveItem)
        node = chain[-1]
        found = _equal(document, node, change.value)
        nothing = not found and (isinstance(node, Seq) or _empty(node))
        if nothing if isinstance(change, RemoveItem) else found:
            return None
        _writable(document, node)
        if not isinstance(node, Seq) and not (isinstance(node, Scalar) and node.value is None):
            raise Blocked(Refusal("other-shape", f"line {document.line(node.start)}: a list was expected here"))
        if isinstance(change, RemoveItem):
            for item in found.values():
                _writable(document, item)
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
            assert isinstance(change, SetKey | EnsureItem | RemoveKey)
            want.place(group, *(() if isinstance(change, RemoveKey) else (change.after, change.before)))
        want.place(group)
        if isinstance(change, EnsureItem):
            if not any(same(item, change.value) for item in want.items):
                want.items.append(change.value)
        elif isinstance(change, RemoveItem):
            want.removed.update(_equal(document, node, change.value))
        elif isinstance(change, SetKey):
            want.exact = (change.value,)
        else:
            want.gone = True

    def lower(self, newline: str) -> tuple[list[Piece], dict[str, Refusal]]:
        """Pieces of all sites, and the groups whose site cannot be written."""
        pieces: list[Piece] = []
        failed: dict[str, Refusal] = {}
        self.take_along()
        customs = Customs(next((d.text for d in self.documents.values()), ""), newline)
        for site in self.sites.values():
            try:
                pieces += lower_site(site, newline, customs)
            except Blocked as blocked:
                failed |= dict.fromkeys(site.want.all_groups(), blocked.refusal)
        return pieces, failed

    def take_along(self) -> None:
        """A list of which nothing is left goes with its key, which is a wish of the map that holds it."""
        for number, site in list(self.sites.items()):
            node = site.chain[-1]
            parent = site.chain[-2] if len(site.chain) > 1 else None
            if not isinstance(node, Seq) or not isinstance(parent, Map):
                continue
            if not site.want.items and len(site.want.removed) == len(node.items) > 0:
                del self.sites[number]
                above = self.sites.setdefault(id(parent), Site(site.document, site.chain[:-1]))
                name = next(name for name, entry in parent.index.items() if entry.value is node)
                want = above.want.keys.setdefault(name, Want())
                want.gone = True
                want.groups |= site.want.groups


def _full(change: YamlChange) -> Path:
    return change.path if isinstance(change, EnsureItem | RemoveItem) else (*change.path, change.key)


def _claim(change: YamlChange) -> _Claim:
    """What a change says about its path."""
    if isinstance(change, SetKey):
        return _Claim("set", change.value)
    if isinstance(change, RemoveKey):
        return _Claim("remove")
    value = (change.value,)
    return _Claim("items", unwanted=value) if isinstance(change, RemoveItem) else _Claim("items", wanted=value)


def _lets(claim: _Claim, step: str | int) -> bool:
    """Whether a claim lets others change what is one step below it."""
    return claim.kind == "items" and not claim.unwanted and isinstance(step, int)


def _equal(document: Document, node: Node, value: Any) -> dict[int, Node]:
    """The items of a list that are equal to a value, by their numbers; none where it is no list."""
    items = enumerate(node.items if isinstance(node, Seq) else ())
    return {n: item for n, item in items if same(document.value_of(item), value)}


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


def annotated(text: str, plan: YamlPlan, notes: Mapping[str, Sequence[str]], newline: str) -> list[Edit]:
    """The edits of a plan with comments above what they change.

    Takes the text, the plan, the lines to say about each group (without the comment sign), and the line end.
    """
    out: list[Edit] = []
    above: dict[int, list[str]] = {}
    said: set[str] = set()
    for edit, owners in zip(plan.edits, plan.owners, strict=True):
        lines = [line for name in notes if name in owners for line in notes[name] if line not in said]
        said.update(lines)
        begin = len(edit.text) - len(edit.text.lstrip("\r\n"))
        start = text.rfind("\n", 0, edit.span.start) + 1
        if lines and edit.span.start == edit.span.end and (begin or start == edit.span.start):
            body = edit.text[begin:]
            comments = _comments(body, lines, newline)
            out.append(edit._replace(text=edit.text[:begin] + comments + body))
        else:
            out.append(edit)
            above.setdefault(start, []).extend(lines)
    for start, lines in above.items():
        if lines:
            out.append(Edit(Span(start, start), _comments(text[start:], lines, newline)))
    return sorted(out, key=lambda edit: edit.span)


def _comments(text: str, lines: Sequence[str], newline: str) -> str:
    indent = text[: len(text) - len(text.lstrip(" "))]
    return "".join(f"{indent}# {line}{newline}" for line in dict.fromkeys(lines))
