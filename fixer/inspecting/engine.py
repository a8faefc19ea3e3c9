"""Images as a local engine has them: Docker, or Podman with its socket for Docker's clients."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fixer.facts import ImageRef
from fixer.inspecting import clients
from fixer.inspecting.configuration import Files, inspection
from fixer.inspecting.layers import GROUP, PASSWD
from fixer.inspecting.tarred import Broken, Tar, clean
from fixer.inspecting.unseen import Unseen, too_slow
from fixer.lock import Inspection
from fixer.model import INVALID, MISSING, UNREACHABLE

if TYPE_CHECKING:
    from docker import DockerClient

_MOST_FILE = 4 << 20
_MOST_LINKS = 8


def from_engine(reference: str, seconds: int) -> Inspection:
    """What an image says about itself, as a local engine has it; nothing is pulled and nothing is started.

    Args:
        reference: as `ImageRef.exact` writes it.
        seconds: for each answer.

    Raises:
        Unseen: with one sentence, for whatever goes wrong.
    """
    with _errors(reference, seconds):
        client = clients.first(seconds)
        try:
            return _inspect(client, reference)
        finally:
            client.close()


def _inspect(client: DockerClient, reference: str) -> Inspection:
    found: Any = client.api.inspect_image(reference)  # type: ignore[no-untyped-call]
    config = found.get("Config") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(config, dict | None):
        raise Unseen(INVALID, "the engine answers with something that is no image; update it")
    platform = f"{found.get('Os') or 'linux'}/{found.get('Architecture') or 'unknown'}"
    identity = str(found.get("Id", ""))
    digest = _digest(reference, found.get("RepoDigests"), identity)
    return inspection(reference, digest, "engine", platform, config or {}, lambda: _files(client, identity))


def _digest(reference: str, digests: Any, identity: str) -> str:
    """The digest under which a registry has it; for an image that was built here, that of its configuration."""
    wanted = ImageRef.exact(reference)
    for text in digests if isinstance(digests, list) else ():
        try:
            ref = ImageRef.exact(text)
        except (TypeError, ValueError):
            continue
        if (ref.registry, ref.repository) == (wanted.registry, wanted.repository) and ref.digest:
            return ref.digest
    if not identity:
        raise Unseen(INVALID, "the engine does not tell the digest of the image; update it")
    return identity if ":" in identity else f"sha256:{identity}"  # as Podman writes it


def _files(client: DockerClient, identity: str) -> Files:
    """The account files of an image, out of a container that is made for this, never started, and removed."""
    made = client.api.create_container(identity, command=["fixer"], network_disabled=True)
    container = str(made["Id"])
    try:
        return Files(_read(client, container, PASSWD), _read(client, container, GROUP))
    finally:
        client.api.remove_container(container, v=True, force=True)


def _read(client: DockerClient, container: str, path: str) -> str | None:
    from docker.errors import NotFound

    for _ in range(_MOST_LINKS):
        try:
            pieces, _ = client.api.get_archive(container, f"/{path}")
        except NotFound:
            return None
        tar = Tar(_Pieces(pieces))
        entry = next(tar.entries(), None)
        if entry is None or entry.kind not in ("file", "symlink"):
            return None
        if entry.kind == "file":
            if entry.size > _MOST_FILE:
                raise Broken("it is too large")
            return tar.content().decode("utf-8", "replace")
        path = clean(posixpath.join(posixpath.dirname(path), entry.target))
    raise Broken("its links lead in a circle")


class _Pieces:
    """Pieces of any size as a stream."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


@contextmanager
def _errors(reference: str, seconds: float) -> Iterator[None]:
    """What clients raise, each as one sentence without what it holds."""
    from docker.errors import DockerException, ImageNotFound, NotFound
    from requests.exceptions import RequestException, Timeout

    try:
        yield
    except (ImageNotFound, NotFound):
        message = f"the engine has no such image; run 'docker pull {reference}', or read it from its registry"
        raise Unseen(MISSING, message) from None
    except (Timeout, TimeoutError):
        raise Unseen(UNREACHABLE, too_slow("the engine", seconds)) from None
    except Broken as error:
        raise Unseen(INVALID, f"an account file of the image cannot be read: {error}; build it anew") from error
    except (DockerException, RequestException, OSError, ValueError, KeyError, TypeError, AttributeError):
        message = "no engine answers as one should; start Docker or Podman, or name its socket in DOCKER_HOST"
        raise Unseen(UNREACHABLE, message) from None
