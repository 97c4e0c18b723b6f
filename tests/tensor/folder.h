// A folder of its own for a test, with files of any text in it.
#ifndef TESTS_TENSOR_FOLDER_H
#define TESTS_TENSOR_FOLDER_H

#include "os/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct folder {
    char path[128];
    char name[400];  // of folder_at
} folder;

static inline bool folder_open(folder *f) {
    const char *in = getenv("TMPDIR");
    snprintf(f->path, sizeof f->path, "%s/parallelopedia-test-XXXXXX", in ? in : "/tmp");
    return mkdtemp(f->path) != NULL;
}

// The path of a file in it; until the next call.
static inline const char *folder_at(folder *f, const char *file) {
    snprintf(f->name, sizeof f->name, "%s/%s", f->path, file);
    return f->name;
}

static inline bool folder_put(folder *f, const char *file, str bytes) {
    FILE *to = fopen(folder_at(f, file), "wb");
    bool ok = to && fwrite(bytes.ptr, 1, bytes.len, to) == bytes.len;
    return to && !fclose(to) && ok;
}

static inline bool folder_copy(folder *f, const char *file, const char *from) {
    os_map map;
    if (os_map_open(&map, from, OS_MAP_SEQUENTIAL, NULL)) return false;
    bool ok = folder_put(f, file, os_map_str(&map));
    os_map_close(&map);
    return ok;
}

// Removes the files in it (it has no folders) and itself.
static inline void folder_close(folder *f) {
    DIR *d = opendir(f->path);
    for (struct dirent *ent; d && (ent = readdir(d));)
        (void)!unlink(folder_at(f, ent->d_name));
    if (d) closedir(d);
    (void)!rmdir(f->path);
}

#endif
