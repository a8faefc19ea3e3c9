"""Which ports listen in the network of a container, and what they answer."""

from __future__ import annotations

import ipaddress
import json
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from fixer.evidence import Port
from fixer.tuples import NamedTuple
from fixer.verify import probe
from fixer.verify.api import Api
from fixer.verify.said import tidy

_TABLES = ("tcp", "tcp6", "udp", "udp6")
_LISTENS = {"tcp": "0A", "udp": "07"}
_EPHEMERAL = 32768  # from here on Linux picks the ports of those who ask for none, such as a client of UDP
_MOST_PORTS = 16
_PATIENCE = 10  # seconds


class Listener(NamedTuple):
    """Something that listens: its protocol, port and address."""

    protocol: str
    port: int
    address: str


def inside(container: str, pid: int) -> bool:
    """Whether a process id of the engine is one of this machine, and belongs to the container."""
    try:
        return pid > 0 and container in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def from_here(pid: int) -> frozenset[Listener]:
    """What listens in the network of a process of this machine.

    Raises:
        OSError: when this user may not see it.
    """
    found: set[Listener] = set()
    for table in _TABLES:
        path = Path(f"/proc/{pid}/net/{table}")
        if path.exists() or table in ("tcp", "udp"):
            found |= listeners(path.read_text(encoding="ascii", errors="replace"), table)
    return frozenset(found)


def from_within(api: Api, container: str) -> frozenset[Listener] | None:
    """What listens, asked with `cat` of the container itself; None where it has none."""
    found: set[Listener] = set()
    for table in _TABLES:
        code, said = api.execute(container, ["cat", f"/proc/net/{table}"], _PATIENCE)
        if code and table == "tcp":
            return None
        found |= listeners(said.decode("ascii", "replace"), table)
    return frozenset(found)


def listeners(text: str, table: str) -> set[Listener]:
    """What listens, of the text of /proc/net/tcp and its like."""
    protocol = table[:3]
    out: set[Listener] = set()
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 4 or words[3] != _LISTENS[protocol]:
            continue
        address, _, port = words[1].partition(":")
        number = int(port, 16)
        if protocol == "tcp" or number < _EPHEMERAL:
            out.add(Listener(protocol, number, _address(address)))
    return out


def _address(text: str) -> str:
    """An address as the kernel prints it: words of four bytes, each as this machine keeps numbers."""
    raw = bytes.fromhex(text)
    words = [raw[at : at + 4] for at in range(0, len(raw), 4)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return str(ipaddress.ip_address(packed))


def asked(api: Api, container: str, pid: int, found: Iterable[Listener], here: bool) -> tuple[tuple[Port, ...], str]:
    """The ports with what they answer to HTTP, and a sentence where nobody could ask."""
    every = sorted(
        {(one.port, one.protocol): one for one in sorted(found, reverse=True)}.values(), key=lambda one: one[1]
    )
    questions = [one for one in every if one.protocol == "tcp"][:_MOST_PORTS]
    answers = _from_beside(pid, questions) if here and questions else None
    note = ""
    if answers is None:
        answers = {one.port: _from_inside(api, container, one) for one in questions}
        if questions and None in answers.values() and not _can_ask(api, container):
            note = "HTTP was not asked: this user may not enter its network, and it has no curl, wget or bash"
    return tuple(Port(one.port, one.protocol, answers.get(one.port)) for one in every), note


def _from_beside(pid: int, questions: list[Listener]) -> dict[int, int | None] | None:
    """The answers, asked by a process that enters the network of the container; None where it may not."""
    words = [word for one in questions for word in (_reach(one), str(one.port))]
    command = [sys.executable, "-I", "-S", str(Path(probe.__file__)), str(pid), *words]
    seconds = _PATIENCE + 4 * len(questions)
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds, check=True, env={}, stdin=subprocess.DEVNULL
        )
        return dict(zip((one.port for one in questions), json.loads(done.stdout), strict=True))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _reach(one: Listener) -> str:
    address = ipaddress.ip_address(one.address)
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _from_inside(api: Api, container: str, one: Listener) -> int | None:
    """The answer, asked with what the image has."""
    host = _reach(one)
    host = f"[{host}]" if ":" in host else host
    url = f"http://{host}:{one.port}/"
    for words in (
        ["curl", "-s", "-o", "/dev/null", "-m", "2", "-w", "HTTP/1.1 %{http_code} ", url],
        ["wget", "-q", "-S", "-T", "2", "-O", "/dev/null", url],
        ["bash", "-c", _bash(_reach(one), one.port)],
    ):
        code, said = api.execute(container, words, _PATIENCE)
        if code not in (126, 127):
            text = said.decode("latin-1")
            start = text.find("HTTP/")
            found = text[start:].split()[1:2] if start >= 0 else []
            if not found and "server returned error: HTTP" in text:
                found = text.rpartition("HTTP/")[2].split()[1:2]
            return int(found[0]) if found and tidy(found[0]).isdigit() and int(found[0]) else None
    return None


def _bash(host: str, port: int) -> str:
    place = shlex.quote(f"/dev/tcp/{host}/{port}")
    ask = r"'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n'"
    return f"exec 3<>{place} && printf {ask} >&3 && IFS= read -r -t 2 line <&3 && printf '%s' \"$line\""


def _can_ask(api: Api, container: str) -> bool:
    return any(
        api.execute(container, [name, "--help"], _PATIENCE)[0] not in (126, 127) for name in ("curl", "wget", "bash")
    )
