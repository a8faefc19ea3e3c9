import os
from http.server import HTTPServer, SimpleHTTPRequestHandler

FOLDER = "/srv/uploads"


class Uploads(SimpleHTTPRequestHandler):
    def do_POST(self) -> None:
        name = os.path.basename(self.path)
        with open(os.path.join(FOLDER, name), "wb") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(201)
        self.end_headers()


os.chdir(FOLDER)
HTTPServer(("", 8000), Uploads).serve_forever()
