// Verifying: the dump is walked again and the index asked about every page, through the same
// look-ups as everybody's.
//
// Chunks are checked side by side, as the build reads them; what they find is added up under a
// lock.
//
//   V1  what the index says is compared with what the dump says, never with what the build
//       remembered
//   V2  of several errors the one nearest to the dump's start is told

#include "os/clock.h"
#include "os/cpu.h"
#include "wiki/build.h"

#include <bzlib.h>
#include <errno.h>
#include <stdio.h>

enum {
    LINE_MAX_BYTES = 16 << 10,
    PACKED = 64 << 10,
    SCRATCH = 64 << 10,
    SCRATCH_LEAST = 16 << 20,
    SCRATCH_KEEP = 4 << 20,
    TOLD_NS = 200 * 1000 * 1000,
};

typedef struct verifier {
    const wiki_build_options *o;
    wiki_verify_result *result;
    wiki_index *ix;
    wiki_reader *reader;
    wiki_site site;
    arena perm;
    int64_t start_ns, told_ns;
    pthread_mutex_t lock;
    _Atomic(uint64_t) failed_at;
    err e;
} verifier;

// A thread's share.
typedef struct checker {
    verifier *v;
    arena scratch;
    wiki_verify_result found;
    err e;
} checker;

static void complain(checker *c, str title, const char *why) {
    verifier *v = c->v;
    if (!v->o->bad_page) return;
    pthread_mutex_lock(&v->lock);
    v->o->bad_page(v->o->arg, title, why);
    pthread_mutex_unlock(&v->lock);
}

// --- Pages -----------------------------------------------------------------------------------

static bool is_bad_sha1(checker *c, const wiki__page *p, arena a) {
    str want = str_trim(p->sha1);
    char got[WIKI__SHA1_DIGITS];
    if (!p->has_text || !want.len) {
        c->found.n_without_sha1++;
        return false;
    }
    str text = wiki_decode_entities(p->text, &a);
    return !wiki__sha1(got, text) || !str_eq(want, (str){got, sizeof got});
}

// Of equal titles the index has the last; the others are right when it lies behind them.
static bool agrees(const wiki_page *in, const wiki__page *p, bool is_bad) {
    if (in->off != p->off) return in->off > p->off;
    return in->len == p->len && in->ns == wiki__ns_key(p->ns) && in->id == wiki__page_id(p->id) &&
           in->is_redirect == p->is_redirect && in->is_bad_sha1 == is_bad;
}

static status make_room(checker *c, const wiki__page *p) {
    size_t need = p->title.len + p->text.len + SCRATCH;
    if (need <= c->scratch.reserve) return OK;
    arena_close(&c->scratch);
    return arena_open(&c->scratch, max_size(need, SCRATCH_LEAST), &c->e);
}

static status check_page(checker *c, const wiki__page *p) {
    TRY(make_room(c, p));
    arena a = c->scratch;
    str title = wiki_decode_entities(p->title, &a);
    bool is_bad = is_bad_sha1(c, p, a);
    c->found.n_pages++;
    c->found.n_bad_sha1 += is_bad;
    if (is_bad) complain(c, title, "its text does not match its sha1");
    int64_t rank = wiki_index_find(c->v->ix, title);
    wiki_page in;
    if (rank != WIKI_NO_RANK) wiki_index_get(&in, c->v->ix, rank, &a);
    if (rank != WIKI_NO_RANK && agrees(&in, p, is_bad)) return OK;
    c->found.n_missing++;
    complain(c, title,
             rank == WIKI_NO_RANK ? "it is not in the index" : "the index is wrong about it");
    return OK;
}

static bool is_cancelled(const verifier *v) {
    return v->o->cancel && atomic_load_explicit(v->o->cancel, memory_order_relaxed);
}

static status check_chunk(checker *c, const wiki_chunk *chunk) {
    verifier *v = c->v;
    wiki__dump d;
    TRY(wiki__chunk_dump(&d, chunk, &v->site, &v->perm, &c->e));
    for (bool more = true; more;) {
        wiki__page p;
        TRY(wiki__dump_next(&more, &p, &d, &c->e));
        if (more) TRY(check_page(c, &p));
        if (is_cancelled(v)) return err_set(&c->e, E_CANCELLED, "verifying was cancelled");
    }
    c->scratch.used = min_size(c->scratch.reserve, chunk->text.len);
    arena_reset(&c->scratch, SCRATCH_KEEP);
    return OK;
}

// --- Side by side ----------------------------------------------------------------------------

static void add_up(checker *c) {
    wiki_verify_result *to = c->v->result, *from = &c->found;
    to->n_pages += from->n_pages;
    to->n_bad_sha1 += from->n_bad_sha1;
    to->n_without_sha1 += from->n_without_sha1;
    to->n_missing += from->n_missing;
    to->n_stream_lines += from->n_stream_lines;
    to->n_stream_missing += from->n_stream_missing;
    *from = (wiki_verify_result){0};
}

static void tell(checker *c, bool is_due) {
    verifier *v = c->v;
    int64_t now = os_now_ns();
    pthread_mutex_lock(&v->lock);
    add_up(c);
    if (v->o->progress && (is_due || now - v->told_ns >= TOLD_NS)) {
        v->told_ns = now;
        wiki_progress p = {wiki_reader_packed_at(v->reader), wiki_reader_file(v->reader)->len,
                           v->result->n_pages, os_seconds_since(v->start_ns), "verifying"};
        v->o->progress(v->o->arg, &p);
    }
    pthread_mutex_unlock(&v->lock);
}

static void fail(checker *c, uint64_t chunk) {
    verifier *v = c->v;
    pthread_mutex_lock(&v->lock);
    if (chunk < atomic_load(&v->failed_at)) {  // V2
        atomic_store(&v->failed_at, chunk);
        v->e = c->e;
    }
    pthread_mutex_unlock(&v->lock);
}

static void check_chunks(checker *c) {
    verifier *v = c->v;
    while (atomic_load(&v->failed_at) == UINT64_MAX) {
        wiki_chunk chunk;
        bool more;
        if (wiki_reader_next(&more, &chunk, v->reader, &c->e)) return fail(c, UINT64_MAX - 1);
        if (!more) return;
        if (check_chunk(c, &chunk)) fail(c, chunk.number);
        tell(c, chunk.is_last);
        wiki_reader_give_back(v->reader, &chunk);
    }
}

static void run_checker(void *arg, size_t i) {
    (void)i;
    checker c = {.v = arg};
    if (arena_open(&c.scratch, SCRATCH_LEAST, &c.e))
        fail(&c, 0);
    else
        check_chunks(&c);
    arena_close(&c.scratch);
}

static status check_pages(verifier *v, err *e) {
    int n = v->o->n_threads > 0 ? v->o->n_threads : os_cpu_count();
    n = n < WIKI__WORKERS_MAX ? n : WIKI__WORKERS_MAX;
    wiki_reader_options r = {.path = v->o->dump, .n_threads = n};
    os_pool *pool = NULL;
    TRY(wiki_reader_open(&v->reader, &r, e));
    if (n > 1) TRY(os_pool_open(&pool, n - 1, 1, "verify", e));
    os_pool_for(pool, (size_t)n, run_checker, v);
    os_pool_close(pool);
    if (atomic_load(&v->failed_at) == UINT64_MAX) return OK;
    if (e) *e = v->e;
    return v->e.code == E_CANCELLED ? v->e.code : err_in(e, "%s", v->o->dump);
}

// --- Multistream index -----------------------------------------------------------------------

static void check_line(checker *c, str line) {
    wiki_stream_line l;
    arena a = c->scratch;
    if (!wiki_stream_line_parse(&l, line)) return;
    str title = wiki_decode_entities(l.title, &a);
    c->found.n_stream_lines++;
    if (wiki_index_find(c->v->ix, title) != WIKI_NO_RANK) return;
    c->found.n_stream_missing++;
    complain(c, title, "it is in the multistream index, not in ours");
}

// Bytes of the file, unpacked when it is packed, in one stream or many.
typedef struct lines {
    const char *path;
    FILE *file;
    bool is_packed, in_stream, at_end;
    bz_stream bz;
    size_t n;
    char buf[LINE_MAX_BYTES];
    char packed[PACKED];
} lines;

static status damaged(const lines *l, const char *how, err *e) {
    return err_set(e, E_FORMAT, "%s: %s; download it again", l->path, how);
}

// Makes packed bytes there; none are at the end of the file.
static status refill(lines *l, err *e) {
    if (l->bz.avail_in) return OK;
    l->bz.next_in = l->packed;
    l->bz.avail_in = (unsigned)fread(l->packed, 1, sizeof l->packed, l->file);
    return ferror(l->file) ? err_sys(e, "%s: cannot read", l->path) : OK;
}

static status unpack(size_t *got, lines *l, char *to, size_t room, err *e) {
    l->bz.next_out = to, l->bz.avail_out = (unsigned)room;
    while (l->bz.avail_out == room && !l->at_end) {
        TRY(refill(l, e));
        l->at_end = !l->bz.avail_in;
        if (l->at_end && l->in_stream) return damaged(l, "cut short", e);
        if (l->at_end) break;
        if (!l->in_stream && BZ2_bzDecompressInit(&l->bz, 0, 0) != BZ_OK)
            return err_set(e, E_MEMORY, "%s: no memory to unpack it", l->path);
        l->in_stream = true;
        int did = BZ2_bzDecompress(&l->bz);
        if (did == BZ_STREAM_END) {
            BZ2_bzDecompressEnd(&l->bz);
            l->in_stream = false;
        } else if (did != BZ_OK) {
            return damaged(l, "damaged", e);
        }
    }
    *got = room - l->bz.avail_out;
    return OK;
}

static status fill(bool *more, lines *l, err *e) {
    size_t got = 0, room = sizeof l->buf - l->n;
    if (l->is_packed)
        TRY(unpack(&got, l, l->buf + l->n, room, e));
    else
        got = fread(l->buf + l->n, 1, room, l->file);
    if (ferror(l->file)) return err_sys(e, "%s: cannot read", l->path);
    l->n += got;
    *more = got > 0;
    return OK;
}

static status check_lines(checker *c, lines *l, err *e) {
    for (bool more = true; more;) {
        TRY(fill(&more, l, e));
        str rest = {l->buf, l->n};
        for (size_t n; (n = str_find_byte(rest, '\n')) < rest.len; rest = str_skip(rest, n + 1))
            check_line(c, str_first(rest, n));
        if (rest.len == sizeof l->buf)
            return err_set(e, E_FORMAT, "%s: a line of over %d bytes", l->path, LINE_MAX_BYTES);
        if (!more && rest.len) check_line(c, rest);
        memmove(l->buf, rest.ptr, rest.len);
        l->n = rest.len;
    }
    return OK;
}

static status check_stream_index(verifier *v, const char *path, err *e) {
    checker c = {.v = v};
    lines *l = arena_new(&v->perm, lines);
    l->path = path;
    l->is_packed = str_ends(str_of(path), STR(".bz2"));
    TRY(arena_open(&c.scratch, SCRATCH_LEAST, e));
    l->file = fopen(path, "rbe");
    status s = l->file ? check_lines(&c, l, e) : err_sys(e, "%s: cannot open", path);
    add_up(&c);
    if (l->in_stream) BZ2_bzDecompressEnd(&l->bz);
    if (l->file) fclose(l->file);
    arena_close(&c.scratch);
    return s;
}

// --- All of it -------------------------------------------------------------------------------

static status verify(verifier *v, const char *stream_index, err *e) {
    os_file_stat st;
    const char *path = v->o->index ? v->o->index : wiki_index_path(&v->perm, v->o->dump);
    TRY(os_stat(&st, v->o->dump, e));
    TRY(wiki_index_open(&v->ix, path, st.len, st.mtime_ns, e));
    TRY(store_in_verify(&v->ix->file, e));
    TRY(check_pages(v, e));
    return stream_index ? check_stream_index(v, stream_index, e) : OK;
}

status wiki_index_verify(wiki_verify_result *out, const wiki_build_options *o,
                         const char *stream_index, err *e) {
    verifier v = {.o = o, .result = out, .start_ns = os_now_ns()};
    *out = (wiki_verify_result){0};
    TRY(arena_open(&v.perm, 16 << 20, e));
    atomic_store(&v.failed_at, UINT64_MAX);
    pthread_mutex_init(&v.lock, NULL);
    err own = {0};
    status s = verify(&v, stream_index, &own);
    if (s && e) *e = own;
    out->seconds = os_seconds_since(v.start_ns);
    wiki_reader_close(v.reader);
    wiki_index_close(v.ix);
    pthread_mutex_destroy(&v.lock);
    arena_close(&v.perm);
    return s;
}
