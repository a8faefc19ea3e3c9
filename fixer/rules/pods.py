"""What the rules on manifests are given: one file with its pods, and what the repository knows about their images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from fixer.config import Config
from fixer.facts import hardened
from fixer.ignores import Ignore, comments
from fixer.imageusers import ImageUser, as_built
from fixer.lazy import lazy
from fixer.model import Fix, Goal, Refusal, Safety, YamlChange
from fixer.pod_security import Level, Violation, evaluate
from fixer.podusers import Plan, Seat, makes_containers, needs_host, plan
from fixer.rules.base import YamlView
from fixer.source import SourceFile
from fixer.syntax.yaml import Document
from fixer.tuples import NamedTuple
from fixer.understand.pods import Member, Pod, steps_of
from fixer.understand.workloads import Path, PodTemplate, mapping, place, word

FindUser = Callable[[str], ImageUser]
Conflict = Callable[[Mapping[Any, Any], Sequence[YamlChange]], "str | None"]


class NamespaceLevel(NamedTuple):
    """The level that all pods of a namespace satisfy, None where nobody can tell; `reason` says why no higher one."""

    level: Level | None
    reason: str = ""


class Surroundings(NamedTuple):
    """What the repository tells about one manifest: the users of images, and the overlays that change its objects.

    `conflict` takes an object and changes of it, and says in a sentence which overlay stands against them.
    `namespace` gives the level that the pods of a namespace satisfy once they are fixed.
    """

    find_user: FindUser
    conflict: Conflict = lambda document, changes: None
    namespace_level: Callable[[str], NamespaceLevel] = lambda name: NamespaceLevel(
        None, "only this file was looked at, and others may put pods there"
    )


class ManifestView(YamlView):
    """One file of manifests as the rules see it.

    `pods` are those whose kind and shape are known, `strangers` the others that hold what looks like a pod spec.
    `ignores`, `known`, `selected` and `table` are as in `fixer.rules.base.DockerfileView`.
    """

    table = "manifests"

    def __init__(
        self,
        source: SourceFile,
        documents: Sequence[Document],
        pods: Sequence[Pod],
        strangers: Sequence[Pod],
        surroundings: Surroundings,
        config: Config,
    ) -> None:
        self.source = source
        self.documents = documents
        self.pods = pods
        self.strangers = strangers
        self.surroundings = surroundings
        self.config = config
        self.ignores: list[Ignore] = []
        self.known: frozenset[str] = frozenset()
        self.selected: frozenset[str] = frozenset()
        self._plans: dict[str, Plan] = {}
        self._violations: dict[str, tuple[Violation, ...]] = {}

    def own_ignores(self) -> list[Ignore]:
        """The ignore comments of the file."""
        return comments(self.source.text, self.documents)

    def containers(self) -> Iterator[tuple[Pod, Member]]:
        """All containers of the pods, each with its pod."""
        return ((pod, member) for pod in self.pods for member in pod.members)

    def plan(self, pod: Pod) -> Plan:
        """Who the containers of a pod run as, and what has to be written for it; worked out once."""
        if pod.key not in self._plans:
            self._plans[pod.key] = self._plan(pod)
        return self._plans[pod.key]

    def _plan(self, pod: Pod) -> Plan:
        """The plan of a pod, without the numbers of new images where an overlay runs them as another one.

        Once the images are built they need no number, so that the next run would not ask for it either.
        """
        first = plan(pod, self.surroundings.find_user)
        moving = any(seat.number is not None and as_built(seat.image) is not seat.image for seat in first.seats)
        changes = [*first.whole, *(change for some in first.each.values() for change in some)]
        if not moving or self.surroundings.conflict(pod.document.value, changes) is None:
            return first
        return plan(pod, lambda reference: as_built(self.surroundings.find_user(reference)))

    def violations(self, pod: Pod, *controls: str) -> Iterator[tuple[Path, Violation]]:
        """The places in a pod that the restricted level forbids for the sake of some controls, with their paths."""
        if pod.key not in self._violations:
            template = pod.template
            if self.config.goal is not Goal.RESTRICTED:
                # The level lets root be where the pod has users of its own. Who wants more wants no root there either,
                # and host-users, which turns that on, must not make what root-allowed has found go away.
                template = on_host_users(template)
            self._violations[pod.key] = evaluate(template, Level.RESTRICTED, self.config.pod_security_version)
        for one in self._violations[pod.key]:
            if one.control in controls:
                yield steps_of(one.path), one

    def member(self, pod: Pod, path: Path) -> Member | None:
        """The container of a pod in which a path lies, None where it is one of the pod itself."""
        return next((m for m in pod.members if path[: len(m.path)] == m.path), None)

    def seat(self, pod: Pod, member: Member) -> Seat:
        """Who a container runs as, and what becomes of it."""
        return next(seat for seat in self.plan(pod).seats if seat.member is member)

    def not_root(self, pod: Pod, member: Member, *, after: bool = True) -> bool:
        """Whether a container is known not to run as root; with `after`, once what can be fixed is fixed."""
        seat = self.seat(pod, member)
        return pod.says_not_root(member) or (seat.refusal is None and (after or not seat.moves))

    def fix(
        self, pod: Pod, title: str, safety: Safety, risk: str, changes: Iterable[YamlChange], group: str = ""
    ) -> Fix | Refusal:
        """A fix of a pod, or the reason why an overlay stands against it."""
        changes = tuple(changes)
        if self._means_nothing(pod, changes):
            message = "on Windows this setting means nothing; write os: {name: windows} in the pod spec, which says so"
            return Refusal("windows", message)
        why = self.surroundings.conflict(pod.document.value, changes)
        if why is not None:
            return Refusal("overlay", why)
        return Fix(title, safety, "" if safety is Safety.SAFE else risk, changes, group, bool(group))

    def _means_nothing(self, pod: Pod, changes: tuple[YamlChange, ...]) -> bool:
        stuck = [seat.refusal for seat in self.plan(pod).seats if seat.refusal is not None]
        windows = pod.windows or any(refusal.code == "windows" for refusal in stuck)
        return windows and not pod.says_windows and all("securityContext" in (*c.path, *c[2:]) for c in changes)

    def user_fix(self, pod: Pod, member: Member | None, title: str) -> Fix | Refusal:
        """What takes a pod off root, whole, or one container of it where others have to stay as they are."""
        plan = self.plan(pod)
        if not plan.each:
            return self.fix(pod, title, plan.safety, plan.risk, plan.whole, f"user-{pod.key}")
        n = next((n for n, seat in enumerate(plan.seats) if seat.member is member), min(plan.each))
        seat = plan.seats[n]
        return self.fix(pod, title, seat.safety, seat.risk, plan.each[n], f"user-{pod.key}-{n}")

    @lazy
    def namespaces(self) -> tuple[Document, ...]:
        """The documents that are namespaces, those in a List left out."""
        rows = ((one, mapping(one.value)) for one in self.documents)
        named = ((one, value) for one, value in rows if word(mapping(value.get("metadata")).get("name")))
        return tuple(one for one, value in named if (value.get("apiVersion"), value.get("kind")) == ("v1", "Namespace"))

    @lazy
    def names(self) -> dict[str, str]:
        """What a finding calls each pod: its kind and name, with its place where an object has several."""
        pods = (*self.pods, *self.strangers)
        inside = Counter((pod.document.index, _called(pod)) for pod in pods)
        objects = Counter(name for _, name in inside)
        out = {}
        for pod in pods:
            name = _called(pod)
            where = [place(pod.path)] if inside[pod.document.index, name] > 1 else []
            where += [f"document {pod.document.index + 1}"] if objects[name] > 1 else []
            out[pod.key] = f"{name} ({', '.join(where)})" if where else name
        return out


def _called(pod: Pod) -> str:
    template = pod.template
    return f"{template.kind}/{template.name}" if template.name else template.kind


def privileges(view: ManifestView, pod: Pod, member: Member) -> Refusal | None:
    """Why a container keeps what it has: it is privileged and may use that, or makes containers inside of its own."""
    if member.context.get("privileged") is not True:
        if not makes_containers(member):
            return None
        why = f"{member.image} makes containers, for which it needs more than others; find out what"
        return Refusal("needs-host", why, member.image)
    image = view.seat(pod, member).image
    why = needs_host(pod, member)
    if not why and not (image.familiar or image.uid or pod.user(member)):
        why = f"nobody knows what {member.image or 'its image'} does with that"
    if not why:
        return None
    return Refusal("privileged", f"{member.name} is privileged, and {why}; find out what it needs instead")


def uses_host(pod: Pod, member: Member | None) -> Refusal | None:
    """Why a container keeps what opens its node to it, or any of the pod without one; None where nothing says so."""
    for one in pod.members if member is None else (member,):
        why = needs_host(pod, one)
        if why:
            return Refusal("needs-host", f"{one.name} may need this, since {why}; find out what it needs instead")
    return None


def unprivileged(image: ImageUser) -> tuple[Fix, ...]:
    """Images of the same program that are not root, as proposals to a person."""
    try:
        rows = hardened(image.reference) if image.reference else ()
    except ValueError:
        return ()
    out = []
    for row in rows:
        ports = ", ".join(f"port {old} becomes {new}" for old, new in row.ports.items())
        steps = f"write image: {row.to}, which runs as {row.uid}" + (f"; {ports}" if ports else "")
        risk = "another image may lack what this one has"
        out.append(Fix(f"image: {row.to}", Safety.MANUAL, risk, instructions=f"{steps}. {row.notes}"))
    return tuple(out)


def on_host_users(template: PodTemplate) -> PodTemplate:
    """A template as an API server judges it that makes no exception for pods with users of their own.

    Only from 1.35 on does one make it, and only where all nodes have user namespaces.
    """
    return template._replace(spec={key: value for key, value in template.spec.items() if key != "hostUsers"})
