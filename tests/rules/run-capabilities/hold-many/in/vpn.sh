docker run -d --cap-add=NET_ADMIN --device /dev/net/tun example.org/some/vpn
docker run -d --cap-add CAP_SYS_ADMIN \
  --cap-add sys_ptrace example.org/some/tracer
docker run -d --cap-add ALL example.org/some/thing
