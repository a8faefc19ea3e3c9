import pathlib
from http.server import BaseHTTPRequestHandler, HTTPServer

file = pathlib.Path(__file__).parent / "data" / "starts"
starts = int(file.read_text()) + 1
file.write_text(str(starts))


class Starts(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"started {starts} times".encode())


HTTPServer(("", 8000), Starts).serve_forever()
