"""`fixer pod-security` as people and scripts meet it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.process import fixer

GOOD = """\
apiVersion: v1
kind: Pod
metadata: {name: good}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: app
      image: app:1
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""
BARE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: bare
spec:
  template:
    spec:
      containers:
        - name: app
          image: app:1
"""
PRIVILEGED = BARE.replace("bare", "priv") + "          securityContext: {privileged: true}\n"
PATCH = BARE.replace("          image: app:1\n", "          env: []\n")
OTHER = "apiVersion: v1\nkind: Service\nmetadata: {name: it}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository of its own, so that no configuration above it holds."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def judge(cwd: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return fixer(cwd, "pod-security", *arguments)


def report(cwd: Path, *arguments: str | Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(judge(cwd, *arguments, "--format", "json").stdout)
    for row in rows:
        assert list(row) == ["path", "document", "kind", "name", "allowed", "violations"]
        assert all(list(violation) == ["control", "path", "message"] for violation in row["violations"])
        assert row["allowed"] == (not row["violations"])
    return rows


# --- exit codes and options -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (GOOD, [], 0),
        (BARE, [], 1),
        (BARE, ["--level", "baseline"], 0),
        (PRIVILEGED, ["--level", "baseline"], 1),
        (OTHER, [], 3),
        ("a: 1\n", [], 3),
        (GOOD, ["--version", "v1.0"], 0),
        (GOOD, ["--version", "v1.99"], 0),
        (GOOD, ["--version", "1.25"], 2),
        (GOOD, ["--level", "privileged"], 2),
        (GOOD, ["--format", "xml"], 2),
        (GOOD, ["--nonsense"], 2),
    ],
)
def test_exit_codes(tree: Path, text: str, options: list[str], code: int) -> None:
    (tree / "it.yaml").write_text(text)
    done = judge(tree, *options)
    assert done.returncode == code, done.stdout + done.stderr
    assert (done.stdout == "") == (code in (2, 3))


def test_a_missing_path_and_a_bad_version_are_told_in_one_sentence(tree: Path) -> None:
    assert judge(tree, "absent").stderr == "fixer: absent: no such file or folder; check the path\n"
    (line,) = judge(tree, "--version", "25").stderr.splitlines()
    assert line.startswith("fixer: --version: '25' is no version")


def test_nothing_gives_an_empty_list(tree: Path) -> None:
    assert report(tree) == []


# --- what is told ---------------------------------------------------------------------------------------------------


def test_a_line_a_pod_spec(tree: Path) -> None:
    (tree / "a.yaml").write_text(f"{OTHER}---\n{BARE}---\n{GOOD}")
    done = judge(tree, "--version", "v1.8")
    assert done.stdout.splitlines() == [
        "a.yaml [1] Deployment/bare: forbidden: allowPrivilegeEscalation, runAsNonRoot",
        "a.yaml [2] Pod/good: allowed",
    ]
    assert done.stderr == "2 pod specs: 1 allowed, 1 forbidden\n"


def test_json(tree: Path) -> None:
    (tree / "a.yaml").write_text(f"# first\n---\n{PRIVILEGED}")
    assert report(tree, "--level", "baseline") == [
        {
            "path": "a.yaml",
            "document": 0,
            "kind": "Deployment",
            "name": "priv",
            "allowed": False,
            "violations": [
                {
                    "control": "privileged",
                    "path": "spec.template.spec.containers[0].securityContext.privileged",
                    "message": 'privileged (container "app" must not set securityContext.privileged=true)',
                }
            ],
        }
    ]


def test_json_files_and_lists(tree: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"image": "x"}]}}
    (tree / "list.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod]}))
    (row,) = report(tree)
    assert (row["kind"], row["name"], row["document"]) == ("Pod", "p", 0)
    assert row["violations"][0]["path"].startswith("items[0].spec.containers[0].")


def test_words_of_yaml_1_1_count(tree: Path) -> None:
    (tree / "a.yaml").write_text(PRIVILEGED.replace("true", "no") + "---\n" + PRIVILEGED.replace("true", "yes"))
    assert [row["allowed"] for row in report(tree, "--level", "baseline")] == [True, False]


def test_a_file_by_name_counts_whatever_it_is_called_and_only_once(tree: Path) -> None:
    (tree / "sub").mkdir()
    (tree / "sub/compose.txt").write_text(BARE)
    (tree / "sub/b.yaml").write_text(BARE)
    rows = report(tree, "sub/compose.txt", "sub/b.yaml", "sub")
    assert [row["path"] for row in rows] == ["sub/compose.txt", "sub/b.yaml"]


def test_bom_crlf_and_quotes(tree: Path) -> None:
    (tree / "a.yaml").write_bytes(b"\xef\xbb\xbf" + BARE.replace("\n", "\r\n").encode())
    (tree / "b.yaml").write_text("{'apiVersion': 'v1', 'kind': 'Pod', 'spec': {'containers': [{'image': 'x'}]}}")
    assert [row["kind"] for row in report(tree)] == ["Deployment", "Pod"]


# --- what is skipped ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.yaml", BARE.replace("app:1", "{{ .Values.image }}"), "template"),
        ("a.yaml", "#@ load('x')\n" + BARE, "template"),
        ("a.yaml", "{% if x %}\n" + BARE, "template"),
        ("a.json", '{"kind": "Pod", "spec": {"containers": [{{ x }}]}}', "template"),
        ("a.yaml", BARE + "\tx: [\n", "unparsable"),
        ("a.yaml", BARE + "kind: Pod\n", "unparsable"),
        ("a.json", '{"kind": "Pod", "spec": {"containers": ', "unparsable"),
        ("a.yaml", PATCH, "fragment"),
        ("a.yaml", BARE.replace("apps/v1", "example.com/v1"), "unknown-kind"),
        (
            "a.yaml",
            "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {containers: [{name: a, image: b}]}\n",
            "operator",
        ),
        ("a.yaml", BARE + "# " + "x" * (4 << 20), "too-large"),
    ],
)
def test_what_is_not_judged_is_told_and_counted(tree: Path, name: str, text: str, reason: str) -> None:
    (tree / name).write_text(text)
    (tree / "good.yaml").write_text(GOOD)
    done = judge(tree)
    assert done.stdout == "good.yaml [0] Pod/good: allowed\n"
    assert done.returncode == 0
    told, closing = done.stderr.splitlines()
    assert told.startswith(f"{name}: skipped [{reason}] ")
    assert closing == f"1 pod spec: 1 allowed, 0 forbidden; 1 skipped ({reason} 1)"


def test_links_and_specials_are_not_read(tree: Path) -> None:
    (tree / "good.yaml").write_text(GOOD)
    (tree / "link.yaml").symlink_to("good.yaml")
    os.mkfifo(tree / "pipe.yaml")
    done = judge(tree, "link.yaml", "pipe.yaml", "good.yaml")
    assert done.stdout.count("\n") == 1
    assert "link.yaml: skipped [link]" in done.stderr
    assert "pipe.yaml: skipped [not-a-file]" in done.stderr


def test_the_other_documents_of_a_file_are_judged(tree: Path) -> None:
    (tree / "a.yaml").write_text(f"{BARE}---\n{BARE.replace('app:1', '{{ x }}')}---\nkind: [containers:\n---\n{GOOD}")
    assert [(row["document"], row["name"]) for row in report(tree)] == [(0, "bare"), (3, "good")]


def test_the_templates_of_a_chart(tree: Path) -> None:
    (tree / "chart/templates/sub").mkdir(parents=True)
    (tree / "chart/Chart.yaml").write_text("name: chart\n")
    (tree / "chart/templates/sub/a.yaml").write_text(BARE)
    (tree / "templates").mkdir()
    (tree / "templates/b.yaml").write_text(BARE)
    done = judge(tree)
    assert "chart/templates/sub/a.yaml: skipped [template]" in done.stderr
    assert done.stdout.startswith("templates/b.yaml [0] Deployment/bare: forbidden")
    assert judge(tree, "chart/templates/sub/a.yaml").returncode == 3


def test_patches_of_a_kustomization(tree: Path) -> None:
    (tree / "base").mkdir()
    (tree / "over/patches").mkdir(parents=True)
    (tree / "base/deploy.yaml").write_text(BARE)
    (tree / "over/patches/p.yaml").write_text(BARE)
    (tree / "over/kustomization.yaml").write_text("resources: [../base]\npatches: [{path: patches/p.yaml}]\n")
    done = judge(tree)
    assert "over/patches/p.yaml: skipped [patch]" in done.stderr
    assert done.stdout.count("\n") == 1
    (tree / "over/kustomization.yaml").write_text("patchesStrategicMerge: [q.yaml]\n")
    (tree / "over/q.yaml").write_text(BARE)
    assert "over/q.yaml: skipped [patch]" in judge(tree, "over/q.yaml").stderr


def test_odd_names_stay_on_their_line(tree: Path) -> None:
    (tree / "a\n[31mb.yaml").write_text(GOOD)
    done = judge(tree)
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1


def test_the_configuration_says_what_to_leave_out(tree: Path) -> None:
    (tree / "fixer.toml").write_text('exclude = ["old/"]\n')
    (tree / "old").mkdir()
    (tree / "old/a.yaml").write_text(BARE)
    assert judge(tree).returncode == 3
