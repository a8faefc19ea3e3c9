"""Images as their registry has them, by the distribution API of OCI, with every digest verified."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from fixer.facts import ImageRef
from fixer.inspecting.configuration import Files, inspection
from fixer.inspecting.credentials import Credentials, credentials
from fixer.inspecting.http import Body, Client, Untold, hasher, is_loopback, refuse
from fixer.inspecting.layers import Accounts, accounts
from fixer.inspecting.unseen import Deadline, Unseen
from fixer.lock import Inspection
from fixer.model import DENIED, INVALID
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from requests import Response

_LISTS = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
_MANIFESTS = frozenset(
    {"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
)
_CONFIGS = frozenset({"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})
_ACCEPT = ", ".join(sorted(_LISTS | _MANIFESTS))
_MOST_JSON = 8 << 20
_MOST_LAYER = 8 << 30
_MOST_LAYERS = 500
_DEEPEST = 3
_PIECE = 1 << 16
PATIENCE = 15
"""A layer may take so many times longer than an answer."""


class Part(NamedTuple):
    """What a manifest says about something else: its media type, digest and size."""

    media_type: str
    digest: str
    size: int


def from_registry(reference: str, seconds: float, insecure: tuple[str, ...] = ()) -> Inspection:
    """What an image says about itself, as its registry has it.

    Args:
        reference: as `ImageRef.exact` writes it.
        seconds: for each answer; a layer has `PATIENCE` times as long.
        insecure: hosts besides loopback that may be asked without TLS.

    Raises:
        Unseen: with one sentence, for whatever goes wrong.
    """
    image = _Image(ImageRef.exact(reference), seconds, insecure)
    try:
        return image.inspect()
    finally:
        image.client.close()


class _Image:
    def __init__(self, ref: ImageRef, seconds: float, insecure: tuple[str, ...]) -> None:
        self.ref = ref
        self.seconds = seconds
        self.host = "registry-1.docker.io" if ref.registry == "docker.io" else ref.registry
        official = ref.registry == "docker.io" and "/" not in ref.repository
        self.repository = f"library/{ref.repository}" if official else ref.repository
        self.insecure = insecure
        plain = self._may_be_plain(self.host)
        self.client = Client(ref.registry, plain, seconds)
        self._schemes = ["https", "http"] if plain else ["https"]
        self._authorization = ""

    def _may_be_plain(self, host: str) -> bool:
        return is_loopback(host) or host in self.insecure

    def inspect(self) -> Inspection:
        """All that there is to know, read now."""
        digest, manifest = self._manifest(self.ref.digest or self.ref.tag)
        config = self._json(self._part(manifest.get("config"), "config"))
        settings = config.get("config") or {}
        if not isinstance(settings, dict):
            raise self._invalid("its configuration is malformed")
        platform = f"{config.get('os') or 'linux'}/{config.get('architecture') or 'unknown'}"
        if not re.fullmatch(r"[a-z0-9]{1,20}/[a-z0-9_.]{1,20}", platform):
            raise self._invalid("its platform is malformed")
        return inspection(str(self.ref), digest, "registry", platform, settings, lambda: self._files(manifest))

    # --- manifests ---------------------------------------------------------------------------------------------------

    def _manifest(self, what: str) -> tuple[str, Mapping[str, Any]]:
        """The digest that a tag stands for, and the manifest of the platform that is read."""
        digest, media_type, manifest = self._document(what, self.ref.digest)
        top = digest
        for _ in range(_DEEPEST):
            if media_type not in _LISTS:
                break
            part = self._chosen(manifest)
            digest, media_type, manifest = self._document(part.digest, part.digest)
        if media_type not in _MANIFESTS:
            raise self._stranger(media_type, manifest)
        config = self._part(manifest.get("config"), "config")
        if config.media_type not in _CONFIGS:
            raise self._invalid(f"it is no image of a container but holds {_word(config.media_type)}")
        return top, manifest

    def _document(self, what: str, digest: str) -> tuple[str, str, Mapping[str, Any]]:
        """A manifest or a list of them: its digest, media type and content."""
        deadline = self._deadline()
        answer = self._get(f"manifests/{what}", {"Accept": _ACCEPT}, deadline)
        data = self.client.body(answer, _MOST_JSON, deadline)
        told = answer.headers.get("Docker-Content-Digest", "")
        for expected in (digest, told) if told else (digest,):
            if expected:
                self._verify(expected, data)
        found = digest or told or f"sha256:{_sha256(data)}"
        value = self._parsed(data, "manifest")
        said = str(answer.headers.get("Content-Type", "")).partition(";")[0].strip()
        inner = value.get("mediaType")
        if value.get("schemaVersion") == 1 or "distribution.manifest.v1+" in said:
            raise self._invalid("it has a manifest of schema 1, which proves nothing about its content")
        if isinstance(inner, str) and inner and said in _LISTS | _MANIFESTS and inner != said:
            raise self._invalid("its registry calls the manifest something else than it is")
        media_type = inner if isinstance(inner, str) and inner else said
        return found, media_type, value

    def _chosen(self, manifest: Mapping[str, Any]) -> Part:
        """The manifest of linux/amd64, else the first one for Linux, else the first one."""
        rows = manifest.get("manifests")
        if not isinstance(rows, list) or len(rows) > _MOST_LAYERS:
            raise self._invalid("its list of manifests is malformed")
        found: list[tuple[str, str, str, Part]] = []
        for row in rows:
            part = self._part(row, "list of manifests")
            on = row.get("platform")
            on = on if isinstance(on, dict) else {}
            system, machine = str(on.get("os", "")), str(on.get("architecture", ""))
            if part.media_type in _LISTS | _MANIFESTS and system != "unknown":  # where proofs of the build lie
                found.append((system, machine, str(on.get("variant", "")), part))
        best = sorted(found, key=lambda one: (one[0] != "linux", one[1] != "amd64", one[2] != ""))
        linux = [one for one in found if one[0] == "linux"]
        if best and best[0][:2] == ("linux", "amd64"):
            return best[0][3]
        if not found:
            raise self._invalid("its list of manifests names no image")
        return (linux or found)[0][3]

    def _stranger(self, media_type: str, manifest: Mapping[str, Any]) -> Unseen:
        if media_type in _LISTS:
            return self._invalid("its lists of manifests lead to lists only")
        if not media_type and "config" not in manifest:
            return self._invalid("its registry answers with something that is no manifest")
        return self._invalid(f"its manifest is of a kind that is not known, {_word(media_type)}")

    def _part(self, value: Any, where: str) -> Part:
        if not isinstance(value, dict):
            raise self._invalid(f"its {where} is malformed")
        media_type, digest, size = value.get("mediaType"), value.get("digest"), value.get("size")
        if not isinstance(media_type, str) or not isinstance(digest, str):
            raise self._invalid(f"its {where} is malformed")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise self._invalid(f"its {where} is malformed")
        hasher(digest)
        return Part(media_type, digest, size)

    # --- blobs -------------------------------------------------------------------------------------------------------

    def _json(self, part: Part) -> Mapping[str, Any]:
        if part.size > _MOST_JSON:
            raise self._invalid("its configuration is larger than 8 MiB")
        deadline = self._deadline()
        answer = self._get(f"blobs/{part.digest}", {}, deadline)
        data = self.client.body(answer, part.size, deadline)
        self._verify(part.digest, data)
        return self._parsed(data, "configuration")

    def _files(self, manifest: Mapping[str, Any]) -> Files:
        rows = manifest.get("layers")
        if not isinstance(rows, list) or len(rows) > _MOST_LAYERS:
            raise self._invalid("its list of layers is malformed")
        return accounts(self._readers([self._part(row, "list of layers") for row in rows]))

    def _readers(self, parts: list[Part]) -> Iterator[Callable[[Accounts], None]]:
        for part in reversed(parts):
            yield lambda found, part=part: self._layer(part, found)  # type: ignore[misc]

    def _layer(self, part: Part, found: Accounts) -> None:
        if "encrypted" in part.media_type:
            raise self._invalid("a layer is encrypted")
        if part.size > _MOST_LAYER:
            raise self._invalid("a layer is larger than 8 GiB")
        deadline = Deadline(self.seconds * PATIENCE, self.ref.registry)
        answer = self._get(f"blobs/{part.digest}", {}, deadline)
        with answer:
            blob = _Verified(Body(answer, self.ref.registry, part.size, deadline), part)
            found.add(blob)
            whole = blob.finish()
        if not whole:
            raise self._invalid("a layer is not the one that its manifest names")

    def _verify(self, digest: str, data: bytes) -> None:
        digester = hasher(digest)
        digester.update(data)
        if digester.hexdigest() != digest.partition(":")[2]:
            raise self._invalid("its registry sends something else than its digest names")

    def _parsed(self, data: bytes, what: str) -> Mapping[str, Any]:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise self._invalid(f"its registry answers with a {what} that is none")
        return value

    def _invalid(self, why: str) -> Unseen:
        return Unseen(INVALID, f"{why}; push it anew, or tell its user with [images] in fixer.toml")

    def _deadline(self) -> Deadline:
        return Deadline(self.seconds, self.ref.registry)

    # --- requests ----------------------------------------------------------------------------------------------------

    def _get(self, path: str, headers: Mapping[str, str], deadline: Deadline) -> Response:
        """The good answer to a request, after whatever proof of identity the registry wants.

        Raises:
            Unseen: for any other answer.
        """
        answer = self._open(path, headers, deadline)
        if answer.status_code == 401:  # the first time, or when a token has become too old
            challenge = answer.headers.get("WWW-Authenticate", "")
            self._authorization = self._authorize(challenge, deadline)
            if self._authorization:
                answer.close()
                answer = self._open(path, headers, deadline)
        if answer.status_code != 200:
            raise refuse(answer, self.ref.registry)
        return answer

    def _open(self, path: str, headers: Mapping[str, str], deadline: Deadline) -> Response:
        """The answer of the registry, without TLS only where that is allowed and nothing else works."""
        sent = {**headers, "Authorization": self._authorization} if self._authorization else headers
        while True:
            try:
                answer = self.client.open(self._address(path), sent, deadline)
            except Untold:
                if len(self._schemes) == 1:
                    raise
                self._schemes.pop(0)
                continue
            del self._schemes[1:]
            return answer

    def _address(self, path: str) -> str:
        return f"{self._schemes[0]}://{self.host}/v2/{self.repository}/{path}"

    def _authorize(self, challenge: str, deadline: Deadline) -> str:
        """The value of `Authorization` that a challenge wants; "" where nobody here has it."""
        kind, _, rest = challenge.partition(" ")
        known = credentials(self.ref.registry, self.ref.repository)
        if kind.lower() == "basic":
            return _basic(known) if known is not None and known.user else ""
        if kind.lower() != "bearer":
            return ""
        values = {key.lower(): quoted or bare for key, quoted, bare in _PARAMETER.findall(rest)}
        realm = urlsplit(values.get("realm", ""))
        safe = realm.scheme == "https" or (realm.scheme == "http" and self._may_be_plain(realm.netloc))
        if not safe or not realm.hostname or realm.username is not None:
            raise self._invalid("its registry wants passwords to be sent where they would be read on the way")
        return f"Bearer {self._token(values, known, deadline)}"

    def _token(self, values: Mapping[str, str], known: Credentials | None, deadline: Deadline) -> str:
        """A token to pull, from where the registry says that they are given."""
        realm = values["realm"]
        query = {
            "service": values.get("service", ""),
            "scope": values.get("scope") or f"repository:{self.repository}:pull",
        }
        query = {key: value for key, value in query.items() if value}
        form = None
        headers = {}
        if known is not None and known.identity_token:
            form = {**query, "grant_type": "refresh_token", "client_id": "fixer", "refresh_token": known.identity_token}
        else:
            realm = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
            headers = {"Authorization": _basic(known)} if known is not None else {}
        answer = self.client.open(realm, headers, deadline, form, follow=known is None)
        if answer.status_code != 200:
            raise refuse(answer, self.ref.registry)
        found = self._parsed(self.client.body(answer, _MOST_JSON, deadline), "token")
        token = found.get("token") or found.get("access_token")
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise Unseen(DENIED, f"{self.ref.registry} gives no token that could be used; run 'docker login' again")
        return token


_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|([^",\s]+))')


class _Verified:
    """A blob whose digest and size are computed while it is read."""

    def __init__(self, body: Body, part: Part) -> None:
        self._body = body
        self._part = part
        self._hash = hasher(part.digest)
        self._size = 0

    def read(self, size: int, /) -> bytes:
        piece = self._body.read(size)
        self._hash.update(piece)
        self._size += len(piece)
        return piece

    def finish(self) -> bool:
        """Read what is left, and tell whether it was what the digest names."""
        while self.read(_PIECE):
            pass
        return self._size == self._part.size and self._hash.hexdigest() == self._part.digest.partition(":")[2]


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _basic(known: Credentials) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{known.user}:{known.password}".encode()).decode()


def _word(text: str) -> str:
    """A word of a stranger, as far as it can be shown."""
    return re.sub(r"[^\w.+/-]", "?", text[:80]) or "nothing"
