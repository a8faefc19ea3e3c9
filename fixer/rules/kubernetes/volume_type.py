"""A volume is of a type that the level does not allow.

## What it finds
A volume that is neither of the API (`configMap`, `secret`, `projected`, `downwardAPI`, `emptyDir`, `image`) nor a claim
(`persistentVolumeClaim`, `ephemeral`, `csi`); those of type `hostPath` are another matter (host-path).

## Why it matters
Such a volume takes the name of a server or a disk from whoever writes the pod, and the node mounts it as root: with a
server of one's own choice one reaches faults of file systems in the kernel, and files of others. Kubernetes has dropped
most of these types; a claim is checked by those who run the storage.

## How safe the fix is
There is none: the storage has to be made known to the cluster first, as a PersistentVolume or by its CSI driver, and
only then does a claim take the place of the volume.

## References
Pod Security Standards, restricted: Volume Types; Kubernetes, Volumes; Kubernetes CSI, list of drivers.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.workloads import mapping, value_at, word

CARD = Card(
    id="KS010",
    name="volume-type",
    title="A volume is of a type that the level does not allow",
    severity=Severity.LOW,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS restricted: Volume Types",),
)
# https://kubernetes.io/docs/concepts/storage/volumes and https://kubernetes-csi.github.io/docs/drivers.html
_DRIVERS = {
    "awsElasticBlockStore": "ebs.csi.aws.com",
    "azureDisk": "disk.csi.azure.com",
    "azureFile": "file.csi.azure.com",
    "cephfs": "cephfs.csi.ceph.com",
    "cinder": "cinder.csi.openstack.org",
    "gcePersistentDisk": "pd.csi.storage.gke.io",
    "portworxVolume": "pxd.portworx.com",
    "quobyte": "csi.quobyte.com",
    "rbd": "rbd.csi.ceph.com",
    "scaleIO": "csi-vxflexos.dellemc.com",
    "vsphereVolume": "csi.vsphere.vmware.com",
}
_CLAIM = "a PersistentVolumeClaim takes its place, "
_OWN = {
    "fc": f"{_CLAIM}with a PersistentVolume that names the disk",
    "flexVolume": f"{_CLAIM}with the CSI driver of that storage",
    "flocker": f"Kubernetes has dropped this type; {_CLAIM}with another storage",
    "gitRepo": "Kubernetes has dropped this type; an init container that clones into an emptyDir takes its place",
    "glusterfs": f"Kubernetes has dropped this type; {_CLAIM}with another storage",
    "iscsi": f"{_CLAIM}with a PersistentVolume that names the disk",
    "nfs": f"{_CLAIM}with a PersistentVolume that names the server, or the CSI driver nfs.csi.k8s.io",
    "photonPersistentDisk": f"Kubernetes has dropped this type; {_CLAIM}with another storage",
    "storageos": f"Kubernetes has dropped this type; {_CLAIM}with another storage",
}


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each volume."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "restrictedVolumes"):
            kind = str(path[-1])
            if kind == "hostPath":
                continue
            name = word(mapping(value_at(pod.document.value, path[:-1])).get("name"))
            message = f"{view.names[pod.key]}: volume '{name}' is of type {kind}"
            yield view.finding(CARD, pod.at(path), message, fix=Refusal("takes-function", _instead(kind)))


def _instead(kind: str) -> str:
    if kind in _OWN:
        return _OWN[kind]
    if kind in _DRIVERS:
        return f"{_CLAIM}with the CSI driver {_DRIVERS[kind]}"
    return f"'{kind}' is no type that Kubernetes knows; write emptyDir for scratch, persistentVolumeClaim for data"
