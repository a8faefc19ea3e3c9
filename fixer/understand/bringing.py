"""What one command of a build brings into the folder that it works in, or into one that it names.

A command that is not known here may bring anything, and is told as such. What only makes single files that nobody
writes again (compilers), or keeps its things elsewhere (package managers of the system, pip), brings nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from posixpath import basename, dirname, join
from typing import Final

from fixer.lazy import regex
from fixer.syntax.shell import Word
from fixer.tuples import NamedTuple
from fixer.understand import shelloptions as options
from fixer.understand.making import below
from fixer.understand.places import Step
from fixer.understand.shellaccounts import TOOLS
from fixer.understand.shellpackages import MANAGERS
from fixer.understand.shellroot import written
from fixer.understand.stages import pairs


class Kind(StrEnum):
    """How what is brought comes about.

    `BROUGHT` has a place that is known (an archive, a clone, packages), `BUILT` is what a build leaves wherever it
    likes, `RUN` what a program of the project leaves and may want to write again; `UNKNOWN` is anything. `READ` brings
    nothing, and needs what is there as it is.
    """

    BROUGHT = "brings"
    BUILT = "builds"
    RUN = "leaves"
    UNKNOWN = "may leave"
    READ = "reads"


class Brought(NamedTuple):
    """What a command leaves at `path`, in a folder with all below it unless it is a single `file`.

    `packages` is the folder below it that holds nearly all.
    """

    kind: Kind
    path: str
    file: bool = False
    packages: str = ""


_Reader = Callable[[Step], Iterator[Brought]]

# What leaves nothing behind, or single files of which others have told already (redirections, touch).
_QUIET: Final = frozenset(
    "set echo printf true false : test [ [[ export unset cd pushd popd exit return read wait sleep trap umask"
    " alias shift eval source . local declare rm rmdir mkdir touch chmod chown chgrp cat ls head tail sort uniq wc"
    " cut tr grep egrep fgrep sed awk gawk find ln readlink realpath basename dirname date id whoami env printenv"
    " uname arch nproc getconf stat du df file which type command hash md5sum sha1sum sha256sum sha512sum shasum"
    " cksum base64 diff cmp seq expr yes tee sync kill pkill ps gzip gunzip bzip2 bunzip2 xz unxz zstd strip patch"
    " dos2unix jq yq openssl gpg gpgconf ssh-keyscan ssh-keygen apt-key apt-mark update-ca-certificates"
    " update-ca-trust ldconfig ldd locale-gen localedef dpkg-reconfigure update-alternatives alternatives"
    " debconf-set-selections add-apt-repository a2enmod a2dismod a2ensite a2dissite a2enconf a2disconf"
    " docker-php-ext-install docker-php-ext-enable docker-php-ext-configure docker-php-source"
    " install-php-extensions pecl pear phpenmod phpdismod corepack rustup gcc g++ cc c++ clang clang++ javac ld ar"
    " pipx gem conda mamba micromamba cpanm cpan luarocks setcap getcap visudo crontab service systemctl setfacl"
    " fc-cache playwright mktemp truncate dd nvm n dpkg-query dpkg-architecture mkfifo mknod mount umount pwd ssh"
    " keytool ssh-agent git-lfs".split()
)
_BUILDERS: Final = frozenset(
    "make gmake cmake ninja meson mvn mvnw gradle gradlew ant sbt lein mix rebar3 stack cabal bazel configure"
    " autogen.sh autoreconf qmake tsc ng vite webpack next nuxt nuxi gatsby hugo jekyll rake rails bower gulp"
    " grunt parcel rollup esbuild cargo".split()
)
# A program of the project, or an interpreter of one, that runs in the build.
_PROJECT: Final = regex(
    r"(?:python|pypy|node|ruby|perl|php|sh|bash|ash|dash|flask|alembic|django-admin|prisma|sqlite3|manage\.py|artisan"
    r"|java)[\d.]*"
)
# Words with which it builds, and does not make data.
_BUILDS_ONLY: Final = regex(
    r"(?:^|\s)(?:\S*/)?(?:install|ci|i|add|cache|build\S*|compile\S*|package|collectstatic|setup\.py|pip|venv|ensurepip"
    r"|get-pip\.py|prune|dedupe|audit|lint|test|link|rebuild|generate|config|configure|autogen\.sh|bootstrap|gradlew|mvnw"
    r"|restore|publish|tool)(?=\s|$)"
)
_ONLY_ASKS: Final = regex(r"-{1,2}(?:version|v|V|help|h)")
_JS_INSTALLS: Final = frozenset("install ci i add update upgrade rebuild link dedupe import".split())
_JS_QUIET: Final = frozenset(
    "config cache set get login logout whoami audit version view info prune root bin pkg".split()
)
_JS_FOLDER: Final = ("--prefix", "-C", "--cwd", "--dir")
_GIT: Final = options.Grammar(
    "b:branch= o:origin= u:upload-pack= c:config= j:jobs= :depth= :reference= :separate-git-dir= :filter= :template= "
    ":shallow-since= q:quiet v:verbose n:no-checkout l:local s:shared :recursive :recurse-submodules :single-branch "
    ":no-single-branch :shallow-submodules :no-tags :mirror :bare :progress"
)
_WGET: Final = options.Grammar(
    "O:output-document= P:directory-prefix= a:append-output= e:execute= i:input-file= l:level= o:output-file= Q:quota= "
    "R:reject= A:accept= t:tries= T:timeout= U:user-agent= w:wait= :header= :post-data= :user= :password= :progress= "
    ":spider :no-check-certificate :no-verbose :quiet :show-progress :https-only :content-disposition "
    ":trust-server-names r:recursive m:mirror x:force-directories b: c: d: h: k: n: N: p: q: S: v: V: H: K: E:"
)
_CURL: Final = options.Grammar(
    "o:output= O:remote-name x:proxy= H:header= X:request= u:user= A:user-agent= e:referer= d:data= b:cookie= "
    "c:cookie-jar= w:write-out= m:max-time= C:continue-at= r:range= T:upload-file= E:cert= F:form= K:config= "
    ":output-dir= :remote-name-all :retry= :retry-delay= :retry-max-time= :connect-timeout= :proto= :cacert= "
    ":create-dirs :retry-connrefused :retry-all-errors :fail :silent :show-error :location :insecure :compressed "
    "J:remote-header-name f: s: S: L: k: i: I: v: g: Z: N: n: #: 4: 6: 0: 1: 2: 3:"
)
# With one of these, what is fetched has another name than its address, or is more than one file.
_OTHER_NAMES: Final = frozenset(
    {"content-disposition", "trust-server-names", "recursive", "mirror", "force-directories", "remote-header-name"}
)
_ARCHIVE: Final = regex(r"-?[A-Za-z]*x[A-Za-z]*|--extract|--get")


def brought(step: Step, folder: str) -> Iterator[Brought]:
    """What a command brings to a folder or below it; also to a folder above it, from which the rest may follow.

    Args:
        step: the command.
        folder: the working directory of the image.
    """
    command = step.command
    if not command.name or command.substitution:
        return
    reader = _READERS.get(command.name)
    if reader is None and command.name not in _QUIET and command.name not in MANAGERS and command.name not in TOOLS:
        reader = _other
    for one in reader(step) if reader is not None else ():
        if one.path and (below(one.path, folder) or (one.kind is Kind.BROUGHT and below(folder, one.path))):
            yield one


def _texts(step: Step) -> list[str]:
    return [word.text for word in step.command.args]


def _after_option(step: Step, *names: str) -> Word | None:
    """The argument of the first of some options, as a word of its own or behind `=`."""
    words = step.command.args
    for at, word in enumerate(words):
        if word.text in names:
            return words[at + 1] if at + 1 < len(words) else None
        name, equals, value = word.text.partition("=")
        if equals and name in names:
            return word._replace(text=value)
    return None


# --- archives, clones and downloads ------------------------------------------------------------------------------


def _tar(step: Step) -> Iterator[Brought]:
    texts = _texts(step)
    letters = texts[0] if texts else ""
    extracts = bool(_ARCHIVE.fullmatch(letters)) or any(t.startswith("-") and _ARCHIVE.fullmatch(t) for t in texts)
    if not extracts or "--to-stdout" in texts or re.fullmatch(r"-?[A-Za-z]*O[A-Za-z]*", letters):
        return
    named = written(step.command._replace(redirects=()))
    yield Brought(Kind.BROUGHT, step.place(named[-1]) if named else step.here)


def _unzip(step: Step) -> Iterator[Brought]:
    texts = _texts(step)
    if any(re.fullmatch(r"-\w*[lptZ]\w*", text) for text in texts):
        return
    named = written(step.command._replace(redirects=()))
    yield Brought(Kind.BROUGHT, step.place(named[-1]) if named else step.here)


def _git(step: Step) -> Iterator[Brought]:
    words = list(step.command.args)
    start = step.here
    while words and words[0].text.startswith("-"):
        option = words.pop(0)
        if option.text in ("-C", "-c", "--git-dir", "--work-tree") and words:
            value = words.pop(0)
            start = step.place(value) if option.text == "-C" else start
    verb = words.pop(0).text if words else ""
    if verb in ("submodule", "pull", "checkout", "reset", "init", "apply", "switch", "restore", "am", "merge"):
        yield Brought(Kind.BROUGHT, start)
    if verb != "clone":
        return
    found = options.read(words, _GIT).positional
    if len(found) > 1:
        yield Brought(Kind.BROUGHT, step.place(found[1]))
    elif found:
        name = basename(step.values.shown(found[0]).rstrip("/")).removesuffix(".git")
        yield Brought(Kind.BROUGHT, join(start, name) if start and re.fullmatch(r"[\w.-]+", name) else start)


def _wget(step: Step) -> Iterator[Brought]:
    found = options.read(step.command.args, _WGET)
    target, folder = found.values.get("output-document"), found.values.get("directory-prefix")
    if target is not None:
        yield from _file(step, target)
    elif found.positional and "spider" not in found.flags:
        sure = len(found.positional) == 1 and not _OTHER_NAMES & found.flags
        yield from _named(step, folder, found.positional[0] if sure else None)


def _curl(step: Step) -> Iterator[Brought]:
    found = options.read(step.command.args, _CURL)
    target, folder = found.values.get("output"), found.values.get("output-dir")
    if target is not None and folder is None:
        yield from _file(step, target)
    elif target is not None or {"remote-name", "remote-name-all"} & found.flags:
        sure = target is None and len(found.positional) == 1 and not _OTHER_NAMES & found.flags
        yield from _named(step, folder, found.positional[0] if sure else None)


def _file(step: Step, target: Word) -> Iterator[Brought]:
    if target.text not in ("-", "/dev/null", "/dev/stdout"):
        yield Brought(Kind.BROUGHT, step.place(target), True)


def _named(step: Step, folder: Word | None, url: Word | None) -> Iterator[Brought]:
    """A file that gets its name from an address; somewhere in the folder where that is not certain."""
    place = step.place(folder) if folder is not None else step.here
    address = step.values.shown(url)
    name = basename(address)
    plain = "://" in address and re.fullmatch(r"[\w.+-]+\.\w+", name) is not None
    yield Brought(Kind.BROUGHT, join(place, name) if plain and place else place, plain)


def _copied(step: Step) -> Iterator[Brought]:
    """`cp`, `mv`, `rsync` and `install`: the target, or what comes to stand in it."""
    rules = options.INSTALL if step.command.name == "install" else options.COPY
    found = options.read(step.command.args, rules)
    words = list(found.positional)
    into = found.values.get("target-directory") or (words.pop() if words else None)
    if into is None or not words or "directory" in found.flags:
        return
    place, target = step.place(into), step.values.shown(into)
    source = step.values.shown(words[0])
    single = len(words) == 1 and not re.search(r"[*?\[{$]|(?:^|/)\.{0,2}$", source)
    # a target without a slash may be a folder that is there, or the new name of what is copied
    inside = single and (target.endswith("/") or target in (".", ".."))
    deep = bool({"recursive", "archive"} & found.flags) or step.command.name == "mv"
    yield Brought(Kind.BROUGHT, join(place, basename(source)) if place and inside else place, inside and not deep)


# --- packages and builds of languages ----------------------------------------------------------------------------


def _javascript(step: Step) -> Iterator[Brought]:
    """npm, yarn, pnpm and bun; npx runs what it is given."""
    texts = _texts(step)
    verbs = [text for text in texts if not text.startswith("-")]
    if {"-g", "--global", "--location=global"} & set(texts) or verbs[:1] == ["global"]:
        return
    if step.command.name == "npx":
        if "playwright" not in verbs:
            yield Brought(Kind.BUILT if _BUILDS_ONLY.search(" ".join(texts)) else Kind.RUN, step.here)
        return
    named = _after_option(step, *_JS_FOLDER)
    place = step.place(named) if named is not None else step.here
    verb = next((v for v in verbs if named is None or v != named.text), "")
    if (not verb and step.command.name == "yarn" and not any(map(_ONLY_ASKS.fullmatch, texts))) or verb in _JS_INSTALLS:
        yield Brought(Kind.BROUGHT, place, packages="node_modules")
    elif verb and verb not in _JS_QUIET:
        yield Brought(Kind.BUILT if _BUILDS_ONLY.search(" ".join(texts)) else Kind.RUN, place)


def _pip(step: Step, texts: list[str] | None = None) -> Iterator[Brought]:
    texts = _texts(step) if texts is None else texts
    if "install" not in texts and "sync" not in texts:
        return
    target = _after_option(step, "-t", "--target", "--prefix", "--root")
    if target is not None:
        yield Brought(Kind.BROUGHT, step.place(target))
        return
    yield from _environment(step)
    if any(re.fullmatch(r"\.|\./?\S*|file:\S+", text) and not text.endswith((".txt", ".whl")) for text in texts):
        yield Brought(Kind.BUILT, step.here)  # what a project leaves beside its own code


def _environment(step: Step) -> Iterator[Brought]:
    """The virtual environment that a Python tool works in: its own, or the one that variables name."""
    program = step.values.shown(step.command.words[0])
    made = any("venv" in i.logical or "virtualenv" in i.logical for one in step.stage.chain for i in one.of("RUN"))
    found = ""
    if "/" in program:
        found = dirname(dirname(step.place(step.command.words[0])))
    elif made:  # else a variable names what is made elsewhere, if at all
        found = step.stage.env(step.item).get("VIRTUAL_ENV") or _first_in_path(step)
    if found:
        yield Brought(Kind.BROUGHT, found)


def _first_in_path(step: Step) -> str:
    """The folder whose `bin` stands first in the PATH that the file sets; an empty string without one."""
    found = ""
    for item in step.stage.of("ENV"):
        for key, value in pairs(item) if item.index < step.item.index else ():
            if key == "PATH":
                first = step.stage.expand(value.strip("\"'").partition(":")[0], item) or ""
                found = dirname(first) if basename(first) == "bin" else found
    return found


def _python(step: Step) -> Iterator[Brought]:
    texts = _texts(step)
    if texts[:1] == ["-m"] and texts[1:2] in (["venv"], ["virtualenv"]):
        yield Brought(Kind.BROUGHT, step.place(step.command.args[-1]))
    elif texts[:1] == ["-m"] and texts[1:2] == ["pip"]:
        yield from _pip(step, texts[2:])
    else:
        yield from _program(step)


def _venv(step: Step) -> Iterator[Brought]:
    if step.command.args:
        yield Brought(Kind.BROUGHT, step.place(step.command.args[-1]))


def _uv(step: Step) -> Iterator[Brought]:
    verbs = [text for text in _texts(step) if not text.startswith("-")]
    named = step.stage.env(step.item).get("UV_PROJECT_ENVIRONMENT") or ""
    if verbs[:1] == ["pip"]:
        yield from () if "--system" in _texts(step) else _pip(step)
    elif verbs[:1] in (["sync"], ["add"], ["run"]):
        yield Brought(Kind.BROUGHT, named if named.startswith("/") else join(step.here, named or ".venv"))
    elif verbs[:1] == ["venv"]:
        yield Brought(Kind.BROUGHT, step.place(step.command.args[-1]) if len(verbs) > 1 else join(step.here, ".venv"))


def _poetry(step: Step) -> Iterator[Brought]:
    """poetry, pdm and pipenv keep their environment in the project only when told to."""
    variables = step.stage.env(step.item)
    told = variables.get("POETRY_VIRTUALENVS_IN_PROJECT") or variables.get("PIPENV_VENV_IN_PROJECT")
    asked = any("in-project" in i.logical for i in step.stage.of("RUN"))
    if (told or asked or step.command.name == "pdm") and {"install", "sync", "add", "update"} & set(_texts(step)):
        yield Brought(Kind.BROUGHT, step.here, packages=".venv")


def _composer(step: Step) -> Iterator[Brought]:
    verbs = [word for word in step.command.args if not word.text.startswith("-")]
    verb = verbs[0].text if verbs else ""
    if "global" in _texts(step):
        return
    named = _after_option(step, "-d", "--working-dir")
    place = step.place(named) if named is not None else step.here
    if verb == "create-project":
        yield Brought(Kind.BROUGHT, step.place(verbs[2]) if len(verbs) > 2 else place)
    elif verb in ("install", "i", "update", "u", "require", "dump-autoload", "dumpautoload"):
        yield Brought(Kind.BROUGHT, place, packages="vendor")
    elif verb in ("run-script", "run", "exec"):
        yield Brought(Kind.BUILT, place)


def _bundle(step: Step) -> Iterator[Brought]:
    texts = _texts(step)
    if "exec" in texts:
        yield from _program(step)
    elif not texts or "install" in texts:
        own = any(re.search(r"\bbundle config\b.*\b(?:path|deployment)\b", i.logical) for i in step.stage.of("RUN"))
        if own or any(re.fullmatch(r"--(?:path|deployment|standalone)(?:=.*)?", text) for text in texts):
            yield Brought(Kind.BROUGHT, step.here)


def _go(step: Step) -> Iterator[Brought]:
    if _texts(step)[:2] == ["mod", "vendor"] or _texts(step)[:1] == ["generate"]:
        yield Brought(Kind.BROUGHT, step.here)


def _dotnet(step: Step) -> Iterator[Brought]:
    texts = _texts(step)
    if texts and not texts[0].startswith("-"):
        yield Brought(Kind.RUN if texts[0].endswith(".dll") or texts[0] == "run" else Kind.BUILT, step.here)


def _builds(step: Step) -> Iterator[Brought]:
    texts = _texts(step)
    if any(map(_ONLY_ASKS.fullmatch, texts)):
        return
    named = _after_option(step, "-C", "--directory") if step.command.name in ("make", "gmake", "ninja") else None
    place = step.place(named) if named is not None else step.here
    runs = step.command.name in ("rake", "rails") and not _BUILDS_ONLY.search(" ".join(texts))
    yield Brought(Kind.RUN if runs else Kind.BUILT, place)


def _program(step: Step) -> Iterator[Brought]:
    """An interpreter, or a program that lies in the project."""
    command, texts = step.command, _texts(step)
    target = _after_option(step, "--install-dir")
    if target is not None:  # as Composer's installer has it
        yield Brought(Kind.BROUGHT, step.place(target))
        return
    own = step.values.shown(command.words[0])
    inside = "/" in own
    if (not texts and not inside) or any(map(_ONLY_ASKS.fullmatch, texts[:1])) or _inline(texts):
        return
    yield Brought(Kind.BUILT if _BUILDS_ONLY.search(" ".join([own, *texts])) else Kind.RUN, step.here)


def _inline(texts: list[str]) -> bool:
    """Whether a program is given its text on the command line (`python -c`), which then seldom makes files."""
    return bool(texts) and texts[0] != "-jar" and bool(re.fullmatch(r"-\w*[ceprE]", texts[0]))


def _other(step: Step) -> Iterator[Brought]:
    """A command that is known by its kind, or not at all."""
    command = step.command
    program = step.values.shown(command.words[0])
    if command.name.startswith("pip"):
        yield from _pip(step)
    elif _PROJECT.fullmatch(command.name):
        yield from (_python(step) if command.name.startswith(("python", "pypy")) else _program(step))
    elif "/" in program and step.here and below(step.place(command.words[0]), step.here):
        yield from _program(step)
    elif not (command.args and all(map(_ONLY_ASKS.fullmatch, _texts(step)))):
        yield Brought(Kind.UNKNOWN, step.here)


_READERS: Final[dict[str, _Reader]] = {
    **dict.fromkeys(("tar", "bsdtar"), _tar),
    "unzip": _unzip,
    "git": _git,
    "wget": _wget,
    "curl": _curl,
    **dict.fromkeys(("cp", "mv", "rsync", "install"), _copied),
    **dict.fromkeys(("npm", "yarn", "yarnpkg", "pnpm", "bun", "npx"), _javascript),
    **dict.fromkeys(("pip", "pip2", "pip3"), _pip),
    **dict.fromkeys(("virtualenv", "pyvenv"), _venv),
    "uv": _uv,
    **dict.fromkeys(("poetry", "pdm", "pipenv"), _poetry),
    "composer": _composer,
    **dict.fromkeys(("bundle", "bundler"), _bundle),
    "go": _go,
    "dotnet": _dotnet,
    **dict.fromkeys(_BUILDERS, _builds),
}
