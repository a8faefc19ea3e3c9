"""Symbolic changes to a Dockerfile become byte edits in the file's own style.

The plan is kept beside the edits: `expected` is the list of instructions that the changed file must hold, so that the
after-condition can compare what was meant with what came out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from shlex import quote

from fixer.facts import NewUser, creation
from fixer.model import (
    Change,
    CreateUser,
    Edit,
    HandOver,
    InsertLine,
    RemoveInstruction,
    ReplaceText,
    SetEnv,
    SetFlag,
    SetUser,
    Span,
    StartAsRoot,
)
from fixer.syntax.dockerfile import Dockerfile, Instruction
from fixer.tuples import NamedTuple
from fixer.understand.making import below
from fixer.understand.places import script_end
from fixer.understand.stages import Stage

_BUILDS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
_STARTS = frozenset({"CMD", "ENTRYPOINT"})


class Conflict(Exception):
    """Two changes contradict each other, or a change has no place; nothing of the group may be applied."""


@dataclass
class Plan:
    """Byte edits, and what the instructions must be afterwards."""

    edits: list[Edit] = field(default_factory=list)
    inserted: list[str] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)


class Style(NamedTuple):
    """How this file writes continuations: the indent, and whether `&&` leads the line or ends it."""

    newline: str
    escape: str
    indent: str
    leading: bool


def style_of(dockerfile: Dockerfile, newline: str) -> Style:
    """The style of the file's RUN instructions, or four blanks and a leading `&&` where it has none."""
    return _style(dockerfile.text, newline, dockerfile.escape)


def _style(text: str, newline: str, escape: str) -> Style:
    leading = len(re.findall(r"^[ \t]*&&", text, re.MULTILINE))
    trailing = len(re.findall(r"&&[ \t]*" + re.escape(escape) + r"[ \t]*\r?$", text, re.MULTILINE))
    chained = re.findall(r"^([ \t]*)&&", text, re.MULTILINE)
    found = chained or re.findall(re.escape(escape) + r"[ \t]*\r?\n([ \t]+)\S", text)
    return Style(newline, escape, min(found, key=len, default="    "), leading >= trailing)


def lower(dockerfile: Dockerfile, stages: tuple[Stage, ...], changes: Iterable[Change], newline: str) -> Plan:
    """Turn merged changes on one file into edits.

    Equal changes collapse. Raises:
        Conflict: when changes contradict each other, or one has no place to stand.
    """
    unique = list(dict.fromkeys(changes))
    plan = Plan()
    style = style_of(dockerfile, newline)
    by_stage: dict[int, list[Change]] = defaultdict(list)
    for change in unique:
        if isinstance(change, CreateUser | HandOver | SetEnv | SetUser | StartAsRoot):
            by_stage[change.stage].append(change)
    _continue_runs(plan, dockerfile, [c for c in unique if isinstance(c, HandOver) and c.run >= 0], style)
    for index in sorted(by_stage):
        _lower_stage(plan, dockerfile, stages[index], by_stage[index], style)
    _lower_flags(plan, dockerfile, [c for c in unique if isinstance(c, SetFlag)])
    for change in unique:
        if isinstance(change, ReplaceText):
            plan.edits.append(Edit(change.span, change.text))
            plan.touched.add(_holder(dockerfile, change.span).index)
        elif isinstance(change, InsertLine):
            _insert_line(plan, dockerfile, change, style)
        elif isinstance(change, RemoveInstruction):
            _remove(plan, dockerfile, dockerfile.instructions[change.instruction])
    _no_overlap(plan.edits)
    return plan


def _holder(dockerfile: Dockerfile, span: Span) -> Instruction:
    for item in dockerfile:
        if item.span.start <= span.start and span.end <= item.span.end:
            return item
    raise Conflict("a replacement lies outside every instruction")


def _no_overlap(edits: list[Edit]) -> None:
    ordered = sorted(edits, key=lambda e: (e.span.start, e.span.end))
    for one, two in pairwise(ordered):
        if two.span.start < one.span.end or (two.span == one.span and two.span.start != two.span.end):
            raise Conflict("two fixes want to change the same words in different ways")


# --- the user of a stage -------------------------------------------------------------------------------------


def _lower_stage(plan: Plan, dockerfile: Dockerfile, stage: Stage, changes: list[Change], style: Style) -> None:
    users = {c.user for c in changes if isinstance(c, SetUser)}
    if len(users) > 1:
        raise Conflict(f"two fixes want different users: {', '.join(sorted(users))}")
    if any(isinstance(c, StartAsRoot) for c in changes):
        _after(plan, dockerfile, stage.start, [_word("USER", stage.start) + " 0"], style)
    made = [command for c in sorted(c for c in changes if isinstance(c, CreateUser)) for command in _create(stage, c)]
    folders = [c for c in changes if isinstance(c, HandOver) and c.run < 0]
    commands = list(dict.fromkeys([*made, *_hand_over([c for c in folders if c.before < 0])]))
    for index in sorted({c.before for c in folders if c.before >= 0}):
        early = run_text(list(_hand_over([c for c in folders if c.before == index])), style, _word("RUN", stage.start))
        _before(plan, dockerfile, dockerfile.instructions[index], [early], style)
    run = [run_text(commands, style, _word("RUN", stage.start))] if commands else []
    env = [
        f"{_word('ENV', stage.start)} {c.name}={c.value}" for c in sorted(c for c in changes if isinstance(c, SetEnv))
    ]
    if users:
        _place_user(plan, dockerfile, stage, users.pop(), (run, env), style)
    elif run or env:
        _place_run(plan, dockerfile, stage, [*run, *env], style)


def _continue_runs(plan: Plan, dockerfile: Dockerfile, folders: list[HandOver], style: Style) -> None:
    """Commands behind those that a RUN has, in the style of that RUN."""
    for index in sorted({c.run for c in folders}):
        mine = [c for c in folders if c.run == index]
        item = dockerfile.instructions[index]
        at = script_end(item)
        if at is None:
            raise Conflict(f"line {item.line} has a form that no command can be added to")
        if len({c.owner for c in mine}) > 1:
            raise Conflict(f"two images want what line {item.line} makes for different users")
        plan.edits.append(Edit(Span(at, at), "".join(_joined(item, at, style, each) for each in _hand_over(mine))))
        plan.touched.add(index)


def _joined(item: Instruction, at: int, style: Style, command: str) -> str:
    """One more command for a RUN: on a line of its own where the RUN has several."""
    text = item.source[item.span.start : at]
    if "\n" not in text:
        return f" && {command}"
    own = _style(text, style.newline, style.escape)
    turn = f" {style.escape}{style.newline}{own.indent}"
    if "&&" not in text and re.search(r";[ \t]*" + re.escape(style.escape), text) and re.search(r"\bset -\w*e", text):
        return f";{turn}{command}"
    return f"{turn}&& {command}" if own.leading else f" &&{turn}{command}"


def _create(stage: Stage, change: CreateUser) -> tuple[str, ...]:
    """The commands that make a user in the image of a stage."""
    user = NewUser(name=change.name, uid=change.uid, gid=change.gid, group=change.name, home=change.home)
    try:
        facts = stage.base_facts
        stranger = facts is None or not facts.family
        return creation(
            change.family,
            None if stranger else facts,
            user,
            installed=frozenset(change.installed),
            guarded=stranger,
        )
    except ValueError as error:
        raise Conflict(str(error)) from error


def _hand_over(folders: list[HandOver]) -> Iterator[str]:
    """mkdir, touch and chown for all folders and files of a stage, one command for each kind."""
    for command, is_file in (("mkdir -p", False), ("touch", True)):
        made = [quote(f.path) for f in sorted(folders) if f.make and f.file is is_file]
        if made:
            yield f"{command} {' '.join(made)}"
    deep = [f for f in folders if f.recursive]
    folders = [f for f in folders if not any(_covers(g, f) for g in deep)]
    kinds = sorted({(f.recursive, f.owner) for f in folders})
    for recursive, owner in kinds:
        mine = [quote(f.path) for f in sorted(folders) if (f.recursive, f.owner) == (recursive, owner)]
        yield f"chown {'-R ' if recursive else ''}{owner} {' '.join(dict.fromkeys(mine))}"


def _covers(deep: HandOver, other: HandOver) -> bool:
    """Whether handing one folder over with all below it hands the other one over as well."""
    wider = deep.path != other.path or not other.recursive
    return wider and deep.owner == other.owner and below(other.path, deep.path)


def _place_user(
    plan: Plan, dockerfile: Dockerfile, stage: Stage, user: str, ahead: tuple[list[str], list[str]], style: Style
) -> None:
    """USER where the stage is done building; `ahead` are the RUN and the ENV that come in front of it, if any."""
    run, env = ahead
    line = f"{_word('USER', stage.start)} {user}"
    tail = _tail(stage.body)
    last_user = next((i for i in reversed(tail) if i.keyword == "USER"), None)
    if last_user is not None and run and _root_by_this(stage, last_user):
        _after(plan, dockerfile, last_user, [*run, *env, line], style)
        return
    if last_user is not None:
        plan.edits.append(Edit(_args_span(last_user), user))
        plan.touched.add(last_user.index)
        line, anchor = "", last_user
    else:
        found = next((i for i in tail if i.keyword in _STARTS), None)
        if found is None:
            _at_end(plan, dockerfile, stage, tail, (run, [*env, line]), style)
            return
        anchor = found
    first = _volume_first(tail, anchor)
    if run and first is not anchor:
        _before(plan, dockerfile, first, run, style)
        run = []
    lines = [*run, *env, *([line] if line else [])]
    if lines:
        _before(plan, dockerfile, anchor, lines, style)


def _at_end(
    plan: Plan,
    dockerfile: Dockerfile,
    stage: Stage,
    tail: Sequence[Instruction],
    lines: tuple[list[str], list[str]],
    style: Style,
) -> None:
    """The RUN and the rest at the end of a stage that starts nothing, the RUN before VOLUME."""
    run, rest = lines
    last = stage.body[-1] if stage.body else stage.start
    volume = next((i for i in tail if i.keyword == "VOLUME"), None)
    if run and volume is not None:
        _before(plan, dockerfile, volume, run, style)
        run = []
    _after(plan, dockerfile, last, [*run, *rest], style)


def _root_by_this(stage: Stage, item: Instruction) -> bool:
    """Whether somebody else than root runs before this USER goes back to root, so that a root step needs it."""
    before = [i for elder in stage.chain for i in elder.of("USER") if i.index < item.index]
    if before:
        return not _is_root(before[-1].args)
    facts = stage.base_facts
    return _is_root(item.args) and (facts is None or facts.runs_as_root is not True)


def _is_root(user: str) -> bool:
    return user.strip("\"'").partition(":")[0] in ("root", "0")


def _place_run(plan: Plan, dockerfile: Dockerfile, stage: Stage, lines: list[str], style: Style) -> None:
    """A root step in a stage that already steps down: before the USER that does it."""
    user = next((i for i in reversed(stage.body) if i.keyword == "USER"), None)
    if user is None:
        raise Conflict("the stage inherits its user, so there is no place in it for a step as root")
    before = [item for item in stage.body if item.index < user.index]
    _before(plan, dockerfile, _volume_first(_tail(before, _BUILDS | {"USER"}), user), lines, style)


def _tail(items: Sequence[Instruction], keywords: frozenset[str] = _BUILDS) -> Sequence[Instruction]:
    """The instructions behind the last of these keywords, which are those that build something."""
    last = max((n for n, item in enumerate(items) if item.keyword in keywords), default=-1)
    return items[last + 1 :]


def _volume_first(tail: Sequence[Instruction], anchor: Instruction) -> Instruction:
    """Ownership must be set before VOLUME, since the classic builder drops later changes."""
    return next((i for i in tail if i.keyword == "VOLUME" and i.index < anchor.index), anchor)


def _args_span(item: Instruction) -> Span:
    start = item.args_start
    return item.source_span(start, start + len(item.args))


def _word(keyword: str, like: Instruction) -> str:
    """The keyword in the case that this file uses."""
    return keyword.lower() if like.name.islower() else keyword


def run_text(commands: list[str], style: Style, word: str = "RUN") -> str:
    """One RUN instruction over as many lines as it has commands."""
    glue = f" {style.escape}{style.newline}{style.indent}"
    if style.leading:
        return f"{word} " + f"{glue}&& ".join(commands)
    return f"{word} " + f" &&{glue}".join(commands)


# --- where lines go ------------------------------------------------------------------------------------------


def line_start(text: str, offset: int) -> int:
    """Offset of the first character of the line in which `offset` stands."""
    return text.rfind("\n", 0, offset) + 1


def block_start(dockerfile: Dockerfile, item: Instruction) -> int:
    """Start of the comment lines that stand right above an instruction, else of its own line."""
    text = dockerfile.text
    start = line_start(text, item.span.start)
    floor = dockerfile.instructions[item.index - 1].span.end if item.index else 0
    while start > floor:
        above = line_start(text, start - 1)
        if above <= floor or not text[above:start].lstrip().startswith("#"):
            break
        start = above
    return start


def _before(plan: Plan, dockerfile: Dockerfile, item: Instruction, lines: list[str], style: Style) -> None:
    text = dockerfile.text
    own = line_start(text, item.span.start)
    lead = text[own : item.span.start]
    if lead.strip():
        raise Conflict(f"line {item.line} holds more than its instruction")
    at = block_start(dockerfile, item)
    gap = style.newline if _blank_above(text, at) else ""
    body = style.newline.join(lead + line for line in lines)
    plan.edits.append(Edit(Span(at, at), body + style.newline + gap))
    plan.inserted += lines


def _blank_above(text: str, at: int) -> bool:
    above = line_start(text, at - 1) if at > 0 else 0
    return at > 0 and not text[above:at].strip()


def _after(plan: Plan, dockerfile: Dockerfile, item: Instruction, lines: list[str], style: Style) -> None:
    text = dockerfile.text
    if item.open_end:
        raise Conflict(f"line {item.line}: the file ends inside a continuation; remove the last '{item.escape}'")
    end = text.find("\n", item.span.end)
    body = style.newline.join(lines)
    if end < 0:
        plan.edits.append(Edit(Span(len(text), len(text)), style.newline + body))
    else:
        plan.edits.append(Edit(Span(end + 1, end + 1), body + style.newline))
    plan.inserted += lines


def _insert_line(plan: Plan, dockerfile: Dockerfile, change: InsertLine, style: Style) -> None:
    item = dockerfile.instructions[change.instruction]
    place = _before if change.where == "before" else _after
    place(plan, dockerfile, item, [change.text], style)


def _remove(plan: Plan, dockerfile: Dockerfile, item: Instruction) -> None:
    text = dockerfile.text
    start = line_start(text, item.span.start)
    end = text.find("\n", item.span.end)
    plan.edits.append(Edit(Span(start, len(text) if end < 0 else end + 1), ""))
    plan.removed.add(item.index)


def _lower_flags(plan: Plan, dockerfile: Dockerfile, changes: list[SetFlag]) -> None:
    wanted: dict[tuple[int, str], str] = {}
    for change in changes:
        key = (change.instruction, change.name)
        if wanted.setdefault(key, change.value) != change.value:
            raise Conflict(f"two fixes want different values for --{change.name}")
    for (index, name), value in wanted.items():
        item = dockerfile.instructions[index]
        item = item.trigger or item
        word = f"--{name}={value}"
        old = item.flag(name)
        if old is not None:
            plan.edits.append(Edit(old.span, word))
        else:
            at = item.offset(item.args_start)
            plan.edits.append(Edit(Span(at, at), word + " "))
        plan.touched.add(index)
