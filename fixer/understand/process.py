"""What the image starts, as far as it can be read: programs, entry scripts, their ports, and root on purpose."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from fixer.facts.software import Software, software
from fixer.lazy import lazy, regex
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.shell import Command, commands
from fixer.tuples import NamedTuple
from fixer.understand.image import Copy, Image, holds
from fixer.understand.making import SYSTEM, below, made
from fixer.understand.programsigns import Call, interpreter_of, root_calls
from fixer.understand.shellfacts import Sign, ports, script_signs
from fixer.understand.stages import join

_WRAPPERS = frozenset(
    "tini dumb-init docker-init catatonit exec env nice nohup time stdbuf xvfb-run dbus-run-session"
    " dbus-launch catchsegv pid1 tini-static tini-amd64 yasu".split()
)
_SHELLS = frozenset(["sh", "bash", "ash", "dash", "zsh", "ksh"])
_INTERPRETERS = frozenset(
    ["python", "python3", "python2", "node", "ruby", "perl", "php", "java", "dotnet", "deno", "bun", "Rscript"]
)
_PATH = ("/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin", "")


class Script(NamedTuple):
    """An entry script that could be read: where it runs, where it was read, and its text."""

    path: str
    origin: str
    text: str


class Purpose(NamedTuple):
    """Root on purpose: a stable code, the evidence in words, and where the remedy belongs."""

    code: str
    evidence: str
    remedy: str


_MOST_SCRIPTS = 8
_DIGIT = regex(r"\d")  # without one no port is named
_STEP_DOWN_WORDS = ("gosu", "su-exec", "s6-overlay", "setpriv", "chpst", "runuser", "fixuid")
_STEP_DOWN_TOOL = regex(r"(?:^|[\s/=\"'-])(gosu|su-exec|s6-overlay|setpriv|chpst|runuser|fixuid)\b")
# Packages that people install only to run what is in them.
_DAEMON_PACKAGES = {
    "cron": "cron",
    "cronie": "crond",
    "dcron": "crond",
    "openssh-server": "sshd",
    "openssh-server-pam": "sshd.pam",
    "dropbear": "dropbear",
    "supervisor": "supervisord",
    "runit": "runit",
    "s6": "s6-svscan",
    "systemd-sysv": "systemd",
    "vsftpd": "vsftpd",
    "proftpd": "proftpd",
    "xinetd": "xinetd",
    "samba": "smbd",
    "postfix": "postfix",
    "dovecot": "dovecot",
    "openvpn": "openvpn",
    "openvpn-as": "openvpn",
    "iptables": "iptables",
    "nftables": "nft",
    "wireguard-tools": "wg-quick",
    "strongswan": "ipsec",
    "nfs-kernel-server": "nfsd",
    "docker-ce": "dockerd",
    "docker.io": "dockerd",
}
_REMEDIES = {
    "steps-down": (
        "leave the image as it is, and set runAsUser (with fsGroup) in the manifest or `user:` in Compose to"
        " the user it hands over to; then it never starts as root"
    ),
    "init-system": "start the one service itself instead of a supervisor, one container for each",
    "platform-user": "leave the image as it is, without USER; it is not root there",
    "login-daemon": (
        "use `kubectl exec` or `docker exec` instead of a login daemon, or keep this image root and say so"
        " with root-on-purpose in fixer.toml"
    ),
    "cron": "let the platform run the job (a CronJob) as a user of its own, or use supercronic",
    "container-engine": (
        "use the rootless variant of the engine (docker:dind-rootless, BuildKit rootless, Podman rootless)"
    ),
    "network-admin": "give the container only the capability that it needs, in the manifest, and keep it apart",
    "kernel": "keep it root and apart, with only the capabilities that it needs, in the manifest",
    "mail-daemon": "keep it root and apart, with only the capabilities that it needs, in the manifest",
    "monitor": "keep it root and apart, with only the capabilities that it needs, in the manifest",
    "package-manager": "install the packages in the Dockerfile, so that the container need not do it at every start",
    "root-script": "move the steps that need root from the entry script into the Dockerfile",
}
# What helps where the program itself does it: told whom to run as, it fails.
_IN_CODE = {"steps-down": "let it do so only where it is root, which it can ask; then it works as any user"}
# The codes of images that are root on purpose.
ON_PURPOSE = frozenset(_REMEDIES)
_PURPOSE_OF_SIGN = {
    "steps-down": ("steps-down", "hands over to another user by itself"),
    "service": ("init-system", "starts system services"),
    "package-manager": ("package-manager", "installs packages when the container starts"),
    "kernel": ("kernel", "changes the kernel or the network"),
    "usermod": ("root-script", "changes user accounts when the container starts"),
    "chown": ("root-script", "gives files to other users when the container starts"),
    "writes": ("root-script", "writes where only root may"),
}
# Options by which programs change to another user themselves, and fail to do so where they are not root.
_CHANGES_USER = {
    "socat": regex(r"[, ]((?:su|su-d|setuid|setgid|chroot)=(?!root\b|0\b)[\w./-]+)"),
    "gunicorn": regex(r" ((?:-u|--user)[ =]?(?!root\b|0\b)\w[\w.-]*)"),
    "twistd": regex(r" ((?:-u|--uid)[ =]?(?!root\b|0\b)\w[\w.-]*)"),
    "celery": regex(r" (--uid[ =](?!root\b|0\b)\w[\w.-]*)"),
    "darkhttpd": regex(r" (--uid[ =](?!root\b|0\b)\w[\w.-]*)"),
}
# Variables with the user that an entry script goes on as, as images for home servers have them.
_TARGET_USER = ("PUID", "PGID")
# Words in the names of base images that tell what these start, where nothing else is known of them.
_TELLING_NAME = regex(r"(?:^|[-_/])(dind|systemd|sshd|supervisord?|s6)(?:$|[-_:@])")
_TOLD_BY_NAME = {"dind": "dockerd", "supervisor": "supervisord", "s6": "s6-svscan"}


class Running:
    """The process of one image."""

    def __init__(self, image: Image) -> None:
        self.image = image

    @lazy
    def commands(self) -> tuple[tuple[str, tuple[str | None, ...]], ...]:
        """The programs that the container starts with their words, wrappers such as tini taken off."""
        return tuple(self._commands())

    def _commands(self) -> Iterator[tuple[str, tuple[str | None, ...]]]:
        entry, cmd = self.image.entrypoint, self.image.cmd
        parts = [p for p in (entry, cmd) if p is not None]
        if entry is not None and entry.shell and entry.words:
            parts = [entry]
        if any(p.shell for p in parts):
            for part in parts:
                yield from self._shell(part.text) if part.shell else self._argv(part.words)
            return
        yield from self._argv(self.image.process_words)

    def _argv(self, words: tuple[str | None, ...]) -> Iterator[tuple[str, tuple[str | None, ...]]]:
        words = _unwrapped(words)
        if not words or words[0] is None:
            return
        name = words[0].rpartition("/")[2]
        text = _shell_text(words)
        if text:
            yield from self._shell(text)
            return
        yield name, words

    def _shell(self, text: str) -> Iterator[tuple[str, tuple[str | None, ...]]]:
        for command in commands(text):
            if not command.substitution:
                yield from self._argv(_texts(command))

    @lazy
    def programs(self) -> tuple[Software, ...]:
        """Facts on the programs that are started, those of entry scripts included."""
        found = [software(name) for name, _ in self.commands]
        for script in self.scripts:
            found += [software(name) for name, _ in _started(script)]
        return tuple(dict.fromkeys(s for s in found if s is not None))

    @lazy
    def scripts(self) -> tuple[Script, ...]:
        """Entry scripts that the build context or a heredoc holds, and those that they start."""
        out: dict[str, Script] = {}
        paths = list(self.script_paths)
        while paths and len(out) < _MOST_SCRIPTS:
            path = paths.pop(0)
            script = self._read(path) if path not in out else None
            if script is not None:
                out[path] = script
                paths += self._started_by(script)
        return (*out.values(), *self._before_start())

    def _started_by(self, script: Script) -> Iterator[str]:
        """Absolute paths of other shell scripts that a script starts in any case."""
        for command in commands(script.text):
            if command.substitution or command.conditional:
                continue
            words = _unwrapped(_texts(command))
            if words[:1] in ((".",), ("source",)):
                words = words[1:]
            first = (words[0] or "").rpartition("/")[2] if words else ""
            if first in _SHELLS or first.endswith(".sh"):
                yield from self._candidates(words)

    def _before_start(self) -> Iterator[Script]:
        """Scripts for the entrypoint of the official nginx image, which runs all that lie in one folder."""
        for copy in self.image.all_copies:
            if copy.destination is None or not below(copy.destination, "/docker-entrypoint.d") or self.image.entrypoint:
                continue
            for source in copy.sources:
                text = self.image.read_context(source) if source.endswith(".sh") else None
                if text is not None:
                    yield Script(copy.destination, source, text)

    @lazy
    def script_paths(self) -> tuple[str, ...]:
        """Absolute paths that the first process may be a script at."""
        out: list[str] = []
        for _, words in self.commands:
            out += self._candidates(words)
        return tuple(dict.fromkeys(out))

    def _candidates(self, words: tuple[str | None, ...]) -> Iterator[str]:
        first = words[0] or ""
        if first.rpartition("/")[2] in _SHELLS:
            first = next((w for w in words[1:] if w and not w.startswith("-")), "")
            if first and "/" not in first:
                first = "./" + first
        if not first or first.rpartition("/")[2] in _INTERPRETERS:
            return
        if "/" in first:
            yield join(self.image.workdir or "/", first)
        else:
            yield from (f"{folder}/{first}" for folder in _PATH)

    def _read(self, path: str) -> Script | None:
        for copy in reversed(self.image.all_copies):
            script = self._from_copy(copy, path)
            if script is not None:
                return script
        return None

    def _from_copy(self, copy: Copy, path: str) -> Script | None:
        if copy.destination is None or copy.origin or not below(path, copy.destination):
            return None
        for doc in copy.item.heredocs:
            if path in (copy.destination, join(copy.destination, doc.name)):
                return Script(path, f"line {copy.item.line}", doc.content)
        for source in copy.sources:
            for candidate in context_paths(source, copy, path):
                text = self.image.read_context(candidate)
                if text is not None:
                    return Script(path, candidate, text)
        return None

    @lazy
    def unseen_script(self) -> str:
        """A script that the container starts but that could not be read; an empty string when there is none."""
        read = {script.path for script in self.scripts}
        if read:
            return ""
        copied = next((p for p in self.script_paths if self._copied(p)), "")
        telling = (p for p in self.script_paths if p.endswith(".sh") or "entrypoint" in p.rpartition("/")[2])
        return copied or next(telling, "")

    def _copied(self, path: str) -> bool:
        """Whether a COPY from the build context puts a file at this path."""
        for copy in self.image.all_copies:
            if copy.destination is None or copy.origin or copy.item.heredocs or not below(path, copy.destination):
                continue
            for source in copy.sources:
                name = source.rstrip("/").rpartition("/")[2]
                if (
                    name
                    and path in (copy.destination, join(copy.destination, name))
                    and path.rpartition("/")[2] == name
                ):
                    return True
        return False

    @lazy
    def runs_base(self) -> bool:
        """Whether the container starts the program that its base image is made for (`nginx` on `nginx:1.27`)."""
        if self.image.cmd is None and self.image.entrypoint is None:
            return True
        base = (self.image.stage.root_base or "").rsplit("/", 1)[-1].split(":")[0].split("@")[0]
        return any(base and (name.startswith(base) or base.startswith(name)) for name, _ in self.commands)

    @lazy
    def inherited(self) -> tuple[str, ...]:
        """The programs that the image starts because its base says so, where that is known of the base."""
        facts, image = self.image.facts, self.image
        if facts is None or image.entrypoint is not None:
            return ()
        words = facts.entrypoint or (facts.cmd if image.cmd is None else ())
        return tuple(name for name, _ in self._argv(words))

    @property
    def base_serves(self) -> bool:
        """Whether the base image is made to run a program by itself, so that a file without CMD still starts one."""
        facts = self.image.facts
        return facts is not None and bool(facts.ports or facts.volumes or facts.writable_paths or facts.steps_down)

    @lazy
    def signs(self) -> tuple[tuple[Script, Sign], ...]:
        """What entry scripts, and the shell text of CMD and ENTRYPOINT, do that matters for the user they run as."""
        texts = (*self.scripts, *self._inline)
        return tuple((script, sign) for script in texts for sign in script_signs(script.text))

    @property
    def _inline(self) -> Iterator[Script]:
        """The shell text that stands in CMD and ENTRYPOINT themselves."""
        for part in (self.image.entrypoint, self.image.cmd):
            if part is None or part.item is None:
                continue
            text = part.text if part.shell else _shell_text(_unwrapped(part.words))
            if text:
                yield Script("", f"{part.item.keyword} of line {part.item.line}", text)

    @lazy
    def root_calls(self) -> tuple[tuple[Script, Call], ...]:
        """The calls that only root may make in programs whose source the build context holds."""
        return tuple((script, call) for name, script in self._sources() for call in root_calls(name, script.text))

    def _sources(self) -> Iterator[tuple[str, Script]]:
        """The programs that can be read, each with the name of what runs it."""
        started = list(self.commands)
        for script in self.scripts:
            name = interpreter_of(script.text)
            if not name or name in _SHELLS:
                started += _started(script)
            else:
                yield name, script
        for name, words in dict.fromkeys(started):
            paths = _program_files(words) if name.rstrip("0123456789.") in _INTERPRETERS else ()
            read = (self._read(join(self.image.workdir or "/", path)) for path in paths)
            found = next((script for script in read if script is not None), None)
            if found is not None:
                yield name, found

    @lazy
    def argument_ports(self) -> tuple[tuple[int, Instruction], ...]:
        """Ports that the arguments of the process name, and the instruction that does."""
        out: list[tuple[int, Instruction]] = []
        for part in (self.image.entrypoint, self.image.cmd):
            if part is None or part.item is None or _DIGIT.search(part.text) is None:
                continue
            for _, words in self._shell(part.text) if part.shell else self._argv(part.words):
                out += [(port, part.item) for port in word_ports(words)]
        return tuple(dict.fromkeys(out))

    @lazy
    def purpose(self) -> Purpose | None:
        """Why this image is root on purpose, or None."""
        return next(self._purposes(), None)

    def _purposes(self) -> Iterator[Purpose]:
        yield from self._of_base()
        yield from self._programs_of_root()
        yield from self._named_for_root()
        yield from self._boots()
        yield from self._changes_user()
        # a script that hands folders over first and then itself is one that steps down
        for script, sign in sorted(self.signs, key=lambda found: found[1].kind != "steps-down"):
            if sign.kind == "writes" and self._will_be_handed_over(sign.detail):
                continue
            if sign.kind == "steps-down" or (sign.kind in _PURPOSE_OF_SIGN and not sign.guarded):
                code, what = _PURPOSE_OF_SIGN[sign.kind]
                where = f"entry script {script.origin}, line {sign.line}," if script.path else script.origin
                yield _purpose(code, f"{where} {what} ({sign.detail})")
        for script, call in self.root_calls:
            if not call.conditional:
                evidence = f"{script.origin}, line {call.line}, calls {call.words}, which only root can do"
                yield Purpose(call.code, evidence, _IN_CODE.get(call.code, _REMEDIES[call.code]))
        if self.unseen_script:
            yield from self._behind_unseen(self.unseen_script)
        for script in self.scripts:
            for command in commands(script.text):
                known = software(command.name)
                if known is not None and known.root and not command.substitution:
                    yield _purpose(known.root, f"entry script {script.origin} starts {command.name}: {known.why}")

    def _of_base(self) -> Iterator[Purpose]:
        """What facts say of the base image and of who runs what is built on it."""
        facts, base = self.image.facts, self.image.stage.root_base
        if facts is None:
            return
        if facts.steps_down and self.image.entrypoint is None and not self.image.user.item:
            evidence = f"the entrypoint of base image {base} hands over to another user by itself (facts)"
            yield _purpose("steps-down", evidence)
        if facts.platform:
            evidence = (
                f"base image {base} is for {facts.platform}, which runs it as a user of its own"
                f" (facts, {facts.confidence})"
            )
            yield _purpose("platform-user", evidence)

    def _behind_unseen(self, script: str) -> Iterator[Purpose]:
        """What a script that could not be read will need root for, as the rest of the image tells."""
        facts = self.image.facts
        if daemon := self._brings_daemon():
            known = software(daemon)
            assert known is not None
            evidence = f"the image brings {daemon} and starts {script}, which could not be read: {known.why}"
            yield _purpose(known.root, evidence)
        if tool := self._brings_step_down():
            evidence = (
                f"the image brings {tool} and starts {script}, which could not be read but will hand over with it"
            )
            yield _purpose("steps-down", evidence)
        if name := self._told_target():
            evidence = f"ENV {name} tells {script}, which could not be read, whom to go on as when it started as root"
            yield _purpose("steps-down", evidence)
        if facts is not None and facts.steps_down and facts.app_user is None and not self.image.user.item:
            evidence = (
                f"{script} could not be read and may start the entrypoint of base image {self.image.stage.root_base},"
                " which hands over to another user by itself (facts)"
            )
            yield _purpose("steps-down", evidence)

    def _programs_of_root(self) -> Iterator[Purpose]:
        """The programs that need root by nature among those that the file or its base image starts."""
        own = [(name, "") for name, _ in self.commands]
        inherited = [(name, f" of base image {self.image.stage.root_base}") for name in self.inherited]
        for name, whose in (*own, *inherited):
            known = software(name)
            if known is not None and known.root:
                yield _purpose(known.root, f"the container starts {name}{whose}: {known.why}")

    def _named_for_root(self) -> Iterator[Purpose]:
        """What the name of a base image says that nothing is known of, where its entrypoint is what starts."""
        image, base = self.image, self.image.stage.root_base
        if base is None or image.facts is not None or image.entrypoint is not None:
            return
        found = _TELLING_NAME.search(base.rpartition("/")[2])
        known = software(_TOLD_BY_NAME.get(found[1], found[1])) if found is not None else None
        if known is not None and known.root:
            yield _purpose(known.root, f"base image {base} starts {known.name}, as its name says: {known.why}")

    def _boots(self) -> Iterator[Purpose]:
        """Services that the build enables for systemd, in an image that says nothing else of what it starts."""
        image = self.image
        if image.cmd is not None or image.entrypoint is not None:
            return
        for item in image.runs_about(("systemctl",)):
            for command in image.shell(item).commands:
                if command.name == "systemctl" and any(word.text == "enable" for word in command.args):
                    yield _purpose("init-system", f"line {item.line} enables a service that systemd starts")

    def _changes_user(self) -> Iterator[Purpose]:
        """Options of the programs that are started, those of entry scripts included, by which they change the user."""
        started = list(self.commands)
        for script in self.scripts:
            started += _started(script)
        for name, words in started:
            pattern = _CHANGES_USER.get(name)
            found = pattern.search(" ".join(word or "" for word in words)) if pattern is not None else None
            if found is not None:
                evidence = f"the container starts {name} with {found[1]}: it changes to another user, as only root can"
                yield Purpose("root-script", evidence, "take the option away, and write that user into USER")

    def _told_target(self) -> str:
        """The variable by which the file says whom its entry script is to go on as, or an empty string."""
        env = self.image.stage.final_env
        return next((name for name in _TARGET_USER if name in env), "")

    def _will_be_handed_over(self, path: str) -> bool:
        """Whether a path lies in a folder that goes to the application with the move off root."""
        image = self.image
        here = image.workdir or "/"
        folders = [one.path for one in made(image)] + [path for path, _ in image.volumes if path not in SYSTEM]
        if image.stage.sets_workdir and here not in SYSTEM and not below(here, "/root"):
            folders.append(here)
        return any(below(posixpath.normpath(path), folder) for folder in folders)

    def _brings_daemon(self) -> str:
        """A program that needs root by nature, of the base image or of a package that the build installs; else ""."""
        image = self.image
        words = image.facts.entrypoint if image.facts is not None else ()
        program = next((name for name, _ in self._argv(words)), "")
        if (known := software(program)) is not None and known.root:
            return program
        for item in image.runs_about(tuple(_DAEMON_PACKAGES)):
            for install in image.shell(item).installs:
                found = next((p for p in install.packages if p in _DAEMON_PACKAGES), "")
                if found:
                    return _DAEMON_PACKAGES[found]
        return ""

    def _brings_step_down(self) -> str:
        """The tool for handing over to another user that the build installs, or an empty string."""
        for item in self.image.body:
            if item.keyword not in ("RUN", "COPY", "ADD", "ENV") or not holds(item.logical, _STEP_DOWN_WORDS):
                continue
            found = _STEP_DOWN_TOOL.search(item.logical)
            if found:
                return found[1]
        return ""


def _purpose(code: str, evidence: str) -> Purpose:
    return Purpose(code, evidence, _REMEDIES[code])


def _shell_text(words: tuple[str | None, ...]) -> str:
    """The text behind `sh -c`, or an empty string."""
    if (
        len(words) < 3
        or (words[0] or "").rpartition("/")[2] not in _SHELLS
        or not re.fullmatch(r"-\w*c", words[1] or "")
    ):
        return ""
    return words[2] or ""


def _started(script: Script) -> list[tuple[str, tuple[str | None, ...]]]:
    """The programs that a script starts, as `Running.commands` are."""
    return [(c.name, _texts(c)) for c in commands(script.text) if not c.substitution]


def _program_files(words: tuple[str | None, ...]) -> Iterator[str]:
    """Where the source may lie that an interpreter is given, from the working directory."""
    rest = [word or "" for word in words[1:]]
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c", "-e"):
        rest = rest[1:]
    if rest[:1] == ["-m"] and len(rest) > 1:
        module = rest[1].replace(".", "/")
        yield from (f"{module}.py", f"{module}/__main__.py")
    elif rest and rest[0] and not rest[0].startswith("-"):
        yield rest[0]


def _texts(command: Command) -> tuple[str | None, ...]:
    return tuple(w.text if w.literal else None for w in command.words)


def word_ports(words: tuple[str | None, ...]) -> tuple[int, ...]:
    """Ports that a command line binds to, as its arguments say."""
    return tuple(found.port for found in ports([w or "" for w in words]))


def _unwrapped(words: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """The words behind tini, env, exec and their like, with their options."""
    while words and words[0] is not None and words[0].rpartition("/")[2] in _WRAPPERS:
        wrapper, rest = words[0].rpartition("/")[2], words[1:]
        while rest and rest[0] is not None and (rest[0].startswith("-") or (wrapper == "env" and "=" in rest[0])):
            rest = rest[1:]
        words = rest
    return words


def context_paths(source: str, copy: Copy, path: str) -> Iterator[str]:
    """Paths in the build context, or in the stage that it copies from, that a COPY may have put at `path`."""
    target = copy.destination or "/"
    clean = posixpath.normpath(source.lstrip("/") or ".")
    if any(ch in clean for ch in "*?["):
        if posixpath.dirname(path) == target.rstrip("/"):
            yield posixpath.join(posixpath.dirname(clean), path.rpartition("/")[2])
        return
    if path == target:
        yield clean
    if path == posixpath.join(target, clean.rpartition("/")[2]):
        yield clean
    if path.startswith(target.rstrip("/") + "/"):
        yield posixpath.normpath(posixpath.join(clean, posixpath.relpath(path, target)))
