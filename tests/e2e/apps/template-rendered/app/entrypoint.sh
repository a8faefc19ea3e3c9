#!/bin/sh
set -e
sed "s/@COLOUR@/$COLOUR/" /opt/palette/palette.conf.in > /etc/palette/palette.conf
exec "$@"
