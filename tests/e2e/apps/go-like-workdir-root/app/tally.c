/* Keeps a tally in the folder that it is started in; `check` says whether there is one. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "check")) return access("tally.txt", F_OK);
    for (int n = 1;; n++, sleep(1)) {
        FILE *file = fopen("tally.txt", "w");
        if (!file) return perror("tally.txt"), 1;
        fprintf(file, "%d\n", n);
        fclose(file);
    }
}
