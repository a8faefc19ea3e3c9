"""The places of Compose files that name the port of a container: in its service, and in those that call it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fixer.understand.compose import Service
from fixer.understand.podports import calls_itself
from fixer.understand.portspots import SCHEMES, Move, Spot, Stuck, scalar_spot
from fixer.understand.shellports import ports
from fixer.understand.workloads import Path, mapping, sequence


def of_service(path: str, service: Service, move: Move) -> Iterator[Spot]:
    """What changes in a service that runs the image: the container's side of its ports, its variables and words.

    Raises:
        Stuck: when the port stands somewhere where it cannot be changed.
    """
    if service.host_network:
        raise Stuck(_place(path, service), f"{service.name} is in the network of its host")
    for key in ("ports", "expose"):
        yield from _listed(path, service, key, move)
    yield from _variables(path, service, move)
    for key in ("command", "entrypoint"):
        yield from _words(path, service, key, move)
    for steps, text in texts(mapping(service.value.get("healthcheck")).get("test"), ("healthcheck", "test")):
        if move.number().search(text) or calls_itself(text, move):
            yield _scalar(path, service, steps, move, "healthcheck")
    for steps, text in texts(service.value.get("labels"), ("labels",)):
        if move.number().search(text):
            raise Stuck(_place(path, service, *steps), f"a label of {service.name} names port {move.old}")


def _place(path: str, service: Service, *steps: str | int) -> str:
    return f"{path}:{service.document.line(service.at(*steps).start)}"


def _scalar(path: str, service: Service, steps: Path, move: Move, what: str) -> Spot:
    if steps[0] not in service.written:
        raise Stuck(_place(path, service), f"{what} of {service.name} comes from another service")
    return scalar_spot(path, service.document, (*service.path, *steps), move, f"{what} of {service.name}")


def _listed(path: str, service: Service, key: str, move: Move) -> Iterator[Spot]:
    for n, one in enumerate(sequence(service.value.get(key))):
        if isinstance(one, dict):
            if str(one.get("target")) == str(move.old):
                yield _scalar(path, service, (key, n, "target"), move, key)
            continue
        full = service.filled(str(one))
        inside = (full or "").rpartition(":")[2].partition("/")[0]
        low, _, high = inside.partition("-")
        if full is None and "$" in str(one):
            raise Stuck(_place(path, service, key, n), f"only the environment knows a port of {service.name}")
        if not low.isdecimal() or not int(low) <= move.old <= int(high if high.isdecimal() else low):
            continue
        if high or not re.search(rf"(?:^|:){move.old}(?:/\w+)?$", str(one)):
            raise Stuck(
                _place(path, service, key, n), f"{key} of {service.name} has port {move.old} in a range or variable"
            )
        yield _scalar(path, service, (key, n), move, key)


def _variables(path: str, service: Service, move: Move) -> Iterator[Spot]:
    for steps, name, value in _environment(service):
        named = re.fullmatch(r"\w*PORTS?", name) is not None and value == str(move.old)
        if named or any(found.port == move.old for found in ports([f"{name}={value}", "server"])):
            yield _scalar(path, service, steps, move, f"environment {name}")
        elif calls_itself(value, move):
            raise Stuck(_place(path, service, *steps), f"environment {name} of {service.name} calls port {move.old}")


def _environment(service: Service) -> Iterator[tuple[Path, str, str]]:
    """The variables of a service: where each stands, its name and its value."""
    value = service.value.get("environment")
    for key, one in mapping(value).items():
        yield ("environment", str(key)), str(key), _plain(one)
    for n, one in enumerate(sequence(value)):
        name, _, text = str(one).partition("=")
        yield ("environment", n), name, text


def _words(path: str, service: Service, key: str, move: Move) -> Iterator[Spot]:
    value = service.value.get(key)
    listed = [str(one) for one in sequence(value)]
    lead = [] if key == "entrypoint" else ["server"]
    known = {found.word - len(lead) for found in ports([*lead, *listed]) if found.port == move.old}
    for steps, text in texts(value, (key,)):
        if not move.number().search(text) and not calls_itself(text, move):
            continue
        if not listed or steps[-1] not in known:
            what = f"{key} of {service.name} names port {move.old} in a way that is not understood"
            raise Stuck(_place(path, service, *steps), what)
        yield _scalar(path, service, steps, move, key)


def callers(path: str, services: tuple[Service, ...], called: Service, move: Move) -> None:
    """Look at the other services of a project, which reach this one by its name and its own port.

    Raises:
        Stuck: when one of them does.
    """
    named = calls(names_of(called), move)
    for other in services:
        if other.name == called.name:
            continue
        for steps, text in texts({key: one for key, one in other.value.items() if key not in ("image", "build")}, ()):
            if named.search(text):
                raise Stuck(_place(path, other, *steps), f"{other.name} calls {called.name} by its port")


def names_of(service: Service) -> tuple[str, ...]:
    """The names under which others of its network reach a service."""
    own = [service.name, *(service.text(key) or "" for key in ("container_name", "hostname"))]
    for network in mapping(service.value.get("networks")).values():
        own += [str(alias) for alias in sequence(mapping(network).get("aliases"))]
    return tuple(dict.fromkeys(name for name in own if name))


def calls(names: tuple[str, ...], move: Move) -> re.Pattern[str]:
    """What a text looks like that calls the port under one of some names."""
    either = "|".join(map(re.escape, names))
    scheme = SCHEMES.get(move.old)
    bare = rf"|{scheme}://(?:{either})(?![\w.:-])" if scheme else ""
    return re.compile(rf"(?<![\w.-])(?:{either}):{move.old}(?!\d){bare}")


def texts(value: Any, steps: Path) -> Iterator[tuple[Path, str]]:
    """All words below a value, each with the way to it."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from texts(one, (*steps, str(key)))
    elif isinstance(value, list):
        for n, one in enumerate(value):
            yield from texts(one, (*steps, n))
    elif value is not None:
        yield steps, _plain(value)


def _plain(value: Any) -> str:
    return "" if value is None else str(value)
