"""One build with BuildKit, over the API of the engine, and what became of it."""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fixer.errors import FixerError, Unreadable
from fixer.evidence import Built, Job
from fixer.lazy import regex
from fixer.tuples import NamedTuple
from fixer.verify import context
from fixer.verify.api import Api, Refused
from fixer.verify.reaper import Mark, Window
from fixer.verify.said import lines, tidy
from fixer.verify.trace import Broken, Trace

# Closed, and open. Podman takes words that it does not know for an open one.
_NETWORKS = {"docker": ("none", "default"), "podman": ("NetworkDisabled", "NetworkDefault")}
_GRACE = 30.0  # seconds for an engine to end a build that it was told to end
_FIRST_HEREDOCS = 23  # Docker releases from this one on read heredocs without another frontend

_STEP = regex(r"^(?:STEP|Step) \d+/\d+ ?: (.*)")
_METADATA = regex(r"(?:load metadata for|resolve image config for)(?: docker-image://)? ?(\S+)")
_PULLS = regex(r"(?:initializing source docker://|pull access denied for |docker-image://)([^\s:,]+(?::[^\s:,]+)?)")
_NETWORK = regex(
    r"temporary failure (?:in name resolution|resolving)|could not resolve|couldn't resolve|name or service not known"
    r"|EAI_AGAIN|ENOTFOUND|network is unreachable|network unreachable|no such host|bad address|unable to resolve"
    r"|NewConnectionError|getaddrinfo|nodename nor servname|no route to host|Temporary failure|failed to fetch"
    r"|UnknownHostException|unknown host|failed to lookup address|dial tcp|temporary error \(try again later\)"
    r"|network bridge not found",
    re.IGNORECASE,
)
# Where the network is open all the same, and nobody can tell whose fault it is. An engine may have no bridge.
_UNREACHED = regex(
    r"temporary failure (?:in name resolution|resolving)|could not resolve host|name or service not known|EAI_AGAIN"
    r"|network (?:is )?unreachable|no such host|no route to host|dial tcp: lookup |network bridge not found",
    re.IGNORECASE,
)
_SECRET = regex(
    r"no active sessions|/run/secrets/\S+ (?i:no such file)|secret \S+: not found|secrets? .*not found"
    r"|ssh .*not found|no SSH key"
)
_ABSENT = regex(r"(?:compute cache key|calculate checksum|checking on sources under).*(?:not found|no such file)")
_COPY = regex(r"(?:COPY|ADD) (?!.*--from=)(.+) \S+$")
_TELLING = regex(
    r"\b(?:error|fatal|fail(?:ed|ure)?|denied|cannot|can't|unable|no such|not found|not permitted|invalid|unknown"
    r"|traceback|exception)\b|^E: ",
    re.IGNORECASE,
)


class Bounds(NamedTuple):
    """What a build may have: seconds, and a network."""

    seconds: float
    network: bool
    memory_mb: int


def build(api: Api, mark: Mark, job: Job, root: Path, overlay: Mapping[str, bytes], bounds: Bounds) -> Built:
    """Build a job's image with the files of `overlay`, from a copy of its context.

    Where the frontend that `# syntax=` names cannot be had, it is built with the engine's own, if nothing in the file
    needs the other.
    """
    try:
        text = context.dockerfile_text(root, job.dockerfile, overlay)
        stands = _stands_in_the_way(text, bounds.network)
        if stands is not None:
            return stands
        found = _attempt(api, mark, job, root, overlay, text, bounds)
        copied = _COPY.search(found.step)
        if not overlay and copied and _ABSENT.search(found.error):
            error = f"it copies {_sources(copied.group(1))}, which is not in the repository; make it first"
            return found._replace(error=error, untried=True)
        plain = _without_frontend(text) if found.missing and _frontend(found.step) else None
        if plain is None:
            return found
        if api.kind == "docker" and api.release < _FIRST_HEREDOCS and _heredocs(text):
            return found
        again = _attempt(api, mark, job, root, overlay, plain, bounds)
        if "unknown flag" in again.error or "unknown instruction" in again.error or "parse error" in again.error:
            return found
        note = f"built with the engine's own frontend, because {found.missing} cannot be had here"
        return again._replace(notes=(*again.notes, note))
    except context.Unpacked as problem:
        return Built(error=str(problem), untried=True)
    except OSError as problem:
        return Built(error=f"the copy of what the build is sent cannot be written: {problem.strerror}", untried=True)


def _attempt(
    api: Api, mark: Mark, job: Job, root: Path, overlay: Mapping[str, bytes], text: bytes, bounds: Bounds
) -> Built:
    tar = mark.folder / f"{uuid.uuid4().hex}.tar"
    try:
        with tar.open("w+b") as file:
            packed = context.pack(root, job.context, (job.dockerfile, text), overlay, file)
            file.seek(0)
            listener = _Listener()
            begin = time.time()
            with _limited(api, bounds.seconds) as limit:
                mark.built(Window(begin, begin + bounds.seconds, ()))
                params = _params(job, mark, packed.dockerfile, limit.build, bounds)
                params["networkmode"] = _NETWORKS[api.kind][bounds.network]
                patience = bounds.seconds + (_GRACE if api.kind == "docker" else 1)
                listener.listen(api.build(file, params, patience), begin + patience)
            mark.windows.pop()
            mark.built(Window(begin, time.time(), tuple(name for name in listener.trace.names() if "] RUN " in name)))
    finally:
        tar.unlink(missing_ok=True)
    if limit.over and not listener.image:
        late = f"the build did not end within {bounds.seconds:g} seconds"
        return Built(error=late, step=listener.step(), untried=True)
    built = listener.built(bounds)
    if api.kind == "podman" and not built.image_id and not built.untried and _heredocs(text):
        built = built._replace(error=f"this Podman may not read heredocs ({built.error})", untried=True)
    return built._replace(notes=packed.notes)


def _params(job: Job, mark: Mark, dockerfile: str, build: str, bounds: Bounds) -> dict[str, str]:
    memory = str(bounds.memory_mb << 20)  # BuildKit does not look at it, other builders do
    return {
        "version": "2",
        "buildid": build,
        "dockerfile": dockerfile,
        "target": job.target,
        "buildargs": json.dumps(dict(job.args)),
        "labels": json.dumps(dict(mark.labels)),
        "memory": memory,
        "memswap": memory,
        "rm": "1",
        "forcerm": "1",
    }


class _limited:
    """Ends a build that takes too long, over a connection of its own."""

    def __init__(self, api: Api, seconds: float) -> None:
        self.build = f"fixer-{uuid.uuid4().hex}"
        self.over = False
        self._api = api
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _limited:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.over = True
        try:
            other = self._api.again()
            other.cancel(self.build)
            other.close()
        except (Refused, FixerError):
            return  # the connection of the build ends then, and with it the build


class _Listener:
    """What an engine tells while it builds: BuildKit by its trace, other builders by the lines that they print."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.image = ""
        self.error = ""
        self._printed: list[str] = []
        self._rest = ""  # the begin of a line: what is printed comes in pieces
        self._at = ""

    def listen(self, told: Iterator[Mapping[str, Any]], end: float = float("inf")) -> None:
        """Listen until there is nothing more to tell, or until `end` (seconds of the epoch)."""
        try:
            for item in told:
                self._take(item)
                if time.time() > end:
                    return
        except Refused as problem:
            self.error = str(problem)

    def _take(self, item: Mapping[str, Any]) -> None:
        aux = item.get("aux")
        if item.get("id") == "moby.buildkit.trace" and isinstance(aux, str):
            try:
                self.trace.add(base64.b64decode(aux))
            except (Broken, binascii.Error):
                return  # what it was about is not told, the result of the build is
        elif isinstance(aux, dict) and aux.get("ID"):
            self.image = str(aux["ID"])
        elif item.get("error"):
            self.error = tidy(str(item["error"]))
        elif isinstance(item.get("stream"), str):
            self._print(item["stream"])

    def _print(self, text: str) -> None:
        whole, _, self._rest = (self._rest + text).rpartition("\n")
        for line in lines(whole.encode()):
            step = _STEP.match(line)
            if step:
                self._at, self._printed = step.group(1), []
            else:
                self._printed = [*self._printed[-99:], line]

    def step(self) -> str:
        """The step that failed, or was reached last."""
        failed = self.trace.failed()
        names = self.trace.names()
        return tidy(failed.name if failed else self._at or (names[-1] if names else ""))

    def built(self, bounds: Bounds) -> Built:
        if self.image and not self.error:
            return Built(image_id=self.image)
        failed = self.trace.failed()
        told = lines(failed.log) if failed else [*self._printed, *lines(self._rest.encode())]
        error = self.error or (tidy(failed.error) if failed else "the engine gave no image")
        every = "\n".join((*told, error, failed.error if failed else ""))
        step = self.step()
        unreached = next((line for line in every.splitlines() if _UNREACHED.search(line)), "")
        if bounds.network and unreached:
            return Built(error=f"its network does not answer ({tidy(unreached)})", step=step, untried=True)
        missing = _missing(step, error)
        network = not missing and not bounds.network and _NETWORK.search(every) is not None
        secret = _SECRET.search(every) is not None
        return Built("", _first_real(told) or error, step, missing, network, secret)


def _sources(words: str) -> str:
    """What a COPY names, of its words in either form but for the last."""
    plain = (word.strip('[",]') for word in words.split() if not word.startswith("--"))
    return tidy(" ".join(plain), 120)


def _first_real(told: list[str]) -> str:
    """The first line of the end of a log that tells of an error, else its last line."""
    end = told[-40:]
    return next((line for line in end if _TELLING.search(line)), end[-1] if end else "")


def _missing(step: str, error: str) -> str:
    found = _METADATA.search(step) or _PULLS.search(error)
    return tidy(found.group(1).removeprefix("docker.io/library/").removeprefix("docker.io/")) if found else ""


def _frontend(step: str) -> bool:
    return step.startswith("resolve image config for")


def _without_frontend(text: bytes) -> bytes | None:
    """A Dockerfile without its `# syntax=` line; None when it has none.

    The line is gone whole: a comment in its place would end the directives, and an `escape` behind it count no more.
    """
    every = text.splitlines(keepends=True)
    for number, line in enumerate(every):
        words = line.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not words.startswith(b"#"):
            return None
        if re.match(rb"#\s*syntax\s*=", words, re.IGNORECASE):
            return b"".join((*every[:number], *every[number + 1 :]))
    return None


def _heredocs(text: bytes) -> bool:
    from fixer.syntax.dockerfile import parse

    try:
        return any(item.heredocs for item in parse(text.decode("utf-8", "replace")))
    except Unreadable:
        return True


def _stands_in_the_way(text: bytes, network: bool) -> Built | None:
    """What need not be tried: `ADD` of an address is fetched by the engine itself, whatever network its steps have."""
    from fixer.syntax.dockerfile import parse

    if network:
        return None
    try:
        every = list(parse(text.decode("utf-8", "replace")))
    except Unreadable:
        return None  # the engine says better what is wrong
    for item in every:
        if item.name != "ADD":
            continue
        for word in item.texts[:-1]:
            if re.match(r"(?i)(?:https?|ftp|git|ssh)://|git@", word):
                return Built(error=f"it fetches {tidy(word, 120)}", step=tidy(item.logical), network=True, untried=True)
    return None
