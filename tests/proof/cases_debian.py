"""Dockerfiles on Debian."""
# ruff: noqa: E501 # the words of Dockerfiles

from __future__ import annotations

import io
import tarfile

from tests.proof.rig import APP, Case, Exits, Serves, Stays

# It answers with how often it was asked, and keeps that in the file $STATE when there is one.
SERVER = """#!/usr/bin/perl
use strict; use warnings; use IO::Socket::INET;
my $port = shift || $ENV{PORT} || 8080;
my $door = IO::Socket::INET->new(LocalPort => $port, Listen => 8, ReuseAddr => 1) or die "listen: $!";
while (my $guest = $door->accept) {
    my $asked = <$guest>;
    my $file = $ENV{STATE};
    my $out = "hello";
    if ($file) {
        my $ok = open(my $state, '>>', $file);
        if ($ok) { print $state "x"; close $state; $out = "kept " . (-s $file) } else { die "lost $file: $!" }
    }
    print $guest "HTTP/1.0 200 OK\\r\\n\\r\\n$out\\n"; close $guest;
}
"""
WEB = {"server.pl": SERVER}
HELLO, KEPT = Serves(8080, "hello"), Serves(8080, "kept")


def archive(**files: str) -> bytes:
    """A tar.gz whose files belong to root and can be read by all."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


ARCHIVE = {"web.tar.gz": archive(**{"server.pl": SERVER, "data/state.txt": "x"})}

CASES = (
    Case(
        "workdir-copy-cmd",
        'FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        HELLO, files=WEB, uid="10001", holds=("USER 10001:10001", "COPY --chown=10001:10001 . ."),
    ),
    Case(
        "state-beside-code",
        'FROM debian:12\nENV STATE=/app/state.txt\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "state-in-copied-folder",
        'FROM debian:12\nENV STATE=data/state.txt\nWORKDIR /app\nCOPY . ./\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files={**WEB, "data/state.txt": "xx"}, modes={"data/state.txt": 0o600, "data": 0o700},
    ),
    Case(
        "state-made-by-run-in-workdir",
        "FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nRUN printf x > state.txt\nENV STATE=/app/state.txt\nEXPOSE 8080\n"
        'CMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "folders-made-by-run-in-workdir",
        "FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nRUN mkdir -p uploads/tmp logs\nENV STATE=uploads/tmp/state.txt\n"
        'EXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "state-made-by-program-in-run",
        "FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nRUN perl migrate.pl\nENV STATE=db.sqlite3\nEXPOSE 8080\n"
        'CMD ["perl", "server.pl"]\n',
        KEPT, files={**WEB, "migrate.pl": "open(my $f, '>', 'db.sqlite3') or die; print $f 'x'; close $f;\n"},
    ),
    Case(
        "copy-without-workdir",
        'FROM debian:bookworm-slim\nCOPY server.pl /server.pl\nEXPOSE 8080\nCMD ["perl", "/server.pl"]\n', HELLO, "review", files=WEB,
    ),
    Case(
        "copy-to-a-folder-without-workdir",
        'FROM debian:bookworm\nENV STATE=/srv/web/state.txt\nCOPY . /srv/web\nEXPOSE 8080\nCMD ["perl", "/srv/web/server.pl"]\n',
        KEPT, "review", files=WEB, told="what it writes is not known",
    ),
    Case(
        "copy-to-own-folder-without-workdir",
        'FROM debian:bookworm\nENV STATE=/web/state.txt\nCOPY . /web\nEXPOSE 8080\nCMD ["perl", "/web/server.pl"]\n',
        KEPT, "review", files=WEB,
    ),
    Case(
        "volume",
        "FROM debian:bookworm-slim\nENV STATE=/data/state.txt\nWORKDIR /app\nCOPY server.pl .\nVOLUME /data\nEXPOSE 8080\n"
        'CMD ["perl", "server.pl"]\n',
        KEPT, "review", files=WEB, told="volumes",
    ),
    Case(
        "volume-json-two-and-content",
        'FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nCOPY seed/ /var/lib/web/\nVOLUME ["/var/lib/web", "/cache"]\nEXPOSE 8080\n'
        'CMD ["sh", "-c", "echo a >> /cache/a && STATE=/var/lib/web/state.txt exec perl server.pl"]\n',
        KEPT, "review", files={**WEB, "seed/state.txt": "xxx"},
    ),
    Case(
        "data-folder-made",
        "FROM debian:bookworm-slim\nRUN mkdir -p /data/cache\nWORKDIR /app\nCOPY server.pl .\nENV STATE=/data/cache/state.txt\n"
        'EXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "data-folder-made-by-install",
        "FROM debian:bookworm-slim\nRUN install -d -m 0755 /var/lib/web\nWORKDIR /app\nCOPY server.pl .\n"
        'ENV STATE=/var/lib/web/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "data-folder-made-by-workdir",
        "FROM debian:bookworm-slim\nWORKDIR /data\nWORKDIR /app\nCOPY server.pl .\nENV STATE=/data/state.txt\nEXPOSE 8080\n"
        'CMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "data-folder-below-tmp",
        "FROM debian:bookworm-slim\nRUN mkdir /tmp/web\nWORKDIR /app\nCOPY server.pl .\nENV STATE=/tmp/web/state.txt\nEXPOSE 8080\n"
        'CMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "log-folder",
        "FROM debian:bookworm-slim\nRUN mkdir -p /var/log/web\nWORKDIR /app\nCOPY server.pl .\nEXPOSE 8080\n"
        "CMD perl server.pl >> /var/log/web/out.log 2>&1\n",
        HELLO, files=WEB,
    ),
    Case(
        "log-file-touched",
        "FROM debian:bookworm-slim\nRUN touch /var/log/web.log\nWORKDIR /app\nCOPY server.pl .\nENV STATE=/var/log/web.log\nEXPOSE 8080\n"
        'CMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "entry-script-chmod-x",
        "FROM debian:bookworm-slim\nCOPY entrypoint.sh /\nRUN chmod +x /entrypoint.sh\nWORKDIR /app\nCOPY server.pl .\nEXPOSE 8080\n"
        'ENTRYPOINT ["/entrypoint.sh"]\nCMD ["perl", "server.pl"]\n',
        HELLO, files={**WEB, "entrypoint.sh": "#!/bin/sh\nset -e\necho starting\nexec \"$@\"\n"}, modes={"entrypoint.sh": 0o644},
    ),
    Case(
        "entry-script-chmod-700",
        "FROM debian:bookworm-slim\nCOPY entrypoint.sh /entrypoint.sh\nRUN chmod 700 /entrypoint.sh\nWORKDIR /app\nCOPY server.pl .\n"
        'EXPOSE 8080\nENTRYPOINT ["/entrypoint.sh"]\nCMD ["perl", "server.pl"]\n',
        HELLO, files={**WEB, "entrypoint.sh": "#!/bin/sh\nexec \"$@\"\n"},
    ),
    Case(
        "entry-script-chmod-744",
        "FROM debian:bookworm-slim\nCOPY entrypoint.sh /usr/local/bin/\nRUN chmod 744 /usr/local/bin/entrypoint.sh\nWORKDIR /app\n"
        'COPY server.pl .\nEXPOSE 8080\nENTRYPOINT ["entrypoint.sh"]\nCMD ["perl", "server.pl"]\n',
        HELLO, "review", files={**WEB, "entrypoint.sh": "#!/bin/sh\nexec \"$@\"\n"},
    ),
    Case(
        "entry-script-chmod-u+x",
        "FROM debian:bookworm-slim\nCOPY entrypoint.sh /usr/local/bin/\nRUN chmod u+x /usr/local/bin/entrypoint.sh\nWORKDIR /app\n"
        'COPY server.pl .\nEXPOSE 8080\nENTRYPOINT ["entrypoint.sh"]\nCMD ["perl", "server.pl"]\n',
        HELLO, "review", files={**WEB, "entrypoint.sh": "#!/bin/sh\nexec \"$@\"\n"}, modes={"entrypoint.sh": 0o644},
    ),
    Case(
        "entry-script-copy-chmod-700",
        "FROM debian:bookworm-slim\nCOPY --chmod=700 entrypoint.sh /usr/local/bin/\nWORKDIR /app\n"
        'COPY server.pl .\nEXPOSE 8080\nENTRYPOINT ["entrypoint.sh"]\nCMD ["perl", "server.pl"]\n',
        HELLO, "review", files={**WEB, "entrypoint.sh": "#!/bin/sh\nexec \"$@\"\n"}, modes={"entrypoint.sh": 0o644},
    ),
    Case(
        "config-with-mode-600",
        "FROM debian:bookworm-slim\nCOPY web.conf /etc/web/web.conf\nRUN chmod 600 /etc/web/web.conf\nWORKDIR /app\nCOPY run.sh .\n"
        'EXPOSE 8080\nCMD ["sh", "run.sh"]\n',
        Exits("colour=blue"), "review", files={"run.sh": "echo uid=$(id -u)\ncat /etc/web/web.conf\n", "web.conf": "colour=blue\n"},
    ),
    Case(
        "config-with-mode-600-in-context",
        "FROM debian:bookworm-slim\nCOPY web.conf /etc/web/web.conf\nWORKDIR /app\nCOPY run.pl .\nEXPOSE 8080\nCMD [\"perl\", \"run.pl\"]\n",
        Exits("colour=blue"), files={"run.pl": "print \"uid=$<\\n\"; open(my $f, '<', '/etc/web/web.conf') or die $!; print <$f>;\n", "web.conf": "colour=blue\n"},
        modes={"web.conf": 0o600}, holds=("COPY --chown=10001:10001 web.conf",),
    ),
    Case(
        "shell-form-cmd",
        "FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD perl server.pl 8080\n", HELLO, files=WEB,
    ),
    Case(
        "shell-form-entrypoint",
        "FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nENV PORT=8080\nEXPOSE $PORT\nENTRYPOINT exec perl server.pl $PORT\n",
        HELLO, files=WEB,
    ),
    Case(
        "tini-like",
        "FROM debian:bookworm-slim\nCOPY tini /usr/bin/tini\nRUN chmod 755 /usr/bin/tini\nWORKDIR /app\nCOPY server.pl .\nEXPOSE 8080\n"
        'ENTRYPOINT ["/usr/bin/tini", "--"]\nCMD ["perl", "/app/server.pl"]\n',
        HELLO, files={**WEB, "tini": "#!/bin/sh\nshift\n\"$@\" &\nwait\n"},
    ),
    Case(
        "paths-in-env",
        "FROM debian:bookworm-slim\nENV APP_HOME=/opt/web \\\n    PORT=8080\nENV STATE=$APP_HOME/data/state.txt\nRUN mkdir -p ${APP_HOME}/data\n"
        'WORKDIR $APP_HOME\nCOPY server.pl $APP_HOME/\nVOLUME ${APP_HOME}/data\nEXPOSE ${PORT}\nCMD ["perl", "server.pl"]\n',
        KEPT, "review", files=WEB,
    ),
    Case(
        "paths-in-arg",
        "FROM debian:bookworm-slim\nARG DIR=/work\nARG DATA=${DIR}/data\nWORKDIR ${DIR}\nRUN mkdir $DATA\nCOPY . ${DIR}\n"
        'ENV STATE=$DATA/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "lower-case",
        'from debian:bookworm-slim\nworkdir /app\ncopy . .\nexpose 8080\ncmd ["perl", "server.pl"]\n', HELLO, files=WEB,
        holds=("user 10001:10001",),
    ),
    Case(
        "multi-stage",
        "FROM debian:bookworm AS build\nWORKDIR /src\nCOPY . .\nRUN mkdir -p /out/data && cp server.pl /out/\n\nFROM debian:bookworm-slim\n"
        'WORKDIR /app\nCOPY --from=build /out .\nENV STATE=data/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "compose-target",
        "FROM debian:bookworm-slim AS web\nWORKDIR /app\nCOPY server.pl .\nEXPOSE 8080\nCMD [\"perl\", \"server.pl\"]\n\n"
        "FROM web AS test\nRUN touch /etc/tested\nCMD [\"true\"]\n",
        HELLO, "review", files={**WEB, "compose.yaml": "services:\n  web:\n    build:\n      context: .\n      target: web\n"},
        build=("--target", "web"),
    ),
    Case(
        "child-stage-builds-as-root",
        "FROM debian:bookworm-slim AS web\nWORKDIR /app\nCOPY server.pl .\nEXPOSE 8080\nCMD [\"perl\", \"server.pl\"]\n\n"
        "FROM web AS test\nRUN touch /etc/tested\nCMD [\"sh\", \"-c\", \"echo uid=$(id -u) && test -e /etc/tested\"]\n",
        Exits(), "review", files={**WEB, "compose.yaml": "services:\n  web:\n    build:\n      context: .\n      target: web\n"},
        build=("--target", "test"),
    ),
    Case(
        "onbuild-parent",
        "FROM debian:bookworm-slim AS parent\nWORKDIR /app\nONBUILD COPY . /app\nONBUILD RUN mkdir /app/data\n\nFROM parent\n"
        'ENV STATE=/app/data/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, "breaks", told="ONBUILD", files=WEB,
    ),
    Case(
        "back-to-root",
        "FROM debian:bookworm-slim\nRUN useradd --uid 1000 --create-home app\nUSER app\nWORKDIR /home/app\nCOPY --chown=app server.pl .\nUSER root\n"
        'EXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        HELLO, files=WEB, uid="1000",
    ),
    Case(
        "useradd-without-uid-and-no-user",
        "FROM debian:bookworm-slim\nRUN groupadd -r app && useradd -r -g app app\nWORKDIR /app\nCOPY . .\nENV STATE=/app/state.txt\n"
        'EXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, "review", files=WEB,
    ),
    Case(
        "useradd-with-uid-and-no-user",
        "FROM debian:bookworm-slim\nRUN useradd -u 1234 -m app\nWORKDIR /app\nCOPY . .\nENV STATE=/app/state.txt\nEXPOSE 8080\n"
        'CMD ["perl", "server.pl"]\n',
        KEPT, files=WEB, uid="1234",
    ),
    Case(
        "named-user",
        "FROM debian:bookworm-slim\nRUN useradd -u 1234 -m app\nWORKDIR /home/app\nCOPY --chown=app . .\nUSER app\nEXPOSE 8080\n"
        'CMD ["perl", "server.pl"]\n',
        HELLO, files=WEB, uid="1234", holds=("USER 1234",),
    ),
    Case(
        "named-user-without-number",
        "FROM debian:bookworm-slim\nRUN useradd -r app && mkdir /data && chown app /data\nWORKDIR /app\nCOPY . .\nUSER app\nENV STATE=/data/s\n"
        'EXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, "review", files=WEB, uid="10001",
    ),
    Case(
        "chowned-and-no-user",
        "FROM debian:bookworm-slim\nRUN adduser --disabled-password --gecos '' --uid 2000 web\nWORKDIR /app\nCOPY . .\nRUN chown -R web:web /app\n"
        'ENV STATE=/app/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files=WEB, uid="2000",
    ),
    Case(
        "number-taken",
        "FROM debian:bookworm-slim\nRUN groupadd -g 10001 app && useradd -u 10001 -g app one && useradd -u 10002 two\nWORKDIR /app\nCOPY . .\n"
        'ENV STATE=/app/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "workdir-root-home",
        'FROM debian:bookworm-slim\nWORKDIR /root\nCOPY . .\nENV STATE=state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, "review", files=WEB,
    ),
    Case(
        "home-is-used",
        'FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD ["bash", "run.sh"]\n',
        Exits("kept"), "review", files={"run.sh": "set -e\necho uid=$(id -u)\nmkdir -p ~/.cache/x\necho kept > ~/.cache/x/y\ncat ~/.cache/x/y\n"},
    ),
    Case(
        "home-is-set-to-root",
        'FROM debian:bookworm-slim\nENV HOME=/root\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD ["bash", "run.sh"]\n',
        Exits("kept"), "review", files={"run.sh": "set -e\necho uid=$(id -u)\nmkdir -p $HOME/.cache\necho kept > $HOME/.cache/y\ncat $HOME/.cache/y\n"},
    ),
    Case(
        "settings-in-root-home",
        'FROM debian:bookworm-slim\nCOPY settings /root/.settings\nWORKDIR /app\nCOPY run.sh .\nEXPOSE 8080\nCMD ["sh", "/app/run.sh"]\n',
        Exits("colour=blue"), "review",
        files={"settings": "colour=blue\n", "run.sh": "echo uid=$(id -u)\ncat ~/.settings\n"},
    ),
    Case(
        "port-80",
        'FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 80\nCMD ["perl", "server.pl", "80"]\n',
        Serves(80, "hello"), "review", files=WEB, told="port 80",
    ),
    Case(
        "healthcheck-behind-cmd",
        'FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD ["perl", "server.pl"]\nHEALTHCHECK --interval=1s CMD perl -e 1 || exit 1\n',
        HELLO, files=WEB,
    ),
    Case(
        "json-copy-with-spaces",
        'FROM debian:bookworm-slim\nWORKDIR "/my app"\nCOPY ["my files/", "/my app/my files/"]\nEXPOSE 8080\nENV STATE="/my app/my files/s"\n'
        'CMD ["perl", "my files/server.pl"]\n',
        KEPT, files={"my files/server.pl": SERVER},
    ),
    Case(
        "crlf",
        'FROM debian:bookworm-slim\r\nWORKDIR /app\r\nCOPY . .\r\nRUN mkdir -p data \\\r\n    && touch data/x\r\nENV STATE=data/state.txt\r\nEXPOSE 8080\r\n'
        'CMD ["perl", "server.pl"]\r\n',
        KEPT, files=WEB,
    ),
    Case(
        "no-final-newline",
        'FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nENTRYPOINT ["perl"]\nCMD ["server.pl"]', HELLO, files=WEB,
    ),
    Case(
        "comments-in-continuations",
        "FROM debian:bookworm-slim\nRUN set -e; \\\n    # the data\n    mkdir -p /data; \\\n\n    # more\n    mkdir -p /data/more; \\\n    true\n"
        'WORKDIR /app\nCOPY server.pl \\\n  # here\n  ./\nENV STATE=/data/more/s\nEXPOSE 8080\n# it starts here\nCMD ["perl", \\\n  "server.pl"]\n',
        KEPT, files=WEB,
    ),
    Case(
        "add-archive",
        'FROM debian:bookworm-slim\nWORKDIR /opt/web\nADD web.tar.gz /opt/web/\nENV STATE=data/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files={"web.tar.gz": archive(**{"server.pl": SERVER, "data/state.txt": "x"})},
    ),
    Case(
        "copied-from-stage-into-usr-local",
        "FROM debian:bookworm AS build\nCOPY app /out/bin/app\nRUN mkdir -p /out/share/app && echo colour=blue > /out/share/app/conf && chmod -R go-rwx /out\n"
        'FROM debian:bookworm-slim\nCOPY --from=build /out /usr/local\nWORKDIR /work\nEXPOSE 8080\nCMD ["app", "uid", "read", "/usr/local/share/app/conf"]\n',
        Exits("colour=blue"), "breaks", told="chmod go-rwx of line 3 keeps others out", files={"app": APP}, modes={"app": 0o700},
    ),
    Case(
        "archive-unpacked-in-workdir",
        "FROM debian:bookworm-slim\nWORKDIR /opt/web\nCOPY web.tar.gz /tmp/\nRUN tar xzf /tmp/web.tar.gz && rm /tmp/web.tar.gz\n"
        'ENV STATE=data/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files=ARCHIVE, holds=("rm /tmp/web.tar.gz && chown -R 10001:10001 /opt/web\n",), lacks=("chown 10001:10001 /opt/web",),
    ),
    Case(
        "archive-with-the-workdir-in-it",
        "FROM debian:bookworm-slim\nCOPY web.tar.gz /tmp/\nRUN set -ex; \\\n    mkdir /tmp/x; \\\n    tar xzf /tmp/web.tar.gz -C /tmp/x; \\\n"
        "    mv /tmp/x /opt/web; \\\n    chmod 755 /opt/web\nWORKDIR /opt/web\nENV STATE=data/state.txt\nEXPOSE 8080\nCMD [\"perl\", \"server.pl\"]\n",
        KEPT, files=ARCHIVE, holds=("chmod 755 /opt/web; \\\n    chown -R 10001:10001 /opt/web\n",),
    ),
    Case(
        "archive-unpacked-above-the-workdir",
        "FROM debian:bookworm-slim\nCOPY web.tar.gz /tmp/\nRUN tar xzf /tmp/web.tar.gz -C /opt\nWORKDIR /opt/shop\n"
        'ENV STATE=data/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files={"web.tar.gz": archive(**{"shop/server.pl": SERVER, "shop/data/state.txt": "x"})},
        holds=("-C /opt && mkdir -p /opt/shop && chown -R 10001:10001 /opt/shop\n",),
    ),
    Case(
        "tree-copied-by-a-step",
        "FROM debian:bookworm-slim\nCOPY seed /usr/share/web/\nWORKDIR /opt/web\nRUN cp -r /usr/share/web/. . && \\\n    mv data var\n"
        'ENV STATE=var/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, files={"seed/server.pl": SERVER, "seed/data/state.txt": "x"}, holds=("mv data var && \\\n    chown -R 10001:10001 /opt/web\n",),
    ),
    Case(
        "archive-unpacked-by-a-list-of-words",
        "FROM debian:bookworm-slim\nWORKDIR /opt/web\nCOPY web.tar.gz /tmp/\nRUN [\"tar\", \"xzf\", \"/tmp/web.tar.gz\"]\n"
        'ENV STATE=data/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, "breaks", files=ARCHIVE, told="what tar of line 4 brings in /opt/web stays with root",
    ),
    Case(
        "unpacked-beside-a-mount",
        "FROM debian:bookworm-slim\nWORKDIR /opt/web\nRUN --mount=type=bind,source=web.tar.gz,target=web.tar.gz tar xzf web.tar.gz\n"
        'EXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        HELLO, "review", files=ARCHIVE, told="what tar of line 3 brings in /opt/web stays with root",
    ),
    Case(
        "unpacked-from-a-mount-elsewhere",
        "FROM debian:bookworm-slim\nWORKDIR /opt/web\nRUN --mount=type=bind,source=web.tar.gz,target=/tmp/web.tar.gz if [ -f /tmp/web.tar.gz ]; then tar xzf /tmp/web.tar.gz; fi\n"
        'ENV STATE=data/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]',
        KEPT, files=ARCHIVE, holds=("fi && chown -R 10001:10001 /opt/web\n",),
    ),
    Case(
        "unpacked-and-removed-by-pattern",
        "FROM debian:bookworm-slim\nWORKDIR /opt/web\nCOPY web.tar.gz /tmp/\nRUN cp /tmp/web.tar.gz . && mkdir x && tar xzf web.tar.gz -C x && rm -rf *.gz x*\n"
        'COPY server.pl .\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        HELLO, files={**WEB, **ARCHIVE}, lacks=("rm -rf *.gz x* &&",),
    ),
    Case(
        "last-step-fills-and-the-file-ends",
        'FROM debian:bookworm-slim\nCMD ["perl", "/opt/web/server.pl"]\nENV STATE=/opt/web/data/state.txt\nEXPOSE 8080\nCOPY web.tar.gz /tmp/\nWORKDIR /opt/web\nRUN tar xzf /tmp/web.tar.gz',
        KEPT, files=ARCHIVE, holds=("RUN tar xzf /tmp/web.tar.gz && chown -R 10001:10001 /opt/web\nRUN ",),
    ),
    Case(
        "unknown-tool-in-workdir",
        "FROM debian:bookworm-slim\nCOPY generate /usr/local/bin/generate\nWORKDIR /opt/web\nCOPY server.pl .\nRUN generate\n"
        'ENV STATE=data/state.txt\nEXPOSE 8080\nCMD ["perl", "server.pl"]\n',
        KEPT, "breaks", files={**WEB, "generate": "#!/bin/sh\nmkdir data\n"}, told="what generate of line 5 leaves in /opt/web is not known",
    ),
    Case(
        "only-a-command",
        'FROM debian:bookworm-slim\nWORKDIR /work\nCMD ["sh", "-c", "echo uid=$(id -u); echo x > result && cat result"]\n', Exits("x"), "review",
    ),
    Case(
        "no-command-but-args",
        "FROM debian:bookworm-slim\nWORKDIR /work\nCOPY . .\n", Exits("x"), "review",
        args=("sh", "-c", "echo uid=$(id -u); echo x > result && cat result"),
    ),
    Case(
        "links-for-logs",
        "FROM debian:bookworm-slim\nRUN mkdir -p /var/log/web && ln -sf /dev/stdout /var/log/web/access.log\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\n"
        'CMD ["sh", "-c", "echo started > /var/log/web/access.log; exec perl server.pl"]\n',
        HELLO, "review", files=WEB,
    ),
    Case(
        "read-config-from-etc-and-write-lib",
        "FROM debian:bookworm-slim\nRUN mkdir -p /etc/web /var/lib/web /var/cache/web && echo /var/lib/web/s > /etc/web/conf\nWORKDIR /app\nCOPY . .\n"
        'EXPOSE 8080\nCMD ["sh", "-c", "echo x > /var/cache/web/x && STATE=$(cat /etc/web/conf) exec perl server.pl"]\n',
        KEPT, "review", files=WEB,
    ),
    Case(
        "pid-file-in-run",
        'FROM debian:bookworm-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nCMD ["sh", "-c", "echo $$ > /run/web.pid && exec perl server.pl"]\n',
        HELLO, "refused:root-script", files=WEB,
    ),
    Case(
        "cron",
        'FROM debian:bookworm-slim\nCOPY cron /usr/sbin/cron\nCMD ["cron", "-f"]\n', Stays(), "refused:cron",
        files={"cron": "#!/bin/sh\nexec sleep 1000\n"},
    ),
    Case(
        "sshd",
        "FROM debian:bookworm-slim\nCOPY sshd /usr/sbin/sshd\nRUN mkdir /var/run/sshd\nEXPOSE 22\nCMD [\"/usr/sbin/sshd\", \"-D\"]\n", Stays(),
        "refused:login-daemon", files={"sshd": "#!/bin/sh\nexec sleep 1000\n"},
    ),
    Case(
        "supervisord",
        "FROM debian:bookworm-slim\nCOPY supervisord /usr/bin/supervisord\nCMD /usr/bin/supervisord -n\n", Stays(),
        "refused:init-system", files={"supervisord": "#!/bin/sh\nexec sleep 1000\n"},
    ),
    Case(
        "entry-script-steps-down",
        "FROM debian:bookworm-slim\nRUN useradd -u 1000 app\nCOPY gosu /usr/local/bin/gosu\nCOPY entrypoint.sh /\nENTRYPOINT [\"/entrypoint.sh\"]\nCMD [\"sleep\", \"1000\"]\n",
        Stays(), "refused:steps-down",
        files={"gosu": "#!/bin/sh\nshift\nexec \"$@\"\n", "entrypoint.sh": "#!/bin/sh\nchown -R app /srv\nexec gosu app \"$@\"\n"},
    ),
    Case(
        "entry-script-chowns",
        "FROM debian:bookworm-slim\nRUN useradd -u 1000 app\nCOPY entrypoint.sh /\nENTRYPOINT [\"/entrypoint.sh\"]\nCMD [\"sleep\", \"1000\"]\n",
        Stays(), "refused:root-script", files={"entrypoint.sh": "#!/bin/sh\nchown -R app /srv\nexec \"$@\"\n"},
    ),
    Case(
        "already-done",
        "FROM debian:bookworm-slim\nRUN useradd -u 1000 app\nWORKDIR /app\nCOPY --chown=1000:1000 . .\nUSER 1000:1000\nEXPOSE 8080\nCMD [\"perl\", \"server.pl\"]\n",
        HELLO, "clean", files=WEB,
    ),
)  # fmt: skip
