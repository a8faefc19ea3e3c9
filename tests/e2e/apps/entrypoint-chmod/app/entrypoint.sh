#!/bin/sh
set -e
echo "starting as $(id -un 2>/dev/null || id -u)"
exec "$@"
