"""The applications of apps/, and what becomes of one: it works as root, it is fixed, and it is asked again."""

from __future__ import annotations

import re
import shutil
import time
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fixer import app
from fixer.config import Config, ImageConfig
from fixer.model import Goal, LowPorts, Result, Status
from fixer.understand.process import ON_PURPOSE
from tests.e2e.started import Started, from_compose, from_manifest

if TYPE_CHECKING:
    from tests.conftest import Engine

APPS = Path(__file__).parent / "apps"
MOVES_OFF_ROOT = ("DF001", "DF002", "DF003", "DF004")
_PATIENCE = 12.0


class Broke(Exception):
    """An application does not build, does not start, or fails its smoke test."""


class Case(NamedTuple):
    """One application, and what has to become of it (its case.toml).

    `what` says what it is about, and `smoke` are words that succeed inside of its running container. `expect` is
    `holds`, `refused` (root on purpose, as `code` says), `manual` (left for a person, as `code` says) or `repaired`
    (the fix alone breaks it, and it holds once somebody tells what `repair` says of its images, as fixer.toml would
    have it). `service` of its Compose file or the pod of `manifest` says how it is started, with `beside` as well;
    `healthy` asks for its health check. `lesson` tells what the case has taught.
    """

    name: str
    what: str
    smoke: tuple[str, ...]
    expect: str
    code: str = ""
    goal: str = "restricted"
    options: tuple[str, ...] = ()
    service: str = ""
    beside: tuple[str, ...] = ()
    manifest: str = ""
    healthy: bool = False
    repair: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    lesson: str = ""

    @property
    def config(self) -> Config:
        """What the command line would be, as a configuration."""
        ports = LowPorts.MOVE if self.options == ("--ports", "move") else LowPorts.KEEP
        return Config(goal=Goal(self.goal), ports=ports)


class Outcome(NamedTuple):
    """What became of an application: a word as in `expect`, `broken` or `root`; a reason code, and what was seen."""

    word: str
    code: str = ""
    detail: str = ""
    uids: tuple[str, ...] = ()
    seconds: float = 0.0


SEEN: list[tuple[Case, Outcome]] = []


class Ground(NamedTuple):
    """The engine, the label by which all is found again, and a folder for copies."""

    engine: Engine
    label: str
    folder: Path


def cases() -> tuple[Case, ...]:
    """All applications, by name."""
    return tuple(_case(file) for file in sorted(APPS.glob("*/case.toml")))


def _case(file: Path) -> Case:
    said: dict[str, Any] = tomllib.loads(file.read_text())
    said |= {key: tuple(value) for key, value in said.items() if isinstance(value, list)}
    return Case(name=file.parent.name, **said)


def outcome_of(ground: Ground, case: Case) -> Outcome:
    """What becomes of an application: this is all that the tests know of how it is tried.

    Raises:
        Broke: when it does not work as root.
    """
    began = time.monotonic()
    folder = ground.folder / case.name
    shutil.copytree(APPS / case.name / "app", folder)
    try:
        _work(ground, case, folder)
    except Broke as problem:
        raise Broke(f"it does not work as root: {problem}") from problem
    outcome = _fixed(ground, case, folder, case.config)
    if case.repair and outcome.word == "broken":
        outcome = _repaired(ground, case, folder, outcome)
    return outcome._replace(seconds=time.monotonic() - began)


def _fixed(ground: Ground, case: Case, folder: Path, config: Config) -> Outcome:
    result = app.write_changes(app.fix(folder, config=config))
    if result.skipped:
        return Outcome("skipped", result.skipped[0].reason, result.skipped[0].message)
    left = _left(result)
    try:
        uids = _work(ground, case, folder)
    except Broke as problem:
        return Outcome("broken", left, f"{problem}\n{_risks(result)}\n{_dockerfiles(folder)}")
    if left:
        return Outcome("refused" if left in ON_PURPOSE else "manual", left, uids=uids)
    return Outcome("root" if "0" in uids else "holds", uids=uids)


def _repaired(ground: Ground, case: Case, folder: Path, broken: Outcome) -> Outcome:
    """What becomes of it when somebody has told what it writes."""
    shutil.rmtree(folder)
    shutil.copytree(APPS / case.name / "app", folder)
    images = {
        name: ImageConfig(told.get("user", ""), tuple(told.get("writable", ()))) for name, told in case.repair.items()
    }
    again = _fixed(ground, case, folder, case.config._replace(images=images))
    return again._replace(word="repaired", detail=broken.detail) if again.word == "holds" else again


def _left(result: Result) -> str:
    """Why an image stays as it is, "" when none does."""
    found = (f.refusal for f in result.findings if f.rule in MOVES_OFF_ROOT and f.status is Status.REFUSED)
    return next((refusal.code for refusal in found if refusal is not None), "")


def _risks(result: Result) -> str:
    told = dict.fromkeys(f"{f.fix.safety.word}: {f.fix.risk}" for f in result.findings if f.fix is not None)
    return "\n".join(told)


def _dockerfiles(folder: Path) -> str:
    return "\n".join(file.read_text() for file in sorted(folder.rglob("Dockerfile")))


def _work(ground: Ground, case: Case, folder: Path) -> tuple[str, ...]:
    """Build and start an application, and ask its smoke test; who its processes are.

    Raises:
        Broke: with what was said.
    """
    volumes = f"fixer-e2e-{uuid.uuid4().hex[:12]}"
    try:
        with _running(ground, _started(case, folder, volumes, case.service)) as container:
            for service in case.beside:
                with _running(ground, _started(case, folder, volumes, service)):
                    _smoke(ground, case, container)
            if not case.beside:
                _smoke(ground, case, container)
            return _uids(ground, container)
    finally:
        left = ground.engine.docker("volume", "ls", "-q", "--filter", f"name={volumes}").stdout.split()
        if left:
            ground.engine.docker("volume", "rm", "-f", *left)


def _started(case: Case, folder: Path, volumes: str, service: str) -> Started:
    if case.manifest:
        return from_manifest(folder / case.manifest, folder)
    if service:
        return from_compose(folder / "compose.yaml", service, volumes)
    return Started(folder, ("--cap-drop=ALL", "--security-opt=no-new-privileges") if _left_root(folder) else ())


def _left_root(folder: Path) -> bool:
    """Whether the image says that it is not root: then it needs no capabilities either."""
    users = re.findall(r"(?m)^USER (\S+)", (folder / "Dockerfile").read_text())
    return bool(users) and users[-1] not in ("root", "0")


@contextmanager
def _running(ground: Ground, started: Started) -> Iterator[str]:
    docker, label = ground.engine.docker, f"--label=fixer-test={ground.label}"
    built = docker("build", "-q", "--network=none", label, started.context)
    if built.returncode:
        raise Broke(f"it does not build:\n{built.stderr[-2000:]}")
    run = docker("run", "-d", "--network=none", label, *started.options, built.stdout.strip(), *started.words)
    container = run.stdout.strip()
    try:
        if run.returncode:
            raise Broke(f"it does not start: {run.stderr}")
        yield container
    except Broke as problem:
        logs = docker("logs", "--tail=15", container)
        raise Broke(f"{problem}\n{logs.stdout}{logs.stderr}") from problem
    finally:
        docker("rm", "-f", "-v", container)


def _smoke(ground: Ground, case: Case, container: str) -> None:
    """Ask until it passes; a container that has ended will never pass."""
    docker, end = ground.engine.docker, time.monotonic() + _PATIENCE
    while True:
        state = docker(
            "inspect", "-f", "{{.State.Running}} {{if .State.Health}}{{.State.Health.Status}}{{end}}", container
        )
        running, _, health = state.stdout.strip().partition(" ")
        if running != "true":
            raise Broke("it does not stay up")
        done = docker("exec", container, *case.smoke)
        if done.returncode == 0 and (health == "healthy" or not case.healthy):
            return
        if time.monotonic() > end:
            raise Broke(f"the smoke test fails ({health or 'no health check'}): {done.stdout}{done.stderr}")
        time.sleep(0.2)


def _uids(ground: Ground, container: str) -> tuple[str, ...]:
    top = ground.engine.docker("top", container, "-eo", "uid,pid")
    return tuple(sorted({line.split()[0] for line in top.stdout.splitlines()[1:] if line.strip()}))
