#!/bin/bash
# A private Docker engine with BuildKit: engine.sh start | stop | status | env
# Needs root and Debian's docker.io. No bridge and no iptables: build with --network=none or host, and run with
# --network none or host. There is no registry either: test copies leave out "# syntax=" lines.
set -euo pipefail
home=${FIXER_RIG:-$HOME/.cache/fixer-rig}/engine
socket=$home/docker.sock
pidfile=$home/docker.pid
mkdir -p "$home/run" "$home/bin"

client() { # Debian's own client comes first: newer ones need a plugin for BuildKit
  for found in /usr/bin/docker "$(command -v docker || true)"; do
    [ -x "$found" ] && { echo "$found"; return; }
  done
  echo "engine.sh: no docker; apt-get install docker.io" >&2
  return 1
}

answers() { [ -S "$socket" ] && DOCKER_HOST=unix://$socket timeout 20 "$(client)" version >/dev/null 2>&1; }

ours() { # a process id may have gone to another process since
  [ -f "$pidfile" ] && tr '\0' ' ' <"/proc/$(cat "$pidfile")/cmdline" 2>/dev/null | grep -qF -- "--pidfile $pidfile"
}

launch() { # STORAGE-DRIVER
  rm -f "$pidfile"
  setsid nohup /usr/sbin/dockerd --host "unix://$socket" --data-root "$home/root" --exec-root "$home/run" \
    --pidfile "$pidfile" --storage-driver "$1" --bridge=none --iptables=false --ip6tables=false \
    --ip-forward=false --ip-masq=false </dev/null >"$home/dockerd.log" 2>&1 9>&- &
  local started=$!
  for _ in $(seq 60); do
    answers && return
    kill -0 "$started" 2>/dev/null || break
    sleep 0.5
  done
  kill "$started" 2>/dev/null || true
  return 1
}

case ${1:-} in
start)
  exec 9>"$home/lock"
  flock 9
  ln -sf "$(client)" "$home/bin/docker"
  answers && { echo "already running"; exit 0; }
  # overlay2 does not work upon every file system, vfs does, slowly
  launch overlay2 || launch vfs || { tail -n 20 "$home/dockerd.log" >&2; exit 1; }
  # here, where nobody builds yet
  DOCKER_HOST=unix://$socket "$(client)" builder prune -f --keep-storage 2GB >/dev/null || true
  echo up
  ;;
stop)
  ours || exit 0
  pid=$(cat "$pidfile")
  kill "$pid"
  for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.5; done
  echo "engine.sh: dockerd ($pid) does not stop" >&2
  exit 1
  ;;
status)
  if answers; then echo up; else echo down; exit 1; fi
  ;;
env)
  ln -sf "$(client)" "$home/bin/docker"
  echo "export DOCKER_HOST=unix://$socket DOCKER_BUILDKIT=1 PATH=$home/bin:\$PATH"
  ;;
*)
  echo "usage: engine.sh start|stop|status|env" >&2
  exit 2
  ;;
esac
