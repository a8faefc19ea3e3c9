"""The image binds a port below 1024.

## What it finds
A port from 1 to 1023 in an image that is not root, or that this run moves off root: in the arguments of CMD and
ENTRYPOINT (`--port 80`, `:443`), in the variables that servers read (`PORT`, `HTTP_PORT`, `ASPNETCORE_URLS`,
`ASPNETCORE_HTTP_PORTS`), in EXPOSE, and in what is known about the base image or the program. Each port is told
once, at the place that proves most.

## Why it matters
By the kernel's default only root binds a port below 1024. Docker from 20.10 and containerd from 2.0 lift that for
containers (`net.ipv4.ip_unprivileged_port_start=0`). With an older runtime, with another one, or with the network of
the host the program stops with "permission denied". So it is `low` where an argument or a variable makes the program
bind the port, and `info` where only EXPOSE or facts name it, because EXPOSE binds nothing.

## How safe the fix is
By default there is none to apply, and the instructions name both ways out. With `--ports move` the port moves to a free
one, everywhere at once: in EXPOSE and the arguments, in the configuration of nginx or Apache that the build copies, in
containerPort, probes, the targetPort of Services, NetworkPolicies and Compose. The port of a Service and those that
are published stay. That is `review`, since somebody may call the container by its own port. Where one of the places
cannot be edited, nothing moves, and the place is told.

## References
Linux, ip_unprivileged_port_start; Pod Security Standards, baseline: Sysctls (the one above is allowed);
Kubernetes, Using sysctls in a Kubernetes Cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import Decision
from fixer.model import Finding, Fix, Refusal, Safety, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.syntax.dockerfile import Instruction
from fixer.understand.listening import Bound, privileged

CARD = Card(
    id="DF009",
    name="privileged-port",
    title="The image binds a port below 1024",
    severity=Severity.LOW,
    standards=("CIS Docker: privileged ports are not mapped", "PSS baseline: Sysctls"),
)
_FREE = 8000


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each port below 1024 of each image that is not root or will not be."""
    told: set[tuple[int, int]] = set()
    for decision in view.decisions:
        if decision.refusal is not None or decision.image.family == "windows":
            continue
        for bound in privileged(decision.running):
            at = place(decision, bound)
            if bound.item is None and decision.image.base_user.root is False:
                continue  # whoever made the base without root saw to its ports
            if (at.index, bound.port) not in told:
                told.add((at.index, bound.port))
                yield _finding(view, decision, bound)


def place(decision: Decision, bound: Bound) -> Instruction:
    """Where a port is told: the instruction that names it, else the one that starts the image."""
    return bound.item if bound.item is not None else decision.image.stage.chain[0].start


def _finding(view: DockerfileView, decision: Decision, bound: Bound) -> Finding:
    user = decision.identity.user if decision.identity is not None else decision.image.user.text
    verb = "will run" if decision.is_root else "runs"
    message = f"port {bound.port} is below 1024, and the image {verb} as {user}"
    severity = Severity.LOW if bound.certain else Severity.INFO
    move = view.find_move(bound.port)
    if isinstance(move, Refusal):
        at = place(decision, bound)
        return view.finding(CARD, at, message, reason=bound.why, refusal=move, severity=severity)
    fix = move or _by_hand(bound.port)
    return view.finding(CARD, place(decision, bound), message, reason=bound.why, fix=fix, severity=severity)


def _by_hand(port: int) -> Fix:
    other = port + _FREE
    return Fix(
        f"listen on a port such as {other}",
        Safety.MANUAL,
        "whoever calls the port must move with it",
        instructions=f"let the program listen on {other}, and move EXPOSE, the Service's targetPort, containerPort,"
        f" probes and Compose with it, as --ports move does; or keep {port} and set the sysctl"
        " net.ipv4.ip_unprivileged_port_start=0, as Docker 20.10 and containerd 2.0 do by themselves",
    )
