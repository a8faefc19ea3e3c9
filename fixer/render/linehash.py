"""The hash of a line by which GitHub knows an alert again, as its action for uploads computes it for reports without.

It is over the first hundred characters from the start of a line, blanks and tabs left out and line ends alike, as
UTF-16; whoever puts another value into a report makes alerts close and open when the way of upload changes.
"""

from __future__ import annotations

import sys
from collections import Counter

_BLOCK = 100
_BASE = 37
_BITS = (1 << 64) - 1
_END = 0xFFFF
_CODEC = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
_DROPPED = str.maketrans("", "", " \t")


def line_hashes(data: bytes) -> list[str]:
    """For each line of a file, also the empty one at its end: the hash, and which one with this hash it is."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").translate(_DROPPED)
    units = memoryview(text.encode(_CODEC, "surrogatepass")).cast("H").tolist()
    sums = [0]
    value = 0
    for unit in (*units, _END, *[0] * _BLOCK):
        value = (value * _BASE + unit) & _BITS
        sums.append(value)
    power = pow(_BASE, _BLOCK, 1 << 64)
    starts = [0, *(n + 1 for n, unit in enumerate(units) if unit == 0x0A)]
    seen: Counter[int] = Counter()
    out: list[str] = []
    for start in starts:
        found = (sums[start + _BLOCK] - sums[start] * power) & _BITS
        seen[found] += 1
        out.append(f"{found:x}:{seen[found]}")
    return out
