#!/bin/sh
set -e
. /srv/settings.sh
exec /usr/bin/server
