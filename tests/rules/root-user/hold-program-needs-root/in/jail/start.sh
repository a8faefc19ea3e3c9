#!/bin/sh
exec perl /usr/local/bin/jail.pl
