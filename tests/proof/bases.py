"""Closer copies of three official images: what the stand-ins of tests/rigs/images.sh leave out and programs rely on."""

from __future__ import annotations

# npm as it behaves: it runs a script of package.json and keeps a log below $HOME, without which this one stops.
_NPM = """#!/bin/sh
set -e
mkdir -p "$HOME/.npm/_logs"
echo started >>"$HOME/.npm/_logs/last.log"
case $1 in
  start) name=start ;;
  run) name=$2 ;;
  ci | install)
    mkdir -p node_modules/.bin node_modules/left-pad
    echo '{}' >node_modules/left-pad/package.json
    exit ;;
  *) exit 0 ;;
esac
exec sh -c "$(node -p "require('./package.json').scripts['$name']")"
"""
# The official entrypoint: it looks for ports to open and fills in templates, and leaves the rest to nginx.
_NGINX_ENTRY = """#!/bin/sh
set -e
if [ "$1" = nginx ] || [ "$1" = nginx-debug ]; then
  for f in /docker-entrypoint.d/*; do
    case "$f" in
      *.sh) if [ -x "$f" ]; then "$f"; fi ;;
    esac
  done
fi
exec "$@"
"""
_NGINX_TEMPLATES = """#!/bin/sh
set -e
[ -d /etc/nginx/templates ] || exit 0
if [ ! -w /etc/nginx/conf.d ]; then
  echo "$0: ERROR: /etc/nginx/conf.d is not writable" >&2
  exit 0
fi
for f in /etc/nginx/templates/*.template; do
  name=$(basename "$f" .template)
  perl -pe 's/\\$\\{(\\w+)\\}/$ENV{$1}/g' "$f" >"/etc/nginx/conf.d/$name"
done
"""
_NGINX_CONF = """user  nginx;
worker_processes  1;
error_log  /var/log/nginx/error.log notice;
pid        /var/run/nginx.pid;
events { worker_connections 64; }
http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    client_body_temp_path /var/cache/nginx/client_temp;
    proxy_temp_path       /var/cache/nginx/proxy_temp;
    fastcgi_temp_path     /var/cache/nginx/fastcgi_temp;
    uwsgi_temp_path       /var/cache/nginx/uwsgi_temp;
    scgi_temp_path        /var/cache/nginx/scgi_temp;
    access_log  /var/log/nginx/access.log;
    sendfile        on;
    include /etc/nginx/conf.d/*.conf;
}
"""
_NGINX_DEFAULT = """server {
    listen       80;
    server_name  localhost;
    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }
}
"""
# The files of each, and the Dockerfile that puts them in.
_NODE = {"npm": _NPM, "Dockerfile": "FROM node:20-slim\nCOPY npm /usr/local/bin/npm\n"}
_NGINX = {
    "docker-entrypoint.sh": _NGINX_ENTRY,
    "20-envsubst-on-templates.sh": _NGINX_TEMPLATES,
    "nginx.conf": _NGINX_CONF,
    "default.conf": _NGINX_DEFAULT,
    "Dockerfile": (
        "FROM nginx:1.25\n"
        "RUN rm -rf /etc/nginx/sites-enabled /etc/nginx/modules-enabled /var/lib/nginx && chmod 755 /var/cache/nginx"
        " && echo welcome >/usr/share/nginx/html/index.html\n"
        "COPY docker-entrypoint.sh /\n"
        "COPY 20-envsubst-on-templates.sh /docker-entrypoint.d/\n"
        "COPY nginx.conf /etc/nginx/nginx.conf\n"
        "COPY default.conf /etc/nginx/conf.d/default.conf\n"
        'ENTRYPOINT ["/docker-entrypoint.sh"]\n'
        'CMD ["nginx", "-g", "daemon off;"]\n'
    ),
}
STAND_INS = {
    "node:20-slim": _NODE,
    "node:20": _NODE,
    "nginx:1.25": _NGINX,
    "nginx:latest": _NGINX,
}
