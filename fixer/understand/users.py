"""Named users and their numbers: who they are, where that is written, and whether anybody made them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from fixer.facts import taken_ids
from fixer.lazy import regex
from fixer.model import Span
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.expand import names
from fixer.syntax.shell import Word
from fixer.tuples import NamedTuple
from fixer.understand import shelloptions as options
from fixer.understand.image import ACCOUNTS, Account, Copy, Image, User
from fixer.understand.shellaccounts import UserMod
from fixer.understand.stages import Stage, declared, pairs

Images = Mapping[int, Image]

# A RUN that may create users where nobody can see it: scripts, configuration tools, packages from files.
_UNSEEN = regex(
    r"\.sh\b|\|\s*(?:sudo\s+)?(?:ba|da|a|z)?sh\b|\b(?:ansible|puppet|chef|salt|make|sysusers)\b|(?:^|[\s;&])\./"
    r"|\bdpkg\b|\brpm\b|\.(?:deb|rpm|apk)\b|/etc/passwd|<<|\brsync\b|\btar\b[^;&|]*-C\s*/(?:\s|$)"
)
# Packages that make a user whose name they do not hold.
_MADE_BY = {
    "mysql": ("mariadb",), "apache": ("httpd",), "named": ("bind",), "sshd": ("openssh",), "messagebus": ("dbus",),
    "www-data": ("apache", "nginx", "php", "lighttpd"), "http": ("apache", "nginx"), "_apt": ("apt",),
    "systemd-network": ("systemd",), "epmd": ("erlang", "rabbitmq"), "lp": ("cups",), "avahi": ("avahi",),
    "vcache": ("varnish",), "Debian-snmp": ("snmp",), "ldap": ("slapd", "openldap"), "openldap": ("slapd",),
    "statd": ("nfs",), "saned": ("sane",),
}  # fmt: skip
_SHORTEST_STEM = 3
_PASSWD_LINE = regex(r"^([^:\s#][^:\s]*):[^:]*:(\d+):(\d+):", re.MULTILINE)


class Known(NamedTuple):
    """The number of a named user.

    `confidence` is that of the facts it rests on, or `verified` when the file says it. `text` is a variable that
    holds the number, where the file names it by one, else empty.
    """

    uid: int
    gid: int | None
    confidence: str
    evidence: str
    text: str = ""


def left_behind(image: Image) -> User | None:
    """The non-root user from which the image went back to root, or None when it never had one."""
    last = image.user
    if last.root is not True or last.item is None:
        return None
    earlier = [image.resolve(item) for item in user_items(image) if item.index < last.item.index]
    return next((user for user in reversed([image.base_user, *earlier]) if user.root is False), None)


def is_windows(image: Image) -> bool:
    """Whether this is a Windows image, whose users have no numbers."""
    return image.family == "windows" or image.stage.platform.lower().startswith("windows")


def user_items(image: Image) -> Iterator[Instruction]:
    """The USER instructions of the stage and of those it starts from, in order."""
    return (item for stage in image.stage.chain for item in stage.of("USER"))


def word_span(item: Instruction, word: Word) -> Span | None:
    """Where a word of a RUN's shell text stands in the file, or None when it cannot be told."""
    if item.json is not None:
        return None
    start = item.shell_start
    if item.heredocs:
        if not re.fullmatch(r"<<-?['\"]?\w+['\"]?", item.args):
            return None
        start = item.heredocs[0].span.start
    span = Span(start + word.start, start + word.end)
    return span if item.source[span.start : span.end] == word.raw else None


def number_of(image: Image, images: Images, name: str) -> Known | None:
    """The number of a user, when something that can be read says it.

    Args:
        image: the image in which the user lives.
        images: the images of all stages, for a passwd file that is copied from one of them.
        name: the user, with variables resolved.
    """
    copied = passwd_copy(image)
    if copied is not None:
        return _in_copy(image, images, copied, name)
    account = image.accounts.get(name)
    changed = [m for item in image.runs_about(ACCOUNTS) for m in image.shell(item).user_mods if m.name == name]
    if any(m.removed for m in changed) and (account is None or account.add is None):
        return None
    if any(m.tool == "usermod" and "-l" in (w.text for w in m.command.args) for m in changed):
        return None
    moved = next((m for m in reversed(changed) if m.tool == "usermod" and _changes(m, "uid")), None)
    if moved is not None:
        return None if moved.uid is None else Known(moved.uid, None, "verified", "usermod gives it this number")
    if account is None:
        return _of_family(image, name)
    if account.uid is None:
        return None
    confidence = image.facts.certainty("accounts") if account.add is None and image.facts is not None else "verified"
    return Known(account.uid, account.gid, confidence, account.evidence, _variable(account))


class Moved(NamedTuple):
    """The numbers that a user of the image gets from `usermod` and `groupmod`, in a step of the file.

    None where that number stays as it is; `known` is False where only the build knows it.
    """

    uid: int | None
    gid: int | None
    line: int
    known: bool


def moved(image: Image, name: str) -> Moved | None:
    """What the build changes of the numbers of a user, and of the group of that name; None for nothing."""
    found: Moved | None = None
    for item in image.runs_about(("usermod", "groupmod")):
        for mod in image.shell(item).user_mods:
            if mod.name != name or mod.removed or mod.tool not in ("usermod", "groupmod"):
                continue
            uid, gid = (_changes(mod, number) for number in ("uid", "gid"))
            if uid or gid:
                old = found or Moved(None, None, item.line, True)
                known = (mod.uid is not None or not uid) and (mod.gid is not None or not gid)
                found = Moved(mod.uid if uid else old.uid, mod.gid if gid else old.gid, item.line, known and old.known)
    return found


def _changes(mod: UserMod, number: str) -> bool:
    """Whether `usermod` or `groupmod` is told another `uid` or `gid`."""
    grammar = options.USERMOD if mod.tool == "usermod" else options.GROUPMOD
    return number in options.read(mod.command.args, grammar).values


def _variable(account: Account) -> str:
    word = account.add.uid_word if account.add is not None else None
    return word.text if word is not None and re.fullmatch(r"\$\w+|\$\{\w+\}", word.text) else ""


def _of_family(image: Image, name: str) -> Known | None:
    if image.facts is None or "accounts" in image.facts.read:
        return None
    found = [uid for uid, owner in taken_ids(image.facts)[0].items() if owner == name]
    if len(found) != 1:
        return None
    evidence = f"images of the {image.facts.family} family have it (facts, {image.facts.confidence})"
    return Known(found[0], None, image.facts.confidence, evidence)


def passwd_copy(image: Image) -> Copy | None:
    """The COPY or ADD that may bring another passwd file, or None."""
    for copy in reversed(image.all_copies):
        target = copy.destination
        if target == "/etc/passwd":
            return copy
        if target == "/etc" and any(
            posixpath.basename(s) == "passwd" or s.rstrip("/").endswith("etc") for s in copy.sources
        ):
            return copy
        if target == "/" and copy.is_folder and any(_may_hold_passwd(image, copy, source) for source in copy.sources):
            return copy
    return None


def _may_hold_passwd(image: Image, copy: Copy, source: str) -> bool:
    if not copy.origin and posixpath.normpath(source.lstrip("/") or ".") == ".":
        return image.read_context("etc/passwd") is not None  # the context itself can be looked into
    return _a_tree(source) and not _a_file(image, copy, source)


def _a_file(image: Image, copy: Copy, source: str) -> bool:
    """Whether a source is one file: it can be read as one, or it is what the process starts."""
    if f"/{posixpath.basename(source)}" in image.process_words:
        return True
    return not copy.origin and image.read_context(posixpath.normpath(source.lstrip("/"))) is not None


def _a_tree(source: str) -> bool:
    """Whether a source that is copied to `/` may hold an `etc` folder: a folder or an archive, not one file."""
    name = posixpath.basename(source.rstrip("/"))
    return source in ("", ".", "./", "/") or "." not in name or ".tar" in name or name.endswith((".tgz", ".txz"))


def _in_copy(image: Image, images: Images, copy: Copy, name: str) -> Known | None:
    if copy.destination == "/" or not any(posixpath.basename(source) == "passwd" for source in copy.sources):
        return None
    where = f"line {copy.item.line} copies the passwd file"
    if not copy.origin:
        source = next(s for s in copy.sources if posixpath.basename(s) == "passwd")
        text = image.read_context(posixpath.normpath(source.lstrip("/"))) or ""
        found = next((m for m in _PASSWD_LINE.finditer(text) if m[1] == name), None)
        return Known(int(found[2]), int(found[3]), "verified", where) if found else None
    if "/etc/passwd" not in copy.sources:
        return None
    stage = origin_stage(image, images, copy)
    if stage is not None:
        inner = number_of(images[stage.index], images, name)
        return (
            Known(inner.uid, inner.gid, inner.confidence, f"{where} of stage {copy.origin}, {inner.evidence}")
            if inner
            else None
        )
    facts = image.stage.known(image.expand(copy.origin, copy.item))
    users = {u.name: u for u in facts.users} if facts is not None else {}
    if facts is None or name not in users:
        return None
    evidence = f"{where} of {copy.origin}{facts.told('accounts')}"
    return Known(users[name].uid, users[name].gid, facts.certainty("accounts"), evidence)


def origin_stage(image: Image, images: Images, copy: Copy) -> Stage | None:
    """The stage of this file that a COPY takes from, or None for another image."""
    here = image.stage_of(copy.item)
    earlier = [other.stage for index, other in images.items() if index < here.index]
    named = next((s for s in reversed(earlier) if s.name and s.name == copy.origin.lower()), None)
    return named or next((s for s in earlier if str(s.index) == copy.origin), None)


def is_missing(image: Image, images: Images, user: User) -> bool:
    """Whether USER names somebody who surely exists nowhere: not in the base, not in the file, not by a package."""
    facts = image.facts
    if user.item is None or user.root is not False or user.exists is not False or facts is None or is_windows(image):
        return False
    if not re.fullmatch(r"[A-Za-z_][\w-]*", user.name) or (
        facts.confidence != "verified" and facts.family != "scratch"
    ):
        return False
    if passwd_copy(image) is not None or number_of(image, images, user.name) is not None:
        return False
    return not any(_may_create(image, item, user.name) for item in image.runs)


def _may_create(image: Image, item: Instruction, name: str) -> bool:
    text = item.logical
    if _UNSEEN.search(text) or re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w/.-])", text):
        return True
    shell = image.shell(item)
    if shell.errors or image.dialect(item) != "posix" or any(not u.name_literal for u in shell.users):
        return True
    parts = (name, *_MADE_BY.get(name, ()))
    packages = [package for install in shell.installs for package in install.packages]
    return any("$" in p or any(part in p for part in parts) or _named_after(name, p) for p in packages)


def _named_after(name: str, package: str) -> bool:
    """Whether a user has the name of a package in its own: `debian-tor`, `Debian-exim`."""
    stem = re.split(r"[=-]", package, maxsplit=1)[0].rstrip("0123456789.")
    return len(stem) >= _SHORTEST_STEM and stem in name


def is_argument(image: Image, item: Instruction, text: str) -> bool:
    """Whether the value of a word depends on an ARG, so that each build may choose another one."""
    wanted = names(text)
    return bool(wanted) and bool(wanted & _arguments(image, item))


def _arguments(image: Image, item: Instruction) -> set[str]:
    """Variables that hold an ARG's value at an instruction, ENV that is made from one included."""
    open_: set[str] = set()
    fixed: set[str] = set()
    for stage in image.stage.chain:
        for other in stage.body:
            if other.index >= item.index:
                return open_ - fixed
            if other.keyword == "ARG":
                open_ |= {name for name, _ in declared(other)}
            elif other.keyword == "ENV":
                for name, value in pairs(other):
                    if names(value) & (open_ - fixed):
                        open_.add(name)
                        fixed.discard(name)
                    else:
                        fixed.add(name)
    return open_ - fixed


def may_pin(image: Image, account: Account) -> bool:
    """Whether a number can be written into the one command that creates this account."""
    add, item = account.add, account.item
    if add is None or item is None or add.uid_word is not None or add.tool == "passwd-file" or add.bad_options:
        return False
    made = [u for run in image.runs_about(ACCOUNTS) for u in image.shell(run).users if u.name == account.name]
    known = image.facts is not None and account.name not in {u.name for u in image.facts.users}
    return (
        len(made) == 1 and (known or not add.command.conditional) and word_span(item, add.command.words[0]) is not None
    )
