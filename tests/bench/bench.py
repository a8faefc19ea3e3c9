#!/usr/bin/env python3
"""How fast and how large: bench.py CORPUS [--manifests | --whole] [--tools hadolint,trivy,checkov] [--repeat N].

Copies what is named like a Dockerfile out of CORPUS, or its YAML and JSON, and lets each tool read the same copy, whole
processes with their start. Prints files a second and ratios, peak memory at N and at four times N files, and the
start-up of a check of one file beside a Python that only imports typer. With `--whole` a check reads everything there
is, once, twice and four times over, which tells how time and memory grow. Nothing is asserted: a machine that is busy
tells little, a ratio taken in one run tells more. The scanners are those of tests/rigs/judges-setup.sh.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fixer.discover import is_dockerfile, is_manifest  # noqa: E402
from tests.rigs import judge  # noqa: E402

ENV = {**os.environ, "PYTHONPATH": str(ROOT), "LOG_LEVEL": "ERROR"}
FIXER = [sys.executable, "-m", "fixer"]
CHECKS = 5  # before each scanner, and behind it


def copy(corpus: Path, tree: Path, times: int = 1) -> list[Path]:
    """Lay out every Dockerfile of the corpus in a folder of its own, under its usual name."""
    files = sorted(p for p in corpus.rglob("*") if is_dockerfile(p.name) and p.is_file() and not p.is_symlink())
    out: list[Path] = []
    for n, file in enumerate(files * times):
        folder = tree / f"{n:06}"
        folder.mkdir(parents=True)
        out.append(Path(shutil.copyfile(file, folder / "Dockerfile")))
    return out


def copy_manifests(corpus: Path, tree: Path, times: int = 1) -> list[Path]:
    """Lay out all YAML and JSON of the corpus at its place."""
    files = sorted(p for p in corpus.rglob("*") if is_manifest(p.name) and p.is_file() and not p.is_symlink())
    out: list[Path] = []
    for n in range(times):
        for file in files:
            to = tree / f"{n}" / file.relative_to(corpus)
            to.parent.mkdir(parents=True, exist_ok=True)
            out.append(Path(shutil.copyfile(file, to)))
    return out


def run(command: Sequence[str | Path], cwd: Path) -> tuple[float, int]:
    """Run a command; seconds, and peak memory in KiB of the process itself."""
    started = time.perf_counter()
    pid = os.fork()
    if not pid:
        os.chdir(cwd)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.execve(command[0], [os.fspath(word) for word in command], ENV)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss


def commands(tools: Sequence[str], files: Sequence[Path], tree: Path, framework: str) -> dict[str, list[str | Path]]:
    """What is measured, by name."""
    out: dict[str, list[str | Path]] = {
        "fixer check": [*FIXER, "check", "--no-config", "."],
        "fixer fix": [*FIXER, "fix", "--no-config", "."],
    }
    scanners = judge.scanners()
    known: dict[str, list[str | Path]] = {
        "hadolint": [scanners["hadolint"], "--no-fail", *files],
        "trivy": [
            scanners["trivy"],
            "config",
            "--skip-check-update",
            "--skip-version-check",
            "--quiet",
            "--cache-dir",
            judge.home() / "trivy-cache",
            tree,
        ],
        "checkov": [
            scanners["checkov"],
            "-d",
            tree,
            "--framework",
            framework,
            "--quiet",
            "--compact",
            "--skip-download",
        ],
    }
    return out | {tool: known[tool] for tool in tools}


def rates(corpus: Path, tools: Sequence[str], repeat: int, manifests: bool) -> None:
    """Files a second of each tool on the same files; each scanner is compared with the checks around it.

    A check is over so soon that one beside a scanner of half a minute would tell the mood of the machine.
    """
    with tempfile.TemporaryDirectory() as tmp:
        tree = Path(tmp).resolve()
        files = (copy_manifests if manifests else copy)(corpus, tree)
        measured = commands(tools, files, tree, "kubernetes" if manifests else "dockerfile")
        seen: dict[str, list[float]] = {name: [] for name in measured}
        ratios: dict[str, list[float]] = {tool: [] for tool in tools}
        for _ in range(repeat):
            seen["fixer fix"].append(run(measured["fixer fix"], tree)[0])
            for tool in tools or ("",):
                around = [run(measured["fixer check"], tree)[0] for _ in range(CHECKS)]
                if tool:
                    seen[tool].append(run(measured[tool], tree)[0])
                    around += [run(measured["fixer check"], tree)[0] for _ in range(CHECKS)]
                    ratios[tool].append(seen[tool][-1] / statistics.mean(around))
                seen["fixer check"] += around
    kind = "YAML and JSON files" if manifests else "Dockerfiles"
    print(f"{len(files)} {kind}, mean of {repeat} rounds, whole processes")
    for name, seconds in seen.items():
        mean = statistics.mean(seconds)
        told = ", ".join(f"{ratio:.1f}" for ratio in ratios.get(name, ()))
        against = f"  fixer check is {mean / statistics.mean(seen['fixer check']):.1f} times as fast ({told})"
        print(f"  {name:<12} {mean:7.2f} s  {len(files) / mean:8.0f} files/s{against if told else ''}")


def memory(corpus: Path, manifests: bool) -> None:
    """Peak memory at N and at 4 N files: what grows with their number."""
    for command in ("check", "fix"):
        peaks: list[tuple[int, int]] = []
        for times in (1, 4):
            with tempfile.TemporaryDirectory() as tmp:
                files = (copy_manifests if manifests else copy)(corpus, Path(tmp), times)
                peaks.append((len(files), run([*FIXER, command, "--no-config", "."], Path(tmp))[1]))
        (small, one), (large, four) = peaks
        sizes = f"{one / 1024:.1f} MiB at {small}, {four / 1024:.1f} MiB at {large}"
        print(f"  fixer {command:<5} {sizes} ({four / one:.2f} times)")


def growth(corpus: Path, repeat: int) -> None:
    """Time and peak memory of a check of the whole corpus, and of two and four copies of it side by side."""
    for times in (1, 2, 4):
        with tempfile.TemporaryDirectory() as tmp:
            for n in range(times):
                shutil.copytree(corpus, Path(tmp) / f"{n}", symlinks=True)
            files = sum(1 for file in Path(tmp).rglob("*") if file.is_file())
            runs = [run([*FIXER, "check", "--no-config", "."], Path(tmp)) for _ in range(repeat)]
        seconds, peak = min(seconds for seconds, _ in runs), max(peak for _, peak in runs)
        print(f"  {files:6} files {seconds:7.2f} s {files / seconds:7.0f} files/s  {peak / 1024:6.1f} MiB")


def startup(times: int = 15) -> None:
    """A check of one file beside a Python that imports typer and ends, and one that does nothing."""
    with tempfile.TemporaryDirectory() as tmp:
        file = Path(tmp) / "Dockerfile"
        file.write_text('FROM debian:12\nCMD ["sleep", "1"]\n')
        kinds: dict[str, list[str | Path]] = {
            "fixer check": [*FIXER, "check", file],
            "import typer": [sys.executable, "-c", "import typer"],
            "python": [sys.executable, "-c", "pass"],
        }
        seen: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(times):
            for name, command in kinds.items():
                seen[name].append(run(command, Path(tmp))[0])
    middle = {name: statistics.median(seconds) for name, seconds in seen.items()}
    for name, seconds in middle.items():
        print(f"  {name:<12} {seconds * 1000:6.0f} ms  {seconds / middle['import typer']:.2f} of 'import typer'")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--tools", default="", help="of hadolint, trivy, checkov; none without it")
    parser.add_argument("--manifests", action="store_true", help="YAML and JSON instead of Dockerfiles")
    parser.add_argument("--whole", action="store_true", help="everything, once, twice and four times over")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    tools = [tool for tool in options.tools.split(",") if tool]
    # A fixer that does not start ends with 1 as well, in no time.
    subprocess.run([*FIXER, "--version"], env=ENV, stdout=subprocess.DEVNULL, check=True)
    if wrong := set(tools) - set(judge.scanners()):
        parser.error(f"unknown: {', '.join(sorted(wrong))}")
    if options.whole:
        growth(options.corpus, options.repeat)
        return
    if options.manifests and "hadolint" in tools:
        parser.error("hadolint reads no manifests")
    rates(options.corpus, tools, options.repeat, options.manifests)
    print("peak memory")
    memory(options.corpus, options.manifests)
    print("start-up, median of 15")
    startup()


if __name__ == "__main__":
    main()
