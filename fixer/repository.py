"""One tree of files: what it tells about its Dockerfiles and manifests, and what is done to each of them."""

from __future__ import annotations

import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from fixer import engine
from fixer.config import Config
from fixer.discover import Context, Tree, read_inside, repository_top, run_kind, scan, walk
from fixer.engine import Choice, Outcome, Setting, rules_for, unread
from fixer.errors import Unreadable
from fixer.facts import ImageRef, knowledge
from fixer.lazy import lazy
from fixer.model import FileChange, Finding, Fix, Refusal, Safety, Skipped, Status
from fixer.running import run_compose, run_dockerfile, run_manifest, run_runs
from fixer.source import A_DOCKERFILE, SourceFile, read_bytes
from fixer.tuples import NamedTuple
from fixer.understand.builds import NAMED, STATED, Build, Found, builds, nearest
from fixer.understand.image import Parent
from fixer.understand.naming import name_of, renamed

if TYPE_CHECKING:
    from fixer.decide import Asked, Decision, Hold
    from fixer.imageusers import ImageUser, Made, Several
    from fixer.manifests import Reading
    from fixer.namespaces import Namespaces
    from fixer.proofs import Digests
    from fixer.rules.base import DockerfileView
    from fixer.rules.pods import Surroundings
    from fixer.sharing import Writer
    from fixer.understand.compose import Service
    from fixer.understand.composefiles import ComposeFiles
    from fixer.understand.kustomize import Kustomize
    from fixer.understand.pods import Pod


# Where infrastructure is written as code.
_CODE = tuple(
    ".tf .hcl .nomad .bicep .py .ts .js .go .java .kt .cs .fs .rb"
    " .json .yaml .yml .jsonnet .libsonnet .cue .toml .conf .template .cfg .ini .env .properties".split()
)


# Without one of these words nothing is said of who runs an image and what it may need root for.
_OF_PODS = (b"runAsUser", b"privileged", b"hostPath", b"hostPID", b"hostNetwork", b"capabilities")
_OF_SERVICES = (
    *(b"user", b"privileged", b"cap_add", b"devices", b"host", b".sock"),
    *(b"- /", b"[/", b'"/', b"'/", b"source:", b"extends"),
)


class Ports(NamedTuple):
    """What becomes of the ports of a run.

    `texts` are the bytes of files after all moves, by their absolute path, and `moved` the findings that this repairs
    there. `answers` tells for the absolute path of a Dockerfile and a port how it moves, or why it stays.
    """

    texts: dict[str, bytes]
    moved: dict[str, list[Finding]]
    answers: dict[tuple[str, int], Fix | Refusal]

    def told(self) -> Ports:
        """The same for a run that changes nothing of it: the answers alone."""
        return Ports({}, {}, self.answers)


class Held:
    """What a session holds over the files while a person decides about one finding after the other.

    `texts` are bytes that stand for those of files, by their absolute paths. `wants` tells for the absolute path of a
    file and a finding whether its fix is applied now; what is not, counts as if it never would be.
    """

    def __init__(self, texts: Mapping[str, bytes], wants: Callable[[str, Finding], bool]) -> None:
        self.texts = texts
        self.wants = wants


class Scope:
    """What a run looks at, over all of its arguments: the Dockerfiles, and the whole repositories that they lie in."""

    def __init__(
        self,
        config: Config,
        choice: Choice,
        named: Iterable[Path] = (),
        ports: Ports | None = None,
        held: Held | None = None,
    ) -> None:
        self.config = config
        self.choice = choice
        self.ports = ports
        self.held = held
        self._repositories: list[Repository] = []
        self._named = [os.path.abspath(path) for path in named]
        self._whole: dict[Path, Repository] = {}

    def whole(self, top: Path) -> Repository:
        """The repository at a folder, whatever of it was named."""
        if top not in self._whole:
            self._whole[top] = Repository(scan(top, self.config.exclude), self, named=False)
        return self._whole[top]

    def add(self, repository: Repository) -> None:
        """Take in what one argument names."""
        self._repositories.append(repository)

    @lazy
    def dockerfiles(self) -> frozenset[str]:
        """The absolute paths of the Dockerfiles that the run looks at; asked when all arguments are taken in."""
        return frozenset(absolute(one.tree, path) for one in self._repositories for path in one.dockerfiles)

    def covers(self, place: str) -> bool:
        """Whether a file, by its absolute path, is among what was named."""
        return any(place == named or place.startswith(named.rstrip(os.sep) + os.sep) for named in self._named)


class Repository:
    """A tree with the run's configuration and choice.

    Everything is read when it is first asked for, in the process that asks, so that nothing has to be sent to others.
    Where the tree is a part of a git repository, the rest of that is asked for what the part does not tell: who makes
    an image, who runs it, as whom.
    """

    def __init__(self, tree: Tree, scope: Scope, *, named: bool = True) -> None:
        self.tree = tree
        self.scope = scope
        self.config = scope.config
        self.choice = scope.choice
        self.known = builds(tree.hints, self.text)
        self.rules = rules_for(self.config)
        self.parents = _Parents(self)
        # the same, where new users have the numbers that they get by themselves
        self._lone_parents = _Parents(self, alone=True)
        self.top = _in_repository(tree.root)
        self._dockerfiles = frozenset(self.dockerfiles)
        self._compose = frozenset(tree.compose)
        self._manifests = frozenset(tree.manifests)
        self._runs = frozenset(tree.runs)
        self._users: dict[tuple[str, str], ImageUser] = {}
        self._decisions: dict[tuple[str, str, tuple[tuple[str, str], ...]], tuple[Decision, bool]] = {}
        # the same tree with all fixes, for those that were proved to hold
        self.reviewed: Repository | None = None
        if named:
            scope.add(self)

    @lazy
    def dockerfiles(self) -> tuple[str, ...]:
        """The paths of all Dockerfiles: those found, and those that some file names."""
        found = self.tree.dockerfiles
        named = (p for p in self.known.by_file if p not in found and not p.startswith("../"))
        return tuple(sorted({*found, *(p for p in named if (self.tree.root / p).is_file())}))

    def __call__(self, path: str) -> Outcome | None:
        """What becomes of one file; a file that cannot be read is skipped, and one that holds nothing is None."""
        outcome = self._outcome(path)
        return outcome if self.reviewed is None else self._as_proved(path, outcome, self.reviewed)

    def _as_proved(self, path: str, outcome: Outcome | None, reviewed: Repository) -> Outcome | None:
        """An outcome in which the fixes count as safe that were seen to hold, for exactly these bytes of all files."""
        assert self.config.proved is not None
        proofs = self.config.proved.group(absolute(self.tree, path))
        if not proofs or not reviewed.comes_to(self.config.proved.files(proofs)):
            return outcome
        whole = reviewed._outcome(path)
        if whole is None or whole.change is None:
            return outcome
        if self.choice.apply:
            outcome = whole
        if outcome is None:
            return None
        words = ", ".join(dict.fromkeys(one.words for one in proofs))
        outcome.findings = [_proved(one, words) for one in outcome.findings]
        return outcome

    def comes_to(self, files: Mapping[str, set[Digests]]) -> bool:
        """Whether files, by their absolute paths, hold what was recorded, and become what was recorded."""
        from fixer.proofs import Digests, digest

        root = os.path.realpath(self.tree.root)
        for place, recorded in files.items():
            path = os.path.relpath(place, root)
            text = None if path.startswith("..") else self._bytes(path)
            if text is None:
                return False
            before, after = text
            if recorded != {Digests(digest(before), digest(after))}:
                return False
        return True

    def _bytes(self, path: str) -> tuple[bytes, bytes] | None:
        """The bytes of a file before and after; None where it cannot be read."""
        if path not in self._both:
            try:
                before = self.data(path, "a file", "")
            except Unreadable:
                return None
            outcome = self._outcome(path)
            change = outcome.change if outcome is not None else None
            self._both[path] = before, before if change is None else change.after
        return self._both[path]

    @lazy
    def _both(self) -> dict[str, tuple[bytes, bytes]]:
        return {}

    def _outcome(self, path: str) -> Outcome | None:
        if path in self._dockerfiles:
            outcome: Outcome | None = self.dockerfile(path)
        elif path in self._compose:
            outcome = self.compose(path)
        else:
            outcome = self.manifest(path) if path in self._manifests else None
            if path in self._runs and (outcome is None or not outcome.judged):
                outcome = self.runs(path) or outcome  # a file of CI below the top may look like a template
        outcome = self._with_moves(path, outcome)
        if outcome is not None and outcome.change is not None:
            outcome.change = outcome.change._replace(root=str(self.tree.root), repository_path=self.top + path)
        return outcome

    @property
    def moved(self) -> tuple[str, ...]:
        """The files below the root in which ports have moved, or may have if that is proved."""
        if self.reviewed is not None and self.choice.apply:
            return self.reviewed.moved
        root = os.path.abspath(self.tree.root)
        found = self.scope.ports.texts if self.scope.ports is not None else ()
        paths = [os.path.relpath(place, root) for place in found if self.scope.covers(place)]
        return tuple(path for path in paths if not path.startswith(".."))

    def _with_moves(self, path: str, outcome: Outcome | None) -> Outcome | None:
        """What becomes of a file, with the ports that moved in it before all else."""
        ports = self.scope.ports
        place = absolute(self.tree, path) if ports is not None else ""
        if ports is None or place not in ports.texts:
            return outcome
        outcome = Outcome(judged=False) if outcome is None else outcome
        before = self.data(path, "a file", "")
        moved = [finding._replace(path=path) for finding in ports.moved[place]]
        rules = {finding.rule for finding in moved}
        outcome.findings = sorted([*moved, *outcome.findings], key=Finding.sort_key)
        if outcome.change is None:
            outcome.change = FileChange(path, before, ports.texts[place])
        applied = tuple(sorted({*outcome.change.applied, *rules}))
        outcome.change = outcome.change._replace(before=before, applied=applied, unit="ports")
        return outcome

    def source(self, path: str) -> SourceFile:
        """Read a file of the tree as it is after ports have moved.

        Raises:
            Unreadable: when it is a link, no regular file, too large, or cannot be read.
        """
        place = absolute(self.tree, path) if self.scope.ports is not None else ""
        if self.scope.ports is not None and place in self.scope.ports.texts:
            return SourceFile(path, self.scope.ports.texts[place])
        if path in self._dockerfiles:
            return SourceFile(path, self.data(path, *A_DOCKERFILE))
        return SourceFile(path, self.data(path, "a manifest", "; split it"))

    def data(self, path: str, what: str, too_large: str) -> bytes:
        """The bytes of a file of the tree, or those that are held for it; `what` and `too_large` as `read_bytes`.

        Raises:
            Unreadable: when it is a link, no regular file, too large, or cannot be read.
        """
        held = self._held(self.tree.root, path)
        return read_bytes(self.tree.root, path, what, too_large) if held is None else held

    def text(self, path: str) -> str | None:
        """The text of a file below the root, or None: as `read_inside`, with what is held."""
        return self._read(self.tree.root, path)

    def _read(self, root: Path, path: str) -> str | None:
        """As `text`, of a path from any folder."""
        held = self._held(root, path)
        return read_inside(root, path) if held is None else held.decode("utf-8", "surrogateescape")

    def _held(self, root: Path, path: str) -> bytes | None:
        held = self.scope.held
        return held.texts.get(os.path.abspath(os.path.join(root, path))) if held is not None and held.texts else None

    def _choice(self, path: str) -> Choice:
        """What of the fixes of a file is applied."""
        held = self.scope.held
        if held is None:
            return self.choice
        place = absolute(self.tree, path)
        return self.choice._replace(wants=lambda finding: held.wants(place, finding))

    # --- the repository around a part of it --------------------------------------------------------------------------

    @lazy
    def around(self) -> Repository | None:
        """The git repository of which the tree is a part; None where it is the whole of one, or lies in none."""
        named = (*self.tree.dockerfiles, *self.tree.manifests, *self.tree.runs, *self.tree.compose)
        start = Path(os.path.abspath(self.tree.root)) if self.tree.whole else Path(absolute(self.tree, named[0])).parent
        top = repository_top(start)
        if top is None or (self.tree.whole and top == start):
            return None
        return self.scope.whole(top)

    def _in_whole(self, path: str) -> tuple[Repository, str]:
        """The whole repository, and what it calls a path of this tree."""
        if self.around is None:
            return self, path
        return self.around, os.path.relpath(absolute(self.tree, path), os.path.abspath(self.around.tree.root))

    def _from_whole(self, path: str) -> str:
        """What this tree calls a path of the whole repository; it begins with `../` where that is outside."""
        if self.around is None:
            return path
        return os.path.relpath(absolute(self.around.tree, path), os.path.abspath(self.tree.root))

    # --- Dockerfiles -------------------------------------------------------------------------------------------------

    def dockerfile(self, path: str) -> Outcome:
        """What becomes of one Dockerfile."""
        try:
            source = self.source(path)
        except Unreadable as error:
            return unread(path, error)
        return run_dockerfile(source, self.config, self.setting(path), self.rules, self._choice(path))

    def setting(self, path: str) -> Setting:
        """What the repository tells about a Dockerfile."""
        context = self.context(path)
        return Setting(
            lambda: self.targets(path),
            context,
            lambda reference: self.parents(reference, path),
            context.modes,
            lambda targets: self.asked(path, targets),
            lambda port: self._move_of(path, port),
            lambda: self.shared(path),
            lambda targets: self.holds(path, targets),
        )

    def _lone(self, path: str) -> Setting:
        """The same, where new users have the numbers that they get by themselves."""
        return self.setting(path)._replace(
            find_parent=lambda reference: self._lone_parents(reference, path), find_shared=lambda: None
        )

    def _move_of(self, path: str, port: int) -> Fix | Refusal | None:
        """How a port of a Dockerfile moves, or why it stays; None where nobody asked that ports move."""
        return self.scope.ports.answers.get((absolute(self.tree, path), port)) if self.scope.ports else None

    def targets(self, path: str) -> frozenset[str]:
        """The build targets that the repository names for a Dockerfile."""
        whole, there = self._in_whole(path)
        return whole.known.targets(there)

    def asked(self, path: str, targets: frozenset[str]) -> tuple[Asked, ...]:
        """Who the repository runs the image as that builds of these targets make of a Dockerfile."""
        whole, there = self._in_whole(path)
        found = (one for target in sorted(targets) for one in whole.asking.get((there, target), ()))
        return tuple(one._replace(place=self._from_whole(one.place)) for one in found)

    def shared(self, path: str) -> Asked | None:
        """Whom new users of a Dockerfile have to be, since they write a volume together with that one."""
        whole, there = self._in_whole(path)
        found = whole.sharing.get(there)
        return None if found is None else found._replace(place=self._from_whole(found.place))

    @lazy
    def sharing(self) -> dict[str, Asked]:
        """Whom new users have to be that write a volume of Compose together with others, by their Dockerfile."""
        sources = [source for path in self.tree.compose if (source := self._with_shared_volumes(path)) is not None]
        if not sources:
            return {}  # without the import of all that reads services
        from fixer.sharing import agreed, writers

        found: list[Writer] = []
        for source in sources:
            path = source.path
            found += writers(path, self.services_of(source), partial(self._lone_user, path=path))
        return agreed(found)

    def _with_shared_volumes(self, path: str) -> SourceFile | None:
        """A file of Compose of which services may have a volume in common; None for any other."""
        from fixer.understand.volumes import may_share

        try:
            source = self.source(path)
        except Unreadable:
            return None
        return source if may_share(source.data) else None

    def _lone_user(self, service: Service, path: str) -> ImageUser:
        """Who the image of a service is to run as, whatever volumes it shares."""
        from fixer.imageusers import Made, image_user

        build = _own_build(service, path) if service.build is not None else self._made_here(service.image, path)
        made = None
        if build is not None and self.is_there(build):
            try:
                view = self._viewed(
                    self.source(build.dockerfile), self._lone(build.dockerfile), build.target, build.args
                )
                decision = engine.decision_on(view, build.target)
                moves = decision.is_root and decision.identity is not None and decision.refusal is None
                made = Made(build.dockerfile, decision, moves, build.evidence, build.confidence == STATED)
            except Unreadable:
                pass
        return image_user(service.called, self.config, lambda name: made)

    def holds(self, path: str, targets: frozenset[str]) -> tuple[Hold, ...]:
        """What the repository may need root for in the image that builds of these targets make of a Dockerfile."""
        whole, there = self._in_whole(path)
        if not whole.holding:
            return ()
        found = (one for target in sorted(targets) for one in whole.holding.get((there, target), ()))
        return tuple(one._replace(place=self._from_whole(one.place)) for one in found)

    @property
    def asking(self) -> dict[tuple[str, str], list[Asked]]:
        """The users that manifests and Compose files run images of the repository as, by Dockerfile and target."""
        return self._running[0]

    @property
    def holding(self) -> dict[tuple[str, str], list[Hold]]:
        """What manifests and Compose files may need root for in images of the repository, by Dockerfile and target."""
        return self._running[1]

    @lazy
    def _running(self) -> tuple[dict[tuple[str, str], list[Asked]], dict[tuple[str, str], list[Hold]]]:
        asking: dict[tuple[str, str], list[Asked]] = defaultdict(list)
        holding: dict[tuple[str, str], list[Hold]] = defaultdict(list)
        for path in self.tree.manifests if self.dockerfiles else ():
            if self._speaks(path, _OF_PODS):  # else without the import of all that reads manifests
                self._ask_pods(path, asking, holding)
        for path in self.tree.compose if self.dockerfiles else ():
            if self._speaks(path, _OF_SERVICES):
                self._ask_services(path, asking, holding)
        for maker in tuple(holding):
            self._hold_bases(maker, holding)
        return asking, holding

    def _hold_bases(self, maker: tuple[str, str], holding: dict[tuple[str, str], list[Hold]]) -> None:
        """Tell the images of the repository from which another one gets its user what that one is held by."""
        seen = {maker}
        base = self._base_of(*maker)
        while base is not None and base not in seen:
            seen.add(base)
            holding[base] += holding[maker]
            base = self._base_of(*base)

    def _base_of(self, path: str, target: str) -> tuple[str, str] | None:
        """The Dockerfile and the target of the base image from which an image of the tree gets its user."""
        try:
            image = engine.decision_on(self._viewed(self.source(path), Setting(), target, ()), target).image
        except Unreadable:
            return None
        found = self.known.maker(image.stage.root_base or "", path) if image.user.item is None else None
        return None if found is None or found[0].startswith("../") else (found[0], found[1])

    def _ask_pods(
        self, path: str, asking: dict[tuple[str, str], list[Asked]], holding: dict[tuple[str, str], list[Hold]]
    ) -> None:
        from fixer.decide import Asked
        from fixer.manifests import Reading
        from fixer.podusers import holds

        reading = self.reading(path)
        if not isinstance(reading, Reading):
            return
        for pod, member in reading.view.containers():
            user, group = pod.user(member), pod.effective(member, "runAsGroup")
            held = tuple(holds(pod, member, reading.view.names[pod.key], path))
            maker = self.image_maker(member.image, path) if user or held else None
            if maker is None:
                continue
            if held:
                holding[maker] += held
            if user:
                line = pod.document.line(pod.at(pod.user_path(member)).start)
                gid = group if isinstance(group, int) and group > 0 else None
                asking[maker].append(Asked(user, gid, f"{path}:{line}"))

    def _ask_services(
        self, path: str, asking: dict[tuple[str, str], list[Asked]], holding: dict[tuple[str, str], list[Hold]]
    ) -> None:
        from fixer.decide import Asked
        from fixer.serviceusers import holds

        for service in self.services_of(self.source(path)):
            numbers = re.fullmatch(r"(\d+)(?::(\d+))?", service.user or "")
            held = tuple(holds(service, path))
            maker = self.service_maker(service, path) if numbers is not None or held else None
            if maker is None:
                continue
            if held:
                holding[maker] += held
            if numbers is not None and int(numbers[1]):
                line = service.document.line(service.at("user").start)
                gid = int(numbers[2]) if numbers[2] and int(numbers[2]) else None
                asking[maker].append(Asked(int(numbers[1]), gid, f"{path}:{line}"))

    def services_of(self, source: SourceFile) -> tuple[Service, ...]:
        """The services of a file of Compose that can be judged; none where it cannot be read."""
        from fixer.compose import may_matter
        from fixer.understand.compose import read_compose

        path, files = source.path, self.compose_files
        try:
            if not may_matter(source):
                return ()
            return read_compose(path, source.text, files.read, named=True, below=files.below(path)).services
        except Unreadable:
            return ()

    def service_maker(self, service: Service, path: str) -> tuple[str, str] | None:
        """The Dockerfile and the target whose image a service runs; None where it is none of the tree, or unknown."""
        made = self._made_here(service.image, path) if service.build is None else _own_build(service, path)
        return (made.dockerfile, made.target) if made is not None and self.is_there(made) else None

    def pods_of(self, source: SourceFile) -> tuple[Pod, ...]:
        """The pods of a file of manifests; none where it is left out or cannot be read."""
        from fixer import manifests

        if self._left_out(source.path) is not None:
            return ()
        try:
            reading = manifests.understand(source, self.config, self.surroundings(source.path))
        except Unreadable:
            return ()
        return tuple(reading.view.pods) if reading is not None else ()

    def image_maker(self, reference: str, user: str) -> tuple[str, str] | None:
        """The Dockerfile and the target of an image that a manifest names; None where it is none of the tree."""
        build = self._made_here(self.renamed(reference, user), user)
        return (build.dockerfile, build.target) if build is not None else None

    def _made_here(self, reference: str, user: str) -> Build | None:
        """The build of a Dockerfile of the tree that makes an image which a file uses; None for none, or several."""
        build = self.find(reference, user).build if reference else None
        return build if build is not None and self.is_there(build) else None

    def builds_of(self, dockerfile: str, targets: Collection[str]) -> list[Build]:
        """The builds of a Dockerfile that some file describes, by their targets."""
        return [build for build in self.known.all if build.dockerfile == dockerfile and build.target in targets]

    def hint_texts(self) -> Iterator[tuple[str, str]]:
        """The files that may say how images are built and run, each with its text."""
        for path in sorted({*self.tree.hints, *self.tree.runs}):
            text = self.text(path)
            if text is not None:
                yield path, text

    def strange(self, user: str, reference: str) -> bool:
        """Whether nobody knows an image that a file names: the repository does not make it, and no facts are on it."""
        name = self.renamed(reference, user)
        try:
            return bool(name) and self._made_here(name, user) is None and knowledge(self.config.inspected)(name) is None
        except ValueError:
            return True

    def code_texts(self) -> Iterator[tuple[str, str]]:
        """Programs and the files of other tools that may start containers, each with its text."""
        for path in walk(self.tree.root, self.config.exclude):
            if path.endswith(_CODE) and path not in self._manifests and path not in self._compose:
                text = self.text(path)
                if text is not None:
                    yield path, text

    def copied(self, dockerfile: str, source: str, destination: str, folder: bool) -> Iterator[tuple[str, str]]:
        """The files that a COPY brings from the build context: each with its path in the image."""
        context = self.context(dockerfile)
        for path, rest in context.files(source):
            name = rest or (posixpath.basename(path) if folder else "")
            yield path, posixpath.normpath(posixpath.join(destination, name))

    def _speaks(self, path: str, words: tuple[bytes, ...]) -> bool:
        """Whether a file can be read, and one of some words stands in it."""
        try:
            data = self.source(path).data
            return any(word in data for word in words)
        except Unreadable:
            return False

    @lazy
    def _from_anchor(self) -> bool:
        return str(self.tree.root) == self.tree.root.anchor

    def context(self, path: str) -> Context:
        """The build context of a Dockerfile; for one named outside of the current folder, the folder that it is in."""
        if self._from_anchor:
            return Context((self.tree.root / path).parent, ("",), self._read)
        return Context(self.tree.root, self.known.contexts(path), self._read)

    # --- manifests ---------------------------------------------------------------------------------------------------

    def manifest(self, path: str) -> Outcome | None:
        """What becomes of one file of manifests; None where it holds none."""
        from fixer.manifests import may_matter

        try:
            source = self.source(path)
        except Unreadable as error:
            return unread(path, error)
        if not may_matter(source.data, self.config):
            return self._compose_by_content(source)
        left = self._left_out(path)
        if left is not None:
            return Outcome(skipped=(left,), judged=False)
        return run_manifest(source, self.config, self.surroundings(path), self.manifest_rules, self._choice(path))

    def _left_out(self, path: str) -> Skipped | None:
        """Why a file is not judged whatever it holds: it is a patch, or lies among the templates of a chart."""
        from fixer.understand.manifests import is_chart_template

        whole, there = self._in_whole(path)
        if there in whole.kustomize.patches:
            message = "a Kustomization applies this file as a patch; what it is laid upon is fixed where it is written"
            return Skipped(path, "patch", message)
        if is_chart_template(self.tree.root, path):
            return Skipped(path, "template", "this is a template of a Helm chart; fix it, or its values, by hand")
        return None

    @lazy
    def manifest_rules(self) -> tuple[ModuleType, ...]:
        """The rules on manifests that speak."""
        from fixer.rules import on_manifests

        return rules_for(self.config, on_manifests())

    @lazy
    def kustomize(self) -> Kustomize:
        """What the Kustomizations of the tree do."""
        from fixer.understand.kustomize import Kustomize

        return Kustomize(self.tree.manifests, self.text)

    def surroundings(self, path: str) -> Surroundings:
        """What the repository tells about a file of manifests."""
        from fixer.rules.pods import Surroundings

        whole, there = self._in_whole(path)
        about = Surroundings(
            lambda reference: self.image_user(self.renamed(reference, path), path),
            lambda document, changes: whole.kustomize.conflict(there, document, changes),
        )
        if not self.tree.whole:
            return about
        return about._replace(
            # Kustomize renames a namespace together with what is in it
            namespace_level=lambda name: self.namespaces.level(frozenset({name, self.kustomize.namespace(path)} - {""}))
        )

    @lazy
    def namespaces(self) -> Namespaces:
        """The pods of the tree by namespace."""
        from fixer.namespaces import Namespaces

        paths = self.tree.manifests
        version = self.config.pod_security_version
        return Namespaces(paths, self.reading, self._fixed, self.kustomize.namespace, version)

    def reading(self, path: str) -> Reading | tuple[Skipped, ...] | None:
        """What a file of manifests holds as it is, or what is skipped of it.

        Every template of a chart may put pods somewhere, whatever words are in it.
        """
        from fixer import manifests

        try:
            source = self.source(path)
            left = self._left_out(path)
            if left is not None:
                return (left,) if left.reason == "template" or manifests.may_matter(source.data, self.config) else None
            return manifests.understand(source, self.config, self.surroundings(path))
        except Unreadable as error:
            return unread(path, error).skipped

    def _fixed(self, path: str) -> Reading | None:
        """What a file of manifests holds once this run, or a fix after a mere check, has fixed its pods."""
        from fixer import manifests
        from fixer.rules.kubernetes import namespace_labels

        try:
            source = self.source(path)
            about = self.surroundings(path)
            # the rule that asks this cannot be waited for
            rules = tuple(rule for rule in self.manifest_rules if rule is not namespace_labels)
            choice = self._choice(path) if self.choice.apply else Choice(True)
            outcome = run_manifest(source, self.config, about, rules, choice)
            if outcome is not None and outcome.change is not None:
                source = SourceFile(path, outcome.change.after)
            return manifests.understand(source, self.config, about)
        except Unreadable:
            return None

    # --- commands that start containers ------------------------------------------------------------------------------

    def runs(self, path: str) -> Outcome | None:
        """What becomes of one file that may start containers by commands; None where nothing is to be said."""
        from fixer.runs import may_matter

        try:
            source = SourceFile(path, self.data(path, "a script", "; split it"))
        except Unreadable as error:
            return unread(path, error) if not self.tree.whole else None
        if not may_matter(run_kind(path), source.data):
            return None
        return run_runs(source, lambda name: self.image_user(name, path), self.config, self.run_rules, self.choice)

    @lazy
    def run_rules(self) -> tuple[ModuleType, ...]:
        """The rules on commands that speak."""
        from fixer.rules import on_runs

        return rules_for(self.config, on_runs())

    # --- images ------------------------------------------------------------------------------------------------------

    def renamed(self, reference: str, path: str) -> str:
        """The image that runs where a manifest names one: Kustomize may make another of it."""
        whole, there = self._in_whole(path)
        return renamed(reference, whole.kustomize.images(there))

    # --- Compose -----------------------------------------------------------------------------------------------------

    def compose(self, path: str) -> Outcome | None:
        """What becomes of one file of Compose; None where it holds no service."""
        try:
            source = self.source(path)
        except Unreadable as error:
            return unread(path, error)
        return self._services(source)

    def _compose_by_content(self, source: SourceFile) -> Outcome | None:
        """What becomes of a file that is not named like one of Compose, and may be one all the same."""
        if b"services" not in source.data:
            return None
        return self._services(source)

    def _services(self, source: SourceFile) -> Outcome | None:
        from fixer.compose import may_matter
        from fixer.rules.services import ComposeSurroundings

        path, files = source.path, self.compose_files
        below = files.below(path)
        if not may_matter(source, below):
            return None
        about = ComposeSurroundings(
            lambda service: self.service_user(service, path),
            files.read,
            lambda name, changes: files.conflict(path, name, changes),
            below,
        )
        return run_compose(source, self.config, about, self.compose_rules, self._choice(path))

    @lazy
    def compose_files(self) -> ComposeFiles:
        """The files of Compose of the tree, as far as one changes what another one says."""
        from fixer.understand.composefiles import ComposeFiles

        return ComposeFiles(self.tree.compose, self.text)

    @lazy
    def compose_rules(self) -> tuple[ModuleType, ...]:
        """The rules on Compose that speak."""
        from fixer.rules import on_compose

        return rules_for(self.config, on_compose())

    def service_user(self, service: Service, path: str) -> ImageUser:
        """Who the image of a service of Compose runs as: that of its build, else the one that it names."""
        from fixer.imageusers import image_user

        if service.build is None:
            return self.image_user(service.image, path)
        build = _own_build(service, path)
        made = self._built(build) if build is not None else None
        return image_user(service.called, self.config, lambda name: made)

    def _built(self, build: Build) -> Made | None:
        """What was decided about the Dockerfile that a service names for itself, as the whole repository sees it.

        None when it is not in the repository, or cannot be read.
        """
        whole, there = self._in_whole(build.dockerfile)
        build = build._replace(dockerfile=there)
        made = whole._made(build) if whole.is_there(build) else None
        return None if made is None else self._seen_from_here(made)

    def image_user(self, reference: str, user: str) -> ImageUser:
        """Who an image runs as that a file uses; worked out once for each reference and folder."""
        from fixer.imageusers import image_user

        key = (reference, posixpath.dirname(user))
        if key not in self._users:
            self._users[key] = image_user(reference, self.config, lambda name: self.made(name, user))
        return self._users[key]

    def made(self, reference: str, user: str) -> Made | Several | None:
        """The Dockerfile of the repository that makes an image, with what was decided about it.

        None when no build makes it, or one that reads no Dockerfile, and the candidates when it may be several.
        """
        from fixer.imageusers import Made, Several

        found = self.find(reference, user)
        if found.candidates:
            from fixer.understand.links import told

            return Several(told(found.candidates))
        build = found.build
        if build is None and self.around is not None:
            whole, there = self._in_whole(user)
            made = whole.made(reference, there)
            return self._seen_from_here(made) if isinstance(made, Made) else made
        if build is None or not self.is_there(build):
            return None
        return self._made(build)

    def _made(self, build: Build) -> Made | None:
        """What was decided about the Dockerfile of a build; None where it cannot be read."""
        from fixer.imageusers import Made

        try:
            decision, moves = self._decided(build.dockerfile, build.target, build.args)
        except Unreadable:
            return None
        stated = build.confidence == STATED
        how = f"{build.dockerfile} makes it ({build.evidence})" if stated else build.evidence
        return Made(build.dockerfile, decision, moves, how, stated)

    def _seen_from_here(self, made: Made) -> Made:
        here = self._from_whole(made.path)
        return made._replace(path=here, how=made.how.replace(made.path, here))

    def is_there(self, build: Build) -> bool:
        """Whether the Dockerfile of a build is one of the tree."""
        path = build.dockerfile
        return bool(path) and not path.startswith("../") and (self.tree.root / path).is_file()

    def _decided(self, path: str, target: str, args: tuple[tuple[str, str], ...]) -> tuple[Decision, bool]:
        """The decision on the image of a Dockerfile, and whether this run takes that off root; worked out once.

        Raises:
            Unreadable: when it is no Dockerfile that BuildKit would take, or cannot be read.
        """
        key = (path, target, args)
        if key not in self._decisions:
            decision = self._decision(self.source(path), target, args)
            moves = decision.is_root and decision.identity is not None and decision.refusal is None
            moves = moves and absolute(self.tree, path) in self.scope.dockerfiles
            if moves and self.choice.apply:
                change = self.dockerfile(path).change
                after = None if change is None else SourceFile(path, change.after)
                moves = after is not None and not self._decision(after, target, args).is_root
                moves = moves or self._by_base(decision, path)
            self._decisions[key] = decision, moves
        return self._decisions[key]

    def _by_base(self, decision: Decision, path: str) -> bool:
        """Whether the image of a Dockerfile leaves root with no change of its stage, since its base image does.

        The file alone may not tell its base image, which a build gives as an argument.
        """
        image = decision.image
        if image.parent is None or image.own_user is not None:
            return False
        maker = self.known.maker(image.stage.root_base or "", path)
        return maker is not None and self._decided(maker[0], maker[1], ())[1]

    def _decision(self, source: SourceFile, target: str, args: tuple[tuple[str, str], ...]) -> Decision:
        view = self.understood(source, target, args)
        return engine.decision_on(view, target)

    def understood(self, source: SourceFile, target: str, args: tuple[tuple[str, str], ...]) -> DockerfileView:
        """A Dockerfile as one build reads it, with its target and arguments.

        Raises:
            Unreadable: when it is no Dockerfile that BuildKit would take.
        """
        return self._viewed(source, self.setting(source.path), target, args)

    def _viewed(
        self, source: SourceFile, setting: Setting, target: str, args: tuple[tuple[str, str], ...]
    ) -> DockerfileView:
        config = self.config
        if args:
            config = config.with_options(build_args={**dict(args), **config.build_args})
        return engine.understand(source, config, setting.only(target))

    def find(self, reference: str, user: str) -> Found:
        """The build that makes an image which a file uses.

        Some file says so; else a Dockerfile goes by its name, unless everybody knows the image.
        """
        found = self.known.find(reference, user)
        if found.build is not None or found.candidates:
            return found
        try:
            ref = ImageRef.parse(reference)
            if knowledge(self.config.inspected)(reference) is not None:
                return found  # an image that everybody knows is not ours, whatever our folders are called
        except ValueError:
            return found
        return self._called(ref, user)

    def _called(self, ref: ImageRef, user: str) -> Found:
        """The Dockerfile that goes by the name of an image; where it tells versions apart, that of the tag."""
        name = posixpath.basename(ref.repository)
        called = self._by_name.get(name, ())
        ours = {path: version for path, version in called if not self.known.apart(path, user, named=True)}
        exact = [path for path, version in ours.items() if version == ref.tag]
        close = [path for path, version in ours.items() if version.startswith(ref.tag) or ref.tag.startswith(version)]
        makers = tuple(
            Build(path, None, "", f"{path} makes {name}, going by its name", path=path, line=1, confidence=NAMED)
            for path in nearest((exact if ref.tag else []) or close, user)
        )
        # a version that is not the tag makes another image
        if len(makers) == 1 and (makers[0].dockerfile in exact or not any(ours.values())):
            return Found(makers[0])
        return Found(None, makers if len(makers) > 1 else ())

    @lazy
    def _by_name(self) -> dict[str, list[tuple[str, str]]]:
        """The Dockerfiles by the names that they go by, each with its version."""
        out: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for path in self.dockerfiles:
            name, version = name_of(path)
            out[name].append((path, version))
        return out


def _proved(finding: Finding, words: str) -> Finding:
    """A finding whose fix, if it is one that is applied, was seen to hold."""
    fix = finding.fix
    if fix is None or fix.safety is Safety.MANUAL or finding.status is Status.REFUSED:
        return finding
    reason = f"{finding.reason}; {words}" if finding.reason else words
    return finding._replace(fix=fix._replace(safety=Safety.SAFE, risk=""), reason=reason)


def _own_build(service: Service, path: str) -> Build | None:
    """The build that a service of a file of Compose describes itself; None for none, and for one of another place."""
    build = service.build
    if build is None or build.remote:
        return None
    return Build(build.dockerfile, None, build.target, f"{path}: service {service.name}", args=build.args)


def absolute(tree: Tree, path: str) -> str:
    """The absolute path of a file that a tree knows by a path from its root."""
    return os.path.abspath(os.path.join(tree.root, path))


def _in_repository(root: Path) -> str:
    """What leads from the top of the git repository to a folder, with a final `/`; empty outside of one.

    `git apply` wants the paths of a diff to start at the top.
    """
    here = Path(os.path.abspath(root))
    top = repository_top(here)
    below = here.relative_to(top).as_posix() if top is not None else "."
    return "" if below == "." else f"{below}/"


class _Parents:
    """Finds the Dockerfile of the same repository that makes a base image.

    `alone` tells that new users have the numbers there that they get by themselves, whatever volumes they share.
    """

    def __init__(self, repository: Repository, *, alone: bool = False) -> None:
        self.repository = repository
        self.alone = alone
        self.found: dict[tuple[str, str], Parent | None] = {}

    def __call__(self, reference: str, user: str) -> Parent | None:
        """The parent that an image reference in a file names, or None; a circle of parents ends in None."""
        key = reference, posixpath.dirname(user)
        if key not in self.found:
            self.found[key] = None
            self.found[key] = self._find(reference, user)
        return self.found[key]

    def _find(self, reference: str, user: str) -> Parent | None:
        repository = self.repository
        made = repository.known.maker(reference, user)
        if made is None and repository.around is not None:
            whole, there = repository._in_whole(user)
            return (whole._lone_parents if self.alone else whole.parents)(reference, there)
        if made is None or made[0].startswith("../"):
            return None
        try:
            source = repository.source(made[0])
        except Unreadable:
            return None
        path, target = made
        setting = Setting(
            read_context=repository.context(path),
            find_parent=lambda base: self(base, path),
            find_asked=lambda targets: repository.asked(path, targets),
            find_shared=lambda: None if self.alone else repository.shared(path),
            find_holds=lambda targets: repository.holds(path, targets),
        )
        parent = engine.parent(source, target, repository.config, setting)
        if parent is not None and repository.scope.held is not None:
            return parent._replace(moves_to=None)  # it has moved in what is held, or stays
        return parent
