import os
import pwd
from http.server import BaseHTTPRequestHandler, HTTPServer


class Who(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getuid()).encode())


server = HTTPServer(("", 8000), Who)
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
server.serve_forever()
