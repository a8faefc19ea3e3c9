"""The words of a pull request: what it changes and why, the evidence, how to check it, and how to be left alone.

Whatever a repository says is neutralised: nobody is mentioned, nothing is linked, closed or started by a name in it.
A hidden line at the end (`Marker`) tells the next run what the request is about.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from fixer.evidence import Word
from fixer.model import FileChange, Finding, HandOver, Safety, SetKey, SetUser, Status
from fixer.proofs import Proof
from fixer.render.commit import all_users
from fixer.templates import render
from fixer.tuples import NamedTuple
from fixer.units import Unit

OFF = ".fixer-off"
"""Where a file of this name lies at the top of a repository, no request is opened."""
VERSION = 1
_NOTHING = "\u200b"  # has no width, and keeps words from being acted upon
_LONGEST_TITLE = 120
_LONGEST_NAME = 70
_LONGEST_CELL = 300
_MOST_MARKS = 300
_MOST_MARKER = 12_000
_MOST_ROWS = 400
_MOST_SEEN = 4
_MARKER = re.compile(rf"<!-- fixer: (\{{[^<>]{{1,{_MOST_MARKER}}}\}}) -->")
_CUT = "\n\n_This text was longer than may be said here, so the end of it is missing. The changes are all there._\n"
_ACTED_UPON = (
    (re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"), " "),
    (re.compile(r"([@#])(?=\w)"), rf"\1{_NOTHING}"),
    (re.compile(r"(?<![\w])([!&%~$])(?=[\d\"])"), rf"\1{_NOTHING}"),
    (re.compile(r"\b(GH)-(?=\d)", re.IGNORECASE), rf"\1{_NOTHING}-"),
    (re.compile(r"<(?=[A-Za-z/!?])"), f"<{_NOTHING}"),
    (re.compile(r"\](?=[(\[:])"), f"]{_NOTHING}"),
    (re.compile(r":(?=//)"), f":{_NOTHING}"),
    (re.compile(r"\b(www)\.(?=\w)", re.IGNORECASE), rf"\1{_NOTHING}."),
    (re.compile(r"\[(?=(?:skip|no|ci)\b)", re.IGNORECASE), f"[{_NOTHING}"),
    (
        re.compile(r"\b((?:clos|fix|resolv|implement)(?:e|es|ed|s|d|ing)?:?\s+[A-Z][A-Z0-9_]+)-(?=\d)", re.IGNORECASE),
        rf"\1{_NOTHING}-",
    ),
)
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
# GitLab takes a line that begins so for a command.
_COMMAND = re.compile(r"^([ \t]*)/(?=\w)", re.MULTILINE)


class Words(NamedTuple):
    """What a request says: one line, and Markdown without its marker."""

    title: str
    body: str


class Marker(NamedTuple):
    """What a request is about, in its body, where people do not see it.

    `unit` is what it was made for and `fingerprints` the findings that it repairs. `text` and `title` are hashes of
    what the program said, so that it notices when a person says something else. `closed` is why the program closed it,
    "" when it did not; `left` the commit of a person for whose sake the program keeps its hands off.
    """

    unit: str
    fingerprints: tuple[str, ...] = ()
    text: str = ""
    title: str = ""
    closed: str = ""
    left: str = ""


class _Row(NamedTuple):
    place: str
    text: str
    why: str = ""
    safety: str = ""
    rule: str = ""


def neutral(text: str) -> str:
    """Text in which a forge finds nothing to act upon or to render: no mention, reference, link, tag or command.

    What has been through here comes out as it went in.
    """
    text = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    return _COMMAND.sub(rf"\1{_NOTHING}/", _inert(text))


def _inert(text: str) -> str:
    for pattern, instead in _ACTED_UPON:
        text = pattern.sub(instead, text)
    return text


def title_of(text: str) -> str:
    """One neutral line that is short enough for a title."""
    line = " ".join(neutral(text).split())
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1] + "…"


def words(unit: Unit, left: Iterable[Finding] = (), proofs: Iterable[Proof] = ()) -> Words:
    """What the request of one unit says.

    Args:
        unit: with its changes, and the findings that they repair.
        left: findings in the same files that are left for a person.
        proofs: of images that were seen to hold with exactly these changes.
    """
    fixed = [finding for finding in unit.findings if finding.fix is not None]
    users = all_users(fixed)
    body = render(
        "git/pull-request.md",
        unit=_code(unit.name),
        users=" or ".join(_code(user) for user in users),
        files=[_file(change, fixed) for change in unit.changes],
        who=_unique(_who(fixed)),
        ports=_unique(row for change in unit.changes for row in _ports(change)),
        writable=_unique(_writable(fixed)),
        tried=[_tried(proof) for proof in proofs][:_MOST_ROWS],
        risks=_risks(fixed),
        changes=[_row(finding) for finding in fixed[:_MOST_ROWS]],
        more=max(0, len(fixed) - _MOST_ROWS),
        left=_unique(_left(left))[:_MOST_ROWS],
        commands=_commands(unit.changes),
        off=OFF,
    )
    return Words(_title(unit, users), neutral(re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"))


def _title(unit: Unit, users: tuple[str, ...]) -> str:
    name = unit.name if len(unit.name) <= _LONGEST_NAME else "…" + unit.name[1 - _LONGEST_NAME :]
    name = "the image" if name == "Dockerfile" else name  # that of the whole repository
    if not users:
        return title_of(f"Take rights that it does not need from {name}")
    return title_of(f"Run {name} as {users[0]}, not as root" if len(users) == 1 else f"Run {name} without root")


def _file(change: FileChange, fixed: list[Finding]) -> _Row:
    own = [finding for finding in fixed if finding.path == change.whole_path and finding.fix is not None]
    titles = dict.fromkeys(finding.fix.title for finding in own if finding.fix is not None)
    worst = min((finding.fix.safety for finding in own if finding.fix is not None), default=Safety.REVIEW)
    return _Row(_code(change.whole_path), _cell("; ".join(titles)), "", worst.word)


def _who(fixed: list[Finding]) -> Iterator[_Row]:
    for finding in fixed:
        assert finding.fix is not None
        for change in finding.fix.changes:
            if isinstance(change, SetUser):
                yield _Row(_place(finding), _code(change.user), _cell(f"{finding.fix.title}; {finding.reason}"))
            elif isinstance(change, SetKey) and change.key in ("runAsUser", "user") and change.value and finding.reason:
                yield _Row(_place(finding), _code(str(change.value)), _cell(finding.reason))


def _writable(fixed: list[Finding]) -> Iterator[_Row]:
    for finding in fixed:
        for change in finding.fix.changes if finding.fix is not None else ():
            if isinstance(change, HandOver):
                yield _Row(_place(finding), _code(change.path), _cell(finding.reason))


def _ports(change: FileChange) -> Iterator[_Row]:
    """The ports that a file names after the change, as they stand there."""
    text = change.after.decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        found = re.fullmatch(r"\s*(?:EXPOSE\s+([\d/a-z ]{1,80})|(?:- )?containerPort:\s*(\d{1,5})\s*)", line)
        if found:
            yield _Row(_code(f"{change.whole_path}:{number}"), _code((found[1] or found[2]).strip()))


def _risks(fixed: list[Finding]) -> list[_Row]:
    risks: dict[str, str] = {}
    for finding in fixed:
        if finding.fix is not None and finding.fix.safety is not Safety.SAFE:
            risks.setdefault(finding.fix.risk, _place(finding))
    return [_Row(place, _cell(risk)) for risk, place in risks.items()]


def _tried(proof: Proof) -> _Row:
    """A line about an image that holds: its name, the verdict, what was seen, the engine and the day."""
    first, *others = proof.observations[:_MOST_SEEN]
    place = "".join(first.rpartition(": ")[:2])  # which is told once
    seen = "; ".join([first, *(one.removeprefix(place) for one in others)])
    more = len(proof.observations) - _MOST_SEEN
    short = f"{_cell(seen)}, and {more} more" if more > 0 else _cell(seen)
    return _Row(_code(proof.image), Word.HOLDS.value, short, _cell(proof.engine), _cell(proof.date))


def _row(finding: Finding) -> _Row:
    assert finding.fix is not None
    title, safety = finding.fix.title, finding.fix.safety.word
    return _Row(_place(finding), _cell(finding.message), _cell(title), safety, _code(finding.rule))


def _left(findings: Iterable[Finding]) -> Iterator[_Row]:
    for finding in findings:
        if finding.status is not Status.FIXED and finding.refusal is not None:
            yield _Row(_place(finding), _cell(finding.message), _cell(finding.refusal.message))


def _unique(rows: Iterable[_Row]) -> list[_Row]:
    """The same rows, each once, and what is said of several places with the first of them alone."""
    seen: dict[tuple[str, str], _Row] = {}
    for row in rows:
        seen.setdefault((row.text, row.why), row)
    return list(seen.values())


def _place(finding: Finding) -> str:
    return _code(f"{finding.path}:{finding.line}")


def _commands(changes: Iterable[FileChange]) -> list[str]:
    """How to see for oneself: with Compose where it is there, else with what has a plain name."""
    paths = [change.whole_path for change in changes]
    plain = [path for path in paths if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", path)]
    return next((found for kind in _CHECKS for path in plain if (found := kind(path))), [])


def _compose_check(path: str) -> list[str]:
    start = f"docker compose --file {path}"
    found = "compose" in path.rpartition("/")[2]
    return [f"{start} up --build --detach", f"{start} top   # who each process runs as: not root"] if found else []


def _image_check(path: str) -> list[str]:
    folder, _, name = path.rpartition("/")
    if "ockerfile" not in name and "ontainerfile" not in name:
        return []
    return [
        f"docker build --tag nonroot-check --file {path} {folder or '.'}   # or whatever folder you build it in",
        "docker image inspect --format '{{.Config.User}}' nonroot-check   # who it runs as: not root",
    ]


def _manifest_check(path: str) -> list[str]:
    if not path.endswith((".yaml", ".yml", ".json")):
        return []
    return [f"kubectl apply --dry-run=server --filename {path}", "kubectl get pods   # once it is applied: all run"]


_CHECKS = (_compose_check, _image_check, _manifest_check)


def _code(text: str) -> str:
    """Words of a repository as code, in a cell of a table or elsewhere, whatever is in them."""
    # a backslash before the one that keeps the cell together would be taken for its pair
    text = _one_line(text).replace("\\|", f"\\{_NOTHING}|").replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _cell(text: str) -> str:
    """Words that quote a repository, in a cell of a table or a list: nothing in them is Markdown."""
    return re.sub(r"([\\`*_\[\]{}|~^$])", r"\\\1", _one_line(text)).replace("<", "&lt;")


def _one_line(text: str) -> str:
    text = _DIGEST.sub(r"\1…", text)
    line = " ".join(_inert(text.encode("utf-8", "replace").decode()).split()) or "-"
    return line if len(line) <= _LONGEST_CELL else line[: _LONGEST_CELL - 1] + "…"


# --- the hidden line ----------------------------------------------------------------------------------------------


def marked(said: Words, marker: Marker, limit: int) -> str:
    """A whole body: the words, cut where a forge allows no more, and the marker.

    Args:
        said: the words.
        marker: what the request is about; the hashes of the words are put in here.
        limit: how many characters a body may have.
    """
    hidden = _hidden(marker._replace(text="0" * 10, title=_hash(said.title)))
    text = _cut(neutral(said.body).strip(), limit - len(hidden) - 3)
    return f"{text}\n\n{hidden.replace('0' * 10, _hash(text), 1)}\n"


def _hidden(marker: Marker) -> str:
    values = {"version": VERSION, "text": marker.text, **marker._asdict()}
    values["fingerprints"] = marker.fingerprints[:_MOST_MARKS]
    text = json.dumps(values)
    for sign in "<>&-@#":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f"<!-- fixer: {text} -->"


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = text[: limit - len(_CUT) - 4].rpartition("\n")[0]
    fence = "\n```" if kept.count("\n```") % 2 else ""
    return f"{kept}{fence}{_CUT}".strip()


def read_marker(body: str) -> Marker | None:
    """The marker of a body, None where there is none that this program could have made."""
    found = _MARKER.findall(body)
    try:
        raw: Any = json.loads(found[-1]) if found else None
        if not isinstance(raw, dict) or raw.pop("version") != VERSION:
            return None
        marks = raw.pop("fingerprints")
        marker = Marker(**raw)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = [*marker._replace(fingerprints=()), *(marks if isinstance(marks, list) else [None])]
    good = all(one == () or isinstance(one, str) for one in texts)
    return marker._replace(fingerprints=tuple(marks)) if good else None


def is_untouched(title: str, body: str, marker: Marker) -> tuple[bool, bool]:
    """Whether a title, and a body, still say what the program said."""
    return _hash(title) == marker.title, _hash(_MARKER.sub("", body)) == marker.text


def with_marker(body: str, marker: Marker) -> str:
    """The same body with another marker, and with everything that a person wrote."""
    return f"{_MARKER.sub('', body).rstrip()}\n\n{_hidden(marker)}\n"


def _hash(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()[:10]
