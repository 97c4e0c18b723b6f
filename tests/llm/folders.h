// A folder of models that have nothing but a config.
#ifndef TESTS_LLM_FOLDERS_H
#define TESTS_LLM_FOLDERS_H

#include "base/str.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct folders {
    char root[64];
} folders;

static inline void folders_open(folders *f) {
    snprintf(f->root, sizeof f->root, "/tmp/pp-models-XXXXXX");
    assert_non_null(mkdtemp(f->root));
}

static inline void folders_close(folders *f) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->root);
    assert_int_equal(system(command), 0);
}

// Writes a file, and the folders that lead to it.
static inline void folders_put(const folders *f, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", f->root, name);
    for (char *c = path + strlen(f->root) + 1; (c = strchr(c, '/')); *c++ = '/') {
        *c = 0;
        mkdir(path, 0755);
    }
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    fputs(text, to);
    assert_int_equal(fclose(to), 0);
}

#endif
