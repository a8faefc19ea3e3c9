"""What a trial of an image is and what comes of it: plain values, made by `fixer.verify`, shown by `fixer.render`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from fixer.tuples import NamedTuple


class Word(StrEnum):
    """What a verdict says."""

    HOLDS = "holds"
    BROKEN_BEFORE = "was-broken-before"
    BROKEN = "broken-by-the-fix"
    NOT_PROVABLE = "not-provable-here"


class Kind(StrEnum):
    """What a container was refused, or what else differs between before and after."""

    BUILD = "build"
    PATH = "path"  # it may not write or read there
    PORT = "port"  # it may not listen there, or does not
    USER = "user"  # who runs is not who was meant, or may not become who it wants to be
    MISSING = "missing-file"  # what it opens or starts is not there
    CAPABILITY = "capability"  # an operation that only root may do
    EXIT = "exit"  # it ends, or ends otherwise
    ANSWER = "answer"  # HTTP, the health check or the smoke command says something else


class Mount(NamedTuple):
    """A volume of a container. `kind` is volume or tmpfs; `group` is who gets it (fsGroup), None for nobody.

    `copied` says whether a fresh volume gets what the image has there, with its owners: Docker does that, Kubernetes
    does not. `mode` are the permissions of a fresh one (0o777 for an emptyDir), None as the engine makes it. `options`
    are those of a tmpfs, as Docker has them (`uid=101,gid=101`).
    """

    target: str
    kind: str = "volume"
    read_only: bool = False
    group: int | None = None
    copied: bool = True
    mode: int | None = None
    options: str = ""


class Recipe(NamedTuple):
    """How a container is started, beyond what its image says.

    `source` says where that is written (`compose.yaml:4: service web`), "" for the image alone. `user`, `workdir`,
    `entrypoint` and `command` are "" and None where the image decides. `groups` are supplementary ones. `healthcheck`
    is the words of a health check (`CMD-SHELL`, ...), empty where the image decides. `needs` names the services that
    have to run beside it, each with its own recipe and image. Ports below 1024 are closed to all but root, as the
    strictest runtime has it; `sysctls` opens them with `net.ipv4.ip_unprivileged_port_start=0`, as Docker and Compose
    do by themselves since 20.10. `lacks` tells in words what it gets where it really runs and cannot get in a trial
    (secrets, folders of the host); `blind` says that configuration or keys are among that, so that a run which goes
    well without them proves nothing.
    """

    source: str = ""
    user: str = ""
    groups: tuple[int, ...] = ()
    workdir: str = ""
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    read_only: bool = False
    cap_drop: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    no_new_privileges: bool = False
    sysctls: tuple[tuple[str, str], ...] = ()
    healthcheck: tuple[str, ...] = ()
    needs: tuple[Needed, ...] = ()
    lacks: tuple[str, ...] = ()
    blind: bool = False


class Source(NamedTuple):
    """What an image is built from: a Dockerfile, the folder that is sent, the target, and what the build is given."""

    dockerfile: str
    context: str = ""
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()


class Needed(NamedTuple):
    """A service that has to run beside another: its name in their network, its image, and how it is started.

    `source` is what its image is built from, None for an image that the engine has to have.
    """

    name: str
    image: str
    recipe: Recipe = Recipe()
    source: Source | None = None


class Job(NamedTuple):
    """One image to try before and after.

    Paths are relative to the root of the tree. `image` is the name for people. `dockerfile` is "" for an image that
    others make, which is `image` then; `context` the folder that is sent, and `args` what the build is given.
    `overlay` holds the files that the fix changes, by path, as the fix leaves them. `before` and `after` are how it is
    started, in pairs. `users` are the uids that it should run as after the fix, `moved` its ports that move, old to
    new. `rules` are the rules whose fixes are tried, and `refused` why the fix leaves it as it is, "" when it does not.
    `beside` holds the like of `overlay` for each image that is built to run beside it, and `needed` says that it is
    such a one itself, for another job.
    """

    image: str
    dockerfile: str
    context: str = ""
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()
    overlay: Mapping[str, bytes] = MappingProxyType({})
    before: tuple[Recipe, ...] = (Recipe(),)
    after: tuple[Recipe, ...] = (Recipe(),)
    users: tuple[int, ...] = ()
    moved: Mapping[int, int] = MappingProxyType({})
    rules: tuple[str, ...] = ()
    refused: str = ""
    beside: Mapping[Source, Mapping[str, bytes]] = MappingProxyType({})
    needed: bool = False

    @property
    def source(self) -> Source:
        """What its image is built from."""
        return Source(self.dockerfile, self.context, self.target, self.args)


class Built(NamedTuple):
    """What became of a build: the id of the image, or the first real line of its failure and the step it failed in.

    `missing` names a base image that cannot be had here, and `network` says that a step wanted a network. `untried`
    says that nothing can be told of the build here, `error` why. `notes` are sentences about how it was built.
    """

    image_id: str = ""
    error: str = ""
    step: str = ""
    missing: str = ""
    network: bool = False
    secret: bool = False
    untried: bool = False
    notes: tuple[str, ...] = ()


class Process(NamedTuple):
    """A process as it was seen."""

    uid: int
    gid: int
    command: str


class Port(NamedTuple):
    """A port that listens, `tcp` or `udp`; `status` is that of an HTTP answer to `GET /`, None for none."""

    number: int
    protocol: str = "tcp"
    status: int | None = None


class Denied(NamedTuple):
    """Something that a container was refused: a path, a port or an operation; `seen` says where it was seen."""

    kind: Kind
    what: str
    seen: str


class Seen(NamedTuple):
    """What was observed of one container.

    `volumes` is fresh, or used where root has written them before. `error` is the engine's own when it did not start.
    `exit_code` is None while it ran to the end of the time, `seconds` how long it ran. `health` is healthy, unhealthy
    or "". `smoke` is the exit code of the smoke command, None without one. `written` are paths that it wrote, `setuid`
    set-uid files that are new. `absent` names the services that it needs and that did not run beside it. `notes` are
    sentences about what could not be observed, or was not given to it.
    """

    recipe: Recipe
    volumes: str = "fresh"
    error: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    processes: tuple[Process, ...] = ()
    ports: tuple[Port, ...] = ()
    health: str = ""
    smoke: int | None = None
    log: tuple[str, ...] = ()
    denied: tuple[Denied, ...] = ()
    written: tuple[str, ...] = ()
    setuid: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Trial(NamedTuple):
    """Both sides of a job: what was built and what was seen of it, one `Seen` for each recipe and kind of volumes."""

    job: Job
    built_before: Built
    built_after: Built
    before: tuple[Seen, ...] = ()
    after: tuple[Seen, ...] = ()
    engine: str = ""


class Cause(NamedTuple):
    """Why a fix breaks something: what kind, the path, port or user, one sentence, and the rule whose fix repairs it.

    `rule` is "" where none does.
    """

    kind: Kind
    what: str
    message: str
    rule: str = ""


class Verdict(NamedTuple):
    """What is said of one image. `observations` are sentences; a verdict that holds has at least one of a run."""

    image: str
    dockerfile: str
    word: Word
    observations: tuple[str, ...]
    causes: tuple[Cause, ...] = ()
    reason: str = ""
    engine: str = ""
    image_before: str = ""
    image_after: str = ""
    rules: tuple[str, ...] = ()


class Left(NamedTuple):
    """An image that the fix leaves as it is, so that nothing of it is tried: why, as a code and a sentence."""

    image: str
    dockerfile: str
    message: str


class Report(NamedTuple):
    """What a run of `fixer verify` found.

    `learnt` are lines that were written to the configuration `config`, and `notes` sentences about what was kept and
    what could not be.
    """

    verdicts: tuple[Verdict, ...] = ()
    left: tuple[Left, ...] = ()
    learnt: tuple[str, ...] = ()
    config: str = ""
    notes: tuple[str, ...] = ()
