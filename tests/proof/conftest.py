"""The bench on which all chosen cases are proved at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.proof.bases import STAND_INS
from tests.proof.rig import Bench, Case, Report, prove

if TYPE_CHECKING:
    from tests.conftest import Engine

HERE = Path(__file__).parent


def _build(engine: Engine, label: str, real: str, folder: Path) -> str:
    name = f"fixer-proof:{uuid.uuid4().hex[:12]}"
    built = engine.docker("build", "-q", "--network=none", f"--label=fixer-test={label}", "-t", name, folder)
    assert built.returncode == 0, f"{real}: {built.stderr}"
    return name


@pytest.fixture(scope="session")
def bench(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Make what all cases share; take everything away again afterwards."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to make the program of images that hold nothing else")
    binary = tmp_path_factory.mktemp("program") / "app"
    subprocess.run([compiler, "-static", "-O1", "-s", "-o", binary, HERE / "app.c"], check=True, timeout=120)
    label = uuid.uuid4().hex[:12]
    try:
        names = {real: _build(engine, label, real, folder) for real, folder in STAND_INS.items()}
        yield Bench(engine, label, names, binary.read_bytes())
    finally:
        for what, remove in (("ps -aq", "rm -f -v"), ("images -aq", "rmi -f")):
            found = engine.docker(*what.split(), "--filter", f"label=fixer-test={label}").stdout.split()
            if found:
                engine.docker(*remove.split(), *dict.fromkeys(found))


@pytest.fixture(scope="module")  # its threads end with it: a process that has threads does not fork
def proofs(
    bench: Bench, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Future[Report]]]:
    """Start all chosen cases, some at a time; each test waits for its own."""
    chosen: list[tuple[str, Case]] = []
    for item in request.session.items:
        found = getattr(item, "callspec", None)
        if found is not None and "proof" in found.params:
            chosen.append(found.params["proof"])
    pool = ThreadPoolExecutor(max_workers=max(4, 2 * (os.cpu_count() or 1)))
    try:
        yield {
            (base, case.name): pool.submit(prove, bench, base, case, tmp_path_factory.mktemp("case") / "x")
            for base, case in chosen
        }
    finally:
        pool.shutdown(cancel_futures=True)
