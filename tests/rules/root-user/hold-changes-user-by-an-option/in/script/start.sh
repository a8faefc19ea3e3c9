#!/bin/sh
exec gunicorn --bind :8000 --user=www-data shop:app
