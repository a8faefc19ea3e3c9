#!/usr/bin/env python3
"""What independent scanners say about root containers: judge.py PATH...

As JSON: {"files": {path: {tool: [failed ids of the family]}}, "all": {tool: {id: count}}, "read": count}.
Exits with 1 if a check of the family fails anywhere. judges-setup.sh comes first. Files are read, nothing is
run or fetched.

What they do not see: hadolint says nothing where USER is missing; checkov accepts `USER 0` and a USER that
only a builder stage sets, and reads heredoc bodies as instructions; trivy counts a USER in any stage. That
all three agree is necessary, not sufficient.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FAMILY = {  # the checks that a container off root has to pass
    "hadolint": {"DL3002", "DL3066"},
    "checkov": {"CKV_DOCKER_3", "CKV_DOCKER_8"}
    | {f"CKV_K8S_{n}" for n in (16, 20, 22, 23, 25, 28, 29, 30, 31, 37, 38, 40)},
    "trivy": {"DS-0002"} | {f"KSV-{n:04d}" for n in (1, 3, 4, 12, 14, 17, 20, 21, 22, 29, 30, 104, 105, 106, 118)},
}
TIMEOUT = 600


class JudgeError(Exception):
    """A scanner did not come to a verdict, which is not the same as finding nothing."""


@dataclass
class Verdict:
    """The failed checks: those of the family for each file, and the number of all."""

    files: dict[Path, dict[str, list[str]]] = field(default_factory=dict)
    all: dict[str, Counter[str]] = field(default_factory=dict)
    read: int = 0

    def add(self, tool: str, path: Path, check: str) -> None:
        """Note that a check failed on a file."""
        self.all[tool][check] += 1
        if check in FAMILY[tool]:
            ids = self.files.setdefault(path, {}).setdefault(tool, [])
            if check not in ids:
                ids.append(check)


def home() -> Path:
    """Give the folder that judges-setup.sh fills."""
    return Path(os.environ.get("FIXER_RIG") or Path.home() / ".cache/fixer-rig") / "judges"


def scanners() -> dict[str, Path]:
    """Give the place of each scanner's command."""
    return {
        "hadolint": home() / "tools/bin/hadolint",
        "checkov": home() / "checkov/bin/checkov",
        "trivy": home() / "tools/bin/trivy",
    }


def missing() -> list[str]:
    """Name the scanners that are not installed."""
    return [name for name, command in scanners().items() if not os.access(command, os.X_OK)]


def is_dockerfile(path: Path) -> bool:
    """Tell Dockerfiles by their names."""
    kinds = {"dockerfile", "containerfile"}
    parts = path.name.lower().split(".")
    return parts[0] in kinds or parts[-1] in kinds


def collect(paths: Iterable[Path]) -> Iterator[Path]:
    """Give files as they are named, and of folders the Dockerfiles and YAML files."""
    for path in paths:
        if path.is_file():
            yield path.resolve()
            continue
        for file in sorted(path.rglob("*")):
            wanted = is_dockerfile(file) or file.suffix in {".yaml", ".yml"}
            if wanted and file.is_file() and ".git" not in file.parts:
                yield file.resolve()


def judge(*paths: Path) -> Verdict:
    """Ask all scanners about files and folders."""
    files = list(dict.fromkeys(collect(paths)))
    verdict = Verdict(read=len(files))
    if not files:
        return verdict
    with tempfile.TemporaryDirectory() as tmp:  # plain names, so that each scanner knows what it sees
        tree = Path(tmp).resolve()
        real = {copy(file, tree / str(n)): file for n, file in enumerate(files)}
        for tool, ask in (("hadolint", hadolint), ("checkov", checkov), ("trivy", trivy)):
            verdict.all[tool] = Counter()
            for file, check in ask(tree):
                verdict.add(tool, real[file], check)
    return verdict


def copy(file: Path, folder: Path) -> Path:
    """Copy a file to a folder of its own, a Dockerfile under its usual name."""
    folder.mkdir()
    return Path(shutil.copyfile(file, folder / ("Dockerfile" if is_dockerfile(file) else file.name)))


def hadolint(tree: Path) -> Iterator[tuple[Path, str]]:
    """Give what hadolint finds; it reads Dockerfiles only."""
    files = sorted(str(f) for f in tree.rglob("Dockerfile"))
    for start in range(0, len(files), 200):
        for row in _json("hadolint", ["--no-fail", "-f", "json", *files[start : start + 200]]):
            yield Path(row["file"]), row["code"]


def checkov(tree: Path) -> Iterator[tuple[Path, str]]:
    """Give what checkov finds; it ends with 1 when it finds something."""
    options = [
        "--framework",
        "dockerfile",
        "kubernetes",
        "--quiet",
        "--compact",
        "-o",
        "json",
        "--skip-download",
    ]
    reports = _json("checkov", ["-d", str(tree), *options], ok={0, 1})
    for report in reports if isinstance(reports, list) else [reports]:
        for check in report.get("results", {}).get("failed_checks", []):
            yield Path(check["file_abs_path"]), check["check_id"]


def trivy(tree: Path) -> Iterator[tuple[Path, str]]:
    """Give what trivy finds, with the checks that its binary carries."""
    options = ["--skip-check-update", "--skip-version-check", "--quiet", "--format", "json"]
    report = _json("trivy", ["config", *options, "--cache-dir", str(home() / "trivy-cache"), str(tree)])
    for result in report.get("Results", []):
        for found in result.get("Misconfigurations", []):
            if found["Status"] == "FAIL":
                yield tree / result["Target"], found["ID"]


def _json(tool: str, arguments: list[str], ok: Collection[int] = (0,)) -> Any:
    environment = {**os.environ, "LOG_LEVEL": "ERROR", "ANSI_COLORS_DISABLED": "1"}
    done = subprocess.run(
        [scanners()[tool], *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment,
        timeout=TIMEOUT,
        check=False,
    )
    try:
        if done.returncode not in ok:
            raise ValueError(f"exit code {done.returncode}")
        return json.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.decode(errors="replace")[-2000:]
        raise JudgeError(f"{tool}: {error}\n{said}") from error


def main() -> int:
    """Judge what the command line names."""
    verdict = judge(*map(Path, sys.argv[1:]))
    files = {str(path): tools for path, tools in verdict.files.items()}
    print(json.dumps({"files": files, "all": verdict.all, "read": verdict.read}, indent=1))
    return 1 if files else 0


if __name__ == "__main__":
    sys.exit(main())
