/* Shows that it lives, each second; `check` says whether the program can be started at all. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "check")) return 0;
    for (;; sleep(1)) puts("counting");
}
