/* Stands in for the Go program of examples/go-distroless, where no Go compiler is at hand. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
  static const char answer[] =
      "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";
  char request[4096];
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(8080)};
  int one = 1, server = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(server, (struct sockaddr *)&where, sizeof where) || listen(server, 8)) return 1;
  for (;;) {
    int client = accept(server, 0, 0);
    if (client < 0) continue;
    if (read(client, request, sizeof request) > 0 && write(client, answer, strlen(answer)) < 0) return 2;
    close(client);
  }
}
