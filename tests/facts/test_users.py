"""The commands that make an account, for every family, and in real images."""

from __future__ import annotations

import subprocess

import pytest

from fixer.facts import NewUser, creation, families, family, lookup, style
from fixer.templates import read_template

APP = NewUser("app", 10001, 10001, "app")
HOME = APP._replace(home=True)
ZERO = NewUser("app", 10001, 0, "root")


def shadow(nologin):
    return (
        "groupadd --gid 10001 app",
        f"useradd --no-log-init --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell {nologin} app",
    )


def maybe(command):
    return f"{{ command -v useradd >/dev/null || {{ {command}; }}; }}"


BUSYBOX = ("addgroup -g 10001 app", "adduser -D -H -h /nonexistent -s /sbin/nologin -G app -u 10001 app")
EXPECTED = {
    "debian": shadow("/usr/sbin/nologin"),
    "ubuntu": shadow("/usr/sbin/nologin"),
    "alpine": BUSYBOX,
    "wolfi": BUSYBOX,
    "busybox": (BUSYBOX[0], BUSYBOX[1].replace("/sbin/nologin", "/bin/false")),
    "rhel": (maybe("yum install -y shadow-utils && yum clean all"), *shadow("/sbin/nologin")),
    "microdnf": ("microdnf install -y shadow-utils && microdnf clean all", *shadow("/sbin/nologin")),
    "ubi-micro": (
        "echo 'app:x:10001:' >> /etc/group",
        "echo 'app:x:10001:10001::/nonexistent:/sbin/nologin' >> /etc/passwd",
    ),
    "fedora": (maybe("dnf install -y shadow-utils && dnf clean all"), *shadow("/usr/sbin/nologin")),
    "amazon": ("yum install -y shadow-utils && yum clean all", *shadow("/sbin/nologin")),
    "suse": (
        maybe("zypper --non-interactive install --no-recommends shadow && zypper clean --all"),
        *shadow("/usr/sbin/nologin"),
    ),
    "photon": ("tdnf install -y shadow && tdnf clean all", *shadow("/sbin/nologin")),
    "azurelinux": ("tdnf install -y shadow-utils && tdnf clean all", *shadow("/sbin/nologin")),
    "arch": (maybe("pacman -Sy --noconfirm --needed shadow"), *shadow("/usr/bin/nologin")),
    "distroless": (),
    "scratch": (),
    "windows": (),
    "nix": (),
}


@pytest.mark.parametrize("name", families())
def test_every_family(name):
    assert creation(name, None, APP) == EXPECTED[name]


@pytest.mark.parametrize("name", families())
def test_every_style_has_its_template(name):
    if style(name) == "none":
        assert creation(name, None, APP, guarded=True) == ()
    else:
        assert read_template(f"users/{style(name)}.j2")


@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize("name", families())
def test_commands_are_lines_of_shell(name, guarded):
    commands = creation(name, None, HOME, guarded=guarded)
    for command in commands:
        assert command == command.strip()
        assert "\n" not in command
        assert "  " not in command
    if commands:
        subprocess.run(["sh", "-n", "-c", " && ".join(commands)], check=True)


def test_homes():
    assert creation("debian", None, HOME)[1] == (
        "useradd --no-log-init --uid 10001 --gid 10001 --create-home --shell /usr/sbin/nologin app"
    )
    assert creation("alpine", None, HOME)[1] == "adduser -D -s /sbin/nologin -G app -u 10001 app"
    assert creation("ubi-micro", None, HOME)[1:] == (
        "echo 'app:x:10001:10001::/home/app:/sbin/nologin' >> /etc/passwd",
        "mkdir -p /home/app",
        "chown 10001:10001 /home/app",
    )


def test_the_group_root_is_there_already():
    assert [command.split()[0] for command in creation("debian", None, ZERO)] == ["useradd"]
    assert creation("alpine", None, ZERO)[0].endswith("-G root -u 10001 app")
    assert len(creation("ubi-micro", None, ZERO)) == 1


def test_guarded():
    assert creation("debian", None, APP, guarded=True) == (
        "{ getent group 10001 >/dev/null || groupadd --gid 10001 app; }",
        "{ getent passwd 10001 >/dev/null || " + shadow("/usr/sbin/nologin")[1] + "; }",
    )
    assert creation("alpine", None, APP, guarded=True) == (
        "{ grep -q '^app:' /etc/group || addgroup -g 10001 app; }",
        "{ grep -q '^[^:]*:[^:]*:10001:' /etc/passwd || " + BUSYBOX[1] + "; }",
    )


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("registry.access.redhat.com/ubi9/ubi", "groupadd"),
        ("registry.access.redhat.com/ubi9/ubi-minimal", "microdnf"),
        ("rockylinux:9-minimal", "groupadd"),
        ("amazonlinux:2023", "yum"),
        ("opensuse/tumbleweed", "zypper"),
        ("openjdk:17", "{"),
        ("fedora:40", "{"),  # inferred: nobody read that image
        ("debian:bullseye", "groupadd"),
        ("node:20-alpine", "addgroup"),
    ],
)
def test_a_tool_is_installed_only_where_it_is_missing(text, first):
    facts = lookup(text)
    assert facts is not None
    assert creation(facts.family, facts, APP)[0].split()[0] == first


def test_what_the_dockerfile_installed_is_not_installed_again():
    for installed in ("shadow-utils", "useradd"):
        assert creation("amazon", None, APP, installed=frozenset({installed})) == shadow("/sbin/nologin")


def test_no_shell_no_commands():
    facts = lookup("cgr.dev/chainguard/python")
    assert facts is not None
    assert facts.shell is False
    assert style(facts.family, facts) == "none"
    assert creation(facts.family, facts, APP) == ()


def test_numbers_and_names_that_no_image_takes():
    with pytest.raises(ValueError, match="60000"):
        creation("alpine", None, NewUser("app", 60001, 60001, "app"))
    assert creation("debian", None, NewUser("app", 60001, 60001, "app"))
    for bad in (
        {"name": "App"},
        {"name": "a b"},
        {"name": "x" * 32},
        {"group": "$(id)"},
        {"uid": 0},
        {"uid": 2**31},
        {"gid": -1},
    ):
        with pytest.raises(ValueError, match="no n"):
            NewUser(**{**APP._asdict(), **bad})
    with pytest.raises(KeyError):
        creation("plan9", None, APP)


def test_no_family_gives_away_the_numbers_of_a_new_user():
    for name in families():
        assert 10001 not in family(name).uids
        assert 10001 not in family(name).gids


# --- real builds --------------------------------------------------------------------------------------------

IMAGES = ["debian:bookworm-slim", "alpine:3.20", "busybox:latest"]


def docker(*arguments, stdin=None):
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture
def in_engine(engine, monkeypatch):
    for name in ("DOCKER_HOST", "DOCKER_BUILDKIT", "PATH"):
        monkeypatch.setenv(name, engine.environment[name])


def build(text):
    return docker("build", "--quiet", "--network=none", "--pull=false", "-", stdin=text)


def run(image, *command):
    return docker("run", "--rm", "--network=none", image, *command)


@pytest.mark.engine
@pytest.mark.usefixtures("in_engine")
@pytest.mark.parametrize("user", [APP, HOME, ZERO], ids=["no-home", "home", "group-0"])
@pytest.mark.parametrize("base", IMAGES)
def test_made_in_a_real_image(base, user):
    facts = lookup(base)
    assert facts is not None
    plain = " && ".join(creation(facts.family, facts, user))
    again = " && ".join(creation(facts.family, facts, user, guarded=True))
    image = build(f"FROM {base}\nRUN {plain}\nRUN {again}\nUSER {user.uid}:{user.gid}\n")
    try:
        assert run(image, "id", "-u") == str(user.uid)
        assert run(image, "id", "-g") == str(user.gid)
        assert run(image, "id", "-un") == user.name
        entry = run(image, "grep", "^app:", "/etc/passwd").split(":")
        assert entry[5:] == ["/home/app" if user.home else "/nonexistent", family(facts.family).nologin]
        home = run(image, "sh", "-c", "test -d /home/app && test -w /home/app && echo there || echo none")
        assert home == ("there" if user.home else "none")
    finally:
        docker("image", "rm", "--force", image)


@pytest.mark.engine
@pytest.mark.usefixtures("in_engine")
@pytest.mark.parametrize("base", IMAGES[:2])
def test_a_failure_before_a_guard_is_a_failure(base):
    facts = lookup(base)
    assert facts is not None
    chain = " && ".join(["false", *creation(facts.family, facts, APP, guarded=True)])
    image = build(f"FROM {base}\nRUN ! {{ {chain}; }}\nRUN ! grep '^app:' /etc/passwd\n")
    docker("image", "rm", "--force", image)


@pytest.mark.engine
@pytest.mark.usefixtures("in_engine")
@pytest.mark.parametrize("base", ["gcr.io/distroless/static:latest", "scratch"])
def test_a_number_is_enough_without_a_shell(base):
    facts = lookup(base)
    assert facts is not None
    assert creation(facts.family, facts, APP) == ()
    # a static busybox is the program: it tells who it runs as
    image = build(f"FROM {base}\nCOPY --from=busybox:latest /bin/busybox /busybox\nUSER 10001:10001\n")
    try:
        assert run(image, "/busybox", "id", "-u") == "10001"
        assert docker("image", "inspect", "--format", "{{.Config.User}}", image) == "10001:10001"
    finally:
        docker("image", "rm", "--force", image)
