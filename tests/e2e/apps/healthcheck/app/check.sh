#!/bin/sh
set -e
wget -qO /dev/null http://127.0.0.1:8080/
date > last-check
