#!/bin/sh
date > started
exec python -m http.server 8000
