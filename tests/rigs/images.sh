#!/bin/bash
# Base images without a registry, into the engine of engine.sh: images.sh [debian alpine distroless python node nginx gcc]
# They are stand-ins: real names, users and ids (node 1000, nginx 101, nonroot 65532), filled from Debian bookworm
# and from busybox; node:22 and nginx:1.27 have more of the official images (bases/): npm, and the entrypoint.
# Minutes from nothing, a second when they are there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${FIXER_RIG:-$HOME/.cache/fixer-rig}/images
mkdir -p "$work"
settings=$("$here/engine.sh" env)
eval "$settings"
path='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
install='apt-get update -qq && apt-get install -qq -y --no-install-recommends'

have() { docker image inspect "$@" >/dev/null 2>&1; }

one() { # NAME, with a log of its own
  if "$0" --only "$1" >"$work/$1.log" 2>&1; then
    echo "$1 ready"
  else
    { echo "$1 failed:"; tail -n 20 "$work/$1.log"; } >&2
    return 1
  fi
}

together() { # NAMES, all at once; fails when one of them fails
  local name pids=() failed=0
  for name in "$@"; do one "$name" & pids+=($!); done
  for name in "${pids[@]}"; do wait "$name" || failed=1; done
  return "$failed"
}

debian() {
  have debian:bookworm-slim debian:bookworm debian:12 && return
  if ! have debian:bookworm-slim; then
    if ! [ -e "$work/debian.complete" ]; then
      rm -rf "$work/debian"
      debootstrap --variant=minbase bookworm "$work/debian"
      touch "$work/debian.complete"
    fi
    tar -C "$work/debian" --exclude='./var/cache/apt/archives/*.deb' --exclude='./dev/*' -cf - . |
      docker import -c 'CMD ["bash"]' -c "$path" - debian:bookworm-slim
  fi
  docker tag debian:bookworm-slim debian:bookworm
  docker tag debian:bookworm-slim debian:12
}

busybox() { # Debian's busybox binary has no adduser: its source package is built with busybox's own defaults
  [ -x "$work/busybox.bin" ] && return
  rm -rf "$work/src"
  mkdir -p "$work/src/lists/partial" "$work/src/sources"
  cd "$work/src"
  printf '%s\n' 'Types: deb-src' 'URIs: http://deb.debian.org/debian' 'Suites: bookworm' 'Components: main' \
    'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' >sources/debian.sources
  local apt=(apt-get -qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/src/sources"
    -o "Dir::State::Lists=$work/src/lists" -o APT::Sandbox::User=root)
  "${apt[@]}" update
  "${apt[@]}" source --download-only busybox
  tar xjf busybox_*.orig.tar.bz2
  cd busybox-*/
  make -s defconfig
  sed -i 's/^# CONFIG_STATIC is not set/CONFIG_STATIC=y/; s/^CONFIG_TC=y/# CONFIG_TC is not set/' .config
  (yes '' || true) | make -s oldconfig
  make -s -j"$(nproc)"
  cp busybox "$work/busybox.bin"
}

alpine() {
  have alpine:3.20 alpine:latest busybox:latest && return
  (busybox)
  local root=$work/alpine
  rm -rf "$root"
  mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,tmp,root,home,var/cache,var/log,proc,sys,dev,run}
  chmod 1777 "$root/tmp"
  cp "$work/busybox.bin" "$root/bin/busybox"
  chroot "$root" /bin/busybox --install -s
  printf '%s\n' root:x:0:0:root:/root:/bin/sh bin:x:1:1:bin:/bin:/sbin/nologin \
    nobody:x:65534:65534:nobody:/:/sbin/nologin >"$root/etc/passwd"
  printf '%s\n' root:x:0:root bin:x:1:root,bin users:x:100: nogroup:x:65533: nobody:x:65534: >"$root/etc/group"
  printf '%s\n' 'root:*::0:::::' 'nobody:!::0:::::' >"$root/etc/shadow"
  printf '%s\n' 'NAME="busybox stand-in"' ID=alpine VERSION_ID=3.20.0 >"$root/etc/os-release"
  tar -C "$root" -cf - . | docker import -c 'CMD ["/bin/sh"]' -c "$path" - alpine:3.20
  docker tag alpine:3.20 alpine:latest
  docker tag alpine:3.20 busybox:latest
}

distroless() {
  have gcr.io/distroless/static:latest gcr.io/distroless/static:nonroot && return
  local root=$work/distroless
  rm -rf "$root"
  mkdir -p "$root"/{etc,tmp,home/nonroot,root}
  chmod 1777 "$root/tmp"
  chown 65532:65532 "$root/home/nonroot"
  printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin \
    nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin >"$root/etc/passwd"
  printf '%s\n' root:x:0: nobody:x:65534: nonroot:x:65532: >"$root/etc/group"
  tar -C "$root" -cf - . | docker import -c "$path" - gcr.io/distroless/static:latest
  tar -C "$root" -cf - . |
    docker import -c "$path" -c 'USER 65532' -c 'WORKDIR /home/nonroot' - gcr.io/distroless/static:nonroot
}

on_debian() { # TAG ALIAS, and the rest of the Dockerfile on standard input
  have "$1" || { echo 'FROM debian:bookworm-slim'; cat; } | docker build -q --network=host -t "$1" -
  docker tag "$1" "$2"
}

closer() { # FOLDER TAG ALIAS
  have "$2" || docker build -q --network=none -t "$2" "$here/bases/$1"
  docker tag "$2" "$3"
}

python() {
  on_debian python:3.12-slim python:3.12 <<EOF
RUN $install python3 python3-pip ca-certificates \\
 && rm -rf /var/lib/apt/lists/* /usr/lib/python3*/EXTERNALLY-MANAGED \\
 && ln -s /usr/bin/python3 /usr/local/bin/python
CMD ["python3"]
EOF
}

node() {
  on_debian node:20-slim node:20 <<EOF
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node \\
 && $install nodejs ca-certificates && rm -rf /var/lib/apt/lists/*
CMD ["node"]
EOF
  closer node node:22-slim node:22
}

nginx() {
  on_debian nginx:1.25 nginx:latest <<EOF
RUN groupadd --system --gid 101 nginx \\
 && useradd --system --gid nginx --no-create-home --home /nonexistent --shell /bin/false --uid 101 nginx \\
 && $install nginx-light && rm -rf /var/lib/apt/lists/* && mkdir -p /var/cache/nginx \\
 && sed -i 's/^user www-data;/user nginx;/' /etc/nginx/nginx.conf \\
 && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
EOF
  closer nginx nginx:1.27 nginx:1
}

gcc() {
  on_debian gcc:13 gcc:latest <<EOF
RUN $install gcc libc6-dev make && rm -rf /var/lib/apt/lists/*
CMD ["bash"]
EOF
}

if [ "${1-}" = --only ]; then "$2"; exit; fi
[ $# -gt 0 ] || set -- debian alpine distroless python node nginx gcc
first=() then=()
for name in "$@"; do
  case $name in
  debian | alpine | distroless) first+=("$name") ;;
  python | node | nginx | gcc) then+=("$name") ;;
  *) echo "images.sh: no such image: $name" >&2; exit 2 ;;
  esac
done
if [ ${#then[@]} -gt 0 ] && [[ " ${first[*]-} " != *" debian "* ]]; then first+=(debian); fi
together "${first[@]}"
if [ ${#then[@]} -gt 0 ]; then together "${then[@]}"; fi
