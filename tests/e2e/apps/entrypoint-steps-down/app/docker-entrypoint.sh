#!/bin/sh
set -e
if [ "$(id -u)" = 0 ]; then
  chown -R vault:vault /var/lib/vault
  exec setpriv --reuid=vault --regid=vault --init-groups "$@"
fi
exec "$@"
