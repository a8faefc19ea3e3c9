"""Whether services of Compose may have a volume in common, as seen before anything that reads such files is needed."""

from __future__ import annotations

import re
from collections import Counter

# How a named volume is written: `spool:/spool`, or `source: spool`.
_NAMED = re.compile(rb"(?<![\w./$~}-])([A-Za-z0-9][\w.-]*):/\w|\bsource[\"']?:\s*[\"']?([A-Za-z0-9][\w.-]*)")
# What lets two services have one line.
_REPEATS = (b"extends", b"<<", b"*")


def may_share(data: bytes) -> bool:
    """Whether services of a file of Compose may have a volume in common; seen without parsing it."""
    names = Counter(short or long for short, long in _NAMED.findall(data))
    return any(count > 1 for count in names.values()) or (bool(names) and any(one in data for one in _REPEATS))
