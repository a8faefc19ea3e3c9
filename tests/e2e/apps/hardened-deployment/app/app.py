import os
import pathlib
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer

CACHE = pathlib.Path(os.environ["CACHE_DIR"])


class Letters(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with tempfile.NamedTemporaryFile() as draft:
            draft.write(b"dear reader")
            (CACHE / "letter").write_bytes(b"sent")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"2 files")


HTTPServer(("", 8000), Letters).serve_forever()
