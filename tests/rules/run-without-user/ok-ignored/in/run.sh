# fixer: ignore[RT001] the folder is a volume of root
docker run --rm -v "$PWD":/src \
  golang:1.22 go build
docker run --rm -v "$PWD":/src golang:1.22 go vet # fixer: ignore[run-without-user] as above
