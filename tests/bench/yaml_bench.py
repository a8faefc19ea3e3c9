#!/usr/bin/env python3
"""How fast YAML is read: yaml_bench.py FOLDER [--pattern WORD] [--repeat N].

Reads all YAML and JSON below FOLDER in one process, three ways, and prints CPU seconds and files a second of each:
prefilter and slicing alone, with the documents that matter parsed as well, and all documents parsed. Nothing is
asserted: a machine that is busy tells little, a ratio taken in one run tells more.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fixer.errors import Unreadable  # noqa: E402
from fixer.source import SourceFile  # noqa: E402
from fixer.syntax.yaml import parse, slices  # noqa: E402

SUFFIXES = {".json", ".yaml", ".yml"}
Read = Callable[[bytes], int]


def read(data: bytes, matters: re.Pattern[str] | None) -> int:
    """Parse documents; how many there are, 0 for what is no YAML."""
    try:
        return len(parse(SourceFile("x.yaml", data).text, matters))
    except Unreadable:
        return 0


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pattern", default="containers", help="a document matters that holds this")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    paths = sorted(p for p in options.folder.rglob("*") if p.suffix in SUFFIXES and p.is_file())
    if not paths:
        parser.error(f"no YAML below {options.folder}")
    text, data = re.compile(options.pattern), re.compile(options.pattern.encode())
    ways: dict[str, Read] = {
        "prefilter and slices": lambda d: len(list(slices(SourceFile("", d).text, text))) if data.search(d) else 0,
        "and parse what matters": lambda d: read(d, text) if data.search(d) else 0,
        "parse everything": lambda d: read(d, None),
    }
    size = sum(p.stat().st_size for p in paths)
    print(
        f"{len(paths)} files, {size / 1e6:.1f} MB, best of {options.repeat}, CPU time of one process, reading included"
    )
    for name, way in ways.items():
        best, documents = float("inf"), 0
        for _ in range(options.repeat):
            started = time.process_time()
            documents = sum(way(path.read_bytes()) for path in paths)
            best = min(best, time.process_time() - started)
        print(f"  {name:<24} {best:7.2f} s  {len(paths) / best:8.0f} files/s  {documents} documents")


if __name__ == "__main__":
    main()
