import hashlib
import os
import pathlib
from http.server import BaseHTTPRequestHandler, HTTPServer

CACHE = pathlib.Path(os.environ["THUMBS_CACHE_DIR"])
CACHE.mkdir(parents=True, exist_ok=True)


class Thumbs(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        file = CACHE / hashlib.sha256(self.path.encode()).hexdigest()
        if not file.exists():
            file.write_bytes(b"thumbnail of " + self.path.encode())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(file.read_bytes())


HTTPServer(("", 8000), Thumbs).serve_forever()
