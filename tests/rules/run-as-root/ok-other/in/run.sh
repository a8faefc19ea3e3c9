docker run --rm -u 1000 example.org/some/tool work
docker run --rm -e USER=root -h root example.org/some/tool -u root
docker run --rm -u "$USER_ID" example.org/some/tool work
# what root is for
docker run --rm -u root -v data:/data busybox chown -R 1000:1000 /data
