"""Requests to one registry, with bounds on time, bytes and steps; a password never goes where it does not belong."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from fixer.inspecting.unseen import Deadline, Unseen, too_slow
from fixer.model import DENIED, INVALID, MISSING, UNREACHABLE

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_MOST_REDIRECTS = 5
_MOST_TRIES = 3
_PIECE = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({429, 502, 503, 504})
_ALGORITHMS = {"sha256": 64, "sha512": 128}


class Uncertified(Unseen):
    """A host whose certificate nobody vouches for, so that plain text is no way out."""


class Untold(Unseen):
    """A host that could not be reached in this way; another one may do."""


def is_loopback(host: str) -> bool:
    """Whether a host, perhaps with a port, is this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def hasher(digest: str) -> Any:
    """What computes a digest of this kind.

    Raises:
        Unseen: for one that is none, or of an algorithm that registries do not use.
    """
    algorithm, _, value = digest.partition(":")
    if not re.fullmatch(r"[0-9a-f]+", value) or _ALGORITHMS.get(algorithm) != len(value):
        raise Unseen(INVALID, "the registry names a digest that is none; tell its maintainers")
    return hashlib.new(algorithm)


class Client:
    """Requests about one image.

    Args:
        registry: the host that sentences name.
        plain: whether it may send its readers to hosts without TLS.
        seconds: how long nothing may arrive.
    """

    def __init__(self, registry: str, plain: bool, seconds: float) -> None:
        import requests

        class Session(requests.Session):
            def get_redirect_target(self, resp: Response) -> None:
                """None for all: to look where one leads, requests would read its body, which may never end."""

        self.registry = registry
        self.plain = plain
        self.seconds = seconds
        self._session = Session()
        self._answers: list[Response] = []
        # Only what is asked for: a session takes passwords out of ~/.netrc on its own.
        self._session.auth = _nothing

    def close(self) -> None:
        """Let go of all connections."""
        for answer in self._answers:
            answer.close()
        self._session.close()

    def open(
        self,
        url: str,
        headers: Mapping[str, str],
        deadline: Deadline,
        form: Mapping[str, str] | None = None,
        follow: bool = True,
    ) -> Response:
        """The answer to a request, its body not read yet; redirects followed, without `Authorization` elsewhere.

        Raises:
            Unseen: when there is none in time, or a redirect leads nowhere good.
        """
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._patiently(url, headers, deadline, form)
            where = answer.headers.get("Location")
            if answer.status_code not in _REDIRECTS or not where:
                return answer
            answer.close()
            if not follow:
                raise Unseen(INVALID, f"{self.registry} redirects where a password is due; it got none")
            following = self._allowed(url, where)
            if _origin(following) != _origin(url):
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url = following
        raise Unseen(UNREACHABLE, f"{self.registry} redirects in a circle; tell its maintainers")

    def _allowed(self, url: str, where: str) -> str:
        """Where a redirect leads; refused where that is not to be asked: without TLS, or by another protocol."""
        try:
            following = urljoin(url, where)
            parts = urlsplit(following)
            host, _ = parts.hostname, parts.port
        except ValueError:
            following, host, parts = "", None, urlsplit("")
        if not host or parts.scheme not in ("https", "http") or parts.username is not None:
            raise Unseen(INVALID, f"{self.registry} redirects to an address that is none; tell its maintainers")
        if parts.scheme == "http" and not self.plain:
            raise Unseen(INVALID, f"{self.registry} redirects to http://{host}, which is not asked without TLS")
        return following

    def _patiently(
        self, url: str, headers: Mapping[str, str], deadline: Deadline, form: Mapping[str, str] | None
    ) -> Response:
        """One answer; who asks to come back later is asked again, as long as there is time."""
        for attempt in range(1, _MOST_TRIES + 1):
            answer = self._once(url, headers, deadline, form)
            if answer.status_code not in _LATER or attempt == _MOST_TRIES:
                return answer
            wait = _seconds(answer.headers.get("Retry-After", ""), attempt)
            answer.close()
            if wait >= deadline.left():
                return answer
            time.sleep(wait)
        raise AssertionError("unreachable")

    def _once(
        self, url: str, headers: Mapping[str, str], deadline: Deadline, form: Mapping[str, str] | None
    ) -> Response:
        from requests import exceptions

        left = min(deadline.left(), self.seconds)
        sent = {"Accept-Encoding": "identity", "User-Agent": "fixer", **headers}
        try:
            answer = self._session.request(
                "GET" if form is None else "POST",
                url,
                headers=sent,
                data=form,
                timeout=left,
                stream=True,
                allow_redirects=False,
            )
            self._answers.append(answer)
            return answer
        except (exceptions.Timeout, TimeoutError):
            raise Unseen(UNREACHABLE, too_slow(_shown(url), self.seconds)) from None
        except exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                message = (
                    f"{_shown(url)} has a certificate that nobody vouches for; set REQUESTS_CA_BUNDLE to your own CA"
                )
                raise Uncertified(UNREACHABLE, message) from None
            raise Untold(UNREACHABLE, f"{_shown(url)} speaks no TLS that works; check its address") from None
        except (exceptions.RequestException, OSError, ValueError):
            # without the cause, which shows whole addresses, signed ones too
            raise Untold(UNREACHABLE, f"{_shown(url)} cannot be reached; check its name and your network") from None

    def body(self, answer: Response, most: int, deadline: Deadline) -> bytes:
        """The whole body of an answer.

        Raises:
            Unseen: when it is larger than `most` bytes, or does not come in time.
        """
        stream = Body(answer, self.registry, most, deadline)
        pieces: list[bytes] = []
        while piece := stream.read(_PIECE):
            pieces.append(piece)
        return b"".join(pieces)


class Body:
    """The body of an answer, as it comes.

    Args:
        answer: a streamed one.
        registry: the host that sentences name.
        most: the bytes that it may have.
        deadline: until when it has to be there.
    """

    def __init__(self, answer: Response, registry: str, most: int, deadline: Deadline) -> None:
        self._answer = answer
        self._registry = registry
        self._left = most
        self._deadline = deadline

    def read(self, size: int, /) -> bytes:
        """What has arrived, at most so many bytes; nothing at the end.

        Raises:
            Unseen: when it is too large, too late, or breaks off.
        """
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        self._deadline.left()
        try:
            piece: bytes = self._answer.raw.read1(min(size, _PIECE), decode_content=False)
        except (ReadTimeoutError, TimeoutError):
            raise Unseen(UNREACHABLE, too_slow(self._registry, self._deadline.seconds)) from None
        except (HTTPError, OSError, ValueError):
            raise Unseen(UNREACHABLE, f"{self._registry} broke off in the middle of an answer; try again") from None
        self._left -= len(piece)
        if self._left < 0:
            self._answer.close()
            raise Unseen(INVALID, f"{self._registry} sends more than it said or than makes sense; it was not read")
        return piece


def refuse(answer: Response, registry: str) -> Unseen:
    """The sentence about an answer that is no good, by its status."""
    status = answer.status_code
    answer.close()
    if status in (401, 403):
        return Unseen(
            DENIED, f"{registry} shows it to nobody without the right password; run 'docker login {registry}'"
        )
    if status == 404:
        return Unseen(MISSING, f"{registry} has no such image; check its name and tag")
    if status == 429:
        return Unseen(UNREACHABLE, f"{registry} limits how often it is asked; log in to it, or try again later")
    return Unseen(UNREACHABLE, f"{registry} answers with status {status}; try again later")


def _nothing(request: PreparedRequest) -> PreparedRequest:
    return request


def _seconds(text: str, attempt: int) -> float:
    """How long to wait: as the registry says in seconds or as a date, else longer each time."""
    if text.isascii() and text.isdigit():
        return float(text)
    if text:
        from email.utils import parsedate_to_datetime

        try:
            then: float = parsedate_to_datetime(text).timestamp()
            return max(0.0, then - time.time())
        except (ValueError, OverflowError):
            pass
    return 0.5 * (1 << attempt)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _shown(url: str) -> str:
    """The host of an address: the rest may hold a signature."""
    return urlsplit(url).netloc.rpartition("@")[2]
