"""Who will each image run as: one identity, chosen once, used by every rule.

The order: what the configuration says; a non-root user that the file already creates; the one that manifests and
Compose files of the repository run the image as; the user that the base image ships for its application, if facts have
verified it; else a new one, with the number of those with whom it shares a volume. Numbers only: the kubelet cannot
check a name.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from functools import partial

from fixer.config import NEW_USER, Config, ImageConfig
from fixer.facts import KnownUser, NewUser, taken_ids
from fixer.facts.software import software
from fixer.lazy import regex
from fixer.model import Refusal
from fixer.tuples import NamedTuple
from fixer.understand.image import Account, Image, holds
from fixer.understand.making import is_data
from fixer.understand.places import container_path
from fixer.understand.process import Running
from fixer.understand.roothome import root_home
from fixer.understand.users import left_behind, moved

NO_PASSWD = frozenset({"scratch", "distroless"})
FOREIGN = -1
"""`shares_with` of an image whose parent stands in another Dockerfile."""
DISTROLESS_ID = 65532
_LARGEST_MADE = 60000  # busybox makes no account above, and useradd warns
_GENERIC = frozenset(
    "root nobody nogroup daemon bin sys adm lp mail news uucp man proxy www-data backup list irc gnats guest".split()
)


class Asked(NamedTuple):
    """The user that a manifest or a Compose file runs an image as: its numbers (None for no group), and where.

    `by` names the service that runs as it where that is one of another image, "" where it is the image itself.
    """

    uid: int
    gid: int | None
    place: str
    by: str = ""

    @property
    def evidence(self) -> str:
        """Who runs as that user, in words."""
        return f"{self.place}: {self.by} runs as {self.uid}" if self.by else f"{self.place} runs it as {self.uid}"

    @property
    def source(self) -> str:
        """Where an identity comes from that has these numbers."""
        return "volume" if self.by else "manifest"


class Hold(NamedTuple):
    """What a container that the repository runs of an image may need root for.

    `words` name the container and what it does. `purpose` is the code of why that container stays root, and the image
    with it, else ""; `remedy` says what has to be written there for the image to leave root. `ports` are those that it
    says it binds in the network of its host, where the ports matter and nothing else; None where they do not.
    """

    place: str
    words: str
    remedy: str
    purpose: str = ""
    ports: tuple[int, ...] | None = None

    def told(self, ports: tuple[int, ...]) -> str:
        """The sentence, of a program that binds these ports as far as anybody knows; "" where nothing is to be said."""
        if self.ports is None:
            return f"{self.place}: {self.words}"
        low = next((port for port in self.ports or ports if 0 < port < 1024), 0)
        return f"{self.place}: {self.words}, where only root may bind port {low}" if low else ""


FindHolds = Callable[[frozenset[str]], "tuple[Hold, ...]"]
"""What the repository may need root for in the image that builds of these targets make ("" for builds without one)."""

FindAsked = Callable[[frozenset[str]], "tuple[Asked, ...]"]
"""Who the repository runs the image as that builds of these targets make ("" for builds that name none)."""

FindShared = Callable[[], "Asked | None"]
"""Whom a new user of a Dockerfile has to be, since it shares a volume with that one."""


_NOTHING = ImageConfig()


class Identity(NamedTuple):
    """The user an image runs as.

    `gid` is None when the passwd entry decides it. `source` tells where the number comes from: configuration,
    file, manifest, volume (of those with whom it is shared), base or new; `evidence` says it in words; `certain` is
    False when facts are not verified. `new` holds what has to be created; `pin` an account that the file creates
    without a number and that gets `uid`.
    """

    uid: int
    gid: int | None
    name: str
    source: str
    evidence: str
    certain: bool
    home: str = ""
    new: NewUser | None = None
    pin: Account | None = None

    @property
    def user(self) -> str:
        """The value for USER: `10001:10001`, or `10001` where the passwd entry knows the group."""
        return f"{self.uid}" if self.gid is None else f"{self.uid}:{self.gid}"

    @property
    def owner(self) -> str:
        """The value for --chown and chown; without a known group the group is that of the same number."""
        return f"{self.uid}:{self.uid if self.gid is None else self.gid}"


class Decision(NamedTuple):
    """What to do with one image: `identity` to move it to (or that it has), or the refusal that says why not.

    `shares_with` is the index of the stage whose new user this stage inherits. `holds` are what containers of it, or of
    those that move with it, may need root for; with a refusal, they are the reason of it.
    """

    image: Image
    running: Running
    is_root: bool
    identity: Identity | None = None
    refusal: Refusal | None = None
    shares_with: int | None = None
    holds: tuple[Hold, ...] = ()


class _Wishes(NamedTuple):
    """Who the rest of the repository wants one image to run as, asked for when it is needed."""

    asked: Callable[[], Asked | None]
    shared: FindShared
    holds: Callable[[], tuple[Hold, ...]]


def decide_all(
    images: list[Image],
    path: str,
    config: Config,
    find_asked: FindAsked = lambda targets: (),
    find_shared: FindShared = lambda: None,
    find_holds: FindHolds = lambda targets: (),
) -> tuple[Decision, ...]:
    """Choose the identities of the images that one Dockerfile makes; a stage shares that of the stage it starts from.

    Args:
        images: the images of the runtime stages.
        path: the Dockerfile's path, under which the configuration may name the image.
        config: the run's configuration.
        find_asked: tells who the repository runs an image as.
        find_shared: tells with whom new users share a volume.
        find_holds: tells what the repository may need root for in an image.
    """
    last = max(image.stage.index for image in images)
    made: dict[int, Decision] = {}
    for image in sorted(images, key=lambda i: i.stage.index):
        holds = partial(_holds_on, find_holds, image, images, last)
        wishes = _Wishes(partial(_asked_for, find_asked, image, last), find_shared, holds)
        decision = _decide(image, path, config, wishes)
        elder = _elder(image, made)
        if elder is not None and elder.identity is not None and decision.is_root and decision.refusal is None:
            shared = elder.identity._replace(new=None, pin=None)
            index = elder.image.stage.index if elder.image.stage in image.stage.chain else FOREIGN
            decision = Decision(image, decision.running, True, shared, None, index, decision.holds)
        made[image.stage.index] = decision
    return tuple(made.values())


def _elder(image: Image, made: dict[int, Decision]) -> Decision | None:
    """The decision on the nearest image that this one starts from and that moves off root."""
    for stage in reversed(image.stage.chain[:-1]):
        if stage.index in made and made[stage.index].is_root:
            return made[stage.index]
    return _moving_parent(image)


def _moving_parent(image: Image) -> Decision | None:
    """The decision on the image of the same repository that this one is built on, when it moves off root too."""
    found = image.parent.moves_to if image.parent is not None else None
    return found if isinstance(found, Decision) else None


def possible(decision: Decision) -> Iterator[tuple[str, str]]:
    """Other users that an image could move to: each as the configuration names it, and in words.

    They are those that the file makes, those that the base image has for an application, and a new one.
    """
    image, identity = decision.image, decision.identity
    facts = image.facts
    now = identity.uid if identity is not None else 0
    told: set[int] = {0, now}
    for account in image.accounts.values():
        if _usable(account) and account.uid is not None and account.uid not in told:
            told.add(account.uid)
            gid = "" if account.gid is None else f":{account.gid}"
            yield f"{account.uid}{gid}", f"run as {account.name} ({account.uid}{gid}): {account.evidence}"
    for user in facts.users if facts is not None else ():
        if user.name not in _GENERIC and user.uid not in told:
            told.add(user.uid)
            where = f"base image {image.stage.root_base} has it"
            yield f"{user.uid}:{user.gid}", f"run as {user.name} ({user.uid}:{user.gid}): {where}"
    if image.family and image.family not in NO_PASSWD and (identity is None or identity.source != "new"):
        yield NEW_USER, "run as a new user, made for this"


def owners(decision: Decision) -> frozenset[str]:
    """The names and the number under which a `chown` of the file may mean the user that the image will run as."""
    identity, image = decision.identity, decision.image
    if identity is None:
        return frozenset()
    same = (account.name for account in image.accounts.values() if account.uid == identity.uid)
    return frozenset({str(identity.uid), identity.name, *same} - {""})


def targets_of(image: Image, last: int) -> frozenset[str]:
    """What a build may name as its target to make an image; "" for none, where its stage is the last one."""
    names = {image.stage.name, str(image.stage.index)} - {""}
    return frozenset(names | {""} if image.stage.index == last else names)


def _asked_for(find_asked: FindAsked, image: Image, last: int) -> Asked | None:
    """The user whom all places want that speak of one; None where they disagree, which is told where they stand."""
    asked = find_asked(targets_of(image, last))
    users = {(one.uid, one.gid) for one in asked}
    groups = {gid for _, gid in users} - {None}
    if len({uid for uid, _ in users}) != 1 or len(groups) > 1:
        return None
    return asked[0]._replace(gid=next(iter(groups), None))


def _holds_on(find_holds: FindHolds, image: Image, images: list[Image], last: int) -> tuple[Hold, ...]:
    """What the repository may need root for in an image, and in those of the same file that get their user from it."""
    found = find_holds(targets_of(image, last))
    for one in images if len(images) > 1 else ():
        if one is not image and image.stage in one.stage.chain and one.own_user is None:
            found += find_holds(targets_of(one, last))
    return tuple(dict.fromkeys(found)) if found else ()


def _decide(image: Image, path: str, config: Config, wishes: _Wishes) -> Decision:
    running = Running(image)
    user = image.user
    chosen = configured(image, path, config)
    if user.root is False:
        return Decision(image, running, False, _current(image, config, wishes))
    refusal = _refusal(image, running, chosen)
    holds = wishes.holds() if refusal is None else ()
    refusal = refusal or _held(holds, chosen)
    if refusal is not None:
        return Decision(image, running, user.root is True, None, refusal, holds=holds)
    identity = _identity(image, running, chosen, config, wishes)
    now = moved(image, identity.name) if identity.source in ("base", "file") else None
    if now is None:
        return Decision(image, running, True, identity, holds=holds)
    if not now.known:
        return Decision(image, running, True, None, _moves_somewhere(identity.name, now.line))
    uid = identity.uid if now.uid is None else now.uid
    gid = identity.gid if now.gid is None else now.gid
    evidence = f"{identity.evidence}; line {now.line} gives it {uid if gid is None else f'{uid}:{gid}'}"
    identity = identity._replace(uid=uid, gid=gid, evidence=evidence, pin=None)
    return Decision(image, running, True, identity, holds=holds)


def _moves_somewhere(name: str, line: int) -> Refusal:
    what = f"line {line} gives user {name} another number, which only the build knows"
    return Refusal("number-unknown", f"{what}; write that number in USER")


def _held(holds: tuple[Hold, ...], chosen: ImageConfig) -> Refusal | None:
    """Why an image stays root for the sake of a container that runs it; None where the configuration names a user."""
    hold = next((one for one in holds if one.purpose), None) if holds else None
    if hold is None or chosen.user:
        return None
    remedy = f"if that needs root, {hold.remedy}, and the image can leave root for all others"
    return Refusal(hold.purpose, f"{hold.told(())}; {remedy}")


def configured(image: Image, path: str, config: Config) -> ImageConfig:
    """What the configuration says about an image: by the path of its Dockerfile, its stage, or its base image."""
    if not config.images:
        return _NOTHING
    for name in (path, image.stage.name, image.stage.root_base or ""):
        if name and name in config.images:
            return config.images[name]
    return _NOTHING


def _refusal(image: Image, running: Running, chosen: ImageConfig) -> Refusal | None:
    if chosen.root_on_purpose:
        return Refusal(
            "configured-root", f"fixer.toml says that this image is root on purpose: {chosen.root_on_purpose}"
        )
    if image.family == "windows" or image.stage.platform.lower().startswith("windows"):
        return Refusal("windows", "this is a Windows image, which has no uid 0; use USER ContainerUser where it fits")
    if any(i.keyword == "RUN" and image.dialect(i) in ("powershell", "cmd") for i in image.stage.body):
        return Refusal("windows", "the build uses PowerShell or cmd, so this is a Windows image, which has no uid 0")
    purpose = running.purpose
    if purpose is not None:
        return Refusal(purpose.code, f"{purpose.evidence}; {purpose.remedy}")
    named = chosen.user not in ("", NEW_USER)
    return _shut_home(running) or (None if named else _unknown_base(image) or _unnumbered(image))


def _unnumbered(image: Image) -> Refusal | None:
    """The user that the image had before it went back to root, when nobody can tell or choose its number."""
    user = left_behind(image)
    if user is None or user.uid is not None or any(a.name == user.name and _usable(a) for a in image.accounts.values()):
        return None
    return Refusal(
        "number-unknown",
        f"it was {user.name or user.text} before, and nothing here tells that user's number; write the number in USER",
    )


def _shut_home(running: Running) -> Refusal | None:
    """Files under /root in an image without a shell to open it, which cannot simply lie elsewhere."""
    image = running.image
    if image.facts is None or image.facts.shell is not False:
        return None
    found = root_home(running)
    if found is None or found.spans:
        return None
    item, why = found.needs[0]
    return Refusal("root-home", f"line {item.line}: {why}, and only root may enter it; put it elsewhere, such as /app")


def _unknown_base(image: Image) -> Refusal | None:
    if image.stage.root_base is None:
        text = image.stage.chain[0].base_text
        return Refusal(
            "base-not-resolved",
            f"only the build knows which base image '{text}' is; give it a value under [build-args] in fixer.toml",
        )
    if image.user.root is None and image.user.item is not None:
        return Refusal(
            "user-not-resolved",
            f"only the build knows who '{image.user.text}' is; give the variable a default or a value"
            " under [build-args]",
        )
    if not image.family:
        base = image.stage.root_base
        what = "nothing is known about base image {}, neither its user nor its tools"
        if image.facts is not None:
            what = "base image {} is root, and nobody knows of which distribution it is and how it makes accounts"
        return Refusal(
            "unknown-base",
            f'{what.format(base)}; tell the user it has with [images."{base}"] user = "1000:1000" in fixer.toml',
        )
    return None


def _current(image: Image, config: Config, wishes: _Wishes) -> Identity | None:
    user = image.user
    if user.uid is not None:
        return Identity(user.uid, user.gid, user.name, "file", user.evidence, True)
    account = image.accounts.get(user.name)
    if account is not None and account.add is not None and account.uid is None:
        return _pinned(image, account, config, wishes.asked())
    return None


def _identity(image: Image, running: Running, chosen: ImageConfig, config: Config, wishes: _Wishes) -> Identity:
    if chosen.user == NEW_USER:
        return _new(image, running, config, wishes.asked() or wishes.shared())
    if chosen.user:
        uid, _, gid = chosen.user.partition(":")
        return Identity(int(uid), int(gid) if gid else None, "", "configuration", "fixer.toml names this user", True)
    earlier = _earlier(image)
    if earlier is not None:
        return earlier
    account = _own_account(image)
    if account is not None and account.uid is not None:
        return Identity(account.uid, account.gid, account.name, "file", account.evidence, True, account.home)
    asked = wishes.asked()
    if account is not None:
        return _pinned(image, account, config, asked)
    found = _there(image, asked) or _given(image)
    if found is not None:
        return found
    asked = asked or _shared(image, wishes.shared())
    there = _asked(image, asked) if asked is not None else None
    return there or _new(image, running, config, asked)


def _there(image: Image, asked: Asked | None) -> Identity | None:
    """A user that needs no making: it is asked for and there, or the base ships it."""
    if asked is not None:
        return _asked(image, asked)
    facts = image.facts
    if facts is not None and facts.app_user is not None:
        user = facts.app_user
        evidence = (
            f"base image {image.stage.root_base} ships user {user.name} ({user.uid}:{user.gid}) for this"
            f"{facts.told('accounts')}"
        )
        return Identity(user.uid, user.gid, user.name, "base", evidence, facts.confidence == "verified", user.home)
    if image.family == "distroless":
        evidence = "distroless images list user nonroot (65532) in their passwd file"
        return Identity(
            DISTROLESS_ID,
            DISTROLESS_ID,
            "nonroot",
            "base",
            evidence,
            facts is not None and facts.confidence == "verified",
        )
    return None


def _given(image: Image) -> Identity | None:
    """The one user of the base image to whom the file gives folders that are no system's, as `chown` in a step says."""
    facts = image.facts
    if facts is None or facts.confidence == "inferred":
        return None
    found: dict[str, KnownUser] = {}
    where = ""
    for item in image.runs_about(("chown",)):
        for chown in image.shell(item).chowns:
            owner = (image.expand(chown.owner, item) or chown.owner).partition(":")[0]
            paths = [container_path(path, chown.command, image.stage_of(item), item) for path in chown.paths]
            if owner not in ("", "0", "root") and any(path and is_data(path, image.workdir) for path in paths):
                user = next((u for u in facts.users if owner in (u.name, str(u.uid))), None)
                if user is None:
                    return None
                found[user.name] = user
                where = f"line {item.line} gives {chown.paths[0]} to {user.name} ({user.uid}:{user.gid})"
    if len(found) != 1:
        return None
    user = next(iter(found.values()))
    evidence = f"{where}, whom base image {image.stage.root_base} has{facts.told('accounts')}"
    return Identity(user.uid, user.gid, user.name, "base", evidence, facts.confidence == "verified", user.home)


def _asked(image: Image, asked: Asked) -> Identity | None:
    """The user that the repository runs the image as, where nobody has to be made for it; None where one has to be."""
    evidence, source = asked.evidence, asked.source
    if image.family in NO_PASSWD:
        gid = asked.uid if asked.gid is None else asked.gid
        return Identity(asked.uid, gid, "", source, evidence, True)
    there = next((user for user in image.facts.users if user.uid == asked.uid), None) if image.facts else None
    if there is not None:
        return Identity(there.uid, there.gid, there.name, source, evidence, True, there.home)
    own = next((a for a in image.accounts.values() if a.uid == asked.uid), None)
    if own is not None:
        return Identity(asked.uid, own.gid, own.name, source, evidence, True, own.home)
    uids, gids = taken_ids(image.facts) if image.facts is not None else ({}, {})
    if asked.uid in uids:
        return Identity(asked.uid, asked.gid, uids[asked.uid], source, evidence, True)
    gid = asked.gid or asked.uid
    if max(asked.uid, gid) > _LARGEST_MADE or gid in gids or gid in image.group_ids.values():
        # a process needs no entry in passwd, and one that cannot be made like all others is not worth the commands
        return Identity(asked.uid, gid, "", source, evidence, True)
    return None


def _shared(image: Image, shared: Asked | None) -> Asked | None:
    """The user of a shared volume, where the image has that one or can make it as any other.

    A program that finds no entry of its own in passwd may not work, which is too high a price for a volume.
    """
    there = _asked(image, shared) if shared is not None else None
    bare = there is not None and not there.name and image.family not in NO_PASSWD
    return None if bare else shared


def _earlier(image: Image) -> Identity | None:
    """The user that the image had before it went back to root, when its number is known."""
    user = left_behind(image)
    if user is None or user.uid is None:
        return None
    account = next((a for a in image.accounts.values() if a.name == user.name or a.uid == user.uid), None)
    home = account.home if account is not None else ""
    certain = user.item is not None or (image.facts is not None and image.facts.certainty("user") == "verified")
    source = "base" if user.item is None else "file"
    return Identity(user.uid, user.gid, user.name, source, f"as before: {user.evidence}", certain, home)


def _own_account(image: Image) -> Account | None:
    """The one ordinary user that the file itself creates in this chain, or the last of them that it also uses."""
    made = [a for a in image.accounts.values() if _usable(a)]
    used = [u.name for _, u in image._users if u.root is False and u.item is not None]
    named = [a for a in made if a.name in used]
    if named:
        return named[-1]
    return made[0] if len(made) == 1 else None


def _usable(account: Account) -> bool:
    """Whether a person made this account for the application, and its number is known or can be written."""
    if account.add is None or account.item is None or account.name in _GENERIC or account.uid == 0:
        return False
    return account.uid is not None or (
        account.item.json is None and not account.item.heredocs and account.add.uid_word is None
    )


def _pinned(image: Image, account: Account, config: Config, asked: Asked | None = None) -> Identity:
    if asked is not None and free_number(image, asked.uid) == asked.uid:
        evidence = f"{account.evidence} without a number; it gets {asked.uid}, as which {asked.place} runs it"
        return Identity(asked.uid, None, account.name, "file", evidence, True, account.home, pin=account)
    uid = free_number(image, config.uid)
    evidence = f"{account.evidence} without a number; it gets {uid}, so that the number can be written"
    return Identity(uid, None, account.name, "file", evidence, True, account.home, pin=account)


def _new(image: Image, running: Running, config: Config, asked: Asked | None) -> Identity:
    if image.family == "scratch":
        evidence = "an empty image needs no passwd entry, the number is enough"
        return Identity(config.uid, config.gid, "", "new", evidence, True)
    uid = free_number(image, config.uid)
    gid = uid if config.gid == config.uid else config.gid
    why, source = f"a new user; {image.family_evidence}", "new"
    if asked is not None:
        uid, gid, source = asked.uid, asked.gid or asked.uid, asked.source
        said = f"a new user; {asked.evidence}" if asked.by else f"a new user, as which {asked.place} runs it"
        why = f"{said}; {image.family_evidence}"
    name = _free_name(image, config.user_name)
    home = _wants_home(running)
    certain = image.facts is not None and image.facts.confidence == "verified"
    return Identity(
        uid, gid, name, source, why, certain, f"/home/{name}" if home else "",
        NewUser(name=name, uid=uid, gid=gid, group=name, home=home),
    )  # fmt: skip


# Programs whose writes are those of the code that the file brings; libraries of some keep caches in $HOME.
_RUNNERS = regex(
    r"(?:python|pypy|node|java|ruby|perl|php|lua)[\d.]*|gunicorn|uvicorn|hypercorn|daphne|waitress-serve|flask|uwsgi|fastapi"
    r"|puma|unicorn|thin|php-fpm[\d.]*|serve|http-server|pm2-runtime|nodemon|ts-node|next|ng"
)
_WANT_HOME = regex(
    r"(?:python|pypy|ruby)[\d.]*|gunicorn|uvicorn|hypercorn|daphne|waitress-serve|flask|uwsgi|fastapi|puma|unicorn|thin"
)

# What a program of the project may start, and what does not start where it cannot write to $HOME.
_STARTED_BY_CODE = ("chromium", "chrome", "firefox", "playwright", "puppeteer", "libreoffice", "soffice")


def _wants_home(running: Running) -> bool:
    """Whether the program keeps files in $HOME: what facts say, else any bare command that is no known server."""
    if not running.commands:
        return not running.base_serves or _starts_by_code(running.image)
    if any(_WANT_HOME.fullmatch(name) for name, _ in running.commands):
        return True
    if any(program.home for program in running.programs) or any(unfamiliar(running)):
        return True
    return _starts_by_code(running.image)


def _starts_by_code(image: Image) -> bool:
    """Whether the image has a program that code starts, with a profile of the user in $HOME."""
    if holds(image.stage.root_base or "", _STARTED_BY_CODE):
        return True
    return any(holds(item.logical, _STARTED_BY_CODE) for item in image.runs_about(_STARTED_BY_CODE))


def unfamiliar(running: Running) -> Iterator[str]:
    """Names of the programs that are started and of which nobody knows what they write.

    A program that the file itself brings is not among them: it is known to whoever reads the change.
    """
    for name, words in running.commands:
        known = software(name)
        serves = known is not None and bool(known.writes or known.ports) and not known.builds
        packaged = posixpath.dirname(words[0] or "") in ("", "/usr/bin", "/bin", "/usr/games", "/usr/sbin")
        if packaged and not serves and not _RUNNERS.fullmatch(name):
            yield name


def free_number(image: Image, wanted: int) -> int:
    """The first number from `wanted` on that no known user or group of the image has."""
    uids, gids = taken_ids(image.facts) if image.facts is not None else ({}, {})
    own = {a.uid for a in image.accounts.values()} | set(image.group_ids.values())
    while wanted in uids or wanted in gids or wanted in own:
        wanted += 1
    return wanted


def _free_name(image: Image, wanted: str) -> str:
    taken = set(image.accounts) | image.group_names
    if wanted not in taken:
        return wanted
    return next(
        name
        for name in (f"{wanted}user", f"{wanted}-nonroot", *(f"{wanted}{n}" for n in range(2, 99)))
        if name not in taken
    )
