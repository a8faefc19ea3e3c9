"""Commands that create users and groups, and why they fail in the image in which they run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixer.facts import ImageFacts
from fixer.lazy import regex
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.shell import Command, Word
from fixer.tuples import NamedTuple
from fixer.understand import shelloptions as options
from fixer.understand.image import Account, Image, script_of
from fixer.understand.shellfacts import GroupAdd, UserAdd
from fixer.understand.stages import Stage

Add = UserAdd | GroupAdd

_GRAMMARS = {
    "useradd": options.USERADD, "groupadd": options.GROUPADD, "adduser": options.BUSYBOX_ADDUSER,
    "addgroup": options.BUSYBOX_ADDGROUP, "deb-adduser": options.DEBIAN_ADDUSER, "deb-addgroup": options.DEBIAN_ADDUSER,
}  # fmt: skip
# Packages that bring each command, in any family.
_BRINGS = {
    "useradd": {"shadow", "shadow-utils", "passwd", "util-linux"},
    "groupadd": {"shadow", "shadow-utils", "passwd", "util-linux"},
    "adduser": {"adduser", "shadow", "shadow-utils"},
    "addgroup": {"adduser", "shadow", "shadow-utils"},
}
# Options of Debian's adduser that useradd has, or that say what useradd does anyway.
_SAME = {"uid": "--uid", "gid": "--gid", "ingroup": "--gid", "home": "--home-dir", "shell": "--shell", "gecos": ""}
_IMPLIED = frozenset({"quiet", "disabled-password", "disabled-login", "system", "group", "no-create-home"})
_CREATES = ("useradd", "groupadd", "adduser", "addgroup")
# What follows a command when `||` takes its failure: more of its list, redirections and closing braces before it.
_OR = regex(r"(?:[^\n;(|]|\\\r?\n|;\s*\}|\|(?!\|))*\|\|")


class Creation(NamedTuple):
    """One command that creates a user or a group, and the RUN in which it stands."""

    add: Add
    item: Instruction
    image: Image

    @property
    def command(self) -> Command:
        """The command itself."""
        return self.add.command


def creations(image: Image) -> Iterator[Creation]:
    """The commands of a stage itself that create somebody, and that fail the build when they fail."""
    for item in image.runs_about(_CREATES):
        if image.stage_of(item) is not image.stage:
            continue
        for add in _adds(image, item):
            if add.tool != "passwd-file" and not may_fail(item, add.command):
                yield Creation(add, item, image)


def _adds(image: Image, item: Instruction) -> list[Add]:
    found = image.shell(item)
    return [*found.users, *found.groups]


def may_fail(item: Instruction, command: Command) -> bool:
    """Whether the script goes on (or never comes here) when the command fails."""
    if command.conditional or command.substitution or command.piped:
        return True
    return _OR.match(script_of(item), command.end) is not None


def lacks_tool(one: Creation) -> bool:
    """Whether the base image surely has no such command, and nothing in the file may have brought it."""
    facts = one.image.facts
    name = one.command.name
    if facts is None or facts.confidence != "verified" or not facts.shell or one.command.words[0].text != name:
        return False
    if name in ("useradd", "groupadd"):
        absent = (facts.useradd if name == "useradd" else facts.groupadd) is False
    else:
        absent = (facts.adduser if name == "adduser" else facts.addgroup) == "none"
    return absent and not any(_brings(one, name, item) for item in _until(one))


def _brings(one: Creation, name: str, item: Instruction) -> bool:
    if item.keyword in ("COPY", "ADD"):
        return "/bin" in item.logical or "/sbin" in item.logical or item.logical.rstrip().endswith((" /", " /usr"))
    if item.keyword != "RUN":
        return False
    if re.search(r"\.sh\b|\|\s*(?:ba|da|a)?sh\b|busybox|\bdpkg\b|\brpm\b|\bln\b", item.logical):
        return True
    shell = one.image.shell(item)
    packages = {p for install in shell.installs for p in install.packages}
    bring = _BRINGS[name]
    return shell.errors or any("$" in p or re.split(r"[=<>~@:]", p)[0] in bring for p in packages)


def _until(one: Creation) -> Iterator[Instruction]:
    """The instructions of the chain up to the command's own, which counts as well."""
    for stage in one.image.stage.chain:
        yield from (item for item in stage.body if item.index <= one.item.index)


def wrong_options(one: Creation) -> tuple[Word, ...]:
    """Options that the command of this base image does not have."""
    facts = one.image.facts
    if facts is None or facts.confidence != "verified" or not one.add.unknown_options or one.add.bad_options:
        return ()
    known = one.command.name in ("useradd", "groupadd") or facts.adduser in ("busybox", "debian", "useradd")
    return one.add.unknown_options if known and not any(_brings(one, "adduser", i) for i in _until(one)) else ()


def given(add: Add) -> options.Options:
    """The options of a command that creates somebody, by the grammar of its tool; not of a line of a file."""
    return options.read(add.command.args, _GRAMMARS[add.tool])


class Taken(NamedTuple):
    """A number or a name that somebody in the base image has already, and the word that asks for it."""

    what: str
    value: str
    owner: str
    word: Word | None


def taken(one: Creation) -> Taken | None:
    """What the command asks for although the base image surely has given it away."""
    facts, add = one.image.facts, one.add
    if facts is None or facts.certainty("accounts") != "verified" or not add.name_literal or _freed(one):
        return None
    flags = given(one.add).flags
    if flags & {"non-unique", "force"}:
        return None
    return _user_taken(add, facts) if isinstance(add, UserAdd) else _group_taken(add, facts)


def _user_taken(add: UserAdd, facts: ImageFacts) -> Taken | None:
    for user in facts.users:
        if add.uid is not None and user.uid == add.uid:
            return Taken("uid", str(add.uid), user.name, add.uid_word)
        if user.name == add.name:
            return Taken("name", add.name, user.name, None)
    return None


def _group_taken(add: GroupAdd, facts: ImageFacts) -> Taken | None:
    for user in facts.users:
        if user.group and add.gid is not None and user.gid == add.gid:
            return Taken("gid", str(add.gid), user.group, add.gid_word)
        if user.group and user.group == add.name:
            return Taken("group name", add.name, user.group, None)
    return None


def _freed(one: Creation) -> bool:
    """Whether something before the command may have removed or renumbered accounts of the base image."""
    for item in _until(one):
        if item.keyword in ("COPY", "ADD") and ("/etc" in item.logical or item.logical.rstrip().endswith(" /")):
            return True
        if item.keyword != "RUN":
            continue
        text = item.logical if item.index < one.item.index else script_of(item)[: one.command.start]
        if re.search(
            r"del(?:user|group)|(?:user|group)(?:del|mod)|/etc/(?:passwd|group)|\.sh\b|sysusers|\|\s*(?:ba)?sh\b", text
        ):
            return True
    return False


def is_broken(account: Account, image: Image) -> bool:
    """Whether the command that creates this account fails, so that its number is not what it will be."""
    if account.add is None or account.item is None or may_fail(account.item, account.add.command):
        return False
    one = Creation(account.add, account.item, image)
    return bool(account.add.bad_options) or taken(one) is not None


def uses_of(stage: Stage, image: Image, number: int) -> Iterator[tuple[Instruction, Word]]:
    """The words of creating commands of a stage that stand for this number."""
    for item in stage.of("RUN"):
        for add in _adds(image, item):
            for word in [add.uid_word, add.gid_word] if isinstance(add, UserAdd) else [add.gid_word]:
                if word is not None and word.text == str(number):
                    yield item, word


def hyphens(one: Creation, word: Word) -> str | None:
    """One hyphen before a letter, two before a long name, or None when it is neither."""
    name = word.text.lstrip("".join(options.FALSE_DASHES) + "-").partition("=")[0]
    if len(name) > 1 and _GRAMMARS[one.add.tool].find_long(name) is not None:
        return "--"
    return "-" if name and name[0] in _GRAMMARS[one.add.tool].short else None


def as_shadow(one: Creation) -> str | None:
    """The useradd or groupadd that does what Debian's adduser or addgroup would, or None."""
    add, found = one.add, given(one.add)
    if add.tool not in ("deb-adduser", "deb-addgroup") or found.unknown or len(found.positional) != 1:
        return None
    if found.flags - _IMPLIED or found.values.keys() - _SAME.keys():
        return None
    values = [f"{_SAME[key]} {word.raw}" for key, word in found.values.items() if _SAME[key]]
    system = ["--system"] if "system" in found.flags else []
    if not isinstance(add, UserAdd):
        return " ".join(["groupadd", *system, *values, found.positional[0].raw])
    out = ["useradd", "--no-log-init", *system]
    if not {"gid", "ingroup"} & found.values.keys():
        out.append("--user-group" if not system or "group" in found.flags else "--gid nogroup")
    bare = bool(system) or "no-create-home" in found.flags
    out.append("--no-create-home" if bare else "--create-home")
    if system and "home" not in found.values:
        out.append("--home-dir /nonexistent")
    if "shell" not in found.values:
        out.append(f"--shell {'/usr/sbin/nologin' if system else '/bin/bash'}")
    return " ".join([*out, *values, found.positional[0].raw])
