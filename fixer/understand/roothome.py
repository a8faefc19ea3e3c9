"""What an image keeps under /root, which nobody but root may enter, and how another user gets at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename

from fixer.lazy import regex
from fixer.model import Span
from fixer.syntax.dockerfile import Instruction
from fixer.tuples import NamedTuple
from fixer.understand.image import Copy, Image, holds
from fixer.understand.making import below
from fixer.understand.places import steps
from fixer.understand.process import Running
from fixer.understand.stages import Stage
from fixer.understand.writable import writable

HOME = "/root"
PLACE = "/app"
_ROOT = regex(r"(?<![\w.-])/root(?![\w.-])")
_TILDE = regex(r"(?<![\w/~])~(?=/|\s|$)|\$HOME\b|\$\{HOME\}")
_MOVED_OFF = regex(r"\b(?:mv|cp|install)\b[^&;|\n]*(?:/root|~|\$HOME)")
# Installers that put what they bring below $HOME, with the variables that say otherwise.
_INSTALLERS = (
    ("rustup", regex(r"sh\.rustup\.rs|rustup-init"), ("CARGO_HOME",)),
    ("nvm", regex(r"nvm-sh/nvm|creationix/nvm"), ("NVM_DIR",)),
    ("uv", regex(r"astral\.sh/uv"), ("UV_INSTALL_DIR", "UV_UNMANAGED_INSTALL", "XDG_BIN_HOME")),
    ("poetry", regex(r"install\.python-poetry\.org|get-poetry"), ("POETRY_HOME",)),
    ("bun", regex(r"bun\.sh/install"), ("BUN_INSTALL",)),
    ("deno", regex(r"deno\.land/(?:x/)?install"), ("DENO_INSTALL",)),
    ("pyenv", regex(r"pyenv\.run|pyenv-installer"), ("PYENV_ROOT",)),
    ("pip --user", regex(r"\bpip[\d.]*\s+install\b[^&|;]*\s--user\b"), ("PYTHONUSERBASE",)),
    ("pipx", regex(r"\bpipx install\b"), ("PIPX_HOME",)),
    ("playwright", regex(r"\bplaywright install(?![\w-])"), ("PLAYWRIGHT_BROWSERS_PATH",)),
    ("conda", regex(r"(?i:conda)\S*\.sh\b(?![^&;|]*\s-\w*p)[^&;|]*\s-\w*b"), ()),
    ("mix", regex(r"\bmix\s+(?:do\s.*)?(?:local\.(?:hex|rebar)|archive\.install)"), ("MIX_HOME",)),
    ("volta", regex(r"get\.volta\.sh"), ("VOLTA_HOME",)),
    ("sdkman", regex(r"get\.sdkman\.io"), ("SDKMAN_DIR",)),
)
# Settings that a step writes below the home folder for the build itself, or for people at a shell.
_FOR_THE_BUILD = regex(
    r"\.(?:bash\w*|profile|zsh\w*|inputrc|vimrc|hushlogin|npmrc|yarnrc\S*|netrc|gitconfig|wgetrc|curlrc|pypirc|condarc"
    r"|gemrc|pip|ssh|cache|gnupg|npm|m2|gradle|cargo|docker|aws|oh-my-zsh|config/(?:pip|git|fish|composer))(?:/.*)?"
)
_CHANGES = frozenset({"chmod", "chown", "sed", "dos2unix", "touch"})
_HIDDEN = regex(r"(?:~|\$HOME|\$\{HOME\}|/root)/(\..+)")
# One of these words stands in every file that this module has something to say about.
_SIGNS = (
    "/root", "~", "$HOME", "${HOME", "rustup", "nvm", "astral.sh", "poetry", "bun.sh", "deno.land", "pyenv", "--user",
    "pipx", "playwright", "volta", "sdkman", "conda", "mix",
)  # fmt: skip


class RootHome(NamedTuple):
    """What is needed under /root, and the way out.

    `needs` are instructions with the words that say why; `spans` are the mentions of /root to replace, empty when they
    cannot all be replaced; `copies` are the COPY and ADD of the stage that fill it; `workdir` is the final working
    directory when it lies there, else empty.
    """

    needs: tuple[tuple[Instruction, str], ...]
    spans: tuple[Span, ...]
    copies: tuple[Copy, ...]
    workdir: str
    sets_home: bool


def root_home(running: Running, others: tuple[Stage, ...] = ()) -> RootHome | None:
    """What the process of an image needs under /root, or None.

    Args:
        running: the process and its image.
        others: all stages of the file; one of them may take what this one keeps under /root.
    """
    image = running.image
    if image.family == "scratch" or not holds(image.stage.start.source, _SIGNS):
        return None
    needs = tuple(_needs(image))
    if not needs:
        return None
    workdir = image.workdir or ""
    return RootHome(
        needs,
        _replaceable(running, others),
        tuple(c for c in image.copies if c.destination is not None and below(c.destination, HOME)),
        workdir if image.stage.sets_workdir and below(workdir, HOME) else "",
        image.stage.final_env.get("HOME", HOME) != HOME,
    )


def _needs(image: Image) -> Iterator[tuple[Instruction, str]]:
    written = HOME in image.stage.start.source
    works_there = written and image.stage.sets_workdir and below(image.workdir or "/", HOME)
    for stage in image.stage.chain:
        for item in stage.body:
            if not written and item.keyword in ("WORKDIR", "ENV", "COPY", "ADD"):
                continue
            why = _why(image, stage, item, works_there)
            if why:
                yield item, why


def _why(image: Image, stage: Stage, item: Instruction, works_there: bool) -> str:
    """Why the process needs /root because of one instruction; empty when it does not."""
    if item.keyword == "WORKDIR":
        return f"works in {image.workdir}" if works_there and stage.workdir(item) == image.workdir else ""
    if item.keyword == "ENV":
        return "a variable points there" if _points_there(image, item) else ""
    if item.keyword in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
        starts = item in (p.item for p in (image.entrypoint, image.cmd) if p is not None)
        known = _ROOT.search(item.args) or _TILDE.search(item.args)
        return "the command names it" if known and (starts or item.keyword == "HEALTHCHECK") else ""
    if item.keyword in ("COPY", "ADD"):
        return _copied(image, item, works_there)
    return _installed(image, stage, item) if item.keyword == "RUN" else ""


def _points_there(image: Image, item: Instruction) -> bool:
    """Whether a variable names what is there: HOME itself, the folder of a tool, or something that a step makes."""
    text = image.stage_of(item).expand(item.args, item) or item.args
    if not _ROOT.search(text):
        return False
    if re.search(r"\b(?:HOME|PATH)\b|/root/\.", text):
        return True
    return any(
        _ROOT.search(i.logical) or _TILDE.search(i.logical) for i in image.body if i.keyword in ("RUN", "COPY", "ADD")
    )


def _copied(image: Image, item: Instruction, works_there: bool) -> str:
    copy = next(c for c in image.all_copies if c.item is item)
    if copy.destination is None or not below(copy.destination, HOME):
        return ""
    place = copy.destination
    used = any(i.keyword == "RUN" and place in i.logical and _uses(image, i, place) for i in image.body)
    return "" if used and not works_there else f"{item.keyword} puts {copy.destination} there"


def _uses(image: Image, item: Instruction, place: str) -> bool:
    """Whether a step is what a file is there for: it does more with it than to change it in its place."""
    found = _HIDDEN.fullmatch(place)
    if found is not None and _FOR_THE_BUILD.fullmatch(found[1]):
        return True
    named = [step for step in steps(image, item) if any(place in word.text for word in step.command.words)]
    return not named or any(step.command.name not in _CHANGES for step in named)


def _installed(image: Image, stage: Stage, item: Instruction) -> str:
    if image.user_at(item).root is False or stage.env(item).get("HOME", HOME) != HOME:
        return ""
    env = stage.env(item)
    for name, found, variables in _INSTALLERS:
        if (
            name.split()[0] not in item.logical
            or not found.search(item.logical)
            or any(v in env or v in item.logical for v in variables)
        ):
            continue
        if name == "mix" and not {"mix", "iex"} & {basename(word or "") for word in image.process_words}:
            continue  # a release brings all that it needs
        if _moved_off(image, item):
            continue
        return f"{name} installs there"
    return _settings(image, item)


def _moved_off(image: Image, item: Instruction) -> bool:
    """Whether a step, or one behind it, takes things out of the home folder."""
    return any(i.keyword == "RUN" and i.index >= item.index and _MOVED_OFF.search(i.logical) for i in image.body)


def _settings(image: Image, item: Instruction) -> str:
    """Why the process needs what a step writes into hidden folders of the home, where programs look for settings."""
    if not holds(item.logical, (">", "tee ")) or not _HIDDEN.search(item.logical) or _moved_off(image, item):
        return ""
    for one in image.shell(item).writes:
        found = _HIDDEN.fullmatch(one.path)
        if found is not None and not _FOR_THE_BUILD.fullmatch(found[1]):
            return f"writes ~/{found[1]} there"
    return ""


def _replaceable(running: Running, others: tuple[Stage, ...]) -> tuple[Span, ...]:
    """The mentions of /root, when each is a plain path of this stage that may as well be another; else nothing."""
    image = running.image
    stage = image.stage
    out: list[Span] = []
    filled = False
    for item in image.body:
        text = item.logical
        if (
            re.search(rf"(?<![\w.-]){PLACE}(?![\w.-])", text)
            or _TILDE.search(text)
            or any(f.search(text) for _, f, _ in _INSTALLERS)
        ):
            return ()
        if not _ROOT.search(text) and not any(HOME in doc.content for doc in item.heredocs):
            continue
        if item not in stage.body or item.keyword not in (
            "WORKDIR",
            "COPY",
            "ADD",
            "ENV",
            "CMD",
            "ENTRYPOINT",
            "HEALTHCHECK",
        ):
            return ()
        found = _spans(image, item)
        if not found:
            return ()
        out += found
        filled = filled or item.keyword in ("WORKDIR", "COPY", "ADD")
    if not filled:
        return ()  # something out of sight put it there
    if any(_TILDE.search(s.text) or _ROOT.search(s.text) for s in running.scripts):
        return ()
    if any(below(one.path, HOME) for one in writable(running)) or _taken_elsewhere(stage, others):
        return ()
    return tuple(out)


def _spans(image: Image, item: Instruction) -> list[Span]:
    """Mentions of /root in one instruction; none when one of them must stay."""
    start = item.args_start
    found = list(_ROOT.finditer(item.logical, start))
    if re.search(r"/root/\.", item.logical) or item.heredocs:
        return []  # what lies in a home folder because programs look for it there
    if item.keyword in ("COPY", "ADD"):
        copy = next(c for c in image.copies if c.item is item)
        if any(below(source, HOME) for source in copy.sources):
            return []
    return [item.source_span(m.start(), m.end()) for m in found]


def _taken_elsewhere(stage: Stage, others: tuple[Stage, ...]) -> bool:
    """Whether another stage starts from this one or copies from it what lies under /root."""
    names = {stage.name, str(stage.index)} - {""}
    if stage.children:
        return True
    return any(
        (flag := item.flag("from")) is not None and (flag.value or "").lower() in names and _ROOT.search(item.args)
        for other in others
        for item in other.body
        if item.keyword == "COPY"
    )
