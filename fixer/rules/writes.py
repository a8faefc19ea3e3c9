"""Which folders of its image a container writes, as far as somebody knows: for rules that make the rest read-only."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import basename, normpath

from fixer.config import Config
from fixer.decide import configured
from fixer.facts import untagged
from fixer.imageusers import ImageUser, configured_image
from fixer.model import Refusal
from fixer.tuples import NamedTuple
from fixer.understand.making import SYSTEM, below
from fixer.understand.writable import writable

TMP = "/tmp"
# The runtime mounts these itself, writable.
_MOUNTED = ("/dev", "/proc", "/sys")
# Programs and configuration: whatever the image has there, the container needs.
_CONTENT = ("/app", "/bin", "/boot", "/etc", "/home", "/lib", "/lib64", "/root", "/sbin", "/usr")
# Here a program keeps what it makes when it runs.
_SCRATCH = ("/tmp", "/run", "/var/run", "/var/lock", "/var/cache", "/var/log", "/var/tmp", "/var/spool")
# Data that the images which write it bring empty, although they do not call it a VOLUME.
_EMPTY = frozenset({"/data", "/loki", "/prometheus", "/var/lib/grafana", "/var/lib/haproxy"})


class Known(NamedTuple):
    """The folders that a container writes, those of them that are made to be volumes, and what to look at."""

    folders: tuple[str, ...]
    fits: frozenset[str]
    risk: str

    @property
    def own(self) -> tuple[str, ...]:
        """The folders that have to stay writable, without those that the runtime mounts itself."""
        paths = dict.fromkeys([TMP, *map(normpath, self.folders)])
        return tuple(path for path in paths if not any(below(path, one) for one in _MOUNTED))

    def hides(self, path: str) -> bool:
        """Whether something empty at a path may hide files that the image has there."""
        return path not in self.fits and not any(below(path, one) for one in _SCRATCH)


def known_writes(
    image: ImageUser, config: Config, reference: str, name: str, words: Sequence[str] | None
) -> Known | Refusal:
    """What a container writes, or why nobody can say.

    Takes its image, the configuration, the image and the container as people call them, and the words that it starts
    instead of those of its image, None where the image decides.
    """
    chosen = configured_image(image.reference, config).writable
    if image.made is not None and not chosen:
        # what is said of its Dockerfile stands beside what that shows
        return _other_program(name, image) if words is not None else _of_file(image, config)
    if chosen:
        risk = f"{reference} writes what fixer.toml names, as far as somebody knows; volumes there start empty"
        fits = {path for path in map(normpath, chosen) if path not in SYSTEM and not _content(path)}
        return Known(chosen, frozenset(fits), risk)
    facts = image.facts
    if facts is None or facts.confidence == "inferred":
        return Refusal("unknown-image", f"nobody knows what {reference} writes; {_say(image)}", image.reference)
    # an image of a language or a distribution writes what somebody's program writes
    serves = facts.ports or facts.volumes or (facts.writable_paths and not facts.arbitrary_user)
    if not serves or (words is not None and not _own_program(words, reference)):
        return _other_program(name, image)
    folders = tuple(dict.fromkeys((*facts.writable_paths, *facts.volumes)))
    fits = {path for path in facts.volumes if not _content(path)} | _EMPTY
    if folders:
        risk = f"{reference} writes {', '.join(folders)} (facts, {facts.confidence}), and nobody tried whether more"
    else:
        risk = f"no facts name a folder that {reference} writes, and nobody tried"
    return Known(folders, frozenset(fits), risk)


def _of_file(image: ImageUser, config: Config) -> Known:
    """What the Dockerfile shows that makes an image, and what the configuration says under its path."""
    assert image.made is not None
    running = image.made.decision.running
    chosen = configured(running.image, image.path, config).writable
    above = running.image.stage.inherited
    volumes = [*(above.volumes if above is not None else ()), *(path for path, _ in running.image.volumes)]
    folders = [one.path for one in writable(running, chosen, workdir=False)]
    base = running.image.facts
    if base is not None and running.runs_base:
        folders += base.volumes
    filled = [copy.destination for copy in running.image.all_copies if copy.destination]
    fits = {
        path
        for path in (*volumes, *_EMPTY, *map(normpath, chosen), *(base.volumes if base is not None else ()))
        if not _content(path) and not any(below(other, path) for other in filled)
    }
    risk = f"nobody knows what else the program of {image.path} writes"
    risk = f"{risk}; {image.risk}" if image.risk else risk
    return Known(tuple(dict.fromkeys([*folders, *volumes])), frozenset(fits), risk)


def _other_program(name: str, image: ImageUser) -> Refusal:
    why = f"nobody knows what the program writes that {name} starts; {_say(image)}"
    return Refusal("unknown-program", why, image.reference)


def _say(image: ImageUser) -> str:
    return f'tell it with [images."{untagged(image.reference)}"] writable = ["/tmp"] in fixer.toml'


def _own_program(words: Sequence[str], reference: str) -> bool:
    """Whether the words start the program that the image is called after: `redis-server` of `redis`."""
    program = basename(words[0]) if words else ""
    image = basename(untagged(reference))
    return bool(program and image) and (program.startswith(image) or image.startswith(program))


def _content(path: str) -> bool:
    return any(below(path, one) for one in _CONTENT)


def real(path: str) -> str:
    """A path without the links that distributions have."""
    return path.removeprefix("/var") if below(path, "/var/run") or below(path, "/var/lock") else path
