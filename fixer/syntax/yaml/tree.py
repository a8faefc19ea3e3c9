"""A tree over libyaml's events: what is written where, with anchors, styles and exact places.

Places are characters of the whole text. libyaml's `index` counts them exactly, with CRLF and beyond ASCII; its `line`
does not, and the end that it gives a block collection is the start of the next token, so both are never used.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from fixer.errors import Unreadable
from fixer.lazy import lazy
from fixer.model import Span
from fixer.syntax.yaml import scalars
from fixer.syntax.yaml.loading import COLON
from fixer.syntax.yaml.scalars import Plain
from fixer.syntax.yaml.slices import AnyOf, Slice, slices
from fixer.tuples import NamedTuple

MERGE = "<<"
# Words that are true or false in YAML 1.1, and text in 1.2.
_OLD_WORDS = frozenset("y yes n no on off".split())
_PROPERTIES = re.compile(r"(?:[&!]\S*(?:[ \t\r\n]|#[^\n]*)*)+")
_KEEPS = re.compile(r"[|>][0-9-]*\+")
_DEEPEST = 1000  # the time that libyaml needs grows with the square of the depth, to hours in a file that means harm
_TOO_DEEP = "a value is nested too deeply to be read"


class Node:
    """A value: `start` is where its anchor or tag begins, `inner` where it does itself, `end` behind its last leaf.

    A null that nobody wrote has an empty span behind its colon or dash.
    """

    __slots__ = ("aliased", "anchor", "end", "flow", "inner", "start", "tag")

    def __init__(self, start: int, inner: int, end: int, anchor: str | None, tag: str | None, flow: bool) -> None:
        self.start = start
        self.inner = inner
        self.end = end
        self.anchor = anchor
        self.tag = tag
        self.flow = flow
        self.aliased = False

    @property
    def span(self) -> Span:
        """All of the value, its anchor and tag included."""
        return Span(self.start, self.end)


class Scalar(Node):
    """Text in one of five styles: plain (empty), `'`, `"`, `|` and `>`; `keeps` for a block that keeps its end."""

    __slots__ = ("keeps", "style", "text")

    def __init__(
        self, text: str, style: str, keeps: bool, start: int, inner: int, end: int, anchor: str | None, tag: str | None
    ) -> None:
        # As the parent's, written out: most values are scalars, and a call for each is a tenth of what reading takes.
        self.start = start
        self.inner = inner
        self.end = end
        self.anchor = anchor
        self.tag = tag
        self.flow = False
        self.aliased = False
        self.text = text
        self.style = style
        self.keeps = keeps

    @property
    def value(self) -> Plain:
        """What Kubernetes reads."""
        if self.tag is not None and self.tag != "!":
            return scalars.tagged(self.tag, self.text)
        return self.text if self.style or self.tag else scalars.plain(self.text)

    @property
    def missing(self) -> bool:
        """Whether nothing at all is written, which is a null."""
        return not self.style and self.inner == self.end


class Alias(Node):
    """The use of an anchor; `target` is what stands at it."""

    __slots__ = ("name", "target")

    def __init__(self, name: str, target: Node, *place: Any) -> None:
        super().__init__(*place)
        self.name = name
        self.target = target


class Entry(NamedTuple):
    """A key with its value."""

    key: Node
    value: Node


class Seq(Node):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.items: list[Node] = []


class Map(Node):
    """A map: its entries in the order of the file, duplicates and merge keys included."""

    __slots__ = ("_index", "entries")

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.entries: list[Entry] = []
        self._index: dict[str, Entry] | None = None

    @property
    def index(self) -> dict[str, Entry]:
        """Entries by the name that their key has in JSON; the last of duplicates, as Kubernetes takes it."""
        if self._index is None:
            self._index = {}
            for entry in self.entries:
                key = entry.key
                if type(key) is Scalar:
                    name = scalars.plain(key.text) if not key.style and key.tag is None else key.value
                    self._index[name if type(name) is str else scalars.key_name(name)] = entry
        return self._index

    def get(self, name: str) -> Entry | None:
        """The entry that is written in this map itself under a key; merge keys are not followed."""
        return self.index.get(name)

    @property
    def merges(self) -> bool:
        """Whether a merge key brings further entries."""
        return any(_is_merge(entry.key) for entry in self.entries)

    @property
    def complex_keys(self) -> bool:
        """Whether a key is a list, a map or an alias."""
        return any(not isinstance(entry.key, Scalar) for entry in self.entries)

    @property
    def duplicates(self) -> bool:
        """Whether two keys have one name."""
        return len(self.index) < len(self.entries) and not self.complex_keys

    @property
    def repeated(self) -> list[Scalar]:
        """The keys that stand further up in this map already."""
        seen: set[str] = set()
        out: list[Scalar] = []
        for key, _ in self.entries if self.duplicates else ():
            assert isinstance(key, Scalar)
            name = scalars.key_name(key.value)
            if name in seen:
                out.append(key)
            seen.add(name)
        return out


def _is_merge(key: Node) -> bool:
    return type(key) is Scalar and key.text == MERGE and not key.style


class Document:
    """One document: its number in the stream, its characters, and its root.

    `tags` are those that YAML itself does not define. `text_keys` tells that a key such as `on` is text, as it is to
    Compose, and no boolean, as it is to Kubernetes.
    """

    def __init__(self, text: str, part: Slice, root: Node, tags: frozenset[str], text_keys: bool) -> None:
        self.text_keys = text_keys
        self.text = text
        self.index = part.number
        self.span = part.span
        self.root = root
        self.tags = tags

    @lazy
    def value(self) -> Any:
        """Plain Python objects, with aliases and merge keys expanded; an alias gives the very object of its anchor.

        Raises:
            Unreadable: for values nested too deeply.
        """
        return self._whole.of(self.root)

    def value_of(self, node: Node) -> Any:
        """The same for one node.

        Raises:
            Unreadable: for values nested too deeply.
        """
        return self._read(node).of(node)

    @lazy
    def repeats(self) -> bool:
        """Whether a map somewhere may have a key twice.

        Raises:
            Unreadable: for values nested too deeply.
        """
        return self._whole.repeats

    @lazy
    def _whole(self) -> _Values:
        return self._read(self.root)

    def _read(self, node: Node) -> _Values:
        values = _Values()
        try:
            values.of(node)
        except RecursionError as error:
            raise Unreadable("syntax", _TOO_DEEP) from error
        return values

    def column(self, offset: int) -> int:
        """How many characters stand before an offset in its line."""
        return offset - self.text.rfind("\n", 0, offset) - 1

    def line(self, offset: int) -> int:
        """The line of an offset, from 1."""
        return self.text.count("\n", 0, offset) + 1

    def find(self, path: tuple[str | int, ...]) -> Node | None:
        """The node at a path of keys and list indices, written there itself: aliases and merge keys end the way."""
        node: Node | None = self.root
        for step in path:
            if isinstance(node, Map) and isinstance(step, str):
                entry = node.get(step)
                node = entry.value if entry is not None else None
            elif isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node.items):
                node = node.items[step]
            else:
                return None
        return node

    def span_at(self, path: tuple[str | int, ...]) -> Span:
        """The characters of what stands at a path, key included; of the nearest thing above where nothing does."""
        node: Node = self.root
        span = node.span
        for step in path:
            found = _below(node, step)
            if found is None:
                break
            node = found.value
            span = Span(found.key.start, node.end)
        return span


def _below(node: Node, step: str | int) -> Entry | None:
    if isinstance(node, Map) and isinstance(step, str):
        return node.get(step)
    if isinstance(node, Seq) and isinstance(step, int) and step < len(node.items):
        return Entry(node.items[step], node.items[step])
    return None


class _Values:
    """Values of nodes; each node is read once, so that aliases cost nothing however often they are used."""

    def __init__(self) -> None:
        self.known: dict[int, Any] = {}
        self.repeats = False

    def of(self, node: Node) -> Any:
        if type(node) is Scalar:
            return node.value
        if type(node) is Alias:
            return self.of(node.target)
        if id(node) in self.known:
            return self.known[id(node)]
        if type(node) is Seq:
            items: list[Any] = []
            self.known[id(node)] = items
            items += [self.of(item) for item in node.items]
            return items
        assert isinstance(node, Map)
        entries: dict[str, Any] = {}
        self.known[id(node)] = entries
        merges: list[Node] = []
        own: dict[str, Any] = {}
        for key, value in node.entries:
            if type(key) is Scalar and not key.style:
                if key.text == MERGE:
                    merges.append(value)
                    continue
                # As `name` does, without the call.
                found = scalars.plain(key.text) if key.tag is None else key.value
                name = found if type(found) is str else scalars.key_name(found)
            else:
                name = self.name(key)
            # As `of` does, without the call: most values are plain words.
            if type(value) is Scalar and not value.style and value.tag is None:
                own[name] = scalars.plain(value.text)
            else:
                own[name] = self.of(value)
        self.repeats = self.repeats or len(own) + len(merges) < len(node.entries)
        for node in merges:
            for brought in self.merged(node):
                entries.update({k: v for k, v in brought.items() if k not in entries})
        entries.update(own)
        return entries

    def merged(self, node: Node) -> list[dict[str, Any]]:
        value = self.of(node)
        return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, dict)]

    def name(self, key: Node) -> str:
        value = self.of(key)
        return scalars.key_name(value) if not isinstance(value, dict | list) else repr(value)


def parse(text: str, matters: re.Pattern[str] | AnyOf[str] | None = None) -> list[Document]:
    """The documents of a stream; with `matters`, only those in which one of its patterns is found.

    `text` has no byte order mark, as `SourceFile` gives it: libyaml would not count it.

    Raises:
        Unreadable: when it is no YAML, with one sentence that names the line.
    """
    return [parse_slice(text, part) for part in slices(text, matters)]


def values(text: str) -> list[Any]:
    """The documents of a stream as plain values, as Kubernetes reads them; an empty list when it is no YAML."""
    try:
        return [document.value for document in parse(text)]
    except Unreadable:
        return []


def parse_slice(text: str, part: Slice, *, text_keys: bool = False) -> Document:
    """Parse one document; with `text_keys`, a key such as `on` or `n` is text and not a boolean.

    Raises:
        Unreadable: when it is no YAML, with one sentence that names the line.
    """
    from ruamel.yaml.error import YAMLError

    builder = _Builder(text, part.span, text_keys)
    try:
        try:
            root = builder.read()
        except YAMLError as error:
            if getattr(error, "problem", None) != COLON:
                raise
            builder = _Builder(text, part.span, text_keys)
            root = builder.read_anew()
    except YAMLError as error:
        raise Unreadable("syntax", _sentence(text, part.span, error)) from error
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, part.span.start + error.start) + 1
        raise Unreadable("syntax", f"line {line}: a byte that is no UTF-8, so this is no YAML") from error
    return Document(text, part, root, frozenset(builder.tags), text_keys)


def _sentence(text: str, span: Span, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    at = getattr(mark, "index", None)
    if at is None:
        at = getattr(error, "position", 0) or 0
    at = min(span.start + int(at), span.end)
    return f"line {text.count(chr(10), 0, at) + 1}: this is no YAML: {problem}"


class _Builder:
    """Builds the tree of one document from its events, without recursion."""

    def __init__(self, text: str, span: Span, text_keys: bool) -> None:
        self.text = text
        self.text_keys = text_keys
        self.span = span
        self.start = span.start
        self.anew = False
        self.anchors: dict[str, Node] = {}
        self.tags: set[str] = set()

    def read(self) -> Node:
        """Read the root; raises what libyaml raises."""
        from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]

        start, end = self.span
        return self.build(CParser(self.text[start:end]).get_event)

    def read_anew(self) -> Node:
        """Read the root with the parser that follows YAML 1.2; raises what that raises."""
        from ruamel.yaml import YAML

        self.anew = True
        start, end = self.span
        yaml = YAML(typ="safe", pure=True)
        yaml.get_constructor_parser(io.StringIO(self.text[start:end]))
        parser = yaml.parser
        return self.build(lambda: parser.get_event() if parser.check_event() else None)

    def build(self, get: Callable[[], Any]) -> Node:
        """Build the tree of the events that `get` gives, until it gives None."""
        from ruamel.yaml.events import (
            AliasEvent,
            MappingEndEvent,
            MappingStartEvent,
            ScalarEvent,
            SequenceEndEvent,
            SequenceStartEvent,
        )

        start = self.start
        stack: list[tuple[Node, list[Node]]] = []
        kids: list[Node] = []
        while (event := get()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                style = event.style
                if event.anchor is None and event.ctag is None and style != "|" and style != ">":  # as most are
                    at = start + event.start_mark.index
                    kids.append(
                        Scalar(event.value, style or "", False, at, at, start + event.end_mark.index, None, None)
                    )
                else:
                    kids.append(self.scalar(event))
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                node = self.collection(event, Map if kind is MappingStartEvent else Seq)
                kids.append(node)
                stack.append((node, kids))
                kids = []
                if len(stack) > _DEEPEST:
                    line = self.text.count("\n", 0, start + event.start_mark.index) + 1
                    raise Unreadable("syntax", f"line {line}: {_TOO_DEEP}")
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                node, parents = stack.pop()
                self.close(node, kids, event)
                kids = parents
            elif kind is AliasEvent:
                kids.append(self.alias(event))
        return kids[0]

    def scalar(self, event: Any) -> Scalar:
        start = self.start + event.start_mark.index
        end = self.start + event.end_mark.index
        style = event.style or ""
        anchor, tag = event.anchor, event.tag
        inner = start
        if anchor is not None or tag is not None:
            inner = self.behind_properties(start, end)
            if not style and not event.value:
                inner = end
        keeps = False
        if style == "|" or style == ">":
            keeps = _KEEPS.match(self.text, inner) is not None
            if not keeps:
                end = inner + len(self.text[inner:end].rstrip(" \t\r\n"))
        node = Scalar(event.value, style, keeps, start, inner, end, anchor, tag)
        if anchor is not None or tag is not None:
            self.register(node)
        return node

    def collection(self, event: Any, kind: type[Map] | type[Seq]) -> Node:
        start = self.start + event.start_mark.index
        anchor, tag = event.anchor, event.tag
        inner = start
        if anchor is not None or tag is not None:
            inner = self.behind_properties(start, self.span.end)
        node = kind(start, inner, start, anchor, tag, bool(event.flow_style))
        if anchor is not None or tag is not None:
            self.register(node)
        return node

    def alias(self, event: Any) -> Alias:
        from ruamel.yaml.composer import ComposerError

        target = self.anchors.get(event.anchor)
        if target is None:
            raise ComposerError(None, None, f"the anchor {event.anchor} is not defined", event.start_mark)
        target.aliased = True
        start = self.start + event.start_mark.index
        return Alias(event.anchor, target, start, start, self.start + event.end_mark.index, None, None, False)

    def close(self, node: Node, kids: list[Node], event: Any) -> None:
        if isinstance(node, Map):
            pairs = iter(kids)
            node.entries = [Entry(key, value) for key, value in zip(pairs, pairs, strict=True)]
            if self.text_keys:
                for key, _ in node.entries:
                    self.keep_word(key)
            if node.flow or self.anew:
                for key, value in node.entries:
                    self.place_null(key.end, value, ":")
        elif isinstance(node, Seq):
            node.items = kids
            if self.anew and not node.flow:
                for before, value in zip([node.inner, *(kid.end for kid in kids)], kids, strict=False):
                    self.place_null(before, value, "-")
        node.end = self.start + event.end_mark.index if node.flow else kids[-1].end

    def keep_word(self, key: Node) -> None:
        """Have a key that an old reader takes for a boolean read as text, as the tag `!` has it."""
        if isinstance(key, Scalar) and not key.style and key.tag is None and key.text.lower() in _OLD_WORDS:
            key.tag = "!"

    def place_null(self, before: int, value: Node, sign: str) -> None:
        """Move a missing value behind its colon or dash, where one follows, else to what stands before it.

        In a flow map libyaml puts it at the next token, and the other parser does so everywhere.
        """
        if isinstance(value, Scalar) and value.missing and value.start == value.end:
            found = re.compile(rf"(?:[ \t\r\n]|#[^\n]*)*{sign}").match(self.text, before)
            value.start = value.inner = value.end = found.end() if found else before

    def behind_properties(self, start: int, end: int) -> int:
        found = _PROPERTIES.match(self.text, start, end)
        return found.end() if found else start

    def register(self, node: Node) -> None:
        if node.anchor is not None:
            self.anchors[node.anchor] = node
        if node.tag is not None and node.tag != "!" and not node.tag.startswith("tag:yaml.org,2002:"):
            self.tags.add(node.tag)
