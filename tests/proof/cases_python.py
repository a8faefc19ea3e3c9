"""Dockerfiles on Python."""
# ruff: noqa: E501 # the words of Dockerfiles

from __future__ import annotations

from tests.proof.cases_debian import archive
from tests.proof.rig import Case, Exits, Serves, Stays

# It answers with how often it was asked, kept in the SQLite file $DB when there is one.
APP = """import os, sqlite3, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        out = "hello"
        if os.environ.get("DB"):
            with sqlite3.connect(os.environ["DB"]) as db:
                db.execute("create table if not exists visits (n)")
                db.execute("insert into visits values (1)")
                out = f"kept {db.execute('select count(*) from visits').fetchone()[0]}"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(out.encode())

if os.environ.get("LOG"):
    open(os.environ["LOG"], "a").write("started")
HTTPServer(("0.0.0.0", int(os.environ.get("PORT", 8000))), Handler).serve_forever()
"""
FILES = {"app.py": APP, "requirements.txt": ""}
HELLO, KEPT = Serves(8000, "hello"), Serves(8000, "kept")
SLIM, END = "FROM python:3.12-slim\n", 'EXPOSE 8000\nCMD ["python", "app.py"]\n'
JOB = "import os, pathlib\nprint('uid=%d' % os.getuid())\n"

CASES = (
    Case("usual", f"{SLIM}ENV PYTHONUNBUFFERED=1\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\n{END}", HELLO, files=FILES),
    Case("sqlite-beside-code", f"{SLIM}WORKDIR /app\nCOPY . .\nENV DB=db.sqlite3\n{END}", KEPT, files=FILES),
    Case("sqlite-made-by-migrate", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN python manage.py migrate\nENV DB=/app/db.sqlite3\n{END}", KEPT,
         files={**FILES, "manage.py": "import sqlite3\nsqlite3.connect('db.sqlite3').execute('create table visits (n)')\n"}),
    Case("sqlite-from-the-context", f"{SLIM}WORKDIR /usr/src/app\nCOPY . .\nENV DB=data/db.sqlite3\n{END}", KEPT, files={**FILES, "data/db.sqlite3": ""}, modes={"data/db.sqlite3": 0o600}),
    Case("sqlite-in-instance-folder", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN mkdir instance && python -c \"import sqlite3; sqlite3.connect('instance/db')\"\nENV DB=instance/db\n{END}",
         KEPT, files=FILES),
    Case("sqlite-in-volume", f"{SLIM}WORKDIR /app\nCOPY . .\nVOLUME /data\nENV DB=/data/db\n{END}", KEPT, "review", files=FILES),
    Case("static-collected", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN python manage.py collectstatic --noinput\n{END}", HELLO,
         files={**FILES, "manage.py": "import os\nos.makedirs('static')\nopen('static/x', 'w').write('x')\n"}),
    Case("http-server", 'FROM python:3.12\nWORKDIR /site\nCOPY . .\nEXPOSE 8000\nCMD ["python", "-m", "http.server", "8000"]\n', Serves(8000, "hello", "/index.txt"),
         files={"index.txt": "hello"}),
    Case("http-server-on-80", 'FROM python:3.12\nWORKDIR /site\nCOPY . .\nEXPOSE 80\nENTRYPOINT ["python3", "-m", "http.server"]\nCMD ["80"]\n', Serves(80, "hello", "/index.txt"),
         "review", files={"index.txt": "hello"}, told="port 80"),
    Case("no-workdir", f"{SLIM}COPY app.py /\nCMD [ \"python\", \"./app.py\" ]\n", HELLO, "review", files=FILES),
    Case("add-dot-app", 'FROM python:3.12\nADD . /code/\nWORKDIR /code\nENV DB=/code/x.db\nEXPOSE 8000\nCMD python app.py\n', KEPT, files=FILES),
    Case("venv-in-opt", f"{SLIM}RUN mkdir -p /opt/venv/bin && ln -s /usr/local/bin/python /opt/venv/bin/python\nENV PATH=/opt/venv/bin:$PATH\nWORKDIR /app\nCOPY . .\n{END}", HELLO, files=FILES),
    Case("venv-from-builder", 'FROM python:3.12 AS build\nRUN mkdir -p /venv/bin && ln -s /usr/local/bin/python /venv/bin/python\nFROM python:3.12-slim\nCOPY --from=build /venv /venv\nENV PATH="/venv/bin:$PATH"\n'
         f"WORKDIR /app\nCOPY . .\n{END}", HELLO, files=FILES),
    Case("user-site-from-root-home", 'FROM python:3.12 AS build\nRUN mkdir -p /root/.local/bin && echo "print(1)" > /root/.local/mod.py\nFROM python:3.12-slim\nCOPY --from=build /root/.local /root/.local\n'
         f"ENV PYTHONPATH=/root/.local\nWORKDIR /app\nCOPY . .\nRUN echo 'import mod' | cat - app.py > x && mv x app.py\n{END}", HELLO, "review", files=FILES),
    Case("logs-in-var-log", f"{SLIM}RUN mkdir -p /var/log/shop\nWORKDIR /app\nCOPY . .\nENV LOG=/var/log/shop/app.log\n{END}", HELLO, files=FILES),
    Case("logs-in-a-new-file", f"{SLIM}WORKDIR /app\nCOPY . .\nENV LOG=logs.txt\n{END}", HELLO, files=FILES),
    Case("log-dir-from-env", f"{SLIM}ENV LOG_DIR=/logs\nRUN mkdir \"$LOG_DIR\"\nENV LOG=$LOG_DIR/app.log\nWORKDIR /app\nCOPY . .\n{END}", HELLO, files=FILES),
    Case("run-dot-sh", f"{SLIM}WORKDIR /app\nCOPY . .\nRUN chmod +x run.sh\nEXPOSE 8000\nCMD [\"./run.sh\"]\n", KEPT, "safe",
         files={**FILES, "run.sh": "#!/bin/bash\nset -e\nexport DB=/app/shop.db\npython - <<EOF\nimport sqlite3; sqlite3.connect('$DB')\nEOF\nexec python app.py\n"}, modes={"run.sh": 0o644}),
    Case("entry-crlf-safe-shell", f"{SLIM}WORKDIR /app\nCOPY . .\nEXPOSE 8000\nENTRYPOINT [\"sh\", \"entry.sh\"]\nCMD [\"python\", \"app.py\"]\n", HELLO, "review",
         files={**FILES, "entry.sh": "set -e\nmkdir -p /app/media\necho x > /app/media/x\nexec \"$@\"\n"}),
    Case("pycache-and-home", f"{SLIM}WORKDIR /app\nCOPY . .\nEXPOSE 8000\nCMD [\"python\", \"job.py\"]\n", Exits("kept"),
         files={"job.py": JOB + "home = pathlib.Path.home() / '.cache'\nhome.mkdir(parents=True)\n(home / 'x').write_text('kept')\nprint((home / 'x').read_text())\n"}),
    Case("cache-in-env", f"{SLIM}ENV HF_HOME=/models\nWORKDIR /app\nCOPY . .\nEXPOSE 8000\nCMD [\"python\", \"job.py\"]\n", Exits("kept"),
         files={"job.py": JOB + "import os\nf = pathlib.Path(os.environ['HF_HOME']) / 'hub'\nf.mkdir(parents=True)\n(f / 'x').write_text('kept')\nprint((f / 'x').read_text())\n"}),
    Case("tmp-is-enough", f"{SLIM}WORKDIR /app\nCOPY job.py .\nEXPOSE 8000\nCMD [\"python\", \"job.py\"]\n", Exits("kept"),
         files={"job.py": JOB + "import tempfile\nwith tempfile.NamedTemporaryFile() as f:\n    f.write(b'x')\nprint('kept')\n"}),
    Case("output-folder", f"{SLIM}WORKDIR /app\nCOPY . .\nEXPOSE 8000\nCMD [\"python\", \"job.py\", \"--output-dir\", \"/app/out\"]\n", Exits("kept"),
         files={"job.py": JOB + "import sys\nf = pathlib.Path(sys.argv[2])\nf.mkdir(parents=True)\n(f / 'x').write_text('kept')\nprint('kept')\n"}),
    Case("data-dir-argument", f"{SLIM}WORKDIR /app\nCOPY . .\nEXPOSE 8000\nENTRYPOINT [\"python\", \"job.py\"]\nCMD [\"--data-dir=/srv/data\"]\n", Exits("kept"),
         files={"job.py": JOB + "import sys\nf = pathlib.Path(sys.argv[1].split('=')[1])\nf.mkdir(parents=True, exist_ok=True)\n(f / 'x').write_text('kept')\nprint('kept')\n"}),
    Case("work-below-src", "FROM python:3.12\nWORKDIR /usr/src/app\nCOPY . /usr/src/app\nRUN python setup_data.py\nENV DB=data/x.db\nEXPOSE 8000\nCMD [\"python\", \"app.py\"]\n", KEPT,
         files={**FILES, "setup_data.py": "import os, sqlite3\nos.mkdir('data')\nsqlite3.connect('data/x.db').execute('create table visits (n)')\n"}),
    Case("workdir-changed-last", f"{SLIM}WORKDIR /app\nCOPY . .\nWORKDIR /app/src\nENV DB=../data.db\n{END}", KEPT, files={"src/app.py": APP}),
    Case("workdir-relative", f"{SLIM}WORKDIR /srv\nWORKDIR shop\nCOPY . ./\nENV DB=shop.db\n{END}", KEPT, files=FILES),
    Case("two-copies-one-chowned", f"{SLIM}WORKDIR /app\nCOPY --chown=root:root requirements.txt .\nCOPY . .\nENV DB=requirements.txt.db\n{END}", KEPT, files=FILES),
    Case("useradd-m-home", f"{SLIM}RUN useradd -m -u 1000 appuser\nWORKDIR /home/appuser/app\nCOPY . .\nENV DB=x.db\n{END}", KEPT, files=FILES, uid="1000"),
    Case("user-by-name", f"{SLIM}RUN useradd -m -u 1000 appuser\nWORKDIR /app\nCOPY --chown=appuser:appuser . .\nUSER appuser\n{END}", HELLO, files=FILES, uid="1000"),
    Case("user-then-root-then-pip", f"{SLIM}RUN useradd -u 1000 appuser\nUSER appuser\nWORKDIR /app\nUSER root\nRUN pip install --no-cache-dir -r /dev/null\nCOPY . .\nENV DB=x.db\n{END}", KEPT,
         files=FILES, uid="1000"),
    Case("arg-user", f"{SLIM}ARG APP_UID=1500\nRUN useradd --uid $APP_UID shop\nWORKDIR /app\nCOPY . .\nENV DB=x.db\n{END}", KEPT, files=FILES, uid="1500"),
    Case("healthcheck-python", f"{SLIM}WORKDIR /app\nCOPY . .\nHEALTHCHECK --interval=1s CMD python -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:8000')\"\n{END}", HELLO, files=FILES),
    Case("archive-with-source", f"{SLIM}WORKDIR /srv/app\nADD source.tgz ./\nENV DB=shop.db\n{END}", KEPT, files={"source.tgz": archive(**{"app.py": APP, "shop.db": ""})}),
    Case("copied-config-outside", f"{SLIM}COPY shop.ini /etc/shop/shop.ini\nWORKDIR /app\nCOPY job.py .\nEXPOSE 8000\nCMD [\"python\", \"job.py\"]\n", Exits("colour=blue"),
         files={"shop.ini": "colour=blue", "job.py": JOB + "print(pathlib.Path('/etc/shop/shop.ini').read_text())\n"}),
    Case("secret-key-made-at-start", f"{SLIM}WORKDIR /app\nCOPY job.py /app/\nEXPOSE 8000\nCMD [\"python\", \"/app/job.py\"]\n", Exits("kept"),
         files={"job.py": JOB + "f = pathlib.Path('.secret')\nf.write_text('kept')\nf.chmod(0o600)\nprint(f.read_text())\n"}),
    Case("writes-its-own-package", f"{SLIM}COPY shop /opt/shop\nWORKDIR /opt/shop\nEXPOSE 8000\nCMD [\"python\", \"job.py\"]\n", Exits("kept"),
         files={"shop/job.py": JOB + "f = pathlib.Path(__file__).parent / 'state' / 'x'\nf.write_text('kept')\nprint(f.read_text())\n", "shop/state/x": "old"}),
    Case("two-folders-copied", f"{SLIM}WORKDIR /app\nCOPY src/ src/\nCOPY data/ data/\nENV DB=data/x.db\nEXPOSE 8000\nCMD [\"python\", \"src/app.py\"]\n", KEPT, files={"src/app.py": APP, "data/x.db": ""}),
    Case("supervised", f"{SLIM}COPY supervisord /usr/bin/supervisord\nWORKDIR /app\nCOPY . .\nCMD [\"/usr/bin/supervisord\", \"-n\"]\n", Stays(), "refused:init-system",
         files={**FILES, "supervisord": "#!/bin/sh\nexec sleep 1000\n"}),
    Case("pip-at-start", f"{SLIM}WORKDIR /app\nCOPY . .\nCMD [\"sh\", \"-c\", \"apt-get install -y curl; exec python app.py\"]\n", Stays(), "refused:package-manager", files=FILES),
)  # fmt: skip
