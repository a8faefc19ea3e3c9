"""Asks what listens in the network of a container. Started as a program of its own, it enters that network first.

Arguments: the process id whose network is entered, then an address and a port for each question. It prints a JSON list
of the statuses of `GET /`, null where nothing speaks HTTP. It imports the standard library alone, and nothing of it is
run by the container: it only shares its network.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import socket
import sys

_CLONE_NEWNET = 0x40000000
_PATIENCE = 2.0  # seconds for each question
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})\b")


def enter(pid: int) -> None:
    """Go into the network of a process.

    Raises:
        OSError: when that is not allowed.
    """
    with open(f"/proc/{pid}/ns/net", "rb") as namespace:
        library = ctypes.CDLL(None, use_errno=True)
        if library.setns(namespace.fileno(), _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def status(address: str, port: int) -> int | None:
    """The status of the answer to `GET /`, None when there is none."""
    try:
        with socket.create_connection((address, port), _PATIENCE) as channel:
            channel.settimeout(_PATIENCE)
            channel.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\nUser-Agent: fixer\r\nConnection: close\r\n\r\n")
            head = b""
            while b"\n" not in head and len(head) < 4096:
                piece = channel.recv(4096)
                if not piece:
                    break
                head += piece
    except OSError:
        return None
    found = _STATUS.match(head)
    return int(found.group(1)) if found else None


def main(words: list[str]) -> str:
    """The answer to the arguments."""
    enter(int(words[0]))
    pairs = zip(words[1::2], words[2::2], strict=True)
    return json.dumps([status(address, int(port)) for address, port in pairs])


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
