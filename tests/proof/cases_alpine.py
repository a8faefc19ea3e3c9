"""Dockerfiles on Alpine and busybox."""
# ruff: noqa: E501 # the words of Dockerfiles

from __future__ import annotations

from tests.proof.rig import APP, Case, Exits, Serves, Stays

SITE = {"www/index.html": "hello from busybox\n"}
HTTP = Serves(8080, "hello")
# It does what its name says and tells who it is.
KEEP = "#!/bin/sh\nset -e\necho uid=$(id -u)\necho kept >> \"$1\"\ncat \"$1\"\n"
HTTPD = 'CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n'

CASES = (
    Case("httpd-on-8080", f"FROM alpine:3.20\nWORKDIR /www\nCOPY www .\nEXPOSE 8080\n{HTTPD}", HTTP, "review", files=SITE),
    Case("httpd-on-80", "FROM alpine:3.20\nCOPY www /www\nEXPOSE 80\nCMD [\"httpd\", \"-f\", \"-p\", \"80\", \"-h\", \"/www\"]\n",
         Serves(80, "hello"), "review", files=SITE, told="port 80"),
    Case("httpd-on-80-without-expose", "FROM alpine:3.20\nWORKDIR /www\nCOPY www .\nCMD httpd -f -p 80 -h /www\n",
         Serves(80, "hello"), "review", files=SITE),
    Case("busybox-image", f"FROM busybox\nCOPY www /www\nEXPOSE 8080\n{HTTPD}", HTTP, "review", files=SITE),
    Case("latest", f"FROM alpine\nADD www /www/\nEXPOSE 8080\n{HTTPD}", HTTP, "review", files=SITE),
    Case("shell-form", "FROM alpine:3.20\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD ./keep state && exec httpd -f -p 8080 -h www\n",
         HTTP, "review", files={**SITE, "keep": KEEP}),
    Case("static-program", 'FROM alpine:3.20\nWORKDIR /app\nCOPY app .\nEXPOSE 8080\nENTRYPOINT ["/app/app", "write", "/app/state"]\nCMD ["serve", "8080"]\n',
         HTTP, "review", files={"app": APP}),
    Case("program-writes-beside-itself", 'FROM alpine:3.20\nCOPY app /opt/shop/app\nEXPOSE 8080\nCMD ["/opt/shop/app", "beside", "state", "serve", "8080"]\n',
         HTTP, "breaks", files={"app": APP}, told="not known"),
    Case("program-mode-700", 'FROM alpine:3.20\nCOPY app /usr/bin/app\nRUN chmod 0700 /usr/bin/app\nWORKDIR /data\nEXPOSE 8080\nCMD ["app", "write", "x", "serve", "8080"]\n',
         HTTP, "review", files={"app": APP}),
    Case("program-chmod-+x", 'FROM alpine:3.20\nCOPY app /usr/bin/app\nRUN chmod +x /usr/bin/app\nWORKDIR /data\nEXPOSE 8080\nCMD ["app", "write", "x", "serve", "8080"]\n',
         HTTP, "review", files={"app": APP}, modes={"app": 0o644}),
    Case("go-workdir-root", 'FROM alpine:3.20 AS build\nWORKDIR /src\nCOPY app .\nRUN cp app /src/main\n\nFROM alpine:latest\nWORKDIR /root/\nCOPY --from=build /src/main .\n'
         'EXPOSE 8080\nCMD ["./main", "write", "state", "serve", "8080"]\n', HTTP, "review", files={"app": APP}, lacks=("WORKDIR /root",)),
    Case("go-root-level", 'FROM alpine:3.20 AS build\nCOPY app /go/bin/app\n\nFROM alpine:latest\nCOPY --from=build /go/bin/app /app\nEXPOSE 8080\nENTRYPOINT ["/app", "serve", "8080"]\n',
         HTTP, "review", files={"app": APP}),
    Case("adduser-D-and-no-user", f"FROM alpine:3.20\nRUN adduser -D shop\nWORKDIR /www\nCOPY www .\nEXPOSE 8080\n{HTTPD}", HTTP, "review", files=SITE, uid="10001"),
    Case("adduser-D-u-and-no-user", f"FROM alpine:3.20\nRUN adduser -D -u 1234 shop\nWORKDIR /www\nCOPY www .\nEXPOSE 8080\n{HTTPD}", HTTP, "review", files=SITE, uid="1234"),
    Case("adduser-S-group", "FROM alpine:3.20\nRUN addgroup -S shop && adduser -S -G shop shop\nWORKDIR /data\nCOPY keep /keep\nUSER shop\nRUN id\nUSER root\n"
         'CMD ["/keep", "state"]\n', Exits("kept"), "review", files={"keep": KEEP}),
    Case("named-user", f"FROM alpine:3.20\nRUN addgroup -g 2000 shop && adduser -D -u 2000 -G shop shop\nWORKDIR /www\nCOPY www .\nUSER shop\nEXPOSE 8080\n{HTTPD}",
         HTTP, "safe", files=SITE, uid="2000", holds=("USER 2000",)),
    Case("named-user-and-group", f"FROM alpine:3.20\nRUN addgroup -g 2000 shop && adduser -D -u 2001 -G shop shop\nCOPY www /www\nUSER shop:shop\nEXPOSE 8080\n{HTTPD}",
         HTTP, "safe", files=SITE, uid="2001", holds=("USER 2001:2000",)),
    Case("nobody", f"FROM alpine:3.20\nCOPY www /www\nUSER nobody\nEXPOSE 8080\n{HTTPD}", HTTP, "safe", files=SITE, uid="65534"),
    Case("missing-user", f"FROM alpine:3.20\nCOPY www /www\nEXPOSE 8080\n{HTTPD}# the next line is never reached\nUSER root\n", HTTP, "review", files=SITE),
    Case("user-zero", f"FROM alpine:3.20\nUSER 0:0\nCOPY www /www\nEXPOSE 8080\n{HTTPD}", HTTP, "review", files=SITE, lacks=("USER 0:0",)),
    Case("group-name-taken", f"FROM alpine:3.20\nRUN addgroup app\nWORKDIR /www\nCOPY www .\nEXPOSE 8080\n{HTTPD}", HTTP, "review", files=SITE),
    Case("entry-script", 'FROM alpine:3.20\nCOPY docker-entrypoint.sh /usr/local/bin/\nRUN chmod +x /usr/local/bin/docker-entrypoint.sh\nRUN mkdir -p /var/lib/shop /var/log/shop\n'
         'EXPOSE 8080\nENTRYPOINT ["docker-entrypoint.sh"]\nCMD ["httpd", "-f", "-p", "8080", "-h", "/var/lib/shop"]\n', HTTP, "review",
         files={"docker-entrypoint.sh": "#!/bin/sh\nset -e\necho start >> /var/log/shop/log\necho hello > /var/lib/shop/index.html\nexec \"$@\"\n"}, modes={"docker-entrypoint.sh": 0o644}),
    Case("entry-script-makes-folder", 'FROM alpine:3.20\nCOPY entry.sh /entry.sh\nVOLUME /var/lib/shop\nEXPOSE 8080\nENTRYPOINT ["/entry.sh"]\n', HTTP, "review",
         files={"entry.sh": "#!/bin/sh\nmkdir -p /var/lib/shop/www\necho hello > /var/lib/shop/www/index.html\nexec httpd -f -p 8080 -h /var/lib/shop/www\n"}),
    Case("entry-script-fills-config", 'FROM alpine:3.20\nCOPY entry.sh /entry.sh\nEXPOSE 8080\nENTRYPOINT ["/entry.sh"]\n', HTTP, "refused:root-script",
         files={"entry.sh": "#!/bin/sh\nmkdir -p /etc/shop /tmp/www\necho port=8080 > /etc/shop/conf\necho hello > /tmp/www/index.html\nexec httpd -f -p 8080 -h /tmp/www\n"}),
    Case("volume-with-content", "FROM alpine:3.20\nRUN mkdir -p /data && echo kept > /data/old\nVOLUME [\"/data\"]\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/data/old\"]\n",
         Exits("kept"), "review", files={"keep": KEEP}),
    Case("volume-behind-cmd", "FROM alpine:3.20\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/data/new\"]\nVOLUME /data\n", Exits("kept"), "review", files={"keep": KEEP}),
    Case("mounted-tmpfs", "FROM alpine:3.20\nWORKDIR /app\nCOPY keep .\nVOLUME /data\nCMD [\"./keep\", \"/data/new\"]\n", Exits("kept"), "review", files={"keep": KEEP},
         run=("--tmpfs", "/data:mode=1777")),
    Case("read-only-root", "FROM alpine:3.20\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/tmp/new\"]\n", Exits("kept"), "review", files={"keep": KEEP},
         run=("--read-only", "--tmpfs", "/tmp")),
    Case("folder-made-then-removed", "FROM alpine:3.20\nRUN mkdir -p /data /work && rm -rf /work && mkdir /data/sub && rmdir /data/sub\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/data/new\"]\n",
         Exits("kept"), "review", files={"keep": KEEP}),
    Case("folder-removed-then-made", "FROM alpine:3.20\nRUN rm -rf /data && mkdir /data\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/data/new\"]\n",
         Exits("kept"), "review", files={"keep": KEEP}),
    Case("folder-removed-by-pattern", "FROM alpine:3.20\nRUN mkdir -p /data/a /data/b\nRUN rm -rf /data/* /tmp/*\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/data/new\"]\n",
         Exits("kept"), "review", files={"keep": KEEP}),
    Case("folder-moved-away", "FROM alpine:3.20\nRUN mkdir /stage && touch /stage/x && mv /stage /data\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"state\"]\n",
         Exits("kept"), "review", files={"keep": KEEP}),
    Case("folder-made-under-a-condition", "FROM alpine:3.20\nARG DEBUG=\nRUN if [ -n \"$DEBUG\" ]; then mkdir /debug; fi && mkdir /data\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/data/new\"]\n",
         Exits("kept"), "review", files={"keep": KEEP}),
    Case("folders-in-a-loop", "FROM alpine:3.20\nRUN for d in a b; do mkdir -p /data/$d; done\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/data/a/new\"]\n",
         Exits("kept"), "breaks", files={"keep": KEEP}, told="not known"),
    Case("folder-by-cd", "FROM alpine:3.20\nRUN mkdir /data && cd /data && mkdir in out && touch in/state\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/data/in/state\"]\n",
         Exits("kept"), "review", files={"keep": KEEP}),
    Case("json-run", 'FROM alpine:3.20\nRUN ["mkdir", "-p", "/data/my files"]\nWORKDIR /app\nCOPY keep .\nCMD ["./keep", "/data/my files/new"]\n',
         Exits("kept"), "review", files={"keep": KEEP}),
    Case("umask-077", "FROM alpine:3.20\nRUN umask 077 && mkdir -p /data/in && echo kept > /data/in/state\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"/data/in/state\"]\n",
         Exits("kept"), "review", files={"keep": KEEP}),
    Case("two-targets", "FROM alpine:3.20 AS base\nWORKDIR /app\nCOPY keep .\n\nFROM base AS api\nCMD [\"./keep\", \"api\"]\n\nFROM base AS worker\nRUN mkdir /jobs\nCMD [\"./keep\", \"/jobs/x\"]\n",
         Exits("kept"), "review", files={"keep": KEEP, "compose.yaml": "services:\n  api:\n    build: {context: ., target: api}\n  worker:\n    build: {context: ., target: worker}\n"},
         build=("--target", "worker")),
    Case("two-targets-the-other", "FROM alpine:3.20 AS base\nWORKDIR /app\nCOPY keep .\n\nFROM base AS api\nCMD [\"./keep\", \"api\"]\n\nFROM base AS worker\nRUN mkdir /jobs\nCMD [\"./keep\", \"/jobs/x\"]\n",
         Exits("kept"), "review", files={"keep": KEEP, "compose.yaml": "services:\n  api:\n    build: {context: ., target: api}\n  worker:\n    build: {context: ., target: worker}\n"},
         build=("--target", "api")),
    Case("base-in-arg", 'ARG BASE=alpine:3.20\nFROM ${BASE}\nWORKDIR /app\nCOPY keep .\nENTRYPOINT ["./keep"]\nCMD ["state"]\n', Exits("kept"), "review", files={"keep": KEEP}),
    Case("home-of-the-user", 'FROM alpine:3.20\nCOPY keep /usr/bin/keep\nCMD ["sh", "-c", "keep $HOME/.state"]\n', Exits("kept"), "review", files={"keep": KEEP}),
    Case("crlf-without-final-newline", 'FROM alpine:3.20\r\nWORKDIR /app\r\nCOPY keep .\r\nENTRYPOINT ["./keep"]\r\nCMD ["state"]', Exits("kept"), "review", files={"keep": KEEP}),
    Case("run-as-root-behind-cmd", "FROM alpine:3.20\nWORKDIR /app\nCOPY keep .\nCMD [\"./keep\", \"state\"]\nRUN touch /etc/built\nENV A=b\n", Exits("kept"), "review", files={"keep": KEEP}),
    Case("crond", "FROM alpine:3.20\nRUN echo '* * * * * true' > /etc/crontab.root\nCMD [\"crond\", \"-f\"]\n", Stays(), "refused:cron"),
    Case("su-exec", "FROM alpine:3.20\nRUN adduser -D -u 1000 app\nCOPY su-exec /sbin/su-exec\nCOPY entry.sh /\nENTRYPOINT [\"/entry.sh\"]\nCMD [\"sleep\", \"1000\"]\n", Stays(),
         "refused:steps-down", files={"su-exec": "#!/bin/sh\nshift\nexec \"$@\"\n", "entry.sh": "#!/bin/sh\nexec su-exec app \"$@\"\n"}),
    Case("apk-at-start", "FROM alpine:3.20\nCOPY apk /sbin/apk\nCMD apk add curl && sleep 1000\n", Stays(), "refused:package-manager", files={"apk": "#!/bin/sh\nexit 0\n"}),
)  # fmt: skip
