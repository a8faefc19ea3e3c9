"""Cases, and how one is proved: built and run as root, fixed, built and run again as somebody else, fixed again."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fixer import app
from fixer.config import Config
from fixer.model import Safety, Status

if TYPE_CHECKING:
    from tests.conftest import Engine

APP = "the static program of app.c"
NARROW = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges")
_BASH_GET = (
    "exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET {path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && cat <&3"
)
_PATIENCE = 12


class Broke(Exception):
    """An image does not build, does not run, or does not do its work."""


@dataclass(frozen=True)
class Serves:
    """The program stays up and answers HTTP on `port`; `check` is a shell command that must then succeed inside."""

    port: int
    answer: str
    path: str = "/"
    check: str = ""


@dataclass(frozen=True)
class Stays:
    """The program stays up, and `check` succeeds inside the container."""

    check: str = ""


@dataclass(frozen=True)
class Exits:
    """The program ends with 0 and says `says`; it prints `uid=NUMBER` too, which is how one knows who it was."""

    says: str = ""


@dataclass(frozen=True)
class Case:
    """One Dockerfile with its context, what its program has to do, and what has to become of it.

    `expect` is `safe` or `review` (fixed, and works), `breaks` (fixed as `review`, the program does not work, and
    `told` stands in the risk: the honest loss), `clean` (nothing to do), or `refused:CODE` (left as it is). `known`
    names a fault that is not repaired yet: the case has to fail.
    """

    name: str
    text: str
    does: Serves | Stays | Exits
    expect: str = "safe"
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    run: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    uid: str = ""
    told: str = ""
    known: str = ""
    holds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def left_alone(self) -> bool:
        return self.expect == "clean" or self.expect.startswith("refused:")

    @property
    def works(self) -> bool:
        """Whether it has to work after the fix; that it works before is tried with FIXER_ALL only."""
        return self.expect in ("safe", "review")


@dataclass
class Report:
    """What became of a case; `failures` is empty when all is as it should be."""

    base: str
    name: str
    safety: str = ""
    verdict: str = ""
    uids: tuple[str, ...] = ()
    seconds: float = 0.0
    risk: str = ""
    after: str = ""
    failures: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """The engine, the bases that stand in, the static program, and the label by which all is found again."""

    engine: Engine
    label: str
    stand_ins: dict[str, str]
    program: bytes


def lay_out(case: Case, folder: Path, program: bytes) -> None:
    """Write the Dockerfile (byte for byte) and its context."""
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_bytes(case.text.encode())
    for name, content in case.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        data = program if content is APP else content.encode() if isinstance(content, str) else content
        file.write_bytes(data)
        file.chmod(case.modes.get(name, 0o755 if content is APP or data.startswith(b"#!") else 0o644))
    for name, mode in case.modes.items():
        (folder / name).chmod(mode)


def stood_in(folder: Path, stand_ins: Mapping[str, str]) -> None:
    """Name the images that stand in for real ones; nothing else changes."""
    file = folder / "Dockerfile"
    text = file.read_bytes().decode()
    for real, name in stand_ins.items():
        image, _, tag = real.partition(":")
        spellings = [real, f"{image}:${{TAG}}"] + ([image] if tag == "latest" else [])
        for spelling in spellings:
            text = re.sub(rf"(?im)^(from(?:\s+--\S+)*\s+){re.escape(spelling)}(?=\s|$)", rf"\g<1>{name}", text)
    file.write_bytes(text.encode())


def prove(bench: Bench, base: str, case: Case, folder: Path) -> Report:
    """Prove one case."""
    report = Report(base, case.name)
    start = time.monotonic()
    try:
        _prove(bench, case, folder, report)
    except Broke as problem:
        report.failures.append(str(problem))
    report.seconds = time.monotonic() - start
    return report


def _prove(bench: Bench, case: Case, folder: Path, report: Report) -> None:
    before, after = folder / "before", folder / "after"
    lay_out(case, before, bench.program)
    lay_out(case, after, bench.program)
    _fix(case, after, report)
    untouched = (after / "Dockerfile").read_bytes() == (before / "Dockerfile").read_bytes()
    if case.left_alone != untouched:
        report.failures.append("the file was changed" if case.left_alone else "the file was not changed")
    again = app.fix(after, config=Config())
    if again.changes:
        report.failures.append(f"the second run changes it again:\n{again.changes[0].after.decode()}")
    for folder_ in (before, after):
        stood_in(folder_, bench.stand_ins)
    if case.works and not os.environ.get("FIXER_ALL"):
        _after(bench, case, after, report)
        return
    try:
        uids = run(bench, case, before, ())
    except Broke as problem:
        raise Broke(f"before the fix: {problem}") from problem
    if case.expect == "clean":
        if "0" in uids:
            report.failures.append(f"it is called clean and runs as {uids}")
        report.uids = uids
        return
    if "0" not in uids and not case.uid:
        report.failures.append(f"it was never root: {uids}")
    if untouched:
        report.uids = uids
        return
    _after(bench, case, after, report)


def _fix(case: Case, folder: Path, report: Report) -> None:
    result = app.fix(folder, config=Config())
    if result.skipped:
        raise Broke(f"skipped: {result.skipped[0]}")
    app.write_changes(result)
    report.after = (folder / "Dockerfile").read_bytes().decode()
    fixed = [f for f in result.findings if f.status is Status.FIXED and f.fix is not None]
    left = [f for f in result.findings if f.rule in ("DF001", "DF002", "DF003", "DF004") and f.status is Status.REFUSED]
    if result.changes:
        worst = min((f.fix.safety for f in fixed if f.fix is not None), default=Safety.MANUAL)
        report.safety = worst.word
        report.risk = "; ".join(dict.fromkeys(f.fix.risk for f in fixed if f.fix is not None and f.fix.risk))
        report.verdict = "fixed"
    elif left and left[0].refusal is not None:
        report.verdict = f"refused:{left[0].refusal.code}"
        report.risk = left[0].refusal.message
    else:
        report.verdict = "clean"
    wanted = {"safe": "safe", "review": "review", "breaks": "review"}.get(case.expect)
    if wanted is not None and report.safety != wanted:
        report.failures.append(f"expected a fix that is {wanted}, got {report.verdict} {report.safety}: {report.risk}")
    if wanted is None and report.verdict != case.expect:
        report.failures.append(f"expected {case.expect}, got {report.verdict} {report.safety}: {report.risk}")
    if case.told and case.told not in report.risk:
        report.failures.append(f"'{case.told}' is not told: {report.risk}")
    report.failures += [f"'{part}' is not in the result" for part in case.holds if part not in report.after]
    report.failures += [f"'{part}' is in the result" for part in case.lacks if part in report.after]


def _after(bench: Bench, case: Case, folder: Path, report: Report) -> None:
    try:
        report.uids = run(bench, case, folder, NARROW)
        problem = None
    except Broke as broke:
        problem = broke
    if case.expect == "breaks":
        report.verdict = "told"
        if problem is None:
            report.failures.append("it works, so it is not a loss: expect review")
        return
    if problem is not None:
        report.verdict = "broken"
        try:
            run(bench, case, folder, ())
        except Broke:
            raise Broke(f"after the fix: {problem}") from problem
        raise Broke(f"after the fix it works with capabilities only: {problem}") from problem
    report.verdict = "works"
    if "0" in report.uids:
        report.failures.append(f"it still runs as {report.uids}")
    if case.uid and set(report.uids) != {case.uid}:
        report.failures.append(f"it runs as {report.uids}, not as {case.uid}")


def run(bench: Bench, case: Case, folder: Path, more: tuple[str, ...]) -> tuple[str, ...]:
    """Build and run one image; who its processes are.

    Raises:
        Broke: with everything that was said.
    """
    docker = bench.engine.docker
    label = f"--label=fixer-test={bench.label}"
    built = docker("build", "-q", "--network=none", label, *case.build, folder)
    if built.returncode:
        raise Broke(f"it does not build:\n{built.stderr[-2500:]}")
    image = built.stdout.strip()
    started = docker("run", "-d", label, "--network=none", *more, *case.run, image, *case.args)
    container = started.stdout.strip()
    if started.returncode:
        raise Broke(f"it does not start: {started.stderr}")
    try:
        return _work(bench, case.does, container)
    except Broke as problem:
        logs = docker("logs", "--tail=30", container)
        raise Broke(f"{problem}\n{logs.stdout}{logs.stderr}") from problem
    finally:
        docker("rm", "-f", "-v", container)


def _work(bench: Bench, does: Serves | Stays | Exits, container: str) -> tuple[str, ...]:
    docker = bench.engine.docker
    if isinstance(does, Exits):
        code = docker("wait", container, timeout=60).stdout.strip()
        logs = docker("logs", container)
        said = logs.stdout + logs.stderr
        if code != "0" or does.says not in said:
            raise Broke(f"it ended with {code} and did not say '{does.says}'")
        found = tuple(sorted(set(re.findall(r"\buid=(\d+)", said))))
        if not found:
            raise Broke("it did not say who it is")
        return found
    if isinstance(does, Serves):
        _until(lambda: _alive(bench, container) and does.answer in _get(bench, does, container), "it does not answer")
    if does.check:
        _until(
            lambda: _alive(bench, container) and docker("exec", container, "sh", "-c", does.check).returncode == 0,
            f"'{does.check}' fails",
        )
    elif isinstance(does, Stays):
        time.sleep(0.5)
    if not _alive(bench, container):
        raise Broke("it does not stay up")
    top = docker("top", container, "-eo", "uid,pid")
    found = tuple(sorted({line.split()[0] for line in top.stdout.splitlines()[1:] if line.strip()}))
    if not found:
        raise Broke("it does not stay up")
    return found


def _alive(bench: Bench, container: str) -> bool:
    """Whether the container runs; it will not come back when it does not."""
    state = bench.engine.docker("inspect", "-f", "{{.State.Running}}", container).stdout.strip()
    if state != "true":
        raise Broke("it does not stay up")
    return True


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise Broke(otherwise)
        time.sleep(0.15)


def _get(bench: Bench, does: Serves, container: str) -> str:
    """The answer of the service: asked with what its image holds, else from a container beside it."""
    docker = bench.engine.docker
    done = docker("exec", container, "bash", "-c", _BASH_GET.format(port=does.port, path=does.path))
    if done.returncode in (126, 127):
        url = f"http://127.0.0.1:{does.port}{does.path}"
        done = docker("exec", container, "wget", "-qO-", url)
        if done.returncode in (126, 127):
            beside = ("--rm", f"--label=fixer-test={bench.label}", f"--network=container:{container}")
            done = docker("run", *beside, "alpine:3.20", "wget", "-qO-", url)
    return done.stdout
