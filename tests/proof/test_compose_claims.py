"""What the rules on Compose take for granted about the engine, asked of one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from fixer import app
from fixer.config import Config, ImageConfig
from fixer.source import SourceFile
from tests.conftest import Engine

IMAGE = "debian:bookworm-slim"
LIMITS = ("--cap-drop=ALL", "--security-opt=no-new-privileges:true")


def run(engine: Engine, *arguments: str) -> tuple[int, str]:
    done = engine.docker("run", "--rm", "--network=none", *arguments)
    return done.returncode, done.stdout.strip()


def shell(engine: Engine, script: str, *options: str) -> tuple[int, str]:
    return run(engine, *options, "--entrypoint=sh", IMAGE, "-c", script)


def test_a_tmpfs_is_root_s_unless_it_says_otherwise(engine: Engine) -> None:
    """So that each one that is written names the user of the service."""
    write = "touch /var/cache/x"
    assert shell(engine, write, "--user=10001:10001", "--tmpfs=/var/cache")[0] != 0
    assert shell(engine, write, "--user=10001:10001", "--tmpfs=/var/cache:uid=10001,gid=10001")[0] == 0


def test_everybody_may_write_a_tmpfs_at_tmp(engine: Engine) -> None:
    options = ("--user=10001:10001", "--read-only", "--tmpfs=/tmp", *LIMITS)
    assert shell(engine, "touch /tmp/x && ! touch /etc/x", *options)[0] == 0


def test_low_ports_are_open_in_a_network_of_its_own(engine: Engine) -> None:
    assert shell(engine, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start", *LIMITS) == (0, "0")


@pytest.fixture
def volume(engine: Engine) -> Iterator[str]:
    name = f"fixer-{uuid.uuid4().hex}"
    engine.docker("volume", "create", name)
    yield name
    engine.docker("volume", "rm", "--force", name)


def test_the_command_that_is_told_gives_a_volume_away(engine: Engine, volume: str) -> None:
    """Even for a service that drops all capabilities: the command of the finding asks for the two that it takes."""
    text = "services:\n  web:\n    image: ghcr.io/acme/web:1\n    user: root\n    volumes: ['data:/data']\n"
    config = Config(images={"ghcr.io/acme/web": ImageConfig(user="1234:1234")})
    (told,) = (
        f for f in app.check(SourceFile("compose.yaml", text.encode()), config=config).findings if f.rule == "CS013"
    )
    assert told.refusal is not None
    words = told.refusal.message.partition("'")[2].partition("'")[0].split()
    at = words.index("--entrypoint")
    options, owner = words[words.index("--user") : at + 2], words[at + 3 :]
    mount = f"--volume={volume}:/data"
    assert shell(engine, "mkdir -p /data/a/b && touch /data/a/b/c && chmod 700 /data/a", mount)[0] == 0
    assert run(engine, *LIMITS, *options, mount, IMAGE, *owner)[0] == 0
    assert shell(engine, "touch /data/a/b/c /data/new", "--user=1234:1234", mount)[0] == 0
