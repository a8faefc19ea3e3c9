#!/bin/sh
set -e
IMAGE=golang:1.22
docker run --rm -v "$(pwd)":/src -w /src \
  $IMAGE \
  go build ./...
sudo docker container run --rm -it --volume=$PWD:/src node:20 npm ci
