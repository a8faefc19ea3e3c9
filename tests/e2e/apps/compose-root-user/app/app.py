import pathlib
from http.server import BaseHTTPRequestHandler, HTTPServer

FILE = pathlib.Path("/var/lib/box/content")


class Box(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        FILE.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(FILE.read_bytes())

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("", 8000), Box).serve_forever()
