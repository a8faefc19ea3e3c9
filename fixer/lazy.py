"""What is computed when it is first asked for: properties, functions of one object, regular expressions.

The cached property of Python 3.11 takes a lock on every first read, which costs a tenth of a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, TypeVar, cast, overload

_T = TypeVar("_T")
_Function = TypeVar("_Function", bound=Callable[..., Any])


class lazy(Generic[_T]):
    """A property that is computed on first read and then kept in the instance."""

    def __init__(self, make: Callable[[Any], _T]) -> None:
        self.make = make
        self.name = make.__name__
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        names = [key for key, value in vars(owner).items() if isinstance(value, lazy)]
        if name == names[0] and not owner.__itemsize__:
            # CPython lays the attributes of a class out by the first objects that it makes. One that comes later costs
            # its object a dictionary, and all reads of its attributes their short way.
            first: object = object.__new__(owner)
            for key in names:
                setattr(first, key, None)

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[_T]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> _T: ...

    def __get__(self, instance: object | None, owner: type) -> lazy[_T] | _T:
        if instance is None:
            return self
        make = self.make  # as a method it would cost this object its short way
        value = make(instance)
        setattr(instance, self.name, value)
        return value


def kept(make: _Function) -> _Function:
    """A function of an object, and maybe more, whose results are kept in that object.

    They go when it goes. A cache of its own would hold on to files that are long done, and to take them apart then is
    dear: nothing of them is at hand in the processor any more.
    """
    name = f"{make.__module__}.{make.__qualname__}"

    @wraps(make)
    def ask(one: Any, *more: Any) -> Any:
        found = getattr(one, name, None)
        if found is None:
            found = {}
            setattr(one, name, found)
        if more not in found:
            found[more] = make(one, *more)
        return found[more]

    return cast("_Function", ask)


class _Pattern:
    """An expression that is compiled when it is first asked for something."""

    def __init__(self, text: str, flags: int) -> None:
        self.text = text
        self.flags = flags

    def __getattr__(self, name: str) -> Any:
        """What the compiled expression answers, which then lies in the instance and needs this no more."""
        found = getattr(re.compile(self.text, self.flags), name)
        self.__dict__[name] = found
        return found


def regex(text: str, flags: int = 0) -> re.Pattern[str]:
    """A regular expression whose compilation waits until it is used: most files need few of them, and they are dear."""
    return cast("re.Pattern[str]", _Pattern(text, flags))
