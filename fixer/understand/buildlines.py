"""The builds that commands describe: `docker build` and its like in scripts, make files and the steps of CI, and the
calls of Jenkinsfiles and Tiltfiles.

Variables count where one plain text of the same file gives them their only value.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import islice

from fixer.lazy import regex
from fixer.syntax.shell import Command, commands
from fixer.tuples import NamedTuple
from fixer.understand.buildfacts import (
    TOP,
    UNKNOWN,
    Env,
    Hint,
    Said,
    Spot,
    docker_build,
    fill,
    inside,
    other_build,
    pairs,
)
from fixer.understand.builds import Build

_BUILDERS = ("docker", "podman", "buildah", "nerdctl")
_BUILDER = regex(r"\b(?:docker|podman|buildah|nerdctl|kaniko/executor)\b")
_BUILDS = regex(r"\b(?:build|bud|executor)\b")
_TAKES_VALUE = frozenset(
    "-t --tag -f --file --target --build-arg --platform --label --secret --ssh --cache-from --cache-to"
    " --network -o --output --progress --builder --add-host --iidfile --metadata-file --build-context"
    " --isolation --pull-policy --destination -d --dockerfile --context -c --format --volume -v --memory -m"
    " --cpus --ulimit --shm-size --annotation --attest --allow --call --cache-repo --registry-mirror".split()
)
# Folders of the checkout, as systems of CI call them.
CHECKOUT = dict.fromkeys(
    "CI_PROJECT_DIR GITHUB_WORKSPACE WORKSPACE CIRCLE_WORKING_DIRECTORY BUILD_SOURCESDIRECTORY".split(), TOP
)
_HERE = regex(
    r"""\$\(\s*dirname\s+(?:--\s+)?["']?(?:\$0|\$\{0\}|\$\{?BASH_SOURCE(?:\[0\])?\}?)["']?\s*\)|\$\{0%/\*\}"""
)
_TOPLEVEL = regex(r"\$\(\s*git\s+rev-parse\s+--show-toplevel\s*\)")
_PWD = regex(r"\$\(\s*pwd\s*\)|\$\{?PWD\}?|\$\(CURDIR\)")
_ABSOLUTE = regex(r"""\$\(\s*cd\s+["']?([^\s"')]+)["']?\s*(?:>\s*/dev/null\s*(?:2>&1)?\s*)?&&\s*pwd(?:\s+-P)?\s*\)""")


class Place(NamedTuple):
    """Where commands run: the folders that may be it, and how their file's variables are filled in.

    `line` is added to the lines that are counted in the text of the commands.
    """

    folders: tuple[str, ...]
    env: Env
    line: int = 0


def script(hint: Hint) -> Iterator[Build]:
    """The builds of a shell script, which runs in its own folder or at the top, or where it goes by itself."""
    text = _located(hint)
    env = {**_assigned(_ASSIGNMENT.findall(text))}
    folders = _moved(hint, text, env)
    yield from command_builds(hint, text, Place(folders, env))


def makefile(hint: Hint) -> Iterator[Build]:
    """The builds of a make file, whose recipes run in its folder; of one to be included, there or at the top."""
    text = hint.text
    rows = [(name, _MAKE_COMMENT.sub("", value).strip()) for name, value in _MAKE_VARIABLE.findall(text)]
    rows += [(name, UNKNOWN) for found in _MAKE_OTHERWISE.finditer(text) for name in found.groups() if name]
    env = _assigned([(name, _braced(value)) for name, value in rows])
    lines = [_recipe(line, env) if line.startswith("\t") else line for line in text.split("\n")]
    folders = (hint.folder, "") if hint.path.endswith(".mk") else (hint.folder,)
    yield from command_builds(hint, "\n".join(lines), Place(tuple(dict.fromkeys(folders)), {}))


def command_builds(hint: Hint, text: str, place: Place) -> Iterator[Build]:
    """The builds of all commands in a text."""
    for start, line in _build_lines(text):
        if not line.lstrip().startswith(("#", "//")):
            for command in commands(line.strip().lstrip("@-+")):
                before = start + len(line) - len(line.lstrip()) + command.start
                yield from _of_command(hint, place.line + text.count("\n", 0, before) + 1, command, place)


def _build_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that may build something, each with its place and with those that it continues or that continue it."""
    end = -1
    for match in _BUILDER.finditer(text):
        if match.start() < end:
            continue
        start = text.rfind("\n", 0, match.start()) + 1
        while start > 1 and text.endswith(("\\\n", "\\\r\n"), max(start - 3, 0), start):
            start = text.rfind("\n", 0, start - 1) + 1
        end = _line_end(text, match.end())
        while text.endswith(("\\", "\\\r"), max(end - 2, 0), end) and end < len(text):
            end = _line_end(text, end + 1)
        if _BUILDS.search(text, match.start(), end):
            yield start, text[start:end]


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _of_command(hint: Hint, line: int, command: Command, place: Place) -> Iterator[Build]:
    if command.name not in (*_BUILDERS, "executor"):
        return
    words = [word.text if word.literal else fill(word.text, place.env) for word in command.words[1:]]
    folders = place.folders
    if command.cwd is not None:
        moved = fill(command.cwd, place.env) if command.cwd else UNKNOWN
        folders = tuple(one for folder in folders if (one := inside(folder, moved)) is not None)
    found = [b for folder in folders for b in word_builds(hint, line, [command.name, *words], folder)]
    there = {build.dockerfile: build for build in found if not build.dockerfile.startswith("../")}
    if len(there) > 1:
        there = {path: build for path, build in there.items() if hint.read(path) is not None}
    if len(there) == 1:
        yield from there.values()
    elif not there and found and len({build.dockerfile for build in found}) == 1:
        yield found[0]


def word_builds(hint: Hint, line: int, words: list[str], folder: str) -> Iterator[Build]:
    """The build of one command, given as words with variables filled in, that runs in a folder."""
    name, rest = words[0], words[1:]
    if name == "executor":
        yield from _kaniko(hint, line, rest, folder)
        return
    start = next((n for n, word in enumerate(rest[:2]) if word in ("build", "bud")), None)
    if start is None:
        return
    options, context = _options(rest[start + 1 :])
    if context in ("", "-"):
        return
    target = _last(options, "--target")
    file = _last(options, "-f", "--file")
    if file == "-":
        return
    verb = " ".join([name, *rest[: start + 1]])
    images = tuple(value for option, value in options if option in ("-t", "--tag"))
    args = pairs([value for option, value in options if option == "--build-arg"], {})
    said = Said(context, file, target, images, args, base=folder)
    yield from docker_build(hint, Spot(line, verb), said, folder)


def _kaniko(hint: Hint, line: int, words: list[str], folder: str) -> Iterator[Build]:
    options, _ = _options(words)
    context = (_last(options, "--context", "-c") or TOP).removeprefix("dir://")
    images = tuple(value for option, value in options if option in ("--destination", "-d"))
    args = pairs([value for option, value in options if option == "--build-arg"], {})
    file = _last(options, "--dockerfile", "-f")
    said = Said(context, file, _last(options, "--target"), images, args)
    yield from docker_build(hint, Spot(line, "kaniko"), said, folder)


def _options(words: list[str]) -> tuple[list[tuple[str, str]], str]:
    """The options that take a value, in order, and the one other word; "" where there is none, or more than one.

    A second one is a variable that only the run knows, and that may hold any option.
    """
    options: list[tuple[str, str]] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        name, eq, value = word.partition("=")
        if name in _TAKES_VALUE:
            options.append((name, value if eq else next(rest, "")))
        elif name[:2] in ("-t", "-f") and len(name) > 2:
            options.append((word[:2], word[2:]))
        elif not word.startswith("-"):
            others.append(word)
    return options, others[0] if len(others) == 1 else ""


def _last(options: list[tuple[str, str]], *names: str) -> str | None:
    return next((value for name, value in reversed(options) if name in names), None)


# --- variables ---------------------------------------------------------------------------------------------------

_ASSIGNMENT = regex(
    r"^[ \t]*(?:(?:export|readonly|local|declare|typeset)[ \t]+(?:-\w+[ \t]+)*)?([A-Za-z_]\w*)=([^\n]*)$", re.MULTILINE
)
_MAKE_VARIABLE = regex(
    r"^(?!\t)[ ]*(?:(?:export|override)[ \t]+)*([A-Za-z_][\w.-]*)[ \t]*(?::{0,3}|\?)=[ \t]*([^\n]*)$", re.MULTILINE
)
# added to, defined over many lines, or given for one goal alone
_MAKE_OTHERWISE = regex(
    r"^(?!\t)(?:[ ]*define[ \t]+([\w.-]+)|[^\t\n#=:]+:[ \t]*([A-Za-z_][\w.-]*)[ \t]*[:?+]?="
    r"|([A-Za-z_][\w.-]*)[ \t]*\+=)",
    re.MULTILINE,
)
_MAKE_COMMENT = regex(r"(?:^|[ \t])#.*$")
_MAKE_NAME = regex(r"(?<!\$)\$[({]([A-Za-z_][\w.-]*)[)}]")


def _assigned(rows: list[tuple[str, str]]) -> dict[str, str | None]:
    """The variables that have one value, filled in; the others are None."""
    raw: dict[str, str | None] = {}
    for name, value in rows:
        value = _plain(value)
        raw[name] = value if raw.get(name, value) == value else None
    known: dict[str, str | None] = {}
    for name, one in raw.items():
        known[name] = None if one is None else _no_mere(fill(one, {**CHECKOUT, **raw, **known, name: None}))
    return known


def _no_mere(text: str) -> str | None:
    return None if text == UNKNOWN else text


def _plain(value: str) -> str:
    value = value.strip().rstrip(";")
    quoted = re.fullmatch(r"\"((?:[^\"\\])*)\"|'([^']*)'", value)
    return value if quoted is None else quoted[1] if quoted[1] is not None else quoted[2]


def _braced(value: str) -> str:
    """The variables of make as those of the shell."""
    return _MAKE_NAME.sub(lambda match: "${" + re.sub(r"\W", "_", match[1]) + "}", value)


def _recipe(line: str, env: Mapping[str, str | None]) -> str:
    """A line of a recipe as the shell gets it."""
    if "build" not in line and "$" not in line:
        return line
    line = line.replace("$(CURDIR)", ".").replace("${CURDIR}", ".").replace("$(PWD)", ".")
    names = {re.sub(r"\W", "_", name): value for name, value in env.items()}
    line = _MAKE_NAME.sub(lambda match: fill("${" + re.sub(r"\W", "_", match[1]) + "}", names), line)
    line = re.sub(r"(?<!\$)\$\([^()]*\)", UNKNOWN, line)
    return line.replace("$$", "$")


def _located(hint: Hint) -> str:
    """A script with the usual words for its own folder, and for the top of the repository, as places."""
    text = _HERE.sub(lambda _: posixpath.join(TOP, hint.folder) if hint.folder else TOP, hint.text)
    text = _TOPLEVEL.sub(lambda _: TOP, text)
    return _PWD.sub(".", _ABSOLUTE.sub(lambda match: match[1], text))


_CD = regex(r"^([ \t]*)(?:cd|pushd)[ \t]([^\n]*)$", re.MULTILINE)


def _moved(hint: Hint, text: str, env: Env) -> tuple[str, ...]:
    """The folders in which the builds of a script may run; none when it goes to a place that only the run knows.

    One that goes nowhere runs in its own folder or at the top: which of them has the Dockerfile decides.
    """
    homes = (hint.folder, "") if hint.folder else ("",)
    lines = list(_build_lines(text))
    moves = [move for move in _CD.finditer(text) if not any(at <= move.start() < at + len(line) for at, line in lines)]
    if not moves or not lines:
        return homes
    words = [re.split(r"[;&|]", move[2], maxsplit=1)[0].strip().removeprefix("-- ") for move in moves]
    goals = {fill(_plain(word), env) for word in words}
    if len(goals) > 1 or any(move[1] or move.start() > lines[0][0] for move in moves):
        return ()
    found = [inside(home, goal) for goal in goals for home in homes]
    return tuple(dict.fromkeys(one for one in found if one is not None))


# --- Jenkins and Tilt ----------------------------------------------------------------------------------------------

_JENKINS = regex(
    r"""docker\.build\(\s*(?P<q>["'])(?P<name>[^"'\n]*)(?P=q)\s*(?:,\s*(?P<r>["'])(?P<words>[^"\n]*?)(?P=r)\s*)?\)"""
)
_GROOVY_VARIABLE = regex(
    r"""^[ \t]*(?:def[ \t]+|String[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(["'][^"'\n]*["'])[ \t]*$""", re.MULTILINE
)
_GROOVY_SHELL = regex(r"""\bsh\b[ \t(]*(?:script:[ \t]*)?(?P<q>'''|\"\"\"|'|")(?P<body>.{0,9999}?)(?P=q)""", re.DOTALL)


def jenkinsfile(hint: Hint) -> Iterator[Build]:
    """The builds of a Jenkinsfile: `docker.build` and the commands of its `sh` steps, all at the top."""
    env: dict[str, str | None] = {**CHECKOUT, **_assigned(_GROOVY_VARIABLE.findall(hint.text))}
    if re.search(r"\bdir[ \t]*\(", hint.text):
        return  # a part of the steps runs in another folder, and only Groovy knows which
    for match in _JENKINS.finditer(hint.text):
        line = hint.text.count("\n", 0, match.start()) + 1
        words = [fill(word, env) for word in _words(match["words"] or ".")]
        for build in word_builds(hint, line, ["docker", "build", "-t", fill(match["name"], env), *words], ""):
            yield build._replace(evidence=f"{hint.path}:{line}: docker.build")
    for match in _GROOVY_SHELL.finditer(hint.text):
        if _BUILDER.search(match["body"]) is None:
            continue
        at = hint.text.count("\n", 0, match.start("body"))
        yield from command_builds(hint, match["body"], Place(("",), env, at))


def _words(text: str) -> list[str]:
    found = commands(f"build {text}")
    return [word.text for word in found[0].words[1:]] if found else []


_TILT_CALL = regex(r"(?<![\w.])(docker_build|custom_build|docker_build_with_restart)\(")
_PY_STRING = r"""(?:"[^"\n\\]*"|'[^'\n\\]*')"""
_TILT_ARGUMENT = regex(
    rf"\s*(?:(?P<name>[a-z_]+)\s*=\s*)?(?P<value>{_PY_STRING}|\{{[^{{}}]*\}}|\[[^\[\]]*\]|[^,()]+)\s*,?"
)
# more than anybody writes
_LONGEST_CALL = 10_000
_MOST_CALLS = 1_000
_TILT_PAIR = regex(rf"({_PY_STRING})\s*:\s*({_PY_STRING})")


def tiltfile(hint: Hint) -> Iterator[Build]:
    """The builds of a Tiltfile, as far as their arguments are plain texts."""
    for call in islice(_TILT_CALL.finditer(hint.text), _MOST_CALLS):
        if hint.text.rfind("#", hint.text.rfind("\n", 0, call.start()) + 1, call.start()) >= 0:
            continue
        inner = _balanced(hint.text, call.end())
        places: list[str] = []
        named: dict[str, str] = {}
        for match in _TILT_ARGUMENT.finditer(re.sub(r"(?m)^\s*#.*$", "", inner)):
            if match["name"]:
                named[match["name"]] = match["value"].strip()
            elif match["value"].strip():
                places.append(match["value"].strip())
        spot = Spot(hint.text.count("\n", 0, call.start()) + 1, call[1])
        yield from _tilt(hint, spot, call[1], places, named)


def _tilt(hint: Hint, spot: Spot, call: str, places: list[str], named: dict[str, str]) -> Iterator[Build]:
    order = ("ref", "context", "build_args", "dockerfile")
    given = {**dict(zip(order, places, strict=False)), **named}
    image = _string(given.get("ref", ""))
    if call == "custom_build":
        yield from other_build(hint, spot, "custom", (image,))
        return
    if "dockerfile_contents" in given:
        yield from other_build(hint, spot, "inline", (image,))
        return
    context, file, target = (_string(given[k]) if k in given else None for k in ("context", "dockerfile", "target"))
    args = tuple((_string(a), _string(b)) for a, b in _TILT_PAIR.findall(given.get("build_args", "")))
    base = None if file is None else hint.folder
    yield from docker_build(hint, spot, Said(context or UNKNOWN, file, target, (image,), args, base=base))


def _string(value: str) -> str:
    return value[1:-1] if re.fullmatch(_PY_STRING, value) else UNKNOWN


def _balanced(text: str, at: int) -> str:
    """The text up to the parenthesis that closes one before `at`."""
    depth = 1
    for match in re.finditer(rf"{_PY_STRING}|[()]", text[at : at + _LONGEST_CALL]):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return text[at : at + match.start()]
    return ""
