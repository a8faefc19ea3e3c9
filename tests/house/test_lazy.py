"""What is computed when it is first asked for."""

from __future__ import annotations

import gc
import weakref

from fixer.lazy import kept


class One:
    """An object with results of others."""


def test_a_result_is_computed_once_for_each_object_and_question():
    asked: list[tuple[object, ...]] = []

    @kept
    def find(one: One, *more: int) -> int:
        asked.append((one, *more))
        return len(asked)

    @kept
    def find_too(one: One) -> str:
        return "other"

    first, second = One(), One()
    assert [find(first), find(first), find(second), find(first, 1), find(first, 1), find(first, 2)] == [
        1,
        1,
        2,
        3,
        3,
        4,
    ]
    assert find_too(first) == "other"
    assert asked == [(first,), (second,), (first, 1), (first, 2)]


def test_a_result_goes_with_its_object():
    class Result:
        pass

    @kept
    def find(one: One) -> Result:
        return Result()

    one = One()
    result = weakref.ref(find(one))
    gc.disable()
    try:
        assert result() is not None
        del one
        assert result() is None
    finally:
        gc.enable()
