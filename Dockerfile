# fixer in a container, for who has no Python:
#
#   docker build -t nonroot-fixer .
#   docker run --rm -v "$PWD:/src" nonroot-fixer check
#   docker run --rm -v "$PWD:/src" -u "$(id -u):$(id -g)" nonroot-fixer fix --write
#
# It runs as any user, also with --read-only, and writes to the mounted repository alone. With -e
# XDG_STATE_HOME=/src/.git it keeps there what `undo` gives back. --build-arg EXTRAS="inspect github gitlab gitea" brings
# what --inspect and pull requests need. Behind a proxy with certificates of its own: --secret id=ca,src=FILE.
ARG BASE=python:3.12-slim-bookworm@sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254

FROM ${BASE} AS build
ARG EXTRAS=
WORKDIR /build
# What it needs stands first and alone, so that another version of the program builds in seconds
COPY pyproject.toml ./
RUN --mount=type=secret,id=ca \
    if [ -f /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
    && python -c 'import sys, tomllib; own = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*own["dependencies"], *(one for name in sys.argv[1:] for one in own["optional-dependencies"][name]), sep="\n")' ${EXTRAS} >requirements.txt \
    && python -m pip install --no-cache-dir --target /opt/fixer -r requirements.txt
COPY fixer /opt/fixer/fixer
COPY templates /opt/fixer/fixer/templates
RUN python -m compileall -q /opt/fixer/fixer

FROM ${BASE}
# git is asked what is not committed, and for branches, commits and pull requests
RUN apt-get update \
    && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/fixer /opt/fixer
ENV PYTHONPATH=/opt/fixer \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_STATE_HOME=/tmp
WORKDIR /src
USER 10001:10001
ENTRYPOINT ["python", "-m", "fixer"]
CMD ["--help"]
