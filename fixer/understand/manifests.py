"""The documents of a file that may describe pods: cut, told apart from templates, and parsed, each for itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from fixer.errors import Unreadable
from fixer.model import Skipped
from fixer.syntax.yaml import AnyOf, Document, Map, Node, Scalar, Seq, Slice, parse_slice, slices

# Without these words a document describes no pod; most YAML of a repository is done after this look.
MATTERS = AnyOf(
    *(
        re.compile(rf"""{word}["']?\s*:""")
        for word in (
            "ontainer(?<=[cC]ontainer)s?",
            r"steps(?<=\bsteps)",
            r"script(?<=\bscript)",
            r"predictor(?<=\bpredictor)",
        )
    )
)
# A document that is a namespace, or the List of one; the word stands in many others, as the kind of a reference.
_NAMESPACES = (
    re.compile(r"""kind:(?<![^\n]kind:)[ \t]*["']?Namespace\b"""),
    re.compile(r"""[{,]\s*["']?kind["']?\s*:\s*["']?Namespace\b"""),
)
# The marks of template engines, each with the characters without which there is none: Helm, Go and Jinja, Jinja, ytt,
# Terraform, and its functions, which write whole lines (a look at each line is slow, so that one for the function comes
# first). A mere ${name} is left to the shell of a container.
_MARKS = (
    ("{{", re.compile(r"\}\}")),
    ("{%", re.compile(r"\{%-?\s")),
    ("#@", re.compile(r"^[ \t]*#@|[ \t]#@[ \t]", re.MULTILINE)),
    ("%{", re.compile(r"%\{~?[ \t]*(?:if|else|endif|for|endfor)\b")),
    (
        "${",
        re.compile(r"\$\{~?[ \t]*\w+\("),
        re.compile(r"""^[ \t]*(?:-[ \t]+)?(?:[\w./-]+:[ \t]+)?["']?\$\{~?[ \t]*\w+\(""", re.MULTILINE),
    ),
)
# The definition of a kind tells at length what pods look like, and describes none.
_DEFINITION = re.compile(r"^kind:[ \t]*CustomResourceDefinition[ \t]*$", re.MULTILINE)
_BOTH = AnyOf(*MATTERS.patterns, *_NAMESPACES)


def read_manifests(path: str, text: str, *, namespaces: bool = False) -> tuple[list[Document], list[Skipped]]:
    """The documents of a YAML or JSON text that may describe pods, and which of them are left out and why.

    Takes the path only to tell it; with `namespaces`, documents that are namespaces are given as well. Of a document
    that is given, `value` can be read. What is left out is a template (`template`), or no YAML that Kubernetes reads
    for certain (`unparsable`): one that does not parse, is nested too deeply, or has a key twice, of which some of its
    tools take the last and others none. It stops no other document.
    """
    found: list[Document] = []
    skipped: list[Skipped] = []
    definitions = "CustomResourceDefinition" in text
    for part in slices(text, _BOTH if namespaces else MATTERS):
        if definitions and _DEFINITION.search(text, *part.span):
            continue
        if is_template(text[slice(*part.span)]):
            message = f"document {part.number} is a template; judge what it renders to"
            skipped.append(Skipped(path, "template", message))
            continue
        try:
            found.append(_read(text, part))
        except Unreadable as error:
            skipped.append(Skipped(path, "unparsable", f"{error.message}; correct it and run again"))
    return found, skipped


def is_template(text: str) -> bool:
    """Whether a text holds marks of a template engine, so that it is no YAML, though it may parse by luck."""
    return any(mark in text and all(pattern.search(text) for pattern in patterns) for mark, *patterns in _MARKS)


def is_chart_template(root: Path, path: str) -> bool:
    """Whether a file below a root lies among the templates of a Helm chart, whatever marks it has."""
    folders = path.split("/")[:-1]
    above = ("/".join(folders[:n]) for n, folder in enumerate(folders) if folder == "templates")
    return any(os.path.exists(Path(root, folder, "Chart.yaml")) for folder in above)


def _read(text: str, part: Slice) -> Document:
    document = parse_slice(text, part)
    try:
        twice = first_repeated(document)
    except Unreadable as error:
        raise Unreadable(error.reason, f"document {part.number}: {error.message}") from error
    if twice:
        raise Unreadable("syntax", twice)
    return document


def first_repeated(document: Document) -> str:
    """The first key that its map has already, in a sentence; "" for none.

    Raises:
        Unreadable: for values nested too deeply.
    """
    twice = min(_repeated(document.root), key=lambda key: key.start, default=None) if document.repeats else None
    return f"line {document.line(twice.start)}: the key '{twice.text}' is there twice" if twice is not None else ""


def _repeated(root: Node) -> Iterator[Scalar]:
    """Keys that their map has already."""
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, Seq):
            todo += node.items
        elif isinstance(node, Map):
            todo += [entry.value for entry in node.entries]
            yield from node.repeated
