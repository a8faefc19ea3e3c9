"""A registry that does what a test wants: serves a store, and at chosen paths lies, hangs or asks for passwords."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.inspecting.made import Store

Handler = Callable[["Request"], bool]
"""Answers a request and gives True, or leaves it to the store."""


class Request(BaseHTTPRequestHandler):
    """One request; it is remembered with its headers."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self.form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._serve()

    def _serve(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        try:
            if not any(handle(self) for handle in self.server.handlers):
                self._from_store()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _from_store(self) -> None:
        what, _, name = self.path.partition("?")[0].removeprefix("/v2/").rpartition("/")
        store = self.server.store
        if what.endswith("/manifests") and name in store.manifests:
            media_type, data = store.manifests[name]
            self.answer(200, data, {"Content-Type": media_type})
        elif what.endswith("/blobs") and name in store.blobs:
            self.answer(200, store.blobs[name], {"Content-Type": "application/octet-stream"})
        else:
            self.answer(404)

    def answer(self, status: int, data: bytes = b"", headers: dict[str, str] | None = None) -> bool:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        return True

    def json(self, value: Any) -> bool:
        return self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


class Server(ThreadingHTTPServer):
    """A server on loopback; `seen` are the requests that came, with their headers."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *handlers: Handler, name: str = "127.0.0.1") -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.store = Store()
        self.handlers = list(handlers)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()
        self.host = f"{name}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that speaks TLS or goes away is none of the test's business."""

    def passwords(self) -> list[str]:
        """All values of `Authorization` that came."""
        return [headers["Authorization"] for _, headers in self.seen if "Authorization" in headers]


@contextmanager
def served(*handlers: Handler, name: str = "127.0.0.1") -> Iterator[Server]:
    """Run a server as long as the test needs it."""
    server = Server(*handlers, name=name)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
