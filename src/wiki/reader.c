// A dump's chunks in order, unpacked side by side.
//
// Each thread takes the next block mark under the lock and unpacks its block without it. Unpacked
// blocks wait in a ring until it is their turn; whichever thread comes by then puts the former
// block's last page in front of the text and has a chunk. That page goes into address space left
// free for it, so that no block is copied; and a thread whose block is not next unpacks another
// meanwhile.
//
// Rejected: threads of our own with a queue (the callers are threads already, and would only wait);
// each thread waiting for its own block's turn (with two threads a seventh of the time).
//
//   I1  what is done in turn is done in the order of blocks; the first error in that order stays
//   I2  a taken mark that lies before the walk's place stood inside a block's data, and is dropped
//   I3  carry holds the text behind the last page start handed out, up to the last block in turn

#include "wiki/bz2.h"
#include "wiki/source.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_MAX  ((size_t)1 << 30)  // bytes of one page
#define READ_PAST ((uint64_t)32 << 20)
enum { FREE_MAX = 128, KEEP_MAX = 8 << 20, CHUNK_BYTES = 8 << 20, MEM_PAGE = 4096, RING_MAX = 96 };

typedef struct arena_list {
    arena item[FREE_MAX];
    size_t n;
} arena_list;

typedef struct task {
    uint64_t number, bit, end;
    arena text, work;
    size_t len;
    bool is_none;  // no block is left: when its turn comes, what is carried is handed out
    bool is_done;  // unpacked, or not to be: waits for its turn
    status got;
    err why;
} task;

struct wiki_reader {
    os_map file;
    bool is_packed;
    size_t chunk_bytes;
    pthread_mutex_t lock;
    pthread_cond_t turned;
    bool has_failed, at_end;
    err why;
    task ring[RING_MAX];
    size_t n_ring;  // blocks in hand at most
    uint64_t n_taken, turn, n_chunks;
    uint64_t at;  // plain: byte; packed: bit where the next mark is looked for
    uint64_t len;
    wiki__bz2_walk walk;
    arena carry;
    arena_list texts, works;
    wiki_block *blocks;
    size_t n_blocks, cap_blocks;
};

// --- Memory ----------------------------------------------------------------------------------

static status borrow(arena *a, arena_list *l, size_t reserve, err *e) {
    if (!l->n) return arena_open(a, reserve, e);
    *a = l->item[--l->n];
    return OK;
}

static void put_back(arena_list *l, arena *a) {
    if (a->base && l->n < FREE_MAX)
        l->item[l->n++] = *a;
    else
        arena_close(a);
    *a = (arena){0};
}

static void close_all(arena_list *l) {
    while (l->n)
        arena_close(&l->item[--l->n]);
}

static status add_block(wiki_reader *r, uint64_t bit, uint64_t raw, err *e) {
    if (r->n_blocks + 1 >= r->cap_blocks) {  // room for the end, too
        size_t cap = r->cap_blocks ? r->cap_blocks * 2 : 1024;
        wiki_block *p = reallocarray(r->blocks, cap, sizeof *p);
        if (!p) return err_set(e, E_MEMORY, "no memory for %zu bzip2 blocks", cap);
        r->blocks = p;
        r->cap_blocks = cap;
    }
    r->blocks[r->n_blocks++] = (wiki_block){bit, raw};
    return OK;
}

// --- Page starts -----------------------------------------------------------------------------

static bool is_page(str s) {
    return str_starts(s, STR("<page>")) || str_starts(s, STR("<page "));
}

// Offset of the last page start in s, or s.len.
static size_t last_page(str s) {
    for (size_t n = s.len; n;) {
        const char *p = memrchr(s.ptr, '<', n);
        if (!p) break;
        n = (size_t)(p - s.ptr);
        if (is_page(str_skip(s, n))) return n;
    }
    return s.len;
}

// Offset of the first page start at `from` or later, or s.len.
static size_t next_page(str s, size_t from) {
    while (from < s.len) {
        from += str_find(str_skip(s, from), STR("<page"));
        if (is_page(str_skip(s, from))) return from;
        from = min_size(from + 1, s.len);
    }
    return s.len;
}

// Whole pages of memory behind the reader, so that a pass over a large file stays small.
static void drop_behind(wiki_reader *r, uint64_t from, uint64_t to) {
    from = align_up(from, MEM_PAGE);
    to = to / MEM_PAGE * MEM_PAGE;
    if (from < to) madvise((void *)(r->file.base + from), to - from, MADV_DONTNEED);
}

// --- In turn, with the lock held -------------------------------------------------------------

static status carry_more(wiki_reader *r, str s, err *e) {
    if (s.len > PAGE_MAX - r->carry.used)
        return err_set(e, E_LIMIT, "a page of more than %zu bytes", PAGE_MAX);
    if (s.len) memcpy(r->carry.base + r->carry.used, s.ptr, s.len);
    r->carry.used += s.len;
    return OK;
}

// How many of the carried bytes belong to a page start that goes on in `text`: 0 for none.
static size_t straddle(const wiki_reader *r, str text) {
    char b[12];
    size_t n = min_size(r->carry.used, 5), m = min_size(text.len, 6);
    memcpy(b, r->carry.base + r->carry.used - n, n);
    memcpy(b + n, text.ptr, m);
    for (size_t i = 0; i < n; i++)
        if (is_page((str){b + i, n + m - i})) return n - i;
    return 0;
}

static void hand_out(wiki_chunk *c, wiki_reader *r, arena *mem, str text, uint64_t off) {
    *c = (wiki_chunk){.number = r->n_chunks++, .off = off, .text = text, .mem = *mem};
    *mem = (arena){0};
}

// The block's text joins what is carried; *has is false when no page ends in it.
static status join(bool *has, wiki_chunk *c, wiki_reader *r, task *t, err *e) {
    char *own = (char *)t->text.base + PAGE_MAX;
    str text = {own, t->len};
    uint64_t off = r->len - r->carry.used;
    size_t cut = last_page(text), over = 0;
    r->len += t->len;
    if (cut == text.len) {
        over = text.len ? straddle(r, text) : 0;
        cut = 0;
    }
    size_t n = r->carry.used - over;
    *has = n + cut > 0 && (cut || over);
    if (!*has) return carry_more(r, text, e);
    memcpy(own - n, r->carry.base, n);
    if (over) memmove(r->carry.base, r->carry.base + n, over);
    r->carry.used = over;
    if (n > KEEP_MAX) madvise(r->carry.base + MEM_PAGE, PAGE_MAX - MEM_PAGE, MADV_DONTNEED);
    TRY(carry_more(r, str_skip(text, cut), e));
    hand_out(c, r, &t->text, (str){own - n, n + cut}, off);
    return OK;
}

static status finish(bool *has, wiki_chunk *c, wiki_reader *r, task *t, err *e) {
    *has = false;
    if (r->at_end) return OK;
    uint64_t end = (uint64_t)r->file.len * 8;
    if (r->walk.bit < end)
        return err_set(e, E_FORMAT, "byte %llu: a bzip2 block that cannot be found",
                       (unsigned long long)(r->walk.bit / 8));
    TRY(add_block(r, end, r->len, e));
    r->at_end = true;
    size_t n = r->carry.used;
    if (!n) return OK;
    memcpy(t->text.base, r->carry.base, n);
    hand_out(c, r, &t->text, (str){(char *)t->text.base, n}, r->len - n);
    c->is_last = true;
    *has = true;
    return OK;
}

static status in_turn(bool *has, wiki_chunk *c, wiki_reader *r, task *t, err *e) {
    *has = false;
    if (t->is_none) return finish(has, c, r, t, e);
    if (t->bit < r->walk.bit) return OK;  // I2
    if (t->bit > r->walk.bit)
        return err_set(e, E_FORMAT, "byte %llu: a damaged bzip2 block",
                       (unsigned long long)(r->walk.bit / 8));
    if (t->got) return err_set(e, t->got, "%s", t->why.msg);
    TRY(add_block(r, t->bit, r->len, e));
    TRY(wiki__bz2_step(&r->walk, os_map_str(&r->file), t->end, e));
    TRY(join(has, c, r, t, e));
    r->blocks[r->n_blocks] = (wiki_block){r->walk.bit, r->len};  // the end of what is read so far
    return OK;
}

static status fail(wiki_reader *r, status s, err *e) {
    if (!r->has_failed) {
        r->has_failed = true;
        err_set(&r->why, s, "%s", e->msg);
        pthread_cond_broadcast(&r->turned);
    }
    return err_set(e, r->why.code, "%s", r->why.msg);
}

// --- Packed ----------------------------------------------------------------------------------

static status take(task *t, wiki_reader *r, err *e) {
    *t = (task){0};
    bool is_none = r->at == WIKI__NO_BIT;
    TRY(borrow(&t->text, &r->texts, PAGE_MAX + WIKI__RAW_MAX, e));
    status s = r->works.n || is_none ? OK : wiki__bz2_work_open(&t->work, e);
    if (s) return put_back(&r->texts, &t->text), s;
    if (r->works.n && !is_none) t->work = r->works.item[--r->works.n];
    t->number = r->n_taken++;
    t->bit = is_none ? r->at : wiki__bz2_find(os_map_str(&r->file), r->at, false);
    t->is_none = t->is_done = t->bit == WIKI__NO_BIT;
    r->at = t->is_none ? WIKI__NO_BIT : t->bit + 48;
    return OK;
}

// Takes the next block and unpacks it, with the lock let go.
static status unpack_one(wiki_reader *r, err *e) {
    task *t = &r->ring[r->n_taken % r->n_ring];
    TRY(take(t, r, e));
    if (t->is_none) return OK;
    pthread_mutex_unlock(&r->lock);
    t->len = WIKI__RAW_MAX;
    t->got = wiki__bz2_unpack(&t->len, &t->end, t->text.base + PAGE_MAX, os_map_str(&r->file),
                              t->bit, &t->work, &t->why);
    pthread_mutex_lock(&r->lock);
    put_back(&r->works, &t->work);
    t->is_done = true;
    pthread_cond_broadcast(&r->turned);
    return OK;
}

// The block whose turn it is, unpacked.
static status take_turn(bool *has, wiki_chunk *c, wiki_reader *r, err *e) {
    task *t = &r->ring[r->turn % r->n_ring];
    uint64_t before = r->walk.bit / 8;
    status s = in_turn(has, c, r, t, e);
    drop_behind(r, before, r->walk.bit / 8);
    put_back(&r->texts, &t->text);
    t->is_done = false;
    r->turn++;
    pthread_cond_broadcast(&r->turned);
    return s;
}

static status next_packed(bool *more, wiki_chunk *c, wiki_reader *r, err *e) {
    for (*more = false; !*more && !r->at_end;) {
        if (r->has_failed) return r->why.code;
        bool is_next_done = r->turn < r->n_taken && r->ring[r->turn % r->n_ring].is_done;
        bool is_all_taken = r->n_taken > 0 && r->at == WIKI__NO_BIT;
        if (is_next_done)
            TRY(take_turn(more, c, r, e));
        else if (!is_all_taken && r->n_taken - r->turn < r->n_ring)
            TRY(unpack_one(r, e));
        else
            pthread_cond_wait(&r->turned, &r->lock);
    }
    return r->has_failed ? r->why.code : OK;
}

// --- Plain -----------------------------------------------------------------------------------

static status next_plain(bool *more, wiki_chunk *c, wiki_reader *r, err *e) {
    str file = os_map_str(&r->file);
    *more = r->at < file.len;
    if (!*more) return OK;
    str rest = str_first(str_skip(file, r->at), r->chunk_bytes + PAGE_MAX);
    size_t n = next_page(rest, min_size(r->chunk_bytes, rest.len));
    if (n == rest.len && r->at + n < file.len)
        return err_set(e, E_LIMIT, "byte %llu: a page of more than %zu bytes",
                       (unsigned long long)r->at, PAGE_MAX);
    arena none = {0};
    hand_out(c, r, &none, str_first(rest, n), r->at);
    r->at += n;
    r->len = r->at;
    c->is_last = r->at == file.len;
    size_t from = r->at / MEM_PAGE * MEM_PAGE;
    size_t ahead = min_size(READ_PAST, file.len - from);
    if (ahead) madvise((void *)(r->file.base + from), ahead, MADV_WILLNEED);
    return OK;
}

// --- Contract --------------------------------------------------------------------------------

static status start(wiki_reader *r, const wiki_reader_options *o, err *e) {
    TRY(os_map_open(&r->file, o->path, OS_MAP_SEQUENTIAL, e));
    r->is_packed = wiki_source_is_packed(&r->file);
    r->chunk_bytes = o->chunk_bytes ? min_size(o->chunk_bytes, PAGE_MAX) : CHUNK_BYTES;
    if (!r->is_packed) return OK;
    TRY(arena_open(&r->carry, PAGE_MAX, e));
    status s = wiki__bz2_settle(&r->walk, os_map_str(&r->file), e);
    r->n_ring = min_size(2 * (size_t)(o->n_threads > 0 ? o->n_threads : 1) + 2, RING_MAX);
    return s ? err_in(e, "%s", o->path) : OK;
}

status wiki_reader_open(wiki_reader **out, const wiki_reader_options *o, err *e) {
    wiki_reader *r = calloc(1, sizeof *r);
    *out = NULL;
    if (!r) return err_set(e, E_MEMORY, "no memory for a reader");
    r->file.fd = -1;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->turned, NULL);
    status s = start(r, o, e);
    if (s) return wiki_reader_close(r), s;
    *out = r;
    return OK;
}

void wiki_reader_close(wiki_reader *r) {
    if (!r) return;
    os_map_close(&r->file);
    arena_close(&r->carry);
    for (size_t i = 0; i < RING_MAX; i++)
        arena_close(&r->ring[i].text);
    close_all(&r->texts);
    close_all(&r->works);
    pthread_cond_destroy(&r->turned);
    pthread_mutex_destroy(&r->lock);
    free(r->blocks);
    free(r);
}

status wiki_reader_next(bool *more, wiki_chunk *c, wiki_reader *r, err *e) {
    err why = {0};
    pthread_mutex_lock(&r->lock);
    status s = r->has_failed  ? r->why.code
               : r->is_packed ? next_packed(more, c, r, &why)
                              : next_plain(more, c, r, &why);
    if (s) {
        *more = false;
        s = fail(r, s, &why);
        err_set(e, s, "%s: %s", r->file.path, r->why.msg);
    }
    pthread_mutex_unlock(&r->lock);
    return s;
}

void wiki_reader_give_back(wiki_reader *r, wiki_chunk *c) {
    if (!c->mem.base) {
        uint64_t from = c->text.len ? (uint64_t)((const uint8_t *)c->text.ptr - r->file.base) : 0;
        drop_behind(r, from, from + c->text.len);
    } else {
        if (c->text.len > KEEP_MAX) madvise(c->mem.base, c->mem.reserve, MADV_DONTNEED);
        pthread_mutex_lock(&r->lock);
        put_back(&r->texts, &c->mem);
        pthread_mutex_unlock(&r->lock);
    }
    *c = (wiki_chunk){0};
}

const os_map *wiki_reader_file(const wiki_reader *r) {
    return &r->file;
}

uint64_t wiki_reader_packed_at(const wiki_reader *r) {
    wiki_reader *w = (wiki_reader *)r;
    pthread_mutex_lock(&w->lock);
    uint64_t at = r->is_packed ? r->walk.bit / 8 : r->at;
    pthread_mutex_unlock(&w->lock);
    return at;
}

uint64_t wiki_reader_len(const wiki_reader *r) {
    return r->len;
}

const wiki_block *wiki_reader_blocks(size_t *n, const wiki_reader *r) {
    *n = r->at_end && r->n_blocks ? r->n_blocks - 1 : r->n_blocks;
    return r->blocks;
}
