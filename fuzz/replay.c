// Replays a corpus through a fuzz target: seeds and every past crash, in ordinary test runs.

#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static int replay_file(const char *dir, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (!f) return perror(path), 1;
    fseek(f, 0, SEEK_END);
    long len = ftell(f);
    rewind(f);
    uint8_t *data = malloc((size_t)len + 1);  // exact length matters to the sanitizers
    size_t n = data ? fread(data, 1, (size_t)len, f) : 0;
    fclose(f);
    uint8_t *exact = malloc(n ? n : 1);
    if (exact)
        for (size_t i = 0; i < n; i++)
            exact[i] = data[i];
    free(data);
    if (exact) LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

int main(int argc, char **argv) {
    DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
    if (!d) {
        fprintf(stderr, "usage: %s CORPUS-DIR (which must exist)\n", argv[0]);
        return 2;
    }
    int n = 0, bad = 0;
    for (struct dirent *ent; (ent = readdir(d)); n++)
        if (ent->d_name[0] == '.')
            n--;
        else
            bad |= replay_file(argv[1], ent->d_name);
    closedir(d);
    printf("%s: %d inputs\n", argv[1], n);
    return bad || n == 0;
}
