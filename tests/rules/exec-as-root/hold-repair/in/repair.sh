docker exec -u root web chown -R 1000 /data
docker exec --user=0 -it web sh
