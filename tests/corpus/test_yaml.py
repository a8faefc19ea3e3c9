"""Every plain YAML and JSON file of the corpus: the same changes on every list of containers, and the promises kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fixer.edits.yaml import lower
from fixer.errors import Unreadable
from fixer.model import EnsureItem, RemoveItem, RemoveKey, SetKey, YamlChange
from fixer.prove.yaml import Rewritten, rewrite
from fixer.source import SourceFile
from fixer.syntax.yaml import Document, parse

SUFFIXES = {".json", ".yaml", ".yml"}
MATTERS = re.compile("containers")
TEMPLATE = re.compile(rb"\{\{|\{%|%\{|^\s*#@|<%", re.MULTILINE)
FIRST = ("name", "image", "imagePullPolicy")
# Duplicate keys, text blocks at the very end of a file and the like: few of many.
MOST_REFUSED = 0.02


@dataclass
class Counts:
    """What came of a run over the corpus."""

    files: int = 0
    templates: int = 0
    unreadable: list[str] = field(default_factory=list)
    changed: int = 0
    edits: int = 0
    groups: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def told(self) -> str:
        """The figures in one line."""
        return (
            f"{self.files} files, {self.templates} templates, {self.changed} changed by {self.edits} edits, "
            f"{self.groups} groups, refused {dict(self.refused)}"
        )


def pods(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], list[int]]]:
    """Give the path of every map with a list of containers, and which of its items are maps."""
    if isinstance(value, dict):
        containers = value.get("containers")
        if isinstance(containers, list) and any(isinstance(c, dict) for c in containers):
            yield path, [n for n, c in enumerate(containers) if isinstance(c, dict)]
        for key, inner in value.items():
            yield from pods(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from pods(inner, (*path, n))


def groups_of(documents: list[Document]) -> dict[str, list[YamlChange]]:
    """Give one group for each pod and each container."""
    out: dict[str, list[YamlChange]] = {}
    for document in documents:
        number = document.index
        for path, containers in pods(document.value):
            name = ".".join(map(str, (number, *path)))
            out[name] = [SetKey(number, (*path, "securityContext"), "runAsNonRoot", True, before="containers")]
            for n in containers:
                own = (*path, "containers", n, "securityContext")
                out[f"{name}[{n}]"] = [
                    SetKey(number, own, "allowPrivilegeEscalation", False, after=FIRST),
                    EnsureItem(number, (*own, "capabilities", "drop"), "ALL", after=FIRST),
                ]
    return out


def value_at(value: Any, path: tuple[str | int, ...]) -> Any:
    """Give what stands at a path."""
    for step in path:
        value = value[step]
    return value


def items_of(value: dict[str, Any], key: str) -> list[Any]:
    """Give the items of a list below a key, if it is one."""
    found = value.get(key)
    return found if isinstance(found, list) else []


def odd_groups_of(documents: list[Document]) -> dict[str, list[YamlChange]]:
    """Give changes that no rule wants, many at one place."""
    out: dict[str, list[YamlChange]] = {}
    for document in documents:
        number = document.index
        for path, containers in pods(document.value):
            name = ".".join(map(str, (number, *path)))
            out[f"{name} key"] = [SetKey(number, path, "hostUsers", False)]
            out[f"{name} item"] = [EnsureItem(number, (*path, "volumes"), {"name": "tmp-x", "emptyDir": {}})]
            spec = value_at(document.value, path)
            out[f"{name} less"] = [RemoveItem(number, (*path, "volumes"), v) for v in items_of(spec, "volumes")[:1]]
            for n in containers:
                own = (*path, "containers", n)
                value = spec["containers"][n]
                out[f"{name}[{n}] first"] = [RemoveItem(number, (*own, "env"), v) for v in items_of(value, "env")[:1]]
                lists = ("args", "command")
                out[f"{name}[{n}] last"] = [
                    RemoveItem(number, (*own, key), v) for key in lists for v in items_of(value, key)[-1:]
                ]
                mount = {"name": "tmp-x", "mountPath": "/tmp"}
                out[f"{name}[{n}] mount"] = [EnsureItem(number, (*own, "volumeMounts"), mount)]
                out[f"{name}[{n}] gone"] = [RemoveKey(number, own, key) for key in ("image", "name")]
                out[f"{name}[{n}] other"] = [SetKey(number, own, "ports", [{"containerPort": 8080}])]
                probe = SetKey(number, (*own, "readinessProbe", "httpGet"), "port", 8080)
                out[f"{name}[{n}] both"] = [RemoveKey(number, own, "resources"), probe]
    return out


VARIANTS: list[Callable[[bytes], bytes]] = [
    lambda data: data,
    lambda data: re.sub(rb"\r?\n", b"\r\n", data),
    lambda data: b"\xef\xbb\xbf" + data.removeprefix(b"\xef\xbb\xbf"),
    lambda data: data.rstrip(b"\r\n"),
]


def check(source: SourceFile, groups: dict[str, list[YamlChange]], done: Rewritten) -> str:
    """Say what is wrong about a rewritten file: bytes outside of edits, or a second run that edits."""
    before, after = source.text, done.after.text
    at = shift = 0
    for edit in done.edits:
        if before[at : edit.span.start] != after[at + shift : edit.span.start + shift]:
            return "other bytes changed"
        shift += len(edit.text) - (edit.span.end - edit.span.start)
        at = edit.span.end
    if before[at:] != after[at + shift :]:
        return "other bytes changed"
    again = lower(parse(after, MATTERS), groups)
    return "a second run edits" if set(again.applied) != set(groups) - set(done.refused) or again.edits else ""


def plain_files(shared: Path, out: Counts) -> Iterator[SourceFile]:
    """Give the files that speak of containers and are no templates."""
    for path in sorted((shared / "corpus").rglob("*")):
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        out.files += 1
        data = path.read_bytes()
        if b"containers" in data and TEMPLATE.search(data):
            out.templates += 1
        elif b"containers" in data:
            yield SourceFile(str(path), data)


def run(out: Counts, source: SourceFile, wishes: Callable[[list[Document]], dict[str, list[YamlChange]]]) -> None:
    """Change one file, and count what comes of it."""
    try:
        documents = parse(source.text, MATTERS)
    except Unreadable as error:
        out.unreadable.append(f"{source.path}: {error.message}")
        return
    groups = wishes(documents)
    if not groups:
        return
    done = rewrite(source, groups, documents)
    out.groups += len(groups)
    out.refused.update(refusal.code for refusal in done.refused.values())
    out.refusals += [f"{source.path}: {name}: {r.code}: {r.message}" for name, r in done.refused.items()]
    out.edits += len(done.edits)
    out.changed += bool(done.edits)
    if wrong := check(source, groups, done):
        out.wrong.append(f"{source.path}: {wrong}")


@pytest.fixture(scope="module")
def counts(shared: Path) -> Counts:
    out = Counts()
    for source in plain_files(shared, out):
        run(out, source, groups_of)
    return out


def test_every_plain_file_is_read(counts: Counts) -> None:
    assert counts.files > 1000
    assert not counts.unreadable


def test_the_changes_are_made_and_nothing_else(counts: Counts) -> None:
    assert not counts.wrong, counts.told
    assert not counts.refused["after-condition"], counts.refusals
    assert not counts.refused["readers-disagree"], counts.refusals
    assert sum(counts.refused.values()) <= MOST_REFUSED * counts.groups, (counts.told, counts.refusals)


def test_odd_changes_of_odd_variants(shared: Path) -> None:
    """Every third file, in turn as it is, with CRLF, with a byte order mark, and without its final newline."""
    out = Counts()
    for n, source in enumerate(plain_files(shared, out)):
        if n % 3 == 0:
            run(out, SourceFile(source.path, VARIANTS[n % len(VARIANTS)](source.data)), odd_groups_of)
    assert not out.wrong, out.told
    assert set(out.refused) <= {"comment-inside", "duplicate-key"}, (out.told, out.refusals)
    assert sum(out.refused.values()) <= MOST_REFUSED * out.groups, (out.told, out.refusals)
