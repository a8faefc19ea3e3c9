"""Named tuples that do not read their annotations.

`typing.NamedTuple` compiles each of them when a module is imported, which for all that a check imports takes a sixth of
its start. Checkers of types take this for the very same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    # What a class statement adds to its names by itself, and what `namedtuple` has made already.
    _GIVEN = frozenset({"__module__", "__qualname__", "__annotations__"})

    class _Maker(type):
        def __new__(cls, name, bases, names):
            fields = names.get("__annotations__", {})
            defaults = [names[field] for field in fields if field in names]
            made = namedtuple(name, fields, defaults=defaults, module=names["__module__"])
            made.__annotations__ = fields
            for key, value in names.items():
                if key not in _GIVEN and key not in fields:
                    setattr(made, key, value)
            return made

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})
