"""The nouns that every room speaks: spans, edits, changes, fixes, findings, results.

Nothing here reads a file, prints, or knows a rule. Offsets are characters of the decoded text of one file
(see `fixer.source.SourceFile`), half open; lines and columns count from 1.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, Literal, TypeVar

from fixer.tuples import NamedTuple

_Kind = TypeVar("_Kind")


class Safety(IntEnum):
    """How safe a fix is, worst first, so that `min` of a group is the safety of the whole."""

    MANUAL = 0
    REVIEW = 1
    SAFE = 2

    @property
    def word(self) -> str:
        """The word that people see: safe, review or manual."""
        return self.name.lower()


class Severity(IntEnum):
    """How bad a finding is; a higher number is worse."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The word that people see: info, low, medium or high."""
        return self.name.lower()


class Goal(StrEnum):
    """What the run is for; the diff is the smallest that reaches it."""

    NONROOT = "nonroot"
    RESTRICTED = "restricted"
    HARDENED = "hardened"
    TRG_4_03 = "trg-4.03"


class LowPorts(StrEnum):
    """What becomes of ports below 1024: they stay, or move in all files at once."""

    KEEP = "keep"
    MOVE = "move"


class Each(StrEnum):
    """What one commit is for: something that is deployed, a rule, or everything."""

    UNIT = "unit"
    RULE = "rule"
    ALL = "all"


class Mode(StrEnum):
    """What becomes of requests: they are only shown, or opened as drafts, or opened."""

    PLAN = "plan"
    DRAFT = "draft"
    FULL = "full"


class Origin(StrEnum):
    """Where images are read from: an engine on this machine, or the registry that has them."""

    ENGINE = "engine"
    REGISTRY = "registry"


class Ci(StrEnum):
    """For which CI a job is written; `auto` is what the repository has."""

    AUTO = "auto"
    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


class RuleKind(StrEnum):
    """What a rule looks at; the packages of the rules have these names."""

    DOCKERFILE = "dockerfile"
    COMPOSE = "compose"
    KUBERNETES = "kubernetes"
    RUNNING = "running"


class Status(StrEnum):
    """What became of a finding: only told, repaired, or left with a reason."""

    FOUND = "found"
    FIXED = "fixed"
    REFUSED = "refused"


class Span(NamedTuple):
    """A half-open range of characters in the decoded text of one file."""

    start: int
    end: int


class Edit(NamedTuple):
    """Replace the characters of `span` with `text`; an empty span inserts."""

    span: Span
    text: str


def _distinct(kind: type[_Kind]) -> type[_Kind]:
    """Two changes are equal only when they are of one kind; bare tuples would compare by content alone."""

    def same(self: tuple[object, ...], other: object) -> bool:
        return type(self) is type(other) and tuple.__eq__(self, other)

    kind.__eq__ = same  # type: ignore[method-assign,assignment]
    kind.__ne__ = lambda self, other: not same(self, other)  # type: ignore[arg-type,method-assign]
    kind.__hash__ = lambda self: hash((kind, tuple.__hash__(self)))  # type: ignore[method-assign,arg-type]
    return kind


# --- symbolic changes to a Dockerfile: what is meant, not how it is written -------------------------------


@_distinct
class CreateUser(NamedTuple):
    """A new user with a group of the same name, made with the commands of a base-image family, before the folders.

    `home` gives it a home folder; `installed` are packages that the stage has brought already.
    """

    stage: int
    family: str
    name: str
    uid: int
    gid: int
    home: bool
    installed: tuple[str, ...] = ()


@_distinct
class HandOver(NamedTuple):
    """A folder belongs to `owner` (`uid:gid`); `make` creates it first, `recursive` takes all below it along.

    `before` is the index of an instruction that it must stand before, `run` that of a RUN that it is put behind, in the
    same step; both are -1 where it goes with the other root steps. `file` tells that it is a file.
    """

    stage: int
    path: str
    owner: str
    recursive: bool
    make: bool
    before: int = -1
    run: int = -1
    file: bool = False


@_distinct
class SetUser(NamedTuple):
    """The stage ends as this user (`uid` or `uid:gid`), after its last step that needs root."""

    stage: int
    user: str


@_distinct
class SetEnv(NamedTuple):
    """The image has this variable, set in front of its USER."""

    stage: int
    name: str
    value: str


@_distinct
class StartAsRoot(NamedTuple):
    """The stage starts as root although its parent stage now ends as somebody else."""

    stage: int


@_distinct
class SetFlag(NamedTuple):
    """An instruction has this flag, for example `--chown=10001:10001`; an existing value is replaced."""

    instruction: int
    name: str
    value: str


@_distinct
class ReplaceText(NamedTuple):
    """The characters of `span` become `text`: for a value, an option or a number inside an instruction."""

    span: Span
    text: str


@_distinct
class InsertLine(NamedTuple):
    """A new instruction, before or after an existing one."""

    instruction: int
    where: Literal["before", "after"]
    text: str


@_distinct
class RemoveInstruction(NamedTuple):
    """An instruction goes, with its line end, and with nothing else."""

    instruction: int


# --- symbolic changes to a YAML file --------------------------------------------------------------------------


@_distinct
class SetKey(NamedTuple):
    """The map at `path` has `key` with exactly this value; maps that are missing on the way are made.

    `path` holds keys and list indices from the root of a document, which is counted from 0 in its file. `value` is a
    plain scalar, dict or list. A new key goes behind the last of its siblings named in `after`, else before the one
    named in `before` and the comments right above that, else to the end of the map.
    """

    document: int
    path: tuple[str | int, ...]
    key: str
    value: Any
    after: tuple[str, ...] = ()
    before: str = ""


@_distinct
class RemoveKey(NamedTuple):
    """The map at `path` has no such key, with nothing else gone."""

    document: int
    path: tuple[str | int, ...]
    key: str


@_distinct
class EnsureItem(NamedTuple):
    """The list at `path` holds this value; a list that is missing is made, in the place that `SetKey` would take."""

    document: int
    path: tuple[str | int, ...]
    value: Any
    after: tuple[str, ...] = ()
    before: str = ""


@_distinct
class RemoveItem(NamedTuple):
    """The list at `path` holds no such value; a list that would be left empty goes with its key."""

    document: int
    path: tuple[str | int, ...]
    value: Any


YamlChange = SetKey | RemoveKey | EnsureItem | RemoveItem
StageChange = CreateUser | HandOver | SetEnv | SetUser | StartAsRoot
Change = StageChange | SetFlag | ReplaceText | InsertLine | RemoveInstruction
AnyChange = Change | YamlChange


class _Fix(NamedTuple):
    title: str
    safety: Safety
    risk: str
    changes: tuple[AnyChange, ...]
    group: str
    leads: bool
    instructions: str


class Fix(_Fix):
    """One way to repair a finding: whole or absent.

    Fixes that carry the same `group` in one file are applied together or not at all; the group is as safe as
    its least safe member; the fix that `leads` is the one without which the others make no sense. `risk` is one
    sentence and is empty only for a fix that is `safe`.
    """

    __slots__ = ()

    def __new__(
        cls,
        title: str,
        safety: Safety,
        risk: str,
        changes: tuple[AnyChange, ...] = (),
        group: str = "",
        leads: bool = False,
        instructions: str = "",
    ) -> Fix:
        """Check and make; raises ValueError for a fix that is not safe and names no risk."""
        if safety is not Safety.SAFE and not risk:
            raise ValueError(f"the fix '{title}' is not safe and names no risk")
        return super().__new__(cls, title, safety, risk, changes, group, leads, instructions)


class Refusal(NamedTuple):
    """Why a finding is left for a person: a stable code, and a sentence that tells what to do.

    `about` is the image that stands in the way, "" for none.
    """

    code: str
    message: str
    about: str = ""


class Finding(NamedTuple):
    """One thing that one rule found at one place.

    `reason` is the evidence in words; `fix` is what would be done; `alternatives` are other ways that a person
    may choose. A finding without a fix carries the refusal that says why.
    """

    rule: str
    path: str
    line: int
    column: int
    message: str
    severity: Severity
    reason: str = ""
    fix: Fix | None = None
    refusal: Refusal | None = None
    alternatives: tuple[Fix, ...] = ()
    status: Status = Status.FOUND

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order of findings in every report: path, place, rule, message."""
        return (self.path, self.line, self.column, self.rule, self.message)


# The reasons for which an image was not read.
UNREACHABLE, MISSING, DENIED, INVALID = "image-unreachable", "image-missing", "image-denied", "image-invalid"
UNREAD_IMAGE = frozenset({UNREACHABLE, MISSING, DENIED, INVALID})


class Skipped(NamedTuple):
    """A file that was not judged, or an image that was not read, with a stable reason code and a sentence.

    `path` is that of the file, or the reference of the image.
    """

    path: str
    reason: str
    message: str


class FileChange(NamedTuple):
    """The bytes of one file before and after all applied fixes; `root` is the folder that `path` is relative to.

    `repository_path` is the path from the top of the git repository, where there is one. Changes of one `unit` are
    written together or not at all; "" is a change for itself.
    """

    path: str
    before: bytes
    after: bytes
    applied: tuple[str, ...] = ()
    root: str = ""
    repository_path: str = ""
    unit: str = ""

    @property
    def whole_path(self) -> str:
        """The path from the top of its repository, or from `root` where it lies in none."""
        return self.repository_path or self.path


class Result(NamedTuple):
    """What a run found and did, in stable order. `changes` is empty after a mere check."""

    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    changes: tuple[FileChange, ...] = ()
    files: int = 0
