#!/bin/sh
set -e
mount -t tmpfs -o size=16m scratch /srv/scratch
touch /srv/scratch/ready
exec sleep infinity
