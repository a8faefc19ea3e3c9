"""What holds of every report, whatever it is about: it is valid, and nothing that a repository says is obeyed."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import fastjsonschema
import jsonschema
import xmlschema
from markdown_it import MarkdownIt

SCHEMAS = Path(__file__).parent / "schemas"
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
GITLAB = {"info", "minor", "major", "critical", "blocker"}
TAGS = set(
    "a article body caption code dd details div dl dt footer g h1 h2 h3 h4 head header html li main meta p path"
    " pre rect section span strong style summary svg table tbody td text th thead title tr ul".split()
)
PROPERTY = re.compile(r"::(error|warning|notice) file=([^,]*),line=(\d+),col=(\d+),title=([^,]*)::(.*)")


@cache
def sarif_schema() -> Callable[[Any], object]:
    """Compiled, since a corpus has thousands of results."""
    compiled: Callable[[Any], object] = fastjsonschema.compile(
        json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text()), use_default=False
    )
    return compiled


def sarif(text: str) -> Any:
    """The log, held against the schema and against what GitHub wants beyond it."""
    assert text.isascii()
    log = json.loads(text)
    sarif_schema()(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) <= 25_000
    for rule in rules:
        assert len(rule["properties"]["tags"]) <= 10
        assert 0 < len(rule["shortDescription"]["text"]) <= 1000
        assert 0 < len(rule["fullDescription"]["text"]) <= 1000
        assert 0 < float(rule["properties"].get("security-severity", "1")) <= 10
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", place["artifactLocation"]["uri"])
        assert not place["artifactLocation"]["uri"].startswith("/")
        region = place["region"]
        assert {*region} == {"startLine", "startColumn", "endLine", "endColumn"}
        assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
        assert "](" not in result["message"]["text"]
        assert not UNSEEN.search(result["message"]["text"])
        for fix in result.get("fixes", ()):
            assert fix["artifactChanges"]
            assert all(change["replacements"] for change in fix["artifactChanges"])
    return log


def gitlab(text: str) -> Any:
    """The rows; GitLab wants each of them valid, and each fingerprint once."""
    rows = json.loads(text)
    validator = jsonschema.Draft7Validator(json.loads((SCHEMAS / "codeclimate.json").read_text()))
    for row in rows:
        validator.validate(row)
        assert row["severity"] in GITLAB
        assert not row["location"]["path"].startswith("./")
        assert not UNSEEN.search(row["description"] + row["location"]["path"])
    assert len({row["fingerprint"] for row in rows}) == len(rows)
    return rows


@cache
def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")


def junit(text: str) -> xmlschema.XMLResource:
    """The document, valid, with counts that are true."""
    junit_schema().validate(text)
    document = xmlschema.XMLResource(text)
    root = document.root
    cases = list(root.iter("testcase"))
    assert root.attrib["tests"] == str(len(cases))
    assert root.attrib["failures"] == str(len(list(root.iter("failure"))))
    for suite in root.iter("testsuite"):
        assert suite.attrib["tests"] == str(len(list(suite.iter("testcase"))))
        assert suite.attrib["failures"] == str(len(list(suite.iter("failure"))))
    assert len({(case.attrib["classname"], case.attrib["name"]) for case in cases}) == len(cases)
    return document


def github(text: str) -> list[dict[str, str]]:
    """The annotations; each other line is plain, also for the older kind of commands, which may stand anywhere."""
    found: list[dict[str, str]] = []
    assert "##[" not in text
    assert not UNSEEN.search(text)
    for line in text.splitlines():
        if line.startswith("fixer: "):
            continue
        match = PROPERTY.fullmatch(line)
        assert match, line
        kind, file, number, column, title, message = match.groups()
        found.append({"kind": kind, "file": file, "line": number, "col": column, "title": title, "message": message})
    assert all(sum(one["kind"] == kind for one in found) <= 10 for kind in ("error", "warning", "notice"))
    return found


def markdown(text: str) -> list[list[str]]:
    """The cells of the table of findings, row by row; nothing in the text is a link, an image or mark-up of HTML."""
    assert not UNSEEN.search(text)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    flat = [child for token in tokens for child in (token, *(token.children or ()))]
    html = {one.content for one in flat if one.type in ("html_inline", "html_block")}
    assert html <= {"<br>"}, html
    assert not {one.type for one in flat} & {"link_open", "image", "hr", "blockquote_open"}
    said = "\n".join(one.content for one in flat if one.type == "text")
    assert not re.search(r"://|\bwww\.\w|@\w|#\d|\bGH-\d", said, re.IGNORECASE), said  # forges make links of these
    table = re.findall(r"^\|.*(?:\n\|.*)*", text.partition("## The diff")[0], re.MULTILINE)
    for row in (row for part in table for row in part.splitlines()):
        assert len(re.findall(r"(?<!\\)\|", row)) == text.partition("|---")[2].partition("\n")[0].count("|") + 1, row
    headings = [tokens[n + 1].content for n, one in enumerate(tokens) if one.type == "heading_open"]
    assert set(headings) <= {"fixer", "Not read", "The diff"}, headings
    rows: list[list[str]] = []
    for n, one in enumerate(tokens):
        if one.type == "tr_open":
            rows.append([])
        elif one.type == "td_open":
            rows[-1].append(tokens[n + 1].content)
    return [row for row in rows if row]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.style = ""
        self.within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "path", "rect"):
            self.within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "rect"):
            assert self.within.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.within[-1:] == ["style"]:
            self.style += data
        else:
            self.text.append(data)


def html(text: str) -> str:
    """The words of the page: whole, with no tag, attribute or address that is not the program's own."""
    assert not UNSEEN.search(text)
    page = _Page()
    page.feed(text)
    page.close()
    assert page.within == []
    assert page.tags <= TAGS, page.tags - TAGS
    for tag, name, value in page.attributes:
        assert name in {
            "aria-label", "aria-labelledby", "charset", "class", "colspan", "content", "d", "height", "href",
            "http-equiv", "id", "lang", "name", "open", "role", "rx", "scope", "tabindex", "viewbox", "width", "x", "y",
        }, (tag, name)  # fmt: skip
        if name == "href":
            assert value.startswith("#"), value
    (policy,) = (value for _, name, value in page.attributes if name == "content" and "default-src" in value)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "@import" not in page.style
    assert "url(" not in page.style
    return "".join(page.text)
