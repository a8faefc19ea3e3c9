engine=podman
docker run -d \
  --name agent \
  --privileged \
  example.org/some/agent
$engine run --privileged=true --rm example.org/some/tool
docker exec --privileged agent ls
sh -c "docker run --privileged example.org/other/tool"
