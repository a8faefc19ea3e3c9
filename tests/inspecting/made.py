"""Images made by hand: layers, configurations and manifests, as the bytes that a registry holds."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import zstandard

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

PASSWD = "root:x:0:0:root:/root:/bin/sh\nsvc:x:1200:1201::/srv:/sbin/nologin\n"
GROUP = "root:x:0:\nteam:x:1201:svc\n"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tar(*entries: tuple[str, str | bytes | None], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """Make a tar archive of paths with their content: `-> target` is a link, `=> target` a hard one, None a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for path, content in entries:
            info = tarfile.TarInfo(path)
            data = b""
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str) and content.startswith(("-> ", "=> ")):
                info.type = tarfile.SYMTYPE if content.startswith("->") else tarfile.LNKTYPE
                info.linkname = content[3:]
            else:
                data = content.encode() if isinstance(content, str) else content
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PACKINGS: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gzip": gzip.compress, "zstd": zstd}
ACCOUNTS = tar(("etc", None), ("etc/passwd", PASSWD), ("etc/group", GROUP))


@dataclass
class Store:
    """What a registry holds: blobs by digest, manifests by tag and digest with their media types."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def blob(self, data: bytes) -> str:
        self.blobs[digest(data)] = data
        return digest(data)

    def manifest(self, value: dict[str, Any], media_type: str, tag: str = "") -> dict[str, Any]:
        """Keep a manifest, and give what a list would say about it."""
        data = json.dumps({"schemaVersion": 2, "mediaType": media_type, **value}).encode()
        self.manifests[digest(data)] = media_type, data
        if tag:
            self.manifests[tag] = media_type, data
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    def image(
        self,
        config: dict[str, Any] | None = None,
        layers: tuple[bytes, ...] = (),
        tag: str = "1",
        machine: str = "amd64",
        media_types: tuple[str, str] = (MANIFEST, CONFIG),
        system: str = "linux",
    ) -> dict[str, Any]:
        """Keep an image, and give what a list would say about it."""
        data = json.dumps({"os": system, "architecture": machine, "config": config or {}}).encode()
        value = {
            "config": {"mediaType": media_types[1], "digest": self.blob(data), "size": len(data)},
            "layers": [{"mediaType": LAYER, "digest": self.blob(one), "size": len(one)} for one in layers],
        }
        row = self.manifest(value, media_types[0], tag)
        return {**row, "platform": {"os": system, "architecture": machine}}
