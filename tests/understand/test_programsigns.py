"""Calls in the code of a program that only root may make."""

from __future__ import annotations

import pytest

from fixer.understand.programsigns import interpreter_of, root_calls

UNCONDITIONAL = (
    ("python3.12", "os.setuid(1000)\n", "steps-down", "os.setuid"),
    ("python", "def main():\n    os.initgroups('app', 1000)\n", "steps-down", "os.initgroups"),
    ("python", "if __name__ == '__main__':\n    os.chroot('/srv')\n", "kernel", "os.chroot"),
    ("python", "time.clock_settime(time.CLOCK_REALTIME, now)\n", "kernel", "time.clock_settime"),
    ("python", "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\n", "network-admin", "SOCK_RAW"),
    ("python", "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n", "network-admin", "AF_PACKET"),
    ("python", "print(os.getuid())\nos.setgid(5)\n", "steps-down", "os.setgid"),
    ("node", "server.listen(80, () => {\n  process.setuid('www')\n})\n", "steps-down", "process.setuid"),
    ("perl", "$> = getpwnam('www');\n", "steps-down", "$>"),
    ("perl", "POSIX::setuid($uid);\n", "steps-down", "setuid"),
    ("perl", "chroot '/srv' or die;\n", "kernel", "chroot"),
    ("ruby", "Process::Sys.setuid(5)\n", "steps-down", "Process::Sys.setuid"),
    ("ruby", "Process.euid = 5\n", "steps-down", "Process.euid"),
    ("ruby", "Dir.chroot('/srv')\n", "kernel", "Dir.chroot"),
    ("php8.2", "<?php\nposix_setuid(33);\n", "steps-down", "posix_setuid"),
)  # fmt: skip


@pytest.mark.parametrize(("interpreter", "text", "code", "words"), UNCONDITIONAL)
def test_a_call_that_is_always_made(interpreter: str, text: str, code: str, words: str) -> None:
    (call,) = root_calls(interpreter, text)
    assert (call.code, call.words, call.conditional) == (code, words, False)
    assert words in text.splitlines()[call.line - 1]


@pytest.mark.parametrize(
    ("interpreter", "text"),
    [
        ("python", "if args.user:\n    os.setuid(args.user)\n"),
        ("python", "try:\n    os.setuid(5)\nexcept OSError:\n    pass\n"),
        ("python", "def drop():\n    with lock:\n        if wanted:\n            log()\n            os.setuid(5)\n"),
        ("node", "if (config.user) process.setuid(config.user)\n"),
        ("perl", "$> = $uid if $uid;\n"),
        ("ruby", "begin\n  Process.uid = 5\nrescue Errno::EPERM\nend\n".replace("Errno::EPERM", "StandardError")),
    ],
)
def test_a_call_below_a_condition(interpreter: str, text: str) -> None:
    (call,) = root_calls(interpreter, text)
    assert call.conditional


@pytest.mark.parametrize(
    ("interpreter", "text"),
    [
        ("python", "if os.getuid() == 0:\n    os.setuid(5)\n"),
        ("python", "uid = os.geteuid()\nif not uid:\n    os.setuid(5)\n"),
        ("python", "if not os.getuid():\n    os.setuid(5)\n"),
        ("python", "try:\n    os.setuid(5)\nexcept PermissionError:\n    pass\n"),
        ("node", "if (process.getuid && process.getuid() === 0) process.setuid('node')\n"),
        ("node", "if (process.getuid() === 0) {\n  process.setuid('node')\n}\n"),
        ("perl", "$> = $uid if $> == 0;\n"),
        ("ruby", "Process.uid = 5 if Process.euid == 0\n"),
        ("php", "if (posix_getuid() === 0) { posix_setuid(33); }\n"),
        ("python", "# os.setuid(5) is done by the entrypoint\n"),
        ("python", "self.setuid(5)\nsetuid(5)\ndos.setuid(5)\n"),
        ("perl", "print if $> => 3; my %h = ($> => 1);\n"),
        ("ruby", "raise unless Process.uid == 5\n"),
        ("java", "os.setuid(5)\n"),
        ("python", ""),
    ],
)
def test_what_needs_no_root(interpreter: str, text: str) -> None:
    assert not list(root_calls(interpreter, text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("#!/usr/bin/perl\n", "perl"),
        ("#!/usr/bin/env python3\n", "python3"),
        ("#!/usr/bin/env -S node --enable-source-maps\n", "node"),
        ("#! /bin/sh -e", "sh"),
        ("#!", ""),
        ("#!/usr/bin/env", ""),
        ("import os\n#!/bin/sh\n", ""),
    ],
)
def test_who_runs_a_script(text: str, name: str) -> None:
    assert interpreter_of(text) == name
