#!/bin/sh
docker build -t registry.example.com/team/base:1 base
docker build -t registry.example.com/team/web:1 web
