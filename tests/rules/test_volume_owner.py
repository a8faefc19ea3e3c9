"""The instructions of service-volume-owner, which no golden file shows."""

from __future__ import annotations

from pathlib import Path

from fixer import app
from fixer import config as configuration

CASE = Path(__file__).parent / "service-volume-owner" / "hold-moves" / "in"


def test_what_the_fix_of_the_dockerfile_gives_away_is_not_asked_of_the_reader() -> None:
    found = [f for f in app.check(CASE, config=configuration.Config()).findings if f.rule == "CS013"]
    told = {f.message.split()[2]: f.refusal.message for f in found if f.refusal is not None and "volume" in f.message}
    for volume, folder in (("cache", "/app/cache"), ("data", "/var/lib/web")):
        assert told[volume].startswith(f"the fix of Dockerfile gives {folder} to 1000:1000")
        assert told[volume].endswith(f"--entrypoint chown web -R 1000:1000 {folder}'")
    assert "make /app/uploads in Dockerfile and give it to 1000:1000 there" in told["uploads"]
