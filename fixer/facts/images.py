"""What is known about public container images: who they run as, and who already lives in them.

The facts lie in `data/images.json` and `data/families.json`; this module only looks them up. The images are
read from top to bottom and the first entry wins whose registry, repository and tag all match. An entry says
only what differs from its family:

    registry, repository   a name or a list; a repository with ( * [ ? \\ or | in it is a regular expression
    tags                   a regular expression for the whole tag, absent for any tag
    user                   absent for root, "" for unknown, else the word in the image
    accounts               lines like /etc/passwd without the password: name:uid:gid:group:home
    app                    the account that the image ships to run its software
    entrypoint, cmd        their words, where the program is one that needs root whatever is built on the image
    platform               who runs it, where that one chooses the user and asks for no USER
    writable, open         folders that its software writes, and those of them that everybody may write already
    nonroot_variant        an image reference; {tag} and {repository} stand for those that were asked about
    sources                numbers into the list of sources above the images

How sure an entry is: `verified` (read in the Dockerfile, package list or lock file that it names),
`documented` (stated in documents, or read for a sibling tag), `inferred` (by analogy). Of an inferred entry
even the family is a guess, and it never names an `app_user`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fixer.lazy import regex
from fixer.tuples import NamedTuple

_DATA = Path(__file__).with_name("data")
_NO_ENV: Mapping[str, str] = MappingProxyType({})
_SHOWN_DIGEST = len("sha256:") + 12

# Names of one and the same registry.
_SAME_REGISTRY = {
    "index.docker.io": "docker.io",
    "registry-1.docker.io": "docker.io",
    "registry.hub.docker.com": "docker.io",
    "mirror.gcr.io": "docker.io",
    "k8s.gcr.io": "registry.k8s.io",
}
_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
# Copies of Docker Hub's official images elsewhere.
_OFFICIAL_COPIES = (
    ("public.ecr.aws", "docker/library/"),
    ("mcr.microsoft.com", "mirror/docker/library/"),
)
# Where Docker builds the official images for one architecture.
_ARCHITECTURES = frozenset(
    {"amd64", "arm32v5", "arm32v6", "arm32v7", "arm64v8", "i386", "mips64le", "ppc64le", "riscv64", "s390x"}
)
# The prefixes that Amazon's console proposes for its pull-through caches; with any other prefix a private
# repository could carry the same name, and that would be a guess.
_ECR = r"[0-9]+\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?"
_ECR_CACHES = ("docker-hub/library/", "ecr-public/docker/library/")

# Expressions stay text until they are needed; compiling them here would slow down every start.
# https://github.com/distribution/reference: what a reference may look like.
_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REGEX = regex(r"[(*\[?\\|]")


class ImageRef(NamedTuple):
    """A normalised image reference.

    `registry` is "docker.io" when none is written, and for its other names and mirrors; `repository` is only
    the name for official images, without "library/" or an architecture such as "arm64v8/"; `tag` and `digest`
    are "" when absent. It is for looking up, not for writing back: what was normalised is gone.
    """

    registry: str
    repository: str
    tag: str
    digest: str

    @classmethod
    @lru_cache(maxsize=512)  # one base image is asked for several times, and in many files
    def parse(cls, text: str) -> ImageRef:
        """Read and normalise a reference, for looking up what is known about it.

        Raises:
            ValueError: as `written`.
        """
        ref = cls.written(text)
        registry, path = _canonical(ref.registry, ref.repository)
        return ref._replace(registry=registry, repository=path)

    @classmethod
    def exact(cls, text: str) -> ImageRef:
        """Read a reference to the very image that it names: mirrors and architectures stay, `latest` is added.

        Raises:
            ValueError: as `written`.
        """
        ref = cls.written(text)
        if ref.registry in _DOCKER_HUB:
            ref = ref._replace(registry="docker.io", repository=ref.repository.removeprefix("library/"))
        return ref._replace(tag="" if ref.digest else ref.tag or "latest")

    @classmethod
    def written(cls, text: str) -> ImageRef:
        """Read a reference as Docker does: `[host[:port]/]path[:tag][@digest]`; nothing is normalised.

        Raises ValueError with a sentence for what Docker refuses too: capital letters in a repository, a
        malformed tag or digest, blanks, variables that were not expanded.
        """
        name, at, digest = text.partition("@")
        if at and not re.fullmatch(_DIGEST, digest):
            raise ValueError(f"'{text}' is no image reference: '{digest}' is no digest")
        head, slash, tail = name.rpartition("/")
        tail, colon, tag = tail.partition(":")
        if colon and not re.fullmatch(_TAG, tag):
            raise ValueError(f"'{text}' is no image reference: '{tag}' is no tag")
        path = head + slash + tail
        first, slash, rest = path.partition("/")
        # Docker's own rule: the first part is a host when it could not be a folder of Docker Hub.
        if slash and (any(c in first for c in ".:") or first == "localhost" or first != first.lower()):
            registry, path = first, rest
            if not re.fullmatch(_HOST, registry):
                raise ValueError(f"'{text}' is no image reference: '{registry}' is no host")
        else:
            registry = "docker.io"
        if not re.fullmatch(_NAME, path):
            why = "has capital letters" if path != path.lower() else "is no repository name"
            raise ValueError(f"'{text}' is no image reference: '{path}' {why}")
        return cls(registry.lower(), path, tag, digest)

    def __str__(self) -> str:
        """The short usual form: without docker.io and library/."""
        host = "" if self.registry == "docker.io" else self.registry + "/"
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{host}{self.repository}{tag}{digest}"


def untagged(reference: str) -> str:
    """A reference as it is written, without its tag and digest; it need not be one that Docker would take."""
    head, slash, tail = reference.partition("@")[0].rpartition("/")
    return head + slash + tail.partition(":")[0]


def _canonical(registry: str, path: str) -> tuple[str, str]:
    registry = _SAME_REGISTRY.get(registry, registry)
    if "amazonaws" in registry and re.fullmatch(_ECR, registry):
        for prefix in _ECR_CACHES:
            if path.startswith(prefix):
                registry, path = "docker.io", path.removeprefix(prefix)
    for host, prefix in _OFFICIAL_COPIES:
        if registry == host and path.startswith(prefix):
            registry, path = "docker.io", path.removeprefix(prefix)
    if registry == "docker.io" and path.count("/") == 1:
        owner, _, name = path.partition("/")
        if owner == "library" or owner in _ARCHITECTURES:
            path = name
    return registry, path


class KnownUser(NamedTuple):
    """An account of an image; `group` names the group `gid`, `home` is "" when unknown."""

    name: str
    uid: int
    gid: int
    group: str
    home: str


class ImageFacts(NamedTuple):
    """What is known about one image. None, "" and () mean unknown or none; see the fields.

    `default_user` is the word in the image ("root" for 0 too, "" when unknown) with `default_uid` and
    `default_gid` where they are known, and `default_user_is_numeric` says whether a kubelet can read it (None
    for root and unknown). `app_user` is the account that the image ships to run its software. `adduser` and
    `addgroup` name the implementation: busybox, debian, useradd (a link to it), none, or "" for unknown.
    `steps_down` is an entrypoint that starts as root and goes on as somebody else; `arbitrary_user` that the
    image was made to run as any uid. `file_capabilities` are those that its program file has of its own: it does not
    start where one of them is dropped. `open_paths` are those of `writable_paths` that everybody may write. `workdir`
    is the working directory, "" for `/`. `env` holds the variables of the image that a USER may name. `entrypoint` are
    its words, () where the tables do not tell them, as `cmd` are. `platform` names who runs the image as a user of its
    own, so that USER is for nobody.

    `digest` is that of an image whose configuration was read, "" for none. Then `read` names what comes from there and
    not from the tables (user, accounts, ports, volumes), `entrypoint` and `cmd` are its own, `env` lacks only what may
    be secret, `family` is "" for an image that the tables do not know, and `default_user` with `runs_as_root` None is a
    name that its passwd file does not have.
    """

    family: str
    distro_version: str
    default_user: str
    default_uid: int | None
    default_gid: int | None
    runs_as_root: bool | None
    default_user_is_numeric: bool | None
    users: tuple[KnownUser, ...]
    app_user: KnownUser | None
    uid_1000_taken_by: str
    useradd: bool | None
    groupadd: bool | None
    adduser: str
    addgroup: str
    install_package: str
    install_command: str
    shell: bool | None
    package_manager: str
    ports: tuple[int, ...]
    writable_paths: tuple[str, ...]
    open_paths: tuple[str, ...]
    volumes: tuple[str, ...]
    nonroot_variant: str
    steps_down: bool
    arbitrary_user: bool | None
    file_capabilities: tuple[str, ...]
    notes: str
    sources: tuple[str, ...]
    confidence: str
    workdir: str
    digest: str
    read: tuple[str, ...]
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    platform: str
    env: Mapping[str, str]

    def certainty(self, what: str) -> str:
        """How sure something of `read` is: verified where the image itself tells it, else as the tables are."""
        return "verified" if what in self.read else self.confidence

    def told(self, what: str) -> str:
        """Where something of `read` is known from, as the end of a sentence."""
        if what in self.read:
            return f", read from the image (digest {self.digest[:_SHOWN_DIGEST]})"
        return f" (facts, {self.confidence})"

    @property
    def lost_user(self) -> str:
        """The end of a sentence about an image whose user does not exist in it; "" for all others."""
        if not self.digest or self.runs_as_root is not None:
            return ""
        return f"names user '{self.default_user}', whom its passwd file does not have{self.told('user')}"

    def __hash__(self) -> int:
        return hash(self[:-1])  # a mapping has none


class Gotcha(NamedTuple):
    """Something that surprises about a family, and where it was read."""

    fact: str
    sources: tuple[str, ...]


class Family(NamedTuple):
    """What the images of one distribution have in common.

    `style` is the way accounts are made and the name of the template in `templates/users/`; "none" means that
    no account is needed or possible. `install_command` brings `useradd` where it is missing, `nologin` is the
    shell that lets nobody in. `uids` and `gids` are the numbers that the distribution has given away itself.
    """

    name: str
    covers: tuple[str, ...]
    style: str
    nologin: str
    package_manager: str
    useradd: bool | None
    adduser: str
    addgroup: str
    shell: bool
    install_package: str
    install_command: str
    uids: Mapping[int, str]
    gids: Mapping[int, str]
    gotchas: tuple[Gotcha, ...]
    sources: tuple[str, ...]
    confidence: str

    def __hash__(self) -> int:
        return hash(self.name)  # there is one of each


def load_json(name: str) -> Any:
    """The content of a file of `data/`."""
    return json.loads((_DATA / name).read_bytes())


# --- families -----------------------------------------------------------------------------------------------


@cache
def _families_file() -> dict[str, Any]:
    data: dict[str, Any] = load_json("families.json")
    return data


def families() -> tuple[str, ...]:
    """The names of all families, in the order of the file."""
    return tuple(_families_file()["families"])


@cache
def family(name: str) -> Family:
    """The facts of one family; raises KeyError for a name that `families` does not have."""
    data = _families_file()
    raw = data["families"][name]
    gotchas = data["style_gotchas"].get(raw["style"], []) + raw.get("gotchas", [])
    return Family(
        name=name,
        covers=tuple(raw["covers"]),
        style=raw["style"],
        nologin=raw.get("nologin", ""),
        package_manager=raw.get("package_manager", ""),
        useradd=raw["useradd"],
        adduser=raw.get("adduser", ""),
        addgroup=raw.get("addgroup", ""),
        shell=raw.get("shell", True),
        install_package=raw.get("install_package", ""),
        install_command=raw.get("install_command", ""),
        uids=MappingProxyType({int(k): v for k, v in raw["uids"].items()}),
        gids=MappingProxyType({int(k): v for k, v in raw["gids"].items()}),
        gotchas=tuple(Gotcha(g["fact"], tuple(g["sources"])) for g in gotchas),
        sources=tuple(raw["sources"]),
        confidence=raw["confidence"],
    )


def package_managers() -> tuple[str, ...]:
    """The package managers that `family_from_package_manager` knows."""
    return tuple(_families_file()["package_managers"])


def family_from_package_manager(manager: str) -> str | None:
    """The family of an unknown base in which this package manager is called; None for an unknown one.

    One manager serves several families; the one that is named is the one whose commands go furthest: rhel for
    dnf and yum (right in Fedora and Amazon Linux too), debian for apt (Ubuntu), alpine for apk (Wolfi). Only
    photon for tdnf is not right everywhere: Azure Linux calls the package shadow-utils, not shadow.
    """
    found: str | None = _families_file()["package_managers"].get(manager)
    return found


# --- images -------------------------------------------------------------------------------------------------


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


class _Index(NamedTuple):
    images: list[dict[str, Any]]
    sources: list[str]
    literal: dict[str, list[int]]
    patterns: dict[str, list[tuple[str, str, int]]]  # by first letter: how the repository starts, expression, entry


@cache
def _index() -> _Index:
    data = load_json("images.json")
    literal: dict[str, list[int]] = {}
    patterns: dict[str, list[tuple[str, str, int]]] = {}
    for number, raw in enumerate(data["images"]):
        for repository in _as_list(raw["repository"]):
            special = _REGEX.search(repository)
            if special is None:
                literal.setdefault(repository, []).append(number)
            else:
                # "a.*" starts with "a", not with "a.": the dot belongs to the expression
                start = repository[: special.start()].rstrip(".")
                patterns.setdefault(start[:1], []).append((start, repository, number))
    return _Index(data["images"], data["sources"], literal, patterns)


def _candidates(ref: ImageRef) -> list[dict[str, Any]]:
    """The entries for this registry and repository, in the order of the file."""
    index = _index()
    numbers = set(index.literal.get(ref.repository, ()))
    for start, pattern, number in (*index.patterns.get("", ()), *index.patterns.get(ref.repository[:1], ())):
        if ref.repository.startswith(start) and re.fullmatch(pattern, ref.repository):
            numbers.add(number)
    entries = (index.images[number] for number in sorted(numbers))
    return [raw for raw in entries if ref.registry in _as_list(raw.get("registry", "docker.io"))]


def lookup(ref: ImageRef | str) -> ImageFacts | None:
    """What is known about an image, or None.

    Without a tag the tag is `latest`; without a tag but with a digest it could be any, so only what all
    entries of the repository agree on is told, and nothing when they are not even of one family. Raises
    ValueError for a text that is no image reference.
    """
    return _lookup(ImageRef.parse(ref) if isinstance(ref, str) else ref)


@cache
def _lookup(ref: ImageRef) -> ImageFacts | None:
    entries = _candidates(ref)
    if ref.digest and not ref.tag:
        return _agreed([_facts(raw, ref) for raw in entries])
    tag = ref.tag or "latest"
    for raw in entries:
        if "tags" not in raw or _fits(raw["tags"], tag):
            return _facts(_unless_contradicted(raw, tag), ref)
    return None


# The usual expressions of the file, which need not be compiled: `.*(slim|jammy).*`, and `latest` or `(latest)`.
_ANYWHERE = regex(r"\.\*\(?([a-z0-9|-]+)\)?\.\*")
_ONE_OF = regex(r"\(?([a-z0-9|-]+)\)?")


def _fits(expression: str, tag: str) -> bool:
    """Whether a tag is one of those that an expression means."""
    anywhere = _ANYWHERE.fullmatch(expression)
    if anywhere is not None:
        return any(word in tag for word in anywhere[1].split("|"))
    one_of = _ONE_OF.fullmatch(expression)
    return tag in one_of[1].split("|") if one_of is not None else re.fullmatch(expression, tag) is not None


# What a tag says about the distribution, where the entry that matched may be about another variant.
_TAG_WORDS = (
    r"(?:^|[.-])(?:(?P<windows>windowsservercore|nanoserver)|(?P<alpine>alpine)"
    r"|(?P<debian>wheezy|jessie|stretch|buster|bullseye|bookworm|trixie|debian)"
    r"|(?P<ubuntu>trusty|xenial|bionic|focal|jammy|noble|resolute|ubuntu))"
)
_NAMED_IN_TAGS = frozenset({"windows", "alpine", "debian", "ubuntu"})


def _unless_contradicted(raw: dict[str, Any], tag: str) -> dict[str, Any]:
    """The entry, or the little that is left of it when the tag names another distribution.

    Not every variant of every image was read. A tag like `1.30-alpine` must not get the accounts and tools of
    the Debian variant.
    """
    if raw["family"] not in _NAMED_IN_TAGS:
        return raw
    match = re.search(_TAG_WORDS, tag)
    named = match.lastgroup if match else None
    if named is None or named == raw["family"]:
        return raw
    kept: dict[str, Any] = {key: raw[key] for key in ("ports", "steps_down", "sources") if key in raw}
    notes = f"The tag names {named}, what was read is about the {raw['family']} variant."
    return {**kept, "family": named, "user": "", "notes": notes, "confidence": "inferred"}


# What a field becomes where the entries of a repository differ.
_NOTHING: dict[str, Any] = {
    "default_uid": None,
    "default_gid": None,
    "runs_as_root": None,
    "default_user_is_numeric": None,
    "users": (),
    "app_user": None,
    "useradd": None,
    "groupadd": None,
    "shell": None,
    "ports": (),
    "writable_paths": (),
    "open_paths": (),
    "volumes": (),
    "steps_down": True,  # the careful answer
    "arbitrary_user": None,
    "file_capabilities": (),
    "sources": (),
    "confidence": "inferred",
    "entrypoint": (),
    "env": _NO_ENV,
}


def _agreed(all_facts: list[ImageFacts]) -> ImageFacts | None:
    if not all_facts or len({facts.family for facts in all_facts}) > 1:
        return None
    first = all_facts[0]
    values = {}
    for name in ImageFacts._fields:
        value = getattr(first, name)
        same = all(getattr(facts, name) == value for facts in all_facts)
        values[name] = value if same else _NOTHING.get(name, "")
    return ImageFacts(**values)


def _account(line: str) -> KnownUser:
    name, uid, gid, group, home = line.split(":")
    return KnownUser(name, int(uid), int(gid), group, home)


def _facts(raw: dict[str, Any], ref: ImageRef) -> ImageFacts:
    kin = family(raw["family"])
    user = raw.get("user", "root")
    users = tuple(_account(line) for line in raw.get("accounts", ()))
    root = None if user == "" else user == "root"
    word = user.partition(":")[0]
    useradd = raw.get("useradd", kin.useradd)
    return ImageFacts(
        family=kin.name,
        distro_version=raw.get("distro_version", ""),
        default_user=user,
        default_uid=0 if root else raw.get("uid"),
        default_gid=0 if root else raw.get("gid"),
        runs_as_root=root,
        default_user_is_numeric=None if root is not False else word.isdigit(),
        users=users,
        app_user=next((known for known in users if known.name == raw.get("app")), None),
        uid_1000_taken_by=next((known.name for known in users if known.uid == 1000), raw.get("uid_1000", "")),
        useradd=useradd,
        groupadd=raw.get("groupadd", kin.useradd),
        adduser=raw.get("adduser", kin.adduser),
        addgroup=raw.get("addgroup", kin.addgroup),
        install_package="" if useradd else kin.install_package,
        install_command="" if useradd else kin.install_command,
        shell=raw.get("shell", kin.shell),
        package_manager=raw.get("package_manager", kin.package_manager),
        ports=tuple(raw.get("ports", ())),
        writable_paths=tuple(raw.get("writable", ())),
        open_paths=tuple(raw.get("open", ())),
        volumes=tuple(raw.get("volumes", ())),
        nonroot_variant=raw.get("nonroot_variant", "").format(tag=ref.tag or "latest", repository=ref.repository),
        steps_down=raw.get("steps_down", False),
        arbitrary_user=raw.get("arbitrary_user"),
        file_capabilities=tuple(raw.get("file_capabilities", ())),
        notes=raw.get("notes", ""),
        sources=tuple(_index().sources[number] for number in raw["sources"]),
        confidence=raw["confidence"],
        workdir=raw.get("workdir", ""),
        digest="",
        read=(),
        entrypoint=tuple(raw.get("entrypoint", ())),
        cmd=tuple(raw.get("cmd", ())),
        platform=raw.get("platform", ""),
        env=MappingProxyType(raw["env"]) if "env" in raw else _NO_ENV,
    )


def _family_ids(facts: ImageFacts) -> tuple[dict[int, str], dict[int, str]]:
    if not facts.family or "accounts" in facts.read:
        return {}, {}
    kin = family(facts.family)
    return dict(kin.uids), dict(kin.gids)


# The releases of Ubuntu, and what is built on them, that have no account with uid 1000.
_UBUNTU_WITHOUT_1000 = r"<=22\.04|(1[0-9]|2[0-2])\.[0-9]{2}"


@cache
def taken_ids(facts: ImageFacts) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """The uids and the gids that are taken in an image, each with its name.

    Merged from the entry and its family, on the careful side: a number is listed when any release of the
    family has it. The packages that the image installs may have taken more, below 1000.
    """
    uids, gids = _family_ids(facts)
    if facts.family == "ubuntu" and re.fullmatch(_UBUNTU_WITHOUT_1000, facts.distro_version):
        uids.pop(1000, None)
        gids.pop(1000, None)
    for user in facts.users:
        uids[user.uid] = user.name
        gids.setdefault(user.gid, user.group or user.name)
    if facts.uid_1000_taken_by:
        uids[1000] = facts.uid_1000_taken_by
    return MappingProxyType(uids), MappingProxyType(gids)
