/* Appends a line to its file each second; `check` says whether there is one. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "/var/lib/keeper/kept"

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "check")) return access(FILE_NAME, F_OK);
    for (;; sleep(1)) {
        FILE *file = fopen(FILE_NAME, "a");
        if (!file) return perror(FILE_NAME), 1;
        fprintf(file, "%ld\n", (long)time(0));
        fclose(file);
    }
}
