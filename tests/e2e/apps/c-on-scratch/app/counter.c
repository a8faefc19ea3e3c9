/* Answers every request on port 8080 with how many there were; `check` asks once. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in door = {.sin_family = AF_INET};

static int check(int s) {
    char answer[256] = "";
    if (connect(s, (struct sockaddr *)&door, sizeof door)) return 1;
    if (write(s, "GET / HTTP/1.0\r\n\r\n", 18) != 18) return 1;
    return read(s, answer, sizeof answer - 1) <= 0 || !strstr(answer, "requests");
}

int main(int argc, char **argv) {
    int s = socket(AF_INET, SOCK_STREAM, 0), count = 0, yes = 1;
    door.sin_port = htons(8080);
    door.sin_addr.s_addr = inet_addr("127.0.0.1");
    if (argc > 1 && !strcmp(argv[1], "check")) return check(s);
    door.sin_addr.s_addr = INADDR_ANY;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(s, (struct sockaddr *)&door, sizeof door) || listen(s, 8)) return perror("listen"), 1;
    for (;;) {
        char asked[1024], answer[128];
        int guest = accept(s, 0, 0);
        if (guest < 0) continue;
        if (read(guest, asked, sizeof asked) > 0) {
            snprintf(answer, sizeof answer, "HTTP/1.0 200 OK\r\n\r\n%d requests\n", ++count);
            if (write(guest, answer, strlen(answer)) < 0) perror("write");
        }
        close(guest);
    }
}
