"""`typing.NamedTuple` without its look at each annotation, which takes a tenth of every start."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    class _Made(type):
        """What follows `class Name(NamedTuple):` becomes a tuple with names, and no class of this one."""

        def __new__(cls, name, bases, body):
            fields = body["__annotations__"]
            defaults = [body[field] for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            for key, value in body.items():
                if key not in fields and key not in ("__module__", "__annotations__"):
                    setattr(made, key, value)
            made.__annotations__ = fields
            return made

    NamedTuple = type.__new__(_Made, "NamedTuple", (), {})
