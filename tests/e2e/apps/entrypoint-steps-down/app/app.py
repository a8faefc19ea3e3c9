import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Who(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with open("/var/lib/vault/asked", "a") as file:
            file.write("x")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getuid()).encode())


HTTPServer(("", 8000), Who).serve_forever()
