docker run --rm -u root example.org/one/tool work
docker run --rm -u=root example.org/two/tool work
docker run --rm -uroot example.org/three/tool work
docker run --rm -itu root example.org/four/tool work
docker run --rm --user=root example.org/five/tool work
docker run --rm --user root example.org/six/tool work
docker run --rm --user 0:0 example.org/seven/tool work
docker run --rm --user "0" example.org/eight/tool work
docker run --rm -tiu0 -v "$PWD":/src golang:1.22 go build
nerdctl run -d --user 0 python:3.12 python -m http.server
