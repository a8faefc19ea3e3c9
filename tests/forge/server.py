"""A forge that says what a test wants, on loopback; what it was asked is remembered."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit


class Asked(NamedTuple):
    """One request: its query has the last value of each name, its body is JSON or None."""

    verb: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Answer(NamedTuple):
    """What is answered: `body` is JSON unless it is bytes.

    A slow one sends it byte by byte until the test is over, a dripping one its head, a silent one sends nothing.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = {}
    slow: bool = False
    silent: bool = False
    dripping: bool = False


Handler = Callable[[Asked], Answer | Any]
"""Gives an answer, or the JSON of a good one."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        asked = Asked(self.command, parts.path, query, headers, json.loads(data) if data else None)
        self.server.asked.append(asked)
        try:
            self._answer(self.server.answer(asked))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def _answer(self, answer: Answer) -> None:
        if answer.silent:
            self.server.over.wait(30)
            self.close_connection = True
            return
        if answer.dripping:
            self._drip(b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 10_000)
            self.close_connection = True
            return
        data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        given = {"content-length": str(len(data)), "content-type": "application/json", **answer.headers}
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        if not answer.slow:
            self.wfile.write(data)
            return
        self._drip(data)

    def _drip(self, data: bytes) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.server.over.wait(0.02):
                return


class Server(ThreadingHTTPServer):
    """A forge; `routes` lead from a verb and a path to what is answered, everything else is 404."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, routes: Mapping[str, Handler | Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.routes = dict(routes)
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, asked: Asked) -> Answer:
        found = self.routes.get(
            f"{asked.verb} {asked.path}", self.routes.get("*", Answer({"message": "Not Found"}, 404))
        )
        given = found(asked) if callable(found) else found
        return given if isinstance(given, Answer) else Answer(given)

    def said(self, verb: str) -> list[tuple[str, Any]]:
        """The paths and bodies of requests of a verb."""
        return [(one.path, one.body) for one in self.asked if one.verb == verb]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is none of the test's business."""


@contextmanager
def served(routes: Mapping[str, Handler | Any]) -> Iterator[Server]:
    """Run a forge as long as the test needs it."""
    server = Server(routes)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def paged(rows: list[Any], size: int) -> Handler:
    """A list in pages, whose links lead elsewhere: nobody is to follow them."""

    def handle(asked: Asked) -> Answer:
        page = int(asked.query["page"])
        more = {"Link": '<http://127.0.0.1:9/evil?page=2>; rel="next"'} if page * size < len(rows) else {}
        return Answer(rows[(page - 1) * size : page * size], headers=more)

    return handle
