import os
from http.server import HTTPServer, SimpleHTTPRequestHandler

server = HTTPServer(("", 8000), SimpleHTTPRequestHandler)
os.chroot("/srv/cell")
os.chdir("/")
server.serve_forever()
