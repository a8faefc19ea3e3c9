"""What the Kustomizations of a tree make of its manifests: which files are patches, and what patches do to a fix.

A Kustomization is a layer: it takes bases, files and components, and lays its own patches upon them. What happens to
an object is therefore a chain of layers, one chain for each Kustomization that includes its file.

Only files of the tree count. What is remote, missing or cannot be read says nothing, and neither do transformers,
generators, replacements, vars and Helm charts.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from fixer.lazy import lazy
from fixer.model import YamlChange
from fixer.syntax.yaml import values
from fixer.tuples import NamedTuple
from fixer.understand.lasting import Harm, Trial
from fixer.understand.selecting import Identity, identity, is_named, is_selected
from fixer.understand.workloads import KUSTOMIZATIONS, is_kustomization, mapping, patch_files, sequence, word

Read = Callable[[str], str | None]

# Far more layers and parts than anybody has; what goes beyond is made to keep a reader busy, with aliases or loops.
_DEEPEST = 100
_MOST = 100_000


class _Layer(NamedTuple):
    """A Kustomization or Component: its file, and the files and folders that it takes, as paths of the tree."""

    path: str
    resources: tuple[str, ...]
    components: tuple[str, ...]
    value: Mapping[Any, Any]


Chain = tuple[_Layer, ...]


class _Patch(NamedTuple):
    """A patch: its file ("" when it is inline), its target if it has one, and its documents."""

    file: str
    target: Mapping[Any, Any] | None
    documents: tuple[Any, ...]


class Kustomize:
    """The Kustomizations of a tree. Nothing is read before it is asked for, and everything at most once.

    Args:
        paths: the files of the tree that may be manifests, relative to its root; those named like Kustomizations are
            read.
        read: gives the text of a file by its path relative to the root, None where there is none.
    """

    def __init__(self, paths: Iterable[str], read: Read) -> None:
        self._paths = sorted({path for path in paths if posixpath.basename(path) in KUSTOMIZATIONS})
        self._read = read
        self._known_chains: dict[str, tuple[Chain, ...]] = {}
        self._known_patches: dict[str, tuple[tuple[_Patch, ...], tuple[_Patch, ...]]] = {}

    @lazy
    def patches(self) -> frozenset[str]:
        """The files, relative to the root, that a Kustomization or Component applies as patches: they are fragments."""
        names = ((path, name) for path, value in self._values for name in patch_files(value))
        return frozenset(_inside(path, name) for path, name in names if "://" not in name)

    def conflict(self, path: str, document: Mapping[Any, Any], changes: Sequence[YamlChange]) -> str | None:
        """Why a fix of an object would not last, or would break a patch.

        Args:
            path: the manifest, relative to the root.
            document: the object as plain values, before the changes.
            changes: what the fix does to this document, with paths from its top.

        Returns:
            One sentence about the first patch that overwrites or takes away what the changes set, sets again what they
            remove, or can no longer be applied after them; None when all of them go together.
        """
        if not changes or not self._chains(path):
            return None
        try:
            objects = [(value, some) for value, some in _objects(document, changes) if _is_small(value)]
            found = (self._harm(chain, value, some) for value, some in objects for chain in self._chains(path))
            return next((one for one in found if one), None)
        except RecursionError:  # an expression with hundreds of groups
            return None

    def images(self, path: str) -> Mapping[str, str]:
        """What the layers above a manifest make of its images.

        Returns:
            The name of an image, without tag and digest, and the reference after all layers. A reference without tag
            and digest keeps those that the manifest has. A name is left out when one Kustomization makes something else
            of it than another.
        """
        found: dict[str, set[str]] = {}
        for chain in self._chains(path):
            # one layer changes what another has made
            entries = [mapping(one) for layer in chain for one in sequence(layer.value.get("images"))]
            for name in {word(entry.get("name")) for entry in entries} - {""}:
                found.setdefault(name, set()).add(_renamed(name, entries))
        return {
            name: one
            for name in sorted(found)
            for one in found[name]
            if len(found[name]) == 1 and one not in ("", name)
        }

    def namespace(self, path: str) -> str:
        """The namespace that the layers above a manifest set, "" when they set none or several."""
        found = {word(layer.value.get("namespace")) for chain in self._chains(path) for layer in chain} - {""}
        return found.pop() if len(found) == 1 else ""

    # --- the graph ---

    @lazy
    def _values(self) -> list[tuple[str, Mapping[Any, Any]]]:
        """The documents that are Kustomizations, with their files."""
        return [
            (path, value)
            for path in self._paths
            for value in self._load(path)
            if isinstance(value, Mapping) and is_kustomization(value, posixpath.basename(path))
        ]

    @lazy
    def _layers(self) -> dict[str, _Layer]:
        """The layers by their folders; Kustomize takes one file of a folder, and one document of it."""
        found: dict[str, _Layer] = {}
        for path, value in self._values:
            resources, components = (
                tuple(_inside(path, word(one)) for name in names for one in sequence(value.get(name)) if word(one))
                for names in (("resources", "bases"), ("components",))
            )
            found.setdefault(_inside(path, "."), _Layer(path, resources, components, value))
        return found

    @lazy
    def _takers(self) -> dict[str, list[str]]:
        """The folders of the layers that name a file or folder as resource or component."""
        found: dict[str, list[str]] = {}
        for folder, layer in self._layers.items():
            for name in dict.fromkeys((*layer.resources, *layer.components)):
                found.setdefault(name, []).append(folder)
        return found

    def _chains(self, path: str) -> tuple[Chain, ...]:
        """For each Kustomization that includes a file, the layers in the order in which they act on it."""
        path = posixpath.normpath(path)
        if self._paths and path not in self._known_chains:
            above: dict[str, None] = {}
            todo = [path]
            while todo:
                fresh = [one for one in self._takers.get(todo.pop(), ()) if one not in above]
                above |= dict.fromkeys(fresh)
                todo += fresh
            chains = _Chains(path, self._layers, above)
            found = {tuple(chains.of(folder, False)) for folder in above} - {()}
            # the nearest comes first
            order = sorted(found, key=lambda folders: (len(folders), folders))
            self._known_chains[path] = tuple(tuple(self._layers[one] for one in folders) for folders in order)
        return self._known_chains.get(path, ())

    # --- patches ---

    def _load(self, path: str) -> list[Any]:
        text = self._read(path)
        return [] if text is None else _parse(text)

    def _patches_of(self, layer: _Layer) -> tuple[tuple[_Patch, ...], tuple[_Patch, ...]]:
        """The patches of a layer in the order of Kustomize, cut where it sets names and namespaces."""
        if layer.path not in self._known_patches:
            early = [self._plain(layer, one) for one in sequence(layer.value.get("patchesStrategicMerge"))]
            early += [self._aimed(layer, mapping(one)) for one in sequence(layer.value.get("patches"))]
            late = [self._aimed(layer, mapping(one)) for one in sequence(layer.value.get("patchesJson6902"))]
            self._known_patches[layer.path] = (tuple(early), tuple(late))
        return self._known_patches[layer.path]

    def _plain(self, layer: _Layer, entry: object) -> _Patch:
        """An entry of patchesStrategicMerge, which is a file if there is one of this name, and else the patch."""
        text = word(entry)
        file = "" if "\n" in text else _inside(layer.path, text)
        read = self._read(file) if file else None
        return _Patch("" if read is None else file, None, tuple(_parse(text if read is None else read)))

    def _aimed(self, layer: _Layer, entry: Mapping[Any, Any]) -> _Patch:
        name = word(entry.get("path"))
        file = _inside(layer.path, name) if name else ""
        text = self._read(file) if file else word(entry.get("patch"))
        target = entry.get("target")
        return _Patch(file, target if isinstance(target, Mapping) else None, tuple(_parse(text or "")))

    def _harm(self, chain: Chain, document: Mapping[Any, Any], changes: Sequence[YamlChange]) -> str | None:
        """What the first patch of a chain that does not go with the changes does."""
        trial, who = Trial(document, changes), identity(document)
        for layer in chain:
            early, late = self._patches_of(layer)
            after = who.renamed(layer.value)
            for patch, name in [*((one, who) for one in early), *((one, after) for one in late)]:
                harm = next(_applied(trial, patch, name, "openapi" in layer.value), None)
                if harm is not None:
                    return (
                        f"{layer.path} patches {harm.where} with {harm.how} in {patch.file or 'an inline patch'},"
                        f" which would {harm.verb}; change the patch as well"
                    )
            who = after
        return None


class _Chains:
    """The layers that act on one file, in their order; `above` are the folders of those that include it in some way."""

    def __init__(self, path: str, layers: Mapping[str, _Layer], above: Mapping[str, None]) -> None:
        self.path = path
        self.layers = layers
        self.above = above
        self.known: dict[tuple[str, bool], dict[str, None]] = {}
        self.open: list[str] = []

    def of(self, folder: str, held: bool) -> dict[str, None]:
        """The folders of the layers that act when one is built, itself the last.

        `held` says that the file is there already: a component acts on what its Kustomization has.
        """
        if folder in self.open or len(self.open) > _DEEPEST or folder not in self.layers:
            return {}
        if (folder, held) not in self.known:
            self.open.append(folder)
            self.known[folder, held] = self._of(self.layers[folder], folder, held)
            self.open.pop()
        return self.known[folder, held]

    def _of(self, layer: _Layer, folder: str, held: bool) -> dict[str, None]:
        found: dict[str, None] = {}
        for name in layer.resources:
            below = self.of(name, False) if name in self.above else {}
            held = held or name == self.path or bool(below)
            found |= below
        for name in layer.components:
            below = self.of(name, held) if held or name in self.above else {}
            held = held or bool(below)
            found |= below
        return {**found, folder: None} if held and len(found) < _DEEPEST else {}


def _inside(path: str, name: str) -> str:
    """What a file calls by this name, as a path of the tree."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def _parse(text: str) -> list[Any]:
    """The documents of a text, none where it is no YAML."""
    return [value for value in values(text) if _is_small(value)]


def _is_small(value: object) -> bool:
    """Whether a value with all its aliases written out can be walked through; one that holds itself cannot."""
    count = 0
    todo = [(value, 0)]
    while todo:
        one, depth = todo.pop()
        below = list(one.values()) if isinstance(one, Mapping) else sequence(one)
        count += 1 + len(below)
        if depth > _DEEPEST or count > _MOST:
            return False
        todo += [(item, depth + 1) for item in below if isinstance(item, Mapping | list)]
    return True


def _objects(
    document: Mapping[Any, Any], changes: Sequence[YamlChange]
) -> Iterator[tuple[Mapping[Any, Any], list[YamlChange]]]:
    """The objects that changes speak of, with the changes as seen from the top of each: Kustomize unpacks lists."""
    if not word(document.get("kind")).endswith("List"):
        yield document, list(changes)
        return
    for index, item in enumerate(sequence(document.get("items"))):
        some: list[YamlChange] = [
            change._replace(path=change.path[2:]) for change in changes if change.path[:2] == ("items", index)
        ]
        if some and isinstance(item, Mapping):
            yield item, some


def _applied(trial: Trial, patch: _Patch, who: Identity, has_schema: bool) -> Iterator[Harm]:
    """Apply a patch where it hits the object, and tell what harm it does."""
    for document in patch.documents:
        if isinstance(document, list):
            operations = document if patch.target is not None and is_selected(patch.target, who) else []
            harms = [trial.operate(one) for one in operations if isinstance(one, Mapping)]
        elif not isinstance(document, Mapping):
            continue
        elif is_named(document, who) if patch.target is None else is_selected(patch.target, who):
            # of kinds that are not its own Kustomize knows no keys of lists, unless it is told
            harms = [trial.merge(document, has_schema or "." not in who.group)]
        else:
            continue
        yield from (harm for harm in harms if harm is not None)


def _renamed(name: str, entries: Iterable[Mapping[Any, Any]]) -> str:
    """The reference that entries of `images` make of a name, one after the other; "" where they only end its tag."""
    ending = ""
    for entry in entries:
        if word(entry.get("name")) == name:
            tag, digest = word(entry.get("newTag")), word(entry.get("digest"))
            name = word(entry.get("newName")) or name
            if tag or digest:
                ending = (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
            elif entry.get("tagSuffix"):
                return ""
    return name + ending
