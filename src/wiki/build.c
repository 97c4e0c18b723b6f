// Building the index: read side by side, join, write; in bounded memory, whatever the dump's size.
//
// What a page leaves is of fixed size and goes to a row in a file by its ordinal; what varies
// (titles, links, categories) goes to external sorts. Nothing grows with the dump but temporary
// files without names. Snapshots run the same join and writing over what was read so far.
// Rejected: everything in memory (the first index: 3 GB at 25 million pages), a database (slower,
// larger, a dependency).
//
//   I1  the file at the index path is replaced by rename after everything was written and synced
//   I2  the same dump gives the same bytes, whatever the threads, the memory and the chunks:
//       sorts are total orders, and samples are chosen by hashes of titles
//   I3  files that are mapped for writing have their space before: a full disk is an error

#include "wiki/build.h"

#include "os/clock.h"
#include "os/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PROGRESS_NS = 200 * 1000 * 1000,
    MEMORY = 512 << 20,
    MEMORY_LEAST = 64 << 20,
    CHUNK_LEAST = 256 << 10,
    CHUNK_MOST = 8 << 20,
    ROOM = 64 << 20,  // address space of a chunk's pages and of a page's text, to start with
};

// --- Shared ----------------------------------------------------------------------------------

void wiki__build_tell(wiki__build *b, uint64_t done, uint64_t total, bool is_due) {
    int64_t now = os_now_ns();
    if (!b->o->progress || (!is_due && now - b->told_ns < PROGRESS_NS)) return;
    b->told_ns = now;
    wiki_progress p = {done, total, b->n_ordinals, os_seconds_since(b->start_ns), b->phase};
    b->o->progress(b->o->arg, &p);
}

bool wiki__build_cancelled(const wiki__build *b) {
    return b->o->cancel && atomic_load_explicit(b->o->cancel, memory_order_relaxed);
}

status wiki__build_cancel(err *e) {
    return err_set(e, E_CANCELLED, "indexing was cancelled");
}

status wiki__build_merge(store_merge **out, wiki__build *b, size_t member, err *e) {
    store_sort *sorts[WIKI__WORKERS_MAX];
    for (int i = 0; i < b->n_workers; i++)
        memcpy(&sorts[i], (char *)&b->workers[i] + member, sizeof sorts[i]);
    return store_merge_open(out, sorts, (size_t)b->n_workers, b->memory / 8, e);
}

// --- Arrays ----------------------------------------------------------------------------------

status wiki__array_map(wiki__array *a, int fd, size_t bytes, err *e) {
    if (!bytes) return OK;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return err_sys(e, "map of %zu temporary bytes", bytes);
    a->base = p, a->bytes = bytes;
    return OK;
}

status wiki__array_new(wiki__array *a, const wiki__build *b, size_t n, size_t size, err *e) {
    size_t bytes = (n + 1) * size;
    int fd = store_temp(b->temp, e);
    if (fd < 0) return e ? e->code : E_IO;
    int sys = posix_fallocate(fd, 0, (off_t)bytes);  // I3
    errno = sys;
    status s = sys ? err_sys(e, "%s: temporary file of %zu bytes", b->temp, bytes) : OK;
    if (!s) s = wiki__array_map(a, fd, bytes, e);
    close(fd);  // the map keeps it
    b->result->temp_bytes += bytes;
    return s;
}

void wiki__array_close(wiki__array *a) {
    if (a->base) munmap(a->base, a->bytes);
    *a = (wiki__array){0};
}

// --- Steps -----------------------------------------------------------------------------------

static void count_pages(const wiki__join *j) {
    wiki_build_result *r = j->b->result;
    r->n_pages = j->n_pages;
    r->n_duplicates = j->n_ordinals - j->n_pages;
    r->n_redirects = j->n_redirects;
    r->n_links = j->n_links;
    r->n_categories = j->n_categories;
}

status wiki__build_finish(wiki__build *b, const char *path, unsigned with, err *e) {
    wiki__join *j = arena_new(&b->perm, wiki__join);
    *j = (wiki__join){.b = b, .with = with};
    b->phase = "linking";
    wiki__build_tell(b, 0, 0, true);
    status s = wiki__build_join(j, e);
    b->phase = "writing";
    wiki__build_tell(b, 0, 0, true);
    if (!s) s = wiki__build_write(j, path, e);
    count_pages(j);
    wiki__build_join_close(j);
    return s;
}

static status open_worker(wiki__build *b, wiki__worker *w, err *e) {
    size_t memory = b->memory / 2 / (size_t)b->n_workers;
    w->b = b;
    TRY(arena_open(&w->pages, ROOM, e));
    TRY(arena_open(&w->scratch, ROOM, e));
    TRY(store_sort_open(&w->titles, b->temp, memory / 8 * 5, e));
    TRY(wiki__parts_open(&w->mentions, b->temp, memory / 4, e));
    return store_sort_open(&w->categories, b->temp, memory / 8, e);
}

static void close_worker(wiki__build *b, wiki__worker *w) {
    store_sort *sorts[] = {w->titles, w->categories};
    for (size_t i = 0; i < countof(sorts); i++) {
        if (sorts[i]) b->result->temp_bytes += store_sort_spilled(sorts[i]);
        store_sort_close(sorts[i]);
    }
    if (w->mentions) b->result->temp_bytes += wiki__parts_bytes(w->mentions);
    wiki__parts_close(w->mentions);
    arena_close(&w->pages);
    arena_close(&w->scratch);
}

static const char *folder_of(arena *a, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    return arena_cstr(a, (str){path, slash == path ? 1 : (size_t)(slash - path)});
}

static void choose(wiki__build *b) {
    const wiki_build_options *o = b->o;
    int n = o->n_threads > 0 ? o->n_threads : os_cpu_count();
    b->n_workers = n < WIKI__WORKERS_MAX ? n : WIKI__WORKERS_MAX;
    b->memory = o->memory ? max_size(o->memory, MEMORY_LEAST) : MEMORY;
    b->index = o->index ? o->index : wiki_index_path(&b->perm, o->dump);
    b->temp = o->temp ? o->temp : folder_of(&b->perm, b->index);
    b->next_snapshot = o->snapshot ? (o->snapshot_pages ? o->snapshot_pages : 1) : UINT64_MAX;
    b->workers = arena_array(&b->perm, wiki__worker, (size_t)b->n_workers);
}

static status read_dump(wiki__build *b, err *e) {
    // What is kept of a chunk's pages while it is read is up to three times the chunk.
    wiki_reader_options r = {.path = b->o->dump,
                             .n_threads = b->n_workers,
                             .chunk_bytes = b->memory / (16 * ((size_t)b->n_workers + 2))};
    r.chunk_bytes = min_size(max_size(r.chunk_bytes, CHUNK_LEAST), CHUNK_MOST);
    TRY(wiki_reader_open(&b->reader, &r, e));
    if ((b->rows_fd = store_temp(b->temp, e)) < 0) return e ? e->code : E_IO;
    for (int i = 0; i < b->n_workers; i++)
        TRY(open_worker(b, &b->workers[i], e));
    b->phase = "reading";
    status s = wiki__build_read(b, e);
    return s && s != E_CANCELLED ? err_in(e, "%s", b->o->dump) : s;
}

static void count_texts(wiki__build *b) {
    wiki_build_result *r = b->result;
    r->xml_bytes = b->xml_end;
    r->is_open_ended = b->has_root && !b->has_footer;
    r->temp_bytes += b->n_ordinals * sizeof(wiki__row);
    for (int i = 0; i < b->n_workers; i++) {
        r->n_bad_sha1 += b->workers[i].n_bad;
        r->n_without_sha1 += b->workers[i].n_without_sha1;
    }
}

static status build(wiki__build *b, err *e) {
    if (strlen(b->o->dump) >= OS_PATH_MAX)
        return err_set(e, E_LIMIT, "path of %zu bytes, limit %d", strlen(b->o->dump), OS_PATH_MAX);
    choose(b);
    TRY(read_dump(b, e));
    count_texts(b);
    return wiki__build_finish(b, b->index, b->o->with, e);
}

static void release(wiki__build *b) {
    for (int i = 0; b->workers && i < b->n_workers; i++)
        close_worker(b, &b->workers[i]);
    wiki_reader_close(b->reader);
    if (b->rows_fd >= 0) close(b->rows_fd);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->turn);
}

status wiki_index_build(wiki_build_result *out, const wiki_build_options *o, err *e) {
    *out = (wiki_build_result){0};
    arena perm;
    err own = {0};
    TRY(arena_open(&perm, 64 << 20, e));
    wiki__build *b = arena_new(&perm, wiki__build);
    *b = (wiki__build){.o = o, .result = out, .start_ns = os_now_ns(), .rows_fd = -1};
    b->perm = perm;
    atomic_store(&b->failed_at, UINT64_MAX);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->turn, NULL);
    status s = build(b, &own);
    if (s && e) *e = own;
    out->seconds = os_seconds_since(b->start_ns);
    release(b);
    arena_close(&perm);
    return s;
}
