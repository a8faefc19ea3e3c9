import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer


class Sorter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with tempfile.NamedTemporaryFile(dir="/tmp") as file:
            file.write(b"sorted")
            file.seek(0)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(file.read())


HTTPServer(("", 8000), Sorter).serve_forever()
