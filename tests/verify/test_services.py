"""Services of Compose on a real engine, with what other files and other services are to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fixer import app
from fixer.evidence import Report, Word
from fixer.verify.engine import Options
from fixer.verify.trying import Wishes
from tests.conftest import Engine

Verify = Callable[[Mapping[str, str]], Report]


@pytest.fixture
def verify(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Verify a repository of some files."""
    monkeypatch.setenv("DOCKER_HOST", engine.environment["DOCKER_HOST"])
    (tmp_path / ".git").mkdir()

    def run(files: Mapping[str, str]) -> Report:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        wishes = Wishes(options=Options(timeout=30, settle=1, trace=False))
        return app.verify([tmp_path], app.config_for([tmp_path]), wishes, lambda _: None)

    return run


def test_a_service_is_what_its_override_makes_of_it(verify: Verify) -> None:
    # without the override it ends at once, and would be told to have been broken before
    files = {
        "Dockerfile": 'FROM alpine:3.20\nCMD ["sh", "-c", "test $MODE = dev && test -w /data && sleep 60"]\n',
        "compose.yaml": "services:\n  web:\n    build: .\n    environment: [MODE=prod]\n",
        "compose.override.yaml": "services:\n  web:\n    environment: {MODE: dev}\n    tmpfs: ['/data:mode=1777']\n",
    }
    (verdict,) = verify(files).verdicts
    assert verdict.word is Word.HOLDS, verdict
    assert any("with compose.override.yaml" in text for text in verdict.observations), verdict.observations


SERVES = "mkdir -p /srv/www; echo fine > /srv/www/index.html; exec httpd -f -p 5000 -h /srv/www"
ASKS = "wget -qO- http://api:5000/ | grep fine || exit 7; sleep 60"
WRITES = "d=$(printf /%s home); touch $d/here || exit 3; sleep 60"  # no file says where it writes
ROWS = """services:
  web: {build: web, depends_on: [api, late, bare]}
  api: {build: api}
  late: {build: late}
  bare: {build: bare}
"""


def command(words: str) -> str:
    return f'FROM alpine:3.20\nCMD ["sh", "-c", "{words}"]\n'


def test_what_is_built_here_runs_beside_a_service(verify: Verify, engine: Engine) -> None:
    files = {
        "web/Dockerfile": command(ASKS),
        "api/Dockerfile": command(SERVES),
        "late/Dockerfile": command(WRITES),
        "bare/Dockerfile": "FROM alpine:3.20\nRUN exit 9\n",
        "compose.yaml": ROWS,
    }
    verdicts = {one.dockerfile.partition("/")[0]: one for one in verify(files).verdicts}
    words = {name: one.word for name, one in verdicts.items()}
    assert words == {"api": Word.HOLDS, "bare": Word.BROKEN_BEFORE, "late": Word.BROKEN, "web": Word.HOLDS}, verdicts
    told = "\n".join(verdicts["web"].observations)
    assert "late, which it needs, ended with 3" in told
    assert "bare was not started: it is not built (" in told
    for image in [image for one in verdicts.values() for image in (one.image_before, one.image_after) if image]:
        assert engine.docker("image", "inspect", image).returncode, "no image is left"
