"""The bench on which all chosen cases are proved at once, and the table of what became of them."""

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
from tests.proof.rig import REPORTS, Bench, Case, Report, prove

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
        engine.docker("builder", "prune", "-f", "--keep-storage", "2GB")


@pytest.fixture(scope="session")
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show each case with its safety and its verdict, and the sums."""
    if not REPORTS:
        return
    write = terminalreporter.write_line
    terminalreporter.section("who runs, and does it still work")
    for report in REPORTS:
        who = " ".join(report.uids)
        safety = report.safety or "-"
        write(f"{report.base:11} {report.name:34} {safety:7} {report.verdict:26} {who:12} {report.seconds:5.1f}s")
    for base in dict.fromkeys(report.base for report in REPORTS):
        mine = [report for report in REPORTS if report.base == base]
        write(f"{base}: {len(mine)} cases, {_sums(mine)}")
    write(f"all: {len(REPORTS)} cases, {_sums(REPORTS)}")


def _sums(reports: list[Report]) -> str:
    kinds = {
        "safe and works": sum(r.safety == "safe" and r.verdict == "works" for r in reports),
        "safe and broken": sum(r.safety == "safe" and r.verdict == "broken" for r in reports),
        "review and works": sum(r.safety == "review" and r.verdict == "works" for r in reports),
        "review and broken": sum(r.safety == "review" and r.verdict == "broken" for r in reports),
        "review, and the loss was told": sum(r.verdict == "told" for r in reports),
        "refused": sum(r.verdict.startswith("refused") for r in reports),
        "clean": sum(r.verdict == "clean" for r in reports),
    }
    return ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
