"""What tests may ask for: the files beside the repository, a Docker engine, a registry, a browser, the independent
scanners, and what forges say that they accept.

Each is used when it is there. When it is not, the test is skipped with the reason, or fails if
FIXER_REQUIRE_SHARED, FIXER_REQUIRE_BROWSER, FIXER_REQUIRE_ENGINE, FIXER_REQUIRE_FORGE, FIXER_REQUIRE_JUDGES,
FIXER_REQUIRE_PODMAN or FIXER_REQUIRE_REGISTRY says that it has to be there.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests import sharing
from tests.rigs import judge

ROOT = Path(__file__).resolve().parents[1]
MARKERS = {
    "shared": "corpus",
    "corpus_dockerfiles": "corpus",
    "browser": "browser",
    "engine": "engine",
    "github_contract": "forge",
    "gitea_contract": "forge",
    "judges": "judges",
    "podman": "podman",
    "compose_schema": "judges",
    "registry": "registry",
}
DOCKERFILE = re.compile(r"(^|[._-])(dockerfile|containerfile)([._-]|$)", re.IGNORECASE)
NOT_DOCKERFILES = {
    ".dockerignore",
    ".j2",
    ".json",
    ".md",
    ".ps1",
    ".py",
    ".sh",
    ".template",
    ".tmpl",
    ".yaml",
    ".yml",
}


# Each mark, and what is required for its tests.
NEEDS = {
    "corpus": "SHARED",
    "browser": "BROWSER",
    "engine": "ENGINE",
    "forge": "FORGE",
    "judges": "JUDGES",
    "podman": "PODMAN",
    "registry": "REGISTRY",
}
_STATE = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep what runs write about themselves out of the person's own folder, in child processes too."""
    config.stash[_STATE] = tempfile.TemporaryDirectory(prefix="fixer-state-")
    os.environ["XDG_STATE_HOME"] = config.stash[_STATE].name  # before any module of tests copies the environment


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it."""
    config.stash[_STATE].cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it asks for, so that the marks cannot go stale; what takes long comes first."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARKERS:
                item.add_marker(MARKERS[fixture])
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    unit = sharing.unit(item.nodeid)
    if unit in sharing.LONGEST:
        return sharing.LONGEST.index(unit)
    return len(sharing.LONGEST) + (item.get_closest_marker("corpus") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than there are cores: those with an engine wait for most of their time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep together what shares something costly."""
    return sharing.scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test fail that was skipped, whatever the reason, although what it asks for has to be there."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        for mark, what in NEEDS.items():
            if item.get_closest_marker(mark) and required(what):
                reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
                report.outcome = "failed"
                report.longrepr = f"{reason}, and FIXER_REQUIRE_{what} is set"
                break
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what became of the proofs, which other processes may have made."""
    reports = [one for found in terminalreporter.stats.values() for one in found if isinstance(one, pytest.TestReport)]
    proofs: list[Any] = [
        value for one in reports if one.when == "call" for name, value in one.user_properties if name == "proof"
    ]
    if proofs:
        from tests.proof.summary import write

        write(terminalreporter, proofs)


def required(what: str) -> bool:
    """Whether somebody says that it has to be there."""
    return os.environ.get(f"FIXER_REQUIRE_{what}", "") not in {"", "0"}


def absent(what: str, reason: str) -> NoReturn:
    """Skip, or fail where the thing is required."""
    if required(what):
        pytest.fail(f"{reason}, and FIXER_REQUIRE_{what} is set", pytrace=False)
    pytest.skip(reason)


@dataclass(frozen=True)
class Engine:
    """A Docker engine: the environment that leads to it, and a short way to call it."""

    environment: dict[str, str]

    def docker(
        self, *arguments: str | Path, stdin: bytes = b"", timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a docker command, whatever its exit code; build and run with `--network=none`."""
        done = subprocess.run(
            [Path(self.environment["PATH"].split(os.pathsep)[0]) / "docker", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of test input beside the repository."""
    folder = ROOT.parent / "shared"
    if not (folder / "corpus").is_dir():
        absent("SHARED", "no ../shared/corpus")
    return folder


@pytest.fixture(scope="session")
def corpus_dockerfiles(shared: Path) -> list[Path]:
    """Give all that is named like a Dockerfile, in a fixed order. Not every one is valid."""
    files = [
        path
        for path in (shared / "corpus").rglob("*")
        if DOCKERFILE.search(path.name) and path.suffix.lower() not in NOT_DOCKERFILES and path.is_file()
    ]
    assert files, "the corpus holds no Dockerfile"
    return sorted(files)


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Give the engine of tests/rigs/engine.sh, with the base images of tests/rigs/images.sh."""
    home = Path(os.environ.get("FIXER_RIG") or Path.home() / ".cache/fixer-rig") / "engine"
    environment = {
        **os.environ,
        "DOCKER_HOST": f"unix://{home}/docker.sock",
        "DOCKER_BUILDKIT": "1",
        "PATH": os.pathsep.join([str(home / "bin"), os.environ.get("PATH", os.defpath)]),
    }
    if not os.access(home / "bin/docker", os.X_OK):
        absent("ENGINE", "no Docker engine (tests/rigs/engine.sh start)")
    found = Engine(environment)
    if found.docker("version", timeout=30).returncode:
        absent("ENGINE", "the Docker engine does not answer (tests/rigs/engine.sh start)")
    if found.docker("image", "inspect", "debian:bookworm-slim", timeout=30).returncode:
        absent("ENGINE", "the Docker engine has no base images (tests/rigs/images.sh)")
    return found


def _address(rig: str, called: str) -> str:
    """The address of what a script of tests/rigs has started."""
    script = ROOT / f"tests/rigs/{rig}.sh"
    if subprocess.run([script, "status"], capture_output=True, timeout=30, check=False).returncode:
        absent(rig.upper(), f"no {called} (tests/rigs/{rig}.sh start)")
    done = subprocess.run([script, "address"], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def podman() -> str:
    """Give the address of the Podman of tests/rigs/podman.sh, with some of the base images."""
    return _address("podman", "Podman")


@pytest.fixture(scope="session")
def judges() -> Callable[..., judge.Verdict]:
    """Give the function that asks hadolint, checkov and trivy about paths."""
    missing: Sequence[str] = judge.missing()
    if missing:
        absent("JUDGES", f"not installed: {', '.join(missing)} (tests/rigs/judges-setup.sh)")
    return judge.judge


@pytest.fixture(scope="session")
def registry() -> str:
    """Give the address of the registry of tests/rigs/registry.sh."""
    return _address("registry", "registry")


@pytest.fixture(scope="session")
def browser() -> tuple[str, str]:
    """Give the paths of the browser of tests/rigs/browser.sh, and of what drives it."""
    script = ROOT / "tests/rigs/browser.sh"
    if subprocess.run([script, "status"], capture_output=True, timeout=60, check=False).returncode:
        absent("BROWSER", "no browser (apt-get install chromium chromium-driver)")
    done = subprocess.run([script, "paths"], capture_output=True, text=True, timeout=30, check=True)
    one, other = done.stdout.split()
    return one, other


@pytest.fixture(scope="session")
def github_contract() -> str:
    """Give the address where prism refuses what GitHub's own description does not have."""
    return f"http://{_forge('address')}"


@pytest.fixture(scope="session")
def gitea_contract() -> Path:
    """Give the folder of the client that is generated from Gitea's own description."""
    return Path(_forge("gitea"))


def _forge(what: str) -> str:
    script = ROOT / "tests/rigs/forge.sh"
    if subprocess.run([script, "status"], capture_output=True, timeout=30, check=False).returncode:
        absent("FORGE", "no descriptions of forges (tests/rigs/forge.sh start)")
    done = subprocess.run([script, what], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def compose_schema() -> Path:
    """Give the JSON Schema of the Compose specification."""
    file = judge.home() / "compose/compose/config/compose_spec.json"
    if not file.is_file():
        absent("JUDGES", "no schema of Compose (tests/rigs/judges-setup.sh)")
    return file
