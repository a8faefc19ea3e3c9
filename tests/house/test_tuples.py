"""Named tuples of the project are those of `typing`, but for what these read of their annotations."""

from __future__ import annotations

import copy
import pickle
import typing

from fixer.tuples import NamedTuple


class Ours(NamedTuple):
    """Two fields."""

    first: not_a_name  # type: ignore[name-defined]  # noqa: F821
    second: int = 2

    @property
    def both(self) -> tuple[object, int]:
        """The fields together."""
        return self.first, self.second

    @classmethod
    def of(cls, text: str) -> Ours:
        """One of a text."""
        return cls(text)


class Theirs(typing.NamedTuple):
    """Two fields."""

    first: str
    second: int = 2


def test_they_are_made_and_shown_alike() -> None:
    assert repr(Ours("a")).replace("Ours", "Theirs") == repr(Theirs("a"))
    assert tuple(Ours("a", second=3)) == tuple(Theirs("a", second=3)) == ("a", 3)
    assert Ours("a")._replace(second=5).both == ("a", 5)
    assert Ours._fields == Theirs._fields
    assert Ours._field_defaults == Theirs._field_defaults
    assert set(Ours.__annotations__) == set(Theirs.__annotations__)


def test_they_keep_what_their_class_says() -> None:
    assert Ours.__doc__ == "Two fields."
    assert (Ours.__module__, Ours.__qualname__) == (__name__, "Ours")
    assert Ours.of("a").both == ("a", 2)
    assert not hasattr(Ours("a"), "__dict__")
    assert isinstance(Ours("a"), tuple)


def test_they_go_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Ours("a"))) == Ours("a")
    assert type(copy.copy(Ours("a"))) is Ours
