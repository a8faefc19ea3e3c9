"""Closer copies of official images: what those of tests/rigs/images.sh leave out and programs rely on."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parents[1] / "rigs/bases"
# Where the Dockerfile of each lies, with what it copies.
STAND_INS = {
    "node:20-slim": HERE / "node",
    "node:20": HERE / "node",
    "nginx:1.25": HERE / "nginx",
    "nginx:latest": HERE / "nginx",
}
