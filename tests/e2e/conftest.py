"""The ground on which all chosen applications are tried, two at a time, and the table of what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.ground import SEEN, Case, Ground, Outcome, outcome_of

if TYPE_CHECKING:
    from tests.conftest import Engine


@pytest.fixture(scope="session")
def ground(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Make a label and a folder; take away whatever carries the label afterwards."""
    label = f"e2e-{uuid.uuid4().hex[:12]}"
    try:
        yield Ground(engine, label, tmp_path_factory.mktemp("ground"))
    finally:
        for what, remove in (("ps -aq", "rm -f -v"), ("images -aq", "rmi -f")):
            found = engine.docker(*what.split(), "--filter", f"label=fixer-test={label}").stdout.split()
            if found:
                engine.docker(*remove.split(), *dict.fromkeys(found))


@pytest.fixture(scope="module")  # its threads end with it: a process that has threads does not fork
def outcomes(ground: Ground, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Outcome]]]:
    """Start all chosen applications; each test waits for its own."""
    asked: list[Any] = [item for item in request.session.items if "outcomes" in getattr(item, "fixturenames", ())]
    chosen: list[Case] = [item.callspec.params["case"] for item in asked]
    pool = ThreadPoolExecutor(max_workers=2)
    try:
        yield {case.name: pool.submit(outcome_of, ground, case) for case in chosen}
    finally:
        pool.shutdown(cancel_futures=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what became of each application, and the sums."""
    if not SEEN:
        return
    terminalreporter.section("the proving ground")
    for case, outcome in SEEN:
        who = " ".join(outcome.uids)
        terminalreporter.write_line(
            f"{case.name:26} {outcome.word:9} {outcome.code:14} {who:10} {outcome.seconds:5.1f}s  {case.what}"
        )
    words = [outcome.word for _, outcome in SEEN]
    sums = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    terminalreporter.write_line(f"{len(words)} applications: {sums}")
