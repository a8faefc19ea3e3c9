"""How programs read their own words: short and long options, which take an argument, and the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from fixer.lazy import lazy
from fixer.syntax.shellwords import Word, behind
from fixer.tuples import NamedTuple

# Text pasted from web pages and word processors has these where a hyphen belongs.
FALSE_DASHES: Final = ("\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u2212")


class Option(NamedTuple):
    """One option: the name it goes by here, and whether it takes an argument."""

    key: str
    takes: bool


class Grammar:
    """The options of one program; `one_dash` says that one dash is enough for a long name.

    They are made from words such as ``u:uid=``, ``m:create-home``, ``:gecos|comment=`` and ``R:`` when the first are
    read. In front of the colon stands the letter, behind it the long names, and ``=`` says that it takes an argument.
    The first name is the key; without a long name the letter is.
    """

    def __init__(self, spec: str, one_dash: bool = False) -> None:
        self.spec = spec
        self.one_dash = one_dash

    @lazy
    def short(self) -> dict[str, Option]:
        """The options by letter."""
        return {letter: option for letter, _, option in self._options if letter}

    @lazy
    def long(self) -> dict[str, Option]:
        """The options by long name."""
        return {name: option for _, names, option in self._options for name in names}

    @property
    def _options(self) -> Iterator[tuple[str, list[str], Option]]:
        for item in self.spec.split():
            letter, _, rest = item.partition(":")
            names = [name for name in rest.rstrip("=").split("|") if name]
            yield letter, names, Option(names[0] if names else letter, rest.endswith("="))

    def find_long(self, name: str) -> Option | None:
        """The option of that long name; an unambiguous beginning will do, as everywhere with getopt_long."""
        exact = self.long.get(name)
        if exact is not None:
            return exact
        found = {option for long, option in self.long.items() if long.startswith(name)}
        return found.pop() if len(found) == 1 else None


class Options:
    """Words sorted by a grammar: argument of each option (the last counts), flags, and the rest."""

    __slots__ = ("bad", "flags", "positional", "unknown", "values")

    def __init__(self) -> None:
        self.values: dict[str, Word] = {}
        self.flags: set[str] = set()
        self.positional: list[Word] = []
        self.unknown: list[Word] = []  # options that this program does not have
        self.bad: list[Word] = []  # words with a dash that is no hyphen


def read(words: Iterable[Word], rules: Grammar) -> Options:
    """Sort the words behind a program. Options may stand behind other words; ``--`` ends them."""
    out = Options()
    rest = iter(words)
    for word in rest:
        text = word.text
        if text == "--":
            out.positional.extend(rest)
        elif text.startswith(FALSE_DASHES):
            out.bad.append(word)
        elif text.startswith("--"):
            _read_long(word, 2, rules, rest, out)
        elif rules.one_dash and re.match(r"-\w\w", text) and rules.find_long(text[1:].partition("=")[0]) is not None:
            _read_long(word, 1, rules, rest, out)
        elif text.startswith("-") and len(text) > 1:
            _read_short(word, rules, rest, out)
        else:
            out.positional.append(word)
    return out


def _read_long(word: Word, dashes: int, rules: Grammar, rest: Iterator[Word], out: Options) -> None:
    name, equals, _ = word.text[dashes:].partition("=")
    option = rules.find_long(name)
    if option is None:
        out.unknown.append(word)
    elif not option.takes:
        out.flags.add(option.key)
    elif equals:
        out.values[option.key] = behind(word, len(name) + dashes + 1)
    else:
        _take_next(option, rest, out)


def _read_short(word: Word, rules: Grammar, rest: Iterator[Word], out: Options) -> None:
    for position, letter in enumerate(word.text[1:], 2):
        option = rules.short.get(letter)
        if option is None:
            out.unknown.append(word)
            return
        if not option.takes:
            out.flags.add(option.key)
        elif position < len(word.text):
            out.values[option.key] = behind(word, position)
            return
        else:
            _take_next(option, rest, out)


def _take_next(option: Option, rest: Iterator[Word], out: Options) -> None:
    following = next(rest, None)
    if following is not None:
        out.values[option.key] = following


USERADD: Final = Grammar(
    "b:base-dir= c:comment= d:home-dir= D:defaults e:expiredate= f:inactive= F:add-subids-for-system "
    "g:gid= G:groups= h:help k:skel= K:key= l:no-log-init m:create-home M:no-create-home "
    "N:no-user-group o:non-unique p:password= r:system R:root= P:prefix= s:shell= u:uid= U:user-group "
    "Z:selinux-user= :badname|badnames :extrausers n:"
)
GROUPADD: Final = Grammar(
    "f:force g:gid= h:help K:key= o:non-unique p:password= r:system R:root= P:prefix= U:users= :extrausers"
)
BUSYBOX_ADDUSER: Final = Grammar(
    "h:home= g:gecos= s:shell= G:ingroup= D:disabled-password|empty-password S:system H:no-create-home u:uid= k:skel="
)
BUSYBOX_ADDGROUP: Final = Grammar("g:gid= S:system")
DEBIAN_ADDUSER: Final = Grammar(
    "q:quiet :debug :verbose v:version h:help c:conf= :force-badname|allow-badname|allow-bad-names "
    ":force-all-badname|allow-all-names :system :group :ingroup= :gid= :home= :gecos|comment= :shell= "
    ":disabled-password :disabled-login :uid= :firstuid= :lastuid= :firstgid= :lastgid= :encrypt-home "
    ":add_extra_groups|add-extra-groups :no-create-home :stderrmsglevel= :stdoutmsglevel= :logmsglevel=",
    one_dash=True,  # it is a Perl script with Getopt::Long
)
USERMOD: Final = Grammar(
    "a:append b:badname c:comment= d:home= e:expiredate= f:inactive= g:gid= G:groups= l:login= L:lock "
    "m:move-home o:non-unique p:password= r:remove R:root= P:prefix= s:shell= u:uid= U:unlock "
    "v:add-subuids= V:del-subuids= w:add-subgids= W:del-subgids= Z:selinux-user="
)
GROUPMOD: Final = Grammar("a:append g:gid= n:new-name= o:non-unique p:password= R:root= P:prefix= U:users=")
PASSWD: Final = Grammar(
    "a:all d:delete e:expire i:inactive= k:keep-tokens l:lock n:mindays= q:quiet r:repository= R:root= "
    "S:status u:unlock w:warndays= x:maxdays= s:stdin :stdin"
)
USERDEL: Final = Grammar(
    "f:force r:remove R:root= P:prefix= Z:selinux-user :remove-home :remove-all-files q:quiet :system"
)
GPASSWD: Final = Grammar("a:add= d:delete= r:remove-password R:restrict A:administrators= M:members= Q:root=")
CHOWN: Final = Grammar(
    "R:recursive v:verbose c:changes f:silent|quiet h:no-dereference H: L: P: :dereference :from= "
    ":reference= :preserve-root :no-preserve-root"
)
MKDIR: Final = Grammar("m:mode= p:parents v:verbose Z:context")
INSTALL: Final = Grammar(
    "b:backup c: C:compare d:directory D: g:group= m:mode= o:owner= p:preserve-timestamps s:strip "
    "S:suffix= t:target-directory= T:no-target-directory v:verbose"
)
COPY: Final = Grammar(
    "a:archive b:backup d: f:force i:interactive H: l:link L:dereference n:no-clobber P:no-dereference "
    "p: r:recursive R:recursive s:symbolic|symbolic-link S:suffix= t:target-directory= "
    "T:no-target-directory u:update v:verbose x:one-file-system Z: :preserve :no-preserve= :parents "
    ":sparse= :reflink :strip-trailing-slashes :remove-destination :attributes-only"
)
TOUCH: Final = Grammar("a: c:no-create d:date= f: h:no-dereference m: r:reference= t: :time=")
REMOVE: Final = Grammar(
    "f:force i: I: r:recursive R:recursive d:dir v:verbose p:parents :interactive :one-file-system "
    ":preserve-root :no-preserve-root :ignore-fail-on-non-empty"
)
TEE: Final = Grammar("a:append i:ignore-interrupts p: :output-error")
SETCAP: Final = Grammar("q: v: n:= r:")
