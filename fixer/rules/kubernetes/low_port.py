"""A container that is not root listens on a port below 1024.

## What it finds
A container that is not root, or that this run takes off root, and that names a port below 1024, or whose image is known
to listen on one. Not where the pod already opens such ports with the sysctl `net.ipv4.ip_unprivileged_port_start`, and
not with `hostNetwork`.

## Why it matters
Linux lets only root bind these ports. Many runtimes open them to all, others do not, and then the program ends with
`bind: permission denied`. A capability in the manifest does not help: `NET_BIND_SERVICE` has no effect for a process
that is not root.

## How safe the fix is
Where this run takes the container off root, the sysctl is a part of that change (`review`): Kubernetes counts it as a
safe one from 1.22 on, and the restricted level allows it. Containers that were not root before are left: most runtimes
let them bind the port, and they are told for those that do not. To move the port is cleaner and touches more places,
which the instructions name; a person has to do it, since the program must be told too.

## References
Kubernetes, Using sysctls in a Cluster; Linux, `ip_unprivileged_port_start`; capabilities(7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from fixer.errors import Unreadable
from fixer.model import EnsureItem, Finding, Fix, Goal, Refusal, Safety, Severity, YamlChange
from fixer.podusers import UNPRIVILEGED_PORTS, Seat, closed_ports
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.syntax.yaml import parse_slice, slices
from fixer.understand.pods import Member, Pod
from fixer.understand.workloads import mapping, sequence, word

CARD = Card(
    id="KS018",
    name="low-port",
    title="A container that is not root listens on a port below 1024",
    severity=Severity.LOW,
    goals=frozenset({Goal.NONROOT, Goal.RESTRICTED, Goal.HARDENED}),
    standards=("Kubernetes: safe sysctls",),
)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container."""
    for pod in view.pods:
        if pod.windows or pod.host_network:
            continue
        for seat in view.plan(pod).seats:
            ports = list(closed_ports(pod, seat.member, seat.image))
            if ports and seat.refusal is None:
                yield _finding(view, pod, seat, ports)


def _finding(view: ManifestView, pod: Pod, seat: Seat, ports: list[int]) -> Finding:
    member = seat.member
    listed = " and ".join(map(str, ports))
    message = f"{view.names[pod.key]}: {member.name} is not root and listens on port {listed}"
    at = pod.at((*member.path, "ports"))
    other = (_move(view, pod, member, ports),)
    if not seat.moves:
        sysctl = (
            f'add the sysctl {UNPRIVILEGED_PORTS["name"]} with value "0" to the pod, or ' if pod.has_context else ""
        )
        why = f"most runtimes and some images let everybody bind it; where one does not, {sysctl}move the port"
        refusal = Refusal("runtime-decides", why)
        return view.finding(CARD, at, message, fix=refusal, alternatives=other, severity=Severity.INFO)
    if not _opened(view, pod, seat):
        return view.finding(CARD, at, message, fix=other[0])
    fix = view.user_fix(pod, member, "the sysctl that opens ports below 1024, with the change of the user")
    return view.finding(CARD, at, message, fix=fix, alternatives=other)


def _opened(view: ManifestView, pod: Pod, seat: Seat) -> bool:
    """Whether the change that takes a container off root opens its ports."""
    plan = view.plan(pod)
    changes: tuple[YamlChange, ...] = plan.whole or plan.each.get(plan.seats.index(seat), ())
    return any(isinstance(change, EnsureItem) and change.value == UNPRIVILEGED_PORTS for change in changes)


# --- the places that name a port ------------------------------------------------------------------------------------


def _move(view: ManifestView, pod: Pod, member: Member, ports: list[int]) -> Fix:
    """The instructions to move the ports."""
    steps = []
    for port in ports:
        names = [row.get("name") for row in _rows(member, "ports") if row.get("containerPort") == port]
        places = [*_in_container(pod, member, port), *_in_file(view, pod, port, [n for n in names if n])]
        named = f", then change it in this file: {'; '.join(places)}" if places else ""
        steps.append(f"let {member.name} listen on {8000 + port} instead of {port}{named}")
    end = "what stands in other files, such as an Ingress or the configuration of the program, is not listed"
    title = f"move the port to {8000 + ports[0]}"
    risk = "the program must be told its port, and whoever calls the pod by number"
    return Fix(title, Safety.MANUAL, risk, instructions=f"{'. '.join(steps)}; {end}.")


def _rows(member: Member, key: str) -> list[Mapping[Any, Any]]:
    return [mapping(one) for one in sequence(member.container.value.get(key))]


def _in_container(pod: Pod, member: Member, port: int) -> Iterator[str]:
    for n, row in enumerate(_rows(member, "ports")):
        if row.get("containerPort") == port:
            yield f"containerPort of {member.name} (line {_line(pod, (*member.path, 'ports', n))})"
    value = member.container.value
    for name in _PROBES:
        for call in ("httpGet", "tcpSocket", "grpc"):
            if mapping(mapping(value.get(name)).get(call)).get("port") == port:
                yield f"{name} of {member.name} (line {_line(pod, (*member.path, name, call, 'port'))})"
    for key in ("command", "args"):
        for n, text in enumerate(sequence(value.get(key))):
            if _names(text, port):
                yield f"{key} of {member.name} (line {_line(pod, (*member.path, key, n))})"
    for n, row in enumerate(_rows(member, "env")):
        if word(row.get("value")) == str(port):
            yield f"env {word(row.get('name'))} of {member.name} (line {_line(pod, (*member.path, 'env', n))})"


def _line(pod: Pod, path: tuple[str | int, ...]) -> int:
    return pod.document.line(pod.at(path).start)


def _names(text: object, port: int) -> bool:
    """Whether a word ends in a port, as `--listen=:80` does."""
    return isinstance(text, str) and text.rpartition(":")[2].rpartition("=")[2] == str(port)


def _in_file(view: ManifestView, pod: Pod, port: int, names: list[Any]) -> Iterator[str]:
    """The Services, Ingresses and NetworkPolicies of the file that send to the pod."""
    labels = mapping(pod.template.metadata.get("labels"))
    services = set()
    found = _objects(view.source.text)
    for kind, name, spec, line in found:
        if kind == "Service" and _selects(mapping(spec.get("selector")), labels):
            services.add(name)
            for row in map(mapping, sequence(spec.get("ports"))):
                target = row.get("targetPort")
                # without a target, the port of the Service is that of the pod
                if target == port or (target is None and row.get("port") == port):
                    yield f"targetPort of Service {name}, behind its port {row.get('port')} (line {line})"
    for kind, name, spec, line in found:
        if kind == "NetworkPolicy" and _selects(mapping(mapping(spec.get("podSelector")).get("matchLabels")), labels):
            rows = [p for rule in sequence(spec.get("ingress")) for p in sequence(mapping(rule).get("ports"))]
            if any(mapping(row).get("port") in (port, *names) for row in rows):
                yield f"NetworkPolicy {name} (line {line})"
        if kind == "Ingress" and services & set(_backends(spec, port)):
            yield f"Ingress {name}, if the port of the Service changes too (line {line})"


def _selects(selector: Mapping[Any, Any], labels: Mapping[Any, Any]) -> bool:
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _backends(spec: object, port: int) -> Iterator[str]:
    """The names of the Services that an Ingress sends to by this number."""
    if isinstance(spec, list):
        for one in spec:
            yield from _backends(one, port)
    for key, value in mapping(spec).items():
        row = mapping(value)
        service = mapping(row.get("service"))
        if key in ("backend", "defaultBackend"):
            number = mapping(service.get("port")).get("number", row.get("servicePort"))
            if number == port:
                yield word(service.get("name", row.get("serviceName")))
        yield from _backends(value, port)


@lru_cache(maxsize=1)  # asked for each container of a file
def _objects(text: str) -> tuple[tuple[str, str, Mapping[Any, Any], int], ...]:
    """All objects of a file with their lines, those of other documents and in lists too."""
    out = []
    for part in slices(text):
        try:
            document = parse_slice(text, part)
            value = document.value
        except Unreadable:
            continue
        line = document.line(document.root.start)
        listed = sequence(mapping(value).get("items"))
        for one in map(mapping, listed or [value]):
            name = word(mapping(one.get("metadata")).get("name"))
            out.append((word(one.get("kind")), name, mapping(one.get("spec")), line))
    return tuple(out)
