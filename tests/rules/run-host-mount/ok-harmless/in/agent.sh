docker run -d -v /etc/localtime:/etc/localtime:ro -v /proc:/host/proc:ro -v data:/etc example.org/some/agent
docker run -d --mount type=volume,source=data,target=/ -v /srv/data:/data example.org/some/agent
