"""Who a service of Compose runs as after the change: what has to be written for it, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath

from fixer.decide import Hold
from fixer.imageusers import ImageUser
from fixer.model import EnsureItem, Refusal, RemoveKey, SetKey, YamlChange
from fixer.podusers import OWNS_DATA, SOCKETS, changes_host, is_maker, open_to_anybody, rooted
from fixer.syntax.shell import Script, argv, literal_word
from fixer.tuples import NamedTuple
from fixer.understand.compose import Mount, Service
from fixer.understand.making import below
from fixer.understand.pods import of_root_alone

# Behind these a new setting stands where people look for it.
BEHIND = ("image", "build", "container_name", "user", "privileged", "read_only", "tmpfs", "cap_drop", "cap_add")
# Runtimes that do what the engine asks of the network of a container; the first is that of most.
_OPENING = ("", "runc", "crun", "nvidia", "io.containerd.runc.v2")
_UNPRIVILEGED_PORTS = "net.ipv4.ip_unprivileged_port_start"


class Seat(NamedTuple):
    """One service: its image, and who it runs as once what can be fixed is fixed.

    `root` is None where nobody knows. `user` is that user as it is written (`999:999`), "" where only the image tells.
    `moves` tells that it was root before; `changes` are what has to be written for it, which is nothing where the image
    itself is taken off root. `certain` is False where the evidence is not verified. `refusal` says why it stays as it
    is.
    """

    service: Service
    image: ImageUser
    root: bool | None
    user: str = ""
    moves: bool = False
    changes: tuple[YamlChange, ...] = ()
    certain: bool = False
    risk: str = ""
    refusal: Refusal | None = None

    @property
    def not_root(self) -> bool:
        """Whether it is known not to be root once what can be fixed is fixed."""
        return self.root is False and self.refusal is None


def set_key(service: Service, key: str, value: object) -> SetKey:
    """A setting of a service, which stands behind its image where it is new."""
    return SetKey(service.document.index, service.path, key, value, _behind(service))


def add_item(service: Service, key: str, value: object) -> EnsureItem:
    """An item of a list of a service, which stands behind its image where it is new."""
    return EnsureItem(service.document.index, (*service.path, key), value, _behind(service))


def _behind(service: Service) -> tuple[str, ...]:
    """Where a new setting goes: behind the image, or to the end where comments below the image speak of that."""
    last = next((key for key in reversed(list(service.written)) if key in BEHIND), "")
    following = service.document.text[service.at(last).end :].splitlines()[1:2] if last else []
    return () if following and following[0].lstrip().startswith("#") else BEHIND


def remove_key(service: Service, key: str) -> RemoveKey:
    """A setting of a service that goes."""
    return RemoveKey(service.document.index, service.path, key)


def seat(service: Service, image: ImageUser) -> Seat:
    """Work out who a service runs as, and what has to be written."""
    said = service.user
    windows = _windows(service, image)
    if windows is not None:
        return Seat(service, image, False, refusal=windows)
    if said is None:
        text = f"only the environment knows who {service.value.get('user')} is; give the variable a default, as in"
        return Seat(service, image, None, refusal=Refusal("user-not-resolved", f"{text} ${{UID:-1000}}"))
    if said and _is_root(said, image) and "$" in str(service.value.get("user")):
        text = f"{service.value.get('user')} is root unless the environment says otherwise; give it another default"
        return Seat(service, image, True, refusal=Refusal("user-not-resolved", text))
    if said and not _is_root(said, image):
        number = said.partition(":")[0].isdecimal()
        known = number or _uid_of(said, image) is not None or image.made is not None
        return Seat(service, image, False, said, certain=known and image.familiar and not service.varies)
    if not said and image.root is False:
        certain = image.certain and image.ready and not service.varies
        return Seat(service, image, False, _number(image), certain=certain)
    why = against(service, image)
    if why is not None:
        if not said and image.made is not None and image.made.moves:
            message = f"{image.path} leaves root now; write user: root here if it still needs it: {why.message}"
            why = why._replace(message=message)
        return Seat(service, image, True if said else image.root, refusal=why)
    return _moved(service, image, bool(said))


def _windows(service: Service, image: ImageUser) -> Refusal | None:
    """Why nothing of this is for a service: on Windows there is no user 0."""
    if image.refusal is not None and image.refusal.code == "windows":
        return image.refusal
    asked = (service.text("platform") or "").startswith("windows")
    return Refusal("windows", "this is a service of Windows, which has no user 0") if asked else None


def _moved(service: Service, image: ImageUser, asked: bool) -> Seat:
    risks = [f"somebody asked for root in {service.name}"] if asked else []
    off = (remove_key(service, "user"),) if asked else ()
    if image.root is False or (image.made is not None and image.made.moves):
        if image.root is not False:
            risks.append(f"the image must be built anew from {image.path}")
        return Seat(service, image, False, _number(image), True, off, False, "; ".join(risks))
    data = _foreign_data(service, image)
    if image.uid is None or data is not None:
        return Seat(service, image, True if asked else image.root, refusal=data or _unknown(service, image))
    risks += _risks(service, image)
    user = _number(image)
    return Seat(service, image, False, user, True, (set_key(service, "user", user),), False, "; ".join(risks))


def _unknown(service: Service, image: ImageUser) -> Refusal:
    if "${" in service.image:
        why = f"only the environment tells which image {service.image} is; give the variable a default"
        return Refusal("unknown-image", why, image.reference)
    if service.build is not None and image.made is None:
        why = f"the Dockerfile that {service.name} is built from is not here; write user: once you know who it works as"
        return Refusal("unknown-image", why)
    return image.refusal or Refusal("unknown-image", f"nobody knows who {service.called} runs as", image.reference)


def _number(image: ImageUser) -> str:
    if image.uid is None:
        return ""
    return f"{image.uid}" if image.gid is None else f"{image.uid}:{image.gid}"


def _is_root(said: str, image: ImageUser) -> bool:
    name = said.partition(":")[0]
    return name in ("", "root") or (name.isdecimal() and int(name) == 0) or _uid_of(said, image) == 0


def _uid_of(said: str, image: ImageUser) -> int | None:
    name = said.partition(":")[0]
    known = image.facts.users if image.facts is not None and image.made is None else ()
    return next((user.uid for user in known if user.name == name), None)


# --- signs of root ------------------------------------------------------------------------------------------------


def script_of(service: Service) -> Script:
    """The commands that a service runs by its own words; nothing where its image decides."""
    return argv([literal_word(word, word, 0) for word in service.command])


def sockets(service: Service) -> tuple[Mount, ...]:
    """The sockets of container engines that a service mounts."""
    return tuple(one for one in service.mounts if one.source.endswith(SOCKETS))


def needs_host(service: Service) -> str:
    """Why a service seems to use the machine under it, in words; "" where nothing says so."""
    for key in ("network_mode", "net", "pid", "ipc", "userns_mode"):
        if service.text(key) == "host":
            return f"it has {key}: host"
    if sockets(service):
        return f"it mounts {sockets(service)[0].source}"
    for mount in service.mounts:
        if mount.kind == "bind" and mount.source.startswith("/") and not mount.read_only:
            return f"it mounts {mount.source} of the host"
    if service.words("devices"):
        return "it has devices of the host"
    return changes_host(script_of(service), service.image)


def makes_containers(service: Service, image: ImageUser) -> bool:
    """Whether the name of its image, or of the base image of that, says that a service makes containers of its own."""
    base = image.made.decision.image.stage.root_base if image.made is not None else None
    return is_maker(service.image) or is_maker(base or "")


def purpose(image: ImageUser) -> str:
    """What a Dockerfile of the repository says that its program needs root for, in words; "" for nothing."""
    decision = image.made.decision if image.made is not None else None
    if decision is None or decision.refusal is None or decision.holds:  # which the services that run it say themselves
        return ""
    return f"{image.path}: {decision.refusal.message}"


def against(service: Service, image: ImageUser) -> Refusal | None:
    """Why a service has to stay root, or may have to."""
    name = service.name
    if service.says("privileged"):
        why = needs_host(service) or "it may use the host"
        return Refusal("needs-root", f"{name} is privileged, and {why}; find out what it needs instead first")
    if sockets(service):
        at = sockets(service)[0].source
        return Refusal("needs-host", f"{name} mounts {at}, which root and its group alone may use; see docker-socket")
    if service.text("pid") == "host" and (image.root or service.user):
        why = "sees the processes of the host (pid: host), as only root makes use of"
        return Refusal("needs-host", f"{name} {why}; find out whether it still needs that")
    if service.words("devices"):
        return Refusal("needs-host", f"{name} has devices of the host, which mostly belong to root")
    extra = of_root_alone(service.words("cap_add"))
    if extra:
        why = f"{name} adds {', '.join(extra)}, which only root has; find out whether it still needs that"
        return Refusal("needs-root", why)
    need = rooted(script_of(service))
    if need:
        return Refusal("needs-root", f"{name} {need}, as only root can; do that in the image")
    low = closed_ports(service, image)
    if low:
        why = f"{name} binds port {low[0]} in the network of the host, as only root can; use a port above 1023"
        return Refusal("privileged-port", why)
    return None


def holds(service: Service, file: str) -> Iterator[Hold]:
    """What a service may need root for, as far as its image decides who it runs as.

    Args:
        service: the service.
        file: the path of its file, for people.
    """
    if service.user != "" or (service.text("platform") or "").startswith("windows"):
        return
    remedy = "write user: root there"
    at = f"{file}:{service.document.line(service.at().start)}"

    def hold(key: str, words: str, purpose: str = "", ports: tuple[int, ...] | None = None) -> Hold:
        place = f"{file}:{service.document.line(service.at(key).start)}" if key in service.written else at
        return Hold(place, f"service {service.name} {words}", remedy, purpose, ports)

    if service.says("privileged"):
        yield hold("privileged", f"is privileged, and {needs_host(service) or 'may use the host'}", "needs-root")
    for mount in sockets(service):
        yield hold("volumes", f"mounts {mount.source}, which root and its group alone may use", "needs-host")
    if service.text("pid") == "host":
        yield hold("pid", "sees the processes of the host (pid: host)", "needs-host")
    if service.words("devices"):
        yield hold("devices", "has devices of the host, which mostly belong to root", "needs-host")
    extra = of_root_alone(service.words("cap_add"))
    if extra:
        yield hold("cap_add", f"adds {', '.join(extra)}, which only root has", "needs-root")
    for mount in service.mounts:
        host = mount.kind == "bind" and mount.source.startswith("/") and mount not in sockets(service)
        if host and not open_to_anybody(mount.source, mount.read_only):
            yield hold("volumes", f"mounts {mount.source} of the host, which may belong to root")
    if service.host_network:
        purpose = "privileged-port" if any(0 < port < 1024 for port in service.ports) else ""
        yield hold("network_mode", "shares the network of the host", purpose, service.ports)


def low_ports(service: Service, image: ImageUser) -> tuple[int, ...]:
    """The ports below 1024 that a service listens on, as it says, or as facts know of its image where it says none."""
    ports = service.ports
    if not ports and image.facts is not None and image.made is None and not service.entry:
        ports = image.facts.ports
    return tuple(port for port in ports if 0 < port < 1024)


def closed_ports(service: Service, image: ImageUser) -> tuple[int, ...]:
    """The ports below 1024 of a service that only root may open: Docker opens them in networks of its own."""
    if not service.host_network and service.text("runtime") in _OPENING:
        return ()
    lowest = next((one for one in map(str, service.words("sysctls")) if one.startswith(_UNPRIVILEGED_PORTS)), "")
    many = service.value.get("sysctls")
    value = str(many.get(_UNPRIVILEGED_PORTS, "")) if isinstance(many, dict) else lowest.partition("=")[2]
    return tuple(port for port in low_ports(service, image) if not value.isdecimal() or port < int(value))


# --- data ---------------------------------------------------------------------------------------------------------


def kept(image: ImageUser) -> tuple[str, ...]:
    """The folders that an image of others gives to the user of its program before it goes on as that one."""
    facts = image.facts
    if facts is None or image.made is not None:
        return ()
    return tuple(dict.fromkeys(normpath(path) for path in (*facts.volumes, *facts.writable_paths)))


def _foreign_data(service: Service, image: ImageUser) -> Refusal | None:
    """Why a program does not start as its own user on data that is new.

    A new volume gets the owner of the folder of the image that it is mounted on. A folder of the host that is missing
    is made by the engine, and belongs to root.
    """
    folders = kept(image)
    for mount in service.mounts:
        on = any(below(mount.target, one) or below(one, mount.target) for one in folders)
        if mount.kind == "bind" and on and not mount.read_only and not _is_file(mount.target):
            return Refusal(
                "volume-owner",
                f"{service.name} keeps its data in {mount.source} of the host, which belongs to root where the engine"
                f" makes it; give it to {_number(image) or 'the user of the program'}, then set user:",
            )
    for path, options in tmpfs(service):
        if any(below(path, one) or below(one, path) for one in folders) and "uid=" not in options:
            to = f"write {path}:uid={image.uid},gid={image.gid}, and user: beside it"
            return Refusal("volume-owner", f"{service.name} keeps its data in a tmpfs at {path}, which is root's; {to}")
    user = image.facts.app_user if image.facts is not None else None
    variable = OWNS_DATA.get(user.name) if user is not None else None
    path = _variable(service, variable) if variable is not None else ""
    if path and not any(below(normpath(path), one) for one in folders):
        why = f"{service.name} keeps its data in {path}, which the image does not give to its user"
        return Refusal("volume-owner", f"{why}; move it below {folders[0] if folders else 'a folder that it owns'}")
    return None


def tmpfs(service: Service) -> tuple[tuple[str, str], ...]:
    """The folders of a service that are a `tmpfs`, with the options of each."""
    one = service.text("tmpfs")
    rows = (one,) if one else service.words("tmpfs")
    short = [(normpath(text.partition(":")[0]), text.partition(":")[2]) for text in rows]
    return (*short, *((mount.target, "") for mount in service.mounts if mount.kind == "tmpfs"))


def owner(seat: Seat) -> tuple[int | None, int | None]:
    """The numbers of the user and the group of a service that is not root; None where nobody knows."""
    head, _, group = seat.user.partition(":")
    uid = int(head) if head.isdecimal() else _uid_of(head, seat.image)
    image = seat.image
    if group.isdecimal():
        return uid, int(group)
    return uid, image.gid if uid == image.uid else None


def _is_file(path: str) -> bool:
    return "." in path.rpartition("/")[2]


def _variable(service: Service, name: str) -> str:
    many = service.value.get("environment")
    if isinstance(many, dict):
        return str(many.get(name) or "")
    return next((one.partition("=")[2] for one in service.words("environment") if one.startswith(f"{name}=")), "")


def _risks(service: Service, image: ImageUser) -> Iterator[str]:
    yield "the program no longer starts as root"
    if service.varies:
        yield f"the environment may name another image than {service.image}, whose user has another number"
    for mount in service.mounts:
        if mount.kind == "bind" and not mount.read_only:
            yield f"what it writes to {mount.source} of the host must belong to {image.uid}"
            break
    loose = [one for one in unowned(service, image) if one.kind == "volume"]
    if loose:
        yield f"what the volume {loose[0].source} holds must belong to {image.uid}"
    if service.value.get("secrets") or service.value.get("configs"):
        yield f"the files of its secrets and configs must be readable for {image.uid}"


def unowned(service: Service, image: ImageUser) -> tuple[Mount, ...]:
    """The named volumes and folders of the host that a service may write and that nobody gave to its user."""
    folders = kept(image)
    out = []
    for one in service.mounts:
        named = one.kind == "volume" and one.source != ""
        folder = one.kind == "bind" and one.source[:1] in (".", "~") and not _is_file(one.target)
        if (named or folder) and not one.read_only and not any(below(one.target, path) for path in folders):
            out.append(one)
    return tuple(out)
