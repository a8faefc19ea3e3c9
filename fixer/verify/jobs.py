"""From a repository, and what a fix makes of it, to the images that are worth trying before and after."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from fixer import engine
from fixer.decide import Decision
from fixer.discover import Context, read_inside
from fixer.errors import Unreadable
from fixer.evidence import Job, Recipe, Source
from fixer.model import FileChange, Finding, Refusal, Status
from fixer.repository import Repository, absolute
from fixer.rules.base import DockerfileView
from fixer.source import SourceFile, read_bytes
from fixer.tuples import NamedTuple
from fixer.understand.builds import ANY_TAG, Build, bare_name
from fixer.understand.compose import Service, has_marks, layer
from fixer.understand.composejoining import Written
from fixer.understand.composelaying import laid
from fixer.understand.listening import bound
from fixer.verify.recipes import ALONE, of_member, of_service


class Planned(NamedTuple):
    """A job, the root that its paths are relative to, and the names under which it is chosen and configured.

    `names` are those of the image and its Dockerfile, for people who choose. `keys` are the names under which the
    configuration may speak of it, in the order in which they count; `key` is the one for a new entry. `files` are those
    that say how it is built and started, whether they change or not. `stays` says why a port of it does not move
    although somebody asked for that, "" for nothing.
    """

    root: Path
    job: Job
    names: frozenset[str]
    keys: tuple[str, ...]
    key: str
    files: tuple[str, ...]
    stays: str = ""

    def is_called(self, name: str) -> bool:
        """Whether a person who says this name means this image."""
        return name in self.names or bare_name(name) in {bare_name(one) for one in self.names}


class _Use(NamedTuple):
    """One way to start an image: the files where it is written, and the recipes before and after."""

    paths: tuple[str, ...]
    image: str
    before: Recipe
    after: Recipe

    @property
    def changes(self) -> bool:
        """Whether the fix starts it otherwise."""
        return self.before != self.after


class _Laid(NamedTuple):
    """A service as several files say: the file where it stands first, those laid upon that, and what is not known."""

    service: Service
    path: str
    laid: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def plan(repository: Repository, changes: Iterable[FileChange], findings: Iterable[Finding] = ()) -> list[Planned]:
    """The jobs of one argument of a run, in the order of their Dockerfiles and images.

    Args:
        repository: what was named; the rest of its git repository is asked for builds and uses.
        changes: what the fix makes of its files.
        findings: what became of its findings, for the reason why a Dockerfile is left alone.
    """
    return _Planner(repository, changes, findings).jobs()


class _Planner:
    def __init__(self, repository: Repository, changes: Iterable[FileChange], findings: Iterable[Finding]) -> None:
        self.named = repository
        self.whole = repository.around or repository
        self.root = Path(os.path.abspath(self.whole.tree.root))
        self.changes = {self._path(Path(one.root) / one.path): one for one in changes}
        self.left = {
            self._path(Path(absolute(repository.tree, one.path))): one.refusal
            for one in findings
            if one.status is Status.REFUSED and one.refusal is not None and one.rule in _ROOT
        }
        self.stays = {
            self._path(Path(absolute(repository.tree, one.path))): one.refusal.message
            for one in findings
            if one.refusal is not None and one.refusal.code == "port-stays"
        }
        self._views: dict[tuple[str, str, tuple[tuple[str, str], ...], bool], DockerfileView | None] = {}

    def _path(self, file: Path) -> str:
        return os.path.relpath(os.path.abspath(file), self.root)

    def _read(self, path: str, *, after: bool) -> SourceFile | None:
        """A file as it is, or as the fix leaves it; None where it cannot be read."""
        change = self.changes.get(path)
        if change is not None:
            return SourceFile(path, change.after if after else change.before)
        try:
            return SourceFile(path, read_bytes(self.root, path, "a file", ""))
        except Unreadable:
            return None

    def _text(self, path: str, *, after: bool) -> str | None:
        change = self.changes.get(path)
        if change is None:
            return read_inside(self.root, path)
        return (change.after if after else change.before).decode("utf-8", "surrogateescape")

    # --- the jobs -----------------------------------------------------------------------------------------------------

    def jobs(self) -> list[Planned]:
        """All jobs in order: the Dockerfiles of the repository first, then the images of others."""
        names: dict[Source, set[str]] = defaultdict(set)
        for build in self._builds():
            names[self._key(build)] |= {one for one in build.images if not one.endswith(ANY_TAG)}
            names[self._key(build)] |= {one.removesuffix(ANY_TAG) for one in build.images}
        uses: dict[Source, list[_Use]] = defaultdict(list)
        foreign: dict[str, list[_Use]] = defaultdict(list)
        for use, maker in self._uses():
            if maker is not None:
                names[self._key(maker)] |= {use.image} - {""}
                uses[self._key(maker)].append(use)
            elif use.changes:
                foreign[use.image].append(use)
        out = [self._own(key, names[key], uses[key]) for key in sorted(names)]
        out += [self._foreign(image, foreign[image]) for image in sorted(foreign)]
        jobs = [one for one in out if one is not None]
        return _with_partners(jobs, lambda key: self._changed(key, _distinct(uses.get(key, ()))))

    def _changed(self, key: Source, uses: list[_Use]) -> dict[str, bytes]:
        """The files of an image, and of those who start it, that the fix changes, as it leaves them."""
        files = self._whole([key.dockerfile, *_places(uses)])
        return {one: self.changes[one].after for one in files if one in self.changes}

    def _builds(self) -> Iterator[Build]:
        described = [build for build in self.whole.known.all if self.whole.is_there(build)]
        told = {build.dockerfile for build in described}
        yield from described
        for path in self.whole.dockerfiles:
            if path not in told:
                yield Build(path, None, "", "")

    def _key(self, build: Build) -> Source:
        context = build.context
        if context is None or context.startswith(".."):
            context = self._context(build)
        return Source(build.dockerfile, "" if context == "." else context, build.target, build.args)

    def _context(self, build: Build) -> str:
        """The nearest folder that has all that is copied, its own first; its own where none has."""
        own = posixpath.dirname(build.dockerfile)
        view = self._view(build.dockerfile, build.target, build.args, after=False)
        images = view.images.values() if view is not None else ()
        wanted = {
            source
            for image in images
            for copy in image.copies
            for source in copy.sources
            if not copy.origin and source and "://" not in source and not source.startswith(("git@", "<<"))
        }
        parts = own.split("/") if own else []
        folders = ["/".join(parts[:number]) for number in range(len(parts), -1, -1)]
        return next((one for one in folders if self._holds(one, wanted)), own)

    def _holds(self, folder: str, wanted: set[str]) -> bool:
        context = Context(self.root, (folder,))
        return all(next(context.files(one), None) is not None for one in wanted)

    def _own(self, key: Source, names: set[str], uses: list[_Use]) -> Planned | None:
        """The job of a Dockerfile; None where the fix changes nothing of it, and has no reason for that."""
        path = key.dockerfile
        before = self._decision(key, after=False)
        changed = path in self.changes or any(use.changes for use in uses)
        refusal = self._refusal(path, before)
        if before is None or not (changed or refusal is not None):
            return None
        after = self._decision(key, after=True)
        pairs = _distinct(uses)
        files = self._whole([path, *_places(pairs)])
        job = Job(
            _called(names, key),
            path,
            key.context,
            key.target,
            key.args,
            overlay=self._changed(key, pairs),
            before=tuple(use.before for use in pairs) or (ALONE,),
            after=tuple(use.after for use in pairs) or (ALONE,),
            users=_users(after, pairs),
            moved=_moves(before, after),
            rules=self._rules(files),
            refused="" if changed or refusal is None else f"[{refusal.code}] {refusal.message}",
        )
        called = self.changes[path].path if path in self.changes else self._as_named(path)
        stage = before.image.stage
        keys = tuple(one for one in (called, stage.name, stage.root_base or "") if one)
        chosen = frozenset(names | {path, called})
        return Planned(self.root, job, chosen, keys, called, _files(files, uses), self.stays.get(path, ""))

    def _as_named(self, path: str) -> str:
        return os.path.relpath(self.root / path, os.path.abspath(self.named.tree.root))

    def _refusal(self, path: str, decision: Decision | None) -> Refusal | None:
        """Why the fix leaves a Dockerfile at root; None for one that nobody asked about, or that is not root."""
        if decision is None or not decision.is_root or str(self.root / path) not in self.whole.scope.dockerfiles:
            return None
        return decision.refusal or self.left.get(path)

    def _foreign(self, image: str, uses: list[_Use]) -> Planned | None:
        pairs = _distinct(uses)
        files = self._whole(_places(pairs))
        unknown = "[unknown-image] only the environment tells which image this is" if "$" in image else ""
        if not image:
            unknown = "[unknown-image] what it is built from is not here"
        job = Job(
            image or f"the image of {pairs[0].before.source}",
            "",
            overlay={one: self.changes[one].after for one in files if one in self.changes},
            before=tuple(use.before for use in pairs),
            after=tuple(use.after for use in pairs),
            users=_users(None, pairs),
            rules=self._rules(files),
            refused=unknown,
        )
        short = bare_name(image)
        keys = tuple(dict.fromkeys((image, image.partition("@")[0], short)))
        return Planned(self.root, job, frozenset({job.image}), keys, short, _files(files, uses))

    def _whole(self, files: list[str]) -> list[str]:
        """Some files, with all that change together with one of them or not at all, as when a port moves."""
        units = {self.changes[one].unit for one in files if one in self.changes} - {""}
        return [*files, *(path for path, change in self.changes.items() if change.unit in units)]

    def _rules(self, files: Iterable[str]) -> tuple[str, ...]:
        applied = {rule for one in files if one in self.changes for rule in self.changes[one].applied}
        return tuple(sorted(applied))

    # --- Dockerfiles --------------------------------------------------------------------------------------------------

    def _view(self, path: str, target: str, args: tuple[tuple[str, str], ...], *, after: bool) -> DockerfileView | None:
        key = (path, target, args, after)
        if key not in self._views:
            source = self._read(path, after=after)
            try:
                self._views[key] = self.whole.understood(source, target, args) if source is not None else None
            except Unreadable:
                self._views[key] = None
        return self._views[key]

    def _decision(self, key: Source, *, after: bool) -> Decision | None:
        view = self._view(key.dockerfile, key.target, key.args, after=after)
        return engine.decision_on(view, key.target) if view is not None else None

    # --- who starts images --------------------------------------------------------------------------------------------

    def _uses(self) -> Iterator[tuple[_Use, Build | None]]:
        for path in self.whole.tree.compose:
            yield from self._services(path)
        for path in self.whole.tree.manifests:
            yield from self._members(path)

    def _services(self, path: str) -> Iterator[tuple[_Use, Build | None]]:
        files = self.whole.compose_files.together(path)
        old, new = (self._recipes_of_services(path, files, after=after) for after in (False, True))
        for key, (service, before) in old.items():
            after = new[key][1]._replace(source=before.source) if key in new else before
            build = self._build(service, path)
            image = service.image if build is not None or service.build is None else ""
            yield _Use(files, image, before, after), build

    def _build(self, service: Service, path: str) -> Build | None:
        """The build here that makes the image of a service; None where that comes from elsewhere, or is not known."""
        if service.build is None:
            return self._maker(service.image, path)
        return None if service.build.remote else self._built_by(service, path)

    def _source(self, service: Service, path: str) -> Source | None:
        build = self._build(service, path)
        return self._key(build) if build is not None else None

    def _recipes_of_services(
        self, path: str, files: tuple[str, ...], *, after: bool
    ) -> dict[str, tuple[Service, Recipe]]:
        """The services of a file by their keys, as all files say that Compose reads together, with their recipes."""
        every = self._together(files, after=after)
        others = {one.service.name: one.service for one in every}
        paths = {one.service.name: one.path for one in every}
        out = {}
        for one in every:
            if one.path != path:
                continue
            service = one.service
            line = service.document.line(service.at().start)
            text = f"{path}:{line}: service {service.name}" + "".join(f", with {name}" for name in one.laid)
            recipe = of_service(
                service,
                text,
                lambda name: self._text(name, after=after),
                others,
                lambda other: self._source(other, paths[other.name]),
            )
            if one.unread:
                recipe = recipe._replace(lacks=(*recipe.lacks, *one.unread), blind=True)
            out[service.key] = service, recipe
        return out

    def _together(self, files: tuple[str, ...], *, after: bool) -> list[_Laid]:
        """The services of files that Compose reads together, each laid upon those before it."""
        out: list[_Laid] = []
        for number, path in enumerate(files):
            if number:
                out = list(self._laid(out, path, after=after))
            source = self._read(path, after=after)
            known = {one.service.name for one in out}
            services = self.whole.services_of(source) if source is not None else ()
            out += [_Laid(service, path) for service in services if service.name not in known]
        return out

    def _laid(self, below: list[_Laid], path: str, *, after: bool) -> Iterator[_Laid]:
        """Services with what another file says about them; one that it takes away is gone."""
        text = self._text(path, after=after)
        try:
            rows = layer(text) if text is not None and not has_marks(text) else None
        except Unreadable:
            rows = None
        for one in below:
            if rows is None:
                yield one._replace(unread=(*one.unread, f"what {path} says about it, which cannot be read"))
            elif one.service.name not in rows:
                yield one
            else:
                yield from self._laid_upon(one, rows, path)

    def _laid_upon(self, below: _Laid, rows: Mapping[str, Written], path: str) -> Iterator[_Laid]:
        try:
            service = laid(below.service, rows[below.service.name], rows, path, self.whole.text)
        except Unreadable as problem:
            yield below._replace(unread=(*below.unread, f"what {path} says about it ({problem.message})"))
            return
        if service is not None:
            yield below._replace(service=service, laid=(*below.laid, path))

    def _built_by(self, service: Service, path: str) -> Build | None:
        """The build that a service describes, with its context, which the builds of the repository know."""
        own = service.build
        assert own is not None
        known = [
            build
            for build in self.whole.known.all
            if (build.dockerfile, build.target, build.path) == (own.dockerfile, own.target, path)
        ]
        exact = [build for build in known if f"service {service.name}" in build.evidence]
        found = next(iter(exact or known), Build(own.dockerfile, None, own.target, ""))
        # another file may say otherwise with what it is built
        found = found._replace(context=own.context, args=own.args)
        return found if self.whole.is_there(found) else None

    def _members(self, path: str) -> Iterator[tuple[_Use, Build | None]]:
        old, new = (self._recipes_of_pods(path, after=after) for after in (False, True))
        for key, (image, before) in old.items():
            after = new[key][1]._replace(source=before.source) if key in new else before
            reference = self.whole.renamed(image, path)
            if reference:
                yield _Use((path,), reference, before, after), self._maker(reference, path)

    def _recipes_of_pods(self, path: str, *, after: bool) -> dict[tuple[str, object], tuple[str, Recipe]]:
        source = self._read(path, after=after)
        out: dict[tuple[str, object], tuple[str, Recipe]] = {}
        for pod in self.whole.pods_of(source) if source is not None else ():
            for member in pod.members:
                line = pod.document.line(pod.at(member.path).start)
                text = f"{path}:{line}: {pod.template.kind}/{pod.template.name}, container {member.name}"
                out[pod.key, member.path] = member.image, of_member(pod, member, text)
        return out

    def _maker(self, reference: str, path: str) -> Build | None:
        build = self.whole.find(reference, path).build if reference else None
        return build if build is not None and self.whole.is_there(build) else None


_ROOT = frozenset({"DF001", "DF002", "DF003", "DF004", "DF014", "DF017", "DF018"})


def _with_partners(some: list[Planned], changed: Callable[[Source], dict[str, bytes]]) -> list[Planned]:
    """Jobs with what their partners are built with, and whether they are partners themselves."""
    needed = {one.job.source: _partners(one.job) for one in some}
    every = {source for sources in needed.values() for source in sources}
    return [
        one._replace(
            job=one.job._replace(
                beside={source: changed(source) for source in _partners(one.job)}, needed=one.job.source in every
            )
        )
        for one in some
    ]


def _partners(job: Job) -> list[Source]:
    """What the images are built from that run beside the one of a job."""
    needs = (need.source for recipe in (*job.before, *job.after) for need in recipe.needs)
    return sorted({source for source in needs if source is not None})


def _distinct(uses: Iterable[_Use]) -> list[_Use]:
    """The uses without those that start an image exactly as one before."""
    out: dict[tuple[Recipe, Recipe], _Use] = {}
    for use in uses:
        out.setdefault((use.before._replace(source=""), use.after._replace(source="")), use)
    return list(out.values())


def _files(some: Iterable[str], uses: Iterable[_Use]) -> tuple[str, ...]:
    return tuple(sorted({*some, *_places(uses)}))


def _places(uses: Iterable[_Use]) -> list[str]:
    return [path for use in uses for path in use.paths]


def _called(names: set[str], key: Source) -> str:
    """What people call the image of a build: its name, else its Dockerfile, with its target."""
    if names:
        return min(names, key=lambda one: (len(one), one))
    return f"{key.dockerfile} ({key.target})" if key.target else key.dockerfile


def _users(decision: Decision | None, uses: list[_Use]) -> tuple[int, ...]:
    """The uids that a job promises: those of its recipes, and that of its image for those that name none."""
    numbers = [_uid(use.after.user) for use in uses]
    image = None
    if decision is not None and not decision.is_root:
        identity = decision.identity
        image = identity.uid if identity is not None else decision.image.user.uid
    asked = [one for one in numbers if one]
    if image:
        asked.append(image)
    elif None in numbers or 0 in numbers or not numbers:
        return ()  # one of them stays root, or nobody can tell
    return tuple(sorted(set(asked)))


def _uid(user: str) -> int | None:
    head = user.partition(":")[0]
    return int(head) if head.isdecimal() else None


def _moves(before: Decision | None, after: Decision | None) -> Mapping[int, int]:
    """The ports that move, old to new: a whole number of thousands lies between them."""
    if before is None or after is None:
        return {}
    old, new = ({one.port for one in bound(decision.running)} for decision in (before, after))
    pairs = ((port, next((one for one in sorted(new - old) if (one - port) % 1000 == 0), 0)) for port in old - new)
    return {port: other for port, other in sorted(pairs) if other}
