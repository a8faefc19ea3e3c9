"""Nothing is left behind: not by a run that ends, not by one that is interrupted, and not by one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixer.verify import reaper
from fixer.verify.api import Api
from fixer.verify.engine import _api
from tests.conftest import ROOT, Engine

PROGRAM = """
import contextlib, signal, sys
# Whoever is started in the background ignores interrupts, and so do its children.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from fixer.evidence import Job, Mount, Recipe
from fixer.verify.engine import Options, open_bench
text = "FROM alpine:3.20\\nRUN echo {stamp}\\nVOLUME /v\\nCMD echo x > /v/x; sleep 60\\n"
recipe = Recipe(mounts=(Mount("/w"),))
root = Path(sys.argv[1])
(root / "Dockerfile").write_text(text)
with contextlib.closing(open_bench("docker", lambda _: None)) as found:
    print("ready", flush=True)
    while True:
        fixed = {{"Dockerfile": text.encode() + b"USER 5\\n"}}
        job = Job("app", "Dockerfile", overlay=fixed, before=(recipe,), after=(recipe,))
        found.try_out(job, root, Options(timeout=60, settle=0.2))
"""


@pytest.fixture
def api(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("DOCKER_HOST", engine.environment["DOCKER_HOST"])
    found = _api("docker")
    yield found
    found.close()


def _of(api: Api, pid: int) -> list[str]:
    """What bears the mark of a process."""
    mine = f"/{pid}/"
    every = [*api.containers(reaper.OWNER), *api.images(reaper.OWNER), *api.volumes(reaper.OWNER)]
    found = [str(item.get("Id") or item.get("Name")) for item in every if mine in item["Labels"][reaper.OWNER]]
    return found + [str(path) for path in Path(tempfile.gettempdir()).glob(f"fixer-verify-{pid}-*")]


def _started(program: str, root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _killed(api: Api, process: subprocess.Popen[str]) -> list[str]:
    """Kill a run where it stands; what it had. Others tidy up as well: so it is looked at while it stands still."""
    process.send_signal(signal.SIGSTOP)
    try:
        return _of(api, process.pid)
    finally:
        process.kill()
        process.wait()


def _await_nothing(api: Api, process: subprocess.Popen[str]) -> None:
    """Tidy up as the next run does. The engine may still be at a request of the one that is no more."""
    deadline = time.monotonic() + 60
    while _of(api, process.pid) and time.monotonic() < deadline:
        reaper.sweep(api)
        time.sleep(0.2)
    assert _of(api, process.pid) == []


@pytest.mark.parametrize("seconds", [0.05, 0.6, 1.3, 2.5, 4.0])
def test_what_a_killed_run_leaves_is_removed_at_the_next_start(api: Api, tmp_path: Path, seconds: float) -> None:
    with _started(PROGRAM.format(stamp=time.time_ns()), tmp_path) as process:
        time.sleep(seconds)
        assert _killed(api, process), "it was killed before it made anything, not even its folder"
    _await_nothing(api, process)


TRACES = """
import sys
from pathlib import Path
from fixer.evidence import Job, Recipe
from fixer.verify.engine import Options, open_bench
def say(words):
    if "strace" in words:
        print("ready", flush=True)
found = open_bench("docker", say)
recipe = Recipe(command=("sleep", "60"))
job = Job("alpine:3.20", "", before=(recipe,), after=(recipe._replace(user="5"),))
found.try_out(job, Path(), Options(timeout=60, settle=0.3))
"""
MOMENTS = (0.1, 0.3, 1.0) if os.environ.get("FIXER_ALL") else (0.5,)


@pytest.mark.parametrize("seconds", MOMENTS)
def test_what_a_run_leaves_that_is_killed_while_it_traces_is_removed(
    api: Api, strace: None, tmp_path: Path, seconds: float
) -> None:
    with _started(TRACES, tmp_path) as process:
        time.sleep(seconds)
        had = _killed(api, process)
    assert any(one.startswith("fixer-") for one in had), "it was killed before it had a volume for its tracer"
    _await_nothing(api, process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_interrupted_leaves_nothing(api: Api, tmp_path: Path, number: signal.Signals) -> None:
    with _started(PROGRAM.format(stamp=time.time_ns()), tmp_path) as process:
        for _ in range(300):  # a busy machine takes its time
            if _of(api, process.pid):
                break
            time.sleep(0.2)
        try:
            assert _of(api, process.pid)
            process.send_signal(number)
            process.communicate(timeout=120)
        finally:
            process.kill()  # one that has ended feels nothing
    assert process.returncode != 0
    assert _of(api, process.pid) == []


def test_what_another_run_has_is_left_alone(api: Api, tmp_path: Path) -> None:
    with _started(PROGRAM.format(stamp=time.time_ns()), tmp_path) as process:
        try:
            time.sleep(1)
            reaper.sweep(api)
            assert process.poll() is None
            assert _of(api, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)
    assert _of(api, process.pid) == []


@pytest.mark.parametrize(
    "owner", ["", "x", "host/boot/1/5", "elsewhere/boot/1/999999999/1", "elsewhere/boot/1/nothing/1"]
)
def test_what_nobody_of_this_machine_made_is_left_alone(owner: str) -> None:
    assert not reaper._left({reaper.OWNER: owner})
    assert not reaper._left(None)


def test_marks_of_processes_that_are_no_more_are_known() -> None:
    host, boot, numbering = reaper._here()
    started = reaper._started(os.getpid())
    assert not reaper._left({reaper.OWNER: f"{host}/{boot}/{numbering}/{os.getpid()}/{started}"})
    assert reaper._left({reaper.OWNER: f"{host}/{boot}/{numbering}/{os.getpid()}/1"})
    assert reaper._left({reaper.OWNER: f"{host}/another/{numbering}/{os.getpid()}/{started}"})


def test_only_folders_of_runs_that_are_no_more_are_abandoned(tmp_path: Path) -> None:
    numbering, started = reaper._numbering(), reaper._started(os.getpid())
    for name in (f"fixer-verify-{os.getpid()}-{started}-{numbering}-a", "fixer-verify-x", "fixer-verify-1-2-0-x"):
        (tmp_path / name).mkdir()
        assert not reaper._abandoned(tmp_path / name)
    dead = tmp_path / f"fixer-verify-{os.getpid()}-1-{numbering}-b"
    dead.mkdir()
    assert reaper._abandoned(dead)
    link = tmp_path / f"fixer-verify-{os.getpid()}-1-{numbering}-c"
    link.symlink_to(dead)
    assert not reaper._abandoned(link)


def test_the_cache_of_others_is_left_alone() -> None:
    window = reaper.Window(1000.0, 1010.0, ("[2/3] RUN make   all",))
    record = {"CreatedAt": "1970-01-01T00:16:45.123Z", "Description": "mount / from exec /bin/sh -c make all"}
    assert reaper._made(record, window)
    assert not reaper._made({**record, "Description": "mount / from exec /bin/sh -c make others"}, window)
    assert not reaper._made({**record, "CreatedAt": "1970-01-01T00:20:00Z"}, window)
    assert not reaper._made({**record, "Description": "pulled from docker.io/library/alpine"}, window)
    copied = {**record, "Description": "fileop target", "LastUsedAt": "1970-01-01T00:16:46Z"}
    assert reaper._made(copied, window)
    assert not reaper._made({**copied, "LastUsedAt": "1970-01-01T00:30:00Z"}, window)
