"""The fixtures by which Kubernetes tests its admission: what fails passes once fixed, what passes stays as it is."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from fixer import app
from fixer.config import Config, ImageConfig
from fixer.model import Result
from fixer.pod_security import evaluate
from fixer.rules import on_manifests
from fixer.source import SourceFile
from fixer.syntax.yaml import values

# What the images of the fixtures run as, which their pods do not tell.
IMAGES = {name: ImageConfig(user="65535:65535") for name in ("registry.k8s.io/pause", "test")}
# Without these the pod does something else, so that a person has to decide.
TAKES_FUNCTION = {"hostNamespaces", "hostPathVolumes", "hostPorts", "restrictedVolumes", "windowsHostProcess"}
# The rules that answer to the controls of the standards.
OF_CONTROLS = {rule.CARD.id for rule in on_manifests() if "KS001" <= rule.CARD.id <= "KS017"}
VERSIONS = ("v1.0", "v1.8", "v1.19", "v1.25", "v1.29", "v1.32")


class Fixture(NamedTuple):
    """A file with one pod, and the control that it is made for."""

    path: Path
    control: str
    level: str
    version: str

    @property
    def config(self) -> Config:
        return Config(images=IMAGES, pod_security_version=self.version)

    def fixed(self) -> Result:
        return app.fix(SourceFile("pod.yaml", self.path.read_bytes()), config=self.config)


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    folder = shared / "conformance" / "pod-security"
    if not folder.is_dir():
        pytest.skip("no ../shared/conformance/pod-security")
    return folder


@cache
def fixtures(folder: Path, level: str, version: str, verdict: str) -> list[Fixture]:
    files = sorted((folder / level / version / verdict).glob("*.yaml"))
    assert files
    return [Fixture(file, file.stem.rstrip("0123456789"), level, version) for file in files]


def left(fixture: Fixture, data: bytes) -> set[str]:
    """The controls that still forbid something in a pod, at the level of its fixture."""
    (pod,) = values(SourceFile("pod.yaml", data).text)
    return {violation.control for violation in evaluate(pod, fixture.level, fixture.version)}


def test_every_version_of_the_fixtures_is_known(folder: Path) -> None:
    for level in ("baseline", "restricted"):
        assert {one.name for one in (folder / level).iterdir()} == set(VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_what_fails_passes_once_it_is_fixed(folder: Path, level: str, version: str) -> None:
    refused: set[str] = set()
    allowed = 0
    for fixture in fixtures(folder, level, version, "fail"):
        before = fixture.path.read_bytes()
        assert left(fixture, before)
        result = fixture.fixed()
        (after,) = [change.after for change in result.changes] or [before]
        stay = left(fixture, after)
        reasons = {f.refusal.code for f in result.findings if f.rule in OF_CONTROLS and f.refusal is not None}
        # a process of the host is one of Windows, to which nothing else applies
        windows = {"windows"} if "windowsHostProcess" in stay else set()
        assert reasons - windows == ({"takes-function"} if stay else set()), fixture.path
        assert stay <= TAKES_FUNCTION, fixture.path
        refused |= stay
        allowed += not stay
    # hostPath is a restricted type of volume at the one level, and a control of its own at the other
    own = "restrictedVolumes" if level == "baseline" else "hostPathVolumes"
    assert refused == TAKES_FUNCTION - {own}
    print(f"{level} {version}: {allowed} of {len(fixtures(folder, level, version, 'fail'))} allowed")  # noqa: T201


@pytest.mark.parametrize("version", VERSIONS)
def test_what_passes_stays_as_it_is(folder: Path, version: str) -> None:
    for fixture in fixtures(folder, "restricted", version, "pass"):
        result = fixture.fixed()
        assert [f.message for f in result.findings if f.rule in OF_CONTROLS] == [], fixture.path
        assert result.changes == (), fixture.path
