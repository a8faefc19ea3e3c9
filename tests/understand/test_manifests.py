"""Files of manifests: which documents may describe pods, which are templates, and which are no YAML."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fixer.understand.manifests import is_chart_template, is_template, read_manifests

POD = "kind: Pod\nspec:\n  containers:\n  - image: a\n"


def test_each_document_is_read_or_told_for_itself() -> None:
    text = "\n---\n".join(
        [
            "kind: Service",
            POD,
            POD.replace("a\n", "{{ x }}\n"),
            "containers: [",
            POD + "  restartPolicy: Always\n  containers: []\n",
            "containers: " + "[" * 5000 + "]" * 5000,
            "# containers: none",
            POD + "  hostPID: yes\n",
        ]
    )
    documents, skipped = read_manifests("a.yaml", text)
    assert [document.index for document in documents] == [1, 6, 7]
    assert documents[2].value["spec"]["hostPID"] is True
    assert [(one.path, one.reason) for one in skipped] == [
        ("a.yaml", "template"),
        ("a.yaml", "unparsable"),
        ("a.yaml", "unparsable"),
        ("a.yaml", "unparsable"),
    ]
    template, broken, twice, deep = (one.message for one in skipped)
    assert template == "document 2 is a template; judge what it renders to"
    assert broken.startswith("line 16: this is no YAML: ")
    assert twice == "line 22: the key 'containers' is there twice; correct it and run again"
    assert deep == "line 25: a value is nested too deeply to be read; correct it and run again"


def test_places_are_those_of_the_whole_text() -> None:
    text = "# head\r\n---\r\na: 1\r\n---\r\n" + POD.replace("\n", "\r\n")
    ((document,), _) = read_manifests("a.yaml", text)
    image = document.find(("spec", "containers", 0, "image"))
    assert image is not None
    assert (text[slice(*image.span)], document.line(image.start)) == ("a", 8)


def test_json_is_read_in_the_same_way() -> None:
    ((document,), _) = read_manifests(
        "a.json", '{\n\t"kind": "Pod",\n\t"spec": {"containers": [{"x": "\\/\\u00e9"}]}\n}'
    )
    assert document.value["spec"]["containers"] == [{"x": "/é"}]


def test_what_is_of_no_interest_is_not_parsed() -> None:
    assert read_manifests("a.yaml", "a: [\n---\n" + POD.replace("containers", "volumes")) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "a: {{ .Values.a }}\n",
        "{{- if .x }}\na: 1\n{{- end }}\n",
        "{% if x %}\na: 1\n{% endif %}\n",
        "{%- for x in y %}\n",
        "#@ load('@ytt:data', 'data')\na: 1\n",
        "  #@ if x:\n",
        "a: #@ data.values.a\n",
        "%{ if x }\na: 1\n%{ endif }\n",
        "%{~ for x in y ~}\n",
        "a: 1\n  ${indent(2, x)}\n",
        'a: "${yamlencode(x)}"\n',
        "- ${ join(x) }\n",
    ],
)
def test_templates(text: str) -> None:
    assert is_template(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: ${IMAGE}\n",
        "a: [sh, -c, 'echo ${HOME:-x} $(id) %{http_code} #@x']\n",
        "a: |\n  ${CMD}\n  echo $(date +%s) %{size}\n",
        "a: {b: {c: 1}}\n",
        "# me#@example.com\n",
    ],
)
def test_what_is_no_template(text: str) -> None:
    assert not is_template(text)


@pytest.mark.parametrize("text", [" ", "\t#", "- ", "a", "%{ ", "${a", "{%", "a: "])
def test_long_lines_take_no_time(text: str) -> None:
    started = time.process_time()
    is_template(text * 300_000 + "\n")
    assert time.process_time() - started < 2


def test_the_templates_of_a_chart_are_known_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "charts/a").mkdir(parents=True)
    (tmp_path / "charts/a/Chart.yaml").touch()
    assert is_chart_template(tmp_path, "charts/a/templates/x.yaml")
    assert is_chart_template(tmp_path, "charts/a/templates/sub/x.yaml")
    assert not is_chart_template(tmp_path, "charts/a/x.yaml")
    assert not is_chart_template(tmp_path, "charts/a/crds/x.yaml")
    assert not is_chart_template(tmp_path, "templates/x.yaml")
    (tmp_path / "Chart.yaml").touch()
    assert is_chart_template(tmp_path, "templates/x.yaml")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("apiVersion: v1\nkind: Namespace\n", 1),
        ("kind:  'Namespace'  # ours\n", 1),
        ('{\n  "kind": "Namespace"\n}\n', 1),
        ("{apiVersion: v1, kind: Namespace}\n", 1),
        ("kind: NamespaceClass\n", 0),
        ("kind: Role\nref:\n  kind: Namespace\n", 0),
        ("kind: Role\nnote: kind is Namespace\n", 0),
    ],
)
def test_namespaces_are_read_on_request(text: str, found: int) -> None:
    pod = "kind: Pod\nspec: {containers: []}\n"
    assert len(read_manifests("a.yaml", f"{text}---\n{pod}")[0]) == 1
    assert len(read_manifests("a.yaml", f"{text}---\n{pod}", namespaces=True)[0]) == found + 1


def test_the_definition_of_a_kind_is_not_read() -> None:
    """It describes no pod, and is often longer than all the rest."""
    text = "kind: CustomResourceDefinition\nspec: {containers: [\n---\nkind: Pod\nspec:\n  containers: []\n"
    documents, skipped = read_manifests("x.yaml", text)
    assert [document.index for document in documents] == [1]
    assert skipped == []
