"""The options of `docker run`, `podman run` and `nerdctl run`: which of them take a value, so that the image is found.

The lists are those of Docker 28, Podman 5 and nerdctl 2; what only one of them knows is taken for all.
"""

from __future__ import annotations

from fixer.syntax.shellwords import Word
from fixer.tuples import NamedTuple

ENGINES = frozenset({"docker", "podman", "nerdctl", "podman-remote", "nvidia-docker"})

# Options before the subcommand that take a value: those of the three programs themselves.
_GLOBAL = frozenset(
    "H host c context config l log-level tlscacert tlscert tlskey root runroot storage-driver storage-opt"
    " cgroup-manager connection url identity module events-backend network-config-dir network-cmd-path tmpdir runtime"
    " runtime-flag conmon hooks-dir imagestore volumepath ssh out n namespace a address snapshotter cni-path"
    " cni-netconfpath data-root hosts-dir default-mounts-file".split()
)

# Options without a value, unless it stands behind `=`.
SWITCHES = frozenset(
    "detach interactive tty rm init privileged publish-all read-only oom-kill-disable no-healthcheck sig-proxy quiet"
    " help disable-content-trust use-api-socket replace rmi no-hosts no-hostname env-host http-proxy passwd"
    " read-only-tmpfs rootfs tls-verify unsetenv-all latest insecure-registry".split()
)

_DOCKER = (
    "add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile"
    " cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems"
    " detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops dns"
    " dns-opt dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd"
    " health-interval health-retries health-start-interval health-start-period health-timeout hostname io-maxbandwidth"
    " io-maxiops ip ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address"
    " memory memory-reservation memory-swap memory-swappiness mount name network network-alias oom-score-adj pid"
    " pids-limit platform publish pull restart runtime security-opt shm-size stop-signal stop-timeout storage-opt"
    " sysctl tmpfs ulimit user userns uts volume volume-driver volumes-from workdir"
)
_PODMAN = (
    "arch authfile cert-dir cgroup-conf cgroups chrootdirs conmon-pidfile creds decryption-key env-merge gidmap"
    " group-entry health-log-destination health-max-log-count health-max-log-size health-on-failure health-startup-cmd"
    " health-startup-interval health-startup-retries health-startup-success health-startup-timeout hosts-file hostuser"
    " image-volume init-ctr init-path os passwd-entry personality pidfile pod pod-id-file preserve-fd preserve-fds"
    " rdt-class requires retry retry-delay sdnotify seccomp-policy secret shm-size-systemd signature-policy subgidname"
    " subuidname systemd timeout tz uidmap umask unsetenv variant"
)
_NERDCTL = (
    "cosign-certificate-identity cosign-certificate-identity-regexp cosign-certificate-oidc-issuer"
    " cosign-certificate-oidc-issuer-regexp cosign-key ipfs-address verify"
)

# Options with a value.
VALUES = frozenset((*_DOCKER.split(), *_PODMAN.split(), *_NERDCTL.split()))

_LETTERS = {
    "a": "attach", "c": "cpu-shares", "d": "detach", "e": "env", "h": "hostname", "i": "interactive", "l": "label",
    "m": "memory", "p": "publish", "P": "publish-all", "q": "quiet", "t": "tty", "u": "user", "v": "volume",
    "w": "workdir",
}  # fmt: skip
_OTHER_NAMES = {"net": "network", "net-alias": "network-alias", "dns-opt": "dns-option"}
_PULLS = frozenset({"always", "missing", "never", "newer"})
_ACTIONS = frozenset({"run", "create", "exec"})


class Option(NamedTuple):
    """One option: its long name, its value ("" for a switch), and where it stands among the words.

    `first` and `last` are the numbers of its words. `letter` is the place of its letter in the first where others
    stand before it (`-itu root`), else 0.
    """

    name: str
    value: str
    first: int
    last: int
    letter: int = 0

    @property
    def on(self) -> bool:
        """Whether a switch is on."""
        return self.value.lower() in ("", "true", "1", "t")


class Parsed(NamedTuple):
    """A command that makes or enters a container.

    `verb` is the number of the word `run`, `create` or `exec`, `target` that of the image, or of the container that
    exec enters; None when an unknown option stands before it. `unclear` tells that a variable may hold further options.
    """

    action: str
    verb: int
    options: tuple[Option, ...]
    target: int | None
    unclear: bool


def parse_run(words: tuple[Word, ...]) -> Parsed | None:
    """Read a command whose first word is an engine; None where it makes and enters no container."""
    verb = _verb(words)
    if verb is None:
        return None
    options: list[Option] = []
    unclear = False
    at = verb + 1
    while at < len(words):
        word = words[at]
        if word.text == "--":
            at += 1
            break
        if word.text.startswith("-") and len(word.text) > 1:
            found = _option(words, at)
            if not found:
                return Parsed(words[verb].text, verb, tuple(options), None, True)
            options += found
            at = found[-1].last + 1
        elif not word.literal and _may_be_options(word, at + 1 < len(words)):
            unclear = True
            at += 1
        else:
            break
    target = at if at < len(words) else None
    return Parsed(words[verb].text, verb, tuple(options), target, unclear)


def _verb(words: tuple[Word, ...]) -> int | None:
    at = 1
    while at < len(words) and words[at].text.startswith("-"):
        name, equals, _ = words[at].text.lstrip("-").partition("=")
        at += 2 if name in _GLOBAL and not equals else 1
    if at < len(words) and words[at].text == "container":
        at += 1
    return at if at < len(words) and words[at].text in _ACTIONS else None


_SPEAKING = ("opt", "arg", "flag", "param", "extra", "volume", "mount", "env", "port", "label", "[@]", "[*]", "$@")


def _may_be_options(word: Word, more: bool) -> bool:
    """Whether a variable in the place of the image holds options, by its name, and where an image may still follow."""
    low = word.raw.lower().strip("\"'")
    alone = low.startswith("$") and not any(sign in low for sign in "/ ")
    if not alone or not more:
        return False
    return any(part in low for part in _SPEAKING)


def _option(words: tuple[Word, ...], at: int) -> list[Option]:
    """The options that one word holds, with their values; none where nobody knows whether it takes one."""
    text = words[at].text
    if text.startswith("--"):
        name, equals, value = text[2:].partition("=")
        name = _OTHER_NAMES.get(name, name)
        if equals:
            return [Option(name, value, at, at)]
        if name in SWITCHES:
            return [Option(name, "", at, at)]
        return _valued(words, name, at) if name in VALUES else []
    out: list[Option] = []
    for place, letter in enumerate(text[1:], 1):
        long = _LETTERS.get(letter)
        if long is None:
            return []
        where = place if place > 1 else 0
        if long not in SWITCHES:
            rest = text[place + 1 :].removeprefix("=")
            if rest:
                return [*out, Option(long, rest, at, at, where)]
            return [*out, *(one._replace(letter=where) for one in _valued(words, long, at))]
        out.append(Option(long, "", at, at, where))
    return out


def _valued(words: tuple[Word, ...], name: str, at: int) -> list[Option]:
    following = words[at + 1].text if at + 1 < len(words) else ""
    if name == "pull" and following not in _PULLS:
        return [Option(name, "", at, at)]
    last = min(at + 1, len(words) - 1)
    return [Option(name, following, at, last)]
