"""One tree of files: what it tells about its Dockerfiles and manifests, and what is done to each of them."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from fixer import engine
from fixer.config import Config
from fixer.discover import Context, Tree, read_inside
from fixer.engine import Choice, Outcome, Setting, rules_for, unread
from fixer.errors import Unreadable
from fixer.facts import ImageRef, lookup, untagged
from fixer.lazy import lazy
from fixer.model import Skipped
from fixer.source import SourceFile, read_bytes
from fixer.understand.builds import Build, builds, nearest
from fixer.understand.image import Parent

if TYPE_CHECKING:
    from fixer.decide import Decision
    from fixer.imageusers import ImageUser, Made
    from fixer.manifests import Reading
    from fixer.namespaces import Namespaces
    from fixer.rules.pods import Surroundings
    from fixer.rules.services import ComposeSurroundings
    from fixer.understand.compose import Service
    from fixer.understand.composefiles import ComposeFiles
    from fixer.understand.kustomize import Kustomize


def read_source(root: Path, path: str) -> SourceFile:
    """Read one Dockerfile.

    Raises:
        Unreadable: when it is a link, no regular file, too large, or cannot be read.
    """
    return SourceFile(path, read_bytes(root, path, "a Dockerfile", ", which no Dockerfile is; it was not read"))


def run_dockerfile(
    source: SourceFile, config: Config, setting: Setting, rules: tuple[ModuleType, ...], choice: Choice
) -> Outcome:
    """Check one Dockerfile, or fix it, as `choice` says."""
    if not choice.apply:
        return engine.check(source, config, setting, rules)
    from fixer.fixing import fix

    return fix(source, config, setting, rules, choice)


def run_manifest(
    source: SourceFile, config: Config, surroundings: Surroundings, rules: tuple[ModuleType, ...], choice: Choice
) -> Outcome | None:
    """Check one file of manifests, or fix it, as `choice` says; None where it holds none."""
    if not choice.apply:
        from fixer.manifests import check

        return check(source, config, surroundings, rules)
    from fixer.fixing import fix_manifest

    return fix_manifest(source, config, surroundings, rules, choice)


def run_compose(
    source: SourceFile,
    config: Config,
    surroundings: ComposeSurroundings,
    rules: tuple[ModuleType, ...],
    choice: Choice,
) -> Outcome | None:
    """Check one file of Compose, or fix it, as `choice` says; None where it holds no service."""
    if not choice.apply:
        from fixer.compose import check

        return check(source, config, surroundings, rules)
    from fixer.fixing import fix_compose

    return fix_compose(source, config, surroundings, rules, choice)


class Repository:
    """A tree with the run's configuration and choice.

    Everything is read when it is first asked for, in the process that asks, so that nothing has to be sent to others.
    """

    def __init__(self, tree: Tree, config: Config, choice: Choice) -> None:
        self.tree = tree
        self.config = config
        self.choice = choice
        self.known = builds(tree.hints, lambda path: read_inside(tree.root, path))
        self.rules = rules_for(config)
        self.parents = _Parents(self)
        self.top = _in_repository(tree.root)
        self._dockerfiles = frozenset(self.dockerfiles)
        self._compose = frozenset(tree.compose)
        self._users: dict[tuple[str, str], ImageUser] = {}
        self._decisions: dict[tuple[str, str], tuple[Decision, bool]] = {}

    @lazy
    def dockerfiles(self) -> tuple[str, ...]:
        """The paths of all Dockerfiles: those found, and those that some file names."""
        found = self.tree.dockerfiles
        named = (p for p in self.known.by_file if p not in found and not p.startswith("../"))
        return tuple(sorted({*found, *(p for p in named if (self.tree.root / p).is_file())}))

    def __call__(self, path: str) -> Outcome | None:
        """What becomes of one file; a file that cannot be read is skipped, and one that holds nothing is None."""
        outcome = self._outcome(path)
        if outcome is not None and outcome.change is not None:
            outcome.change = outcome.change._replace(root=str(self.tree.root), repository_path=self.top + path)
        return outcome

    def _outcome(self, path: str) -> Outcome | None:
        if path in self._dockerfiles:
            return self.dockerfile(path)
        return self.compose(path) if path in self._compose else self.manifest(path)

    # --- Dockerfiles -------------------------------------------------------------------------------------------------

    def dockerfile(self, path: str) -> Outcome:
        """What becomes of one Dockerfile."""
        try:
            source = read_source(self.tree.root, path)
        except Unreadable as error:
            return unread(path, error)
        return run_dockerfile(source, self.config, self.setting(path), self.rules, self.choice)

    def setting(self, path: str) -> Setting:
        """What the repository tells about a Dockerfile."""
        context = self.context(path)
        return Setting(self.known.targets(path), context, self.parents, context.modes)

    def context(self, path: str) -> Context:
        """The build context of a Dockerfile; for one named outside of the current folder, the folder that it is in."""
        if str(self.tree.root) == self.tree.root.anchor:
            return Context((self.tree.root / path).parent, ("",))
        return Context(self.tree.root, self.known.contexts(path))

    # --- manifests ---------------------------------------------------------------------------------------------------

    def manifest(self, path: str) -> Outcome | None:
        """What becomes of one file of manifests; None where it holds none."""
        from fixer.manifests import may_matter

        try:
            source = self._manifest(path)
        except Unreadable as error:
            return unread(path, error)
        if not may_matter(source.data, self.config):
            return self._compose_by_content(source)
        left = self._left_out(path)
        if left is not None:
            return Outcome(skipped=(left,), judged=False)
        return run_manifest(source, self.config, self.surroundings(path), self.manifest_rules, self.choice)

    def _left_out(self, path: str) -> Skipped | None:
        """Why a file is not judged whatever it holds: it is a patch, or lies among the templates of a chart."""
        from fixer.understand.manifests import is_chart_template

        if path in self.kustomize.patches:
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

        return Kustomize(self.tree.manifests, lambda path: read_inside(self.tree.root, path))

    def surroundings(self, path: str) -> Surroundings:
        """What the repository tells about a file of manifests."""
        from fixer.rules.pods import Surroundings

        about = Surroundings(
            lambda reference: self.image_user(_renamed(reference, self.kustomize.images(path)), path),
            lambda document, changes: self.kustomize.conflict(path, document, changes),
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
        return Namespaces(paths, self._reading, self._fixed, self.kustomize.namespace, version)

    def _reading(self, path: str) -> Reading | tuple[Skipped, ...] | None:
        """What a file of manifests holds as it is, or what is skipped of it.

        Every template of a chart may put pods somewhere, whatever words are in it.
        """
        from fixer import manifests

        try:
            source = self._manifest(path)
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
            source = self._manifest(path)
            about = self.surroundings(path)
            # the rule that asks this cannot be waited for
            rules = tuple(rule for rule in self.manifest_rules if rule is not namespace_labels)
            choice = self.choice if self.choice.apply else Choice(True)
            outcome = run_manifest(source, self.config, about, rules, choice)
            if outcome is not None and outcome.change is not None:
                source = SourceFile(path, outcome.change.after)
            return manifests.understand(source, self.config, about)
        except Unreadable:
            return None

    def _manifest(self, path: str) -> SourceFile:
        return SourceFile(path, read_bytes(self.tree.root, path, "a manifest", "; split it"))

    # --- Compose -----------------------------------------------------------------------------------------------------

    def compose(self, path: str) -> Outcome | None:
        """What becomes of one file of Compose; None where it holds no service."""
        try:
            source = SourceFile(path, read_bytes(self.tree.root, path, "a Compose file", "; split it"))
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

        if not may_matter(source):
            return None
        path, files = source.path, self.compose_files
        about = ComposeSurroundings(
            lambda service: self.service_user(service, path),
            files.read,
            lambda name, changes: files.conflict(path, name, changes),
            files.below(path),
        )
        return run_compose(source, self.config, about, self.compose_rules, self.choice)

    @lazy
    def compose_files(self) -> ComposeFiles:
        """The files of Compose of the tree, as far as one changes what another one says."""
        from fixer.understand.composefiles import ComposeFiles

        return ComposeFiles(self.tree.compose, lambda path: read_inside(self.tree.root, path))

    @lazy
    def compose_rules(self) -> tuple[ModuleType, ...]:
        """The rules on Compose that speak."""
        from fixer.rules import on_compose

        return rules_for(self.config, on_compose())

    def service_user(self, service: Service, path: str) -> ImageUser:
        """Who the image of a service of Compose runs as: that of its build, else the one that it names."""
        from fixer.imageusers import image_user

        build = service.build
        if build is None:
            return self.image_user(service.image, path)
        made = None
        if not build.remote and (self.tree.root / build.dockerfile).is_file():
            evidence = f"{path}: service {service.name}"
            made = self._made(Build(build.dockerfile, "", build.target, evidence), True)
        return image_user(service.called, self.config, lambda name: made)

    def image_user(self, reference: str, user: str) -> ImageUser:
        """Who an image runs as that a file uses; worked out once for each reference and folder."""
        from fixer.imageusers import image_user

        key = (reference, posixpath.dirname(user))
        if key not in self._users:
            self._users[key] = image_user(reference, self.config, lambda name: self.made(name, user))
        return self._users[key]

    def made(self, reference: str, user: str) -> Made | None:
        """The Dockerfile of the repository that makes an image, with what was decided about it; None for none."""
        link = self._maker(reference, user)
        if link is None:
            return None
        return self._made(*link)

    def _made(self, build: Build, named: bool) -> Made | None:
        """What was decided about the Dockerfile of a build; None where it cannot be read."""
        from fixer.imageusers import Made

        try:
            decision, moves = self._decided(build.dockerfile, build.target)
        except Unreadable:
            return None
        # one that was not asked for is not changed
        moves = moves and build.dockerfile in self._dockerfiles
        how = f"{build.dockerfile} makes it ({build.evidence})" if named else build.evidence
        return Made(build.dockerfile, decision, moves, how, named)

    def _decided(self, path: str, target: str) -> tuple[Decision, bool]:
        """The decision on the image of a Dockerfile, and whether this run takes that off root; worked out once.

        Raises:
            Unreadable: when it is no Dockerfile that BuildKit would take, or cannot be read.
        """
        key = (path, target)
        if key not in self._decisions:
            decision = self._decision(read_source(self.tree.root, path), target)
            moves = decision.is_root and decision.identity is not None and decision.refusal is None
            if moves and self.choice.apply:
                change = self.dockerfile(path).change
                moves = change is not None and not self._decision(SourceFile(path, change.after), target).is_root
            self._decisions[key] = decision, moves
        return self._decisions[key]

    def _decision(self, source: SourceFile, target: str) -> Decision:
        setting = self.setting(source.path)._replace(targets=frozenset({target} - {""}))
        return engine.decision_on(engine.understand(source, self.config, setting), target)

    def _maker(self, reference: str, user: str) -> tuple[Build, bool] | None:
        """The build that makes an image, and whether some file says so: else a folder of that name has a Dockerfile."""
        named = self.known.named(reference, user)
        if named is not None:
            return (named, True) if (self.tree.root / named.dockerfile).is_file() else None
        try:
            ref = ImageRef.parse(reference)
            if lookup(ref) is not None:
                return None  # an image that everybody knows is not ours, whatever our folders are called
        except ValueError:
            return None
        name = posixpath.basename(ref.repository)
        found = nearest((path for path in self.dockerfiles if name in _called(path)), user)
        if len(found) != 1:
            return None
        evidence = f"{found[0]} makes {name}, going by its name"
        return Build(found[0], posixpath.dirname(found[0]), "", evidence), False


def _called(path: str) -> tuple[str, ...]:
    """The names of images that a Dockerfile goes by: its folder, and what stands before or behind `Dockerfile`."""
    folder, file = posixpath.split(path)
    before, _, behind = file.partition(".")
    other = behind if before.lower() in ("dockerfile", "containerfile") else before
    return (other,) if other and other.lower() != "dockerfile" else (posixpath.basename(folder),)


def _renamed(reference: str, names: Mapping[str, str]) -> str:
    """What Kustomize makes of a reference: another name, which keeps the tag or digest unless it has its own."""
    name = untagged(reference)
    new = names.get(name)
    if new is None:
        return reference
    return new if ":" in new.rpartition("/")[2] or "@" in new else new + reference[len(name) :]


def _in_repository(root: Path) -> str:
    """What leads from the top of the git repository to a folder, with a final `/`; empty outside of one.

    `git apply` wants the paths of a diff to start at the top.
    """
    real = Path(os.path.abspath(root))
    for place in (real, *real.parents):
        if (place / ".git").exists():
            below = real.relative_to(place).as_posix()
            return "" if below == "." else f"{below}/"
    return ""


class _Parents:
    """Finds the Dockerfile of the same repository that makes a base image."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.found: dict[str, Parent | None] = {}

    def __call__(self, reference: str) -> Parent | None:
        """The parent that an image reference names, or None; a circle of parents ends in None."""
        if reference not in self.found:
            self.found[reference] = None
            self.found[reference] = self._find(reference)
        return self.found[reference]

    def _find(self, reference: str) -> Parent | None:
        repository = self.repository
        made = repository.known.maker(reference)
        if made is None or made[0].startswith("../"):
            return None
        try:
            source = read_source(repository.tree.root, made[0])
        except Unreadable:
            return None
        context = repository.context(made[0])
        return engine.parent(source, made[1], repository.config, Setting(read_context=context, find_parent=self))
