"""Who each container of a pod runs as after the change: what has to be written for it, and what stands against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from posixpath import normpath
from typing import Any

from fixer.decide import Hold
from fixer.imageusers import ImageUser
from fixer.model import EnsureItem, Refusal, RemoveKey, Safety, SetKey, YamlChange
from fixer.syntax.shell import Script, argv, literal_word
from fixer.tuples import NamedTuple
from fixer.understand.pods import Member, Pod, of_root_alone
from fixer.understand.shellroot import needs_root, service, written
from fixer.understand.workloads import Path, mapping, sequence, value_at, word

# Behind these a security context stands where people look for it.
BEHIND_IMAGE = ("name", "image", "imagePullPolicy")
UNPRIVILEGED_PORTS = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
_LISTS = ("initContainers", "containers", "ephemeralContainers")
# https://kubernetes.io/docs/tasks/configure-pod-container/security-context: these take the group of the pod.
_OWNABLE = (
    "persistentVolumeClaim ephemeral csi awsElasticBlockStore azureDisk cinder fc gcePersistentDisk iscsi"
    " photonPersistentDisk portworxVolume rbd scaleIO storageos vsphereVolume".split()
)
_READ_BY_ALL = 0o004
# The sockets by which a container speaks with the engine that runs it.
SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "podman.sock", "docker_engine")
# What everybody may read on any machine.
_OPEN = (
    *("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo", "/etc/hosts", "/etc/resolv.conf"),
    *("/etc/os-release", "/etc/ssl/certs", "/usr/share/ca-certificates"),
)
# PostgreSQL up to 17 changes the mode of this folder before it fills it, as only its owner can.
OWNED_FOLDER = "/var/lib/postgresql/data"

FindImage = Callable[[str], ImageUser]


class Seat(NamedTuple):
    """One container: the user of its image, and what becomes of it.

    `number` is the uid and gid that have to be written, None where nothing has to be. `moves` tells that it was root
    before, or may have been. `refusal` says why it cannot be told not to be root.
    """

    member: Member
    image: ImageUser
    number: tuple[int, int | None] | None
    moves: bool
    safety: Safety
    risk: str
    refusal: Refusal | None = None


class Plan(NamedTuple):
    """What takes a pod off root.

    `whole` are the changes for the pod, where every container can be moved; else `each` has those of the containers
    that can, by their place among the members.
    """

    seats: tuple[Seat, ...]
    whole: tuple[YamlChange, ...]
    each: dict[int, tuple[YamlChange, ...]]

    @property
    def safety(self) -> Safety:
        """That of the least safe container."""
        return min((seat.safety for seat in self.seats), default=Safety.SAFE)

    @property
    def risk(self) -> str:
        """What a person should look at, in one sentence; "" where everything is safe."""
        return "; ".join(dict.fromkeys(seat.risk for seat in self.seats if seat.risk))

    @property
    def stuck(self) -> tuple[Seat, ...]:
        """The containers that stay as they are."""
        return tuple(seat for seat in self.seats if seat.refusal is not None)


def set_in_pod(pod: Pod, key: str, value: object, below: Path = ()) -> SetKey:
    """A setting in the security context of a pod, which stands in front of its containers where it is new."""
    return SetKey(pod.document.index, (*pod.context_path, *below), key, value, (), _first_list(pod))


def _first_list(pod: Pod) -> str:
    return next((name for name in pod.spec if name in _LISTS), "")


def set_in_container(pod: Pod, member: Member, key: str, value: object, below: Path = ()) -> SetKey:
    """A setting in the security context of a container, which stands behind its image where it is new."""
    return SetKey(pod.document.index, (*member.context_path, *below), key, value, BEHIND_IMAGE)


def plan(pod: Pod, find_image: FindImage) -> Plan:
    """Work out who each container of a pod runs as, and what has to be written."""
    seats = tuple(_seat(pod, member, find_image(member.image)) for member in pod.members)
    # what holds for the pod would hold for containers too that others add to it, some of which are root
    if any(seat.refusal is not None for seat in seats) or not pod.has_context or pod.injector:
        each = {n: tuple(_alone(pod, seat)) for n, seat in enumerate(seats) if seat.refusal is None}
        return Plan(seats, (), each)
    return Plan(seats, tuple(_together(pod, seats)), {})


def _seat(pod: Pod, member: Member, image: ImageUser) -> Seat:
    user = pod.user(member)
    if user:
        return Seat(member, image, None, False, Safety.SAFE, "")
    against = _against(pod, member, image, user)
    if against is not None:
        return Seat(member, image, None, False, Safety.MANUAL, "", against)
    if image.ready and user is None:
        safety = Safety.SAFE if image.certain else Safety.REVIEW
        return Seat(member, image, None, False, safety, image.risk)
    number = None if image.uid is None else (image.uid, image.gid)
    # an image that is not root by itself and is made root by the manifest moves as well
    moves = image.root is not False or user == 0
    asked = f"somebody asked for root in {member.name}" if user == 0 else ""
    risks = [asked, image.risk, *(_risks(pod, member, image) if moves else ())]
    risk = "; ".join(one for one in risks if one)
    return Seat(member, image, number, moves, Safety.REVIEW, risk or _named(image))


def _named(image: ImageUser) -> str:
    if image.root is None:
        return f"it now runs as {image.uid}, as fixer.toml says, whoever the image runs as"
    return f"the user that the image names is written as {image.uid}; another build may give it another number"


def _against(pod: Pod, member: Member, image: ImageUser, user: int | None) -> Refusal | None:
    """Why a container has to stay root, or may have to."""
    if pod.windows or (image.refusal is not None and image.refusal.code == "windows"):
        said = "" if pod.says_windows else "write os: {name: windows} in the pod spec, which says so, and "
        return Refusal("windows", f"this is a pod of Windows; {said}set windowsOptions.runAsUserName there")
    if user is None and image.ready:
        return None
    why = needs_host(pod, member)
    if why and member.context.get("privileged") is True:
        return Refusal("needs-root", f"{member.name} is privileged, and {why}; such a container is root on purpose")
    extra = of_root_alone(member.added)
    if extra and (image.root is not False or user == 0) and not pod.says_not_root(member):
        return Refusal(
            "needs-root",
            f"{member.name} adds {', '.join(extra)}, which only root has; find out whether it still needs that",
        )
    thing = next((words for _, words, code in _host_things(pod, member) if code), "")
    if thing and (image.root or user == 0) and not pod.says_not_root(member):
        return Refusal("needs-host", f"{member.name} {thing}; such a container is root on purpose")
    need = root_command(member)
    if need:
        return Refusal("needs-root", f"{member.name} {need}, as only root can; do that in the image or with fsGroup")
    low = low_ports(member, image)
    if low and pod.host_network:
        return Refusal(
            "privileged-port",
            f"{member.name} binds port {low[0]} in the network of its node, as only root can; use a port above 1023",
        )
    return image.refusal or _foreign_data(pod, member, image)


def _risks(pod: Pod, member: Member, image: ImageUser) -> Iterator[str]:
    for mount, volume in pod.mounts(member):
        host = mapping(volume.get("hostPath")).get("path")
        if host and mount.get("readOnly") is not True:
            yield f"what {host} holds on the node may belong to root"
    if low_ports(member, image):
        yield f"{member.name} binds a port below 1024, which the sysctl opens for the pod from Kubernetes 1.22 on"
    if _fs_group(pod, member, (0, 0)) is not None:
        yield "volumes change hands when they are mounted"


# --- signs of root ------------------------------------------------------------------------------------------------


def script_of(member: Member) -> Script:
    """The commands that a container runs by its own words; nothing where the image decides."""
    words = member.words if member.container.value.get("command") else ()
    return argv([literal_word(word, word, 0) for word in words])


def root_command(member: Member) -> str:
    """What a container does that only root can, in words; "" where nothing says so."""
    return rooted(script_of(member))


def rooted(script: Script) -> str:
    """What a script does that only root can, in words; "" where nothing says so."""
    for command in script.commands:
        if any(word.text == "sudo" for word in command.prefix):
            continue
        need = needs_root(command)
        if need is not None and need.certain and "writes to" not in need.reason:
            return f"runs '{command.name}'"
        started = service(command)
        if started is not None:
            return f"starts {started.name}"
    return ""


_HOST_COMMANDS = frozenset(
    "nsenter mount umount modprobe insmod sysctl iptables ip6tables mkfs losetup dockerd".split()
)


def needs_host(pod: Pod, member: Member) -> str:
    """Why a container that has all privileges seems to use them, in words; "" where nothing says so."""
    if pod.shared:
        return f"the pod has {pod.shared[0]}"
    for mount, volume in pod.mounts(member):
        if volume.get("hostPath") is not None:
            return f"it mounts {mapping(volume['hostPath']).get('path')} of the node"
        if mount.get("mountPropagation") == "Bidirectional":
            return "its mounts are seen by the node"
    if sequence(member.container.value.get("volumeDevices")):
        return "it has a device of the node"
    return changes_host(script_of(member), member.image)


def holds(pod: Pod, member: Member, who: str, file: str) -> Iterator[Hold]:
    """What a container may need root for, as far as its image decides who it runs as.

    Args:
        pod: its pod.
        member: the container.
        who: the object of the pod, for people.
        file: the path of its file, for people.
    """
    if pod.windows or pod.user(member) is not None or pod.says_not_root(member):
        return

    def hold(path: Path, words: str, purpose: str = "", ports: tuple[int, ...] | None = None) -> Hold:
        place = f"{file}:{pod.document.line(pod.at(path).start)}"
        return Hold(place, f"{member.name} of {who} {words}", "write runAsUser: 0 there", purpose, ports)

    if member.context.get("privileged") is True:
        why = needs_host(pod, member)
        path = (*member.context_path, "privileged")
        yield hold(path, f"is privileged{f', and {why}' if why else ''}", "needs-root" if why else "")
    yield from (hold(*thing) for thing in _host_things(pod, member))
    extra = of_root_alone(member.added)
    if extra:
        yield hold(
            (*member.context_path, "capabilities"), f"adds {', '.join(extra)}, which only root has", "needs-root"
        )
    if pod.host_network:
        purpose = "privileged-port" if any(0 < port < 1024 for port in member.ports) else ""
        yield hold((*pod.path, "hostNetwork"), "shares the network of its node", purpose, member.ports)


def _host_things(pod: Pod, member: Member) -> Iterator[tuple[Path, str, str]]:
    """What a container has of its node: where, in words, and the code of why only root makes use of it, else ""."""
    if pod.spec.get("hostPID") is True:
        yield (*pod.path, "hostPID"), "sees the processes of its node (hostPID)", "needs-host"
    for mount, volume in pod.mounts(member):
        host = mapping(volume.get("hostPath")).get("path")
        if isinstance(host, str) and host.endswith(SOCKETS):
            yield member.path, f"mounts {host} of its node, which root and its group alone may use", "needs-host"
        elif isinstance(host, str) and not open_to_anybody(host, mount.get("readOnly") is True):
            yield member.path, f"mounts {host} of its node, which may belong to root", ""


def open_to_anybody(path: str, read_only: bool) -> bool:
    """Whether anybody may do with a path of the machine below what a mount of it lets a container do."""
    return read_only and path.rstrip("/") in _OPEN


def changes_host(script: Script, image: str) -> str:
    """Why a container seems to change the machine under it, by its commands and image; "" where nothing says so."""
    for command in script.commands:
        kernel = next((word.text for word in written(command) if word.text.startswith(_KERNEL)), "")
        if kernel or command.name in _HOST_COMMANDS:
            return f"it writes {kernel}" if kernel else f"it runs '{command.name}'"
    if any(word in image for word in _BUILDERS):
        return f"{image} builds or runs containers"
    if any(sign in image for sign in _PARAMETER):
        return f"only a parameter tells its image, {image}"
    return ""


# Images whose purpose is to make containers in a container, and others whose purpose is to change the node.
_MAKERS = ("dind", "docker:", "buildkit", "buildah", "podman", "kaniko")
_BUILDERS = (*_MAKERS, "csi", "cni", "kube-proxy", "nfs", "volume")
_KERNEL = ("/proc/", "/sys/")
_PARAMETER = ("$(", "${", "{{")


# --- what is written ------------------------------------------------------------------------------------------------


def _alone(pod: Pod, seat: Seat) -> Iterator[YamlChange]:
    """The changes for one container of a pod in which others stay as they are."""
    member = seat.member
    if pod.context.get("runAsNonRoot") not in (None, True):
        # it means no more than nothing, and the restricted level forbids it whatever the containers say
        yield RemoveKey(pod.document.index, pod.context_path, "runAsNonRoot")
    if member.context.get("runAsNonRoot") is not True:
        yield set_in_container(pod, member, "runAsNonRoot", True)
    if seat.number is not None:
        yield from _numbers(pod, member, seat.number)
    yield from _beside(pod, [seat])


def _numbers(pod: Pod, member: Member, number: tuple[int, int | None]) -> Iterator[YamlChange]:
    uid, gid = number
    yield set_in_container(pod, member, "runAsUser", uid)
    if gid and not pod.effective(member, "runAsGroup"):
        yield set_in_container(pod, member, "runAsGroup", gid)


def _together(pod: Pod, seats: tuple[Seat, ...]) -> Iterator[YamlChange]:
    """The changes for a pod all of whose containers can be told not to be root."""
    said = pod.context.get("runAsNonRoot")
    unset = any(pod.effective(seat.member, "runAsNonRoot") is not True for seat in seats)
    if said is not True and (unset or said is not None):
        yield set_in_pod(pod, "runAsNonRoot", True)
    for seat in seats:
        if seat.member.context.get("runAsNonRoot") is False:
            yield set_in_container(pod, seat.member, "runAsNonRoot", True)
    yield from _numbers_together(pod, seats)
    yield from _beside(pod, seats)


def _numbers_together(pod: Pod, seats: tuple[Seat, ...]) -> Iterator[YamlChange]:
    asked = pod.context.get("runAsUser")
    needing = [seat for seat in seats if seat.number is not None]
    heirs = [seat for seat in seats if seat.member.context.get("runAsUser") is None]
    shared = {_would_be(seat) for seat in heirs}
    number = next(iter(shared)) if len(shared) == 1 else None
    if number is not None and any(seat.number is not None for seat in heirs) and _may_share(pod, seats, heirs, number):
        yield set_in_pod(pod, "runAsUser", number[0])
        if number[1] and not pod.context.get("runAsGroup"):
            yield set_in_pod(pod, "runAsGroup", number[1])
        needing = [seat for seat in needing if seat not in heirs]
    elif asked == 0 and not isinstance(asked, bool):
        yield RemoveKey(pod.document.index, pod.context_path, "runAsUser")
    for seat in needing:
        assert seat.number is not None
        yield from _numbers(pod, seat.member, seat.number)


def _may_share(pod: Pod, seats: tuple[Seat, ...], heirs: list[Seat], number: tuple[int, int | None]) -> bool:
    """Whether a user and group may stand at the pod: one with a user of its own must not get the group by the way."""
    if not number[1] or pod.context.get("runAsGroup"):
        return True
    return all(seat in heirs or seat.member.context.get("runAsGroup") is not None for seat in seats)


def _would_be(seat: Seat) -> tuple[int, int | None] | None:
    """The number that a container without one of its own may take from its pod without a change; None for none."""
    if seat.number is not None:
        return seat.number
    return None if seat.image.uid is None else (seat.image.uid, seat.image.gid)


def _beside(pod: Pod, seats: list[Seat] | tuple[Seat, ...]) -> Iterator[YamlChange]:
    """What containers that were root need besides: their ports, and the group of their volumes."""
    moving = [seat for seat in seats if seat.moves]
    if any(low_ports(seat.member, seat.image) for seat in moving) and pod.has_context:
        names = [mapping(one).get("name") for one in sequence(pod.context.get("sysctls"))]
        if UNPRIVILEGED_PORTS["name"] not in names:
            change = set_in_pod(pod, "sysctls", None)
            yield EnsureItem(change.document, (*change.path, change.key), UNPRIVILEGED_PORTS, (), change.before)
    groups = [group for seat in moving if (group := _fs_group(pod, seat.member, seat.number)) is not None]
    if groups and pod.has_context and pod.context.get("fsGroup") is None:
        yield set_in_pod(pod, "fsGroup", groups[0])
        if pod.context.get("fsGroupChangePolicy") is None:
            yield set_in_pod(pod, "fsGroupChangePolicy", "OnRootMismatch")


def _fs_group(pod: Pod, member: Member, number: tuple[int, int | None] | None) -> int | None:
    """The group that the volumes of a container must belong to once it is not root; None where none must."""
    if number is None or pod.context.get("fsGroup") is not None:
        return None
    group = number[0] if number[1] is None else number[1]
    for mount, volume in pod.mounts(member):
        if _takes_group(pod, mount, volume):
            return group
        for kind in ("secret", "configMap", "projected", "downwardAPI"):
            mode = mapping(volume.get(kind)).get("defaultMode")
            if isinstance(mode, int) and not mode & _READ_BY_ALL:
                return group
    return None


# --- for rules that ask more ----------------------------------------------------------------------------------------


def low_ports(member: Member, image: ImageUser) -> tuple[int, ...]:
    """The ports below 1024 that a container says it listens on, or that facts know of its image where it says none."""
    ports = member.ports
    if not ports and image.facts is not None and image.made is None and not member.container.value.get("command"):
        ports = image.facts.ports
    return tuple(port for port in ports if 0 < port < 1024)


def set_in_spec(pod: Pod, key: str, value: object) -> SetKey:
    """A setting of a pod itself, which stands in front of its containers where it is new."""
    return SetKey(pod.document.index, pod.path, key, value, (), _first_list(pod))


def ownable(pod: Pod, member: Member) -> tuple[str, ...]:
    """The volumes, by their names, that a container may write and that take the group of the pod."""
    names = []
    for mount, volume in pod.mounts(member):
        closed = mapping(volume.get("persistentVolumeClaim")).get("readOnly") is True
        if not closed and _takes_group(pod, mount, volume):
            names.append(str(mount.get("name")))
    return tuple(dict.fromkeys(names))


def _takes_group(pod: Pod, mount: Mapping[Any, Any], volume: Mapping[Any, Any]) -> bool:
    """Whether a container may write a volume by this mount, and the volume takes the group of the pod."""
    owned = any(volume.get(kind) is not None for kind in _OWNABLE) or _claimed(pod, mount.get("name"))
    return owned and mount.get("readOnly") is not True


def _claimed(pod: Pod, name: object) -> bool:
    """Whether a claim template beside the pod, as a StatefulSet has them, makes a volume."""
    for end in range(len(pod.path)):
        above = mapping(value_at(pod.document.value, pod.path[:end]))
        for claim in sequence(above.get("volumeClaimTemplates")):
            if mapping(mapping(claim).get("metadata")).get("name") == name:
                return True
    return False


def numbers(pod: Pod, seat: Seat) -> tuple[int | None, int | None]:
    """The uid and the gid of a container once what can be fixed is fixed; None where nobody knows.

    Where the manifest asks for group 0, the gid is that of the image.
    """
    own = pod.user(seat.member)
    uid: int | None
    if seat.number is not None:
        uid, gid = seat.number
    elif own:
        uid, gid = own, seat.image.gid if own == seat.image.uid else None
    elif seat.refusal is not None:
        uid, gid = None, None
    else:
        uid, gid = seat.image.uid, seat.image.gid
    asked = pod.effective(seat.member, "runAsGroup")
    return uid, asked if isinstance(asked, int) and not isinstance(asked, bool) and asked else gid


def owns_elsewhere(member: Member) -> bool:
    """Whether PostgreSQL is told to keep its data in a folder below `OWNED_FOLDER`, which it makes itself."""
    values = member.env("PGDATA")
    return bool(values) and isinstance(values[0], str) and normpath(values[0]) != OWNED_FOLDER


def makes_containers(member: Member) -> bool:
    """Whether the name of its image says that a container makes others inside of its own."""
    return is_maker(member.image)


def is_maker(image: str) -> bool:
    """Whether the name of an image says that it is there to make containers in a container."""
    return any(word in image for word in _MAKERS)


# Programs that change the mode of their folder of data, as only its owner may: the variable that names the folder.
OWNS_DATA = {"postgres": "PGDATA"}


def _foreign_data(pod: Pod, member: Member, image: ImageUser) -> Refusal | None:
    """Why a program does not start as its own user on a volume that is new.

    A new volume belongs to root. The group of the pod lets others write to it, which is not enough for a program that
    changes the mode of its folder; it does so with a folder below that it has made itself.
    """
    user = image.facts.app_user if image.facts is not None else None
    variable = OWNS_DATA.get(user.name) if user is not None else None
    if user is None or variable is None or image.facts is None or member.container.value.get("command"):
        return None
    named = member.env(variable)
    folders = [str(folder).rstrip("/") for folder in named or image.facts.volumes if folder]
    for mount, _ in pod.mounts(member):
        at = str(mount.get("mountPath")).rstrip("/")
        # since version 18 the volume is the folder above, and the program makes its own below
        if at in folders and (named or at.endswith("/data")):
            return Refusal(
                "volume-owner",
                f"{member.name} changes the mode of {at}, which belongs to root on a new volume, so that it needs root;"
                f" set {variable} to a folder below, such as {at}/{variable.lower()}, and move the data there",
            )
    return None


def closed_ports(pod: Pod, member: Member, image: ImageUser) -> tuple[int, ...]:
    """The ports below 1024 that a container listens on, without those that the pod opens to all."""
    lowest = 1024
    for one in sequence(pod.context.get("sysctls")):
        value = word(mapping(one).get("value"))
        if mapping(one).get("name") == UNPRIVILEGED_PORTS["name"] and value.isdecimal():
            lowest = int(value)
    return tuple(port for port in low_ports(member, image) if port < lowest)
