import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Prefix(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sys.prefix.encode())


HTTPServer(("", 8000), Prefix).serve_forever()
