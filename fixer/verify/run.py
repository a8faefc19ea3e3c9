"""One run of one container: made, started, watched, asked, and what was seen of it."""

from __future__ import annotations

import contextlib
import shlex
import tarfile
import time
import uuid
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from fixer.evidence import Built, Denied, Kind, Mount, Needed, Process, Recipe, Seen, Source
from fixer.tuples import NamedTuple
from fixer.understand.making import below
from fixer.verify import files, ports
from fixer.verify.api import Api, Refused
from fixer.verify.containers import Place, body, withheld
from fixer.verify.reaper import Mark
from fixer.verify.refusals import refusals
from fixer.verify.said import lines, tidy
from fixer.verify.watch import Patience, Watched, watch

VOLUME = "fixer-volume"  # where a helper has the volume
_MOST_VOLUME = 64 << 20  # bytes of a volume whose owner is changed
_MOST_LINES = 60
_NONE: Mapping[Source, Built] = MappingProxyType({})
_TRIES = 3  # of the smoke command, a second apart: a service may need a moment more


class Bounds(NamedTuple):
    """What a run may have: seconds at most and after the last news, memory, processes; and its smoke command."""

    seconds: float
    settle: float
    memory_mb: int
    pids: int
    smoke: str


class Ran(NamedTuple):
    """What was seen, the volumes that the run has left (target to name), and what it wrote in them."""

    seen: Seen
    volumes: Mapping[str, str]
    kept: tuple[str, ...] = ()


class Before(NamedTuple):
    """What the original did: the paths that it wrote, how long it was watched, whether it ended, its ports of TCP."""

    written: tuple[str, ...]
    seconds: float
    ended: bool
    ports: int


class Company(NamedTuple):
    """Who runs beside a container: the one whose network it shares, "" where it has its own, and their names."""

    holder: str = ""
    names: tuple[str, ...] = ()


_ALONE = Company()


class Runner:
    """Runs containers for one trial, all with the same mark and bounds; `partners` are what was built beside it."""

    def __init__(self, api: Api, mark: Mark, bounds: Bounds, partners: Mapping[Source, Built] = _NONE) -> None:
        self.api = api
        self.mark = mark
        self.bounds = bounds
        self.partners = partners

    def run(
        self, image: str, recipe: Recipe, used: Mapping[str, str] | None = None, before: Before | None = None
    ) -> Ran:
        """Run an image as a recipe says.

        `used` are volumes that another run has left, None for fresh ones; `before` is what the original did. The
        containers are removed, the volumes stay.
        """
        made: list[str] = []
        try:
            return self._run(image, recipe, used, before, made)
        except Refused as problem:
            denied = _denied_start(str(problem))
            kind = "fresh" if used is None else "used"
            return Ran(Seen(recipe, kind, error=str(problem), denied=denied, notes=withheld(recipe)), {})
        finally:
            if not self.mark.keep:
                for container in reversed(made):
                    self._remove(container)

    def _run(
        self, image: str, recipe: Recipe, used: Mapping[str, str] | None, before: Before | None, made: list[str]
    ) -> Ran:
        config = self.api.image(image).get("Config") or {}
        volumes, notes = self._volumes(image, config, recipe, used)
        company, absent, more = self._beside(recipe, made)
        listening = self._listening(company.holder)
        container = self._make(image, recipe, volumes, company)
        made.append(container)
        notes += [*withheld(recipe), *more]
        begin = time.time()
        kind = "fresh" if used is None else "used"
        try:
            self._start(container, image, recipe, volumes if used is None else {})
        except Refused as problem:
            error = str(problem)
            seen = Seen(recipe, kind, error=error, exit_code=self._code(container), denied=_denied_start(error))
            return Ran(seen._replace(absent=absent, notes=tuple(notes)), volumes)
        least = self._least(before)
        awaited = before.ports if before else int(any("/tcp" in port for port in config.get("ExposedPorts") or ()))
        patience = Patience(self.bounds.seconds, self.bounds.settle, min(least, self.bounds.seconds), awaited)
        watched = watch(self.api, container, patience, listening)
        seen = self._seen(container, recipe, config, watched, listening)
        writes = files.written(self.api, container, self._mounts(recipe, volumes))
        kept = [path for target in volumes for path in files.in_volume(self.api, container, target, begin - 1)]
        seen = seen._replace(
            volumes=kind,
            written=(*writes, *kept),
            setuid=files.set_uid(self.api, container, writes),
            absent=absent,
            notes=(*notes, *seen.notes),
        )
        if before is not None:
            seen = seen._replace(denied=(*seen.denied, *self._closed(container, seen, volumes, before)))
        return Ran(seen, volumes, tuple(kept))

    def _least(self, before: Before | None) -> float:
        """The seconds for which a container is watched at least: those of the original, and more where that ended."""
        if before is None:
            return 0.0
        return 2 * before.seconds + self.bounds.settle if before.ended else before.seconds

    def _seen(
        self,
        container: str,
        recipe: Recipe,
        config: Mapping[str, Any],
        watched: Watched,
        before: frozenset[ports.Listener],
    ) -> Seen:
        notes = list(watched.notes)
        processes = watched.processes
        open_ports, smoke = (), None
        said: list[str] = []
        if watched.exit_code is None:
            open_ports, more = self._ports(container, watched, before)
            notes += more
            if self.bounds.smoke:
                smoke, said = self._smoke(container)
                notes += [f"the smoke command said: {line}" for line in said[-3:]]
        elif self.bounds.smoke:
            notes.append("the smoke command was not asked: the container had ended")
        if not processes:
            processes, note = self._starter(container, config)
            notes.append(note)
        code = self._ended(container) if watched.exit_code is None else watched.exit_code
        self._end(container)
        log = lines(self.api.log(container))
        workdir = recipe.workdir or str(config.get("WorkingDir") or "/")
        return Seen(
            recipe,
            exit_code=code,
            seconds=watched.seconds,
            processes=processes,
            ports=open_ports,
            health=watched.health,
            smoke=smoke,
            log=tuple(log[-_MOST_LINES:]),
            denied=refusals([*log, *said], workdir),
            notes=tuple(notes),
        )

    def _ports(
        self, container: str, watched: Watched, before: frozenset[ports.Listener]
    ) -> tuple[tuple[Any, ...], list[str]]:
        found: frozenset[ports.Listener] | None = watched.listening
        if not watched.here:
            found = ports.from_within(self.api, container)
            if found is None:
                return (), ["ports were not observed: the engine is not on this machine, and the image has no cat"]
            found -= before
        asked, note = ports.asked(self.api, container, watched.pid, found or (), watched.here)
        return asked, [note] if note else []

    def _smoke(self, container: str) -> tuple[int, list[str]]:
        words = shlex.split(self.bounds.smoke)
        code, said = 126, b""
        for number in range(_TRIES):
            if number:
                time.sleep(1)
            code, said = self.api.execute(container, words, min(30, self.bounds.seconds))
            if code in (0, 124, 126, 127):  # what was too slow has waited already
                break
        return code, lines(said)

    def _starter(self, container: str, config: Mapping[str, Any]) -> tuple[tuple[Process, ...], str]:
        """Who the engine started a container as that ended too soon to be seen."""
        found = self.api.inspect(container)
        user = str((found.get("Config") or config).get("User") or "0")
        who = self._who(container, user)
        if who is None:
            return (), "it ended before its processes could be seen"
        words = " ".join([str(found.get("Path") or ""), *map(str, found.get("Args") or ())])
        note = "it ended before its processes could be seen; the user is the one that the engine started it as"
        return (Process(who.uid, who.gid, tidy(words, 200)),), note

    def _who(self, container: str, user: str) -> files.Who | None:
        """The numbers of a user as an image names it."""
        name, _, group = user.partition(":")
        if name.isdigit() and group.isdigit():
            return files.Who(int(name), int(group))
        accounts = files.table(self.api, container, "/etc/passwd")
        row = next((one for one in accounts if len(one) > 3 and name in (one[0], one[2])), None)
        gid = group
        if group and not group.isdigit():
            gid = next(
                (one[2] for one in files.table(self.api, container, "/etc/group") if len(one) > 2 and one[0] == group),
                "",
            )
        if row is not None and row[2].isdigit():
            number = gid or row[3]
            return files.Who(int(row[2]), int(number)) if number.isdigit() else None
        return files.Who(int(name), int(gid or 0)) if name.isdigit() and (gid or "0").isdigit() else None

    def _closed(self, container: str, seen: Seen, volumes: Mapping[str, str], before: Before) -> tuple[Denied, ...]:
        """What the original wrote and the user of this container may not, and did not."""
        mine = [one for one in seen.processes if one.uid != 0] or list(seen.processes)
        if not mine:
            return ()
        who = files.Who(mine[0].uid, mine[0].gid, seen.recipe.groups)
        missing = [path for path in before.written if path not in seen.written]
        tmpfs = [mount.target for mount in seen.recipe.mounts if mount.kind == "tmpfs"]
        outside = [path for path in missing if not any(below(path, target) for target in volumes)]
        inside = [path for path in missing if any(below(path, target) for target in volumes)]
        told = {denied.what for denied in seen.denied}
        found = files.closed(self.api, container, outside, who, tmpfs, seen.recipe.read_only)
        if self.api.kind == "docker":  # Podman does not tell whose the files of a volume are
            found += files.closed(self.api, container, inside, who)
        return tuple(one for one in found if one.what not in told)

    def _volumes(
        self, image: str, config: Mapping[str, Any], recipe: Recipe, used: Mapping[str, str] | None
    ) -> tuple[dict[str, str], list[str]]:
        """The volumes of a run, by target: those of another run, else fresh ones."""
        mounts = {mount.target: mount for mount in recipe.mounts}
        targets = [mount.target for mount in recipe.mounts if mount.kind == "volume"]
        targets += [str(target) for target in config.get("Volumes") or {} if target not in mounts]
        out: dict[str, str] = {}
        notes: list[str] = []
        for target in dict.fromkeys(targets):
            mount = mounts.get(target, Mount(target))
            known = (used or {}).get(target)
            out[target] = known or self._volume()
            bare = mount.group is not None or mount.mode is not None
            if known is None and bare and self.api.kind == "docker":
                self._hand_over(image, out[target], files.opened(self.beginning, mount.group, mount.mode))
            elif known is not None and mount.group is not None and not self._regroup(image, known, mount.group):
                notes.append(f"the volume at {tidy(target)} is too large to be given to the group {mount.group} here")
        return out, notes

    def _volume(self) -> str:
        name = f"fixer-{self.mark.run}-{uuid.uuid4().hex[:8]}"
        self.api.make_volume(name, self.mark.labels)
        return name

    def filled(self, image: str, tar: bytes) -> str:
        """A fresh volume with what a tar holds, whose names begin with `beginning`; its name."""
        name = self._volume()
        self._hand_over(image, name, tar)
        return name

    def kept(self, image: str, volume: str, path: str, most: int) -> bytes | None:
        """A path of a volume as a tar; None when it is not there or has more bytes than that."""
        helper = self._helper(image, volume)
        try:
            return self.api.archive(helper, f"/{VOLUME}/{path}", most)
        finally:
            self._remove(helper)

    def forget(self, volume: str) -> None:
        """Remove a volume that nobody needs any more."""
        if not self.mark.keep:
            with contextlib.suppress(Refused):
                self.api.remove_volume(volume)

    def set_uid(self, image: str, paths: Iterable[str]) -> tuple[str, ...]:
        """Those programs of an image that run as their owner or group, whoever starts them."""
        helper = self._make(image, Recipe(command=("fixer",)), {})
        try:
            found = dict.fromkeys(files.behind_links(self.api, helper, path) for path in paths)
            return files.set_uid(self.api, helper, found)
        finally:
            self._remove(helper)

    def _start(self, container: str, image: str, recipe: Recipe, fresh: Mapping[str, str]) -> None:
        """Start a container, whose `fresh` volumes nobody has used.

        Podman gives the user of a container its working folder and its volumes where the image does not have them, and
        takes back what somebody has done to a volume before: all other engines leave them to root.
        """
        if self.api.kind == "podman":
            lost = self._not_in(image, container, recipe, fresh)
            self.api.prepare(container)
            for path in lost:
                mount = next((one for one in recipe.mounts if one.target == path), Mount(path))
                self.api.put(container, path, files.opened(".", mount.group, mount.mode))
        self.api.start(container)

    def _not_in(self, image: str, container: str, recipe: Recipe, fresh: Mapping[str, str]) -> list[str]:
        """The folders of a container that its image has not got, or not for it."""
        config = self.api.image(image).get("Config") or {}
        workdir = recipe.workdir or str(config.get("WorkingDir") or "/")
        lost = [] if any(below(workdir, target) for target in fresh) else [workdir]
        lost = [path for path in lost if not self.api.exists(container, path)]
        bare = [one.target for one in recipe.mounts if one.target in fresh and not one.copied]
        asked = [target for target in fresh if target not in bare and target not in (config.get("Volumes") or {})]
        return [*lost, *bare, *self._absent(image, asked)]

    def _absent(self, image: str, paths: list[str]) -> list[str]:
        """Those of some paths that an image has not got."""
        if not paths:
            return []
        helper = self._make(image, Recipe(command=("fixer",)), {})
        try:
            return [path for path in paths if not self.api.exists(helper, path)]
        finally:
            self._remove(helper)

    def _hand_over(self, image: str, volume: str, tar: bytes) -> None:
        """Unpack a tar over a volume, through a container that is never started."""
        helper = self._helper(image, volume)
        try:
            self._put(helper, tar)
        finally:
            self._remove(helper)

    @property
    def beginning(self) -> str:
        """What the names of a tar for a volume begin with: Podman puts nothing through the folder that holds one."""
        return VOLUME if self.api.kind == "docker" else "."

    def _put(self, helper: str, tar: bytes) -> None:
        self.api.put(helper, "/" if self.api.kind == "docker" else f"/{VOLUME}", tar)

    def _regroup(self, image: str, volume: str, group: int) -> bool:
        helper = self._helper(image, volume)
        try:
            data = self.api.archive(helper, f"/{VOLUME}", _MOST_VOLUME)
            if data is None:
                return False
            self._put(helper, files.regrouped(data, group, self.beginning))
        except tarfile.TarError:
            return False
        finally:
            self._remove(helper)
        return True

    def _helper(self, image: str, volume: str) -> str:
        recipe = Recipe(command=("fixer",), mounts=(Mount(f"/{VOLUME}", copied=False),))
        return self._make(image, recipe, {f"/{VOLUME}": volume})

    def _make(self, image: str, recipe: Recipe, volumes: Mapping[str, str], company: Company = _ALONE) -> str:
        network, hosts = self._network(company)
        place = Place(
            image=image,
            labels=self.mark.labels,
            volumes=volumes,
            memory_mb=self.bounds.memory_mb,
            pids=self.bounds.pids,
            network=network,
            hosts=hosts,
            retries=max(3, min(30, int(self.bounds.seconds / 4))),
            kind=self.api.kind,
        )
        return self.api.create(body(recipe, place))

    def _network(self, company: Company) -> tuple[str, tuple[str, ...]]:
        """The network of a container in the words of the engine, and the names that it has to be told."""
        if not company.holder:
            return "", company.names
        if self.api.kind == "docker":
            return f"container:{company.holder}", ()  # with the network come its names
        pid = (self.api.inspect(company.holder).get("State") or {}).get("Pid")
        return f"ns:/proc/{pid}/ns/net", company.names

    def _beside(self, recipe: Recipe, made: list[str]) -> tuple[Company, tuple[str, ...], list[str]]:
        """Start what a service needs, in one network that leads nowhere: its company, who is absent, and notes."""
        there: list[Needed] = []
        why: dict[str, str] = {}
        for need in recipe.needs:
            image, problem = self._image(need)
            if image:
                there.append(need._replace(image=image))
            else:
                why[need.name] = f"{need.name} was not started: {problem}"
        company = Company("", tuple(one.name for one in there))
        for need in there:
            container, problem = self._started(need, company, made)
            if problem:
                why[need.name] = f"{need.name}, which it needs, {problem}"
            company = company._replace(holder=company.holder or container)
        return company if company.holder else _ALONE, tuple(why), list(why.values())

    def _image(self, need: Needed) -> tuple[str, str]:
        """The image of a partner, or why there is none."""
        if need.source is not None:
            built = self.partners.get(need.source, Built())
            return built.image_id, f"it is not built ({built.missing or built.error})"
        try:
            self.api.image(need.image)
        except Refused:
            return "", "its image is not here"
        return need.image, ""

    def _started(self, need: Needed, company: Company, made: list[str]) -> tuple[str, str]:
        """Start a partner in its company: the container, or what became of it."""
        try:
            config = self.api.image(need.image).get("Config") or {}
            volumes, _ = self._volumes(need.image, config, need.recipe, None)
            container = self._make(need.image, need.recipe, volumes, company)
            made.append(container)
            self._start(container, need.image, need.recipe, volumes)
            watched = watch(self.api, container, Patience(self.bounds.seconds, self.bounds.settle))
        except Refused as problem:
            return "", f"does not start: {problem}"
        return ("", f"ended with {watched.exit_code}") if watched.exit_code is not None else (container, "")

    def _listening(self, holder: str) -> frozenset[ports.Listener]:
        if not holder:
            return frozenset()
        pid = int((self.api.inspect(holder).get("State") or {}).get("Pid") or 0)
        if ports.inside(holder, pid):
            try:
                return ports.from_here(pid)
            except OSError:
                pass
        return ports.from_within(self.api, holder) or frozenset()

    def _mounts(self, recipe: Recipe, volumes: Mapping[str, str]) -> list[str]:
        return [*volumes, *(mount.target for mount in recipe.mounts)]

    def _code(self, container: str) -> int | None:
        code = (self.api.inspect(container).get("State") or {}).get("ExitCode")
        return int(code) if code else None

    def _ended(self, container: str) -> int | None:
        """The exit code of a container that ended while it was asked."""
        state = self.api.inspect(container).get("State") or {}
        return None if state.get("Running") else int(state.get("ExitCode") or 0)

    def _end(self, container: str) -> None:
        """End a container: the engine keeps back a last line that has no end until then."""
        with contextlib.suppress(Refused):
            self.api.kill(container)

    def _remove(self, container: str) -> None:
        with contextlib.suppress(Refused):  # it is gone already
            self.api.remove_container(container)


def _denied_start(error: str) -> tuple[Denied, ...]:
    """What the engine says about a container that it could not start."""
    found = refusals([error])
    return tuple(one._replace(seen="by the engine that started it") for one in found if one.kind is not Kind.PORT)
