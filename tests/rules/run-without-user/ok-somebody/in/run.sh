# the caller, a number, a user of podman, an image that is not root, one that steps down, and one that nobody knows
docker run --rm --user "$(id -u):$(id -g)" -v "$PWD":/src golang:1.22 go build
docker run --rm -itu 1000 -v "$PWD":/src golang:1.22 go build
podman run --rm --userns=keep-id -v "$PWD":/src golang:1.22 go build
docker run -d -p 8080:8080 nginxinc/nginx-unprivileged:1.27
docker run -d postgres:16
docker run -d example.org/some/thing
# nothing of the host is given to it
docker run --rm node:20 npm --version
# a variable may hold the user
docker run "${args[@]}" -v "$PWD":/src golang:1.22 go build
# no command at all
echo "docker run -v $PWD:/src golang:1.22 go build"
