docker run -d --cap-drop ALL --cap-add NET_BIND_SERVICE example.org/some/web
