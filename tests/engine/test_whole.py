"""Whole repositories, made at random: after a fix, one image has one user, and every Service reaches its container."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixer import app, engine
from fixer.config import Config
from fixer.engine import Setting
from fixer.model import Goal, LowPorts, Result
from fixer.source import SourceFile
from fixer.syntax.yaml import values
from fixer.understand.listening import bound


class Shop(NamedTuple):
    """What a repository says: of its image, its pod, its Service and its Compose file. "" and None for nothing."""

    base: str
    account: int | None
    user: int | None
    port: int
    pod_user: int | None
    container_user: int | None
    service_user: int | None
    composed: bool
    target: str
    named: bool
    ports: str
    goal: str


USERS = st.sampled_from([None, None, 0, 1000, 1234, 10001, 12345])
shops = st.builds(
    Shop,
    base=st.sampled_from(["debian:12", "alpine:3.20", "node:22", "python:3.12-slim", "ubuntu:24.04"]),
    account=st.sampled_from([None, None, 1234, 2000]),
    user=USERS,
    port=st.sampled_from([80, 81, 443, 3000, 8080]),
    pod_user=USERS,
    container_user=USERS,
    service_user=USERS,
    composed=st.booleans(),
    target=st.sampled_from(["", "number", "name"]),
    named=st.booleans(),
    ports=st.sampled_from(["keep", "move"]),
    goal=st.sampled_from(["nonroot", "restricted", "hardened"]),
)


def dockerfile(shop: Shop) -> str:
    add = "adduser -D -u" if "alpine" in shop.base else "useradd -u"
    account = f"RUN {add} {shop.account} shop\n" if shop.account is not None else ""
    user = f"USER {shop.user}\n" if shop.user is not None else ""
    command = f'CMD ["gunicorn", "--bind", "0.0.0.0:{shop.port}", "shop"]\n'
    return f"FROM {shop.base}\nWORKDIR /srv\nCOPY . .\n{account}EXPOSE {shop.port}\n{user}{command}"


def manifests(shop: Shop) -> dict[str, str]:
    def context(indent: str, user: int | None) -> str:
        return f"{indent}securityContext:\n{indent}  runAsUser: {user}\n" if user is not None else ""

    name = f"        - name: http\n          containerPort: {shop.port}\n"
    plain = f"        - containerPort: {shop.port}\n"
    target = {"": "", "number": f"    targetPort: {shop.port}\n", "name": "    targetPort: http\n"}[shop.target]
    return {
        "k8s/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n"
        "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n"
        f"{context('      ', shop.pod_user)}      containers:\n      - name: web\n        image: acme/web:1\n"
        f"{context('        ', shop.container_user)}        ports:\n{name if shop.target == 'name' else plain}",
        "k8s/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n"
        f"  ports:\n  - port: {shop.port if shop.target == '' else 80}\n{target}",
    }


def lay_out(tree: Path, shop: Shop) -> None:
    build = "docker build -t acme/web services/web\n" if shop.named else ""
    user = f'    user: "{shop.service_user}"\n' if shop.service_user is not None else ""
    compose = (
        f'services:\n  web:\n    build: services/web\n    image: acme/web\n{user}    ports:\n    - "9000:{shop.port}"\n'
    )
    if shop.composed:
        (tree / "compose.yaml").write_text(compose)
    files = {"services/web/Dockerfile": dockerfile(shop), "build.sh": f"#!/bin/sh\n{build}", **manifests(shop)}
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)


def asked(shop: Shop) -> set[int]:
    """The users other than root that somebody wrote for this image."""
    pod = shop.container_user if shop.container_user is not None else shop.pod_user
    made = shop.account if not shop.user else None
    service = shop.service_user if shop.composed else None
    return {user for user in (shop.user, pod, made, service) if user}


def uids(tree: Path) -> set[int | None]:
    """Who the image and its pod run as."""
    decision = decided(tree)
    out: set[int | None] = {0 if decision.image.user.root else decision.image.user.uid}
    spec = pod_spec(tree)
    holds = {**spec.get("securityContext", {}), **spec["containers"][0].get("securityContext", {})}
    service = composed(tree)
    asked = {int(service["user"].partition(":")[0])} if "user" in service else set()
    return out | asked | ({holds["runAsUser"]} if "runAsUser" in holds else set())


def composed(tree: Path) -> Any:
    file = tree / "compose.yaml"
    return values(file.read_text())[0]["services"]["web"] if file.exists() else {}


def decided(tree: Path) -> Any:
    path = "services/web/Dockerfile"
    source = SourceFile(path, (tree / path).read_bytes())
    return engine.understand(source, Config(), Setting()).decisions[0]


def pod_spec(tree: Path) -> Any:
    (deployment,) = values((tree / "k8s/web.yaml").read_text())
    return deployment["spec"]["template"]["spec"]


def reaches(tree: Path) -> bool:
    """Whether the Service sends to the port that the program binds."""
    (service,) = values((tree / "k8s/service.yaml").read_text())
    row = service["spec"]["ports"][0]
    target = row.get("targetPort", row["port"])
    ports = pod_spec(tree)["containers"][0]["ports"]
    if isinstance(target, str):
        target = next(port["containerPort"] for port in ports if port.get("name") == target)
    inside = {int(port.rpartition(":")[2]) for port in composed(tree).get("ports", ())}
    told = {target, *inside, *(port["containerPort"] for port in ports)}
    return told == {one.port for one in bound(decided(tree).running)}


def told(result: Result) -> bool:
    return any(finding.rule in ("KS029", "CS015") for finding in result.findings)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shops)
def test_one_user_and_every_service_reaches(shop: Shop) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        lay_out(tree, shop)
        config = Config(goal=Goal(shop.goal), ports=LowPorts(shop.ports))
        result = app.fix(tree, config=config)
        assert not app.write_changes(result).skipped
        assert reaches(tree)
        if len(asked(shop)) < 2:
            (uid,) = uids(tree)
            assert uid
            assert not told(result)
        else:
            assert told(result) or len(uids(tree)) == 1
            assert 0 not in uids(tree)
        assert app.fix(tree, config=config).changes == ()
