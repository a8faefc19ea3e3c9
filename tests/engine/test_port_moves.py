"""A port that moves, moves everywhere; where one place cannot be edited, nothing moves and the place is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config
from fixer.model import Finding, LowPorts, Result, Status

MOVE = Config(ports=LowPorts.MOVE)
FILES = {
    "web/Dockerfile": (
        "FROM nginx:1.27\nCOPY site.conf /etc/nginx/conf.d/default.conf\nCOPY html /usr/share/nginx/html\nEXPOSE 80\n"
        "HEALTHCHECK CMD curl -f http://localhost/ || exit 1\n"
    ),
    "web/site.conf": "server {\n  listen 80 default_server;\n  listen [::]:80; # both\n  # listen 80;\n}\n",
    "web/html/index.html": "80\n",
    "k8s/web.yaml": """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: acme/web:1
        ports:
        - containerPort: 80   # http
        livenessProbe: {httpGet: {path: /, port: 80}}
""",
    "k8s/service.yaml": """apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
  - port: 80
  - name: other
    port: 8081
    targetPort: 80
""",
    "k8s/policy.yaml": """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
  - ports:
    - port: 80
""",
    "build.sh": "docker build -t acme/web web\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    lay_out(tmp_path, FILES)
    return tmp_path


def lay_out(tree: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)


def lines(result: Result) -> dict[str, list[tuple[str, str]]]:
    """The lines that differ and name a port, before and after, of each changed file."""
    out = {}
    for change in result.changes:
        before, after = change.before.decode().splitlines(), change.after.decode().splitlines()
        gone = [line.strip() for line in before if line not in after]
        came = [line.strip() for line in after if line not in before and ("80" in line or "443" in line)]
        out[change.path] = list(zip(gone, came, strict=False))
    return out


def told(result: Result) -> Finding:
    return next(f for f in result.findings if f.rule == "DF009" and "port 80 " in f.message)


def test_all_places_move_at_once(tree: Path) -> None:
    moved = lines(app.fix(tree, config=MOVE))
    assert moved["web/Dockerfile"] == [
        ("EXPOSE 80", "EXPOSE 8080"),
        (
            "HEALTHCHECK CMD curl -f http://localhost/ || exit 1",
            "HEALTHCHECK CMD curl -f http://localhost:8080/ || exit 1",
        ),
    ]
    assert moved["web/site.conf"] == [
        ("listen 80 default_server;", "listen 8080 default_server;"),
        ("listen [::]:80; # both", "listen [::]:8080; # both"),
    ]
    assert moved["k8s/web.yaml"] == [
        ("- containerPort: 80   # http", "- containerPort: 8080   # http"),
        ("livenessProbe: {httpGet: {path: /, port: 80}}", "livenessProbe: {httpGet: {path: /, port: 8080}}"),
    ]
    assert moved["k8s/service.yaml"] == [("targetPort: 80", "targetPort: 8080")]
    assert moved["k8s/policy.yaml"] == [("- port: 80", "- port: 8080")]


def test_the_port_of_a_service_stays_and_gets_a_target(tree: Path) -> None:
    text = next(c.after.decode() for c in app.fix(tree, config=MOVE).changes if c.path == "k8s/service.yaml")
    assert "  - port: 80\n    targetPort: 8080\n" in text
    assert "    port: 8081\n    targetPort: 8080\n" in text


def test_no_sysctl_where_the_port_moves(tree: Path) -> None:
    result = app.fix(tree, config=MOVE)
    assert not any(b"sysctls" in change.after for change in result.changes)
    assert any(b"sysctls" in change.after for change in app.fix(tree, config=Config()).changes)


def test_a_second_run_changes_nothing(tree: Path) -> None:
    app.write_changes(app.fix(tree, config=MOVE))
    assert app.fix(tree, config=MOVE).changes == ()


def test_a_check_tells_what_a_fix_would_do(tree: Path) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    found = told(app.check(tree, config=MOVE))
    assert found.fix is not None
    assert found.fix.title == "move port 80 to 8080 in 9 places of 5 files"
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_ports_stay_unless_asked(tree: Path) -> None:
    assert b"EXPOSE 80\n" in next(c.after for c in app.fix(tree, config=Config()).changes if c.path == "web/Dockerfile")
    kept = app.fix(tree, config=MOVE, safe_only=True)
    assert not any(change.path == "web/site.conf" for change in kept.changes)


def test_a_comment_keeps_a_port(tree: Path) -> None:
    file = tree / "web/Dockerfile"
    file.write_text(
        file.read_text().replace("EXPOSE", "# fixer: ignore[privileged-port] the load balancer asks for it\nEXPOSE")
    )
    assert not any(change.path == "web/site.conf" for change in app.fix(tree, config=MOVE).changes)


WEB = FILES["k8s/web.yaml"]
OTHER = WEB.replace("acme/web:1", "acme/other:1").replace("{name: web}", "{name: other}")
STUCK = {
    "the program's own code": ({"web/Dockerfile": 'FROM debian:12\nEXPOSE 80\nCMD ["/srv/web"]\n'}, "web/Dockerfile:2"),
    "a command that is not understood": (
        {"web/Dockerfile": 'FROM debian:12\nEXPOSE 80\nCMD ["/srv/web", "80"]\n'},
        "web/Dockerfile:3",
    ),
    "a step of the build": (
        {"web/Dockerfile": FILES["web/Dockerfile"] + "RUN sed -i 's/listen 80/listen 81/' /etc/nginx/nginx.conf\n"},
        "web/Dockerfile:6",
    ),
    "a range": ({"web/Dockerfile": FILES["web/Dockerfile"].replace("EXPOSE 80", "EXPOSE 80-82")}, "web/Dockerfile:4"),
    "a health check of another kind": (
        {"web/Dockerfile": FILES["web/Dockerfile"].replace("http://localhost/", "probe 80")},
        "web/Dockerfile:5",
    ),
    "the server's own configuration": (
        {"web/Dockerfile": FILES["web/Dockerfile"].replace("default.conf", "more.conf")},
        "web/site.conf",
    ),
    "a server without listen": (
        {"web/site.conf": FILES["web/site.conf"] + "server {\n  root /srv;\n}\n"},
        "web/site.conf:6",
    ),
    "listen without a port": (
        {"web/site.conf": FILES["web/site.conf"].replace("listen 80 d", "listen 127.0.0.1 d")},
        "web/site.conf:2",
    ),
    "a host network": (
        {
            "k8s/web.yaml": WEB.replace(
                "      containers", "      hostNetwork: true\n      securityContext: {runAsUser: 0}\n      containers"
            )
        },
        "k8s/web.yaml:12",
    ),
    "a probe that runs a command": (
        {
            "k8s/web.yaml": WEB.replace(
                "{httpGet: {path: /, port: 80}}", "{exec: {command: [curl, 'http://localhost/x']}}"
            )
        },
        "k8s/web.yaml:10",
    ),
    "an anchor": (
        {
            "k8s/web.yaml": WEB.replace("containerPort: 80 ", "containerPort: &port 80 ").replace(
                "port: 80}", "port: *port}"
            )
        },
        "k8s/web.yaml:13",
    ),
    "arguments that are not understood": ({"k8s/web.yaml": WEB + "        args: [serve, '80']\n"}, "k8s/web.yaml:15"),
    "a variable from elsewhere": (
        {
            "k8s/web.yaml": WEB
            + "        env:\n        - {name: PORT, valueFrom: {configMapKeyRef: {name: x, key: y}}}\n"
        },
        "k8s/web.yaml:16",
    ),
    "a neighbour in the pod": (
        {
            "k8s/web.yaml": WEB
            + "      - name: proxy\n        image: acme/proxy\n        args: ['--to=http://127.0.0.1:80']\n"
        },
        "k8s/web.yaml:15",
    ),
    "a service without an address": (
        {"k8s/service.yaml": FILES["k8s/service.yaml"].replace("spec:", "spec:\n  clusterIP: None")},
        "k8s/service.yaml:8",
    ),
    "a service of other pods too": (
        {"k8s/other.yaml": OTHER, "k8s/policy.yaml": "kind: Nothing\n"},
        "k8s/service.yaml:7",
    ),
    "a policy of other pods too": (
        {
            "k8s/other.yaml": OTHER.replace("{app: web}", "{app: other}"),
            "k8s/policy.yaml": FILES["k8s/policy.yaml"].replace("{matchLabels: {app: web}}", "{}"),
        },
        "k8s/policy.yaml:1",
    ),
    "a policy that lets out to anywhere": (
        {
            "k8s/out.yaml": "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: out}\nspec:\n"
            "  podSelector: {}\n  egress:\n  - ports:\n    - port: 80\n"
        },
        "k8s/out.yaml:1",
    ),
    "a monitor": (
        {
            "k8s/monitor.yaml": "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: web}\nspec:\n"
            "  selector: {matchLabels: {app: web}}\n  podMetricsEndpoints:\n  - targetPort: 80\n"
        },
        "k8s/monitor.yaml:1",
    ),
    "an overlay": (
        {
            "k8s/kustomization.yaml": "resources: [web.yaml]\n",
            "prod/kustomization.yaml": "resources: [../k8s]\npatches:\n- target: {kind: Deployment}\n  patch: |\n"
            "    - {op: replace, path: /spec/template/spec/containers/0/ports/0/containerPort, value: 80}\n",
        },
        "k8s/web.yaml",
    ),
    "a patch file": (
        {
            "k8s/kustomization.yaml": "resources: [web.yaml]\npatches:\n- path: patch.yaml\n",
            "k8s/patch.yaml": WEB.replace("        ports:\n        - containerPort: 80   # http\n", ""),
        },
        "k8s/web.yaml",
    ),
    "a chart": (
        {"chart/Chart.yaml": "name: web\n", "chart/values.yaml": "image:\n  repository: acme/web\n"},
        "chart/values.yaml:2",
    ),
    "an image that nobody knows": (
        {"k8s/other.yaml": OTHER.replace("{app: web}", "{app: other}")},
        "k8s/other.yaml:10",
    ),
    "infrastructure as code": ({"infra/main.tf": "resource x y {\n  container_port = 80\n}\n"}, "infra/main.tf:2"),
    "a script": ({"run.sh": "docker run -p 8080:80 acme/web\n"}, "run.sh:1"),
}


@pytest.mark.parametrize("name", STUCK)
def test_one_place_that_cannot_be_edited_keeps_all(tree: Path, name: str) -> None:
    files, place = STUCK[name]
    lay_out(tree, files)
    result = app.fix(tree, config=MOVE)
    found = told(result)
    assert found.status is Status.REFUSED
    assert found.refusal is not None
    assert found.refusal.code == "port-stays"
    assert found.refusal.message.startswith(f"port 80 does not move: {place}: ")
    assert "net.ipv4.ip_unprivileged_port_start=0" in found.refusal.message
    assert not any(b"8080" in c.after.replace(b"8080:80", b"") for c in result.changes)


COMPOSE = """services:
  web:
    build: web
    user: "101"
    ports:
      - "8080:80"   # the site
      - 127.0.0.1:81:80/tcp
      - target: 80
        published: 8081
    expose: ["80", 9000]
    environment:
      - NGINX_PORT=80
"""
CALLER = "  api:\n    image: acme/api\n    environment:\n      WEB: {}\n"


def test_a_service_of_compose_moves_too(tree: Path) -> None:
    lay_out(tree, {"compose.yaml": COMPOSE + CALLER.format("https://web.example.com:80")})
    assert lines(app.fix(tree, config=MOVE))["compose.yaml"][:5] == [
        ('- "8080:80"   # the site', '- "8080:8080"   # the site'),
        ("- 127.0.0.1:81:80/tcp", "- 127.0.0.1:81:8080/tcp"),
        ("- target: 80", "- target: 8080"),
        ('expose: ["80", 9000]', 'expose: ["8080", 9000]'),
        ("- NGINX_PORT=80", "- NGINX_PORT=8080"),
    ]


def test_two_ports_of_a_service_move(tree: Path) -> None:
    lay_out(
        tree,
        {
            "web/Dockerfile": FILES["web/Dockerfile"].replace("EXPOSE 80", "EXPOSE 80 443"),
            "web/site.conf": "server {\n  listen 80;\n}\nserver {\n  listen 443 ssl;\n}\n",
            "compose.yaml": 'services:\n  web:\n    build: web\n    ports:\n      - "8000:80"\n      - "8001:443"\n',
        },
    )
    assert lines(app.fix(tree, config=MOVE))["compose.yaml"][:2] == [
        ('- "8000:80"', '- "8000:8080"'),
        ('- "8001:443"', '- "8001:8443"'),
    ]


STUCK_SERVICES = {
    "a peer that calls the port": (
        {"compose.yaml": COMPOSE + CALLER.format("http://web:80/x")},
        "compose.yaml:16",
    ),
    "a peer that calls without a port": (
        {"compose.yaml": COMPOSE + CALLER.format("http://web/x")},
        "compose.yaml:16",
    ),
    "a proxy's configuration": (
        {"compose.yaml": COMPOSE, "proxy/proxy.conf": "location / { proxy_pass http://web; }\n"},
        "proxy/proxy.conf:1",
    ),
    "a range": ({"compose.yaml": COMPOSE.replace('"8080:80" ', '"8079-8081:79-81" ')}, "compose.yaml:6"),
    "a variable": ({"compose.yaml": COMPOSE.replace('"8080:80" ', '"8080:${INSIDE:-80}" ')}, "compose.yaml:6"),
    "the environment": ({"compose.yaml": COMPOSE.replace('"8080:80" ', '"8080:${INSIDE}" ')}, "compose.yaml:6"),
    "a label": ({"compose.yaml": COMPOSE + '    labels: ["traefik.port=80"]\n'}, "compose.yaml:13"),
    "a command": ({"compose.yaml": COMPOSE + "    command: serve 80\n"}, "compose.yaml:13"),
    "an override": (
        {"compose.yaml": COMPOSE, "compose.override.yaml": 'services:\n  web:\n    ports: ["9090:80"]\n'},
        "compose.override.yaml",
    ),
    "a service that it extends": (
        {
            "base.yaml": 'services:\n  base:\n    image: x\n    ports: ["80:80"]\n',
            "compose.yaml": "services:\n  web:\n    extends: {file: base.yaml, service: base}\n    build: web\n",
        },
        "compose.yaml:2",
    ),
    "an argument of the build": (
        {"compose.yaml": COMPOSE.replace("build: web", 'build: {context: web, args: {PORT: "80"}}')},
        "compose.yaml:3",
    ),
    "the network of the host": ({"compose.yaml": COMPOSE + "    network_mode: host\n"}, "compose.yaml:2"),
}


@pytest.mark.parametrize("name", STUCK_SERVICES)
def test_one_place_of_a_service_that_cannot_be_edited_keeps_all(tree: Path, name: str) -> None:
    files, place = STUCK_SERVICES[name]
    lay_out(tree, files)
    result = app.fix(tree, config=MOVE)
    found = told(result)
    assert found.refusal is not None
    assert found.refusal.message.startswith(f"port 80 does not move: {place}: ")
    assert not any(b"EXPOSE 8080" in change.after or b"listen 8080" in change.after for change in result.changes)


@pytest.mark.parametrize("part", ["web", "k8s", "web/Dockerfile"])
def test_a_part_of_the_repository_moves_nothing(tree: Path, part: str) -> None:
    result = app.fix(tree / part, config=MOVE)
    assert not any(b"8080" in change.after for change in result.changes)


def test_the_file_outside_of_the_part_is_told(tree: Path) -> None:
    found = told(app.fix(tree / "web", config=MOVE))
    assert found.refusal is not None
    assert (
        "k8s/web.yaml:13: containerPort of web names it too, and is not among the named paths" in found.refusal.message
    )


def test_two_parts_that_are_the_whole_move_it(tree: Path) -> None:
    result = app.fix(tree / "web", tree / "k8s", config=MOVE)
    assert {change.path for change in result.changes} == {
        "Dockerfile",
        "site.conf",
        "web.yaml",
        "service.yaml",
        "policy.yaml",
    }


def test_a_free_port_is_taken(tree: Path) -> None:
    lay_out(tree, {"web/Dockerfile": FILES["web/Dockerfile"].replace("EXPOSE 80", "EXPOSE 80 8080")})
    assert ("EXPOSE 80 8080", "EXPOSE 10080 8080") in lines(app.fix(tree, config=MOVE))["web/Dockerfile"]


def test_two_ports_of_one_image_move(tree: Path) -> None:
    lay_out(
        tree,
        {
            "web/Dockerfile": FILES["web/Dockerfile"].replace("EXPOSE 80", "EXPOSE 80/tcp 443"),
            "web/site.conf": "server {\n  listen 80;\n}\nserver {\n  listen 443 ssl;\n}\n",
        },
    )
    moved = lines(app.fix(tree, config=MOVE))
    assert ("EXPOSE 80/tcp 443", "EXPOSE 8080/tcp 8443") in moved["web/Dockerfile"]
    assert moved["web/site.conf"] == [("listen 80;", "listen 8080;"), ("listen 443 ssl;", "listen 8443 ssl;")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('ENV PORT=80\nCMD ["node", "app.js"]\n', 'ENV PORT=8080\nCMD ["node", "app.js"]\n'),
        (
            'ENV PORT 80\nEXPOSE $PORT\nCMD ["node", "app.js"]\n',
            'ENV PORT 8080\nEXPOSE $PORT\nCMD ["node", "app.js"]\n',
        ),
        ('CMD ["gunicorn", "-b", "0.0.0.0:80", "app"]\n', 'CMD ["gunicorn", "-b", "0.0.0.0:8080", "app"]\n'),
        ("CMD uvicorn app --port=80 --workers 80\n", ""),
        ("CMD uvicorn app --port 80\n", "CMD uvicorn app --port 8080\n"),
        (
            'ENV ASPNETCORE_URLS=http://+:80\nCMD ["dotnet", "app.dll"]\n',
            'ENV ASPNETCORE_URLS=http://+:8080\nCMD ["dotnet", "app.dll"]\n',
        ),
        (
            'ENV KEYS=hkp://keys.example.org:80\nEXPOSE 80\nCMD ["gunicorn", "-b", ":80", "app"]\n',
            'ENV KEYS=hkp://keys.example.org:80\nEXPOSE 8080\nCMD ["gunicorn", "-b", ":8080", "app"]\n',
        ),
    ],
)
def test_places_in_a_dockerfile(tmp_path: Path, before: str, after: str) -> None:
    lay_out(tmp_path, {"Dockerfile": f"FROM python:3.12\nUSER 1000\n{before}"})
    result = app.fix(tmp_path, config=MOVE)
    moved = next((c.after.decode() for c in result.changes), "")
    assert moved == (f"FROM python:3.12\nUSER 1000\n{after}" if after else "")


def test_apache_moves_with_its_virtual_hosts(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        {
            "Dockerfile": "FROM httpd:2.4\nCOPY conf /usr/local/apache2/conf\nEXPOSE 80\n",
            "conf/httpd.conf": "Listen 80\nListen 127.0.0.1:80\nServerName x:80\n",
            "conf/extra/site.conf": "<VirtualHost *:80 [::1]:80>\n</VirtualHost>\n",
        },
    )
    moved = lines(app.fix(tmp_path, config=MOVE))
    assert moved["conf/httpd.conf"] == [("Listen 80", "Listen 8080"), ("Listen 127.0.0.1:80", "Listen 127.0.0.1:8080")]
    assert moved["conf/extra/site.conf"] == [("<VirtualHost *:80 [::1]:80>", "<VirtualHost *:8080 [::1]:8080>")]


def test_files_of_one_move_are_written_all_or_none(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    result = app.fix(tree, config=MOVE)
    (tree / "web/site.conf").write_text("changed by somebody else\n")
    after = app.write_changes(result)
    assert after.changes == ()
    assert len(after.skipped) == 5
    now = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    assert {path for path in now if now[path] != before[path]} == {tree / "web/site.conf"}
