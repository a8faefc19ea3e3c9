from http.server import BaseHTTPRequestHandler, HTTPServer


class Palette(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with open("/etc/palette/palette.conf") as file:
            text = file.read().strip()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


HTTPServer(("", 8000), Palette).serve_forever()
