docker run -d --security-opt seccomp=unconfined --security-opt apparmor:unconfined \
  --security-opt label=disable --security-opt=systempaths=unconfined \
  --security-opt no-new-privileges=false example.org/some/debugger
