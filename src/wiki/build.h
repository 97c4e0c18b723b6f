// wiki/build.h -- what the files of the build and verify.c share (build.c, build_read.c,
// build_parts.c, build_order.c, build_join.c, build_write.c); nothing else includes it.
//
//   Owner     wiki__build owns sorts and temporary files until wiki__build_release
//   Threads   workers share a build while it reads; afterwards one thread has it
//   Limits    WIKI__WORKERS_MAX workers
#ifndef WIKI_BUILD_H
#define WIKI_BUILD_H

#include "os/pool.h"
#include "wiki/inside.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WIKI__WORKERS_MAX = 64 };
#define WIKI__NO_PLACE UINT32_MAX

enum { WIKI__IS_REDIRECT = 1, WIKI__IS_DISAMBIGUATION = 2, WIKI__IS_BAD = 4 };

// What a page leaves beside its title; by ordinal.
typedef struct wiki__row {
    uint64_t off;
    uint32_t len, id;
    int32_t ns;
    uint32_t flags;
} wiki__row;

// What a page says about a title: that it leads there, as written or as normalised, or links there.
typedef enum wiki__mention_kind {
    MENTION_REDIRECT,
    MENTION_NORMAL,
    MENTION_LINK
} wiki__mention_kind;

// Records spread by the top byte of a hash (build_parts.c).
enum { WIKI__PARTS = 256 };
typedef struct __attribute__((packed)) wiki__mention {
    uint64_t hash_kind;  // the hash but for its top byte, then the kind
    uint32_t number;
} wiki__mention;
typedef struct wiki__parts wiki__parts;
typedef status wiki__parts_fn(void *arg, uint64_t hash, uint8_t kind, uint32_t number, err *e);

// Titles in the order of the index (build_order.c): a writer, or one of its readers.
typedef struct wiki__order {
    int fd;
    uint64_t len, off;
    size_t n, at, title_len;
    char title[WIKI_TITLE_MAX];
    char buf[64 << 10];
} wiki__order;

// An array in an unnamed temporary file, mapped.
typedef struct wiki__array {
    int fd;
    void *base;
    size_t bytes;
} wiki__array;

typedef struct wiki__worker {
    struct wiki__build *b;
    store_sort *titles, *categories;
    wiki__parts *mentions;
    arena pages, scratch;
    uint64_t n_bad, n_without_sha1;
    char newest[32];
    int32_t ns[WIKI__NS_SEEN_MAX + 1];
    size_t n_ns;
    err e;
} wiki__worker;

typedef struct wiki__build {
    const wiki_build_options *o;
    wiki_build_result *result;
    arena perm;
    const char *index, *temp;
    size_t memory;
    int n_workers;
    wiki__worker *workers;
    wiki_reader *reader;
    wiki_site site;
    bool has_root, has_footer;
    int rows_fd;  // wiki__row[n]
    int64_t start_ns, told_ns;
    const char *phase;

    // The turn: chunks get their ordinals one after the other.
    pthread_mutex_t lock;
    pthread_cond_t turn;
    uint64_t next_chunk, n_ordinals, xml_end;
    uint64_t next_snapshot;
    int n_running, n_waiting;
    _Atomic(uint64_t) failed_at;  // number of the first chunk that failed
    err e;                        // why
} wiki__build;

// --- build.c ---------------------------------------------------------------------------------

void wiki__build_tell(wiki__build *b, uint64_t done, uint64_t total, bool is_due);
bool wiki__build_cancelled(const wiki__build *b);
status wiki__build_cancel(err *e);
// All sorts of one kind, by the place of the pointer in wiki__worker.
NODISCARD status wiki__build_merge(store_merge **out, wiki__build *b, size_t member, err *e);
// Joins and writes what was read so far.
NODISCARD status wiki__build_finish(wiki__build *b, const char *path, unsigned with, err *e);

// A zeroed array for writing, or the rows for reading. Its space is taken now: a full disk is an
// error here and no signal later.
NODISCARD status wiki__array_new(wiki__array *a, const wiki__build *b, size_t n, size_t size,
                                 err *e);
NODISCARD status wiki__array_map(wiki__array *a, int fd, size_t bytes, err *e);
void wiki__array_close(wiki__array *a);

// --- build_parts.c, build_order.c ------------------------------------------------------------

// Holds at most `memory`, but at least 1 MiB.
NODISCARD status wiki__parts_open(wiki__parts **out, const char *dir, size_t memory, err *e);
void wiki__parts_close(wiki__parts *p);  // accepts NULL
NODISCARD status wiki__parts_add(wiki__parts *p, uint64_t hash, uint8_t kind, uint32_t number,
                                 err *e);
uint64_t wiki__parts_count(const wiki__parts *p, size_t part);
uint64_t wiki__parts_bytes(const wiki__parts *p);  // on disk
// All records of a part, in no order to rely on; `hash` comes without its top byte.
NODISCARD status wiki__parts_each(const wiki__parts *p, size_t part, wiki__parts_fn *fn, void *arg,
                                  err *e);

NODISCARD status wiki__order_open(wiki__order *o, const char *dir, err *e);
void wiki__order_close(wiki__order *o);
NODISCARD status wiki__order_add(wiki__order *o, str title, uint32_t ordinal, err *e);
NODISCARD status wiki__order_done(wiki__order *o, err *e);
// A reader borrows the writer's file. A title lives until the next one.
void wiki__order_read(wiki__order *r, const wiki__order *o);
NODISCARD status wiki__order_next(bool *more, str *title, uint32_t *ordinal, wiki__order *r,
                                  err *e);

// --- build_read.c ----------------------------------------------------------------------------

NODISCARD status wiki__build_read(wiki__build *b, err *e);
// The scanner over one chunk; its offsets are those in the dump.
NODISCARD status wiki__chunk_dump(wiki__dump *d, const wiki_chunk *c, wiki_site *site, arena *perm,
                                  err *e);

// --- build_join.c, build_write.c --------------------------------------------------------------

// Everything about the pages read so far that is written down.
typedef struct wiki__join {
    wiki__build *b;
    unsigned with;
    size_t n_ordinals, n_pages, n_redirects;
    uint64_t n_links, n_categories;
    wiki__array rows, ranks, kinds, targets, counts, extra;
    const wiki__row *row;  // by ordinal
    uint32_t *rank;        // by ordinal; WIKI__NO_PLACE: replaced
    uint8_t *kind;         // by rank: bits 8 to 15 of the payload
    uint32_t *target;      // by rank; WIKI__NO_PLACE: none
    uint32_t *count;       // by rank: pages that link to it
    uint32_t *more;        // by rank: those that link to redirects to it
    wiki__order order;
    wiki__parts *titles;  // hash and rank
    os_pool *pool;        // with the caller: n_workers threads
    store_symbols *symbols;
    store_sort *words, *categories, *leads;
    store_sort *backlinks[WIKI__WORKERS_MAX];
    int32_t ns[WIKI__NS_SEEN_MAX];
    size_t n_ns;
    char newest[32];
    arena mem;
} wiki__join;

NODISCARD status wiki__build_join(wiki__join *j, err *e);
// The categories' sort from the workers'; beside anything else that leaves j->mem alone.
NODISCARD status wiki__build_categories(wiki__join *j, err *e);
void wiki__build_join_close(wiki__join *j);
uint8_t wiki__score(uint64_t n_links);
uint64_t wiki__title_hash(str title);

// A record of the titles' sort: folded title, 0, title, 0, and what it says of the page.
typedef struct wiki__titled {
    str title;
    uint32_t ordinal;
    int32_t ns;
    uint8_t flags;
} wiki__titled;
enum { WIKI__TITLED_TAIL = 9 };  // ordinal, big endian, for the order; namespace; flags
bool wiki__title_record(wiki__titled *out, str rec);
NODISCARD status wiki__build_write(wiki__join *j, const char *path, err *e);

static inline void wiki__put_be32(uint8_t *to, uint32_t v) {
    v = __builtin_bswap32(v);
    memcpy(to, &v, 4);
}
static inline uint32_t wiki__get_be32(const void *from) {
    uint32_t v;
    memcpy(&v, from, 4);
    return __builtin_bswap32(v);
}

#endif
