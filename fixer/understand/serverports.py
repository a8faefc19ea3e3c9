"""The ports in configuration of nginx and Apache that a build copies into its image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixer.lazy import regex
from fixer.model import Edit, Span
from fixer.understand.portspots import Move, Spot, Stuck

# What each server reads in its images, and in the packages of the distributions.
_FOLDERS = {
    "nginx": ("/etc/nginx", "/usr/local/nginx/conf", "/usr/local/openresty/nginx/conf"),
    "apache": ("/usr/local/apache2/conf", "/etc/apache2", "/etc/httpd"),
}
# With one of these of its own, an image does not read the one that its base or a package has, and that names a port.
_REPLACED = {
    "nginx": ("nginx.conf", "conf.d/default.conf", "templates/default.conf.template", "sites-enabled/default",
              "sites-available/default", "http.d/default.conf"),
    "apache": ("httpd.conf", "ports.conf", "conf/httpd.conf", "apache2.conf"),
}  # fmt: skip
_LISTEN = regex(r"(?:^|[;{])[ \t]*listen[ \t]+([^;#]*);", re.MULTILINE)
_COMMENT = regex(r"#[^\n]*")
_SERVER = regex(r"(?:^|[;{}\s])server[ \t\r\n]*\{", re.MULTILINE)
_APACHE = regex(
    r"^[ \t]*(?:Listen[ \t]+([^\s#]+)|<VirtualHost[ \t]+([^>]*)>|NameVirtualHost[ \t]+(\S+))",
    re.MULTILINE | re.IGNORECASE,
)
_ADDRESS = regex(r"(?:(?:\*|[\d.]+|\[[0-9a-fA-F:.]*\]|[\w.-]+):)?(\d+)")


def server_of(destination: str) -> str:
    """The server that reads a file of this path, "" for none."""
    for server, folders in _FOLDERS.items():
        if any(destination == folder or destination.startswith(folder + "/") for folder in folders):
            return server
    return ""


def replaces_default(server: str, destination: str) -> bool:
    """Whether a file of this path takes the place of the one that names the port by default."""
    return any(destination.endswith("/" + name) for name in _REPLACED[server])


def listens(server: str, path: str, text: str, move: Move) -> Iterator[Spot]:
    """The spots of a configuration file that make its server bind the port.

    Raises:
        Stuck: when the file binds it without naming it, or in a way that is not understood.
    """
    yield from (_nginx if server == "nginx" else _apache)(path, text, move)


def _nginx(path: str, text: str, move: Move) -> Iterator[Spot]:
    said = _COMMENT.sub(lambda comment: " " * len(comment[0]), text)
    for block in _SERVER.finditer(said) if move.old == 80 else ():
        if _LISTEN.search(said, block.end(), _closed(said, block.end())) is None:
            where = f"{path}:{_line(text, block.end() - 1)}"
            raise Stuck(where, "this server has no 'listen', which means port 80 without naming it")
    for match in _LISTEN.finditer(said):
        word = match[1].partition(" ")[0].strip()
        found = _ADDRESS.fullmatch(word)
        if found is None and move.old == 80 and not word.startswith("unix:") and "$" not in word:
            raise Stuck(f"{path}:{_line(text, match.start(1))}", f"'listen {word}' means port 80 without naming it")
        if found is not None and int(found[1]) == move.old:
            at = text.index(word, match.start(1)) + found.start(1)
            yield _spot(path, text, at, move, "listen")


def _closed(text: str, at: int) -> int:
    """Where the block ends that is open at an offset."""
    depth = 1
    while depth and at < len(text):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return at


def _apache(path: str, text: str, move: Move) -> Iterator[Spot]:
    for match in _APACHE.finditer(text):
        group = next(n for n in (1, 2, 3) if match[n] is not None)
        what = ("Listen", "VirtualHost", "NameVirtualHost")[group - 1]
        start = match.start(group)
        for word in match[group].split():
            found = _ADDRESS.fullmatch(word)
            at = text.index(word, start)
            start = at + len(word)
            if found is not None and int(found[1]) == move.old:
                yield _spot(path, text, at + found.start(1), move, what)


def _spot(path: str, text: str, at: int, move: Move, what: str) -> Spot:
    return Spot(path, _line(text, at), what, Edit(Span(at, at + len(str(move.old))), str(move.new)))


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
