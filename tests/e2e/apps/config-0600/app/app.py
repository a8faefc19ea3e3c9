import json
from http.server import BaseHTTPRequestHandler, HTTPServer

with open("/etc/colours/colours.json") as file:
    colours = json.load(file)


class Colour(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(colours["favourite"].encode())


HTTPServer(("", 8000), Colour).serve_forever()
