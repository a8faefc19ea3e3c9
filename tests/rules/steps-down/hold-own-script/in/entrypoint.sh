#!/bin/sh
set -e
chown -R shop:shop /data
exec gosu shop:shop "$@"
