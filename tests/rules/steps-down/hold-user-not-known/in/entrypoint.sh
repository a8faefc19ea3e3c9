#!/bin/sh
exec gosu "$RUN_AS" /opt/shop "$@"
