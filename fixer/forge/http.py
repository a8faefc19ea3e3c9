"""Requests to one forge, for all clients alike: bounds on time, bytes and steps, and one sentence for what goes wrong.

What a client sends goes through a session that knows one address: a token never goes anywhere else, whatever an answer
says. Nothing is tried again here, and nobody waits; errors say how long the caller should.
"""

from __future__ import annotations

import io
import ipaddress
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from fixer import masking
from fixer.errors import UsageError
from fixer.forge.base import ForgeError

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

SECONDS = 30.0
"""How long a forge may be silent."""
PATIENCE = 4
"""A whole answer may take so many times longer."""
AGAIN = 30.0
"""How many seconds to wait after trouble that passes by itself, when the forge does not say."""
SECONDARY = 60.0
"""What GitHub wants after a secondary limit that does not say how long."""
_MOST_BYTES = 64 << 20
_MOST_WAIT = 86_400.0
_MOST_REDIRECTS = 3
_PIECE = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({202, 408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
_KEYS = frozenset({"authorization", "private-token", "job-token"})


class Web:
    """One forge as others reach it.

    Args:
        base: the address of its interface, such as `https://api.github.com`.
        seconds: how long nothing may arrive.

    Raises:
        UsageError: for an address that is none, or that would carry a token without TLS.
    """

    def __init__(self, base: str, seconds: float = SECONDS) -> None:
        self.base = base.rstrip("/")
        self.seconds = seconds
        self._origin = origin(base)
        if self._origin is None:
            shown = base.rpartition("@")[2]  # without a password
            raise UsageError(f"'{shown}' is no address of a forge; give one such as https://git.example.com")
        if self._origin[0] == "http" and not is_loopback(self._origin[1]):
            raise UsageError(f"{base} would carry the token in plain text; give an address with https://")
        self.host = urlsplit(base).netloc
        self.session = self._guarded()

    def _guarded(self) -> Session:
        """A session that sends through `_send`, and takes no passwords from files."""
        try:
            import requests
        except ModuleNotFoundError:
            words = "pull requests need more packages; install them with: pip install 'nonroot-fixer[pr]'"
            raise UsageError(words) from None

        web = self

        class Guarded(requests.Session):
            def send(self, request: PreparedRequest, **options: Any) -> Response:
                return web._send(super().send, request, options)

            def get_redirect_target(self, resp: Response) -> None:
                """None for all: `_send` decides."""

        session = Guarded()
        session.auth = _as_it_is
        session.headers.update({"User-Agent": "nonroot-fixer", "Accept-Encoding": "identity"})
        return session

    def _send(self, send: Any, request: PreparedRequest, options: dict[str, Any]) -> Response:
        """The good answer to a request, its body read.

        Raises:
            ForgeError: for any other.
        """
        limit = time.monotonic() + self.seconds * PATIENCE
        self._know_keys(request)
        if origin(str(request.url)) != self._origin:
            raise ForgeError(f"{self.host} leads to another address, which gets no token; check the forge's address")
        answer = self._once(send, request, options, limit)
        for _ in range(_MOST_REDIRECTS):
            where = answer.headers.get("Location")
            if answer.status_code not in _REDIRECTS or not where:
                break
            request = self._followed(request, where)
            answer = self._once(send, request, options, limit)
        if not 200 <= answer.status_code < 300 or answer.status_code == 202:
            raise refusal(self.host, answer.status_code, answer.headers, said(answer.content))
        return answer

    def _know_keys(self, request: PreparedRequest) -> None:
        """Tokens that a client made by itself are to be masked too."""
        for name, value in request.headers.items():
            if name.lower() in _KEYS:
                masking.register(str(value).rpartition(" ")[2])

    def _followed(self, request: PreparedRequest, where: str) -> PreparedRequest:
        """The request to where a forge sends it: a repository that was renamed may be read there, but not written.

        Raises:
            ForgeError: when it leads elsewhere, or would change something.
        """
        try:
            following = urljoin(str(request.url), where)
        except ValueError:
            following = ""
        if origin(following) != self._origin:
            message = f"{self.host} redirects to another address, which gets no token; check the forge's address"
            raise ForgeError(message)
        if request.method not in ("GET", "HEAD"):
            raise ForgeError(f"{self.host} says that the repository has moved; name it as it is called now")
        again = request.copy()
        again.url = following
        return again

    def _once(self, send: Any, request: PreparedRequest, options: dict[str, Any], limit: float) -> Response:
        from requests import exceptions

        left = min(limit - time.monotonic(), self.seconds)
        if left <= 0:
            raise self._too_slow()
        options = {**options, "timeout": left, "stream": True, "allow_redirects": False}
        try:
            answer = _within(limit, lambda: send(request, **options))
            data = self._body(answer, limit)
        except (exceptions.Timeout, TimeoutError):
            raise self._too_slow() from None
        except exceptions.SSLError:
            message = f"{self.host} has no certificate that could be trusted; set REQUESTS_CA_BUNDLE to your own CA"
            raise ForgeError(message) from None
        except (exceptions.RequestException, OSError, ValueError):
            # without the cause, which shows headers
            raise ForgeError(f"{self.host} cannot be reached; check its name and your network", AGAIN) from None
        answer.raw = io.BytesIO(data)
        answer.encoding = "utf-8"
        return answer

    def _body(self, answer: Response, limit: float) -> bytes:
        """All bytes of an answer; a trickle is not waited for."""
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        pieces, left = [], _MOST_BYTES
        try:
            while piece := answer.raw.read1(_PIECE, decode_content=False):
                pieces.append(piece)
                left -= len(piece)
                if left < 0:
                    answer.close()
                    raise ForgeError(f"{self.host} sends more than makes sense; what it said was not read")
                if time.monotonic() > limit:
                    answer.close()
                    raise self._too_slow()
        except ReadTimeoutError:
            raise self._too_slow() from None
        except HTTPError:
            raise ForgeError(f"{self.host} broke off in the middle of an answer; try again", AGAIN) from None
        return b"".join(pieces)

    def _too_slow(self) -> ForgeError:
        return ForgeError(f"{self.host} did not answer within {self.seconds:g} seconds; try again later", AGAIN)

    @contextmanager
    def understood(self) -> Iterator[None]:
        """What a client raises over an answer of another shape than it knows, as one sentence.

        Raises:
            ForgeError: for each.
        """
        try:
            yield
        except (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            raise self.odd() from None

    def odd(self) -> ForgeError:
        """The error about an answer that makes no sense."""
        return ForgeError(f"{self.host} answers with something that makes no sense; check that it is the right forge")


def _within(limit: float, act: Callable[[], Response]) -> Response:
    """What an act gives until a moment: the head of an answer may trickle too, which no timeout of a socket sees.

    Raises:
        TimeoutError: when it takes longer; it goes on by itself, and what it gives in the end is closed.
    """
    done: SimpleQueue[Response | BaseException] = SimpleQueue()
    late = threading.Event()

    def work() -> None:
        try:
            found: Response | BaseException = act()
        except BaseException as error:
            found = error
        done.put(found)
        if late.is_set():
            _let_go(done)

    threading.Thread(target=work, daemon=True).start()
    try:
        found = done.get(timeout=max(limit - time.monotonic(), 0))
    except Empty:
        late.set()
        _let_go(done)
        raise TimeoutError from None
    if isinstance(found, BaseException):
        raise found
    return found


def _let_go(done: SimpleQueue[Response | BaseException]) -> None:
    """Close an answer that nobody waits for any more, if it has come."""
    try:
        found = done.get_nowait()
    except Empty:
        return
    if not isinstance(found, BaseException):
        found.close()


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    return request


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an address, None for one without, or with a user in it."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not host or parts.username is not None or port is None:
        return None
    return parts.scheme, host, port


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refusal(host: str, status: int, headers: Mapping[str, str], what: str) -> ForgeError:
    """The error about an answer that is no good.

    Args:
        host: who answered.
        status: of the answer.
        headers: of the answer, by any case.
        what: the words of the forge, as `said` gives them.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    wait = _wait(lower)
    because = f" ({what})" if what else ""
    limited = status == 429 or (status == 403 and (wait is not None or _speaks_of_limits(what)))
    if limited:
        return ForgeError(f"{host} limits how often it is asked{because}; wait a while", wait or SECONDARY, status)
    if status == 401:
        return ForgeError(
            f"{host} does not accept the token; make a new one, and put it into the environment", None, 401
        )
    if status == 403:
        return ForgeError(f"{host} does not allow that{because}; give the token the rights for it", None, 403)
    if status in (404, 410):
        message = f"{host} has no such repository or request, or hides it; check its name and what the token may see"
        return ForgeError(message, None, status)
    if status in (400, 409, 422):
        why = because or f" (status {status})"
        return ForgeError(f"{host} refuses that{why}; correct what it names, and run again", None, status)
    if status in _BUSY:
        return ForgeError(f"{host} is in trouble (status {status}); try again later", wait or AGAIN, status)
    todo = "ask those who run it" if what else "check the forge's address"
    return ForgeError(f"{host} answers with status {status}{because}; {todo}", wait, status)


def _speaks_of_limits(what: str) -> bool:
    return bool(re.search(r"rate limit|abuse detection|too many requests", what, re.IGNORECASE))


def _wait(headers: Mapping[str, str]) -> float | None:
    """How many seconds a forge wants to be left alone; None where it does not say."""
    now = _moment(headers.get("date", "")) or time.time()
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", told, re.ASCII):
        return _bounded(float(told))
    then = _moment(told)
    if then is not None:
        return _bounded(then - now)
    for prefix in ("x-ratelimit", "ratelimit"):
        reset = headers.get(f"{prefix}-reset", "").strip()
        if headers.get(f"{prefix}-remaining", "").strip() == "0" and re.fullmatch(r"\d{1,12}", reset, re.ASCII):
            return _bounded(float(reset) - now)
    return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 1.0), _MOST_WAIT)


def _moment(text: str) -> float | None:
    """Seconds since 1970 of a date in a header."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def said(data: bytes) -> str:
    """The words of a forge about an error, short and without anything that a terminal or a token would mind."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    words: list[str] = []
    for key in ("message", "error", "error_description", "errors"):
        if isinstance(value, dict) and key in value:
            words += _words(value[key])
    return shown("; ".join(dict.fromkeys(words)), 300)


def _words(value: Any) -> list[str]:
    """The texts in a message, which may be a text, a list of them, or what is wrong by field."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, list):
        return [word for one in value[:5] for word in _words(one)]
    if isinstance(value, dict):
        named = value.get("message")
        if isinstance(named, str):
            return [named]
        pairs = [(key, _words(one)) for key, one in list(value.items())[:5]]
        return [f"{key} {word}" for key, words in pairs if key not in ("resource", "code") for word in words]
    return []


def shown(text: str, most: int) -> str:
    """Words of a stranger in one line, without control characters, cut."""
    line = re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+", " ", masking.mask(text)).strip()
    return line if len(line) <= most else f"{line[: most - 3]}..."
