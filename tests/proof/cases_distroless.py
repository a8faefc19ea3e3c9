"""Dockerfiles on distroless and scratch: one static program, no shell."""
# ruff: noqa: E501 # the words of Dockerfiles

from __future__ import annotations

from tests.proof.rig import APP, Case, Exits, Serves

FILES = {"app": APP}
HELLO = Serves(8080, "hello")
BUILD = "FROM debian:bookworm-slim AS build\nWORKDIR /src\nCOPY app .\nRUN mkdir -p /out && cp app /out/app\n\n"
STATIC, SCRATCH = "FROM gcr.io/distroless/static\n", "FROM scratch\n"
SERVE = 'CMD ["/app", "serve", "8080"]\n'

CASES = (
    Case("static", f"{STATIC}COPY app /app\nEXPOSE 8080\nENTRYPOINT [\"/app\", \"serve\", \"8080\"]\n", HELLO, files=FILES, uid="65532"),
    Case("static-from-builder", f"{BUILD}{STATIC}COPY --from=build /out/app /\nEXPOSE 8080\n{SERVE}", HELLO, files=FILES, uid="65532"),
    Case("static-latest-without-expose", f"FROM gcr.io/distroless/static:latest\nCOPY app /\n{SERVE}", HELLO, files=FILES, expect="review"),
    Case("static-entrypoint-and-cmd", f"{STATIC}COPY app /usr/bin/app\nEXPOSE 8080\nENTRYPOINT [\"/usr/bin/app\"]\nCMD [\"uid\", \"serve\", \"8080\"]\n", HELLO, expect="review", files=FILES),
    Case("static-port-80", f"{STATIC}COPY app /\nEXPOSE 80\nCMD [\"/app\", \"serve\", \"80\"]\n", Serves(80, "hello"), "review", files=FILES, told="port 80"),
    Case("static-user-root", f"{STATIC}COPY app /\nUSER root\nEXPOSE 8080\n{SERVE}", HELLO, files=FILES, uid="65532"),
    Case("static-user-0", f"{STATIC}USER 0\nCOPY app /\nEXPOSE 8080\n{SERVE}", HELLO, files=FILES),
    Case("static-user-nonroot-by-name", f"{STATIC}COPY app /app\nUSER nonroot\nEXPOSE 8080\n{SERVE}", HELLO, files=FILES, uid="65532", holds=("USER 65532",)),
    Case("static-user-nonroot-and-group", f"{STATIC}COPY app /\nUSER nonroot:nonroot\nEXPOSE 8080\n{SERVE}", HELLO, files=FILES, uid="65532"),
    Case("static-nonroot-tag", f"FROM gcr.io/distroless/static:nonroot\nCOPY app /\nEXPOSE 8080\n{SERVE}", HELLO, "clean", files=FILES, uid="65532"),
    Case("static-nonroot-tag-and-root", f"FROM gcr.io/distroless/static:nonroot\nCOPY app /\nUSER root\nEXPOSE 8080\n{SERVE}", HELLO, files=FILES, uid="65532"),
    Case("static-workdir", f"{STATIC}WORKDIR /srv/shop\nCOPY app .\nEXPOSE 8080\nCMD [\"./app\", \"serve\", \"8080\"]\n", HELLO, "review", files=FILES),
    Case("static-workdir-is-written", f"{STATIC}WORKDIR /srv/shop\nCOPY app .\nEXPOSE 8080\nCMD [\"./app\", \"write\", \"state\", \"serve\", \"8080\"]\n", HELLO, "breaks", files=FILES,
         told="/srv/shop"),
    Case("static-tmp-is-written", f"{STATIC}COPY app /\nEXPOSE 8080\nCMD [\"/app\", \"write\", \"/tmp/state\", \"serve\", \"8080\"]\n", HELLO, files=FILES),
    Case("static-home-is-written", f"{STATIC}COPY app /\nEXPOSE 8080\nCMD [\"/app\", \"home\", \"serve\", \"8080\"]\n", HELLO, files=FILES),
    Case("static-volume", f"{STATIC}COPY app /\nVOLUME /data\nEXPOSE 8080\nCMD [\"/app\", \"write\", \"/data/state\", \"serve\", \"8080\"]\n", HELLO, "breaks", files=FILES, told="/data"),
    Case("static-volume-with-content", f"{STATIC}COPY app /\nCOPY seed /data\nVOLUME /data\nEXPOSE 8080\nCMD [\"/app\", \"append\", \"/data/state\", \"write\", \"/data/new\", \"serve\", \"8080\"]\n", HELLO, "review",
         files={**FILES, "seed/state": "x"}),
    Case("static-reads-its-configuration", f"{STATIC}COPY app /\nCOPY shop.conf /etc/shop.conf\nEXPOSE 8080\nCMD [\"/app\", \"uid\", \"read\", \"/etc/shop.conf\"]\n", Exits("blue"), files={**FILES, "shop.conf": "blue\n"}),
    Case("static-program-mode-700", f"{BUILD}FROM debian:bookworm-slim AS strip\nCOPY --from=build /out/app /x/app\nRUN chmod 700 /x/app\n{STATIC}COPY --from=strip /x/app /app\nEXPOSE 8080\n{SERVE}", HELLO, files=FILES),
    Case("static-program-made-under-umask", f"FROM debian:bookworm-slim AS build\nCOPY app /src/app\nRUN umask 077 && mkdir /out && cp /src/app /out/app\n{STATIC}COPY --from=build /out/app /\nEXPOSE 8080\n{SERVE}", HELLO, files=FILES,
         holds=("--chown=65532:65532",)),
    Case("static-folder-made-under-umask", f"FROM debian:bookworm-slim AS build\nCOPY app /src/app\nRUN umask 077 && mkdir -p /out/bin && cp /src/app /out/bin/app\n{STATIC}COPY --from=build /out /opt/shop\nEXPOSE 8080\nCMD [\"/opt/shop/bin/app\", \"serve\", \"8080\"]\n", HELLO,
         files=FILES, holds=("--chown=65532:65532",)),
    Case("static-program-opened-again", f"{BUILD}FROM debian:bookworm-slim AS strip\nCOPY --from=build /out/app /x/app\nRUN chmod 700 /x/app && chmod 755 /x/app\n{STATIC}COPY --from=strip /x/app /app\nEXPOSE 8080\n{SERVE}", HELLO, files=FILES, lacks=("--chown",)),
    Case("static-program-mode-700-in-context", f"FROM alpine:3.20 AS build\nWORKDIR /src\nCOPY . .\nRUN install -D app /out/app\n{STATIC}COPY --from=build /out/app /app\nCOPY --from=build /src/tool /tool\nEXPOSE 8080\nCMD [\"/tool\", \"serve\", \"8080\"]\n", HELLO,
         files={**FILES, "tool": APP}, modes={"app": 0o700, "tool": 0o700}, holds=("COPY --from=build /out/app /app", "COPY --from=build --chown=65532:65532 /src/tool /tool")),
    Case("static-tree-with-private-files", f"FROM debian:bookworm-slim AS build\nCOPY app /root-fs/usr/bin/app\nRUN mkdir -p /root-fs/etc/shop && echo blue > /root-fs/etc/shop/conf && chmod 600 /root-fs/etc/shop/conf\n{STATIC}COPY --from=build /root-fs /\nEXPOSE 8080\n"
         "CMD [\"/usr/bin/app\", \"read\", \"/etc/shop/conf\", \"serve\", \"8080\"]\n", HELLO, "breaks", files=FILES, told="chmod 600 of line 3 keeps others out"),
    Case("static-data-folder-from-builder", f"{BUILD}FROM debian:bookworm-slim AS dirs\nRUN mkdir -p /d/data\n{STATIC}COPY --from=build /out/app /app\nCOPY --from=dirs /d/data /data\nEXPOSE 8080\n"
         "CMD [\"/app\", \"write\", \"/data/x\", \"serve\", \"8080\"]\n", HELLO, files=FILES),
    Case("static-root-workdir", f"{BUILD}{STATIC}WORKDIR /root/\nCOPY --from=build /out/app .\nEXPOSE 8080\nCMD [\"./app\", \"serve\", \"8080\"]\n", HELLO, "review", files=FILES),
    Case("static-healthcheck", f"{STATIC}COPY app /app\nEXPOSE 8080\nHEALTHCHECK --interval=1s CMD [\"/app\", \"uid\"]\n{SERVE}", HELLO, files=FILES),
    Case("static-json-copy-with-spaces", f'{STATIC}COPY ["my app", "/my app"]\nEXPOSE 8080\nENTRYPOINT ["/my app", "serve"]\nCMD ["8080"]\n', HELLO, files={"my app": APP}),
    Case("scratch", f"{SCRATCH}COPY app /app\nEXPOSE 8080\nENTRYPOINT [\"/app\", \"serve\", \"8080\"]\n", HELLO, "review", files=FILES, uid="10001"),
    Case("scratch-from-builder", f"{BUILD}{SCRATCH}COPY --from=build /out/app /app\nEXPOSE 8080\n{SERVE}", HELLO, "review", files=FILES, uid="10001"),
    Case("scratch-lower-case-no-newline", 'from scratch\nadd app /\nexpose 8080\ncmd ["/app", "serve", "8080"]', HELLO, "review", files=FILES),
    Case("scratch-crlf", 'FROM scratch\r\nCOPY app /\r\nEXPOSE 8080\r\nCMD ["/app", "serve", "8080"]\r\n', HELLO, "review", files=FILES),
    Case("scratch-port-443", f"{SCRATCH}COPY app /\nEXPOSE 443\nENTRYPOINT [\"/app\"]\nCMD [\"serve\", \"443\"]\n", Serves(443, "hello"), "review", files=FILES, told="port 443"),
    Case("scratch-passwd-from-builder", "FROM debian:bookworm-slim AS build\nRUN useradd -u 1500 shop\nCOPY app /app\n\nFROM scratch\nCOPY --from=build /etc/passwd /etc/passwd\nCOPY --from=build /app /app\nUSER shop\nEXPOSE 8080\n"
         f"{SERVE}", HELLO, files=FILES, uid="1500"),
    Case("scratch-passwd-and-no-user", "FROM debian:bookworm-slim AS build\nRUN useradd -u 1500 shop\nCOPY app /app\n\nFROM scratch\nCOPY --from=build /etc/passwd /etc/passwd\nCOPY --from=build /app /app\nEXPOSE 8080\n"
         f"{SERVE}", HELLO, "review", files=FILES),
    Case("scratch-certificates", "FROM debian:bookworm-slim AS build\nRUN mkdir -p /etc/ssl/certs && echo cert > /etc/ssl/certs/ca-certificates.crt\nFROM scratch\nCOPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\nCOPY app /\n"
         'EXPOSE 8080\nCMD ["/app", "uid", "read", "/etc/ssl/certs/ca-certificates.crt"]\n', Exits("cert"), "review", files=FILES),
    Case("scratch-volume", f"{SCRATCH}COPY app /\nVOLUME [\"/data\"]\nEXPOSE 8080\nCMD [\"/app\", \"write\", \"/data/state\", \"serve\", \"8080\"]\n", HELLO, "breaks", files=FILES, told="/data"),
    Case("scratch-writes-root-folder", f"{SCRATCH}COPY app /\nEXPOSE 8080\nCMD [\"/app\", \"write\", \"/state\", \"serve\", \"8080\"]\n", HELLO, "breaks", files=FILES, told="an empty image"),
    Case("scratch-no-tmp", f"{SCRATCH}COPY app /\nEXPOSE 8080\nCMD [\"/app\", \"mkdir\", \"/tmp\", \"write\", \"/tmp/x\", \"serve\", \"8080\"]\n", HELLO, "breaks", files=FILES, told="not even /tmp"),
    Case("scratch-tmp-mounted", f"{SCRATCH}COPY app /\nEXPOSE 8080\nCMD [\"/app\", \"write\", \"/tmp/x\", \"serve\", \"8080\"]\n", HELLO, "review", files=FILES, run=("--tmpfs", "/tmp:mode=1777")),
    Case("scratch-with-env-and-labels", f"{SCRATCH}LABEL a=b \\\n  c=d\nENV PATH=/bin:$PATH \\\n # why not\n  HOME=/tmp\nCOPY app /bin/app\nEXPOSE 8080\nCMD [\"app\", \"serve\", \"8080\"]\n", HELLO, expect="review", files=FILES),
    Case("scratch-chmod-500", f"{SCRATCH}COPY --chmod=500 app /app\nEXPOSE 8080\n{SERVE}", HELLO, "review", files=FILES, holds=("--chmod=500 --chown=10001:10001",)),
    Case("scratch-already", f"{SCRATCH}COPY app /\nUSER 1000:1000\nEXPOSE 8080\n{SERVE}", HELLO, "clean", files=FILES, uid="1000"),
)  # fmt: skip
