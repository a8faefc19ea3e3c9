"""The instructions of low-port, which no golden file shows."""

from __future__ import annotations

from pathlib import Path

from fixer import app
from fixer import config as configuration

CASE = Path(__file__).parent / "low-port" / "bad-comes-with-the-user" / "in"


def test_the_instructions_name_the_places_of_the_port() -> None:
    found = app.check(CASE, config=configuration.load(CASE / configuration.FILE)).findings
    (finding,) = [f for f in found if f.rule == "KS018"]
    (other,) = finding.alternatives
    assert other.title == "move the port to 8080"
    lines = (CASE / "web.yaml").read_text().splitlines()
    for words, text in (
        ("containerPort of web (line 17)", "- containerPort: 80"),
        ("readinessProbe of web (line 21)", "httpGet: {path: /, port: 80}"),
        ("args of web (line 15)", 'args: ["--listen=:80"]'),
        ("targetPort of Service web, behind its port 80 (line 23)", "apiVersion: v1"),
        ("NetworkPolicy web-only (line 33)", "apiVersion: networking.k8s.io/v1"),
        ("Ingress front, if the port of the Service changes too (line 45)", "apiVersion: networking.k8s.io/v1"),
        ("containerPort of web (line 19)", "- containerPort: 443"),
    ):
        assert words in other.instructions
        assert lines[int(words.rpartition(" ")[2].rstrip(")")) - 1].strip() == text
