import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Visits(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with sqlite3.connect("db.sqlite3") as db:
            db.execute("INSERT INTO visits VALUES (datetime('now'))")
            (count,) = db.execute("SELECT count(*) FROM visits").fetchone()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(count).encode())


if sys.argv[1] == "migrate":
    sqlite3.connect("db.sqlite3").execute("CREATE TABLE visits (at TEXT)")
else:
    HTTPServer(("", 5000), Visits).serve_forever()
