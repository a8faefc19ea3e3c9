#!/bin/bash
# A private Podman with the base images of the engine: podman.sh start | stop | status | address | env
# Needs root and Debian's podman, and engine.sh and images.sh before it. No network but none: build and run without one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${FIXER_RIG:-$HOME/.cache/fixer-rig}/podman
socket=$home/podman.sock
pidfile=$home/podman.pid
images=(debian:12 debian:bookworm-slim alpine:3.20 busybox:latest python:3.12 python:3.12-slim node:22 nginx:1.27
  gcr.io/distroless/static:latest gcr.io/distroless/static:nonroot)
mkdir -p "$home"

settings() { # Podman gives a container more files and processes than root of a sandbox may have, so runc gets less
  cat >"$home/runtime" <<'EOF'
#!/usr/bin/python3
import json, os, resource, sys
words = sys.argv[1:]
file = ""
if "--bundle" in words:  # of create
    file = os.path.join(words[words.index("--bundle") + 1], "config.json")
elif "--process" in words:  # of exec
    file = words[words.index("--process") + 1]
if file:
    with open(file) as opened:
        said = json.load(opened)
    for limit in said.get("process", said).get("rlimits") or ():
        most = resource.getrlimit(getattr(resource, limit["type"]))[1]
        if most != resource.RLIM_INFINITY:
            limit.update(hard=min(limit["hard"], most), soft=min(limit["soft"], most))
    with open(file, "w") as opened:
        json.dump(said, opened)
os.execv("/usr/sbin/runc", ["runc", *words])
EOF
  chmod +x "$home/runtime"
  cat >"$home/containers.conf" <<EOF
[containers]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "$home/runtime"
EOF
}

private() { # WORDS..., in a storage of its own
  CONTAINERS_CONF=$home/containers.conf podman --root "$home/root" --runroot "$home/run" --tmpdir "$home/tmp" \
    --storage-driver "$(cat "$home/driver")" "$@"
}

answers() { [ -S "$socket" ] && timeout 20 curl -sf --unix-socket "$socket" http://podman/_ping >/dev/null 2>&1; }

ours() { # a process id may have gone to another process since
  [ -f "$pidfile" ] && tr '\0' ' ' <"/proc/$(cat "$pidfile")/cmdline" 2>/dev/null | grep -qF -- "unix://$socket"
}

driver() { # overlay does not work upon every file system, vfs does, slowly
  [ -e "$home/driver" ] && return
  echo overlay >"$home/driver"
  private info >/dev/null 2>&1 && return
  rm -rf "$home/root" "$home/run"
  echo vfs >"$home/driver"
}

load() {
  local missing=() name
  eval "$("$here/engine.sh" env)"
  for name in "${images[@]}"; do
    private image exists "$(full "$name")" || ! docker image inspect "$name" >/dev/null 2>&1 || missing+=("$name")
  done
  [ "${#missing[@]}" = 0 ] && return
  docker save "${missing[@]}" | private load -q >/dev/null
  for name in "${missing[@]}"; do # what has no registry in its name comes in under that of this machine
    private image exists "localhost/$name" || continue
    private tag "localhost/$name" "$(full "$name")"
    private untag "localhost/$name" "localhost/$name"
  done
}

works() { # not every sandbox lets it run what it has
  private run --rm --network none --memory 64m --pids-limit 64 docker.io/library/alpine:3.20 true
}

full() { case $1 in *.*/*) echo "$1" ;; *) echo "docker.io/library/$1" ;; esac; }

case ${1:-} in
start)
  exec 9>"$home/lock"
  flock 9
  command -v podman >/dev/null || { echo "podman.sh: no podman; apt-get install podman" >&2; exit 1; }
  settings
  driver
  load
  cd "$home" # conmon leaves a file where it stands
  works || { echo "podman.sh: podman cannot run a container here" >&2; exit 1; }
  answers && { echo "already running"; exit 0; }
  rm -f "$socket"
  CONTAINERS_CONF=$home/containers.conf setsid nohup podman --root "$home/root" --runroot "$home/run" \
    --tmpdir "$home/tmp" --storage-driver "$(cat "$home/driver")" system service --time=0 "unix://$socket" \
    </dev/null >"$home/podman.log" 2>&1 9>&- &
  echo $! >"$pidfile"
  for _ in $(seq 40); do answers && { echo up; exit 0; }; sleep 0.25; done
  tail -n 20 "$home/podman.log" >&2
  exit 1
  ;;
stop)
  ours || exit 0
  pid=$(cat "$pidfile")
  kill "$pid"
  for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.5; done
  echo "podman.sh: podman ($pid) does not stop" >&2
  exit 1
  ;;
status)
  if answers; then echo up; else echo down; exit 1; fi
  ;;
address)
  echo "unix://$socket"
  ;;
env)
  echo "export DOCKER_HOST=unix://$socket"
  ;;
*)
  echo "usage: podman.sh start|stop|status|address|env" >&2
  exit 2
  ;;
esac
