docker run -d --pid=host --ipc host --uts=host --userns=host --net=host example.org/some/agent
docker run --rm --network host example.org/some/tool
