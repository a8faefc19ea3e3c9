"""The places of Kubernetes objects that name the port of a container: in its pod, and in what sends to that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fixer.model import SetKey
from fixer.syntax.yaml import Document
from fixer.tuples import NamedTuple
from fixer.understand.pods import Member, Pod
from fixer.understand.portspots import SCHEMES, Move, Spot, Stuck, scalar_spot
from fixer.understand.shellports import ports
from fixer.understand.workloads import Path, mapping, sequence, word

_CALLS = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
_HERE = r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])"
# What names ports of pods and is not followed: who has one of these knows it.
_UNFOLLOWED = frozenset(
    "PodMonitor ServiceMonitor PeerAuthentication AuthorizationPolicy Sidecar EnvoyFilter WorkloadEntry Server"
    " CiliumNetworkPolicy BackendTrafficPolicy".split()
)


class Seat(NamedTuple):
    """A container that runs the image: the file it is in, its pod, and itself."""

    path: str
    pod: Pod
    member: Member


class Object(NamedTuple):
    """An object of a file: its document, and where in that it is (not at the top in a List)."""

    path: str
    document: Document
    steps: Path
    value: Mapping[Any, Any]

    @property
    def kind(self) -> str:
        """Its kind."""
        return word(self.value.get("kind"))

    @property
    def name(self) -> str:
        """Its kind and name, for a sentence."""
        return f"{self.kind} {word(mapping(self.value.get('metadata')).get('name'))}"

    @property
    def namespace(self) -> str:
        """Its namespace, "" where it does not say."""
        return word(mapping(self.value.get("metadata")).get("namespace"))

    def line(self) -> int:
        """The line on which it begins."""
        node = self.document.find(self.steps) or self.document.root
        return self.document.line(node.start)


def objects(path: str, documents: Iterable[Document]) -> Iterator[Object]:
    """The objects of a file, those of a List one by one."""
    for document in documents:
        value = mapping(document.value)
        listed = sequence(value.get("items")) if word(value.get("kind")).endswith("List") else ()
        if not listed:
            yield Object(path, document, (), value)
        for n, one in enumerate(listed):
            yield Object(path, document, ("items", n), mapping(one))


# --- in the pod -----------------------------------------------------------------------------------------------------


def of_container(seat: Seat, move: Move) -> Iterator[Spot]:
    """What changes in a container: its ports, its probes, its variables and arguments.

    Raises:
        Stuck: when the port stands somewhere where it cannot be changed.
    """
    path, pod, member = seat
    value, name = member.container.value, member.name
    if pod.host_network:
        raise Stuck(f"{path}:{_line(pod, member.path)}", f"{name} is in the network of its node")
    for n, row in enumerate(map(mapping, sequence(value.get("ports")))):
        if row.get("containerPort") == move.old:
            yield _scalar(seat, ("ports", n, "containerPort"), move, f"containerPort of {name}")
    for key in _CALLS:
        for steps, port in _called(mapping(value.get(key)), (key,)):
            if port == move.old:
                yield _scalar(seat, steps, move, f"{key} of {name}")
            elif port == str(move.old):
                raise Stuck(f"{path}:{_line(pod, (*member.path, *steps))}", f"{key} of {name} has the port as text")
        for text in _commands(mapping(value.get(key))):
            _refuse_call(seat, text, key, move)
    yield from _of_variables(seat, move)
    for key in ("command", "args"):
        yield from _of_words(seat, key, move)


def _called(value: Mapping[Any, Any], steps: Path) -> Iterator[tuple[Path, Any]]:
    """The ports of the calls of a probe or a hook."""
    for key, below in value.items():
        if key in ("httpGet", "tcpSocket", "grpc"):
            yield (*steps, key, "port"), mapping(below).get("port")
        elif key in ("postStart", "preStop"):
            yield from _called(mapping(below), (*steps, key))


def _commands(value: Mapping[Any, Any]) -> Iterator[str]:
    for key, below in value.items():
        if key == "exec":
            yield " ".join(word(one) for one in sequence(mapping(below).get("command")))
        elif key in ("postStart", "preStop"):
            yield from _commands(mapping(below))


def _refuse_call(seat: Seat, text: str, what: str, move: Move) -> None:
    if calls_itself(text, move):
        place = f"{seat.path}:{_line(seat.pod, seat.member.path)}"
        raise Stuck(place, f"{what} of {seat.member.name} calls port {move.old} in a command")


def calls_itself(text: str, move: Move) -> bool:
    """Whether a text calls the port on its own host, named or by what a URL means without it."""
    scheme = SCHEMES.get(move.old)
    bare = rf"|{scheme}://{_HERE}(?![\w.:])" if scheme else ""
    return re.search(rf"{_HERE}:{move.old}(?!\d){bare}", text) is not None


def _of_variables(seat: Seat, move: Move) -> Iterator[Spot]:
    for n, row in enumerate(map(mapping, sequence(seat.member.container.value.get("env")))):
        name, value = word(row.get("name")), row.get("value")
        if value is None:
            if name in ("PORT", "HTTP_PORT", "SERVER_PORT"):
                raise Stuck(
                    f"{seat.path}:{_line(seat.pod, (*seat.member.path, 'env', n))}", f"{name} comes from elsewhere"
                )
            continue
        text = str(value)
        named = re.fullmatch(r"\w*PORTS?", name) is not None and text == str(move.old)
        if named or any(found.port == move.old for found in ports([f"{name}={text}", "server"])):
            yield _scalar(seat, ("env", n, "value"), move, f"env {name} of {seat.member.name}")
        else:
            _refuse_call(seat, text, f"env {name}", move)


def _of_words(seat: Seat, key: str, move: Move) -> Iterator[Spot]:
    words = [word(one) for one in sequence(seat.member.container.value.get(key))]
    named = {n for n, text in enumerate(words) if move.number().search(text) or calls_itself(text, move)}
    # what stands in `args` alone are the arguments of a program that the image names
    lead = [] if key == "command" else ["server"]
    known = {found.word - len(lead) for found in ports([*lead, *words]) if found.port == move.old}
    for n in sorted(named):
        if n not in known:
            where = f"{seat.path}:{_line(seat.pod, (*seat.member.path, key, n))}"
            raise Stuck(where, f"{key} of {seat.member.name} names port {move.old} in a way that is not understood")
        yield _scalar(seat, (key, n), move, f"{key} of {seat.member.name}")


def neighbours(seat: Seat, move: Move) -> None:
    """Look at the other containers of the pod, which share its network.

    Raises:
        Stuck: when one of them calls the port.
    """
    for other in seat.pod.members:
        if other.path == seat.member.path:
            continue
        texts = [word(mapping(row).get("value")) for row in sequence(other.container.value.get("env"))]
        for text in (*texts, *other.words):
            _refuse_call(seat._replace(member=other), text, "a word", move)


def _scalar(seat: Seat, steps: Path, move: Move, what: str) -> Spot:
    return scalar_spot(seat.path, seat.pod.document, (*seat.member.path, *steps), move, what)


def _line(pod: Pod, path: Path) -> int:
    return pod.document.line(pod.at(path).start)


# --- what sends to the pod --------------------------------------------------------------------------------------------


def of_object(one: Object, pods: Iterable[tuple[Pod, bool]], move: Move) -> Iterator[Spot]:
    """What changes in an object that sends to pods, or lets others send to them.

    Args:
        one: the object.
        pods: the pods of the repository, each with whether a container of it moves the port.
        move: the port.

    Raises:
        Stuck: when it speaks of pods that keep the port too, or of the port in a way that is not understood.
    """
    spec = mapping(one.value.get("spec"))
    if one.kind == "Service":
        yield from _service(one, spec, list(pods), move)
    elif one.kind == "NetworkPolicy":
        yield from _policy(one, spec, list(pods), move)
    elif one.kind in _UNFOLLOWED and any(_reaches(one, labels, pods) for labels in _selectors(spec)):
        if not move.number().search(one.document.text[slice(*one.document.span)]):
            return
        raise Stuck(f"{one.path}:{one.line()}", f"{one.name} may name port {move.old} of the pod")


def _reaches(one: Object, labels: Mapping[Any, Any], pods: Iterable[tuple[Pod, bool]]) -> bool:
    return any(moves and _selected(one, labels, pod) for pod, moves in pods)


def _selectors(spec: Mapping[Any, Any]) -> Iterator[Mapping[Any, Any]]:
    for key in ("selector", "workloadSelector", "podSelector", "endpointSelector"):
        value = mapping(spec.get(key))
        yield mapping(value.get("matchLabels")) or mapping(value.get("labels")) or value


def _selected(one: Object, labels: Mapping[Any, Any], pod: Pod, *, empty: bool = True) -> bool:
    own = mapping(pod.template.metadata.get("labels"))
    namespace = word(mapping(mapping(pod.document.value).get("metadata")).get("namespace"))
    if one.namespace and namespace and one.namespace != namespace:
        return False
    return (empty or bool(labels)) and all(own.get(key) == value for key, value in labels.items())


def _service(one: Object, spec: Mapping[Any, Any], pods: list[tuple[Pod, bool]], move: Move) -> Iterator[Spot]:
    labels = mapping(spec.get("selector"))
    reached = [moves for pod, moves in pods if _selected(one, labels, pod, empty=False)]
    if not any(reached):
        return
    for n, row in enumerate(map(mapping, sequence(spec.get("ports")))):
        steps = (*one.steps, "spec", "ports", n)
        target, port = row.get("targetPort"), row.get("port")
        if target not in (move.old, str(move.old)) and not (target is None and port == move.old):
            continue
        node = one.document.find(steps)
        line = one.document.line(node.start) if node is not None else one.line()
        if not all(reached):
            raise Stuck(f"{one.path}:{line}", f"{one.name} also sends to pods whose port {move.old} stays")
        if spec.get("clusterIP") == "None":
            raise Stuck(f"{one.path}:{line}", f"{one.name} has no address of its own, so that callers name the port")
        if target is not None:
            yield scalar_spot(one.path, one.document, (*steps, "targetPort"), move, f"targetPort of {one.name}")
        else:
            change = SetKey(one.document.index, steps, "targetPort", move.new, after=("port",))
            yield Spot(one.path, line, f"targetPort of {one.name}", None, one.document.index, steps, None, change)


def _policy(one: Object, spec: Mapping[Any, Any], pods: list[tuple[Pod, bool]], move: Move) -> Iterator[Spot]:
    reached = [moves for pod, moves in pods if _selected(one, _labels(spec.get("podSelector")), pod)]
    for n, rule in enumerate(map(mapping, sequence(spec.get("ingress")))):
        if any(reached):
            yield from _ports(one, ("ingress", n), rule, all(reached), move)
    for n, rule in enumerate(map(mapping, sequence(spec.get("egress")))):
        peers = list(map(mapping, sequence(rule.get("to"))))
        sent = [moves for peer in peers for pod, moves in pods if _selected(one, _labels(peer.get("podSelector")), pod)]
        if any(sent) or not peers:
            whole = bool(peers) and all(sent) and all("podSelector" in peer for peer in peers)
            yield from _ports(one, ("egress", n), rule, whole, move)


def _labels(selector: Any) -> Mapping[Any, Any]:
    return mapping(mapping(selector).get("matchLabels"))


def _ports(one: Object, steps: Path, rule: Mapping[Any, Any], whole: bool, move: Move) -> Iterator[Spot]:
    for n, row in enumerate(map(mapping, sequence(rule.get("ports")))):
        low, high = row.get("port"), row.get("endPort")
        covered = isinstance(low, int) and isinstance(high, int) and low <= move.old <= high
        if low != move.old and not covered:
            continue
        if not whole or covered:
            raise Stuck(f"{one.path}:{one.line()}", f"{one.name} names port {move.old} of other pods too")
        at = (*one.steps, "spec", *steps, "ports", n, "port")
        yield scalar_spot(one.path, one.document, at, move, f"{steps[0]} of {one.name}")
