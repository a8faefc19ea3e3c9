/* A program that does what it is told, for images that hold nothing else. Each word is a step:
   uid | write PATH | append PATH | read PATH | beside NAME | home | mkdir PATH | serve PORT | sleep
   It stops with 1 at the first step that fails. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void stop(const char *what, const char *path) {
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static void put(const char *path, int flags) {
    int file = open(path, O_WRONLY | O_CREAT | flags, 0644);
    if (file < 0 || write(file, "kept\n", 5) != 5) stop("write", path);
    close(file);
}

static void show(const char *path) {
    char text[4096];
    int file = open(path, O_RDONLY);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text);
    if (length < 0) stop("read", path);
    fwrite(text, 1, (size_t)length, stdout);
    close(file);
}

static void serve(int port) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int yes = 1, door = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(door, (struct sockaddr *)&any, sizeof any) || listen(door, 16)) stop("listen", "port");
    for (;;) {
        char in[4096], out[256];
        int guest = accept(door, NULL, NULL);
        if (guest < 0) continue;
        if (read(guest, in, sizeof in) > 0) {
            int n = snprintf(out, sizeof out, "HTTP/1.0 200 OK\r\n\r\nhello from %d\n", (int)getuid());
            if (write(guest, out, (size_t)n) < 0) perror("write");
        }
        close(guest);
    }
}

int main(int count, char **words) {
    char path[4096];
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IONBF, 0);
    for (int n = 1; n < count; n++) {
        const char *step = words[n], *more = n + 1 < count ? words[n + 1] : "";
        int takes = 1;
        if (!strcmp(step, "write")) put(more, O_TRUNC);
        else if (!strcmp(step, "append")) put(more, O_APPEND);
        else if (!strcmp(step, "read")) show(more);
        else if (!strcmp(step, "mkdir")) { if (mkdir(more, 0755)) stop("mkdir", more); }
        else if (!strcmp(step, "serve")) serve(atoi(more));
        else if (!strcmp(step, "beside")) {
            ssize_t length = readlink("/proc/self/exe", path, sizeof path - 300);
            if (length < 0) stop("readlink", "/proc/self/exe");
            path[length] = 0;
            dirname(path);
            snprintf(path + strlen(path), 256, "/%s", more);
            put(path, O_TRUNC);
        } else {
            takes = 0;
            if (!strcmp(step, "uid")) printf("uid=%d\n", (int)getuid());
            else if (!strcmp(step, "sleep")) for (;;) pause();
            else if (!strcmp(step, "home")) {
                snprintf(path, sizeof path, "%s/.state", getenv("HOME") ? getenv("HOME") : "");
                put(path, O_TRUNC);
            } else { fprintf(stderr, "no such step: %s\n", step); return 2; }
        }
        n += takes;
    }
    return 0;
}
