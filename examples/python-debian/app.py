"""Keeps notes in files: GET / lists them, GET /NAME reads one, PUT /NAME writes one."""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DATA = Path("/var/lib/notes")
NAME = re.compile(r"/([a-z0-9-]{1,40})")


class Notes(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            names = sorted(file.stem for file in DATA.glob("*.txt"))
            return self.answer(200, "".join(f"{name}\n" for name in names))
        name = NAME.fullmatch(self.path)
        file = DATA / f"{name[1]}.txt" if name else None
        if file is None or not file.is_file():
            return self.answer(404, "no such note\n")
        return self.answer(200, file.read_text("utf-8"))

    def do_PUT(self):
        name = NAME.fullmatch(self.path)
        if name is None:
            return self.answer(400, "a name has lower-case letters, digits and -\n")
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        (DATA / f"{name[1]}.txt").write_bytes(text)
        return self.answer(200, "kept\n")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8000), Notes).serve_forever()
