"""The requests to an engine that a trial needs, over the docker SDK; podman answers the same ones.

The SDK has no types, so that all of it stays in this module.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from fixer.errors import UsageError
from fixer.tuples import NamedTuple
from fixer.verify.said import tidy

_PIECE = 1 << 16
_MOST_ANSWER = 1 << 20


class Refused(Exception):
    """The engine does not do what it is asked; `str()` is its own sentence, `absent` that a thing is not there."""

    def __init__(self, message: str, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class Owned(NamedTuple):
    """Who a file of a container belongs to, and its kind and permission bits."""

    uid: int
    gid: int
    mode: int
    folder: bool


@contextmanager
def _errors() -> Iterator[None]:
    from docker.errors import APIError, DockerException, NotFound
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        raise Refused(tidy(str(error.explanation or error)), isinstance(error, NotFound)) from None
    except (DockerException, RequestException, HTTPError, OSError) as error:
        what = tidy(str(error), 160)
        raise UsageError(f"the engine does not answer any more ({what}); see whether it runs, and try again") from None


class Api:
    """One connection to an engine. Every method raises `Refused` for what it refuses, `UsageError` when it is gone."""

    def __init__(self, client: Any, address: str) -> None:
        self._api: Any = client.api
        self.address = address
        with _errors():
            version = self._api.version()
        parts = [str(part.get("Name", "")) for part in version.get("Components") or ()]
        self.kind = "podman" if any("podman" in part.lower() for part in parts) else "docker"
        self.name = tidy(f"{self.kind} {version.get('Version', '')}", 60)
        self.release = _release(str(version.get("Version", "")))

    def again(self) -> Api:
        """Another connection to the same engine, for another thread."""
        from fixer.inspecting import clients

        with _errors():
            return Api(clients.connect(self.address, 30), self.address)

    def close(self) -> None:
        """Close the connection."""
        self._api.close()

    def images(self, label: str) -> list[dict[str, Any]]:
        """All images with a label, also such without a name."""
        with _errors():
            return list(self._api.images(all=True, filters={"label": label}))

    def containers(self, label: str) -> list[dict[str, Any]]:
        """All containers with a label, also such that do not run."""
        with _errors():
            return list(self._api.containers(all=True, filters={"label": label}))

    def volumes(self, label: str) -> list[dict[str, Any]]:
        """All volumes with a label."""
        with _errors():
            return list(self._api.volumes(filters={"label": label}).get("Volumes") or ())

    def image(self, name: str) -> dict[str, Any]:
        """What the engine knows of an image."""
        with _errors():
            found: dict[str, Any] = self._api.inspect_image(name)
            return found

    def build(self, tar: BinaryIO, params: Mapping[str, str], seconds: float) -> Iterator[dict[str, Any]]:
        """Build from a tar of the context, and give what the engine tells meanwhile; `seconds` for each silence."""
        with _errors():
            answer = self._api._post(
                self._api._url("/build"),
                data=iter(lambda: tar.read(_PIECE), b""),
                params=dict(params),
                headers={"Content-Type": "application/x-tar"},
                stream=True,
                timeout=seconds,
            )
            try:
                self._api._raise_for_status(answer)
                for told in self._api._stream_helper(answer, decode=True):
                    if isinstance(told, dict):
                        yield told
            finally:
                answer.close()

    def cancel(self, build: str) -> None:
        """End a build that another connection waits for."""
        with _errors():
            self._api._post(self._api._url("/build/cancel"), params={"id": build}).close()

    def create(self, body: Mapping[str, Any]) -> str:
        """Make a container out of the body of the request; its id."""
        with _errors():
            answer = self._api._post_json(self._api._url("/containers/create"), data=dict(body))
            return str(self._api._result(answer, True)["Id"])

    def start(self, container: str) -> None:
        """Start a container."""
        with _errors():
            self._api.start(container)

    def kill(self, container: str) -> None:
        """End a container at once."""
        with _errors():
            self._api.kill(container)

    def inspect(self, container: str, size: bool = False) -> dict[str, Any]:
        """What the engine knows of a container; with `size`, also how many bytes it has written."""
        with _errors():
            url = self._api._url("/containers/{0}/json", container)
            found: dict[str, Any] = self._api._result(self._api._get(url, params={"size": "1"} if size else None), True)
            return found

    def top(self, container: str, words: str) -> list[list[str]]:
        """The rows of `ps` for the processes of a container; to Podman the words are columns, for others it has no ps.

        Raises:
            Refused: also when the container has ended, to which Podman has no answer.
        """
        with _errors():
            url = self._api._url("/containers/{0}/top", container)
            answer = self._api._get(url, params={"ps_args": words, "stream": "false"})
            self._api._raise_for_status(answer)
            found = answer.json() if answer.content.strip() else None
        if found is None:
            raise Refused("the container has ended")
        return [list(map(str, row)) for row in found.get("Processes") or ()]

    def log(self, container: str) -> bytes:
        """The end of what a container said on both streams."""
        with _errors():
            kept = bytearray()
            for piece in self._api.logs(container, stream=True, follow=False, tail=4000):
                kept += piece
                del kept[:-_MOST_ANSWER]
            return bytes(kept)

    def diff(self, container: str) -> list[tuple[int, str]]:
        """What is changed (0), added (1) or deleted (2) in the file system of a container since its start."""
        with _errors():
            return [(int(item["Kind"]), str(item["Path"])) for item in self._api.diff(container) or ()]

    def owned(self, container: str, path: str) -> Owned | None:
        """Who a path of a container belongs to; None when it is not there."""
        with _errors():
            answer = self._archive(container, path)
            if answer is None:
                return None
            try:
                header = answer.raw.read(512)
            finally:
                answer.close()
        try:
            entry = tarfile.TarInfo.frombuf(header, "utf-8", "replace")
        except tarfile.TarError:
            return None
        return Owned(entry.uid, entry.gid, entry.mode & 0o7777, entry.isdir())

    def archive(self, container: str, path: str, most: int) -> bytes | None:
        """A path of a container as a tar; None when it is not there or has more bytes than that."""
        with _errors():
            answer = self._archive(container, path)
            if answer is None:
                return None
            kept = bytearray()
            try:
                while piece := answer.raw.read(_PIECE):
                    kept += piece
                    if len(kept) > most:
                        return None
            finally:
                answer.close()
            return bytes(kept)

    def _archive(self, container: str, path: str) -> Any:
        from docker.errors import NotFound

        url = self._api._url("/containers/{0}/archive", container)
        answer = self._api._get(url, params={"path": path}, stream=True, headers={"Accept-Encoding": "identity"})
        try:
            self._api._raise_for_status(answer)
        except NotFound:
            return None
        return answer

    def put(self, container: str, folder: str, tar: bytes) -> None:
        """Unpack a tar in a folder of a container."""
        with _errors():
            self._api.put_archive(container, folder, tar)

    def execute(self, container: str, words: Sequence[str], seconds: float) -> tuple[int, bytes]:
        """Run a command in a container with its user; its exit code (124: too slow, 126: no start) and its words."""
        from urllib3.exceptions import ReadTimeoutError

        try:
            with _errors():
                made = self._api.exec_create(container, list(words))["Id"]
                url = self._api._url("/exec/{0}/start", made)
                headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
                body = {"Tty": False, "Detach": False}
                answer = self._api._post_json(url, headers=headers, data=body, stream=True, timeout=seconds)
                said = self._frames(answer, seconds)
                code = self._api.exec_inspect(made).get("ExitCode")
        except Refused as problem:
            return 126, str(problem).encode()
        except ReadTimeoutError:
            return 124, b""
        return (124 if code is None else int(code)), said

    def _frames(self, answer: Any, seconds: float) -> bytes:
        """What an exec says, until it ends or the time is over."""
        import socket
        import threading

        from docker.utils.socket import frames_iter

        channel = self._api._get_raw_response_socket(answer)
        raw: socket.socket = getattr(channel, "_sock", channel)
        # The SDK waits without an end for what comes next; nothing comes from a socket that is shut.
        timer = threading.Timer(seconds, raw.shutdown, [socket.SHUT_RDWR])
        timer.daemon = True
        timer.start()
        kept = bytearray()
        try:
            for _, piece in frames_iter(channel, tty=False):  # type: ignore[no-untyped-call]
                kept += piece
                del kept[:-_MOST_ANSWER]
        finally:
            timer.cancel()
            timer.join()
            answer.close()
        return bytes(kept)

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a volume."""
        with _errors():
            self._api.create_volume(name, labels=dict(labels))

    def remove_container(self, container: str) -> None:
        """Remove a container, however it stands, with the volumes that have no name."""
        with _errors():
            self._api.remove_container(container, v=True, force=True)

    def remove_image(self, image: str) -> None:
        """Remove an image, and none that it is made from."""
        with _errors():
            self._api.remove_image(image, force=True, noprune=True)

    def remove_volume(self, name: str) -> None:
        """Remove a volume."""
        with _errors():
            self._api.remove_volume(name, force=True)

    def cache(self) -> list[dict[str, Any]]:
        """The records of the cache of builds."""
        with _errors():
            url = self._api._url("/system/df")
            found = self._api._result(self._api._get(url, params={"type": "build-cache"}), True)
            return list(found.get("BuildCache") or ())

    def forget(self, record: str) -> None:
        """Remove one record of the cache of builds, when nobody uses it."""
        with _errors():
            params = {"all": "1", "filters": json.dumps({"id": {record: True}})}
            self._api._post(self._api._url("/build/prune"), params=params).close()


def parents(path: str) -> Iterator[str]:
    """The folders above a path of a container, from the nearest to the root."""
    while path not in ("/", ""):
        path = posixpath.dirname(path)
        yield path


def _release(version: str) -> int:
    head = version.partition(".")[0]
    return int(head) if head.isdigit() else 0
