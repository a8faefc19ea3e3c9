"""The bench on which images are tried: a container engine, through its API, with nothing left behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from fixer.errors import UsageError
from fixer.evidence import Built, Job, Recipe, Seen, Source, Trial
from fixer.tuples import NamedTuple
from fixer.verify.said import tidy

if TYPE_CHECKING:
    from fixer.verify.api import Api
    from fixer.verify.run import Ran, Runner

ENGINES = ("auto", "docker", "podman", "buildah")
_ANSWER = 60  # seconds for what an engine does at once


class Options(NamedTuple):
    """How images are tried.

    `timeout` is in seconds, for each build and each run; `settle` how long a service that stays up is watched after the
    last thing that was new. `network` opens the network of builds, never that of runs. `smoke` is a command that is run
    inside of each container that stays up, with its user: words by the rules of a shell, but no shell. `keep` leaves
    containers, volumes and images for a person to look at and to remove, by the label of `reaper.RUN`. `trace` runs a
    fixed image once more, under strace, where that is here.
    """

    timeout: int = 120
    settle: float = 3.0
    network: bool = False
    smoke: str = ""
    memory_mb: int = 1024
    pids: int = 512
    keep: bool = False
    trace: bool = True


class Bench(Protocol):
    """Where images are built and run."""

    name: str

    def try_out(self, job: Job, root: Path, options: Options) -> Trial:
        """Build and run the image of a job before and after its fix; `root` is the folder that its paths belong to.

        Raises:
            UsageError: when the engine stops answering.
        """
        ...

    def close(self) -> None:
        """Remove all that was made, and leave the engine."""
        ...


def open_bench(engine: str, say: Callable[[str], None]) -> Bench:
    """A bench on an engine, which is cleared of what earlier runs left there when they were killed.

    Args:
        engine: auto (the first that answers), docker, podman, or buildah.
        say: gets sentences about what goes on, for people who wait.

    Raises:
        UsageError: when there is no such engine, or it cannot do what is needed.
    """
    from fixer.verify import reaper

    if engine not in ENGINES:
        raise UsageError(f"there is no engine '{tidy(engine, 40)}'; choose one of {', '.join(ENGINES)}")
    if engine == "buildah":
        raise UsageError(
            "buildah has no API by which its containers can be observed; start Podman's, with 'systemctl --user start"
            " podman.socket', and choose podman"
        )
    api = _api(engine)
    left = reaper.sweep(api)
    if left:
        say(f"removed what a run left behind when it was killed ({left})")
    return _EngineBench(api, say)


def _api(engine: str) -> Api:
    """The first engine that answers, of the kind that is wanted."""
    from fixer.inspecting import clients

    try:
        import docker
        import requests
    except ImportError:
        raise UsageError(
            "asking an engine needs more packages; install them with: pip install 'nonroot-fixer[verify]'"
        ) from None
    from fixer.verify.api import Api

    others: list[str] = []
    for address in clients.addresses(os.environ):
        try:
            api = Api(clients.connect(address, _ANSWER), address)
        except (docker.errors.DockerException, requests.RequestException, OSError, ValueError, UsageError):
            continue
        if engine in ("auto", api.kind):
            return api
        others.append(api.kind)
        api.close()
    if others:
        raise UsageError(
            f"there is no {engine} here, but {others[0]} answers; choose --engine {others[0]}, or start {engine}"
        )
    wanted = "Docker or Podman" if engine == "auto" else engine.capitalize()
    raise UsageError(f"no container engine answers; start {wanted}, or name its socket in DOCKER_HOST")


class _EngineBench:
    """A bench on an engine that speaks Docker's API."""

    def __init__(self, api: Api, say: Callable[[str], None]) -> None:
        from fixer.verify.reaper import Mark

        self.name = api.name
        self._api = api
        self._say = say
        self._former = _end_on_signals()
        self._mark = Mark()
        self._shared: dict[object, Built] = {}  # what several jobs need, for as long as this bench is open
        self._kept: list[Mark] = []

    def try_out(self, job: Job, root: Path, options: Options) -> Trial:
        """Build and run the image of a job before and after its fix."""
        from fixer.verify import reaper

        mark = reaper.Mark(keep=True) if options.keep else self._mark
        if options.keep:
            self._kept.append(mark)
        try:
            return self._try_out(job, root, options, mark)
        finally:
            if not mark.keep:
                reaper.remove_all(self._api, mark, {built.image_id for built in self._shared.values()})

    def _try_out(self, job: Job, root: Path, options: Options, mark: Any) -> Trial:
        from fixer.verify.run import Bounds, Runner
        from fixer.verify.tracing import Side, seen_with_trace

        before = self._built(job, root, {}, options, mark)
        if not before.image_id:
            return Trial(job, before, Built(), engine=self.name)
        after = self._built(job, root, job.overlay, options, mark) if job.dockerfile else before
        if not after.image_id:
            return Trial(job, before, after, engine=self.name)
        bounds = Bounds(options.timeout, options.settle, options.memory_mb, options.pids, options.smoke)
        runners = (
            Runner(self._api, mark, bounds, self._partners(job, root, options, mark, fixed=False)),
            Runner(self._api, mark, bounds, self._partners(job, root, options, mark, fixed=True)),
        )
        old: list[Seen] = []
        new: list[Seen] = []
        for first, second in zip(job.before, job.after, strict=True):
            was, fixed = self._pair(runners, (before.image_id, first), (after.image_id, second))
            if options.trace:
                usual = Side(runners[0], before.image_id, first, was)
                fixed[0] = seen_with_trace(usual, Side(runners[1], after.image_id, second, fixed[0]), self._say)
            old.append(was)
            new += fixed
        return Trial(job, before, after, tuple(old), tuple(new), self.name)

    def _built(self, job: Job, root: Path, overlay: Mapping[str, bytes], options: Options, mark: Any) -> Built:
        if not job.dockerfile:
            return self._found(job.image)
        if not job.needed or mark.keep:
            return self._build(job, root, overlay, options, mark)
        key = (root, job.source, tuple(sorted(overlay.items())), options)
        if key not in self._shared:
            self._shared[key] = self._build(job, root, overlay, options, mark)
        return self._shared[key]

    def _build(self, job: Job, root: Path, overlay: Mapping[str, bytes], options: Options, mark: Any) -> Built:
        from fixer.verify.build import Bounds, build

        self._say(f"{tidy(job.image, 60)}: builds {'with the fix' if overlay else 'as it is'}")
        bounds = Bounds(options.timeout, options.network, options.memory_mb)
        return build(self._api, mark, job, root, overlay, bounds)

    def _partners(self, job: Job, root: Path, options: Options, mark: Any, *, fixed: bool) -> dict[Source, Built]:
        """The images that are built to run beside one of a job."""
        out = {}
        for source, overlay in job.beside.items():
            words = (source.dockerfile, source.dockerfile, source.context, source.target, source.args)
            out[source] = self._built(Job(*words, needed=True), root, overlay if fixed else {}, options, mark)
        return out

    def _found(self, image: str) -> Built:
        """An image that others make, as the engine has it."""
        from fixer.verify.api import Refused

        try:
            return Built(image_id=str(self._api.image(image)["Id"]))
        except Refused as problem:
            return Built(error=str(problem), missing=tidy(image, 200), untried=True)

    def _pair(
        self, runners: tuple[Runner, Runner], old: tuple[str, Recipe], new: tuple[str, Recipe]
    ) -> tuple[Seen, list[Seen]]:
        """Run both sides of a recipe: the original first, whose volumes the fixed one then gets beside fresh ones."""
        from fixer.verify.run import Before

        where = new[1].source or "as its image says"
        self._say(f"runs as it was, {tidy(where, 120)}")
        first = runners[0].run(*old)
        number = sum(port.protocol == "tcp" for port in first.seen.ports)
        before = Before(first.seen.written, first.seen.seconds, first.seen.exit_code is not None, number)
        self._say(f"runs with the fix, {tidy(where, 120)}")
        second = runners[1].run(*new, before=before)
        fixed = [second.seen]
        shared = {target: name for target, name in first.volumes.items() if target in second.volumes}
        if shared and _below(first, shared):
            self._say("runs with the fix, on the volumes that root has written")
            fixed.append(runners[1].run(*new, used=shared, before=before).seen)
        return first.seen, fixed

    def close(self) -> None:
        """Remove all that was made, and leave the engine."""
        from fixer.verify import reaper

        try:
            for mark in (self._mark, *self._kept):
                reaper.close(self._api, mark)
            reaper.sweep(self._api)  # what the engine was still making for a killed run when this one began
            self._api.close()
        finally:
            _restore(self._former)


def _below(ran: Ran, volumes: Mapping[str, str]) -> bool:
    """Whether a run wrote into one of the volumes."""
    return any(path.startswith(f"{target.rstrip('/')}/") for path in ran.kept for target in volumes)


def _end_on_signals() -> dict[int, Any]:
    """Let the signals that end a process unwind it, so that what it made is removed; the handlers that were there."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    former: dict[int, Any] = {}
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)):
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            former[number] = signal.signal(number, _end)
    return former


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _restore(former: Mapping[int, Any]) -> None:
    for number, handler in former.items():
        signal.signal(number, handler)
