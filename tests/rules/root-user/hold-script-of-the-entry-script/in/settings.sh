#!/bin/sh
echo "$SETTINGS" > /etc/server.conf
