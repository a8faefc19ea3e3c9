#!/bin/sh
while true; do
  echo "$(date) nothing to do" >> /var/spool/jobs/log
  sleep 1
done
