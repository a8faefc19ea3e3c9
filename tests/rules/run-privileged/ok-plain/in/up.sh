docker run -d --privileged=false example.org/some/agent
docker run -d example.org/some/agent --privileged
docker run -d -e MODE=--privileged example.org/some/agent
