import logging
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

LOG_DIR = os.environ.get("LOG_DIR", "/var/log/orders")
os.makedirs(LOG_DIR, exist_ok=True)
logging.basicConfig(filename=os.path.join(LOG_DIR, "orders.log"), level=logging.INFO)


class Orders(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        logging.info("asked for %s", self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[]")


HTTPServer(("", 8000), Orders).serve_forever()
