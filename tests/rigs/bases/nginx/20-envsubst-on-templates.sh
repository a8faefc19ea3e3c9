#!/bin/sh
set -e
[ -d /etc/nginx/templates ] || exit 0
if [ ! -w /etc/nginx/conf.d ]; then
  echo "$0: ERROR: /etc/nginx/conf.d is not writable" >&2
  exit 0
fi
for f in /etc/nginx/templates/*.template; do
  name=$(basename "$f" .template)
  perl -pe 's/\$\{(\w+)\}/$ENV{$1}/g' "$f" >"/etc/nginx/conf.d/$name"
done
