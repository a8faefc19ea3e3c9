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
from fixer.lazy import lazy, regex
from fixer.model import Skipped
from fixer.source import SourceFile, read_bytes
from fixer.understand.builds import NAMED, STATED, Build, Found, builds, nearest
from fixer.understand.image import Parent

if TYPE_CHECKING:
    from fixer.decide import Decision
    from fixer.imageusers import ImageUser, Made, Several
    from fixer.manifests import Reading
    from fixer.namespaces import Namespaces
    from fixer.rules.base import DockerfileView
    from fixer.rules.pods import Surroundings
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
        self._users: dict[tuple[str, str], ImageUser] = {}
        self._decisions: dict[tuple[str, str, tuple[tuple[str, str], ...]], tuple[Decision, bool]] = {}

    @lazy
    def dockerfiles(self) -> tuple[str, ...]:
        """The paths of all Dockerfiles: those found, and those that some file names."""
        found = self.tree.dockerfiles
        named = (p for p in self.known.by_file if p not in found and not p.startswith("../"))
        return tuple(sorted({*found, *(p for p in named if (self.tree.root / p).is_file())}))

    def __call__(self, path: str) -> Outcome | None:
        """What becomes of one file; a file that cannot be read is skipped, and one that holds nothing is None."""
        outcome = self.dockerfile(path) if path in self._dockerfiles else self.manifest(path)
        if outcome is not None and outcome.change is not None:
            outcome.change = outcome.change._replace(root=str(self.tree.root), repository_path=self.top + path)
        return outcome

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
            return None
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
            lambda reference: self.image_user(self.renamed(reference, path), path),
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
        return Namespaces(paths, self.reading, self._fixed, self.kustomize.namespace, version)

    def renamed(self, reference: str, path: str) -> str:
        """What Kustomize makes of an image that a manifest names."""
        return _renamed(reference, self.kustomize.images(path))

    def reading(self, path: str) -> Reading | tuple[Skipped, ...] | None:
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
        if build is None or not self.is_there(build):
            return None
        try:
            decision, moves = self._decided(build.dockerfile, build.target, build.args)
        except Unreadable:
            return None
        stated = build.confidence == STATED
        how = f"{build.dockerfile} makes it ({build.evidence})" if stated else build.evidence
        return Made(build.dockerfile, decision, moves, how, stated)

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
            decision = self._decision(read_source(self.tree.root, path), target, args)
            moves = decision.is_root and decision.identity is not None and decision.refusal is None
            if moves and self.choice.apply:
                change = self.dockerfile(path).change
                after = None if change is None else SourceFile(path, change.after)
                moves = after is not None and not self._decision(after, target, args).is_root
            self._decisions[key] = decision, moves
        return self._decisions[key]

    def _decision(self, source: SourceFile, target: str, args: tuple[tuple[str, str], ...]) -> Decision:
        view = self.understood(source, target, args)
        return engine.decision_on(view, target)

    def understood(self, source: SourceFile, target: str, args: tuple[tuple[str, str], ...]) -> DockerfileView:
        """A Dockerfile as one build reads it, with its target and arguments.

        Raises:
            Unreadable: when it is no Dockerfile that BuildKit would take.
        """
        setting = self.setting(source.path)._replace(targets=frozenset({target} - {""}))
        config = self.config
        if args:
            config = config.with_options(build_args={**dict(args), **config.build_args})
        return engine.understand(source, config, setting)

    def find(self, reference: str, user: str) -> Found:
        """The build that makes an image which a file uses.

        Some file says so; else a Dockerfile goes by its name, unless everybody knows the image.
        """
        found = self.known.find(reference, user)
        if found.build is not None or found.candidates:
            return found
        try:
            ref = ImageRef.parse(reference)
            if lookup(ref) is not None:
                return found  # an image that everybody knows is not ours, whatever our folders are called
        except ValueError:
            return found
        return self._called(ref, user)

    def _called(self, ref: ImageRef, user: str) -> Found:
        """The Dockerfile that goes by the name of an image; where it tells versions apart, that of the tag."""
        name = posixpath.basename(ref.repository)
        called = [(path, *_name(path)) for path in self.dockerfiles]
        ours = {path: version for path, own, version in called if own == name}
        ours = {path: version for path, version in ours.items() if not self.known.apart(path, user, named=True)}
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


def _name(path: str) -> tuple[str, str]:
    """The name of an image that a Dockerfile goes by, and its version, "" for none.

    That is what stands before or behind `Dockerfile`, or its folder; a folder that is called like a version, or like
    folders of any program, is one of the folder above.
    """
    folder, file = posixpath.split(path)
    before, _, behind = file.partition(".")
    other = behind if before.lower() in ("dockerfile", "containerfile") else before
    if other and other.lower() != "dockerfile":
        return other, ""
    above, name = posixpath.split(folder)
    if above and _VERSION.fullmatch(name):
        return posixpath.basename(above), name
    return posixpath.basename(above) if above and name in _ANYBODYS else name, ""


_VERSION = regex(r"v?\d[\w.-]*")
_ANYBODYS = ("src", "docker", ".docker", "build")


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
