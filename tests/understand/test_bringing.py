"""What commands of a build bring into the working directory, and which steps can be continued."""

from __future__ import annotations

import pytest

from fixer.facts import base_facts
from fixer.syntax.dockerfile import parse
from fixer.understand.bringing import brought
from fixer.understand.image import Image
from fixer.understand.places import script_end, steps
from fixer.understand.stages import stages


def image_of(text: str) -> Image:
    return Image(stages(parse(text), {}, base_facts)[-1], lambda path: None)


def brings(script: str, head: str = "") -> list[str]:
    image = image_of(f"FROM debian:12\nWORKDIR /app\n{head}RUN {script}\n")
    item = image.stage.body[-1]
    return [
        f"{one.kind.value} {one.path}{' (file)' * one.file}"
        for step in steps(image, item)
        for one in brought(step, "/app")
    ]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("curl -fsSL x | tar xz", ["brings /app"]),
        ("curl -fsSL x | tar -xzf - -C /app/sub --strip-components=1", ["brings /app/sub"]),
        ("tar xzf /tmp/a.tgz -C /", ["brings /"]),
        ("tar xzf /tmp/a.tgz --directory=/srv", []),
        ("tar czf /app/a.tgz /etc", []),
        ("tar xzOf a.tgz b", []),
        ("d=/app/x && tar xzf a.tgz -C $d", ["brings /app/x"]),
        ("tar xzf a.tgz -C $UNKNOWN", []),
        ("unzip a.zip", ["brings /app"]),
        ("unzip -q a.zip -d lib", ["brings /app/lib"]),
        ("unzip -l a.zip", []),
        ("git clone https://x/y/z.git", ["brings /app/z"]),
        ("git clone --depth 1 -b main https://x/y/z /app", ["brings /app"]),
        ("git -C /app/z checkout v1", ["brings /app/z"]),
        ("git -c a=b clone https://x/$Y", ["brings /app"]),
        ("git config --global a b", []),
        ("cd /tmp && git clone https://x/y", []),
        ("wget https://x/y/a.jar", ["brings /app/a.jar (file)"]),
        ("wget -qO- https://x/y/a.jar", []),
        ("wget -qO b.jar https://x/y/a.jar", ["brings /app/b.jar (file)"]),
        ("wget -nv -O /opt/b.jar https://x/y/a.jar", []),
        ("wget -P lib https://x/y/a.jar", ["brings /app/lib/a.jar (file)"]),
        ("wget https://x/a.jar https://x/b.jar", ["brings /app"]),
        ("wget --content-disposition https://x/a.jar", ["brings /app"]),
        ("curl -fsSL https://x/a.jar", []),
        ("curl -fsSLo b.jar https://x/a.jar", ["brings /app/b.jar (file)"]),
        ("curl -fsSLO https://x/a.jar", ["brings /app/a.jar (file)"]),
        ("curl -fsSLO https://x/a?b=c", ["brings /app"]),
        ("curl -o /dev/null https://x", []),
        ("cp -r /src/. .", ["brings /app"]),
        ("cp /src/a.conf conf/", ["brings /app/conf/a.conf (file)"]),
        ("cp /src/a.conf conf", ["brings /app/conf"]),
        ("mv /src /app", ["brings /app"]),
        ("mv /src/a /src/b .", ["brings /app"]),
        ("install -d data", []),
        ("npm ci --omit=dev && npm cache clean --force", ["brings /app"]),
        ("npm install -g pnpm", []),
        ("npm --prefix web install", ["brings /app/web"]),
        ("npm config set registry x", []),
        ("npm run build", ["builds /app"]),
        ("npm run seed", ["leaves /app"]),
        ("yarn", ["brings /app"]),
        ("yarn --version", []),
        ("yarn global add serve", []),
        ("corepack enable && pnpm i --frozen-lockfile", ["brings /app"]),
        ("cd web && npx next build", ["builds /app/web"]),
        ("pip install -r requirements.txt", []),
        ("pip install -t vendor -r requirements.txt", ["brings /app/vendor"]),
        ("pip install -e .", ["builds /app"]),
        ("python -m venv .venv && .venv/bin/pip install x", ["brings /app/.venv", "brings /app/.venv"]),
        ("python3 -m pip install x", []),
        ("python manage.py migrate", ["leaves /app"]),
        ("python manage.py collectstatic --noinput", ["builds /app"]),
        ("python -c 'import x'", []),
        ("uv sync --frozen", ["brings /app/.venv"]),
        ("uv pip install --system x", []),
        ("poetry install", []),
        (
            "POETRY_VIRTUALENVS_IN_PROJECT=1 poetry config virtualenvs.in-project true && poetry install",
            ["brings /app"],
        ),
        ("composer install --no-dev", ["brings /app"]),
        ("composer create-project a/b shop", ["brings /app/shop"]),
        ("bundle install", []),
        ("bundle install --path vendor", ["brings /app"]),
        ("bundle exec rake assets:precompile", ["leaves /app"]),
        ("go build -o shop .", []),
        ("go generate ./...", ["brings /app"]),
        ("dotnet publish -c Release", ["builds /app"]),
        ("make -C lib", ["builds /app/lib"]),
        ("mvn -B package", ["builds /app"]),
        ("mvn --version", []),
        ("./gradlew build", ["builds /app"]),
        ("./seed", ["leaves /app"]),
        ("java -jar installer.jar --installServer", ["leaves /app"]),
        ("generate --all", ["may leave /app"]),
        ("generate --version", []),
        ("apt-get install -y git && useradd x && chmod +x y && echo z > a", []),
        ("x=$(npm root)", []),
    ],
)
def test_what_is_brought(script: str, found: list[str]) -> None:
    assert brings(script) == found


def test_packages_go_to_the_environment_that_variables_name() -> None:
    head = 'RUN python -m venv /app/venv\nENV PATH="/app/venv/bin:$PATH"\n'
    assert brings("pip install x", head) == ["brings /app/venv"]
    assert brings("pip install x", 'ENV PATH="/app/venv/bin:$PATH"\n') == []
    assert brings("uv pip install x", "RUN uv venv /app/v\nENV VIRTUAL_ENV=/app/v\n") == ["brings /app/v"]


@pytest.mark.parametrize(
    ("run", "rest"),
    [
        ("RUN npm ci", ""),
        ("RUN npm ci;", ";"),
        ("RUN npm ci > /dev/null 2>&1", ""),
        ("RUN a \\\n  && b \\\n  # why\n  && c", ""),
        ("RUN set -e; \\\n a; \\\n b;", ";"),
        ("RUN if x; then a; fi", ""),
        ("RUN (cd x && y)", ""),
        ("RUN { a; }", ""),
        ("RUN a || true", ""),
        ("RUN a || exit 1", ""),
        ("RUN curl x | tar xz", ""),
        ("RUN for i in a; do x; done > y", ""),
        ("RUN a  ", "  "),
        ("RUN npm ci # and more", None),
        ("RUN a &", None),
        ("RUN a; exit", None),
        ("RUN if a; then exit 0; fi; b", None),
        ("RUN a && exec b", None),
        ("RUN sh -c 'a b'", None),
        ("RUN echo 'x", None),
        ("RUN <<E\na\nE", None),
        ('RUN ["a"]', None),
        ("COPY a b", None),
    ],
)
def test_where_a_step_can_be_continued(run: str, rest: str | None) -> None:
    tree = parse(f"FROM debian:12\n{run}\n\nUSER 1\n")
    item = tree.instructions[1]
    at = script_end(item)
    assert (None if at is None else tree.text[at : item.span.end]) == rest
