// External merge sort: runs are sorted in memory, written front-coded to one unnamed file, and
// merged through a heap.
//
// Records grow from the front of one block of memory, 16-byte entries from its back, so that one
// budget serves short records and long ones. Entries are sorted by three-way quicksort over the
// next 8 bytes as a number (multikey quicksort): titles share long beginnings ("Category:"), and
// each byte is looked at about once. The last, unwritten run is merged from memory as it stands.
// Rejected: one file per run (handles), replacement selection (slower on today's caches), a stable
// sort (equal records are the same bytes).
//
//   S1  a pivot is chosen by a generator of its own: no input makes the sort quadratic on purpose
//   S2  of every level at most FAN - 1 runs wait: a merge reads few runs however small the memory
//   S3  runs are never changed while a merge is open; opening one writes nothing

#include "store/sort.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FAN = 64,
    RUNS_MAX = FAN * 8,
    LEAST = 1 << 20,
    SMALL = 12,  // entries that insertion sorts
    WRITE_BUF = 64 << 10,
    READ_MIN = 4 << 10,
    READ_MAX = 1 << 20,
    AHEAD = 8,
    FRAME = 4,  // bytes shared with the record before, bytes that follow
};

typedef struct entry {
    uint64_t head;  // 8 bytes of the record from the depth being sorted, big endian
    uint32_t at, len;
} entry;

typedef struct run {
    uint64_t off, len;  // in the file
    int level;
} run;

struct store_sort {
    arena mem;
    const char *dir;
    uint8_t *recs;
    size_t n_recs;  // bytes
    size_t room;    // bytes, of records and entries together
    size_t n;       // entries in memory; entry i is at end[-1 - i] until sorted
    bool is_sorted;
    entry *end;
    uint64_t count, spilled;
    uint64_t rng;
    int fd;
    int n_runs;
    run runs[RUNS_MAX];
    char *out;  // WRITE_BUF, while a run is written
    size_t n_out;
};

// --- Temporary files -------------------------------------------------------------------------

int store_temp(const char *dir, err *e) {
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return fd;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
        err_sys(e, "%s: temporary file", dir);
        return -1;
    }
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/.plpd-XXXXXX", dir);
    if (n < 0 || (size_t)n >= sizeof path) {
        err_set(e, E_LIMIT, "path of %zu bytes, limit %zu", strlen(dir), sizeof path);
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        err_sys(e, "%s: temporary file", dir);
    else
        unlink(path);
    return fd;
}

// --- In memory -------------------------------------------------------------------------------

static entry *entries(const store_sort *s) {
    return s->end - s->n;
}

static uint64_t head_at(const store_sort *s, const entry *x, uint32_t depth) {
    uint64_t h = 0;
    if (x->len - depth >= 8)
        memcpy(&h, s->recs + x->at + depth, 8);
    else
        memcpy(&h, s->recs + x->at + depth, x->len - depth);
    return __builtin_bswap64(h);
}

static void swap(entry *a, entry *b) {
    entry t = *a;
    *a = *b, *b = t;
}

static int cmp_from(const store_sort *s, const entry *a, const entry *b, uint32_t depth) {
    if (a->head != b->head) return a->head < b->head ? -1 : 1;
    const char *base = (const char *)s->recs + depth;
    return str_cmp((str){base + a->at, a->len - depth}, (str){base + b->at, b->len - depth});
}

static void insertion(const store_sort *s, entry *x, size_t n, uint32_t depth) {
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k && cmp_from(s, &x[k - 1], &x[k], depth) > 0; k--)
            swap(&x[k - 1], &x[k]);
}

static uint64_t pivot(store_sort *s, const entry *x, size_t n) {
    uint64_t p[3];
    for (int i = 0; i < 3; i++) {
        s->rng = s->rng * 6364136223846793005u + 1442695040888963407u;  // S1
        p[i] = x[(s->rng >> 33) % n].head;
    }
    uint64_t lo = p[0] < p[1] ? p[0] : p[1], hi = p[0] < p[1] ? p[1] : p[0];
    return p[2] < lo ? lo : p[2] > hi ? hi : p[2];
}

// All ended within the same 8 bytes: at most 9 lengths.
static void by_len(entry *x, size_t n) {
    for (size_t at = 0; at < n;) {
        uint32_t least = UINT32_MAX;
        for (size_t i = at; i < n; i++)
            if (x[i].len < least) least = x[i].len;
        for (size_t i = at; i < n; i++)
            if (x[i].len == least) swap(&x[i], &x[at++]);
    }
}

typedef struct part {
    entry *x;
    size_t n;
    uint32_t depth;
} part;

// Entries whose 8 bytes are equal: those that end here first, the rest sorted by what follows.
static part equal_part(const store_sort *s, entry *x, size_t n, uint32_t depth) {
    size_t ended = 0;
    for (size_t i = 0; i < n; i++)
        if (x[i].len <= depth + 8) swap(&x[i], &x[ended++]);
    by_len(x, ended);
    part p = {x + ended, n - ended, depth + 8};
    for (size_t i = 0; i < p.n; i++)
        p.x[i].head = head_at(s, &p.x[i], p.depth);
    return p;
}

// The largest of the three parts is left for the loop, so that the stack stays at log2(n) frames.
static void sort_part(store_sort *s, part p) {
    while (p.n > SMALL) {
        uint64_t mid = pivot(s, p.x, p.n);
        size_t lo = 0, hi = p.n;
        for (size_t i = 0; i < hi;) {
            uint64_t h = p.x[i].head;
            if (h < mid)
                swap(&p.x[i++], &p.x[lo++]);
            else if (h > mid)
                swap(&p.x[i], &p.x[--hi]);
            else
                i++;
        }
        part parts[3] = {{p.x, lo, p.depth},
                         equal_part(s, p.x + lo, hi - lo, p.depth),
                         {p.x + hi, p.n - hi, p.depth}};
        size_t largest = 0;
        for (size_t i = 1; i < 3; i++)
            if (parts[i].n > parts[largest].n) largest = i;
        for (size_t i = 0; i < 3; i++)
            if (i != largest) sort_part(s, parts[i]);
        p = parts[largest];
    }
    insertion(s, p.x, p.n, p.depth);
}

static void sort_memory(store_sort *s) {
    entry *x = entries(s);
    if (s->is_sorted) return;
    s->is_sorted = true;
    for (size_t i = 0; i < s->n; i++)
        x[i].head = head_at(s, &x[i], 0);
    sort_part(s, (part){x, s->n, 0});
}

static str record_of(const store_sort *s, const entry *x) {
    return (str){(const char *)s->recs + x->at, x->len};
}

// --- Runs ------------------------------------------------------------------------------------

static status write_all(store_sort *s, const char *p, size_t len, err *e) {
    while (len) {
        ssize_t n = write(s->fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return err_sys(e, "%s: temporary file of %llu bytes", s->dir,
                           (unsigned long long)s->spilled);
        p += n, len -= (size_t)n;
        s->spilled += (uint64_t)n;
    }
    return OK;
}

static status flush(store_sort *s, err *e) {
    size_t n = s->n_out;
    s->n_out = 0;
    return write_all(s, s->out, n, e);
}

static size_t shared_len(str a, str b) {
    size_t n = min_size(a.len, b.len), i = 0;
    while (i < n && a.ptr[i] == b.ptr[i])
        i++;
    return i;
}

static status write_record(store_sort *s, str before, str rec, err *e) {
    uint16_t shared = (uint16_t)shared_len(before, rec);
    uint16_t rest = (uint16_t)(rec.len - shared);
    if (s->n_out + FRAME + rest > WRITE_BUF) TRY(flush(s, e));
    char *to = s->out + s->n_out;
    memcpy(to, &shared, 2);
    memcpy(to + 2, &rest, 2);
    if (rest) memcpy(to + FRAME, rec.ptr + shared, rest);
    s->n_out += FRAME + (size_t)rest;
    return OK;
}

static status begin_run(run *r, store_sort *s, err *e) {
    if (s->fd < 0 && (s->fd = store_temp(s->dir, e)) < 0) return e ? e->code : E_IO;
    *r = (run){.off = s->spilled};
    s->n_out = 0;
    return OK;
}

static status end_run(store_sort *s, run r, err *e) {
    TRY(flush(s, e));
    r.len = s->spilled - r.off;
    s->runs[s->n_runs++] = r;
    return OK;
}

static status write_memory(store_sort *s, err *e) {
    run r;
    TRY(begin_run(&r, s, e));
    sort_memory(s);
    str before = {0};
    const entry *x = entries(s);
    for (size_t i = 0; i < s->n; i++) {
        str rec = record_of(s, &x[i]);
        TRY(write_record(s, before, rec, e));
        before = rec;
    }
    s->n = s->n_recs = 0;
    return end_run(s, r, e);
}

// --- Merge -----------------------------------------------------------------------------------

typedef struct lane {
    uint64_t head;
    str rec;
    const store_sort *sort;
    const entry *next, *stop;  // from memory
    uint64_t off, left;        // in the file, not yet in buf
    char *buf, *cur;
    size_t at, n_buf;
} lane;

struct store_merge {
    arena mem;
    size_t buf_len;
    lane *lanes;
    lane **heap;
    size_t n;
    bool is_started;
};

static status damaged(err *e) {
    return err_set(e, E_IO, "a temporary file is not what was written to it");
}

// Makes `want` bytes readable at l->buf + l->at.
static status lane_fill(lane *l, size_t want, size_t cap, err *e) {
    if (l->n_buf - l->at >= want) return OK;
    memmove(l->buf, l->buf + l->at, l->n_buf - l->at);
    l->n_buf -= l->at, l->at = 0;
    while (l->n_buf < want) {
        size_t room = min_size(cap - l->n_buf, l->left);
        if (!room) return damaged(e);
        ssize_t n = pread(l->sort->fd, l->buf + l->n_buf, room, (off_t)l->off);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_sys(e, "%s: temporary file", l->sort->dir);
        if (n == 0) return damaged(e);
        l->n_buf += (size_t)n, l->off += (size_t)n, l->left -= (size_t)n;
    }
    return OK;
}

static status read_record(lane *l, size_t cap, err *e) {
    uint16_t shared, rest;
    TRY(lane_fill(l, FRAME, cap, e));
    memcpy(&shared, l->buf + l->at, 2);
    memcpy(&rest, l->buf + l->at + 2, 2);
    l->at += FRAME;
    if (shared > l->rec.len || (size_t)shared + rest > STORE_RECORD_MAX) return damaged(e);
    size_t to = shared;
    l->rec = (str){l->cur, (size_t)shared + rest};
    for (size_t n; to < l->rec.len; to += n) {
        TRY(lane_fill(l, 1, cap, e));
        n = min_size(l->rec.len - to, l->n_buf - l->at);
        memcpy(l->cur + to, l->buf + l->at, n);
        l->at += n;
    }
    return OK;
}

// Records lie in the order they came, so the ones after this are fetched before they are needed.
static str from_memory(lane *l) {
    if (l->stop - l->next > AHEAD) __builtin_prefetch(l->sort->recs + l->next[AHEAD].at);
    return record_of(l->sort, l->next++);
}

static status lane_next(bool *more, lane *l, size_t cap, err *e) {
    *more = l->buf ? l->left || l->at < l->n_buf : l->next < l->stop;
    if (!*more) return OK;
    if (l->buf)
        TRY(read_record(l, cap, e));
    else
        l->rec = from_memory(l);
    uint64_t h = 0;
    memcpy(&h, l->rec.ptr, min_size(l->rec.len, 8));
    l->head = __builtin_bswap64(h);
    return OK;
}

static bool is_before(const lane *a, const lane *b) {
    return a->head != b->head ? a->head < b->head : str_cmp(a->rec, b->rec) < 0;
}

static void sift_down(store_merge *m, size_t i) {
    lane *x = m->heap[i];
    for (size_t kid; (kid = 2 * i + 1) < m->n; i = kid) {
        if (kid + 1 < m->n && is_before(m->heap[kid + 1], m->heap[kid])) kid++;
        if (!is_before(m->heap[kid], x)) break;
        m->heap[i] = m->heap[kid];
    }
    m->heap[i] = x;
}

static void add_runs(store_merge *m, const store_sort *s, int first_run) {
    for (int i = first_run; i < s->n_runs; i++) {
        lane *l = &m->lanes[m->n++];
        *l = (lane){.sort = s, .off = s->runs[i].off, .left = s->runs[i].len};
        l->buf = arena_alloc(&m->mem, m->buf_len + STORE_RECORD_MAX);
        l->cur = l->buf + m->buf_len;
        l->rec.ptr = l->cur;
    }
}

static status fill_heap(store_merge *m, err *e) {
    size_t n = m->n;
    m->n = 0;
    for (size_t i = 0; i < n; i++) {
        bool more;
        TRY(lane_next(&more, &m->lanes[i], m->buf_len, e));
        if (more) m->heap[m->n++] = &m->lanes[i];
    }
    for (size_t i = m->n / 2; i-- > 0;)
        sift_down(m, i);
    return OK;
}

// Room for `runs` runs from files and `others` from memory. Buffers are touched as they are filled.
static status merge_new(store_merge **out, size_t runs, size_t others, size_t memory, err *e) {
    arena mem;
    size_t share = memory / (runs + 1);
    size_t buf_len = min_size(max_size(share, READ_MIN), READ_MAX);
    size_t per_run = buf_len + STORE_RECORD_MAX + 64;
    size_t all = runs + others;
    TRY(arena_open(&mem, runs * per_run + (all + 1) * (sizeof(lane) + 64) + (64 << 10), e));
    store_merge *m = arena_new(&mem, store_merge);
    m->lanes = arena_array(&mem, lane, all + 1);
    m->heap = arena_array(&mem, lane *, all + 1);
    m->buf_len = buf_len;
    m->mem = mem;
    *out = m;
    return OK;
}

status store_merge_open(store_merge **out, store_sort **sorts, size_t n, size_t memory, err *e) {
    *out = NULL;
    size_t runs = 0;
    for (size_t i = 0; i < n; i++)
        runs += (size_t)sorts[i]->n_runs;
    store_merge *m;
    TRY(merge_new(&m, runs, n, memory, e));
    for (size_t i = 0; i < n; i++) {
        add_runs(m, sorts[i], 0);
        sort_memory(sorts[i]);
        const entry *x = entries(sorts[i]);
        m->lanes[m->n++] = (lane){.sort = sorts[i], .next = x, .stop = x + sorts[i]->n};
    }
    status s = fill_heap(m, e);
    if (s)
        store_merge_close(m);
    else
        *out = m;
    return s;
}

status store_merge_next(bool *more, str *rec, store_merge *m, err *e) {
    if (m->is_started && m->n) {
        bool lane_more;
        TRY(lane_next(&lane_more, m->heap[0], m->buf_len, e));
        if (!lane_more) m->heap[0] = m->heap[--m->n];
        if (m->n) sift_down(m, 0);
    }
    m->is_started = true;
    *more = m->n > 0;
    if (*more) *rec = m->heap[0]->rec;
    return OK;
}

void store_merge_close(store_merge *m) {
    if (!m) return;
    arena mem = m->mem;
    arena_close(&mem);
}

// --- Levels ----------------------------------------------------------------------------------

static status merge_into_run(store_sort *s, store_merge *m, err *e) {
    run r;
    TRY(fill_heap(m, e));
    TRY(begin_run(&r, s, e));
    char last[STORE_RECORD_MAX];
    str before = {last, 0}, rec;
    for (bool more = true; more;) {
        TRY(store_merge_next(&more, &rec, m, e));
        if (!more) break;
        TRY(write_record(s, before, rec, e));
        memcpy(last, rec.ptr, rec.len);
        before.len = rec.len;
    }
    int first = s->n_runs - FAN;
    r.level = s->runs[first].level + 1;
    for (int i = first; i < s->n_runs; i++)  // the space comes back where the file system can
        (void)!fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)s->runs[i].off,
                         (off_t)s->runs[i].len);
    s->n_runs = first;
    return end_run(s, r, e);
}

static bool has_full_level(const store_sort *s) {
    return s->n_runs >= FAN && s->runs[s->n_runs - FAN].level == s->runs[s->n_runs - 1].level;
}

static status merge_level(store_sort *s, err *e) {
    store_merge *m;
    TRY(merge_new(&m, FAN, 0, s->room / 4, e));
    add_runs(m, s, s->n_runs - FAN);
    status st = merge_into_run(s, m, e);
    store_merge_close(m);
    return st;
}

static status spill(store_sort *s, err *e) {
    if (!s->n) return OK;
    TRY(write_memory(s, e));
    while (has_full_level(s))  // S2
        TRY(merge_level(s, e));
    return s->n_runs < RUNS_MAX ? OK
                                : err_set(e, E_LIMIT, "too much to sort in %zu bytes", s->room);
}

// --- Open, add -------------------------------------------------------------------------------

status store_sort_open(store_sort **out, const char *dir, size_t memory, err *e) {
    *out = NULL;
    arena mem;
    memory = min_size(max_size(memory, LEAST), UINT32_MAX);
    TRY(arena_open(&mem, memory, e));
    store_sort *s = arena_new(&mem, store_sort);
    s->dir = arena_cstr(&mem, str_of(dir));
    s->out = arena_alloc(&mem, WRITE_BUF);
    s->room = align_up(arena_room(&mem) - 15, 16) - 16;
    mem.used = align_up(mem.used, 16);
    s->recs = mem.base + mem.used;
    s->end = (entry *)(s->recs + s->room);
    s->rng = 0x2545f4914f6cdd1d;
    s->fd = -1;
    s->mem = mem;
    *out = s;
    return OK;
}

void store_sort_close(store_sort *s) {
    if (!s) return;
    if (s->fd >= 0) close(s->fd);
    arena mem = s->mem;
    arena_close(&mem);
}

status store_sort_add(store_sort *s, const void *rec, size_t len, err *e) {
    if (len > STORE_RECORD_MAX)
        return err_set(e, E_LIMIT, "record of %zu bytes, limit %d", len, STORE_RECORD_MAX);
    if (s->n_recs + len + (s->n + 1) * sizeof(entry) > s->room) TRY(spill(s, e));
    if (len) memcpy(s->recs + s->n_recs, rec, len);
    s->n++;
    s->is_sorted = false;
    *entries(s) = (entry){.at = (uint32_t)s->n_recs, .len = (uint32_t)len};
    s->n_recs += len;
    s->count++;
    return OK;
}

void store_sort_settle(store_sort *s) {
    sort_memory(s);
}

uint64_t store_sort_count(const store_sort *s) {
    return s->count;
}

uint64_t store_sort_spilled(const store_sort *s) {
    return s->spilled;
}
