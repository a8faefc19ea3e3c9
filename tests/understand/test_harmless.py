from __future__ import annotations

import pytest

from fixer.syntax.shell import parse
from fixer.understand.harmless import harmless

HARMLESS = [
    "sleep 10",
    "until nslookup db; do echo waiting; sleep 2; done",
    "curl -sf http://web > /dev/null 2>&1",
    "wget -qO- http://web",
    "wget -O - http://web",
    "wget --spider http://web",
    "date >> /data/seen",
    "echo one >/tmp/../tmp/one",
    "if [ -f /etc/motd ]; then cat /etc/motd; fi",
]
HARMFUL = [
    "",
    "nginx",
    "echo one > /etc/motd",
    "echo one > /tmp/../etc/motd",
    "echo one > $FILE",
    "echo one > file",
    "curl -o page http://web",
    "curl -sLo page http://web",
    "curl --output=page http://web",
    "curl -O http://web/page",
    "wget http://web/page",
    "wget -O page http://web",
    "wget -q -O /srv/page http://web",
    "sleep 1; cp a b",
    "sh run.sh",
    "echo 'unclosed",
]


@pytest.mark.parametrize("script", HARMLESS)
def test_what_writes_nothing(script: str) -> None:
    assert harmless(parse(script), ("/tmp", "/data"))


@pytest.mark.parametrize("script", HARMFUL)
def test_what_writes_or_is_not_known(script: str) -> None:
    assert not harmless(parse(script), ("/tmp", "/data"))
