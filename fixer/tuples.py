"""Named tuples that neither read their annotations nor compile anything of their own.

Those of the standard library compile a constructor for each class, which for all that a check imports takes a fifth of
its start. Here all classes with one number of fields share the code of theirs, under other names. Checkers of types
take this for `typing.NamedTuple`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple
    from functools import cache
    from types import FunctionType

    _Field = type(namedtuple("_One", "field").field)  # what reads a field, written in C

    _NAMES = {"_tuple_new": tuple.__new__, "__builtins__": {}}

    @cache
    def _constructor(count):
        """The code of a constructor with so many fields."""
        names = "".join(f"_{n}, " for n in range(count))
        return eval(f"lambda _cls, {names}: _tuple_new(_cls, ({names}))").__code__

    class _Base(tuple):
        """What all named tuples can do."""

        __slots__ = ()
        _fields = ()

        @classmethod
        def _make(cls, values):
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
            return made

        def _replace(self, /, **changes):
            made = tuple.__new__(type(self), map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"Got unexpected field names: {list(changes)!r}")
            return made

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in self._asdict().items())})"

        def __getnewargs__(self):
            return tuple(self)

    class _Maker(type):
        def __new__(cls, name, bases, names):
            fields = tuple(names.get("__annotations__", ()))
            defaults = tuple(names.pop(field) for field in fields if field in names)
            code = _constructor(len(fields)).replace(
                co_varnames=("_cls", *fields), co_name="__new__", co_qualname=f"{name}.__new__"
            )
            names["__new__"] = FunctionType(code, _NAMES, "__new__", defaults)
            names["__slots__"] = ()
            names["_fields"] = names["__match_args__"] = fields
            names["_field_defaults"] = dict(zip(fields[len(fields) - len(defaults) :], defaults, strict=True))
            for index, field in enumerate(fields):
                names[field] = _Field(index, "")
            return type(name, (_Base,), names)

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})
