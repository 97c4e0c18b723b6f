// bzip2 framing: any bytes, or a good file of several streams with bytes changed, read in order by
// one thread or two, then at random through a block map of which rows were changed.
//
// Byte 0: bit 0 two threads, bit 1 a good file changed by {u16 offset, byte}. Behind it the file,
// or the changes; the last 16 bytes also say which rows of the map change and where is read.

#include "fuzz/fuzz.h"
#include "wiki/bz2.h"
#include "wiki/source.h"

#include <bzlib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GOOD_MAX = 1 << 16, STREAMS = 3, TAIL = 16 };

static uint8_t good[GOOD_MAX];
static size_t n_good;

static void make_good(void) {
    static char xml[20000];
    for (int i = 0; i < STREAMS; i++) {
        size_t n = 0;
        if (i == 0) n += (size_t)sprintf(xml, "<mediawiki><siteinfo></siteinfo>");
        for (int k = 0; k < 40; k++)
            n += (size_t)sprintf(xml + n, "<page><title>T%d %d</title><text>%d</text></page>\n", i,
                                 k, k * 7919 % 1000);
        if (i == STREAMS - 1) n += (size_t)sprintf(xml + n, "</mediawiki>");
        unsigned room = (unsigned)(GOOD_MAX - n_good);
        CHECK(!BZ2_bzBuffToBuffCompress((char *)good + n_good, &room, xml, (unsigned)n, 1, 0, 0));
        n_good += room;
    }
}

static void *read_all(void *arg) {
    wiki_reader *r = arg;
    err e = {0};
    wiki_chunk c;
    bool more;
    for (int i = 0; !wiki_reader_next(&more, &c, r, &e) && more; i++) {
        CHECK(c.text.len && c.off + c.text.len <= wiki_reader_len(r) + ((uint64_t)1 << 30));
        volatile char sink = c.text.ptr[0];
        sink = c.text.ptr[c.text.len - 1];
        (void)sink;
        wiki_reader_give_back(r, &c);
    }
    return NULL;
}

static void read_at(const char *path, const wiki_reader *r, const uint8_t *tail) {
    size_t n;
    const wiki_block *rows = wiki_reader_blocks(&n, r);
    static wiki_block map[64];
    if (!n || n >= 64) return;
    memcpy(map, rows, (n + 1) * sizeof *map);
    for (int i = 0; i < 2; i++) {  // a row of the map, somewhere else
        wiki_block *b = &map[tail[i * 3] % (n + 1)];
        *(tail[i * 3] & 128 ? &b->bit : &b->raw) += (uint64_t)(int64_t)(int8_t)tail[i * 3 + 1]
                                                    << tail[i * 3 + 2] % 48;
    }
    wiki_source s;
    wiki_source_options o = {.blocks = map, .n_blocks = n, .cache_bytes = 1 << 20};
    err e = {0};
    if (wiki_source_open(&s, path, &o, &e)) return;
    arena a;
    CHECK(!arena_open(&a, 1 << 20, NULL));
    for (int i = 6; i + 3 < TAIL; i += 3) {
        arena scratch = a;
        str out;
        uint64_t off = (uint64_t)tail[i] << tail[i + 1] % 16, len = (uint64_t)tail[i + 2] * 64;
        if (!wiki_source_read(&out, &s, off, len, &scratch, &e)) CHECK(out.len == len);
    }
    arena_close(&a);
    wiki_source_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static int fd = -1;
    static char path[32];
    static uint8_t file[GOOD_MAX];
    if (fd < 0) {
        make_good();
        fd = memfd_create("dump.xml.bz2", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (len < 1 + TAIL || len > sizeof file) return 0;
    bool is_changed = data[0] & 2;
    size_t n = is_changed ? n_good : len - 1 - TAIL;
    memcpy(file, is_changed ? good : data + 1, n);
    for (size_t i = 1; is_changed && i + 3 <= len - TAIL; i += 3)
        file[(data[i] | data[i + 1] << 8) % n] = data[i + 2];
    CHECK(!ftruncate(fd, (off_t)n) && pwrite(fd, file, n, 0) == (ssize_t)n);
    wiki_reader *r;
    err e = {0};
    bool has_two = data[0] & 1;
    wiki_reader_options o = {.path = path, .n_threads = 1 + has_two};
    if (wiki_reader_open(&r, &o, &e)) return CHECK(e.msg[0]), 0;
    pthread_t other;
    if (has_two) CHECK(!pthread_create(&other, NULL, read_all, r));
    read_all(r);
    if (has_two) pthread_join(other, NULL);
    if (n) read_at(path, r, data + len - TAIL);
    wiki_reader_close(r);
    return 0;
}
