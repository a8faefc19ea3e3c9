docker run -d --network web --pid container:other --ipc private example.org/some/web
