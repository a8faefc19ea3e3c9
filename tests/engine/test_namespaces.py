"""The level that the pods of a namespace satisfy: which pods count, and when nobody can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config
from fixer.engine import Choice
from fixer.model import Finding, Goal, Result, Safety, Status
from fixer.pod_security import Level
from fixer.repository import Repository, Scope
from fixer.source import SourceFile

HARDENED = Config(goal=Goal.HARDENED)
CHECK = Choice()
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
PATCH = "resources: [pod.yaml]\npatches: [{path: patch.yaml}]\n"


def pod(namespace: str = "shop", fields: str = "", image: str = "nobody/knows:1", user: str = "runAsUser: 1000") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web{where}}}\nspec:\n{fields}"
        f"  containers: [{{name: web, image: '{image}', securityContext: {{{user}}}}}]\n"
    )


def level(tree: Path, name: str = "shop", config: Config = HARDENED, choice: Choice = CHECK) -> tuple[str, str]:
    repository = Repository(app.tree_of(tree, config), Scope(config, choice))
    found = repository.namespaces.level(frozenset({name}))
    return found.level or "", found.reason


def about(result: Result, words: str = "any pod is let in") -> list[Finding]:
    return [f for f in result.findings if f.rule == "KS025" and words in f.message]


def write(tree: Path, **files: str) -> Path:
    for name, text in files.items():
        (tree / f"{name}.yaml").write_text(text)
    return tree


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([pod()], Level.RESTRICTED),
        ([pod(""), pod()], Level.RESTRICTED),
        ([pod(), pod(user="")], Level.BASELINE),
        ([pod(), pod("", user="")], Level.BASELINE),
        ([pod(), pod("other", "  hostNetwork: true\n")], Level.RESTRICTED),
        ([pod(user=""), pod(fields="  hostNetwork: true\n")], Level.PRIVILEGED),
        ([pod(), pod("", "  hostNetwork: true\n")], Level.PRIVILEGED),
        ([pod("other")], ""),
    ],
)
def test_the_worst_pod_decides(tmp_path: Path, pods: list[str], expected: str) -> None:
    write(tmp_path, **{f"p{n}": text for n, text in enumerate(pods)})
    assert level(tmp_path)[0] == expected
    for file in tmp_path.iterdir():
        file.unlink()
    write(tmp_path, all="---\n".join(pods))
    assert level(tmp_path)[0] == expected


def test_the_reason_names_the_pod(tmp_path: Path) -> None:
    write(tmp_path, a=pod(), b=pod(user=""))
    assert level(tmp_path)[1].startswith("Pod/web in b.yaml: unrestricted capabilities (")
    assert level(tmp_path, "none") == ("", "no manifest puts a pod there")


def test_a_check_foresees_what_the_fix_does_and_a_careful_fix_does_less(tmp_path: Path) -> None:
    write(tmp_path, a=pod())
    assert level(tmp_path) == level(tmp_path, choice=Choice(True)) == (Level.RESTRICTED, "")
    safe = Safety.SAFE
    assert level(tmp_path, choice=Choice(True, safe))[0] == Level.BASELINE
    assert level(tmp_path, config=HARDENED._replace(ignore=frozenset({"seccomp"})))[0] == Level.BASELINE


def test_the_version_counts(tmp_path: Path) -> None:
    config = HARDENED._replace(ignore=frozenset({"seccomp"}), pod_security_version="v1.18")
    assert level(write(tmp_path, a=pod()), config=config)[0] == Level.RESTRICTED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (pod("'{{ x }}'"), "template"),
        ("kind: Pod\nspec: {containers: [\n", "unparsable"),
        (pod().replace("image: 'nobody/knows:1', ", ""), "Pod web"),
        (pod("").replace("v1\nkind: Pod", "example.com/v1\nkind: Farm"), "Farm web"),
        (pod().replace("v1\nkind: Pod", "monitoring.coreos.com/v1\nkind: Prometheus"), "Prometheus web"),
        (pod() + "#" * (4 << 20), "too-large"),
    ],
)
def test_what_may_bring_other_pods(tmp_path: Path, text: str, reason: str) -> None:
    write(tmp_path, a=pod(), b=text)
    assert level(tmp_path) == ("", f"nobody can tell which pods b.yaml puts there ({reason})")


@pytest.mark.parametrize(
    "text",
    [
        pod("other").replace("image: 'nobody/knows:1', ", ""),
        pod("other").replace("v1\nkind: Pod", "example.com/v1\nkind: Farm"),
        "kind: Deployment\nmetadata: {name: '{{ x }}'}\n",
    ],
)
def test_what_brings_none_here(tmp_path: Path, text: str) -> None:
    write(tmp_path, a=pod(), b=text)
    assert level(tmp_path)[0] == Level.RESTRICTED


def test_charts_and_patches(tmp_path: Path) -> None:
    write(tmp_path, pod=pod())
    (tmp_path / "chart/templates").mkdir(parents=True)
    (tmp_path / "chart/templates/role.yaml").write_text("kind: Role\n")
    assert level(tmp_path)[0] == Level.RESTRICTED
    (tmp_path / "chart/Chart.yaml").write_text("name: chart\n")
    assert level(tmp_path)[1].endswith("chart/templates/role.yaml puts there (template)")
    (tmp_path / "chart/Chart.yaml").unlink()
    write(tmp_path, kustomization=PATCH, patch=pod())
    assert level(tmp_path)[1].endswith("patch.yaml puts there (patch)")
    write(tmp_path, patch="kind: Service\nmetadata: {name: web}\n")
    assert level(tmp_path)[0] == Level.RESTRICTED


def test_kustomize_says_the_namespace(tmp_path: Path) -> None:
    write(tmp_path, kustomization="namespace: prod\nresources: [pod.yaml]\n", pod=pod(""))
    assert level(tmp_path, "prod")[0] == Level.RESTRICTED
    assert level(tmp_path, "shop")[0] == ""


def test_one_file_tells_nothing_about_the_others(tmp_path: Path) -> None:
    write(tmp_path, a=NAMESPACE + "---\n" + pod(), b=pod(fields="  hostNetwork: true\n"))
    (found,) = about(app.fix(tmp_path / "a.yaml", config=HARDENED))
    assert found.status is Status.REFUSED
    assert found.refusal is not None
    assert found.refusal.message.startswith("only this file was looked at")
    (found,) = about(app.fix(SourceFile("a.yaml", (tmp_path / "a.yaml").read_bytes()), config=HARDENED))
    assert found.status is Status.REFUSED
    (found,) = about(app.check(tmp_path, config=HARDENED))
    assert found.refusal is not None
    assert found.refusal.code == "privileged-pods"


def test_only_where_the_rule_speaks(tmp_path: Path) -> None:
    write(tmp_path, a=NAMESPACE)
    assert app.check(tmp_path, config=HARDENED).files == 1
    assert app.check(tmp_path, config=Config()).files == 0
    assert app.check(tmp_path, config=HARDENED._replace(ignore=frozenset({"KS025"}))).files == 0
    assert app.check(tmp_path, config=Config(select=frozenset({"namespace-labels"}))).files == 1
    write(tmp_path, b=pod())
    # the pods stay as they are when nothing else is selected
    (found,) = about(app.fix(tmp_path, config=Config(select=frozenset({"namespace-labels"}))))
    assert found.fix is not None
    assert found.fix.title == "enforce: baseline"


def test_an_overlay_stands_against_it(tmp_path: Path) -> None:
    patch = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: {$patch: replace, a: b}\n"
    write(tmp_path, kustomization=PATCH.replace("pod", "ns"), ns=NAMESPACE, patch=patch, pod=pod())
    result = app.fix(tmp_path, config=HARDENED)
    assert not result.changes[0].path.startswith("ns")
    (found,) = about(result, "nobody hears")
    assert found.refusal is not None
    assert found.refusal.code == "overlay"
