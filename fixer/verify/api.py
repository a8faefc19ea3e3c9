"""The requests to an engine that a trial needs, over the docker SDK; podman answers the same ones.

The SDK has no types, so that all of it stays in this module.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from fixer.errors import UsageError
from fixer.lazy import regex
from fixer.tuples import NamedTuple
from fixer.verify.said import tidy

_PIECE = 1 << 16
_MOST_ANSWER = 1 << 20
_TIMES, _PAUSE = 10, 0.3  # seconds
_RUNC = regex(r'\blevel=error msg="((?:[^"\\]|\\.)*)"')


class Refused(Exception):
    """The engine does not do what it is asked; `str()` is its own sentence, `absent` that a thing is not there."""

    def __init__(self, message: str, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class Owned(NamedTuple):
    """Who a file of a container belongs to, its kind and permission bits, and where it leads when it is a link."""

    uid: int
    gid: int
    mode: int
    folder: bool
    link: str = ""


@contextmanager
def _errors() -> Iterator[None]:
    from docker.errors import APIError, DockerException, NotFound
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        raise Refused(_sentence(str(error.explanation or error)), isinstance(error, NotFound)) from None
    except (DockerException, RequestException, HTTPError, OSError) as error:
        what = tidy(str(error), 160)
        raise UsageError(f"the engine does not answer any more ({what}); see whether it runs, and try again") from None


def _sentence(text: str) -> str:
    """What an engine says, without the frame in which Podman hands on what runc has said."""
    found = _RUNC.search(text)
    return tidy(found.group(1).replace('\\"', '"') if found else text)


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
        self.system, self.machine = str(version.get("Os", "")), str(version.get("Arch", ""))
        self._exported: dict[str, dict[str, Owned]] = {}
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
        """All images with a label, also such without a name.

        Podman refuses to list any while somebody removes one: it is asked again then.
        """
        for _ in range(_TIMES):
            try:
                return self._images(label)
            except Refused:
                time.sleep(_PAUSE)
        return self._images(label)

    def _images(self, label: str) -> list[dict[str, Any]]:
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
        """Build from a tar of the context, and give what the engine tells meanwhile; `seconds` for each silence.

        Who stops to listen ends the build with Podman, which cannot be told to end it.
        """
        begin = time.monotonic()
        try:
            yield from self._built(tar, params, seconds)
        except UsageError:
            if time.monotonic() - begin < seconds:
                raise
            raise Refused("it was silent for too long") from None

    def _built(self, tar: BinaryIO, params: Mapping[str, str], seconds: float) -> Iterator[dict[str, Any]]:
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

    def prepare(self, container: str) -> None:
        """Mount and hand over what a container gets, without starting it, which only Podman can do by itself."""
        with _errors():
            answer = self._api._post(f"{self._api.base_url}/v4.0.0/libpod/containers/{container}/init")
            self._api._raise_for_status(answer)

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
            url = self._api._url("/containers/{0}/changes", container)
            answer = self._api._get(url, params={"diffType": "container"})  # Podman would look for an image, too
            return [(int(item["Kind"]), str(item["Path"])) for item in self._api._result(answer, True) or ()]

    def ask_health(self, container: str) -> None:
        """Run the health check of a container now, which Podman does by itself only where systemd runs."""
        with _errors():
            self._api._get(f"{self._api.base_url}/v4.0.0/libpod/containers/{container}/healthcheck").close()

    def exists(self, container: str, path: str) -> bool:
        """Whether a path of a container is there."""
        with _errors():
            answer = self._archive(container, path)
            if answer is not None:
                answer.close()
        return answer is not None

    def owned(self, container: str, path: str) -> Owned | None:
        """Who a path of a container belongs to; None when it is not there.

        A copy out of Podman belongs to the user of the container, whoever owns what is copied: there the whole
        container is read, once, so that it is asked about one that has ended.
        """
        if self.kind == "podman":
            if container not in self._exported:
                self._exported = {container: self._export(container)}
            return self._exported[container].get(path.strip("/"))
        with _errors():
            answer = self._archive(container, path)
            if answer is None:
                return None
            try:
                header = answer.raw.read(512)
            finally:
                answer.close()
        try:
            return _owned(tarfile.TarInfo.frombuf(header, "utf-8", "replace"))
        except tarfile.TarError:
            return None

    def _export(self, container: str) -> dict[str, Owned]:
        """Who the paths of a container belong to, without its volumes."""
        found: dict[str, Owned] = {"": Owned(0, 0, 0o755, True)}
        with _errors():
            answer = self._api._get(self._api._url("/containers/{0}/export", container), stream=True)
            self._api._raise_for_status(answer)
            try:
                with tarfile.open(fileobj=answer.raw, mode="r|") as tar:
                    for entry in tar:
                        found[entry.name.strip("/").removeprefix("./")] = _owned(entry)
            except tarfile.TarError:
                pass  # what was read is told
            finally:
                answer.close()
        return found

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
                state = self._api.exec_inspect(made)
                code = None if state.get("Running") else state.get("ExitCode")
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


def _owned(entry: tarfile.TarInfo) -> Owned:
    return Owned(entry.uid, entry.gid, entry.mode & 0o7777, entry.isdir(), entry.linkname if entry.issym() else "")


def parents(path: str) -> Iterator[str]:
    """The folders above a path of a container, from the nearest to the root."""
    while path not in ("/", ""):
        path = posixpath.dirname(path)
        yield path


def _release(version: str) -> int:
    head = version.partition(".")[0]
    return int(head) if head.isdigit() else 0
