docker run -d -v /:/host:ro -v /etc:/etc \
  --mount type=bind,source=/var/lib/docker,target=/docker \
  example.org/some/agent
docker run -d -v /var/run/docker.sock:/var/run/docker.sock:ro example.org/some/proxy
docker run --rm -v "$SOCKET":/var/run/docker.sock example.org/some/tool
