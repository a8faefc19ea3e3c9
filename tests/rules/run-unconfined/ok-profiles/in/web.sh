docker run -d --security-opt no-new-privileges --security-opt seccomp=profile.json example.org/some/web
