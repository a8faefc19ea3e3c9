"""The table of images, the reading of references, and what real references are found to be."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fixer.facts
from fixer.facts import (
    ImageRef,
    KnownUser,
    families,
    family,
    family_from_package_manager,
    hardened,
    images,
    lookup,
    taken_ids,
)

DATA = Path(fixer.facts.__file__).with_name("data")
TABLE = json.loads((DATA / "images.json").read_text(encoding="utf-8"))
IMAGES = TABLE["images"]
CONFIDENCE = {"verified", "documented", "inferred"}
GENERIC = {"nobody", "guest", "ubuntu"}


def listed(value):
    return [value] if isinstance(value, str) else value


# --- the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", IMAGES, ids=lambda raw: f"{listed(raw['repository'])[0]}:{raw.get('tags', '')}")
def test_every_entry_is_whole(raw):
    keys = {
        "registry", "repository", "tags", "family", "distro_version", "user", "uid", "gid", "accounts", "app",
        "uid_1000", "useradd", "groupadd", "adduser", "addgroup", "shell", "package_manager", "ports",
        "writable", "open", "volumes", "nonroot_variant", "steps_down", "arbitrary_user", "file_capabilities",
        "workdir", "entrypoint", "cmd", "platform", "env", "notes", "sources", "confidence",
    }  # fmt: skip
    assert set(raw) <= keys
    assert set(raw.get("open", [])) <= set(raw.get("writable", []))
    assert raw["family"] in families()
    assert raw["confidence"] in CONFIDENCE
    assert raw["sources"], "an entry says where it was read"
    assert all(0 <= number < len(TABLE["sources"]) for number in raw["sources"])
    re.compile(raw.get("tags", ""))
    for repository in listed(raw["repository"]):
        re.compile(repository)
    for path in [*raw.get("writable", []), *raw.get("volumes", []), raw.get("workdir", "/")]:
        assert re.fullmatch(r"/[^\s()$]*", path)
    assert all(0 < port < 65536 for port in raw.get("ports", []))
    # the one that the restricted level lets a container keep
    assert set(raw.get("file_capabilities", [])) <= {"NET_BIND_SERVICE"}
    names = []
    for line in raw.get("accounts", []):
        name, uid, gid, _, home = line.split(":")
        assert int(uid) > 0
        assert int(gid) >= 0
        assert home == "" or home.startswith("/")
        names.append(name)
    if "app" in raw:
        assert raw["app"] in names
        assert raw["app"] not in GENERIC
        assert raw["confidence"] != "inferred"


def test_every_entry_can_be_reached():
    covered: set[tuple[str, str]] = set()
    for raw in IMAGES:
        names = {(a, b) for a in listed(raw.get("registry", "docker.io")) for b in listed(raw["repository"])}
        assert names - covered, f"{raw['repository']} {raw.get('tags')} is hidden by an entry above it"
        if "tags" not in raw:
            covered |= names


def test_every_entry_is_found_and_becomes_facts():
    for raw in IMAGES:
        repository = listed(raw["repository"])[0]
        if re.search(r"[(*\[?\\|]", repository):
            continue
        found = lookup(f"{listed(raw.get('registry', 'docker.io'))[0]}/{repository}:no-such-tag")
        assert found is None or found.family in families()


def test_www_data_is_only_the_application_of_web_servers():
    for raw in IMAGES:
        if raw.get("app") == "www-data" and raw.get("user", "root") == "root":
            assert raw["repository"] in {"httpd", "php", "wordpress", "nextcloud"}


@pytest.mark.parametrize("name", families())
def test_every_family_is_whole(name):
    kin = family(name)
    assert kin.style in {"shadow", "busybox", "append", "none"}
    assert kin.confidence in CONFIDENCE
    assert kin.sources
    if kin.style != "none":
        assert kin.nologin.startswith("/")
        assert kin.uids[0] == kin.gids[0] == "root"
    if kin.style == "shadow" and kin.useradd is not True:
        assert kin.install_package in kin.install_command


def test_package_managers_name_families():
    expected = {
        "apk": "alpine", "apt-get": "debian", "apt": "debian", "microdnf": "microdnf", "dnf": "rhel",
        "yum": "rhel", "zypper": "suse", "tdnf": "photon", "pacman": "arch", "brew": None,
    }  # fmt: skip
    assert {manager: family_from_package_manager(manager) for manager in expected} == expected


# --- references ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node", ("docker.io", "node", "", "")),
        ("node:20-alpine", ("docker.io", "node", "20-alpine", "")),
        ("library/node", ("docker.io", "node", "", "")),
        ("docker.io/library/node:20", ("docker.io", "node", "20", "")),
        ("docker.io/node:20", ("docker.io", "node", "20", "")),
        ("index.docker.io/grafana/grafana", ("docker.io", "grafana/grafana", "", "")),
        ("arm64v8/alpine:3.20", ("docker.io", "alpine", "3.20", "")),
        ("registry-1.docker.io/library/redis:7", ("docker.io", "redis", "7", "")),
        ("mirror.gcr.io/library/python:3.12", ("docker.io", "python", "3.12", "")),
        ("public.ecr.aws/docker/library/golang:1.22", ("docker.io", "golang", "1.22", "")),
        ("public.ecr.aws/lambda/python:3.12", ("public.ecr.aws", "lambda/python", "3.12", "")),
        ("mcr.microsoft.com/mirror/docker/library/ubuntu:22.04", ("docker.io", "ubuntu", "22.04", "")),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/docker-hub/library/node:20",
            ("docker.io", "node", "20", ""),
        ),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/library/node:20",
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "library/node", "20", ""),
        ),
        ("localhost/app", ("localhost", "app", "", "")),
        ("localhost:5000/app:1", ("localhost:5000", "app", "1", "")),
        ("harbor.example.com:8443/a/b/c:1.0", ("harbor.example.com:8443", "a/b/c", "1.0", "")),
        ("k8s.gcr.io/pause:3.9", ("registry.k8s.io", "pause", "3.9", "")),
        (
            "gcr.io/distroless/static@sha256:" + "a" * 64,
            ("gcr.io", "distroless/static", "", "sha256:" + "a" * 64),
        ),
        ("host:5000/a/b:t@sha256:" + "0" * 64, ("host:5000", "a/b", "t", "sha256:" + "0" * 64)),
        ("Registry.Example.com/a", ("registry.example.com", "a", "", "")),
    ],
)
def test_references(text, expected):
    ref = ImageRef.parse(text)
    assert (ref.registry, ref.repository, ref.tag, ref.digest) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no repository name"),
        ("Node:20", "capital letters"),
        ("acme/App", "capital letters"),
        ("node:", "is no tag"),
        ("node:-1", "is no tag"),
        ("node:20 ", "is no tag"),
        ("${BASE}", "capital letters"),
        ("node:${VERSION}", "is no tag"),
        ("node@sha256:123", "is no digest"),
        ("a//b", "no repository name"),
        ("/a", "no repository name"),
        ("a b", "no repository name"),
        ("ho_st.com/a", "is no host"),
    ],
)
def test_no_references(text, why):
    with pytest.raises(ValueError, match=why):
        ImageRef.parse(text)


part = st.from_regex(r"[a-z0-9]{1,6}([._-][a-z0-9]{1,4})?", fullmatch=True)
host = st.sampled_from(["docker.io", "ghcr.io", "quay.io", "localhost:5000", "r.example.com:443"])
tags = st.one_of(st.just(""), st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,12}", fullmatch=True))
digests = st.one_of(st.just(""), st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True))


@given(host, st.lists(part, min_size=1, max_size=3), tags, digests)
def test_what_is_written_is_read_again(registry, path, tag, digest):
    text = f"{registry}/{'/'.join(path)}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    ref = ImageRef.parse(text)
    assert (ref.tag, ref.digest) == (tag, digest)
    if registry != "docker.io" or "." not in path[0]:
        assert ImageRef.parse(str(ref)) == ref


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_a_value_error(text):
    try:
        ref = ImageRef.parse(text)
    except ValueError:
        return
    lookup(ref)
    hardened(ref)
    assert ref.repository == ref.repository.lower()


# --- lookups ------------------------------------------------------------------------------------------------

ROOT, UNKNOWN = 0, None

# reference, family, the uid it runs as, the uid of its application user
REAL = [
    ("alpine:3.20", "alpine", ROOT, None),
    ("busybox", "busybox", ROOT, None),
    ("debian:bookworm-slim", "debian", ROOT, None),
    ("debian:stretch", "debian", ROOT, None),
    ("debian:8", "debian", ROOT, None),
    ("ubuntu:24.04", "ubuntu", ROOT, None),
    ("ubuntu:18.04", "ubuntu", ROOT, None),
    ("public.ecr.aws/ubuntu/ubuntu:22.04_stable", "ubuntu", ROOT, None),
    ("centos:7", "rhel", ROOT, None),
    ("rockylinux:9-minimal", "microdnf", ROOT, None),
    ("fedora:40", "fedora", ROOT, None),
    ("amazonlinux:2", "amazon", ROOT, None),
    ("archlinux:latest", "arch", ROOT, None),
    ("opensuse/leap:15.6", "suse", ROOT, None),
    ("photon:5.0", "photon", ROOT, None),
    ("scratch", "scratch", ROOT, None),
    ("registry.access.redhat.com/ubi9/ubi:9.4", "rhel", ROOT, None),
    ("registry.access.redhat.com/ubi8:latest", "rhel", ROOT, None),
    ("registry.redhat.io/ubi9/ubi-minimal", "microdnf", ROOT, None),
    ("registry.access.redhat.com/ubi9-micro", "ubi-micro", ROOT, None),
    ("redhat/ubi9-minimal", "microdnf", ROOT, None),
    ("registry.access.redhat.com/ubi9/python-311:1", "rhel", 1001, 1001),
    ("mcr.microsoft.com/azurelinux/base/core:3.0", "azurelinux", ROOT, None),
    ("mcr.microsoft.com/windows/servercore:ltsc2022", "windows", None, None),
    ("buildpack-deps:jammy-curl", "ubuntu", ROOT, None),
    ("node:20-alpine", "alpine", ROOT, 1000),
    ("node:8", "debian", ROOT, 1000),
    ("node:10-stretch-slim", "debian", ROOT, 1000),
    ("node:0.12", "debian", ROOT, None),
    ("python:2.7", "debian", ROOT, None),
    ("python:3.12-slim", "debian", ROOT, None),
    ("python:3.12-alpine3.19", "alpine", ROOT, None),
    ("python:3.12-windowsservercore", "windows", None, None),
    ("golang:1.22-bookworm", "debian", ROOT, None),
    ("openjdk:8-jdk-alpine", "alpine", ROOT, None),
    ("openjdk:17-jdk-slim", "debian", ROOT, None),
    ("openjdk:17", "microdnf", ROOT, None),
    ("openjdk:11-jre", "debian", ROOT, None),
    ("eclipse-temurin:21-jre", "ubuntu", ROOT, None),
    ("eclipse-temurin:21-jre-alpine", "alpine", ROOT, None),
    ("eclipse-temurin:17-jre-ubi9-minimal", "microdnf", ROOT, None),
    ("amazoncorretto:21", "amazon", ROOT, None),
    ("maven:3.9-eclipse-temurin-21", "ubuntu", ROOT, None),
    ("maven:3.9-amazoncorretto-21-debian", "debian", ROOT, None),
    ("maven:3.8-openjdk-17", "microdnf", ROOT, None),
    ("maven:3-jdk-8", "debian", ROOT, None),
    ("gradle:8-jdk21", "ubuntu", ROOT, 1000),
    ("tomcat:10-jdk21", "ubuntu", ROOT, None),
    ("tomcat:9-jdk11-corretto", "amazon", ROOT, None),
    ("php:8.3-apache", "debian", ROOT, 33),
    ("php:8.3-fpm-alpine", "alpine", ROOT, 82),
    ("php:8.3-cli-alpine", "alpine", ROOT, None),
    ("php:8.3", "debian", ROOT, None),
    ("wordpress:6", "debian", ROOT, 33),
    ("httpd:2.4", "debian", ROOT, 33),
    ("httpd:2.4-alpine", "alpine", ROOT, 82),
    ("nginx:1.25", "debian", ROOT, 101),
    ("nginx:alpine-slim", "alpine", ROOT, 101),
    ("nginx:1.15-alpine", "alpine", ROOT, None),
    ("nginxinc/nginx-unprivileged:1.27-alpine", "alpine", 101, 101),
    ("ghcr.io/nginx/nginx-unprivileged", "debian", 101, 101),
    ("postgres:16", "debian", ROOT, 999),
    ("postgres:16-alpine", "alpine", ROOT, 70),
    ("redis:7-alpine", "alpine", ROOT, 999),
    ("mysql:8.0-debian", "debian", ROOT, 999),
    ("mcr.microsoft.com/dotnet/aspnet:8.0", "debian", ROOT, 1654),
    ("mcr.microsoft.com/dotnet/aspnet:8.0-cbl-mariner2.0", "azurelinux", ROOT, 1654),
    ("mcr.microsoft.com/dotnet/runtime:9.0-alpine", "alpine", ROOT, 1654),
    ("mcr.microsoft.com/dotnet/sdk:10.0", "ubuntu", ROOT, 1654),
    ("mcr.microsoft.com/dotnet/aspnet:8.0-jammy-chiseled", "distroless", 1654, 1654),
    ("mcr.microsoft.com/dotnet/aspnet:6.0", "debian", ROOT, None),
    ("mcr.microsoft.com/dotnet/aspnet:6.0-alpine", "alpine", ROOT, None),
    ("mcr.microsoft.com/dotnet/aspnet:6.0-jammy-chiseled", "distroless", UNKNOWN, None),
    ("mcr.microsoft.com/dotnet/core/aspnet:3.1", "debian", ROOT, None),
    ("gcr.io/distroless/static-debian12:nonroot", "distroless", 65532, 65532),
    ("gcr.io/distroless/static", "distroless", ROOT, 65532),
    ("gcr.io/distroless/java21-debian12:debug", "distroless", ROOT, 65532),
    ("cgr.dev/chainguard/python", "wolfi", 65532, 65532),
    ("cgr.dev/chainguard/python:latest-dev", "wolfi", UNKNOWN, None),
    ("cgr.dev/chainguard/wolfi-base", "wolfi", ROOT, 65532),
    ("jenkins/jenkins:lts", "debian", 1000, 1000),
    ("grafana/grafana:11.0.0", "alpine", 472, 472),
    ("prom/prometheus:v2.53.0", "busybox", 65534, None),
    ("quay.io/keycloak/keycloak:25.0", "ubi-micro", 1000, 1000),
    ("denoland/deno:2.0.0", "debian", ROOT, 1993),
    ("oven/bun:1", "debian", ROOT, 1000),
    ("hashicorp/vault:1.17-ubi", "microdnf", 100, None),
]


@pytest.mark.parametrize(("text", "kin", "uid", "app"), REAL, ids=[row[0] for row in REAL])
def test_real_images(text, kin, uid, app):
    facts = lookup(text)
    assert facts is not None
    assert facts.family == kin
    assert facts.default_uid == uid
    assert (facts.app_user.uid if facts.app_user else None) == app
    if kin in {"debian", "ubuntu"} and facts.confidence != "inferred":
        assert facts.useradd is facts.groupadd is True


@pytest.mark.parametrize(
    "text",
    [
        "acme/app",
        "ghcr.io/acme/node:20",
        "mcr.microsoft.com/dotnet/aspnet:lts",
        "registry.k8s.io/redis:v1",  # images of others, which only have the name of an official one
        "k8s.gcr.io/redis:e2e",
        "kubernetes/redis:v1",
    ],
)
def test_unknown_images(text):
    assert lookup(text) is None


def test_facts_in_full():
    facts = lookup("nginx:1.27")
    assert facts is not None
    assert facts.app_user == KnownUser("nginx", 101, 101, "nginx", "/nonexistent")
    assert facts.ports == (80,)
    assert facts.nonroot_variant == "nginxinc/nginx-unprivileged:1.27"
    assert facts.writable_paths == ("/var/cache/nginx", "/var/run", "/tmp")
    assert facts.runs_as_root is True
    assert facts.default_user_is_numeric is None
    assert facts.confidence == "verified"
    assert facts.sources[0].startswith("nginx/docker-nginx@")


def test_variables_that_a_user_instruction_may_name():
    for text in ("mcr.microsoft.com/dotnet/aspnet:8.0", "mcr.microsoft.com/dotnet/sdk:9.0-alpine"):
        facts = lookup(text)
        assert facts is not None
        assert facts.env["APP_UID"] == "1654"
    old = lookup("mcr.microsoft.com/dotnet/aspnet:6.0")
    assert old is not None
    assert not old.env


def test_default_users():
    def default(text):
        facts = lookup(text)
        assert facts is not None
        return facts.default_user, facts.default_uid, facts.default_gid, facts.default_user_is_numeric

    assert default("gcr.io/distroless/base") == ("root", 0, 0, None)
    assert default("docker.elastic.co/elasticsearch/elasticsearch:8.15.0") == ("1000:0", 1000, 0, True)
    assert default("haproxy:3.0") == ("haproxy", 99, 99, False)
    assert default("apache/airflow:2.9.0") == ("50000", 50000, 0, True)


def test_a_digest_alone_tells_only_what_all_tags_share():
    digest = "@sha256:" + "b" * 64
    distroless = lookup("gcr.io/distroless/static-debian12" + digest)
    assert distroless is not None
    assert distroless.family == "distroless"
    assert distroless.runs_as_root is None
    assert distroless.app_user is not None
    assert lookup("node" + digest) is None  # Debian or Alpine
    assert lookup("node:20" + digest) == lookup("node:20")
    assert lookup("acme/app" + digest) is None


@pytest.mark.parametrize(
    ("text", "kin"),
    [
        ("telegraf:1.30-alpine", "alpine"),
        ("haproxy:1.9-alpine", "alpine"),
        ("clojure:temurin-21-tools-deps-jammy", "ubuntu"),
        ("eclipse-temurin:8-jdk-bookworm", "debian"),
    ],
)
def test_a_tag_that_names_another_variant_gets_none_of_its_accounts(text, kin):
    facts = lookup(text)
    assert facts is not None
    assert facts.family == kin
    assert facts.confidence == "inferred"
    assert facts.users == ()
    assert facts.runs_as_root is None or facts.app_user is None


def test_facts_can_be_keys():
    assert len({lookup("node:20"), lookup("docker.io/library/node:20")}) == 1


def test_taken_ids():
    def taken(text):
        facts = lookup(text)
        assert facts is not None
        return taken_ids(facts)

    uids, gids = taken("ubuntu:24.04")
    assert uids[1000] == gids[1000] == "ubuntu"
    assert 1000 not in taken("ubuntu:22.04")[0]
    assert taken("node:20-alpine")[0][1000] == "node"
    assert taken("alpine:3.20")[1][999] == "ping"
    assert 999 not in taken("alpine:3.20")[0]
    free = [text for text, *_ in REAL if 10001 in taken(text)[0]]
    assert free == []


# --- hardened alternatives ----------------------------------------------------------------------------------


def test_every_alternative_is_supported_by_the_table():
    for row in json.loads((DATA / "hardened.json").read_text(encoding="utf-8")):
        assert row["confidence"] in CONFIDENCE - {"inferred"}
        assert row["source"]
        assert row["notes"]
        # a tag that the row is for
        tag = next(
            tag
            for tag in ("latest", "22", "21-jre", "21-jdk", "8.0", "10.0", "fpm", "v1.30.0", "27-dind")
            if re.fullmatch(row.get("tags", ".*"), tag)
        )
        for repository in row["repository"]:
            text = f"{row.get('registry', 'docker.io')}/{repository}:{tag}"
            found = [each for each in hardened(text) if each.source == row["source"]]
            assert found, text
            facts = lookup(found[0].to)
            assert facts is not None, found[0].to
            assert facts.runs_as_root is False
            assert facts.default_uid == found[0].uid
            assert (facts.shell is False) == found[0].needs_no_shell
            assert found[0].confidence in {"documented", facts.confidence}
            for port in found[0].ports.values():
                assert port in facts.ports or port > 1023


def test_alternatives():
    assert [each.to for each in hardened("nginx:1.27-alpine")] == [
        "nginxinc/nginx-unprivileged:1.27-alpine",
        "cgr.dev/chainguard/nginx:latest",
    ]
    assert dict(hardened("nginx:1.27")[0].ports) == {80: 8080}
    assert hardened("node:22-slim")[0].to == "gcr.io/distroless/nodejs22-debian13:nonroot"
    assert hardened("mcr.microsoft.com/dotnet/aspnet:8.0")[0].to.endswith("/aspnet:8.0-noble-chiseled")
    assert hardened("gcr.io/distroless/base-debian12")[0].to == "gcr.io/distroless/base-debian12:nonroot"
    assert hardened("acme/app") == ()
    assert hardened("nginx@sha256:" + "c" * 64) == ()


# --- tags ---------------------------------------------------------------------------------------------------

TAGS = (
    "latest", "latest-amd64", "3.20", "alpine", "22-alpine3.20", "bookworm", "12-slim", "8.0-jammy", "22.04",
    "jammy-2024", "fpm", "8.3-fpm-alpine", "nonroot", "debug", "ltsc2022-windowsservercore", "slim-bullseye", "9-ubi",
    "10", "", "x",
)  # fmt: skip


def test_short_cuts_mean_what_the_expressions_mean():
    expressions = {raw["tags"] for raw in IMAGES if "tags" in raw}
    quick = [one for one in expressions if images._ANYWHERE.fullmatch(one) or images._ONE_OF.fullmatch(one)]
    assert len(quick) > len(expressions) / 3
    for expression in expressions:
        words = re.findall(r"[a-z0-9-]+", expression)
        for tag in (*TAGS, *words, *(f"1.2-{word}" for word in words), *(f"{word}-3" for word in words)):
            assert images._fits(expression, tag) == bool(re.fullmatch(expression, tag)), (expression, tag)
