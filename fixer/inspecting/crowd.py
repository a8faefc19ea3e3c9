"""Many images at once, each with its own time, so that one registry that hangs holds up nobody."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable

from fixer.config import Config
from fixer.errors import UsageError
from fixer.inspecting.unseen import Unseen, too_slow
from fixer.lock import Inspection
from fixer.model import UNREACHABLE

Read = Callable[[str], Inspection]
_AT_ONCE = 8
_PATIENCE = 20  # times the seconds of an answer, for all answers and layers of an image together
_MISSING = "reading images needs more packages; install them with: pip install 'nonroot-fixer[inspect]'"


def reader(source: str, config: Config) -> Read:
    """What reads an image from an `engine` or a `registry`.

    Raises:
        UsageError: when the packages for it are not installed, with how to install them.
    """
    try:
        if source == "engine":
            import docker  # noqa: F401

            from fixer.inspecting.engine import from_engine

            return lambda reference: from_engine(reference, config.inspect_timeout)
        import requests  # noqa: F401
        import zstandard  # noqa: F401

        from fixer.inspecting.registry import from_registry
    except ImportError as error:
        raise UsageError(_MISSING) from error
    return lambda reference: from_registry(reference, config.inspect_timeout, config.insecure_registries)


def inspect_all(references: Iterable[str], read: Read, seconds: float) -> dict[str, Inspection | Unseen]:
    """What each image says about itself, or why it was not read; in the order of the names.

    Args:
        references: as `ImageRef.exact` writes them.
        read: reads one of them.
        seconds: how long one answer may take.
    """
    waiting = sorted(set(references), reverse=True)
    answers: queue.SimpleQueue[tuple[str, Inspection | Unseen]] = queue.SimpleQueue()
    out: dict[str, Inspection | Unseen] = {}
    begun: dict[str, float] = {}
    limit = seconds * _PATIENCE
    while waiting or begun:
        while waiting and len(begun) < _AT_ONCE:
            reference = waiting.pop()
            begun[reference] = time.monotonic()
            threading.Thread(target=_one, args=(reference, read, answers), daemon=True).start()
        try:
            reference, answer = answers.get(timeout=max(0.0, min(begun.values()) + limit - time.monotonic()))
        except queue.Empty:
            # who trickles a byte now and then is left alone; its thread ends with the program
            reference = min(begun, key=lambda name: begun[name])
            answer = Unseen(UNREACHABLE, too_slow(reference, limit))
        if begun.pop(reference, None) is not None:
            out[reference] = answer
    return dict(sorted(out.items()))


def _one(reference: str, read: Read, answers: queue.SimpleQueue[tuple[str, Inspection | Unseen]]) -> None:
    try:
        answers.put((reference, read(reference)))
    except Unseen as error:
        answers.put((reference, error))
    except Exception as error:
        # A defect of ours must not take the others along, nor show what a registry sent.
        message = f"reading it failed in a way that nobody foresaw ({type(error).__name__}); tell the makers of fixer"
        answers.put((reference, Unseen(UNREACHABLE, message)))
