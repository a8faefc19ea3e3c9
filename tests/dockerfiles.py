"""Dockerfiles made up by hypothesis: from a grammar, from fragments that are known for trouble, from mutations."""

from __future__ import annotations

from hypothesis import strategies as st

BASES = (
    "debian:12",
    "alpine:3.20",
    "ubuntu:24.04",
    "node:20-slim",
    "python:3.12",
    "python:3.12-alpine",
    "nginx:1.25",
    "golang:1.22",
    "gcr.io/distroless/static",
    "gcr.io/distroless/base:nonroot",
    "scratch",
    "busybox",
    "registry.access.redhat.com/ubi9/ubi",
    "eclipse-temurin:21",
    "nobody/knows:1",
    "${BASE}",
    "${BASE:-debian:12}",
    "amazonlinux:2023",
    "fedora:40",
    "archlinux",
    "postgres:16",
    "redis:7-alpine",
    "php:8.3-apache",
    "mcr.microsoft.com/windows/servercore:ltsc2022",
    "httpd:2.4",
)
RUNS = (
    "RUN true",
    "RUN apt-get update && apt-get install -y curl \\\n    && rm -rf /var/lib/apt/lists/*",
    "RUN apk add --no-cache \\\n  # a comment inside\n\n  curl",
    "RUN useradd -m app",
    "RUN useradd --uid 1000 -g users app && chown -R app /srv",
    "RUN adduser -D -u 1001 web",
    "RUN groupadd -r app && useradd -r -g app app",
    'RUN ["true", "x"]',
    "RUN --mount=type=cache,target=/root/.cache pip install .",
    "RUN <<EOF\nset -e\nUSER nobody\necho $x\nEOF",
    'RUN <<-"EOF" cat\n\ta\n\tEOF',
    "RUN mkdir -p /data /var/log/app && touch /etc/x",
    "run make && \\\n\tmake install",
    "RUN sed -i 's/80/8080/' /etc/nginx/nginx.conf",
    "RUN npm ci",
    "RUN git clone https://x/y . # here",
    "RUN set -e; \\\n\tcurl https://x | tar xz; \\\n\tcd sub; \\\n\t# a comment inside\n\tnpm install;",
    "RUN if [ -f a ]; then \\\n  python seed.py && \\\n  rm a; fi  ",
    "run unzip x.zip -d /app/lib \\\n &&   mv lib/* /app || exit 1",
    "RUN curl -o /usr/bin/gosu https://x && chmod +x /usr/bin/gosu",
)
OTHERS = (
    "COPY . .",
    "COPY --from=0 /a /b",
    "COPY --link --chown=root x /srv/",
    'COPY ["a b", "/c/"]',
    "ADD x.tar.gz /opt/",
    "copy src/ /app/",
    "COPY <<EOF /etc/motd\nhello\nEOF",
    "WORKDIR /app",
    "WORKDIR srv/$NAME",
    'ENV A=b C="d e"',
    "ENV OLD form of it",
    "ARG X",
    "ARG Y=z",
    "VOLUME /data",
    'VOLUME ["/data", "/cache"]',
    "EXPOSE 80",
    "EXPOSE 8080/tcp 53/udp",
    "LABEL a=b \\\n  c=d",
    "MAINTAINER somebody",
    "USER root",
    "USER 0",
    "USER app",
    "USER $X",
    "USER 1000:1000",
    "USER nobody",
    'SHELL ["/bin/bash", "-c"]',
    "STOPSIGNAL SIGTERM",
    "HEALTHCHECK --interval=5s CMD true",
    "HEALTHCHECK NONE",
    "ONBUILD RUN make",
    "ONBUILD COPY . /app",
    "ONBUILD USER root",
    "# a comment",
    "",
    "   ",
    "\t# an indented comment",
    "# hadolint ignore=DL3002",
    "# fixer: ignore[root-user] on purpose",
)
ENDS = (
    'CMD ["node", "app.js"]',
    "CMD node app.js",
    'ENTRYPOINT ["/entry.sh"]',
    "ENTRYPOINT exec gosu app x",
    'cmd ["python", "-m", "x"]',
    "CMD nginx -g 'daemon off;'",
    'ENTRYPOINT ["/bin/app"]\nCMD ["--port", "80"]',
    'CMD ["a"] \\\n',
    'CMD [ "x", \\\n  "y" ]',
    "",
)
HEADS = (
    "",
    "# syntax=docker/dockerfile:1\n",
    "# check=skip=all\n",
    "# escape=\\\n",
    "ARG BASE=alpine:3\n",
    "# just words\n\n",
)


@st.composite
def dockerfiles(draw: st.DrawFn) -> bytes:
    """A whole Dockerfile that BuildKit takes, in one of the ways in which files are saved."""
    names = ["base", "Build", "final"]
    blocks: list[str] = []
    for n in range(draw(st.integers(1, 3))):
        known = names[:n]
        base = draw(st.sampled_from(BASES + tuple(known) * 3))
        flag = draw(st.sampled_from(("", "", "", "--platform=$BUILDPLATFORM ", "--platform=linux/amd64 ")))
        word = draw(st.sampled_from(("FROM", "FROM", "from")))
        blocks.append(f"{word} {flag}{base} {draw(st.sampled_from(('AS', 'as')))} {names[n]}")
        blocks += draw(st.lists(st.sampled_from(RUNS + OTHERS), max_size=7))
    end = draw(st.sampled_from(ENDS))
    text = draw(st.sampled_from(HEADS)) + "\n".join([*blocks, end])
    text += draw(st.sampled_from(("", "\n", "\n\n", "\n# the end", "\n  ")))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return draw(st.sampled_from((b"", b"", b"\xef\xbb\xbf"))) + text.encode()


FRAGMENTS = (
    "FROM a\n",
    "from b AS c\n",
    "RUN x",
    "RUN ",
    "ENV ",
    "ENV a=b",
    "ENV a b c",
    'LABEL x="y z" ',
    "ARG x",
    "ARG",
    "CMD ",
    "COPY ",
    "--from=x ",
    '--chown="a b" ',
    "--",
    "--link",
    '["a", "b"]',
    '["a" ',
    "['a']",
    "[]",
    "[",
    "]",
    "\\",
    "\\\n",
    "\\ \n",
    "\\\t\n",
    "\\\r\n",
    "\\\\\n",
    "`",
    "`\n",
    "# escape=`\n",
    "# escape=\\\n",
    "#escape = `\n",
    "# syntax=x\n",
    "# a=b\n",
    "#\n",
    "# c\n",
    " # c\n",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "\v",
    "\f",
    "\xa0",
    "\u2028",
    "\x85",
    "\x1c",
    "\ufeff",
    "<<EOF",
    "<<-EOF",
    '<<"EOF"',
    "<<'E O'",
    "3<<EOF",
    "<<<x",
    "EOF\n",
    "\tEOF\n",
    "EOF",
    " EOF\n",
    "E O\n",
    "ONBUILD ",
    "onbuild run ",
    "HEALTHCHECK ",
    "NONE",
    "HEALTHCHECK CMD x",
    "--interval=1s ",
    "USER 0",
    "EXPOSE 80",
    "VOLUME ",
    "SHELL ",
    "STOPSIGNAL ",
    "WORKDIR /a",
    "MAINTAINER me",
    "'",
    '"',
    "=",
    "a",
    "$x",
    "${x:-y}",
    "&& ",
    ";",
    "|",
    "é",
    "😀",
    "x\n",
    "y \\\n z\n",
    "FOO bar\n",
)


def scraps() -> st.SearchStrategy[bytes]:
    """Texts that look like Dockerfiles and mostly are none."""
    return st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=14).map(
        lambda parts: "".join(parts).encode("utf-8", "replace").replace(b"\0", b"0")
    )


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A Dockerfile with some of its bytes gone, doubled or replaced."""
    text = draw(dockerfiles()).decode()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        size = draw(st.integers(0, 6))
        text = text[:at] + draw(st.sampled_from(FRAGMENTS)) + text[at + size :]
    return text.encode()
