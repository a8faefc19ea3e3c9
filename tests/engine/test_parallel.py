"""Work that several processes share: the order of its results, and what goes wrong in a process that helps."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest

from fixer import parallel

ITEMS = list(range(1000))


# Other tests may have left a thread that waits for an answer; what helps here takes no lock of anybody.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(autouse=True)
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes help, whatever the machine has, and whatever threads other tests have left."""
    monkeypatch.setattr(parallel, "_cores", lambda: 3)
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def _in_helpers(act: Callable[[], None]) -> Callable[[int], int]:
    """A job that goes wrong in any process but this one."""
    here = os.getpid()

    def job(item: int) -> int:
        if os.getpid() != here:
            act()
        time.sleep(0.001)  # so that there is something left for the others
        return item

    return job


def _fail() -> None:
    raise ValueError("that went wrong")


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(parallel.in_parallel(str, ITEMS)) == [str(item) for item in ITEMS]


def test_results_may_be_larger_than_a_pipe() -> None:
    found = parallel.in_parallel(lambda item: "x" * 10_000 + str(item), ITEMS)
    assert [one[10_000:] for one in found] == [str(item) for item in ITEMS]


def test_what_is_left_unread_does_not_hang() -> None:
    results = parallel.in_parallel(str, ITEMS)
    assert next(results) == "0"
    results.close()  # type: ignore[attr-defined]


def test_an_error_of_a_helper_is_raised_here_with_its_place() -> None:
    with pytest.raises(ValueError, match="that went wrong") as caught:
        list(parallel.in_parallel(_in_helpers(_fail), ITEMS))
    assert "in _fail" in caught.value.__notes__[0]


def test_a_helper_that_dies_is_told() -> None:
    with pytest.raises(RuntimeError, match="ended before its time"):
        list(parallel.in_parallel(_in_helpers(lambda: os._exit(1)), ITEMS))


def test_beside_other_threads_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert set(parallel.in_parallel(lambda item: os.getpid(), ITEMS)) == {os.getpid()}
