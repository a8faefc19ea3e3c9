"""What programs say when they are refused something, in the words that they really use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.evidence import Kind
from fixer.verify.refusals import refusals

PATHS = {
    "mkdir: cannot create directory '/data/x': Permission denied": "/data/x",
    "mkdir: can't create directory '/data/x': Permission denied": "/data/x",
    "mkdir: cannot create directory \u2018/data\u2019: Permission denied": "/data",
    "touch: cannot touch '/srv/a b': Permission denied": "/srv/a b",
    "touch: /srv/app.pid: Permission denied": "/srv/app.pid",
    "sh: 1: cannot create /var/log/app.log: Permission denied": "/var/log/app.log",
    "/bin/sh: can't create /var/log/app.log: Permission denied": "/var/log/app.log",
    "/docker-entrypoint.sh: line 5: /data/x: Permission denied": "/data/x",
    "/docker-entrypoint.sh: 8: cannot create state.txt: Permission denied": "/app/state.txt",
    "cp: cannot create regular file '/etc/app/conf': Permission denied": "/etc/app/conf",
    "rm: cannot remove 'cache/x': Permission denied": "/app/cache/x",
    "PermissionError: [Errno 13] Permission denied: '/app/data.db'": "/app/data.db",
    "PermissionError: [Errno 13] Permission denied: 'data.db'": "/app/data.db",
    "OSError: [Errno 30] Read-only file system: '/app/cache'": "/app/cache",
    "Error: EACCES: permission denied, open '/app/uploads/a.txt'": "/app/uploads/a.txt",
    "[Error: EROFS: read-only file system, mkdir '/app/uploads']": "/app/uploads",
    "2026/01/01 open /var/lib/app/db: permission denied": "/var/lib/app/db",
    "panic: mkdir /var/lib/app: read-only file system": "/var/lib/app",
    "java.io.FileNotFoundException: /logs/app.log (Permission denied)": "/logs/app.log",
    "java.nio.file.AccessDeniedException: /logs": "/logs",
    'nginx: [emerg] mkdir() "/var/cache/nginx/t" failed (13: Permission denied)': "/var/cache/nginx/t",
    'nginx: [emerg] open() "/run/nginx.pid" failed (13: Permission denied)': "/run/nginx.pid",
    "(13)Permission denied: AH00091: apache2: could not open error log file /var/log/apache2/error.log.": (
        "/var/log/apache2/error.log"
    ),
    "Errno::EACCES: Permission denied @ rb_sysopen - /app/log/production.log": "/app/log/production.log",
    "PHP Warning: fopen(/var/www/x.txt): Failed to open stream: Permission denied": "/var/www/x.txt",
    "exec /entrypoint.sh: permission denied": "/entrypoint.sh",
    "cat: /etc/secret.conf: Permission denied": "/etc/secret.conf",
    "sqlite3.OperationalError: attempt to write a readonly database": "",
    "[Errno 13] Permission denied: bind('/run/app.sock')": "/run/app.sock",
}
PORTS = {
    "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)": "80",
    "nginx: [emerg] bind() to [::]:443 failed (13: Permission denied)": "443",
    "Error: listen EACCES: permission denied 0.0.0.0:80": "80",
    "Error: listen EACCES: permission denied :::80": "80",
    "listen tcp :80: bind: permission denied": "80",
    "listen tcp 0.0.0.0:443: bind: permission denied": "443",
    "(13)Permission denied: AH00072: make_sock: could not bind to address [::]:80": "80",
    "java.net.BindException: Permission denied": "",
    "socket.bind: Permission denied": "",
    'Permission denied - bind(2) for "0.0.0.0" port 80 (Errno::EACCES)': "80",
    "httpd: bind: Permission denied": "",
    "PermissionError: [Errno 13] error while attempting to bind on address ('0.0.0.0', 80): permission denied": "80",
    "Caused by: java.net.SocketException: Permission denied": "",
    "ERROR: unable to bind listening socket for address '127.0.0.1:80': Permission denied (13)": "80",
    "/usr/local/lib/ruby/socket.rb:201:in `bind': Permission denied - bind(2) for 0.0.0.0:80 (Errno::EACCES)": "80",
    "(13)Permission denied: AH00072: make_sock: could not bind to address 0.0.0.0:80": "80",
    "1:M # Warning: Could not create server TCP listening socket *:80: bind: Permission denied": "80",
    "System.Net.Sockets.SocketException (13): Permission denied": "",
    "crit: Unable to start Kestrel. System.Net.Sockets.SocketException (13): Permission denied": "",
    "haproxy: [ALERT] (1) : Starting frontend www: cannot bind socket (Permission denied) [0.0.0.0:80]": "80",
}
USERS = [
    "nginx: [emerg] setgid(101) failed (1: Operation not permitted)",
    'gosu: error: failed switching to "app": operation not permitted',
    "su-exec: setgroups: Operation not permitted",
    "setpriv: setresuid failed: Operation not permitted",
    "su: must be suid to work properly",
    "sudo: effective uid is not 0, is sudo installed setuid root?",
    "initgroups failed: Operation not permitted",
    "Can't drop privileges: setgid: Operation not permitted",
    "s6-overlay-suexec: fatal: unable to setgid to root: Operation not permitted",
]
CAPABILITIES = {
    "chown: changing ownership of '/data': Operation not permitted": "chown /data",
    "chown: /data: Operation not permitted": "chown /data",
    'nginx: [emerg] chown("/var/cache/nginx", 101) failed (1: Operation not permitted)': "chown /var/cache/nginx",
    "ping: socket: Operation not permitted": "ping",
    "RTNETLINK answers: Operation not permitted": "RTNETLINK",
    "mount: /mnt: permission denied.": "mount /mnt",
    "chmod: changing permissions of '/etc/x': Operation not permitted": "chmod /etc/x",
    "chmod /data: operation not permitted": "chmod /data",
    'initdb: error: could not change permissions of directory "/data": Operation not permitted': "chmod /data",
    "chown: changing ownership of '/var/lib/mysql/': Operation not permitted": "chown /var/lib/mysql",
}
MISSING = {
    'exec: "serve": executable file not found in $PATH': "serve",
    'unable to start container process: exec: "/nosuch": stat /nosuch: no such file or directory: unknown': "/nosuch",
    "sh: 1: nosuch: not found": "nosuch",
    "/bin/sh: nosuch: not found": "nosuch",
    "FileNotFoundError: [Errno 2] No such file or directory: '/app/conf.toml'": "/app/conf.toml",
    "Error: ENOENT: no such file or directory, open '/app/conf.json'": "/app/conf.json",
    "cat: /etc/nosuch: No such file or directory": "/etc/nosuch",
    "python: can't open file '/app/main.py': [Errno 2] No such file or directory": "/app/main.py",
    "ModuleNotFoundError: No module named 'flask'": "flask",
}


@pytest.mark.parametrize(("line", "what"), PATHS.items())
def test_a_path_is_read(line: str, what: str) -> None:
    assert [(one.kind, one.what) for one in refusals([line], "/app")] == [(Kind.PATH, what)]


COMPLAINTS = [
    row.split("\t", 1)
    for row in Path(__file__).with_name("complaints.tsv").read_text(encoding="utf-8").splitlines()
    if not row.startswith("#")
]


@pytest.mark.parametrize(("path", "line"), COMPLAINTS)
def test_the_path_is_the_one_that_was_refused(path: str, line: str) -> None:
    expected = [] if path == "-" else [(Kind.PATH, path.strip("?"))]
    assert [(one.kind, one.what) for one in refusals([line], "/app")] == expected


@pytest.mark.parametrize(("line", "what"), PORTS.items())
def test_a_port_is_read(line: str, what: str) -> None:
    assert [(one.kind, one.what) for one in refusals([line], "/app")] == [(Kind.PORT, what)]


@pytest.mark.parametrize("line", USERS)
def test_a_change_of_user_is_read(line: str) -> None:
    assert [one.kind for one in refusals([line], "/app")] == [Kind.USER]


@pytest.mark.parametrize(("line", "what"), CAPABILITIES.items())
def test_an_operation_is_read(line: str, what: str) -> None:
    assert [(one.kind, one.what) for one in refusals([line], "/app")] == [(Kind.CAPABILITY, what)]


@pytest.mark.parametrize(("line", "what"), MISSING.items())
def test_what_is_not_there_is_read(line: str, what: str) -> None:
    assert [(one.kind, one.what) for one in refusals([line], "/app")] == [(Kind.MISSING, what)]


@pytest.mark.parametrize(
    "line",
    [
        "listening on :80",
        'GET /denied HTTP/1.1" 404',
        "INFO started /app/main.py",
        "connection refused: 127.0.0.1:5432",
        "user nginx is not known",
        "code: 'EACCES',",
        "code: 'ENOENT',",
        '127.0.0.1 - - "GET /nosuch HTTP/1.1" 404 -',
    ],
)
def test_what_is_no_refusal_is_none(line: str) -> None:
    assert refusals([line]) == ()


def test_a_complaint_is_told_once_with_its_line() -> None:
    line = "PermissionError: [Errno 13] Permission denied: '/x'"
    (one,) = refusals([line] * 5000)
    assert one.seen == f"in the log: {line}"


def test_the_complaints_of_a_log_are_bounded() -> None:
    assert len(refusals(f"touch: cannot touch '/x{number}': Permission denied" for number in range(1000))) == 50


@given(st.text(max_size=400))
def test_no_line_breaks_it(text: str) -> None:
    for one in refusals([f"{text}: Permission denied", f"{text}: not found"]):
        assert "\x1b" not in one.what + one.seen
        assert len(one.what) <= 200


def test_a_name_between_colons_is_a_path_where_a_program_of_files_says_it() -> None:
    found = [(one.kind, one.what) for one in refusals(["chown: f: Operation not permitted"], "/app")]
    assert found == [(Kind.CAPABILITY, "chown /app/f")]


@pytest.mark.parametrize(
    ("call", "complaint", "kind", "what"),
    [
        (
            "os.chroot('/srv/cell')",
            "PermissionError: [Errno 1] Operation not permitted: '/srv/cell'",
            Kind.CAPABILITY,
            "chroot /srv/cell",
        ),
        ("os.setuid(5)", "PermissionError: [Errno 1] Operation not permitted", Kind.USER, "setuid"),
        (
            "os.chown(name, 5, 5)",
            "PermissionError: [Errno 1] Operation not permitted: 'x'",
            Kind.CAPABILITY,
            "chown /app/x",
        ),
        ("work()", "Error: EPERM: x, y '/x'", Kind.CAPABILITY, "/x"),
    ],
)
def test_an_operation_is_read_from_the_call_above_its_complaint(
    call: str, complaint: str, kind: Kind, what: str
) -> None:
    log = ["Traceback (most recent call last):", '  File "/app/x.py", line 3, in <module>', call, "^^^^^^", complaint]
    assert [(one.kind, one.what) for one in refusals(log, "/app")] == [(kind, what)]
