"""What one runtime stage means: accounts, the user at every instruction, the process, its ports and volumes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

from fixer.facts import ImageFacts, family_from_package_manager, package_managers
from fixer.lazy import kept, lazy
from fixer.syntax.dockerfile import Instruction, unquote
from fixer.tuples import NamedTuple
from fixer.understand.shellfacts import ShellFacts, UserAdd, dialect, facts
from fixer.understand.stages import Inherited, Stage, join

ReadContext = Callable[[str], "str | None"]
ContextModes = Callable[[str], "tuple[str, int, bool] | None"]
"""What at or below a path of the build context only its owner can use, its mode, and whether it is that very path."""
_EMPTY = ShellFacts()
# Which program the name adduser stands for; everywhere else it is a link to useradd.
_ADDUSER = {
    "debian": "debian",
    "ubuntu": "debian",
    "alpine": "busybox",
    "busybox": "busybox",
    "wolfi": "busybox",
}
# Parsing is dear, so who asks says what about: words, of which one stands in every RUN that has something of it. Words
# and not patterns, because looking for words is faster.
ACCOUNTS = (
    "useradd", "adduser", "usermod", "userdel", "deluser", "groupadd", "addgroup", "groupmod", "groupdel", "delgroup",
    "passwd", "/etc/group",
)  # fmt: skip
MODES = ("chmod",)
# The program `install` by the options that it has and most package managers have not.
INSTALL_OPTIONS = (
    *"bcCdDgmopstTvZ", "-backup", "-compare", "-context", "-debug", "-directory", "-group", "-mode", "-no-target",
    "-owner", "-preserve", "-strip", "-suffix", "-target-directory", "-verbose",
)  # fmt: skip
INSTALL = tuple(f"install -{option}" for option in INSTALL_OPTIONS)
OWNERS = ("chown", "chgrp", *INSTALL)


class Account(NamedTuple):
    """A user that exists in an image; `uid` or `gid` is None when the number is not written anywhere."""

    name: str
    uid: int | None
    gid: int | None
    home: str
    evidence: str
    verified: bool
    add: UserAdd | None = None
    item: Instruction | None = None


class User(NamedTuple):
    """Who runs at some point: what is written, what it resolves to, and how that is known.

    `root` is None when nobody can tell from here. `exists` is False when a name was created nowhere.
    """

    text: str
    name: str
    uid: int | None
    gid: int | None
    root: bool | None
    numeric: bool
    exists: bool | None
    evidence: str
    item: Instruction | None = None


class Parent(NamedTuple):
    """An image of the same repository that another one is built on: the Dockerfile's path, and whether it moves."""

    path: str
    image: Image
    moves_to: object = None


FindParent = Callable[[str], "Parent | None"]


def handed_down(parent: Parent | None) -> Inherited | None:
    """What an image hands down to those that are built on it."""
    if parent is None:
        return None
    image = parent.image
    above = image.stage.inherited
    volumes = (*(above.volumes if above is not None else ()), *(path for path, _ in image.volumes))
    return Inherited(image.stage.final_env, image.workdir, tuple(dict.fromkeys(volumes)))


class Process(NamedTuple):
    """An ENTRYPOINT or CMD: its words (None for unknown ones), and whether a shell starts it."""

    words: tuple[str | None, ...]
    shell: bool
    item: Instruction | None
    text: str


class Copy(NamedTuple):
    """One COPY or ADD of a stage: sources as written (expanded), absolute destination or None."""

    item: Instruction
    sources: tuple[str, ...]
    destination: str | None
    is_folder: bool
    origin: str


class Image:
    """The image that one stage of a Dockerfile makes."""

    def __init__(
        self,
        stage: Stage,
        read_context: ReadContext,
        find_parent: FindParent = lambda _: None,
        context_modes: ContextModes = lambda _: None,
    ) -> None:
        self.stage = stage
        self.read_context = read_context
        self.context_modes = context_modes
        self._find_parent = find_parent

    @lazy
    def parent(self) -> Parent | None:
        """The image of the same repository that this one is built on, when its base is none that facts know."""
        base = self.stage.root_base
        return self._find_parent(base) if base and self.stage.base_facts is None else None

    @lazy
    def facts(self) -> ImageFacts | None:
        """Facts on the outside base image, or None when it is not known."""
        return self.parent.image.facts if self.parent is not None else self.stage.base_facts

    @lazy
    def family(self) -> str:
        """The base-image family; an empty string when neither facts nor the file tell."""
        if self.facts is not None and self.facts.family:
            return self.facts.family
        for item in self.runs_about(package_managers()):
            for install in self.shell(item).installs:
                found = family_from_package_manager(install.manager)
                if found:
                    return found
        return ""

    @property
    def family_evidence(self) -> str:
        """Where the family comes from, in words."""
        if self.facts is not None and self.facts.family:
            return (
                f"base image {self.stage.root_base} is of the {self.facts.family} family (facts,"
                f" {self.facts.confidence})"
            )
        if self.family:
            return f"the file itself uses the package manager of the {self.family} family"
        unknown = "is not known" if self.facts is None else "is of a family that is not known"
        return f"base image {self.stage.root_base or self.stage.base_text} {unknown}"

    @lazy
    def body(self) -> tuple[Instruction, ...]:
        """The instructions of the stage and of those that it starts from, in order."""
        stage = self.stage
        return tuple(item for one in stage.chain for item in one.body) if stage.elders else stage.body

    @lazy
    def runs(self) -> tuple[Instruction, ...]:
        """The RUN instructions of `body`."""
        return tuple(self.of("RUN"))

    def of(self, keyword: str) -> Sequence[Instruction]:
        """The instructions of this keyword in `body`."""
        stage = self.stage
        return [item for one in stage.chain for item in one.of(keyword)] if stage.elders else stage.of(keyword)

    @lazy
    def _owners(self) -> dict[int, Stage]:
        return {item.index: stage for stage in self.stage.chain for item in stage.body}

    def stage_of(self, item: Instruction) -> Stage:
        """The stage of the chain in which an instruction stands."""
        return self._owners[item.index] if self.stage.elders else self.stage

    def expand(self, text: str, item: Instruction) -> str | None:
        """A word with the variables of its place replaced, or None."""
        return self.stage_of(item).expand(text, item)

    @kept
    def runs_about(self, words: tuple[str, ...]) -> tuple[Instruction, ...]:
        """The RUN instructions of `runs` in whose text one of the words stands, and those with here-documents."""
        return tuple(item for item in self.runs if item.heredocs or holds(item.logical, words))

    @kept
    def shell(self, item: Instruction) -> ShellFacts:
        """What the shell text of a RUN means; nothing for other instructions and for other shells.

        Parsing is dear: ask `runs_about` first.
        """
        if item.keyword != "RUN" or self.dialect(item) != "posix":
            return _EMPTY
        stage = self.stage_of(item)
        kind = _ADDUSER.get(self.facts.family, "useradd") if self.facts is not None and self.facts.family else ""
        return facts(script_of(item), lambda text: stage.expand(text, item), family=kind)

    def dialect(self, item: Instruction) -> str:
        """The shell language in force at an instruction: posix, powershell, cmd or other."""
        shell: tuple[str, ...] = ()
        for other in self._shell_changes:
            if other.index > item.index:
                break
            shell = other.json or shell
        return dialect(shell) if shell else "posix"

    @lazy
    def _shell_changes(self) -> tuple[Instruction, ...]:
        return tuple(self.of("SHELL"))

    # --- accounts and users ------------------------------------------------------------------------------

    @lazy
    def accounts(self) -> dict[str, Account]:
        """Users that exist when the stage is finished, by name; root is one of them."""
        out = {"root": Account("root", 0, 0, "/root", "every image has root", True)}
        if self.parent is not None:
            where = f"{self.parent.path} creates it"
            elders = self.parent.image.accounts.values()
            out |= {a.name: a._replace(add=None, item=None, evidence=where) for a in elders if a.uid is not None}
        if self.facts is not None:
            note = f"base image {self.stage.root_base} has it{self.facts.told('accounts')}"
            sure = self.facts.certainty("accounts") == "verified"
            for user in self.facts.users:
                out[user.name] = Account(user.name, user.uid, user.gid, user.home, note, sure)
        for item in self.runs_about(ACCOUNTS):
            found = self.shell(item)
            groups = {g.name: g.gid for g in found.groups}
            for add in found.users:
                if not add.name or not add.name_literal:
                    continue
                gid = add.gid if add.gid is not None else groups.get(add.group) if add.group else None
                out[add.name] = Account(
                    add.name,
                    add.uid,
                    gid,
                    add.home or "",
                    f"line {item.line} creates it",
                    add.uid is not None,
                    add,
                    item,
                )
        return out

    @property
    def _knows_accounts(self) -> bool:
        """Whether anything at all is known about who lives in the base image."""
        return self.facts is not None and bool(self.facts.family or "accounts" in self.facts.read)

    @lazy
    def group_names(self) -> frozenset[str]:
        """Names of groups that the base image or the file make."""
        known = {user.group for user in self.facts.users} if self.facts else set()
        return frozenset(
            known | {g.name for item in self.runs_about(ACCOUNTS) for g in self.shell(item).groups} | {"root"}
        )

    @lazy
    def group_ids(self) -> dict[str, int]:
        """Numbers of the groups whose number is known, by name."""
        out = {"root": 0}
        if self.facts is not None:
            out |= {user.group: user.gid for user in self.facts.users if user.group}
        for item in self.runs_about(ACCOUNTS):
            out |= {g.name: g.gid for g in self.shell(item).groups if g.name and g.gid is not None}
        return out

    @lazy
    def base_user(self) -> User:
        """Who runs before the first instruction of the eldest stage."""
        if self.parent is not None:
            return self._parent_user(self.parent)
        facts_ = self.facts
        base = self.stage.root_base or self.stage.chain[0].base_text
        if facts_ is None or facts_.runs_as_root is None:
            why = facts_.lost_user if facts_ is not None else ""
            return User("", "", None, None, None, False, None, f"base image {base} {why or 'is not known'}")
        evidence = f"base image {base} runs as {facts_.default_user or 'root'}{facts_.told('user')}"
        numeric = facts_.default_user_is_numeric is not False
        name = "root" if facts_.runs_as_root else facts_.default_user
        uid = 0 if facts_.runs_as_root else facts_.default_uid
        return User(facts_.default_user, name, uid, facts_.default_gid, facts_.runs_as_root, numeric, True, evidence)

    def _parent_user(self, parent: Parent) -> User:
        """Who runs after FROM an image of the same repository, its ONBUILD USER included."""
        user = parent.image.user
        triggers = [i.trigger for i in parent.image.stage.of("ONBUILD") if i.trigger is not None]
        for trigger in triggers:
            if trigger.keyword == "USER":
                user = parent.image.resolve(trigger)
        return user._replace(item=None, evidence=f"{parent.path}, {user.evidence}")

    def resolve(self, item: Instruction) -> User:
        """Who a USER instruction names."""
        value = self.expand(item.args, item)
        if value is None:
            return User(
                item.args,
                "",
                None,
                None,
                None,
                False,
                None,
                f"line {item.line}: only the build knows '{item.args}'",
                item,
            )
        name, _, group = value.partition(":")
        gid = int(group) if group.isdigit() else self.group_ids.get(group) if group else None
        where = f"line {item.line}: USER {item.args}"
        if name.isdigit():
            return User(value, "", int(name), gid, int(name) == 0, not group or group.isdigit(), True, where, item)
        if not name:
            return User(value, "root", 0, 0, True, False, True, f"{where} is empty, which means root", item)
        account = self.accounts.get(name)
        if account is None:
            return User(value, name, None, gid, False, False, False if self._knows_accounts else None, where, item)
        gid = gid if group else account.gid
        return User(
            value,
            name,
            account.uid,
            gid,
            account.uid == 0,
            False,
            True,
            f"{where} ({account.evidence})",
            item,
        )

    @lazy
    def _users(self) -> list[tuple[int, User]]:
        out = [(-1, self.base_user)]
        out += [(item.index, self.resolve(item)) for item in self.of("USER")]
        return out

    def user_at(self, item: Instruction) -> User:
        """Who an instruction runs as."""
        return next(user for index, user in reversed(self._users) if index < item.index or index == -1)

    @lazy
    def user(self) -> User:
        """Who the image runs as."""
        return self._users[-1][1]

    @property
    def own_user(self) -> Instruction | None:
        """The last USER instruction of the stage itself, or None."""
        found = self.stage.of("USER")
        return found[-1] if found else None

    # --- the process -------------------------------------------------------------------------------------

    @lazy
    def entrypoint(self) -> Process | None:
        """The effective ENTRYPOINT of the file, or None when it sets none."""
        return self._process("ENTRYPOINT")

    @lazy
    def cmd(self) -> Process | None:
        """The effective CMD of the file; an ENTRYPOINT in a later stage of the chain resets an inherited one."""
        found = self._process("CMD")
        entry = self.entrypoint
        if found and found.item and entry and entry.item:
            cmd_stage, entry_stage = self.stage_of(found.item), self.stage_of(entry.item)
            if cmd_stage.index < entry_stage.index:
                return None
        return found

    def _process(self, keyword: str) -> Process | None:
        written = self.of(keyword)
        item = written[-1] if written else None
        if item is None:
            inherited = self.parent.image._process(keyword) if self.parent is not None else None
            return inherited._replace(item=None) if inherited is not None else None
        if item.json is not None:
            return Process(tuple(item.json), False, item, item.args)
        stage = self.stage_of(item)
        words = tuple(stage.expand(w, item) for w in item.texts)
        return Process(words, True, item, item.args)

    @property
    def process_words(self) -> tuple[str | None, ...]:
        """ENTRYPOINT and CMD as one command line; a shell-form ENTRYPOINT ignores CMD."""
        entry, cmd = self.entrypoint, self.cmd
        first = entry.words if entry else ()
        if entry and entry.shell and entry.words:
            return first
        return (*first, *(cmd.words if cmd else ()))

    @lazy
    def ports(self) -> tuple[tuple[int, Instruction], ...]:
        """Ports that EXPOSE names, with ranges opened up to 100 wide, and where."""
        out: list[tuple[int, Instruction]] = []
        for item in self.of("EXPOSE"):
            for word in item.texts:
                value = self.expand(word, item)
                match = re.fullmatch(r"(\d+)(?:-(\d+))?(?:/\w+)?", value or "")
                if match:
                    low, high = int(match[1]), int(match[2] or match[1])
                    out += [(port, item) for port in range(low, min(high, low + 100) + 1)]
        return tuple(out)

    @lazy
    def volumes(self) -> tuple[tuple[str, Instruction], ...]:
        """Absolute VOLUME paths of the file, and where."""
        out: list[tuple[str, Instruction]] = []
        for item in self.of("VOLUME"):
            words = item.json if item.json is not None else tuple(unquote(w, item.escape) for w in item.texts)
            for word in words:
                value = self.expand(word, item)
                if value and value.startswith("/"):
                    out.append((posixpath.normpath(value), item))
        return tuple(out)

    @property
    def base_volumes(self) -> tuple[str, ...]:
        """The VOLUME paths of its base image, as facts tell them or the Dockerfile that makes it."""
        above = self.stage.inherited.volumes if self.stage.inherited is not None else ()
        return tuple(dict.fromkeys((*(self.facts.volumes if self.facts is not None else ()), *above)))

    @lazy
    def copies(self) -> tuple[Copy, ...]:
        """The COPY and ADD instructions of the stage itself."""
        return tuple(copy for copy in self.all_copies if self.stage_of(copy.item) is self.stage)

    @lazy
    def all_copies(self) -> tuple[Copy, ...]:
        """The COPY and ADD instructions of the stage and of the stages it starts from."""
        return tuple(self._copy(item) for item in self.body if item.keyword in ("COPY", "ADD"))

    def _copy(self, item: Instruction) -> Copy:
        words = list(item.json) if item.json is not None else list(item.texts)
        values = [self.expand(word, item) for word in words]
        target = values[-1]
        stage = self.stage_of(item)
        here = stage.workdir(item)
        folder = (bool(target) and (target or "").endswith(("/", "/."))) or target in (".", "..") or len(words) > 2
        folder = folder or any(value and (value in (".", "./") or value.endswith("/")) for value in values[:-1])
        path = None if target is None or (here is None and not target.startswith("/")) else join(here or "/", target)
        origin = item.flag("from")
        return Copy(item, tuple(v or "" for v in values[:-1]), path, folder, (origin.value or "") if origin else "")

    @lazy
    def workdir(self) -> str | None:
        """The working directory of the process."""
        return self.stage.final_workdir


@lru_cache(maxsize=4096)  # the steps of one repository are much alike
def holds(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of the words stands somewhere in the text."""
    for beginning, alike in _by_beginning(words):
        if beginning not in text:
            continue
        if not alike:
            return True
        for word in alike:  # no generator, which takes twice as long, and this runs for each RUN and question
            if word in text:
                return True
    return False


@cache
def _by_beginning(words: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Words that begin alike under what they have in common, so that all are looked for at once where none stands.

    What begins like no other, or with another one, has nothing to be looked for behind it.
    """
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word[:3], []).append(word)
    shared = {posixpath.commonprefix(group): tuple(group) for group in groups.values()}
    return tuple((beginning, () if beginning in group else group) for beginning, group in shared.items())


def script_of(item: Instruction) -> str:
    """The shell text of a RUN, heredoc scripts included; as long as its place in the file when it has none."""
    if item.json is not None:
        words = item.json
        if (
            len(words) == 3
            and posixpath.basename(words[0]) in ("sh", "bash", "ash", "dash")
            and words[1].startswith("-")
            and "c" in words[1]
        ):
            return words[2]
        return " ".join(_quoted(word) for word in words)
    if not item.heredocs:
        return item.shell
    head = item.args
    if re.fullmatch(r"<<-?['\"]?\w+['\"]?", head):
        return item.heredocs[0].content
    return f"{head}\n" + "".join(f"{doc.content}{doc.name}\n" for doc in item.heredocs)


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word) else "'" + word.replace("'", "'\"'\"'") + "'"
