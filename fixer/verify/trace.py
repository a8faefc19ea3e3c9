"""What BuildKit tells while it builds: the few fields of its StatusResponse that say which step failed, and why.

The messages are protocol buffers (github.com/moby/buildkit, api/services/control/control.proto). Only what is needed is
read, so that no generated code and no library has to come along.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.tuples import NamedTuple

_VERTEXES, _LOGS = 1, 3  # of StatusResponse
_DIGEST, _NAME, _ERROR = 1, 3, 7  # of Vertex
_OF, _TEXT = 1, 4  # of VertexLog
_MOST_LOG = 1 << 16  # bytes that are kept of the log of a step
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Broken(ValueError):
    """No message of BuildKit."""


class Step(NamedTuple):
    """One step of a build as it was last told: its name, its error, and the end of its log."""

    name: str
    error: str
    log: bytes


class Trace:
    """The steps of one build."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}
        self._errors: dict[bytes, str] = {}
        self._logs: dict[bytes, bytes] = {}

    def add(self, message: bytes) -> None:
        """Read one StatusResponse.

        Raises:
            Broken: when it is none.
        """
        for field, value in _fields(message):
            if field == _VERTEXES:
                self._vertex(dict(_fields(value)))
            elif field == _LOGS:
                log = dict(_fields(value))
                key = log.get(_OF, b"")
                self._logs[key] = (self._logs.get(key, b"") + log.get(_TEXT, b""))[-_MOST_LOG:]

    def _vertex(self, found: dict[int, bytes]) -> None:
        key = found.get(_DIGEST, b"")
        self._names[key] = found.get(_NAME, b"").decode("utf-8", "replace")
        if found.get(_ERROR):
            self._errors[key] = found[_ERROR].decode("utf-8", "replace")

    def names(self) -> list[str]:
        """The names of all steps, in the order in which they came up."""
        return list(self._names.values())

    def failed(self) -> Step | None:
        """The step that failed; one that was only cancelled because another failed does not count."""
        found = sorted(self._errors.items(), key=lambda item: "context canceled" in item[1])
        for key, error in found:
            return Step(self._names.get(key, ""), error, self._logs.get(key, b""))
        return None


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that hold bytes; a number is given as no bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind, size = tag & 7, 0
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise Broken("a field of an unknown kind")
        if at + size > len(message):
            raise Broken("it ends too early")
        if kind == _BYTES:
            yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise Broken("a number without an end")
