"""What shell text means: accounts by each tool's grammar, files, packages, and what needs root."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dockerfile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer.syntax.shell import commands
from fixer.understand.shellfacts import facts, needs_root, ports, script_signs

# name, uid, gid, group, system, home, own_group
USERS = {
    "useradd": ("useradd app", "useradd", ("app", None, None, "", False, None, True)),
    "useradd-cluster": ("useradd -rm app", "useradd", ("app", None, None, "", True, None, True)),
    "useradd-cluster-value": ("useradd -ms /bin/bash app", "useradd", ("app", None, None, "", False, None, True)),
    "useradd-attached": ("useradd -u1000 app", "useradd", ("app", 1000, None, "", False, None, True)),
    "useradd-behind": ("useradd app -u 1000", "useradd", ("app", 1000, None, "", False, None, True)),
    "useradd-long": (
        "useradd --system --uid=10001 --gid 10001 --no-create-home --home-dir /nonexistent app",
        "useradd",
        ("app", 10001, 10001, "", True, "/nonexistent", False),
    ),
    "useradd-short-form-of-long": (
        "useradd --home /d --no-create app", "useradd", ("app", None, None, "", False, "/d", True),
    ),
    "useradd-group-name": ("useradd -g staff app", "useradd", ("app", None, None, "staff", False, None, False)),
    "useradd-both-groups": ("useradd -r -g a -G b,c app", "useradd", ("app", None, None, "a", True, None, False)),
    "useradd-no-group": ("useradd -N app", "useradd", ("app", None, None, "", False, None, False)),
    "useradd-user-group": ("useradd -U -u 5 app", "useradd", ("app", 5, None, "", False, None, True)),
    "useradd-comment": ('useradd -c "a b" -M app', "useradd", ("app", None, None, "", False, None, True)),
    "useradd-path": ("/usr/sbin/useradd app", "useradd", ("app", None, None, "", False, None, True)),
    "useradd-log": ("useradd -l -u 1234567 app", "useradd", ("app", 1234567, None, "", False, None, True)),
    "useradd-skel-date": (
        "useradd -k /s -e 2030-01-01 -f 5 -K UID_MIN=100 app",
        "useradd", ("app", None, None, "", False, None, True),
    ),
    "useradd-dashes": ("useradd -m -- app", "useradd", ("app", None, None, "", False, None, True)),
    "busybox": ("adduser -D app", "adduser", ("app", None, None, "", False, None, True)),
    "busybox-uid": ("adduser -D -u 1000 app", "adduser", ("app", 1000, None, "", False, None, True)),
    "busybox-uid-behind": ("adduser -D app -u 1000", "adduser", ("app", 1000, None, "", False, None, True)),
    "busybox-system": ("adduser -S app", "adduser", ("app", None, None, "nogroup", True, None, False)),
    "busybox-group": ("adduser -S -G app app", "adduser", ("app", None, None, "app", True, None, False)),
    "busybox-cluster": ("adduser -u 666 -SHG g app", "adduser", ("app", 666, None, "g", True, None, False)),
    "busybox-gecos": (
        "adduser -SDH -h /d -s /sbin/nologin -g gecos -G g app",
        "adduser", ("app", None, None, "g", True, "/d", False),
    ),
    "busybox-long": (
        "apk add x && adduser --disabled-password --no-create-home --uid 5 --ingroup g app",
        "adduser", ("app", 5, None, "g", False, None, False),
    ),
    "debian": (
        'adduser --disabled-password --gecos "" app', "deb-adduser", ("app", None, None, "", False, None, True),
    ),
    "debian-gecos-equals": (
        "adduser --disabled-password --gecos='' --uid 1000 app",
        "deb-adduser", ("app", 1000, None, "", False, None, True),
    ),
    "debian-system": ("adduser --system app", "deb-adduser", ("app", None, None, "nogroup", True, None, False)),
    "debian-system-group": (
        "adduser --system --group --no-create-home app",
        "deb-adduser", ("app", None, None, "", True, None, True),
    ),
    "debian-ingroup": (
        "adduser --quiet --system --ingroup g --home /d --shell /bin/false app",
        "deb-adduser", ("app", None, None, "g", True, "/d", False),
    ),
    "debian-gid": ("adduser --uid 5 --gid 6 app", "deb-adduser", ("app", 5, 6, "", False, None, False)),
    "redhat": (
        "adduser -r -g app -d /d -m app", "useradd", ("app", None, None, "app", True, "/d", False),
    ),
    "redhat-by-manager": (
        "yum install -y x && adduser -u 5 -g 0 app", "useradd", ("app", 5, 0, "", False, None, False),
    ),
    "sudo": ("sudo useradd -u 7 app", "useradd", ("app", 7, None, "", False, None, True)),
    "quoted-script": ("bash -c 'useradd -u 7 app'", "useradd", ("app", 7, None, "", False, None, True)),
    "env": ("useradd -u $APP_UID app", "useradd", ("app", 4242, None, "", False, None, True)),
    "env-braces": ('useradd -u "${APP_UID}" app', "useradd", ("app", 4242, None, "", False, None, True)),
    "env-name": ("useradd $APP_USER", "useradd", ("web", None, None, "", False, None, True)),
    "env-default": ("useradd -u ${NO_ID:-1000} app", "useradd", ("app", 1000, None, "", False, None, True)),
    "env-unknown": ("useradd -u ${NO_ID} app", "useradd", ("app", None, None, "", False, None, True)),
    "own-variable": ("ID=77 && useradd -u $ID app", "useradd", ("app", 77, None, "", False, None, True)),
    "own-variable-twice": ("APP_UID=1; APP_UID=2; useradd -u $APP_UID a",
        "useradd",
        ("a", None, None, "", False, None, True)),
    "own-variable-command": ("APP_UID=$(id -u); useradd -u $APP_UID a",
        "useradd",
        ("a", None, None, "", False, None, True)),
    "passwd-line": (
        'echo "app:x:1000:1001::/home/app:/bin/sh" >> /etc/passwd',
        "passwd-file", ("app", 1000, 1001, "", False, "/home/app", False),
    ),
    "passwd-tee": (
        "echo 'app:*:5:6:A b:/:/bin/false' | tee -a /etc/passwd",
        "passwd-file", ("app", 5, 6, "", False, "/", False),
    ),
    "passwd-heredoc": (
        "cat <<EOF >> /etc/passwd\napp:x:5:6::/d:/bin/sh\nEOF\n",
        "passwd-file", ("app", 5, 6, "", False, "/d", False),
    ),
}  # fmt: skip
ENV = {"APP_UID": "4242", "APP_USER": "web"}


@pytest.mark.parametrize(("text", "tool", "fields"), USERS.values(), ids=USERS)
def test_user(text, tool, fields):
    (user,) = facts(text, env=ENV).users
    assert user.tool == tool
    found = (user.name, user.uid, user.gid, user.group, user.system, user.home, user.own_group)
    assert found == fields
    assert user.unknown_options == ()
    assert user.bad_options == ()


def test_a_name_that_is_not_known():
    (user,) = facts('useradd "$NAME"').users
    assert (user.name, user.name_literal) == ("$NAME", False)
    (user,) = facts("useradd $NAME", expand=lambda text: "app" if text == "$NAME" else None).users
    assert (user.name, user.name_literal) == ("app", True)


def test_words_of_a_user_have_their_places():
    text = "groupadd -g 5 g && useradd --uid=1000 -g5 app"
    (user,) = facts(text).users
    for word, raw in ((user.uid_word, "1000"), (user.gid_word, "5")):
        assert word is not None
        assert text[word.start : word.end] == word.raw == raw


WRONG = {
    "unicode-dash": ("useradd \u2013m app", "", [], ["\u2013m"]),
    "minus-sign": ("useradd \u2212r -u 5 app", "", [], ["\u2212r"]),
    "em-dash": ("adduser \u2014system app", "debian", [], ["\u2014system"]),
    "busybox-r": ("adduser -r app", "busybox", ["-r"], []),
    "busybox-m": ("adduser -m app", "busybox", ["-m"], []),
    "busybox-gid": ("adduser --gid 5 app", "busybox", ["--gid"], []),
    "busybox-fine": ("adduser --uid 5 --no-create-home app", "busybox", [], []),
    "debian-D": ("adduser -D app", "debian", ["-D"], []),
    "debian-S": ("adduser -S -H app", "debian", ["-S", "-H"], []),
    "debian-fine": ("adduser --gecos , --disabled-login app", "debian", [], []),
    "useradd-disabled": ("useradd --disabled-password app", "", ["--disabled-password"], []),
    "useradd-D-fine": ("useradd -D app", "", [], []),
}


@pytest.mark.parametrize(("text", "family", "unknown", "bad"), WRONG.values(), ids=WRONG)
def test_options_that_the_tool_does_not_have(text, family, unknown, bad):
    (user,) = facts(text, family=family).users
    assert [word.raw for word in user.unknown_options] == unknown
    assert [word.raw for word in user.bad_options] == bad


GROUPS = {
    "groupadd": ("groupadd app", "groupadd", "app", None, False),
    "groupadd-gid": ("groupadd -r -g 999 app", "groupadd", "app", 999, True),
    "groupadd-behind": ("groupadd -r app --gid=999", "groupadd", "app", 999, True),
    "groupadd-attached": ("groupadd -g999 app", "groupadd", "app", 999, False),
    "busybox": ("addgroup -S app", "addgroup", "app", None, True),
    "busybox-gid": ("addgroup -g 1000 -S app", "addgroup", "app", 1000, True),
    "debian": ("addgroup --system --gid 5 app", "deb-addgroup", "app", 5, True),
    "debian-adduser": ("adduser --group app", "deb-addgroup", "app", None, False),
    "line": ("echo 'app:x:5:' >> /etc/group", "passwd-file", "app", 5, False),
    "env": ("groupadd -g ${G:-70} app", "groupadd", "app", 70, False),
}


@pytest.mark.parametrize(("text", "tool", "name", "gid", "system"), GROUPS.values(), ids=GROUPS)
def test_group(text, tool, name, gid, system):
    found = facts(text)
    (group,) = found.groups
    assert (group.tool, group.name, group.gid, group.system) == (tool, name, gid, system)
    assert found.users == ()


MODS = {
    "join": ("adduser app docker", ("adduser", "app", None, None, ("docker",), False)),
    "join-busybox": ("addgroup app docker", ("addgroup", "app", None, None, ("docker",), False)),
    "usermod": ("usermod -aG a,b app", ("usermod", "app", None, None, ("a", "b"), False)),
    "usermod-uid": ("usermod -o -u 5 -g 6 app", ("usermod", "app", 5, 6, (), False)),
    "groupmod": ("groupmod -g 6 app", ("groupmod", "app", None, 6, (), False)),
    "userdel": ("userdel -r ubuntu", ("userdel", "ubuntu", None, None, (), True)),
    "deluser": ("deluser --remove-home node", ("deluser", "node", None, None, (), True)),
    "deluser-group": ("deluser app g", ("deluser", "app", None, None, ("g",), False)),
    "gpasswd": ("gpasswd -a app audio", ("gpasswd", "app", None, None, ("audio",), False)),
    "passwd": ("passwd -u git", ("passwd", "git", None, None, (), False)),
    "chpasswd": ("echo a:b | chpasswd", ("chpasswd", "", None, None, (), False)),
}


@pytest.mark.parametrize(("text", "fields"), MODS.values(), ids=MODS)
def test_user_mod(text, fields):
    (mod,) = facts(text).user_mods
    assert (mod.tool, mod.name, mod.uid, mod.gid, mod.supplementary, mod.removed) == fields
    assert facts(text).users == ()


CHOWNS = {
    "pair": ("chown -R app:grp /a /b", ("app", "grp", ("/a", "/b"), True)),
    "user": ("chown app /a", ("app", "", ("/a",), False)),
    "number": ("chown 1000:0 /a", ("1000", "0", ("/a",), False)),
    "login-group": ("chown app: /a", ("app", "", ("/a",), False)),
    "only-group": ("chown :grp /a", ("", "grp", ("/a",), False)),
    "dot": ("chown app.grp /a", ("app", "grp", ("/a",), False)),
    "behind": ("chown app:grp /a -R", ("app", "grp", ("/a",), True)),
    "cluster": ("chown -vhR app /a", ("app", "", ("/a",), True)),
    "long": ("chown --recursive --from=root app /a", ("app", "", ("/a",), True)),
    "env": ('chown "$APP_USER:$APP_USER" $HOME/x', ("web", "web", ("$HOME/x",), False)),
    "substitution": ("chown $(id -u) /a", ("$(id -u)", "", ("/a",), False)),
    "chgrp": ("chgrp -R 0 /a", ("", "0", ("/a",), True)),
    "reference": ("chown --reference=/a /b", ("", "", ("/b",), False)),
    "find": ("find /a -exec chown app {} +", ("app", "", ("{}",), False)),
    "install": ("install -d -m 755 -o app -g grp /a", ("app", "grp", ("/a",), False)),
}


@pytest.mark.parametrize(("text", "fields"), CHOWNS.values(), ids=CHOWNS)
def test_chown(text, fields):
    (chown,) = facts(text, env=ENV).chowns
    assert (chown.owner, chown.group, chown.paths, chown.recursive) == fields


CHMODS = {
    "number": ("chmod 755 /a /b", ("755", ("/a", "/b"), False)),
    "recursive": ("chmod -R g=u /a", ("g=u", ("/a",), True)),
    "minus": ("chmod -x /a", ("-x", ("/a",), False)),
    "minus-recursive": ("chmod -R -w /a", ("-w", ("/a",), True)),
    "plus": ("chmod +x a", ("+x", ("a",), False)),
    "behind": ("chmod 777 /a -R", ("777", ("/a",), True)),
}


@pytest.mark.parametrize(("text", "fields"), CHMODS.values(), ids=CHMODS)
def test_chmod(text, fields):
    (chmod,) = facts(text).chmods
    assert (chmod.mode, chmod.paths, chmod.recursive) == fields


def test_files():
    found = facts("mkdir -p -m 0755 /a b && touch /c && rm -rf /d && cp x /e && echo y > /f && y | tee -a /g /h")
    assert [(m.paths, m.mode, m.parents) for m in found.mkdirs] == [(("/a", "b"), "0755", True)]
    assert [t.paths for t in found.touches] == [("/c",)]
    assert [r.paths for r in found.removes] == [("/d",)]
    assert [(w.path, w.how) for w in found.writes] == [("/e", "cp"), ("/f", "redirect"), ("/g", "tee"), ("/h", "tee")]
    assert [m.paths for m in facts("install -d /a /b").mkdirs] == [("/a", "/b")]
    assert [m.command.cwd for m in facts("cd /x && mkdir y").mkdirs] == ["/x"]


INSTALLS = {
    "apt-get": ("apt-get update && apt-get install -y --no-install-recommends a b=1", [("apt-get", ("a", "b=1"))]),
    "apt-get-options-first": ("apt-get -qq -y install a", [("apt-get", ("a",))]),
    "apt-get-option-value": ("apt-get -o x=y install -t stable a", [("apt-get", ("a",))]),
    "apk": ("apk add --no-cache --virtual .deps a b", [("apk", ("a", "b"))]),
    "apk-repository": ("apk add -X http://x -t .d a", [("apk", ("a",))]),
    "apk-info": ("apk info a", []),
    "yum": ("yum install -y a && yum clean all", [("yum", ("a",))]),
    "dnf": ("dnf -q -y --setopt=x=y install a", [("dnf", ("a",))]),
    "microdnf": ("microdnf install a", [("microdnf", ("a",))]),
    "zypper": ("zypper -n in a", [("zypper", ("a",))]),
    "pacman": ("pacman -Syu --noconfirm a", [("pacman", ("a",))]),
    "pacman-query": ("pacman -Qi a", []),
    "dpkg": ("dpkg -i a.deb", [("dpkg", ("a.deb",))]),
    "dpkg-query": ("dpkg --print-architecture; dpkg -l a", []),
    "rpm": ("rpm -Uvh a.rpm", [("rpm", ("a.rpm",))]),
    "rpm-query": ("rpm -qi a", []),
    "sudo": ("sudo apt-get install a", [("apt-get", ("a",))]),
}


@pytest.mark.parametrize(("text", "found"), INSTALLS.values(), ids=INSTALLS)
def test_install(text, found):
    assert [(i.manager, i.packages) for i in facts(text).installs] == found


def test_capabilities_and_sudo():
    found = facts("setcap 'cap_net_bind_service=+ep' /usr/bin/node && sudo -n ls")
    assert [(c.caps, c.path) for c in found.setcaps] == [("cap_net_bind_service=+ep", "/usr/bin/node")]
    assert [command.name for command in found.sudo] == ["ls"]


STEPS = {
    "gosu": ("exec gosu app server", [("gosu", "app")]),
    "gosu-numbers": ("gosu 1000:1000 server", [("gosu", "1000:1000")]),
    "gosu-version": ("gosu --version", []),
    "gosu-root": ("gosu root true", []),
    "su-exec": ('exec su-exec "$USER_ID" server', [("su-exec", "$USER_ID")]),
    "su": ("su - app -c 'a'", [("su", "app")]),
    "su-command-first": ('su -c "a" app', [("su", "app")]),
    "su-shell": ("su -s /bin/sh -c a app", [("su", "app")]),
    "su-root": ("su -c a", []),
    "runuser": ("runuser -u app -- a", [("runuser", "app")]),
    "setpriv": ("setpriv --reuid=1000 --regid=1000 --init-groups a", [("setpriv", "1000")]),
    "setpriv-blank": ("setpriv --reuid app a", [("setpriv", "app")]),
    "setpriv-none": ("setpriv --no-new-privs a", []),
    "s6": ("s6-setuidgid app a", [("s6-setuidgid", "app")]),
    "chpst": ("chpst -u app:grp a", [("chpst", "app:grp")]),
    "chroot": ("chroot --userspec=app / a", [("chroot", "app")]),
    "start-stop-daemon": ("start-stop-daemon --start --chuid app --exec a", [("start-stop-daemon", "app")]),
    "sudo": ("sudo -E -u app a", [("sudo", "app")]),
    "sudo-cluster": ("sudo -Hu app a", [("sudo", "app")]),
    "sudo-root": ("sudo a", []),
}


@pytest.mark.parametrize(("text", "found"), STEPS.values(), ids=STEPS)
def test_step_down(text, found):
    assert [(step.tool, step.user) for step in facts(text).step_downs] == found


SERVICES = {
    "sshd": ("/usr/sbin/sshd -D", ["sshd"]),
    "sshd-version": ("sshd -V", []),
    "cron": ("cron && tail -f /x", ["cron"]),
    "supervisord": ("exec supervisord -c /etc/s.conf", ["supervisord"]),
    "init": ("/sbin/init", ["init"]),
    "own-init": ("./init", []),
    "overlay": ("/init", ["s6-overlay"]),
    "service": ("service mysql start", ["mysql"]),
    "service-status": ("service mysql status", []),
    "systemctl": ("systemctl enable nginx", ["nginx"]),
    "init-d": ("/etc/init.d/ssh restart", ["ssh"]),
    "none": ("nginx -g 'daemon off;'", []),
}


@pytest.mark.parametrize(("text", "found"), SERVICES.values(), ids=SERVICES)
def test_service(text, found):
    assert [service.name for service in facts(text).services] == found


NEEDS = {
    "apt-get": ("apt-get install x", True),
    "apt-get-quiet": ("apt-get -q update", True),
    "apt-cache": ("apt-cache show x", None),
    "apt-list": ("apt list", None),
    "apk-info": ("apk info", None),
    "dpkg-arch": ("dpkg --print-architecture", None),
    "rpm-import": ("rpm --import http://x", True),
    "useradd": ("useradd x", True),
    "chown": ("chown a b", True),
    "chgrp": ("chgrp a b", False),
    "setcap": ("setcap a b", True),
    "mkdir-usr": ("mkdir -p /usr/src/app", True),
    "mkdir-root": ("mkdir /work", True),
    "mkdir-opt": ("mkdir /opt/x", False),
    "mkdir-tmp": ("mkdir /tmp/x", None),
    "mkdir-relative": ("mkdir x", None),
    "mkdir-cd": ("cd /etc && mkdir x", True),
    "mkdir-variable": ("mkdir $X", None),
    "mkdir-deep": ("mkdir /work/x", None),
    "redirect": ("echo x > /etc/x", True),
    "redirect-null": ("echo x > /dev/null", None),
    "tee": ("tee /etc/x", True),
    "cp": ("cp a /usr/local/bin/", True),
    "cp-from": ("cp /etc/a b", None),
    "cp-target": ("cp -t /usr/bin a", True),
    "mv-from": ("mv /etc/a b", True),
    "ln": ("ln -s /usr/a b", None),
    "ln-to": ("ln -s a /usr/b", True),
    "install": ("install -m 755 a /usr/bin/a", True),
    "tar": ("tar -xzf a -C /usr/local", True),
    "tar-long": ("tar x --directory=/opt", False),
    "tar-here": ("tar xzf a", None),
    "curl": ("curl -fsSLo /usr/bin/x http://x", True),
    "curl-tmp": ("curl -o /tmp/x http://x", None),
    "wget": ("wget -qO /usr/bin/x http://x", True),
    "wget-out": ("wget -O- http://x", None),
    "unzip": ("unzip x -d /opt/y", False),
    "sed-i": ("sed -i 's/a/b/' /etc/x", True),
    "sed": ("sed 's/a/b/' /etc/x", None),
    "rm": ("rm -rf /var/lib/apt/lists/*", False),
    "chmod": ("chmod +x /usr/bin/x", True),
    "ldconfig": ("ldconfig", True),
    "certificates": ("update-ca-certificates", True),
    "locale-gen": ("locale-gen", True),
    "pip": ("pip install x", False),
    "pip-user": ("pip install --user x", None),
    "pip-venv": ("/venv/bin/pip install x", None),
    "pip-module": ("python -m pip install x", False),
    "pip-list": ("pip list", None),
    "npm-g": ("npm install -g x", True),
    "npm": ("npm ci", None),
    "yarn-global": ("yarn global add x", True),
    "gem": ("gem install x", False),
    "make-install": ("make install", True),
    "make-destdir": ("make DESTDIR=/x install", None),
    "make": ("make all", None),
    "a2enmod": ("a2enmod x", True),
    "service": ("service x start", True),
    "sysctl": ("sysctl -w a=1", True),
    "sysctl-read": ("sysctl -n a", None),
    "mount": ("mount /x", True),
    "gosu": ("gosu app x", True),
    "version": ("chown --version", None),
    "php": ("docker-php-ext-install pdo", True),
    "echo": ("echo chown", None),
    "go": ("go build ./...", None),
}


@pytest.mark.parametrize(("text", "certain"), NEEDS.values(), ids=NEEDS)
def test_needs_root(text, certain):
    need = needs_root(commands(text)[-1])
    assert (need.certain if need else None) is certain
    assert need is None or need.reason


def test_needs_root_with_a_working_directory():
    command = commands("mkdir x")[0]
    assert needs_root(command, "/etc") is not None
    assert needs_root(command, "/tmp") is None


PORTS = {
    "long": ("server --port 80", [80]),
    "long-equals": ("server --port=80", [80]),
    "go-style": ("server -port 80 -listen=:443", [80, 443]),
    "address": ("server --addr :80", [80]),
    "any-host": ("server --bind 0.0.0.0:80", [80]),
    "ipv6": ("server --listen [::]:80", [80]),
    "url": ("dotnet app.dll --urls http://+:80", [80]),
    "java-option": ("java -Dserver.port=80 -jar x", [80]),
    "spring": ("java -jar x --server.port=80", [80]),
    "gunicorn": ("gunicorn -w 4 -b :80 app:app", [80]),
    "gunicorn-attached": ("gunicorn -b0.0.0.0:80 app:app", [80]),
    "gunicorn-pid": ("gunicorn -p 80 app", []),
    "uvicorn": ("uvicorn main:app --host 0.0.0.0 --port 80", [80]),
    "python-uvicorn": ("python -m uvicorn main:app --port 80", [80]),
    "flask": ("flask run -h 0.0.0.0 -p 80", [80]),
    "runserver": ("python manage.py runserver 0.0.0.0:80", [80]),
    "runserver-port": ("python manage.py runserver 80", [80]),
    "http-server": ("python3 -m http.server 80", [80]),
    "npx": ("npx http-server -p 80", [80]),
    "serve": ("serve -s build -l 80", [80]),
    "serve-tcp": ("serve -l tcp://0.0.0.0:80", [80]),
    "php": ("php -S 0.0.0.0:80 -t public", [80]),
    "artisan": ("php artisan serve --host=0.0.0.0 --port=80", [80]),
    "rails": ("bundle exec rails server -b 0.0.0.0 -p 80", [80]),
    "puma": ("puma -b tcp://0.0.0.0:80", [80]),
    "uwsgi": ("uwsgi --http :80 --module x", [80]),
    "variable": ("PORT=80 node server.js", [80]),
    "env": ("env PORT=80 node server.js", [80]),
    "urls-variable": ("ASPNETCORE_URLS=http://+:80 dotnet x.dll", [80]),
    "tini": ("tini -- server --port 80", [80]),
    "streamlit": ("streamlit run a.py --server.port=80", [80]),
    "prometheus": ("prometheus --web.listen-address=:90", [90]),
    "minio": ("minio server /d --address :90 --console-address :91", [90, 91]),
    "traefik": ("traefik --entrypoints.web.address=:80", [80]),
    "nc-listen": ("nc -lk -p 80", [80]),
    "nc-client": ("nc db 80", []),
    "socat": ("socat TCP-LISTEN:80,fork TCP:db:81", [80]),
    "curl": ("curl http://localhost:80 --port 80", []),
    "psql": ("psql --port 80", []),
    "other-host": ("server --host db:80", []),
    "remote": ("server --address db:80", []),
    "db-port": ("server --db-port 80", []),
    "unknown-short": ("server -p 80", []),
    "too-big": ("server --port 80000", []),
    "no-number": ("server --port $PORT", []),
    "workers": ("gunicorn --workers 80 app", []),
    "time": ("server --timeout 80", []),
    "empty": ("", []),
}


@pytest.mark.parametrize(("text", "numbers"), PORTS.values(), ids=PORTS)
def test_ports(text, numbers):
    words = text.split()
    found = ports(words)
    assert [port.port for port in found] == numbers
    for port in found:
        assert words[port.word][port.start : port.end] == str(port.port)


SCRIPT = """#!/bin/bash
set -e
if [ "$(id -u)" = "0" ]; then
    chown -R app /data
    exec gosu app "$0" "$@"
fi
usermod -o -u "$PUID" app
apt-get update
service cron start
sysctl -w net.core.somaxconn=1024
iptables -A INPUT
envsubst < /t > /etc/nginx/nginx.conf
sed -i 's/a/b/' /etc/hosts
echo x > /tmp/y
exec "$@"
"""


def test_signs_of_a_script():
    signs = [(sign.kind, sign.line, sign.guarded) for sign in script_signs(SCRIPT)]
    assert signs == [
        ("root-check", 3, False),
        ("chown", 4, True),
        ("steps-down", 5, True),
        ("usermod", 7, False),
        ("package-manager", 8, False),
        ("service", 9, False),
        ("kernel", 10, False),
        ("kernel", 11, False),
        ("writes", 12, False),
        ("writes", 13, False),
    ]


SIGNS = {
    "plain": ("#!/bin/sh\nexec server\n", []),
    "python": ("#!/usr/bin/env python\nimport os; os.chown\n", []),
    "euid": ("[[ $EUID -eq 0 ]] && chown a /b", ["root-check", "chown"]),
    "crlf": ("#!/bin/sh\r\nchown a /b\r\nexec su-exec a b\r\n", ["chown", "steps-down"]),
    "query": ("dpkg --print-architecture\nsysctl -n a", []),
    "supervisord": ("exec /usr/bin/supervisord -n", ["service"]),
    "su": ("exec su - app -c server", ["steps-down"]),
}


@pytest.mark.parametrize(("text", "kinds"), SIGNS.values(), ids=SIGNS)
def test_kinds_of_signs(text, kinds):
    assert [sign.kind for sign in script_signs(text)] == kinds


_PIECES = [
    "useradd", "adduser", "addgroup", "chown", "install", "setcap", "apk", "add", "tee", "/etc/passwd", ">>", "-u", "-",
    "--", "-r", "--uid=", "$X", "${Y:-z}", "$(a)", "\u2013m", "a:x:1:2::/:/b", "'", '"', "&&", "|", "sudo", "sh -c",
    "find", "-exec", "+", "gosu", "su", "=", "PORT=80", "--port", ":80", "nc", "-l", "env", "\n", "<<E", "E", "{", "}",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=14).map(" ".join) | st.text(max_size=40))
def test_any_text_has_facts(text):
    for family in ("busybox", "debian", "useradd"):
        facts(text, env={"X": "1"}, family=family)
    for command in facts(text).commands:
        needs_root(command)
        for port in ports(command.words):
            assert 0 < port.port < 65536
    script_signs(text)
    ports(text.split())


def test_corpus(corpus_dockerfiles: list[Path]):
    users = 0
    for path in corpus_dockerfiles:
        for text in run_texts(path):
            found = facts(text)
            users += len(found.users)
            assert all(user.name for user in found.users)
            assert not any(user.bad_options or user.unknown_options for user in found.users)
            for command in found.commands:
                needs_root(command)
    assert users > 50


def run_texts(path: Path) -> Iterator[str]:
    try:
        items = dockerfile.parse_string(path.read_text("utf-8", "surrogateescape"))
    except (dockerfile.GoParseError, UnicodeError):
        return
    for item in items:
        if item.cmd.upper() == "RUN" and not item.json and item.value:
            yield item.value[0]
