#!/bin/bash
# A registry on loopback without a password: registry.sh start | stop | status | address
# Needs Debian's docker-registry. It listens on 127.0.0.1:${FIXER_REGISTRY_PORT:-15000} and keeps what it is given below
# the folder of the rigs; what it held before goes with every start.
set -euo pipefail
home=${FIXER_RIG:-$HOME/.cache/fixer-rig}/registry
address=127.0.0.1:${FIXER_REGISTRY_PORT:-15000}
pidfile=$home/registry.pid
mkdir -p "$home"

answers() { (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; }

ours() { # a process id may have gone to another process since
  [ -f "$pidfile" ] && { tr '\0' ' ' <"/proc/$(cat "$pidfile")/cmdline"; } 2>/dev/null | grep -qF -- "$home/config.yml"
}

case ${1:-} in
start)
  exec 9>"$home/lock"
  flock 9
  if ours && answers; then echo "already running"; exit 0; fi
  command -v docker-registry >/dev/null || { echo "registry.sh: apt-get install docker-registry" >&2; exit 1; }
  if answers; then echo "registry.sh: somebody else listens on $address; set FIXER_REGISTRY_PORT" >&2; exit 1; fi
  rm -rf "$home/data"
  cat >"$home/config.yml" <<CONFIG
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $home/data}, delete: {enabled: true}}
http: {addr: $address}
CONFIG
  setsid nohup docker-registry serve "$home/config.yml" </dev/null >"$home/registry.log" 2>&1 9>&- &
  echo $! >"$pidfile"
  for _ in $(seq 60); do
    answers && { echo up; exit 0; }
    sleep 0.25
  done
  tail -n 20 "$home/registry.log" >&2
  exit 1
  ;;
stop)
  ours || exit 0
  pid=$(cat "$pidfile")
  kill "$pid"
  for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.25; done
  echo "registry.sh: docker-registry ($pid) does not stop" >&2
  exit 1
  ;;
status)
  if ours && answers; then echo up; else echo down; exit 1; fi
  ;;
address)
  echo "$address"
  ;;
*)
  echo "usage: registry.sh start|stop|status|address" >&2
  exit 2
  ;;
esac
