"""Where a change of YAML goes, and in which of the file's styles: one written node with all that is wanted of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any

from fixer.edits import yamltext
from fixer.edits.yamltext import Block, Flow
from fixer.model import Refusal, Span
from fixer.syntax.yaml import Document, Map, Node, Scalar, Seq
from fixer.tuples import NamedTuple

_COMMENT_LINE = re.compile(r"( *)#[^\n]*(\n|\Z)")
_COLON = re.compile(r"[ \t\r\n]*:")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


class Blocked(Exception):
    """A change that has no safe place; its group is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Piece(NamedTuple):
    """One edit, how deep in the tree it writes, and the groups that need it.

    A `final` one removes the end of a file without a final newline, with the line end before it.
    """

    span: Span
    text: str
    depth: int
    groups: frozenset[str]
    final: bool = False


class Want:
    """What is wanted at one place: an exact value, keys, items, items gone by their numbers, or all gone; for whom."""

    def __init__(self) -> None:
        self.exact: tuple[Any, ...] = ()
        self.gone = False
        self.keys: dict[str, Want] = {}
        self.items: list[Any] = []
        self.removed: set[int] = set()
        self.groups: set[str] = set()
        self.after: tuple[str, ...] = ()
        self.before = ""

    def place(self, group: str, after: tuple[str, ...] = (), before: str = "") -> None:
        """Note who wants this; the first who names a place has it."""
        self.groups.add(group)
        self.after = self.after or after
        self.before = self.before or before

    @property
    def value(self) -> Any:
        """The plain value that makes all of it true where nothing is written yet."""
        if self.exact:
            return self.exact[0]
        return list(self.items) if self.items else {key: want.value for key, want in self.keys.items()}

    def all_groups(self) -> frozenset[str]:
        """All groups that want something here or below."""
        return frozenset(self.groups).union(*(want.all_groups() for want in self.keys.values()))


class Site:
    """A written node, the nodes above it from the root on, and what is wanted of it."""

    def __init__(self, document: Document, chain: tuple[Node, ...]) -> None:
        self.document = document
        self.chain = chain
        self.want = Want()


class Customs:
    """How a file writes what the nodes around a place do not tell; looked up once a file."""

    def __init__(self, text: str, newline: str) -> None:
        self.text = text
        self.newline = newline
        self.known: dict[str, Flow | None] = {}

    def list_style(self, key: str, value: Any) -> Flow | None:
        """The flow style that the lists of scalars below a key have in this file, None where they have block style."""
        if not value or not isinstance(value, list) or any(item and isinstance(item, dict | list) for item in value):
            return None
        if key not in self.known:
            self.known[key] = self._look(key)
        return self.known[key]

    def _look(self, key: str) -> Flow | None:
        head = rf"""^[ \t-]*+(["']?){re.escape(key)}\1[ \t]*+:[ \t]*+"""
        found = re.findall(rf"""{head}\[( ?)(["']?)[^\]\s"']""", self.text, re.MULTILINE)
        below = re.findall(rf"{head}(?:#[^\n]*+)?(?:\s*+-[ \t]|\[[ \t]*+\r?\n)", self.text, re.MULTILINE)
        if not found or len(below) > len(found):
            return None
        _, pad, quote = found[0]
        return Flow(quote, ": ", ", ", self.newline, pad=pad)


def lower_site(site: Site, newline: str, customs: Customs) -> list[Piece]:
    """The edits that give a node what is wanted of it.

    Raises:
        Blocked: when there is no safe place or form for it.
    """
    writer = _Writer(site, newline, customs)
    node = site.chain[-1]
    if isinstance(node, Seq) and node.items:
        return writer.change_items(node)
    if not isinstance(node, Map) or not node.entries:
        return writer.fill(node, site.want.value)
    return writer.change(node)


class _Writer:
    """Writes at one site."""

    def __init__(self, site: Site, newline: str, customs: Customs) -> None:
        self.customs = customs
        self.document = site.document
        self.text = site.document.text
        self.chain = site.chain
        self.want = site.want
        self.groups = site.want.all_groups()
        self.newline = newline

    # --- small questions ---------------------------------------------------------------------------------------

    def line(self, offset: int) -> int:
        return self.document.line(offset)

    def lead(self, offset: int) -> str:
        """What stands in a line before an offset."""
        return self.text[self.text.rfind("\n", 0, offset) + 1 : offset]

    def piece(self, start: int, end: int, text: str, deeper: int = 0) -> Piece:
        return Piece(Span(start, end), text, len(self.chain) + deeper, self.groups)

    def no_comment(self, start: int, end: int) -> None:
        """Refuse to write over characters that may hold a comment."""
        if re.search(r"(?:^|\s)#", self.text[start:end]):
            message = f"line {self.line(start)}: a comment stands inside of what would change; change it by hand"
            raise Blocked(Refusal("comment-inside", message))

    def colon(self, key: Node) -> int:
        """The offset behind the colon of a key."""
        found = _COLON.match(self.text, key.end)
        if found is None:
            message = f"line {self.line(key.start)}: the key has no colon behind it; write one"
            raise Blocked(Refusal("complex-key", message))
        return found.end()

    def even(self, node: Map | Seq) -> int:
        """The column of a block collection; refuses tabs, lone carriage returns, and keys in several columns."""
        document = self.document
        places = [e.key.start for e in node.entries] if isinstance(node, Map) else [node.inner]
        columns = {document.column(place) for place in places}
        leads = "".join(self.lead(place) for place in places)
        shared = isinstance(node, Map) and any(self.lead(place).strip() for place in places[1:])
        if len(columns) > 1 or "\t" in leads or "\r" in leads or shared:
            message = f"line {self.line(places[0])}: the keys stand in uneven columns, or behind tabs; straighten them"
            raise Blocked(Refusal("uneven", message))
        first = self.lead(places[0]).strip()
        if first.replace("-", "").strip() or self.text[node.inner] == "?":
            raise Blocked(Refusal("complex-key", f"line {self.line(places[0])}: the line holds more than this map"))
        return columns.pop()

    # --- block style -------------------------------------------------------------------------------------------

    def style(self, node: Node, chain: tuple[Node, ...]) -> Block:
        """Step and dash offset: of the node's own children, else of what stands around it, else of the document."""
        near = [node, *reversed(chain[:-1])] if isinstance(node, Map) else list(reversed(chain))
        steps: list[int] = []
        dashes: list[int] = []
        gaps: list[int] = []
        for above in near:
            steps += self.children(above, Map)
            dashes += self.children(above, Seq)
            gaps += self.gaps(above)
            if steps and dashes and gaps:
                break
        if not steps or not dashes:
            everywhere = list(_maps(self.document.root))
            steps = steps or [n for m in everywhere for n in self.children(m, Map)]
            dashes = dashes or [n for m in everywhere for n in self.children(m, Seq)]
        step = _usual(steps, 2)
        return Block(step, _usual(dashes, step), _key_quote(node), _usual(gaps, 2), self.customs.list_style)

    def gaps(self, node: Node) -> list[int]:
        """How far the content of the block lists of a block map stands from their dashes."""
        if not isinstance(node, Map) or node.flow:
            return []
        lists = [e.value for e in node.entries if isinstance(e.value, Seq) and not e.value.flow]
        return [gap for one in lists if (gap := self.gap(one))]

    def gap(self, node: Seq) -> int:
        """How far the content of a block list stands from its dashes, 0 where its first item does not tell."""
        first = node.items[0]
        same_line = first.end > first.start and "\n" not in self.text[node.inner : first.start]
        return first.start - node.inner if same_line else 0

    def children(self, node: Node, kind: type[Map] | type[Seq]) -> list[int]:
        """How much deeper the block children of a block map stand, of one kind."""
        if not isinstance(node, Map) or node.flow:
            return []
        own = self.document.column(node.entries[0].key.start)
        places = [_first(e.value) for e in node.entries if isinstance(e.value, kind) and not e.value.flow]
        deeper = [self.document.column(place) - own for place in places]
        return [n for n in deeper if n > 0 or (n == 0 and kind is Seq)]

    def behind(self, node: Node, column: int) -> tuple[int, bool]:
        """The offset of the line behind a block value, and whether the file ends before that line could begin.

        Comments right behind it that are deeper than `column` belong to the value, so they are passed.
        """
        leaf = _last_leaf(node)
        end = leaf.end
        block = isinstance(leaf, Scalar) and leaf.style in ("|", ">")
        if isinstance(leaf, Scalar) and leaf.keeps:
            if self.text[end - 1] != "\n":
                raise self.block_end(leaf)
            return end, False
        stop = self.text.find("\n", end)
        rest = self.text[end : len(self.text) if stop < 0 else stop]
        if rest.strip() and not (rest.lstrip().startswith("#") and rest[0] in " \t"):
            message = f"line {self.line(end)}: something else stands behind this on its line; change it by hand"
            raise Blocked(Refusal("other-shape", message))
        if stop < 0:
            if block and self.needs_end(leaf):
                raise self.block_end(leaf)
            return len(self.text), True
        at = stop + 1
        while (comment := _COMMENT_LINE.match(self.text, at)) and len(comment[1]) > column:
            at = comment.end()
            if not comment[2]:
                return at, True
        return at, False

    def block_end(self, leaf: Node) -> Blocked:
        message = f"line {self.line(leaf.start)}: a text block would end the file without its line end; add one"
        return Blocked(Refusal("block-scalar-end", message))

    def lines_at(self, place: tuple[int, bool], lines: list[str], deeper: int = 0) -> Piece:
        """Whole lines at an offset that `behind` gave."""
        at, opens = place
        body = self.newline.join(lines)
        return self.piece(at, at, self.newline + body if opens else body + self.newline, deeper)

    # --- a map that has entries --------------------------------------------------------------------------------

    def change(self, node: Map) -> list[Piece]:
        pieces: list[Piece] = []
        removed: set[int] = set()
        fresh: dict[str, Want] = {}
        column = 0 if node.flow else self.even(node)
        for name, want in self.want.keys.items():
            entry = node.get(name)
            if entry is None:
                fresh[name] = want
            elif want.gone:
                removed.add(node.entries.index(entry))
            else:
                pieces += self.replace(node, entry.key, entry.value, want.exact[0])
        if len(removed) == len(node.entries):
            return self.emptied(node, column, {key: want.value for key, want in fresh.items()})
        pieces += self.remove(node, removed)
        kept = [n for n in range(len(node.entries)) if n not in removed]
        places = [(self.index(node, kept, want), key, want) for key, want in fresh.items()]
        for index, some in groupby(sorted(places, key=lambda p: p[0]), key=lambda p: p[0]):
            values = {key: want.value for _, key, want in some}
            if node.flow:
                pieces.append(self.insert_flow(node, index, values, kept[0]))
                continue
            lines = yamltext.entries(values, column, self.style(node, self.chain))
            if index < 0:
                pieces.append(self.in_front(node, node.entries[kept[0]].key, lines, column))
            else:
                pieces.append(self.lines_at(self.safe_behind(node, kept, index, column), lines))
        return pieces

    def in_front(self, node: Map, key: Node, lines: list[str], column: int) -> Piece:
        """Lines in front of the first key of a map that stays, and of the comments right above it."""
        at = key.start - len(self.lead(key.start))
        if self.lead(node.entries[0].key.start).strip():
            # The map begins behind a dash, so that its first key stands there, or moves there.
            text = self.newline.join([*lines, " " * column])
            return self.piece(key.start, key.start, text.lstrip(" "))
        while len(self.chain) > 1:
            above = self.text.rfind("\n", 0, max(at - 1, 0)) + 1
            comment = _COMMENT_LINE.match(self.text, above)
            if comment is None or len(comment[1]) != column or above == at:
                break
            at = above
        return self.lines_at((at, False), lines)

    def safe_behind(self, node: Map, kept: list[int], index: int, column: int) -> tuple[int, bool]:
        """The line behind an entry, or behind an earlier one where a text block ends the file without a line end."""
        earlier = [n for n in kept if n < index]
        try:
            return self.behind(_whole(node.entries[index]), column)
        except Blocked as blocked:
            if blocked.refusal.code != "block-scalar-end":
                raise
            if earlier:
                return self.behind(_whole(node.entries[earlier[-1]]), column)
            parent = self.chain[-2] if len(self.chain) > 1 else None
            if self.lead(node.entries[0].key.start).strip() or not isinstance(parent, Map):
                raise
            key = next(entry.key for entry in parent.entries if entry.value is node)
            return self.text.index("\n", self.colon(key)) + 1, False

    def index(self, node: Map, kept: list[int], want: Want) -> int:
        """The number of the entry behind which a new one goes, -1 for a place in front of all of them."""
        text = self.text
        named = [n for n in kept if self.name(node, n) in want.after]
        named = [n for n in named if "\n" not in text[node.entries[n].key.start : node.entries[n].value.end]]
        if named and not (node.flow and self.comment_behind(node, named[-1])):
            return named[-1]
        before = [k for k, n in enumerate(kept) if self.name(node, n) == want.before]
        if before and before[0] == 0:
            return -1
        if before and not (node.flow and self.comment_behind(node, kept[before[0] - 1])):
            return kept[before[0] - 1]
        return kept[-1]

    def name(self, node: Map, number: int) -> str:
        key = node.entries[number].key
        return key.text if isinstance(key, Scalar) else ""

    def remove(self, node: Map | Seq, removed: set[int]) -> list[Piece]:
        """Some entries or items go, but not all."""
        parts = self.parts(node)
        pieces: list[Piece] = []
        for run in _runs(sorted(removed)):
            if node.flow:
                pieces.append(self.take_flow(parts, run[0], run[-1]))
            elif self.lead(parts[run[0]].start).strip():
                # The dash of the list item stays, and the next key, or dash, moves up to it.
                for one, two in pairwise(parts[run[0] : run[-1] + 2]):
                    self.no_comment(one.start, one.end)
                    self.no_comment(self.behind(one, len(self.text))[0], two.start)
                pieces.append(self.piece(parts[run[0]].start, parts[run[-1] + 1].start, ""))
            else:
                pieces += self.take_lines(parts[run[0] : run[-1] + 1])
                if pieces[-1].final and run[0]:
                    self.may_end(parts[run[0] - 1], pieces[-1].span.start)
        return pieces

    def may_end(self, part: Node, end: int) -> None:
        """Refuse to let a text block end the file without the line end that belongs to it."""
        leaf = _last_leaf(part)
        block = isinstance(leaf, Scalar) and leaf.style in ("|", ">")
        if block and self.needs_end(leaf) and not self.text[leaf.end : end].strip():
            raise self.block_end(leaf)

    def needs_end(self, leaf: Node) -> bool:
        """Whether a text block would be another one without the line end behind it."""
        return "-" not in self.text[leaf.inner : leaf.inner + 3]

    def parts(self, node: Map | Seq) -> list[Node]:
        """The entries of a map or the items of a list, each as one node that begins with its key, or its dash."""
        if isinstance(node, Map):
            return [_whole(entry) for entry in node.entries]
        if node.flow:
            return node.items
        out: list[Node] = []
        at = node.inner
        for item in node.items:
            dash = _GAP.match(self.text, at)
            out.append(_Whole(dash.end() if dash else at, item))
            at = item.end
        return out

    def take_lines(self, parts: list[Node]) -> list[Piece]:
        """The lines of neighbours go; comments on lines between them stay."""
        spans: list[Span] = []
        opens = False
        for part in parts:
            self.no_comment(part.start, part.end)
            start = part.start - len(self.lead(part.start))
            end, opens = self.behind(part, len(self.text))
            if spans and not self.text[spans[-1].end : start].strip():
                start = spans.pop().start
            spans.append(Span(start, end))
        pieces = [self.piece(*span, "") for span in spans]
        if opens:
            start, end = spans[-1]
            before = len(self.newline) if self.text.endswith(self.newline, 0, start) else 1
            pieces[-1] = self.piece(start - before, end, "")._replace(final=True)
        return pieces

    def take_flow(self, parts: list[Node], first: int, last: int) -> Piece:
        start, end = parts[first].start, parts[last].end
        if last + 1 < len(parts):
            end = parts[last + 1].start
        else:
            start = parts[first - 1].end
        self.no_comment(start, end)
        return self.piece(start, end, "")

    def emptied(self, node: Map, column: int, fresh: dict[str, Any]) -> list[Piece]:
        """All keys go: `{}` stays, or what comes instead."""
        parent = self.chain[-2] if len(self.chain) > 1 else None
        start, end = node.inner, _written_end(self.text, node)
        if node.flow:
            self.no_comment(start, end)
            return [self.piece(start, end, yamltext.flow(fresh, _outer(self.flow_style(node))))]
        lines = yamltext.entries(fresh, column, self.style(node, self.chain))
        lead = self.lead(_first(node))
        if not lead.strip() and (fresh or isinstance(parent, Map)):
            gone = self.take_lines(self.parts(node))
            if fresh:
                return [*gone, self.lines_at((_first(node) - len(lead), False), lines)]
            assert isinstance(parent, Map)
            at = self.colon(next(entry.key for entry in parent.entries if entry.value is node))
            if node.anchor is not None:
                at = node.start + 1 + len(node.anchor)
            return [self.piece(at, at, " {}"), *gone]
        self.no_comment(start, end)
        if fresh:
            return [self.piece(_first(node), end, self.newline.join(lines).lstrip(" "))]
        return [self.piece(start, end, "{}")]

    # --- another value for a key -------------------------------------------------------------------------------

    def replace(self, parent: Map, key: Node, old: Node, value: Any) -> list[Piece]:
        """A key gets a value; what is a collection before or after is written anew below its key."""
        nested = bool(value) and isinstance(value, dict | list)
        start, end = self.colon(key), _written_end(self.text, old)
        if isinstance(old, Scalar) and not nested:
            quote = old.style if old.style in ("'", '"') else (_key_quote(parent) if parent.flow else "")
            written = yamltext.scalar(value, quote)
            if old.missing:
                return [self.piece(start, start, " " + written)]
            if "\n" in self.text[old.inner : end]:
                self.no_comment(old.inner, end)
            return [self.piece(old.inner, end, written)]
        self.no_comment(start, end)
        if parent.flow:
            return [self.piece(start, end, self.flow_value(parent, key, value))]
        if not nested:
            return [self.piece(start, end, " " + yamltext.scalar(value))]
        if (in_flow := self.flow_of(key, old, value)) is not None:
            return [self.piece(start, end, " " + yamltext.flow(value, in_flow))]
        column = self.even(parent)
        style = self.style(parent, self.chain)._replace(quote="")
        lines = yamltext.entry(key.text if isinstance(key, Scalar) else "", value, column, style)[1:]
        place = _last_leaf(old)
        if (isinstance(old, Map | Seq) and not old.flow) or "\n" in self.text[start:end] or place.end != end:
            return [self.piece(start, end, self.newline + self.newline.join(lines))]
        below = self.lines_at(self.behind(old, len(self.text)), lines, 1)
        return [self.piece(start, end, ""), below] if end > start else [below]

    def flow_of(self, key: Node, old: Node, value: Any) -> Flow | None:
        """How a collection below a key of a block map is written in flow style: as it was, or as the file has it."""
        like = Map if isinstance(value, dict) else Seq
        if isinstance(old, like) and old.flow and (old.items if isinstance(old, Seq) else old.entries):
            return _outer(self.flow_style(old))
        return self.customs.list_style(key.text if isinstance(key, Scalar) else "", value)

    def fill(self, node: Node, value: Any) -> list[Piece]:
        """Children for a null, `{}` or `[]`."""
        parent = self.chain[-2] if len(self.chain) > 1 else None
        if isinstance(parent, Map):
            key = next(entry.key for entry in parent.entries if entry.value is node)
            return self.replace(parent, key, node, value)
        if parent is None and not node.flow:
            raise Blocked(Refusal("other-shape", f"line {self.line(node.start)}: the document is empty"))
        self.no_comment(node.inner, node.end)
        if parent is None or parent.flow:
            return [self.piece(node.inner, node.end, yamltext.flow(value, self.flow_style(parent)))]
        column = self.document.column(node.start) + (1 if node.inner == node.end else 0)
        style = self.style(node, self.chain)
        lines = yamltext.item(value, max(column - 2, 0), style)
        blank = " " if node.inner == node.end else ""
        body = self.newline.join([lines[0].lstrip(" ")[1:].lstrip(" "), *lines[1:]])
        return [self.piece(node.inner, node.end, blank + body)]

    # --- lists -------------------------------------------------------------------------------------------------

    def change_items(self, node: Seq) -> list[Piece]:
        """Items go, and new ones come behind the last that stays; `[]` stays where no key could go along."""
        removed, items = self.want.removed, self.want.items
        if not node.flow:
            self.even(node)
        if len(removed) < len(node.items):
            pieces = self.remove(node, removed)
            return [*pieces, self.append(node, max(set(range(len(node.items))) - removed))] if items else pieces
        start, end = node.inner, _written_end(self.text, node)
        self.no_comment(start, end)
        if node.flow or not items:
            return [self.piece(start, end, yamltext.flow(items, _outer(self.flow_style(node))))]
        return [self.piece(start, end, self.newline.join(self.item_lines(node)).lstrip(" "))]

    def append(self, node: Seq, last: int) -> Piece:
        """New items behind an item, behind which there are none that stay."""
        if node.flow:
            style = self.flow_style(node)
            items = node.items
            at = items[last].end if last + 1 < len(items) else self.flow_end(items[last], node)
            written = (self.flow_comma(style) + yamltext.flow(v, style) for v in self.want.items)
            return self.piece(at, at, "".join(written))
        return self.lines_at(self.behind(node.items[last], self.even(node)), self.item_lines(node))

    def item_lines(self, node: Seq) -> list[str]:
        """The lines of the new items of a block list."""
        column = self.even(node)
        gap = self.gap(node) or 2
        quotes = {item.style for item in node.items if isinstance(item, Scalar) and isinstance(item.value, str)}
        quote = quotes.pop() if len(quotes) == 1 and quotes <= {"'", '"'} else ""
        style = self.style(node, self.chain)
        return [line for v in self.want.items for line in yamltext.item(v, column, style, gap, quote)]

    # --- flow style --------------------------------------------------------------------------------------------

    def comment_behind(self, node: Map, number: int) -> bool:
        """Whether a comment stands between an entry of a flow map and the next one, or the brace."""
        last = number + 1 == len(node.entries)
        end = node.end - 1 if last else node.entries[number + 1].key.start
        return "#" in self.text[_whole(node.entries[number]).end : end]

    def flow_end(self, last: Node, node: Node) -> int:
        if "#" in self.text[last.end : node.end - 1]:
            message = f"line {self.line(last.end)}: a comment stands before the closing bracket; move it"
            raise Blocked(Refusal("comment-inside", message))
        return last.end

    def flow_comma(self, style: Flow) -> str:
        return style.comma if style.prefix is None else f",{style.newline}{style.prefix}"

    def insert_flow(self, node: Map, index: int, values: dict[str, Any], first: int) -> Piece:
        """New entries of a flow map behind one of its entries, or in front of the first that stays."""
        style = self.flow_style(node)
        comma = self.flow_comma(style)
        written = [yamltext.flow_entry(key, value, style) for key, value in values.items()]
        if index < 0:
            at = node.entries[first].key.start
            return self.piece(at, at, "".join(entry + comma for entry in written))
        at = _whole(node.entries[index]).end
        if index + 1 == len(node.entries):
            self.flow_end(_whole(node.entries[index]), node)
        return self.piece(at, at, "".join(comma + entry for entry in written))

    def flow_value(self, parent: Map, key: Node, value: Any) -> str:
        style = self.flow_style(parent)
        own = style.one_line(key.text if isinstance(key, Scalar) else "", value) or style
        return (style.colon[1:] or "") + yamltext.flow(value, own)

    def flow_style(self, node: Node | None) -> Flow:
        """The layout of a flow collection that has children; plain and on one line where there is none."""
        if not isinstance(node, Map | Seq):
            return Flow("", ": ", ", ", self.newline)
        kids = [entry.key for entry in node.entries] if isinstance(node, Map) else node.items
        ends = [_whole(entry).end for entry in node.entries] if isinstance(node, Map) else [i.end for i in node.items]
        if not kids:
            return Flow("", ": ", ", ", self.newline)
        last = kids[-1]
        lead = self.lead(last.start)
        own_line = not lead.strip() and "\n" in self.text[node.inner : last.start]
        quote = _key_quote(node) if isinstance(node, Map) else _item_quote(node, self.chain)
        colon = ": "
        if isinstance(node, Map):
            colon = self.text[last.end : node.entries[-1].value.start] if quote else ": "
            colon = colon if re.fullmatch(r" ?: ?", colon) else ": "
        elif quote and (near := next((n for n in reversed(self.chain) if isinstance(n, Map) and n.entries), None)):
            found = self.text[near.entries[-1].key.end : near.entries[-1].value.start]
            colon = found if re.fullmatch(r" ?: ?", found) else ": "
        if own_line:
            closing = self.lead(node.end - 1)
            deeper = lead.startswith(closing) and not closing.strip() and len(closing) < len(lead)
            step = lead[len(closing) :] if deeper else "  "
            return Flow(quote, colon, ", ", self.newline, lead, step, one_line=self.customs.list_style)
        between = self.text[ends[-2] : last.start] if len(kids) > 1 else ", " if " " in colon else ","
        pad = self.text[node.inner + 1 : kids[0].start]
        comma = between if re.fullmatch(r", ?", between) else ", "
        return Flow(quote, colon, comma, self.newline, pad=pad if pad == " " else "")


class _Whole(Node):
    """An entry or an item as one node, from its key or dash to the end of its value."""

    __slots__ = ("value",)

    def __init__(self, start: int, value: Node, end: int = 0) -> None:
        super().__init__(start, start, max(end, value.end), None, None, value.flow)
        self.value = value


def _whole(entry: tuple[Node, Node]) -> _Whole:
    key, value = entry
    return _Whole(key.start, value, key.end)


def _last_leaf(node: Node) -> Node:
    """The last node below that has characters of its own."""
    while True:
        if isinstance(node, _Whole):
            node = node.value
        elif isinstance(node, Map) and not node.flow:
            node = node.entries[-1].value
        elif isinstance(node, Seq) and not node.flow:
            node = node.items[-1]
        else:
            return node


def _written_end(text: str, node: Node) -> int:
    """The end of a value without the line ends that a text block keeps."""
    start = node.inner
    return start + len(text[start : node.end].rstrip(" \t\r\n"))


def _first(node: Node) -> int:
    """Where a block collection begins: its first key, or its first dash."""
    return node.entries[0].key.start if isinstance(node, Map) else node.inner


def _usual(numbers: list[int], otherwise: int) -> int:
    """The number that is there most often."""
    return Counter(numbers).most_common(1)[0][0] if numbers else otherwise


def _outer(style: Flow) -> Flow:
    """The style of a collection whose entries have a style."""
    return style if style.prefix is None else style._replace(prefix=style.prefix.removesuffix(style.step))


def _runs(numbers: list[int]) -> Iterator[list[int]]:
    """Runs of numbers that follow one another."""
    run: list[int] = numbers[:1]
    for one, two in pairwise(numbers):
        if two != one + 1:
            yield run
            run = []
        run.append(two)
    if run:
        yield run


def _maps(node: Node) -> Iterator[Map]:
    """All block maps of a tree."""
    todo = [node]
    while todo:
        node = todo.pop()
        if isinstance(node, Map) and not node.flow:
            yield node
            todo += [entry.value for entry in reversed(node.entries)]
        elif isinstance(node, Seq) and not node.flow:
            todo += reversed(node.items)


def _key_quote(node: Node) -> str:
    """The quotes that all keys of a map have, or none."""
    styles = (
        {entry.key.style for entry in node.entries if isinstance(entry.key, Scalar)} if isinstance(node, Map) else ()
    )
    return next(iter(styles)) if len(styles) == 1 and set(styles) <= {"'", '"'} else ""


def _item_quote(node: Seq, chain: tuple[Node, ...]) -> str:
    """The quotes of a flow list: those of its texts, else of the keys around it."""
    styles = {item.style for item in node.items if isinstance(item, Scalar) and isinstance(item.value, str)}
    inner = {_key_quote(item) for item in node.items if isinstance(item, Map)}
    near = next((_key_quote(n) for n in reversed(chain) if isinstance(n, Map)), "")
    found = styles or inner or {near}
    return next(iter(found)) if len(found) == 1 and found <= {"'", '"'} else ""
