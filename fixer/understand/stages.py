"""Stages as a graph: who starts from whom, what each variable holds where, and which stages run."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from weakref import ReferenceType, ref

from fixer.facts import ImageFacts, Known
from fixer.lazy import lazy
from fixer.syntax.dockerfile import Dockerfile, Instruction, unquote
from fixer.syntax.expand import expand, is_plain
from fixer.tuples import NamedTuple

# Set by BuildKit in every build; the values depend on the machine that builds.
_PLATFORM_ARGS = dict.fromkeys(
    "TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM BUILDOS BUILDARCH BUILDVARIANT TARGETSTAGE".split()
)
_PREDEFINED_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")

Variables = Mapping[str, "str | None"]


class Inherited(NamedTuple):
    """What an image that a Dockerfile of the repository makes hands down to one that starts from it.

    `workdir` and the values of `env` are None where only the build knows them.
    """

    env: Variables
    workdir: str | None
    volumes: tuple[str, ...]


Inherit = Callable[[str], "Inherited | None"]
"""Tells what a base image hands down; None for one that the repository does not make."""


class Stage:
    """One stage of a Dockerfile.

    `base` is the image or stage name with variables expanded, None when only the build knows it; `parent` is the
    stage it starts from, if it is one of this file. `body` are its instructions without FROM. `elders` are the stages
    that it starts from, the eldest first, and `root_base` is the image that the eldest of all starts from, as `base`.
    """

    def __init__(  # noqa: PLR0913 - a dataclass takes a millisecond of every start
        self,
        index: int,
        name: str,
        base: str | None,
        base_text: str,
        start: Instruction,
        parent: Stage | None,
        body: tuple[Instruction, ...],
        meta: Variables,
        escape: str,
        build_args: Mapping[str, str],
        known: Known,
        inherit: Inherit,
    ) -> None:
        self.index = index
        self.name = name
        self.base = base
        self.base_text = base_text
        self.start = start
        self.parent = parent
        self.body = body
        self.meta = meta
        self.escape = escape
        self.build_args = build_args
        self.known = known
        self._inherit = inherit
        # No circles: what belongs to one file is gone when the file is done, without a search for garbage.
        self._children: list[ReferenceType[Stage]] = []
        self.elders: tuple[Stage, ...] = parent.chain if parent else ()
        self.root_base: str | None = parent.root_base if parent else base
        self._by_keyword: dict[str, list[Instruction]] = {}
        for item in body:
            self._by_keyword.setdefault(item.keyword, []).append(item)

    @property
    def chain(self) -> tuple[Stage, ...]:
        """This stage and those it starts from, the eldest first."""
        return (*self.elders, self)

    @property
    def children(self) -> list[Stage]:
        """The stages that start from this one."""
        return [child for reference in self._children if (child := reference()) is not None]

    @lazy
    def base_facts(self) -> ImageFacts | None:
        """What is known about the image at the end of the chain."""
        return self.known(self.root_base)

    @lazy
    def inherited(self) -> Inherited | None:
        """What the image at the end of the chain hands down, where the repository makes it."""
        base = self.root_base
        return self._inherit(base) if base and self.base_facts is None else None

    @property
    def _base_env(self) -> Variables:
        if self.inherited is not None:
            return self.inherited.env
        return self.base_facts.env if self.base_facts is not None else {}

    @property
    def _base_workdir(self) -> str | None:
        if self.inherited is not None:
            return self.inherited.workdir
        return (self.base_facts.workdir if self.base_facts is not None else "") or "/"

    @property
    def unset(self) -> str | None:
        """What a variable is that the file never sets: empty on scratch, else whatever the base image sets, unknown."""
        return "" if self.root_base == "scratch" else None

    @property
    def platform(self) -> str:
        """The value of `--platform` of the eldest stage, or an empty string."""
        flag = self.chain[0].start.flag("platform")
        return flag.value or "" if flag else ""

    def of(self, keyword: str) -> Sequence[Instruction]:
        """The instructions of this keyword, in order."""
        return self._by_keyword.get(keyword, ())

    @lazy
    def _environments(self) -> dict[int, dict[str, str | None]]:
        return dict(self._walk_environment())

    def _walk_environment(self) -> Iterator[tuple[int, dict[str, str | None]]]:
        fixed: dict[str, str | None] = dict(self.parent.final_env) if self.parent else dict(self._base_env)
        args: dict[str, str | None] = dict.fromkeys(_PREDEFINED_PROXY)
        if self.parent:
            args |= self.parent.final_args
        current: dict[str, str | None] | None = None
        for item in self.body:
            if current is None:
                current = {**args, **fixed}
            yield item.index, current
            if item.keyword == "ENV":
                for key, value in pairs(item):
                    fixed[key] = expand(value, current, self.escape, self.unset)
                current = None
            elif item.keyword == "ARG":
                for key, default in declared(item):
                    args[key] = self._arg(key, default, current)
                current = None
        self._final = fixed
        self._final_args = args
        yield -1, {**args, **fixed}

    def _arg(self, key: str, default: str | None, env: Variables) -> str | None:
        if key in self.build_args:
            return self.build_args[key]
        if default is not None:
            return expand(default, env, self.escape, self.unset)
        return self.meta.get(key, _PLATFORM_ARGS.get(key))

    @property
    def final_env(self) -> Mapping[str, str | None]:
        """The ENV of the image after this stage: what children and the process see, without ARG."""
        _ = self._environments
        return self._final

    @property
    def final_args(self) -> Mapping[str, str | None]:
        """The ARG values that a stage which starts from this one inherits."""
        _ = self._environments
        return self._final_args

    def env(self, item: Instruction) -> Variables:
        """The variables an instruction of this stage sees, ENV over ARG."""
        return self._environments[item.index]

    def expand(self, text: str, item: Instruction) -> str | None:
        """A word of an instruction with its variables replaced; None when only the build knows the value."""
        if is_plain(text, self.escape):
            return text  # without a look at the variables, which many a stage is never asked for
        return expand(text, self.env(item), self.escape, self.unset)

    @lazy
    def _workdirs(self) -> tuple[dict[int, str | None], str | None]:
        here: str | None = self.parent.final_workdir if self.parent else self._base_workdir
        out: dict[int, str | None] = {}
        for item in self.body:
            if item.keyword == "WORKDIR":
                value = self.expand(item.args, item)
                here = (
                    None if value is None or (here is None and not value.startswith("/")) else join(here or "/", value)
                )
            out[item.index] = here
        return out, here

    def workdir(self, item: Instruction) -> str | None:
        """The working directory in force at an instruction (for WORKDIR itself: the new one)."""
        return self._workdirs[0][item.index]

    @property
    def final_workdir(self) -> str | None:
        """The working directory of the image after this stage."""
        return self._workdirs[1]

    @property
    def sets_workdir(self) -> bool:
        """Whether the file names a WORKDIR for this stage, here or in a stage it starts from."""
        return any(True for stage in self.chain for _ in stage.of("WORKDIR"))


def join(folder: str, path: str) -> str:
    """An absolute, normalised container path."""
    whole = path if path.startswith("/") else posixpath.join(folder, path)
    if whole.startswith("/") and "//" not in whole and "/." not in whole and whole[-1] != "/":
        return whole  # as most are written
    return posixpath.normpath(whole).replace("//", "/")


def pairs(item: Instruction) -> list[tuple[str, str]]:
    """Names and raw values of an ENV or LABEL instruction, in both of its forms."""
    words = item.texts
    if not words:
        return []
    if "=" not in words[0]:
        rest = item.args[len(words[0]) :].strip()
        return [(words[0], rest)]
    return [(unquote(name, item.escape), value) for name, eq, value in (w.partition("=") for w in words) if eq]


def declared(item: Instruction) -> list[tuple[str, str | None]]:
    """Names and raw defaults of an ARG instruction; None where it has no default."""
    out: list[tuple[str, str | None]] = []
    for word in item.texts:
        name, eq, value = word.partition("=")
        out.append((unquote(name, item.escape), value if eq else None))
    return out


def stages(
    dockerfile: Dockerfile,
    build_args: Mapping[str, str] | None = None,
    known: Known = lambda reference: None,
    inherit: Inherit = lambda reference: None,
) -> tuple[Stage, ...]:
    """The stages of a Dockerfile, linked to each other.

    Args:
        dockerfile: a parsed file.
        build_args: values of `--build-arg` from the configuration.
        known: tells what is known about an outside base image.
        inherit: tells what a base image hands down that the repository makes.
    """
    given = build_args or {}
    meta: dict[str, str | None] = dict(_PLATFORM_ARGS)
    out: list[Stage] = []
    by_name: dict[str, Stage] = {}
    for item, body in _cut(dockerfile):
        if item.keyword == "ARG":
            for key, default in declared(item):
                meta[key] = given.get(key, expand(default, meta, dockerfile.escape) if default is not None else None)
            continue
        text = item.texts[0]
        base = expand(text, meta, dockerfile.escape)
        name = item.texts[2].lower() if len(item.texts) == 3 else ""
        parent = by_name.get((base or "").lower())
        stage = Stage(
            len(out),
            name,
            base or None,
            text,
            item,
            parent,
            tuple(body),
            dict(meta),
            dockerfile.escape,
            given,
            known,
            inherit,
        )
        if parent:
            parent._children.append(ref(stage))
        out.append(stage)
        if name:
            by_name[name] = stage
    return tuple(out)


def _cut(dockerfile: Dockerfile) -> Iterator[tuple[Instruction, list[Instruction]]]:
    """ARG instructions before the first FROM one by one, then each FROM with its body."""
    start: Instruction | None = None
    body: list[Instruction] = []
    for item in dockerfile:
        if item.keyword == "FROM":
            if start is not None:
                yield start, body
            start, body = item, []
        elif start is None:
            yield item, []
        else:
            body.append(item)
    if start is not None:
        yield start, body


def runtime_stages(all_stages: tuple[Stage, ...], targets: Iterable[str] = ()) -> tuple[Stage, ...]:
    """The stages whose images run: those that the repository names as build targets, and the last one."""
    wanted = {t.lower() for t in targets}
    named = [s for s in all_stages if (s.name and s.name in wanted) or str(s.index) in wanted]
    last = all_stages[-1]
    return tuple(named) if last in named else (*named, last)
