"""Ports below 1024 that move to a free one, everywhere at once: in the Dockerfile, in the configuration of its server,
in the pods that run the image, and in what sends to them. If one place cannot be edited, nothing of it moves.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fixer import engine
from fixer.decide import Decision, targets_of
from fixer.edits.yaml import lower
from fixer.errors import Unreadable
from fixer.ignores import ignores
from fixer.model import Edit, Finding, Fix, Refusal, Safety, SetKey, Severity, Status
from fixer.prove.conditions import Broken
from fixer.prove.yaml import prove
from fixer.repository import Ports, Repository, absolute
from fixer.rules.base import Card, DockerfileView
from fixer.rules.compose import service_low_port
from fixer.rules.dockerfile import privileged_port
from fixer.rules.kubernetes import low_port
from fixer.source import SourceFile, apply_edits
from fixer.syntax.yaml import Document, load_stream, parse
from fixer.understand import dockerports, podports, serverports, serviceports
from fixer.understand.builds import bare_name
from fixer.understand.compose import Service
from fixer.understand.listening import Bound, bound, privileged
from fixer.understand.manifests import is_template
from fixer.understand.pods import Member, Pod
from fixer.understand.portspots import Move, Spot, Stuck
from fixer.understand.workloads import mapping

STEPS = (8000, 10000, 20000)
"""What is added to a port to get a free one, in the order of trying."""


def plan(repositories: Iterable[Repository], only: str = "") -> Ports:
    """Plan the moves of all ports below 1024 that the images of a run bind. Nothing is written.

    Args:
        repositories: the trees of the run.
        only: the absolute path of the one Dockerfile whose ports move; "" for all of them.
    """
    out = Ports({}, {}, {})
    wholes = {id(whole): whole for one in repositories for whole in [one.around or one]}
    for whole in wholes.values():
        _Planner(whole, out).run(only)
    return out


class _Planner:
    """Plans the moves of one repository; each is planned on what those before it have left."""

    def __init__(self, whole: Repository, out: Ports) -> None:
        self.whole = whole
        self.out = out
        self._parsed: dict[str, tuple[str, list[Document]]] = {}
        self._makers: dict[tuple[str, str], tuple[str, str] | None] = {}
        # Each file is read once for all ports, and again only where a move has changed it.
        self._found: dict[str, tuple[bytes, tuple[Pod, ...], tuple[Service, ...]]] = {}

    def run(self, only: str) -> None:
        for path in self.whole.dockerfiles:
            place = absolute(self.whole.tree, path)
            if place in self.whole.scope.dockerfiles and only in ("", place):
                self._file(path)

    def _file(self, path: str) -> None:
        place = absolute(self.whole.tree, path)
        wanted = self._wanted(path)
        for number, at in wanted:
            view = self._view(path)
            decision = view.decisions[number] if view is not None else None
            one = next((b for b in privileged(decision.running) if b.port == at), None) if decision else None
            if view is None or decision is None or one is None:
                continue
            try:
                move, spots = self._plan(path, view, decision, one)
                self._apply(path, view, decision, one, move, spots)
            except Stuck as stuck:
                self.out.answers[place, at] = _refusal(stuck, at)

    def _wanted(self, path: str) -> list[tuple[int, int]]:
        """The ports to move: the number of the decision among those of the file, and the port."""
        view = self._view(path)
        if view is None:
            return []
        silenced = ignores(view.dockerfile) if view.config.honour_ignores else []
        out = []
        for number, decision in enumerate(view.decisions):
            if decision.refusal is not None or decision.image.family == "windows":
                continue
            for one in privileged(decision.running):
                card, item = privileged_port.CARD, privileged_port.place(decision, one)
                hushed = any(ignore.covers(item.line, card.id, card.name) for ignore in silenced)
                if not hushed and not (one.item is None and decision.image.base_user.root is False):
                    out.append((number, one.port))
        return out

    # --- what is there ------------------------------------------------------------------------------------------------

    def _source(self, path: str) -> SourceFile | None:
        place = absolute(self.whole.tree, path)
        if place in self.out.texts:
            return SourceFile(path, self.out.texts[place])
        try:
            return self.whole.source(path)
        except Unreadable:
            return None

    def _view(self, path: str) -> DockerfileView | None:
        source = self._source(path)
        try:
            return engine.understand(source, self.whole.config, self.whole.setting(path)) if source else None
        except Unreadable:
            return None

    def _documents(self, path: str) -> list[Document]:
        """The documents of a file that are no templates; none of one that is no YAML."""
        source = self._source(path)
        try:
            text = source.text if source is not None else ""
            if path not in self._parsed or self._parsed[path][0] != text:
                found = [] if is_template(text) else parse(text)
                [one.value for one in found]
                self._parsed[path] = text, found
        except Unreadable:
            self._parsed[path] = "", []
        return self._parsed[path][1]

    def _pods(self) -> Iterator[tuple[str, Pod]]:
        for path in self.whole.tree.manifests:
            for pod in self._in_file(path)[1]:
                yield path, pod

    def _services_of(self, path: str) -> tuple[Service, ...]:
        return self._in_file(path)[2]

    def _maker(self, path: str, user: Member | Service) -> tuple[str, str] | None:
        """The Dockerfile and the target whose image a container or a service runs, which no move changes."""
        key = (path, user.image if isinstance(user, Member) else user.key)
        if key not in self._makers:
            if isinstance(user, Member):
                self._makers[key] = self.whole.image_maker(user.image, path)
            else:
                self._makers[key] = self.whole.service_maker(user, path)
        return self._makers[key]

    def _in_file(self, path: str) -> tuple[bytes, tuple[Pod, ...], tuple[Service, ...]]:
        """What a file holds: its bytes, and its pods or its services."""
        changed = self.out.texts.get(absolute(self.whole.tree, path))
        if path not in self._found or (changed is not None and changed != self._found[path][0]):
            source = self._source(path)
            data = source.data if source is not None else b""
            composed = source is not None and path in self.whole.tree.compose
            services = self.whole.services_of(source) if source is not None and composed else ()
            pods = self.whole.pods_of(source) if source is not None and not composed else ()
            self._found[path] = data, pods, services
        return self._found[path]

    # --- one move -----------------------------------------------------------------------------------------------------

    def _plan(self, path: str, view: DockerfileView, decision: Decision, one: Bound) -> tuple[Move, list[Spot]]:
        targets = targets_of(decision.image, max(other.image.stage.index for other in view.decisions))
        pods = list(self._pods())
        seats = [
            podports.Seat(file, pod, member)
            for file, pod in pods
            for member in pod.members
            if (maker := self._maker(file, member)) and maker[0] == path and maker[1] in targets
        ]
        services = [
            (file, service)
            for file in self.whole.tree.compose
            for service in self._services_of(file)
            if (maker := self._maker(file, service)) and maker[0] == path and maker[1] in targets
        ]
        move = Move(one.port, self._free(one.port, decision, seats, services))
        spots = self._in_image(path, decision, move)
        for seat in seats:
            podports.neighbours(seat, move)
            spots += podports.of_container(seat, move)
        spots += self._senders(pods, seats, move)
        spots += self._services(services, move)
        self._overlays(spots, seats, move)
        self._strangers(pods, move)
        self._unread(path, seats, targets, move)
        self._code(move)
        for spot in spots:
            if not self.whole.scope.covers(absolute(self.whole.tree, spot.path)):
                raise Stuck(f"{spot.path}:{spot.line}", f"{spot.what} names it too, and is not among the named paths")
        return move, list(dict.fromkeys(spots))

    def _free(
        self, old: int, decision: Decision, seats: list[podports.Seat], services: list[tuple[str, Service]]
    ) -> int:
        taken = {one.port for one in bound(decision.running)}
        taken |= {port for seat in seats for member in seat.pod.members for port in member.ports}
        taken |= {port for _, service in services for port in service.ports}
        return next(old + step for step in STEPS if old + step not in taken)

    def _in_image(self, path: str, decision: Decision, move: Move) -> list[Spot]:
        running = decision.running
        spots = list(dockerports.spots(path, running, move))
        certain = any(one.certain for one in bound(running) if one.port == move.old)
        configured = self._configured(path, decision, move)
        if not certain and not configured:
            where = f"{path}:{spots[0].line}" if spots else path
            raise Stuck(where, f"nothing tells what makes the program listen on port {move.old}")
        return [*spots, *configured]

    def _configured(self, path: str, decision: Decision, move: Move) -> list[Spot]:
        """The spots in configuration that the image takes from its build context."""
        out: list[Spot] = []
        replaced, first = False, ""
        for copy in decision.image.all_copies:
            if copy.origin or copy.destination is None:
                continue
            for source in copy.sources:
                for file, destination in self.whole.copied(path, source, copy.destination, copy.is_folder):
                    server = serverports.server_of(destination)
                    config = self._source(file) if server else None
                    found = list(serverports.listens(server, file, config.text, move)) if config is not None else []
                    out += found
                    first = first or (file if found else "")
                    replaced = replaced or (bool(found) and serverports.replaces_default(server, destination))
        if out and not replaced and not _removes_default(decision):
            raise Stuck(first, f"it stands beside the server's own configuration, which listens on port {move.old} too")
        return out

    def _senders(self, pods: list[tuple[str, Pod]], seats: list[podports.Seat], move: Move) -> list[Spot]:
        moving = {(seat.path, seat.pod.key) for seat in seats}
        flagged = [(pod, (file, pod.key) in moving) for file, pod in pods]
        out: list[Spot] = []
        for path in self.whole.tree.manifests if moving else ():
            for one in podports.objects(path, self._documents(path)):
                out += podports.of_object(one, flagged, move)
        return out

    def _services(self, services: list[tuple[str, Service]], move: Move) -> list[Spot]:
        """The spots of the services that run the image; their peers must not call them by the port."""
        out: list[Spot] = []
        for file, service in services:
            out += serviceports.of_service(file, service, move)
            named = serviceports.calls(serviceports.names_of(service), move)
            for other in self.whole.tree.compose:
                if posixpath.dirname(other) == posixpath.dirname(file):
                    serviceports.callers(other, self._services_of(other), service, move)
                    self._laid_upon(other, service, move)
            for path, text in self.whole.code_texts():
                found = named.search(text)
                if found is not None:
                    raise _stuck(path, text, found, f"it calls {service.name} by its port")
        return out

    def _laid_upon(self, path: str, service: Service, move: Move) -> None:
        """Refuse where a file that is laid upon the one of a service names the port."""
        said = self.whole.compose_files.written(path).get(service.name)
        if service.name in self.whole.compose_files.below(path) and said is not None:
            for _, text in serviceports.texts(dict(said.value), ()):
                if move.number().search(text):
                    raise Stuck(path, f"it is laid upon the file of {service.name}, and names port {move.old}")

    def _overlays(self, spots: list[Spot], seats: list[podports.Seat], move: Move) -> None:
        """Refuse what an overlay of Kustomize would overwrite, or names by itself."""
        groups: dict[tuple[str, int], list[SetKey]] = defaultdict(list)
        for spot in (one for one in spots if one.path not in self.whole.tree.compose):
            if spot.change is not None:
                groups[spot.path, spot.document].append(spot.change)
            elif spot.steps and isinstance(spot.steps[-1], str):
                change = SetKey(spot.document, spot.steps[:-1], spot.steps[-1], spot.value)
                groups[spot.path, spot.document].append(change)
        for (path, number), changes in groups.items():
            document = next(one for one in self._documents(path) if one.index == number)
            why = self.whole.kustomize.conflict(path, mapping(document.value), changes)
            if why is not None:
                raise Stuck(path, why)
        names = {seat.pod.template.name for seat in seats}
        for path in sorted(self.whole.kustomize.patches) if seats else ():
            source = self._source(path)
            text = source.text if source is not None else ""
            if move.number().search(text) and any(name in text for name in names):
                raise Stuck(path, f"this patch names port {move.old}, and one of the pods")

    def _strangers(self, pods: list[tuple[str, Pod]], move: Move) -> None:
        """Refuse where a container has the port and an image that nobody knows: it may be this one."""
        for file, pod in pods:
            for member in pod.members:
                if move.old in member.ports and self.whole.strange(file, member.image):
                    line = pod.document.line(pod.at(member.path).start)
                    why = f"{member.name} has port {move.old}, and nobody knows who makes its image {member.image}"
                    raise Stuck(f"{file}:{line}", f"{why}; it may be this one")

    def _code(self, move: Move) -> None:
        """Refuse where a program or a tool of another kind gives a container the port."""
        named = re.compile(rf"\b(?:container|target)_?port\b[\"']?\s*[:=]\s*[\"']?{move.old}(?!\d)", re.IGNORECASE)
        for file, text in self.whole.code_texts():
            found = named.search(text)
            if found is not None:
                raise _stuck(file, text, found, f"it gives a container port {move.old}, maybe this one")

    def _unread(self, path: str, seats: list[podports.Seat], targets: frozenset[str], move: Move) -> None:
        """Refuse where a file names the image and is none that could be followed, such as a chart or a script."""
        builds = self.whole.builds_of(path, targets)
        for build in builds:
            if any(value == str(move.old) for _, value in build.args):
                raise Stuck(f"{build.path}:{build.line}", f"an argument of the build says {move.old}")
        names = {bare_name(one) for build in builds for one in build.images}
        names |= {bare_name(seat.member.image) for seat in seats}
        if not names:
            return
        alternatives = "|".join(map(re.escape, sorted(names)))
        named = re.compile(rf"(?<![\w./-])(?:{alternatives})(?=[:@\"'\s,]|$)", re.MULTILINE)
        published = re.compile(rf"(?:-p|--publish)[ =]?[\"']?[\w.:\[\]-]*(?<!\d){move.old}(?!\d)")
        read = {seat.path for seat in seats}
        for file in self.whole.tree.manifests:
            source = self._source(file) if file not in read else None
            text = source.text if source is not None else ""
            found = named.search(text)
            if found is not None:
                raise _stuck(file, text, found, "it names the image, and what it does with the port is not known")
        for file, text in self.whole.hint_texts():
            match = published.search(text)
            if match is not None and named.search(text):
                raise _stuck(file, text, match, "it publishes the port of the image")

    # --- carrying it out ----------------------------------------------------------------------------------------------

    def _apply(
        self, path: str, view: DockerfileView, decision: Decision, one: Bound, move: Move, spots: list[Spot]
    ) -> None:
        by_file: dict[str, list[Spot]] = defaultdict(list)
        for spot in spots:
            by_file[spot.path].append(spot)
        after = {file: self._after(file, some) for file, some in by_file.items()}
        # where only facts name the port, the Dockerfile itself stays
        source = SourceFile(path, after.get(path, view.source.data))
        again = engine.understand(source, self.whole.config, self.whole.setting(path))
        number = view.decisions.index(decision)
        if any(b.port == move.old and b.item is not None for b in bound(again.decisions[number].running)):
            raise Stuck(path, f"port {move.old} would still be there afterwards")
        fix = _fix(move, by_file)
        self.out.answers[absolute(self.whole.tree, path), move.old] = fix
        for file, data in after.items():
            place = absolute(self.whole.tree, file)
            self.out.texts[place] = data
            card = self._card(file)
            self.out.moved.setdefault(place, []).append(_finding(card, file, path, move, by_file[file], fix))

    def _card(self, file: str) -> Card:
        """The rule that tells of a port in a file of this kind."""
        if file in self.whole.tree.compose:
            return service_low_port.CARD
        return low_port.CARD if file in self.whole.tree.manifests else privileged_port.CARD

    def _after(self, path: str, spots: list[Spot]) -> bytes:
        source = self._source(path)
        assert source is not None
        edits = [spot.edit for spot in spots if spot.edit is not None]
        if not any(spot.document >= 0 for spot in spots):
            return source.with_text(apply_edits(source.text, edits)).data
        return _rewritten(path, source, self._documents(path), spots, edits).data


def _rewritten(
    path: str, source: SourceFile, documents: list[Document], spots: list[Spot], edits: list[Edit]
) -> SourceFile:
    changes = [spot.change for spot in spots if spot.change is not None]
    lowered = lower(documents, {"move": changes}, source.newline)
    if lowered.refused:
        raise Stuck(path, next(iter(lowered.refused.values())).message)
    after = source.with_text(apply_edits(source.text, [*edits, *lowered.edits]))
    try:
        before = load_stream(source.text)
        for spot in spots:
            if spot.change is None:
                before[spot.document] = _with(before[spot.document], spot.steps, spot.value)
        prove(before, changes, load_stream(after.text))
    except (Unreadable, Broken, LookupError, TypeError) as error:
        raise Stuck(path, str(error)) from error
    return after


def _with(value: Any, steps: tuple[str | int, ...], new: Any) -> Any:
    """A value with another one at a path."""
    if not steps:
        return new
    if isinstance(value, list):
        assert isinstance(steps[0], int)
        return [_with(one, steps[1:], new) if n == steps[0] else one for n, one in enumerate(value)]
    if not isinstance(value, Mapping) or steps[0] not in value:
        raise LookupError("a second YAML reader does not find the place of the change")
    return {key: _with(one, steps[1:], new) if key == steps[0] else one for key, one in value.items()}


def _removes_default(decision: Decision) -> bool:
    texts = (item.logical for item in decision.image.runs)
    return any("rm " in text and "default" in text for text in texts)


def _stuck(path: str, text: str, found: re.Match[str], why: str) -> Stuck:
    return Stuck(f"{path}:{text.count(chr(10), 0, found.start()) + 1}", why)


def _refusal(stuck: Stuck, port: int) -> Refusal:
    return Refusal(
        "port-stays",
        f"port {port} does not move: {stuck.place}: {stuck.why}; keep it and set the sysctl"
        " net.ipv4.ip_unprivileged_port_start=0, as Docker 20.10 and containerd 2.0 do by themselves",
    )


def _fix(move: Move, by_file: Mapping[str, list[Spot]]) -> Fix:
    count = sum(map(len, by_file.values()))
    where = f"{count} places of {len(by_file)} files" if len(by_file) > 1 else f"{count} place{'s' * (count > 1)}"
    risk = "whoever calls the container by its own port must call the new one; Services and published ports stay"
    return Fix(f"move port {move.old} to {move.new} in {where}", Safety.REVIEW, risk)


def _finding(card: Card, file: str, dockerfile: str, move: Move, spots: list[Spot], fix: Fix) -> Finding:
    whats = ", ".join(dict.fromkeys(spot.what for spot in spots))
    of = "" if file == dockerfile else f" of {dockerfile}"
    message = f"port {move.old}{of} is below 1024, and moves to {move.new} here too: {whats}"
    if file == dockerfile:
        message = f"port {move.old} is below 1024, and moves to {move.new}: {whats}"
    line = min(spot.line for spot in spots)
    return Finding(card.id, file, line, 1, message, Severity.LOW, fix=fix, status=Status.FIXED)
