"""Where engines of this machine answer: the one that the environment names, or the sockets where engines put theirs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.inspecting.unseen import Unseen
from fixer.model import UNREACHABLE

if TYPE_CHECKING:
    from docker import DockerClient


def first(seconds: int) -> DockerClient:
    """A client of the first engine that there is; who calls closes it.

    Raises:
        Unseen: when there is none.
        DockerException: when it does not answer.
    """
    for address in addresses(os.environ):
        return connect(address, seconds)
    raise Unseen(UNREACHABLE, "there is no engine here; start Docker or Podman, or name its socket in DOCKER_HOST")


def connect(address: str, seconds: int) -> DockerClient:
    """A client of the engine at an address, "" for the one of DOCKER_HOST; it has asked for the version already.

    Raises:
        DockerException: when it does not answer.
    """
    import docker
    from docker.errors import DockerException

    place = address or os.environ.get("DOCKER_HOST", "")
    if place.startswith("unix://") and not Path(place.removeprefix("unix://")).is_socket():
        raise DockerException("there is no socket")  # the client would leave one of its own open
    if not address:
        return docker.from_env(timeout=seconds, version="auto", use_ssh_client=True)
    return docker.DockerClient(base_url=address, timeout=seconds, version="auto", use_ssh_client=True)


def addresses(environment: Mapping[str, str]) -> Iterator[str]:
    """The addresses of engines, "" for DOCKER_HOST, which is the only one where it is set."""
    if environment.get("DOCKER_HOST"):
        yield ""
        return
    for place in _sockets(environment):
        if place.startswith(("tcp://", "ssh://")) or Path(place.removeprefix("unix://")).is_socket():
            yield place


def _sockets(environment: Mapping[str, str]) -> Iterator[str]:
    if environment.get("CONTAINER_HOST"):
        yield environment["CONTAINER_HOST"]
    running = environment.get("XDG_RUNTIME_DIR")
    own = (f"{running}/docker.sock", f"{running}/podman/podman.sock") if running else ()
    every = ("/var/run/docker.sock", f"{Path.home()}/.docker/run/docker.sock", *own, "/run/podman/podman.sock")
    yield from (f"unix://{path}" for path in every)
