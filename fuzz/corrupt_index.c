// Damages a good index N times and looks everything up in what is still taken for one: `make
// corrupt`. Half of the cases get their checksums made right again. A crash or a case of over a
// second fails.
//
//   corrupt_index N [SEED [CASE]]     CASE: only this one, to look at it

#include "fuzz/index.h"

#include <stdlib.h>

enum { CASE_MS = 1000 };

static uint64_t state;

static uint32_t dice(uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

static uint32_t somewhere(const index_case *c) {
    return dice((uint32_t)c->n_good);
}

static size_t flip_bytes(index_case *c) {
    for (uint32_t n = 1 + dice(8); n--;)
        c->file[somewhere(c)] ^= (uint8_t)(1u << dice(8));
    return c->n_good;
}

static size_t put_bytes(index_case *c) {
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
    uint32_t at = somewhere(c), n = 1 + dice(64);
    uint8_t byte = odd[dice(countof(odd))];
    for (uint32_t i = at; i < at + n && i < c->n_good; i++)
        c->file[i] = dice(4) ? byte : (uint8_t)dice(256);
    return c->n_good;
}

static size_t cut(index_case *c) {
    size_t n = somewhere(c);
    uint64_t len = n;
    if (dice(2) && n >= sizeof(store_header))  // the header agrees
        memcpy(c->file + offsetof(store_header, file_len), &len, sizeof len);
    return n;
}

static size_t swap_sections(index_case *c) {
    store_section a, b;
    size_t at = offsetof(store_header, section) + dice(WIKI__SECTIONS) * sizeof a;
    size_t to = offsetof(store_header, section) + dice(WIKI__SECTIONS) * sizeof a;
    memcpy(&a, c->file + at, sizeof a);
    memcpy(&b, c->file + to, sizeof b);
    memcpy(c->file + at, &b, sizeof b);
    memcpy(c->file + to, &a, sizeof a);
    return c->n_good;
}

static size_t change_section(index_case *c) {
    store_section s;
    size_t at = offsetof(store_header, section) + dice(WIKI__SECTIONS) * sizeof s;
    memcpy(&s, c->file + at, sizeof s);
    if (dice(2))
        s.len = dice(4) ? s.len / (1 + dice(4)) + dice(16) : dice(UINT32_MAX);
    else
        s.off = dice(4) ? s.off / (1 + dice(3)) / STORE_ALIGN * STORE_ALIGN : dice(UINT32_MAX);
    memcpy(c->file + at, &s, sizeof s);
    return c->n_good;
}

static size_t copy_run(index_case *c) {
    uint32_t n = 1 + dice(512), from = somewhere(c), to = somewhere(c);
    n = (uint32_t)min_size(n, c->n_good - (from > to ? from : to));
    memmove(c->file + to, c->file + from, n);
    return c->n_good;
}

// The start of a section: counts and widths stand there.
static size_t change_head(index_case *c) {
    store_section s;
    memcpy(&s, c->file + offsetof(store_header, section) + dice(WIKI__SECTIONS) * sizeof s,
           sizeof s);
    for (uint32_t n = 1 + dice(3); n-- && s.len;)
        c->file[s.off + dice((uint32_t)min_size(s.len, 128))] = (uint8_t)dice(256);
    return c->n_good;
}

int main(int argc, char **argv) {
    static size_t (*const ways[])(index_case *) = {
        flip_bytes, put_bytes, cut, swap_sections, change_section, copy_run, change_head};
    static index_case c;
    long n = argc > 1 ? atol(argv[1]) : 1000, only = argc > 3 ? atol(argv[3]) : -1, used = 0;
    uint64_t seed = argc > 2 ? (uint64_t)atoll(argv[2]) : 1;
    int64_t slowest = 0;
    index_case_open(&c);
    for (long i = 0; i < n; i++) {
        if (only >= 0 && i != only) continue;
        state = seed * 1000003 + (uint64_t)i;
        (void)dice(2);
        memcpy(c.file, c.good, c.n_good);
        size_t len = ways[dice(countof(ways))](&c);
        if (dice(2)) index_case_mend(c.file, len);
        int64_t start = os_now_ns();
        alarm(20);  // ends a case that hangs
        used += index_case_run(&c, len);
        int64_t took = os_now_ns() - start;
        if (took > slowest) slowest = took;
        if (took / 1000000 < CASE_MS) continue;
        fprintf(stderr, "case %ld of seed %llu took %lld ms\n", i, (unsigned long long)seed,
                (long long)took / 1000000);
        return 1;
    }
    printf("%ld damaged indexes: %ld refused, %ld looked through without harm, slowest %lld ms\n",
           n, n - used, used, (long long)slowest / 1000000);
    return 0;
}
