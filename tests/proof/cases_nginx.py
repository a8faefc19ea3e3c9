"""Dockerfiles on nginx."""
# ruff: noqa: E501 # the words of Dockerfiles

from __future__ import annotations

from tests.proof.rig import Case, Serves, Stays

INDEX = {"site/index.html": "<h1>hello</h1>\n"}
ON_80, ON_8080 = Serves(80, "hello"), Serves(8080, "hello")
BASE = "FROM nginx:1.25\n"
HTML = "/usr/share/nginx/html"
CONF = {
    "site.conf": f"server {{\n    listen 8080;\n    root {HTML};\n    location /healthz {{ return 200 'ok'; }}\n}}\n"
}
WHOLE = {
    "nginx.conf": f"""worker_processes 1;
pid /tmp/nginx.pid;
error_log /dev/stderr;
events {{ worker_connections 64; }}
http {{
    access_log /dev/stdout;
    client_body_temp_path /tmp/client_temp;
    proxy_temp_path /tmp/proxy_temp;
    fastcgi_temp_path /tmp/fastcgi_temp;
    uwsgi_temp_path /tmp/uwsgi_temp;
    scgi_temp_path /tmp/scgi_temp;
    server {{ listen 8080; root {HTML}; }}
}}
"""
}


def cached(folder: str, port: int = 80) -> dict[str, str]:
    """A proxy in front of itself that keeps answers in a folder."""
    return {
        "cache.conf": f"""proxy_cache_path {folder} keys_zone=shop:1m;
server {{ listen {port}; location / {{ proxy_cache shop; proxy_cache_valid 200 1m; proxy_pass http://127.0.0.1:8099; }} }}
server {{ listen 8099; root {HTML}; }}
"""
    }


CASES = (
    Case("static-site", f"{BASE}COPY site {HTML}\n", ON_80, "review", files=INDEX, uid="101", told="port 80"),
    Case("static-site-with-expose", f"{BASE}COPY site/ {HTML}/\nEXPOSE 80\n", ON_80, "review", files=INDEX, uid="101"),
    Case("latest-and-cmd", f'FROM nginx\nCOPY site {HTML}\nEXPOSE 80\nCMD ["nginx", "-g", "daemon off;"]\n', ON_80, "review", files=INDEX),
    Case("shell-form-cmd", f"{BASE}COPY site {HTML}\nCMD nginx -g 'daemon off;'\n", ON_80, "review", files=INDEX),
    Case("own-site-on-8080", f"{BASE}RUN rm /etc/nginx/conf.d/default.conf\nCOPY site.conf /etc/nginx/conf.d/\nCOPY site {HTML}\nEXPOSE 8080\n", ON_8080, "review", files={**INDEX, **CONF}),
    Case("own-site-replaces-default", f"{BASE}COPY site.conf /etc/nginx/conf.d/default.conf\nCOPY site {HTML}\nEXPOSE 8080\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n", ON_8080, "review", files={**INDEX, **CONF}),
    Case("own-whole-configuration", f"{BASE}COPY nginx.conf /etc/nginx/nginx.conf\nCOPY site {HTML}\nEXPOSE 8080\n", ON_8080, "review", files={**INDEX, **WHOLE}),
    Case("configuration-elsewhere", f'{BASE}WORKDIR /shop\nCOPY nginx.conf .\nCOPY site {HTML}\nEXPOSE 8080\nCMD ["nginx", "-c", "/shop/nginx.conf", "-g", "daemon off;"]\n', ON_8080, "safe", files={**INDEX, **WHOLE}),
    Case("workdir-is-html", f"{BASE}WORKDIR {HTML}\nCOPY site .\n", ON_80, "review", files=INDEX),
    Case("html-removed-and-copied", f"{BASE}RUN rm -rf {HTML}/*\nCOPY ./site {HTML}\nEXPOSE 80\n", ON_80, "review", files=INDEX),
    Case("from-a-node-build", f"FROM node:20-slim AS build\nWORKDIR /src\nCOPY site site\nRUN cp -r site dist\n\nFROM nginx:1.25\nCOPY --from=build /src/dist {HTML}\nEXPOSE 80\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
         ON_80, "review", files=INDEX),
    Case("from-a-build-as-node", f"FROM node:20-slim AS build\nUSER node\nWORKDIR /home/node/src\nCOPY --chown=node site site\nRUN cp -r site dist\nFROM nginx:1.25\nCOPY --from=build /home/node/src/dist {HTML}\n",
         ON_80, "review", files=INDEX),
    Case("template", f"{BASE}ENV WHO=shop\nCOPY default.conf.template /etc/nginx/templates/\nEXPOSE 80\n", Serves(80, "hello shop"), "review",
         files={"default.conf.template": "server { listen 80; location / { return 200 'hello ${WHO}'; } }\n"}),
    Case("template-and-other-file", f"{BASE}ENV PORT=8080\nCOPY site.conf.template /etc/nginx/templates/site.conf.template\nCOPY site {HTML}\nEXPOSE 8080\n", ON_8080, "review",
         files={**INDEX, "site.conf.template": f"server {{ listen ${{PORT}}; root {HTML}; }}\n"}),
    Case("proxy-cache-in-var-cache", f"{BASE}COPY cache.conf /etc/nginx/conf.d/default.conf\nCOPY site {HTML}\n", Serves(80, "hello", check="ls /var/cache/nginx/shop/*"), "review",
         files={**INDEX, **cached("/var/cache/nginx/shop")}),
    Case("proxy-cache-in-own-folder", f"{BASE}RUN mkdir -p /data/cache\nCOPY cache.conf /etc/nginx/conf.d/default.conf\nCOPY site {HTML}\n", Serves(80, "hello", check="ls /data/cache/*"), "review",
         files={**INDEX, **cached("/data/cache")}),
    Case("proxy-cache-made-by-nginx", f"{BASE}COPY cache.conf /etc/nginx/conf.d/default.conf\nCOPY site {HTML}\n", Serves(80, "hello"), "review",
         files={**INDEX, **cached("/var/shopcache")}),
    Case("own-log-files", f"{BASE}COPY log.conf /etc/nginx/conf.d/default.conf\nCOPY site {HTML}\n", Serves(80, "hello", check="test -s /var/log/nginx/shop.log"), "review",
         files={**INDEX, "log.conf": f"server {{ listen 80; root {HTML}; access_log /var/log/nginx/shop.log; }}\n"}),
    Case("own-log-folder", f"{BASE}RUN mkdir /var/log/shop\nCOPY log.conf /etc/nginx/conf.d/default.conf\nCOPY site {HTML}\n", Serves(80, "hello", check="test -s /var/log/shop/x.log"), "review",
         files={**INDEX, "log.conf": f"server {{ listen 80; root {HTML}; access_log /var/log/shop/x.log; }}\n"}),
    Case("log-links-again", f"{BASE}RUN ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log\nCOPY site {HTML}\nSTOPSIGNAL SIGQUIT\n", ON_80, "review", files=INDEX),
    Case("sed-in-configuration", f"{BASE}RUN sed -i 's/listen  *80/listen 8080/' /etc/nginx/conf.d/default.conf\nCOPY site {HTML}\nEXPOSE 8080\n", ON_8080, "review", files=INDEX),
    Case("chowned-by-hand-and-user", f"{BASE}RUN sed -i 's/80;/8080;/' /etc/nginx/conf.d/default.conf && touch /var/run/nginx.pid && chown -R nginx:nginx /var/cache/nginx /var/run/nginx.pid /etc/nginx/conf.d\n"
         f"COPY site {HTML}\nUSER nginx\nEXPOSE 8080\n", ON_8080, "safe", files=INDEX, uid="101"),
    Case("chowned-by-hand-and-no-user", f"{BASE}RUN chown -R nginx:nginx /var/cache/nginx /var/log/nginx && touch /var/run/nginx.pid && chown nginx /var/run/nginx.pid\nCOPY site {HTML}\n", ON_80, "review", files=INDEX),
    Case("user-root-at-the-end", f"{BASE}USER nginx\nCOPY site {HTML}\nUSER root\nEXPOSE 80\n", ON_80, "review", files=INDEX, uid="101"),
    Case("user-root-at-the-start", f"{BASE}USER root\nCOPY site {HTML}\nEXPOSE 80\n", ON_80, "review", files=INDEX),
    Case("entry-script-writes-config-js", f"{BASE}COPY site {HTML}\nCOPY start.sh /start.sh\nRUN chmod +x /start.sh\nEXPOSE 80\nCMD [\"/start.sh\"]\n", Serves(80, "blue", "/config.js"), "refused:root-script",
         files={**INDEX, "start.sh": f"#!/bin/sh\necho 'x=\"blue\"' > {HTML}/config.js\nexec nginx -g 'daemon off;'\n"}),
    Case("entry-script-in-html-workdir", f"{BASE}WORKDIR {HTML}\nCOPY site .\nCOPY start.sh /\nRUN chmod 755 /start.sh\nCMD [\"/start.sh\"]\n", Serves(80, "blue", "/config.js"), "review",
         files={**INDEX, "start.sh": "#!/bin/sh\necho 'x=\"blue\"' > ./config.js\nexec nginx -g 'daemon off;'\n"}),
    Case("entry-script-d", f"{BASE}COPY --chmod=755 40-config.sh /docker-entrypoint.d/40-config.sh\nCOPY site {HTML}\n", Serves(80, "blue", "/config.js"), "refused:root-script",
         files={**INDEX, "40-config.sh": f"#!/bin/sh\necho 'x=\"blue\"' > {HTML}/config.js\n"}),
    Case("healthcheck", f"{BASE}COPY site {HTML}\nHEALTHCHECK --interval=1s CMD nginx -t || exit 1\n", ON_80, "review", files=INDEX),
    Case("arg-in-from", f"ARG TAG=1.25\nFROM nginx:${{TAG}}\nCOPY site {HTML}\n", ON_80, "review", files=INDEX),
    Case("volume-for-html", f"{BASE}COPY site {HTML}\nVOLUME {HTML}\n", ON_80, "review", files=INDEX),
    Case("crlf-no-final-newline", f'FROM nginx:1.25\r\nCOPY site {HTML}\r\nEXPOSE 80\r\nCMD ["nginx", "-g", "daemon off;"]', ON_80, "review", files=INDEX),
    Case("only-from", BASE.strip(), Serves(80, "welcome"), "review"),
    Case("files-of-mode-600", f"{BASE}COPY site {HTML}\nRUN chmod -R u=rwX,go=rX {HTML}\n", ON_80, "review", files=INDEX, modes={"site/index.html": 0o600}),
    Case("own-index-by-echo", f"{BASE}RUN echo hello > {HTML}/index.html && rm -rf /var/cache/nginx/*\n", ON_80, "review"),
    Case("supervised", f"{BASE}COPY supervisord /usr/bin/supervisord\nCMD [\"supervisord\", \"-n\"]\n", Stays(), "refused:init-system", files={"supervisord": "#!/bin/sh\nexec sleep 1000\n"}),
)  # fmt: skip
