"""Files of Compose: their services, with what they inherit, and each with its places in the text.

What Compose would ask of the environment is asked of the `.env` file beside, as it does by default; what stays open is
told as such and not guessed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fixer.errors import Unreadable
from fixer.lazy import lazy
from fixer.model import Skipped, Span
from fixer.source import BOM
from fixer.syntax.yaml import AnyOf, Document, Map, Node, Scalar, parse_slice, slices
from fixer.tuples import NamedTuple
from fixer.understand.buildfacts import UNKNOWN, Env, inside, rows
from fixer.understand.builds import Read
from fixer.understand.composejoining import OVERRIDE, RESET, Written, kept, upon
from fixer.understand.composevalues import fill, variables
from fixer.understand.manifests import first_repeated, is_template
from fixer.understand.workloads import Path, mapping, sequence

# Without the one a file has no services that run something, without the other none of the new form.
_RUNS = AnyOf(*(re.compile(word + rb"""["']?\s*:""") for word in (b"image", b"build", b"extends")))
_SERVICES = re.compile(rb"""services(?:(?<![^\n]services)|(?<=["']services)(?<![^\n].services))["']?\s*:""")
_TOP = frozenset("version name include services networks volumes configs secrets models".split())
# What the engine fills in when the container starts; other double braces are those of a template of the file.
_PLACEHOLDER = re.compile(r"\{\{-?\s*(?:[a-z]+\s+)?\.(?!Values|Release|Chart|Env\b)[\w.]*(?:\s+\"[^\"]*\")?\s*-?\}\}")
_DEEPEST = 20


class Build(NamedTuple):
    """How a service builds its image: the Dockerfile, its target and the arguments that are known, or `remote`.

    A Dockerfile beside the root begins with `../`; the repository may hold it all the same. `context` is its folder,
    and `tags` are the names that the image gets besides that of the service, with `UNKNOWN` for what only the
    environment knows.
    """

    dockerfile: str
    target: str
    remote: bool
    args: tuple[tuple[str, str], ...] = ()
    context: str = ""
    tags: tuple[str, ...] = ()


class Mount(NamedTuple):
    """What a service mounts: `kind` is volume, bind, tmpfs or another word of Compose.

    `source` is the name of a volume ("" for one without) or a path of the host, `target` the one in the container;
    `at` is where it is written, from the root of the document.
    """

    kind: str
    source: str
    target: str
    read_only: bool
    at: Path


class Service:
    """One service of a document.

    `written` is what stands there itself, `value` that together with what `extends` brings. `base` names the service
    that it extends, "" for none.
    """

    def __init__(
        self, document: Document, path: Path, value: Mapping[str, Any], base: str, env: Env, folder: str
    ) -> None:
        self.document = document
        self.path = path
        self.name = str(path[-1])
        self.value = value
        self.base = base
        self.env = env
        self.folder = folder

    @property
    def key(self) -> str:
        """What tells it apart from all others of its file."""
        return f"{self.document.index}:{self.name}"

    @lazy
    def written(self) -> Mapping[Any, Any]:
        """What stands in the service itself, merge keys included."""
        return mapping(at_path(self.document.value, self.path))

    @property
    def derived(self) -> bool:
        """Whether it is another service with a few changes, which gets what that one gets."""
        return bool(self.base) and not {"image", "build"} & set(self.written)

    def at(self, *steps: str | int) -> Span:
        """The characters of a setting, key included; of the service where it has none of its own."""
        return self.document.span_at((*self.path, *steps))

    def text(self, key: str) -> str | None:
        """A setting that is one word, with its variables; "" where there is none, None where nobody can tell."""
        value = self.value.get(key)
        if value is None:
            return ""
        return self.filled(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None

    def filled(self, text: str) -> str | None:
        """A text with its variables, None where one of them is not known."""
        full = fill(text, self.env)
        return None if UNKNOWN in full else full

    def says(self, key: str) -> bool:
        """Whether a setting is true."""
        return self.value.get(key) is True

    def words(self, key: str) -> tuple[str, ...]:
        """The texts of a list, those that only the environment knows as they are written."""
        values = (one for one in sequence(self.value.get(key)) if isinstance(one, str | int))
        return tuple(str(one) if (full := self.filled(str(one))) is None else full for one in values)

    @property
    def user(self) -> str | None:
        """Whom it asks to run as: "" for whom its image names, None where only the environment knows."""
        if isinstance(self.value.get("user"), bool):
            node = self.document.find((*self.path, "user"))  # a word that YAML 1.1 takes for a boolean is a name here
            return node.text if isinstance(node, Scalar) else None
        return self.text("user")

    @property
    def image(self) -> str:
        """Its image, with a variable left in it where only the environment knows; "" where it is only built."""
        image, written = self.text("image"), self.value.get("image")
        return (written if isinstance(written, str) else "") if image is None else image

    @property
    def varies(self) -> bool:
        """Whether the environment may name another image."""
        return self.value.get("build") is None and "$" in str(self.value.get("image")).replace("$$", "")

    @lazy
    def build(self) -> Build | None:
        """How it builds its image; None where it does not."""
        value = self.value.get("build")
        if value is None:
            return None
        many = mapping(value)
        context = inside(self.folder, fill(str((many.get("context") or ".") if many else value), self.env))
        name = fill(str(many.get("dockerfile") or "Dockerfile"), self.env)
        target = fill(str(many.get("target") or ""), self.env)
        file = None if context is None or UNKNOWN in target else inside(context, name)
        if context is None or file is None or "dockerfile_inline" in many:
            return Build("", "", True)
        tags = tuple(fill(tag, self.env) for tag in sequence(many.get("tags")) if isinstance(tag, str))
        return Build(file, target, False, tuple(self.pairs(many.get("args"))), context, tags)

    def pairs(self, value: Any) -> Iterator[tuple[str, str]]:
        """A map, or a list of `name=value`, with its variables; values that only the environment knows are left out."""
        for name, one in rows(value):
            full = self.filled(str(one).lower() if isinstance(one, bool) else str(one)) if one is not None else None
            if full is not None:
                yield name, full

    @property
    def called(self) -> str:
        """What it runs, for people: its image, or the Dockerfile of it."""
        return self.image or (self.build.dockerfile if self.build is not None else "") or f"the image of {self.name}"

    @property
    def host_network(self) -> bool:
        """Whether it shares the network of the host; `net` is the word of the old form."""
        return "host" in (self.text("network_mode"), self.text("net"))

    @property
    def entry(self) -> tuple[str, ...]:
        """The words that it starts instead of those of its image; nothing where the image decides."""
        if not self.value.get("entrypoint"):
            return ()
        return (*_split(self.value.get("entrypoint")), *_split(self.value.get("command")))

    @property
    def command(self) -> tuple[str, ...]:
        """The words of its own that it starts or gives to the entrypoint of its image."""
        return self.entry or _command(self.value.get("command"))

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it says it listens on, inside of the container."""
        found: list[int] = []
        for one in sequence(self.value.get("ports")):
            inside = mapping(one).get("target") if isinstance(one, dict) else self.filled(str(one))
            found += _port(str(inside).rpartition(":")[2])
        for text in self.words("expose"):
            found += _port(text)
        return tuple(dict.fromkeys(found))

    @lazy
    def mounts(self) -> tuple[Mount, ...]:
        """What it mounts, as far as that can be told."""
        own = sequence(self.written.get("volumes"))
        found = []
        for one in sequence(self.value.get("volumes")):
            at = (*self.path, "volumes", own.index(one)) if one in own else self.path
            mount = self._long(one, at) if isinstance(one, dict) else self._short(str(one), at)
            found += [mount] if mount is not None else []
        return tuple(found)

    def _long(self, value: Mapping[str, Any], at: Path) -> Mount | None:
        source, target = (self.filled(str(value.get(key) or "")) for key in ("source", "target"))
        if source is None or not target:
            return None
        return Mount(
            str(value.get("type", "volume")), source, posixpath.normpath(target), value.get("read_only") is True, at
        )

    def _short(self, text: str, at: Path) -> Mount | None:
        full = self.filled(text)
        parts = full.split(":") if full is not None else []
        if not parts or len(parts) > 3:
            return None
        source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
        options = parts[2].split(",") if len(parts) > 2 else []
        kind = "bind" if source[:1] in ("/", ".", "~") else "volume"
        return Mount(kind, source, posixpath.normpath(target), "ro" in options, at)


def at_path(value: Any, path: Path) -> Any:
    """What stands at a path of keys and list indices; None where the path leads nowhere."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _command(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return ("/bin/sh", "-c", value)
    return tuple(one for one in sequence(value) if isinstance(one, str))


def _split(value: Any) -> tuple[str, ...]:
    """The words of an entrypoint, or of the command behind one; Compose cuts strings as a shell would."""
    if not isinstance(value, str):
        return _command(value)
    import shlex

    try:
        return tuple(shlex.split(value))
    except ValueError:  # an open quote, which Compose refuses too
        return _command(value)


def _port(text: str) -> list[int]:
    number = text.partition("/")[0].partition("-")[0]
    return [int(number)] if number.isdecimal() else []


# --- the file ---------------------------------------------------------------------------------------------------------


class Compose(NamedTuple):
    """A file of Compose: its documents, the services that can be judged, and what was left out and why."""

    documents: tuple[Document, ...]
    services: tuple[Service, ...]
    skipped: tuple[Skipped, ...]


def may_be_compose(data: bytes, named: bool) -> bool:
    """Whether the bytes of a file may hold services; one that is not `named` like a file of Compose must say so."""
    return _RUNS.search(data) and (named or _SERVICES.search(data.removeprefix(BOM)) is not None)


def has_marks(text: str) -> bool:
    """Whether a text holds marks of a template, other than those that the engine fills in."""
    return is_template(_PLACEHOLDER.sub("", text))


def read_compose(path: str, text: str, read: Read, *, named: bool, below: frozenset[str] = frozenset()) -> Compose:
    """The services of a text.

    Args:
        path: where the file is, relative to the root, for the files that it names.
        text: what it holds.
        read: gives the text of another file below the root, or None.
        named: whether its name is one of Compose; the old form, services without `services:`, is read only then.
        below: services of other files that this one is laid upon; what it says about them is no whole service.
    """
    documents: list[Document] = []
    services: list[Service] = []
    skipped: list[Skipped] = []
    env = _environment(path, text, read)
    for part in slices(text):
        if has_marks(text[slice(*part.span)]):
            skipped.append(Skipped(path, "template", "this is a template; fix what it renders to, or it by hand"))
            continue
        try:
            document = parse_slice(text, part, text_keys=True)
            twice = first_repeated(document)
            where = _services_at(document.value, named)
        except Unreadable as error:
            skipped.append(Skipped(path, "unparsable", f"{error.message}; correct it and run again"))
            continue
        if where is None:
            continue
        if twice:
            skipped.append(Skipped(path, "unparsable", f"{twice}; correct it and run again"))
            continue
        documents.append(document)
        found, left = _services(document, where, path, env, read, below)
        services += found
        skipped += left
    return Compose(tuple(documents), tuple(services), tuple(skipped))


def _environment(path: str, text: str, read: Read) -> Env:
    # what it extends may be in a file that has variables where this one has none
    return variables(posixpath.dirname(path), read) if "$" in text or "extends" in text else {}


def builders(path: str, text: str, read: Read) -> Iterator[Service]:
    """The services of a file of Compose that name an image or build one, of whatever can be read of it.

    Other than `read_compose` gives them they may be parts, whose rest is said elsewhere, and marks of templates are
    taken as they stand.
    """
    env = _environment(path, text, read)
    for part in slices(text):
        try:
            document = parse_slice(text, part)
            where = _services_at(document.value, True)
        except Unreadable:
            continue
        rows = _rows(document, where) if where is not None else {}
        for name in mapping(at_path(document.value, where)) if where is not None else ():
            own = rows[str(name)]
            try:
                whole = extended(own, rows, path, read) or own.value
            except Unreadable:
                whole = own.value
            if "image" in whole or "build" in whole:
                yield Service(document, (*(where or ()), name), whole, _base(own.value), env, posixpath.dirname(path))


def written(text: str) -> dict[str, Written]:
    """What a text says about each service, whole or not; nothing where it cannot be read."""
    try:
        return layer(text)
    except Unreadable:
        return {}


def layer(text: str) -> dict[str, Written]:
    """What a text says about each service, whole or not.

    Raises:
        Unreadable: when it is no YAML.
    """
    out: dict[str, Written] = {}
    for part in slices(text):
        document = parse_slice(text, part, text_keys=True)
        where = _services_at(document.value, True)
        if where is not None:
            out |= _rows(document, where)
    return out


def _rows(document: Document, where: Path) -> dict[str, Written]:
    """What a document says about each service."""
    out: dict[str, Written] = {}
    for name, value in mapping(at_path(document.value, where)).items():
        own, path = mapping(value), (*where, str(name))
        user = document.find((*path, "user")) if isinstance(own.get("user"), bool) else None
        tags = dict(_tags(document.find(path), ())) if document.tags else {}
        out[str(name)] = Written({**own, "user": user.text} if isinstance(user, Scalar) else own, tags)
    return out


def _tags(node: Node | None, at: Path) -> Iterator[tuple[Path, str]]:
    """The places below a node that bear a tag of Compose."""
    tag = (node.tag or "") if node is not None else ""
    if tag in (RESET, OVERRIDE):
        yield at, tag
    for entry in node.entries if isinstance(node, Map) else ():
        if isinstance(entry.key, Scalar):
            yield from _tags(entry.value, (*at, entry.key.text))


def _services_at(value: Any, named: bool) -> Path | None:
    """Where the services stand: below `services`, or at the top in the old form; None where there are none."""
    top = mapping(value)
    if "services" in top:
        known = all(key in _TOP or str(key).startswith("x-") for key in top)
        rows = mapping(top["services"])
        runs = any({"image", "build", "extends"} & set(mapping(one)) for one in rows.values())
        return ("services",) if rows and (named or (known and runs)) else None
    old = named and top and not set(top) & (_TOP | {"kind", "apiVersion"})
    return () if old and any({"image", "build"} & set(mapping(one)) for one in top.values()) else None


def _beside(path: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def _services(
    document: Document, where: Path, path: str, env: Env, read: Read, below: frozenset[str]
) -> tuple[list[Service], list[Skipped]]:
    rows = _rows(document, where)
    found: list[Service] = []
    left: dict[str, list[str]] = {}
    for name, value in mapping(at_path(document.value, where)).items():
        if not isinstance(value, dict):
            continue
        own = rows[str(name)]
        try:
            whole = extended(own, rows, path, read)
        except Unreadable as error:
            left.setdefault(f"{error.message}, so that Compose refuses it; correct it and run again", []).append(name)
            continue
        why = _part(name, whole, below)
        if why:
            left.setdefault(why, []).append(name)
        elif whole is not None and "provider" not in whole:
            folder = posixpath.dirname(path)
            found.append(Service(document, (*where, name), whole, _base(own.value), env, folder))
    return found, [Skipped(path, "fragment", f"{', '.join(names)}: {why}") for why, names in left.items()]


def _part(name: str, whole: Mapping[str, Any] | None, below: frozenset[str]) -> str:
    """Why what stands there is no whole service, and what to do; "" where it is one, or no container at all."""
    if name in below:
        return "this is laid upon another file, and a part only; the whole is judged there"
    if whole is None:
        return "this extends a service that is not here; fix it by hand"
    if not {"image", "build", "provider"} & set(whole):
        return "neither image nor build is here, so that this is a part only; fix the whole"
    return ""


def _base(value: Mapping[str, Any]) -> str:
    extends = value.get("extends")
    return str(mapping(extends).get("service", "")) if isinstance(extends, dict) else str(extends or "")


def extended(
    own: Written, rows: Mapping[str, Written], path: str, read: Read, depth: int = 0
) -> Mapping[Any, Any] | None:
    """A service with what it extends, of the services of its file or of another; None where that cannot be found.

    `depth` is how often something has been extended already: no circle is followed.

    Raises:
        Unreadable: when the one cannot be laid upon the other, which Compose refuses too.
    """
    base = _base(own.value)
    if not base:
        return kept(own)
    file = mapping(own.value.get("extends")).get("file")
    if isinstance(file, str):
        path = _beside(path, file)
        text = None if "$" in file or path.startswith("..") else read(path)
        rows = written(text) if text is not None else {}
    above = rows.get(base)
    if depth > _DEEPEST or above is None:
        return None
    whole = extended(above, rows, path, read, depth + 1)
    if whole is not None and isinstance(file, str):
        whole = _built_from(whole, posixpath.dirname(file))
    return None if whole is None else upon(whole, own)


def _built_from(value: Mapping[str, Any], folder: str) -> Mapping[str, Any]:
    """A service of a file in another folder, whose build context is one of that folder."""
    build = value.get("build")
    context = mapping(build).get("context", ".") if isinstance(build, dict) else build
    if not folder or not isinstance(context, str) or context.startswith(("/", "~", "$", "git@")) or "://" in context:
        return value
    there = posixpath.normpath(posixpath.join(folder, context))
    return {**value, "build": {**build, "context": there} if isinstance(build, dict) else there}
