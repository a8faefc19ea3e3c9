"""Ports that a command line makes a server listen on. What is not known to be one is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from posixpath import basename
from typing import Final

from fixer.lazy import regex
from fixer.syntax.shellwords import Word, literal_word, prefix_length
from fixer.tuples import NamedTuple


class Port(NamedTuple):
    """A port: its number, the index of its word, and where its digits are in the text of that word."""

    port: int
    word: int
    start: int
    end: int


_CLIENTS: Final = frozenset({
    "curl", "wget", "telnet", "ssh", "scp", "sftp", "psql", "pg_isready", "pg_dump", "mysql",
    "mysqladmin", "mysqldump", "mariadb", "redis-cli", "mongo", "mongosh", "mongodump", "ping",
    "dig", "nslookup", "host", "http", "https", "ab", "wrk", "hey", "k6", "locust", "grpcurl",
    "kubectl", "docker", "echo", "printf", "test", "[", "[[", "export", "sed", "grep", "awk", "cat",
    "wait-for-it.sh", "wait-for-it", "wait-for", "wait-for.sh", "dockerize", "nmap", "openssl",
    "expr", "apt-get", "apk", "pip", "git", "chown", "useradd", "adduser", "ldapsearch", "kcat",
    "kafkacat", "clickhouse-client", "cqlsh", "etcdctl", "vegeta", "iptables", "ufw", "ngrok",
})  # fmt: skip
_DIGIT: Final = regex(r"\d")
_NUMBER: Final = r"(?P<port>\d{1,5})"
_HOST: Final = r"(?:0\.0\.0\.0|127(?:\.\d{1,3}){3}|localhost|\*|\+|\[[0-9a-fA-F:.]*\]|::|\$\{?\w+\}?|%[\w]+)?"
_BARE: Final = regex(_NUMBER)
_ADDRESS: Final = regex(rf"(?:\w+://)?{_HOST}:{_NUMBER}(?:[/;,?].*)?")
_EITHER: Final = regex(rf"(?:(?:\w+://)?{_HOST}:)?{_NUMBER}(?:[/;,?].*)?")

_OF: Final = (
    r"(?:(?:http|https|server|listen|web|app|bind|service|metrics|admin|ui|grpc|api|management|health|dns|tls"
    r"|ssl|rest|console|dashboard|prometheus|tcp|udp)[-._])?"
)
_PORT_FLAG: Final = regex(rf"(?:D?){_OF}port|D(?:jetty|quarkus|micronaut)\.(?:http|https|server)\.port")
_ADDRESS_FLAG: Final = regex(
    r"bind|listen|(?:web|http|https|metrics|console|admin|grpc|health)?[-._]?(?:bind|listen)?[-._]?addr(?:ess)?"
    r"|(?:web|metrics)\.listen-address|health-probe-bind-address|listen-client-urls|listen-peer-urls|urls|http\.addr"
    r"|entry[pP]oints\.\w+\.address|api\.bind_addr"
)
_EITHER_FLAGS: Final = frozenset({"listen", "http-listen", "web-listen"})
_ENVIRONMENT: Final = regex(r"(?:HTTP_|HTTPS_|SERVER_|LISTEN_|APP_|WEB_|BIND_|SERVICE_)?PORT|ASPNETCORE_HTTPS?_PORTS?")
_URLS: Final = frozenset({"ASPNETCORE_URLS", "DOTNET_URLS"})

# Servers whose short options (or bare words) name a port or an address. What is not here is not guessed.
_SHORT_PORT: Final[dict[str, str]] = {
    **dict.fromkeys((
        "http-server", "live-server", "json-server", "rails", "rackup", "thin", "unicorn", "next", "nuxt",
        "flask", "puma", "memcached", "httpd", "thttpd", "mini_httpd", "webfsd", "static-web-server",
        "hugo", "daphne", "dropbear", "sshd", "dnsmasq", "postgres", "iperf3", "iperf", "ttyd", "gotty",
        "sirv", "ruby", "serve", "docsify", "miniserve", "sanic",
    ), "p"),
    "jekyll": "P",
    "mysqld": "P",
    "mariadbd": "P",
}  # fmt: skip
_SHORT_ADDRESS: Final[dict[str, str]] = {
    "gunicorn": "b", "hypercorn": "b", "puma": "b", "serve": "l", "mkdocs": "a", "verdaccio": "l", "php": "S",
    "unicorn": "l",
}  # fmt: skip
_UWSGI: Final = frozenset({"http", "https", "http-socket", "https-socket", "socket", "fastcgi-socket"})
_RUNNERS: Final = frozenset({
    "npx", "yarn", "pnpm", "bunx", "bundle", "poetry", "pipenv", "uv", "pdm", "hatch", "node", "bun",
    "newrelic-admin", "ddtrace-run", "opentelemetry-instrument", "gosu", "su-exec", "python", "python3",
    "python2", "python3.11",
})  # fmt: skip


def ports(words: Sequence[str | Word]) -> tuple[Port, ...]:
    """Ports that the server started by these words listens on, in the order of the words.

    Clients and unknown options give nothing; ``PORT=80 server`` in front counts.
    """
    texts = [word if isinstance(word, str) else word.text for word in words]
    if _DIGIT.search(" ".join(texts)) is None:
        return ()  # as most command lines, which need no closer look then
    start, found = _environment(texts)
    if start < len(texts):
        name = basename(texts[start])
        if name in ("nc", "ncat", "netcat", "socat"):
            found += _LISTENERS.get(name, _netcat)(texts, start)
        elif name not in _CLIENTS:
            found += _server(texts, start)
    return tuple(dict.fromkeys(found))


def _environment(texts: list[str]) -> tuple[int, list[Port]]:
    """Where the program stands, and the ports in the assignments in front of it."""
    start = 0
    while start < len(texts) and re.match(r"[A-Za-z_]\w*=", texts[start]):
        start += 1
    if start < len(texts):
        start += prefix_length(tuple(literal_word(text, text, 0) for text in texts[start:]))[0]
    found: list[Port] = []
    for index in range(start):
        name, equals, value = texts[index].partition("=")
        if equals and (_ENVIRONMENT.fullmatch(name) or name in _URLS):
            found += _port(_EITHER, value, index, len(name) + 1)
    return start, found


def _port(pattern: re.Pattern[str], text: str, index: int, offset: int = 0) -> list[Port]:
    match = pattern.fullmatch(text)
    number = int(match["port"]) if match is not None else 0
    if match is None or not 0 < number < 65536:
        return []
    return [Port(number, index, offset + match.start("port"), offset + match.end("port"))]


def _server(texts: list[str], start: int) -> list[Port]:
    names = _programs(texts, start)
    found: list[Port] = []
    for index in range(start + 1, len(texts)):
        text = texts[index]
        if text.startswith("-") and len(text) > 1:
            found += _option(texts, index, names)
        else:
            found += _bare(texts, index, names)
    return found


def _programs(texts: list[str], start: int) -> list[str]:
    """The names that may decide what short options mean: the program, and what a runner runs."""
    names = [basename(texts[start])]
    if names[0] in _RUNNERS:
        names += [basename(text) for text in texts[start + 1 : start + 5] if not text.startswith("-")]
    return names


def _option(texts: list[str], index: int, names: list[str]) -> Iterator[Port]:
    text = texts[index]
    flag, equals, value = text.partition("=")
    following = texts[index + 1] if index + 1 < len(texts) else ""
    name = flag.lstrip("-")
    pattern = _flag_pattern(name, names) if len(name) > 1 else None
    if pattern is not None and equals:
        yield from _port(pattern, value, index, len(flag) + 1)
    elif pattern is not None:
        yield from _port(pattern, following, index + 1)
    if not text.startswith("--"):
        yield from _short(text, following, index, names)


def _flag_pattern(name: str, names: list[str]) -> re.Pattern[str] | None:
    if _PORT_FLAG.fullmatch(name):
        return _BARE
    if name in _EITHER_FLAGS:
        return _EITHER
    if "uwsgi" in names and name in _UWSGI:
        return _ADDRESS
    return _ADDRESS if _ADDRESS_FLAG.fullmatch(name) else None


def _short(text: str, following: str, index: int, names: list[str]) -> Iterator[Port]:
    for table, pattern in ((_SHORT_PORT, _BARE), (_SHORT_ADDRESS, _EITHER)):
        letter = next((table[name] for name in names if name in table), "")
        if not letter or not text.startswith("-" + letter):
            continue
        if text == "-" + letter:
            yield from _port(pattern, following, index + 1)
        else:
            skip = 3 if text[2] == "=" else 2
            yield from _port(pattern, text[skip:], index, skip)


def _bare(texts: list[str], index: int, names: list[str]) -> list[Port]:
    """A word without a dash: only behind the few words that take an address there."""
    if texts[index - 1] in ("runserver", "http.server", "SimpleHTTPServer"):
        return _port(_EITHER, texts[index], index)
    name, equals, value = texts[index].partition("=")
    if equals and names[0] == "cross-env" and _ENVIRONMENT.fullmatch(name):
        return _port(_EITHER, value, index, len(name) + 1)
    return []


def _netcat(texts: list[str], start: int) -> list[Port]:
    arguments = range(start + 1, len(texts))
    if not any(re.fullmatch(r"-\w*l\w*|--listen", texts[index]) for index in arguments):
        return []
    found: list[Port] = []
    for index in arguments:
        named = re.fullmatch(r"-\w*[pl]|--listen", texts[index - 1]) is not None
        if named or (index == len(texts) - 1):
            found += _port(_BARE, texts[index], index)
    return found


def _socat(texts: list[str], start: int) -> list[Port]:
    found: list[Port] = []
    pattern = re.compile(rf"(?:TCP|UDP|SCTP|OPENSSL|SSL)[46]?-(?:LISTEN|L):{_NUMBER}(?:,.*)?", re.IGNORECASE)
    for index in range(start + 1, len(texts)):
        found += _port(pattern, texts[index], index)
    return found


_LISTENERS: Final[dict[str, Callable[[list[str], int], list[Port]]]] = {"socat": _socat}
