"""The import contracts of pyproject.toml: they let an unfinished house pass, and they bite."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "cli/check.py": "import typer\nimport rich.console\nfrom fixer import app\n",
    "app.py": "from fixer import engine\nfrom fixer.deliver import write\n",
    "console.py": "from rich.console import Console\n",
    "deliver/write.py": "from fixer import templates\nfrom fixer.render import text\n",
    "engine.py": "from fixer import rules\n",
    "forge/github.py": "from github import Github\nfrom fixer.forge import http\n",
    "forge/gitlab.py": "from gitlab import Gitlab\nfrom fixer.forge import http\n",
    "forge/http.py": "import requests\nfrom fixer import masking\n",
    "masking.py": "",
    "model.py": "",
    "render/text.py": "from fixer import model\n",
    "rules/__init__.py": "from fixer.rules.dockerfile import one, two\n",
    "rules/dockerfile/one.py": "from fixer.syntax import dockerfile\n",
    "rules/dockerfile/two.py": "from fixer.understand import stages\n",
    "session/keys.py": "import prompt_toolkit\n",
    "session/session.py": "from fixer.session import ways\n",
    "session/talk.py": "from fixer import console\nfrom fixer.session import keys, session\n",
    "session/ways.py": "",
    "syntax/dockerfile.py": "from dockerfile_parse import DockerfileParser\n",
    "syntax/shell.py": "import tree_sitter\nimport tree_sitter_bash\n",
    "syntax/yaml.py": "from ruamel.yaml import YAML\n",
    "templates.py": "import jinja2\n",
    "understand/stages.py": "from fixer.syntax import shell\n",
}
BROKEN = [
    ("model.py", "from fixer import engine\n", "Imports run one way"),
    ("syntax/shell.py", "from fixer import understand\n", "Imports run one way"),
    ("render/text.py", "from fixer.cli import check\n", "Imports run one way"),
    ("rules/dockerfile/one.py", "from fixer.rules.dockerfile import two\n", "Rules never import each other"),
    ("app.py", "import typer\n", "typer is known"),
    ("render/text.py", "def f():\n    from rich.text import Text\n", "rich is known"),
    ("understand/stages.py", "from ruamel.yaml import YAML\n", "ruamel.yaml is known"),
    ("render/text.py", "import jinja2\n", "jinja2 is known"),
    ("rules/dockerfile/one.py", "import dockerfile_parse\n", "dockerfile-parse is known"),
    ("forge/gitlab.py", "from github import Github\n", "PyGithub is known"),
    ("forge/github.py", "import gitlab\n", "python-gitlab is known"),
    ("forge/gitlab.py", "import requests\n", "the network is known"),
    ("forge/http.py", "from fixer.deliver import write\n", "Imports run one way"),
    ("masking.py", "from fixer import errors\nfrom fixer import app\n", "Imports run one way"),
    ("session/session.py", "from fixer.session import keys\n", "What a session decides"),
    ("session/talk.py", "import prompt_toolkit\n", "prompt_toolkit is known"),
    ("syntax/dockerfile.py", "import tree_sitter_bash\n", "tree-sitter is known"),
]


def lint(tree: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Check a made-up package against the real contracts."""
    shutil.copy(ROOT / "pyproject.toml", tree)
    for name, text in {"__init__.py": "", **files}.items():
        path = tree / "fixer" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in path.relative_to(tree).parents[:-1]:
            (tree / folder / "__init__.py").touch()
        path.write_text(text)
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=120, check=False)


def test_an_empty_house_passes(tmp_path: Path) -> None:
    done = lint(tmp_path, {})
    assert done.returncode == 0, done.stdout


def test_a_whole_house_passes(tmp_path: Path) -> None:
    done = lint(tmp_path, ALLOWED)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("name", "text", "contract"), BROKEN, ids=[f"{n}-{c}" for n, _, c in BROKEN])
def test_a_wrong_import_is_told(tmp_path: Path, name: str, text: str, contract: str) -> None:
    done = lint(tmp_path, {**ALLOWED, name: ALLOWED[name] + text})
    broken = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert done.returncode == 1, done.stdout
    assert len(broken) == 1, done.stdout
    assert broken[0].startswith(contract)
