// Building the index: one pass over the dump, two sorts, one file.
//
// Pages are scanned in batches on this thread (memory speed); their digests, which cost ten times
// more, are computed by a pool over each batch. Titles and redirect targets are decoded into one
// growing run of bytes, and a page is 48 bytes beside it: 25 million pages fit into about 3 GB.
// Sorting is a merge sort over {first 8 bytes, index}, because most comparisons end in the first
// 8 bytes, it is stable (which is what "the last of equal titles wins" needs) and no input makes
// it quadratic. Rejected: qsort (neither), radix sort (more code; an external sort replaces this).
//
//   I1  the file at the index path is replaced by rename after everything was written and synced
//   I2  the same dump with the same time gives the same bytes
//   I3  entries stay in dump order until they are sorted, whatever the pool did

#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"
#include "wiki/inside.h"

#include <stdatomic.h>

enum {
    BATCH_PAGES = 4096,
    BATCH_BYTES = 64 << 20,
    LANES_MAX = 64,
    PROGRESS_NS = 200 * 1000 * 1000,
};

typedef struct entry {
    _Alignas(16) uint64_t off;  // as arenas align, so that entries stand side by side
    uint64_t text_at;
    uint32_t len, id;
    int32_t ns;
    uint16_t title_len, redirect_len;
    uint32_t flags;
} entry;

typedef struct key {
    uint64_t head;  // first 8 bytes, big endian, so that numbers compare as text does
    uint32_t at;
} key;

// What a worker of the pool owns while a batch is checked.
typedef struct lane {
    arena scratch;
} lane;

typedef struct builder {
    const wiki_build_options *o;
    wiki_build_result *result;
    int64_t start_ns, told_ns;
    const char *phase;
    os_map xml;
    wiki_site site;
    arena perm, entry_mem, text_mem, sort_mem;
    entry *entries;
    size_t n;
    buf text;
    os_pool *pool;
    lane lanes[LANES_MAX];
    size_t n_lanes;
    wiki__page *batch;
    uint8_t *verdict;  // per page of the batch
    size_t n_batch;
    atomic_size_t next;  // page of the batch to check
} builder;

enum { SHA1_OK, SHA1_BAD, SHA1_NONE };

// --- Progress --------------------------------------------------------------------------------

static void tell(builder *b, uint64_t done, uint64_t total, bool is_due) {
    int64_t now = os_now_ns();
    if (!b->o->progress || (!is_due && now - b->told_ns < PROGRESS_NS)) return;
    b->told_ns = now;
    wiki_progress p = {done, total, b->n, os_seconds_since(b->start_ns), b->phase};
    b->o->progress(b->o->arg, &p);
}

static void unpack_progress(void *arg, uint64_t done, uint64_t total) {
    tell(arg, done, total, done == total);
}

// --- Digests ---------------------------------------------------------------------------------

static uint8_t check_sha1(const wiki__page *p, arena scratch) {
    str want = str_trim(p->sha1);
    if (!p->has_text || !want.len) return SHA1_NONE;
    char got[WIKI__SHA1_DIGITS];
    str text = wiki_decode_entities(p->text, &scratch);
    bool is_ok = wiki__sha1(got, text) && str_eq(want, (str){got, sizeof got});
    return is_ok ? SHA1_OK : SHA1_BAD;
}

static void check_lane(void *arg, size_t i) {
    builder *b = arg;
    for (size_t at; (at = atomic_fetch_add(&b->next, 1)) < b->n_batch;)
        b->verdict[at] = check_sha1(&b->batch[at], b->lanes[i].scratch);
}

// --- Reading ---------------------------------------------------------------------------------

static status too_long(const wiki__page *p, const char *what, size_t len, size_t limit, err *e) {
    return err_set(e, E_LIMIT, "page at byte %zu: %s of %zu bytes, limit %zu", (size_t)p->off, what,
                   len, limit);
}

// Decoded behind what is there; its length, or E_LIMIT.
static status add_text(uint16_t *len, builder *b, const wiki__page *p, const char *what, str raw,
                       err *e) {
    if (raw.len > 8 * WIKI_TITLE_MAX) return too_long(p, what, raw.len, WIKI_TITLE_MAX, e);
    char *to = buf_room(&b->text, raw.len);
    if (!to) return err_set(e, E_MEMORY, "no memory for titles");
    size_t n = wiki__decode(to, raw);
    if (n > WIKI_TITLE_MAX) return too_long(p, what, n, WIKI_TITLE_MAX, e);
    b->text.len += n;
    *len = (uint16_t)n;
    return OK;
}

static status add_page(builder *b, const wiki__page *p, uint8_t verdict, err *e) {
    if (p->len > UINT32_MAX) return too_long(p, "a page", p->len, UINT32_MAX, e);
    entry *n = b->n < UINT32_MAX - 1 ? arena_try(&b->entry_mem, sizeof *n) : NULL;
    if (!n) return err_set(e, E_LIMIT, "more than %zu pages", b->n);
    *n = (entry){
        .off = p->off,
        .text_at = b->text.len,
        .len = (uint32_t)p->len,
        .id = wiki__page_id(p->id),
        .ns = wiki__ns_key(p->ns),
        .flags =
            (p->is_redirect ? WIKI__REDIRECT : 0u) | (verdict == SHA1_BAD ? WIKI__BAD_SHA1 : 0u),
    };
    b->n++;
    TRY(add_text(&n->title_len, b, p, "a title", p->title, e));
    TRY(add_text(&n->redirect_len, b, p, "a redirect target", p->redirect, e));
    b->result->n_redirects += p->is_redirect;
    b->result->n_bad_sha1 += verdict == SHA1_BAD;
    b->result->n_without_sha1 += verdict == SHA1_NONE;
    if (verdict == SHA1_BAD && b->o->bad_page)
        b->o->bad_page(b->o->arg, (str){b->text.ptr + n->text_at, n->title_len},
                       "its text does not match its sha1");
    return OK;
}

static status finish_batch(builder *b, err *e) {
    atomic_store(&b->next, 0);
    os_pool_for(b->pool, b->n_lanes, check_lane, b);
    for (size_t i = 0; i < b->n_batch; i++)
        TRY(add_page(b, &b->batch[i], b->verdict[i], e));
    b->n_batch = 0;
    return OK;
}

static status read_pages(builder *b, err *e) {
    wiki__dump d;
    TRY(wiki__dump_open(&d, os_map_str(&b->xml), &b->site, &b->perm, e));
    uint64_t batch_at = 0;
    for (bool more = true; more;) {
        TRY(wiki__dump_next(&more, &b->batch[b->n_batch], &d, e));
        b->n_batch += more;
        bool is_full = b->n_batch == BATCH_PAGES || d.at - batch_at > BATCH_BYTES;
        if (more && !is_full) continue;
        TRY(finish_batch(b, e));
        batch_at = d.at;
        tell(b, d.at, b->xml.len, !more);
    }
    b->result->is_open_ended = d.has_root && !d.has_footer;
    return OK;
}

// --- Sorting ---------------------------------------------------------------------------------

typedef struct sorter {
    const char *text;
    const struct span {
        uint64_t at;
        uint32_t len;
    } * spans;
} sorter;

static str span_str(const sorter *s, uint32_t i) {
    return (str){s->text + s->spans[i].at, s->spans[i].len};
}

static uint64_t head_of(str s) {
    uint64_t h = 0;
    memcpy(&h, s.ptr, min_size(s.len, 8));
    return __builtin_bswap64(h);
}

static bool is_after(const sorter *s, const key *a, const key *b) {
    if (a->head != b->head) return a->head > b->head;
    return str_cmp(span_str(s, a->at), span_str(s, b->at)) > 0;
}

// Merges from[lo,mid) and from[mid,hi) into to[lo,hi); the left one first where they are equal.
static void merge(key *to, const key *from, size_t lo, size_t mid, size_t hi, const sorter *s) {
    size_t i = lo, j = mid;
    for (size_t at = lo; at < hi; at++) {
        bool takes_right = i == mid || (j < hi && is_after(s, &from[i], &from[j]));
        to[at] = takes_right ? from[j++] : from[i++];
    }
}

// Bottom up; returns whichever of the two arrays holds the result.
static key *merge_sort(key *keys, key *spare, size_t n, const sorter *s) {
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width)
            merge(spare, keys, lo, min_size(lo + width, n), min_size(lo + 2 * width, n), s);
        key *t = keys;
        keys = spare, spare = t;
    }
    return keys;
}

static status sort_spans(key **out, builder *b, const sorter *s, size_t n, err *e) {
    key *keys = arena_try_array(&b->sort_mem, n, sizeof *keys);
    key *spare = arena_try_array(&b->sort_mem, n, sizeof *spare);
    if (!keys || !spare) return err_set(e, E_MEMORY, "no memory to sort %zu titles", n);
    for (size_t i = 0; i < n; i++)
        keys[i] = (key){head_of(span_str(s, (uint32_t)i)), (uint32_t)i};
    *out = merge_sort(keys, spare, n, s);
    return OK;
}

// Entries in title order, of equal titles the last only.
static status sort_titles(uint32_t **order, size_t *n_out, builder *b, err *e) {
    struct span *spans = arena_try_array(&b->sort_mem, b->n, sizeof *spans);
    *order = arena_try_array(&b->sort_mem, b->n, sizeof **order);
    if (!spans || !*order) return err_set(e, E_MEMORY, "no memory to sort %zu titles", b->n);
    for (size_t i = 0; i < b->n; i++)
        spans[i] = (struct span){b->entries[i].text_at, b->entries[i].title_len};
    sorter s = {b->text.ptr, spans};
    key *keys;
    TRY(sort_spans(&keys, b, &s, b->n, e));
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        bool has_later =
            i + 1 < b->n && str_eq(span_str(&s, keys[i].at), span_str(&s, keys[i + 1].at));
        if (!has_later) (*order)[n++] = keys[i].at;
    }
    b->result->n_duplicates = b->n - n;
    *n_out = n;
    return OK;
}

// Ranks in order of (fold(title), rank).
static status sort_folded(key **out, builder *b, const uint32_t *order, size_t n, err *e) {
    arena mem;
    size_t most = b->text.len * WIKI__FOLD_GROWTH + n * 32 + 65536;
    TRY(arena_open(&mem, most + 16 * WIKI_TITLE_MAX, e));
    struct span *spans = arena_try_array(&b->sort_mem, n, sizeof *spans);
    status s = spans ? OK : err_set(e, E_MEMORY, "no memory to fold %zu titles", n);
    for (size_t i = 0; !s && i < n; i++) {
        const entry *p = &b->entries[order[i]];
        str f = wiki_title_fold((str){b->text.ptr + p->text_at, p->title_len}, &mem);
        spans[i] = (struct span){(uint64_t)(f.ptr - (char *)mem.base), (uint32_t)f.len};
    }
    sorter by = {(char *)mem.base, spans};
    if (!s) s = sort_spans(out, b, &by, n, e);
    arena_close(&mem);
    return s;
}

// --- Writing ---------------------------------------------------------------------------------

typedef struct writer {
    os_new_file file;
    wiki__header h;
    wiki__section *section;  // being written
    size_t n_block;
    char block[WIKI__SUM_BLOCK];
} writer;

static status flush_block(writer *w, err *e) {
    if (!w->n_block) return OK;
    w->section->sum = str_hash((str){w->block, w->n_block}, w->section->sum);
    status s = os_new_write(&w->file, w->block, w->n_block, e);
    w->n_block = 0;
    return s;
}

static status put(writer *w, const void *data, size_t len, err *e) {
    const char *p = data;
    w->section->len += len;
    while (len) {
        size_t n = min_size(len, sizeof w->block - w->n_block);
        memcpy(w->block + w->n_block, p, n);
        w->n_block += n;
        p += n, len -= n;
        if (w->n_block == sizeof w->block) TRY(flush_block(w, e));
    }
    return OK;
}

static status begin_section(writer *w, int i, err *e) {
    static const char zeros[WIKI__ALIGN];
    size_t pad = align_up(w->file.len, WIKI__ALIGN) - w->file.len;
    TRY(os_new_write(&w->file, zeros, pad, e));
    w->section = &w->h.section[i];
    *w->section = (wiki__section){.off = w->file.len};
    return OK;
}

static status put_str(writer *w, str s, err *e) {
    uint16_t n = (uint16_t)s.len;  // wiki__dump keeps none longer than WIKI_TITLE_MAX
    TRY(put(w, &n, sizeof n, e));
    return put(w, s.ptr, n, e);
}

static status put_site(writer *w, const wiki_site *site, err *e) {
    TRY(begin_section(w, WIKI__SITE, e));
    const str *strings[] = {&site->name, &site->dbname, &site->base, &site->generator, &site->lang};
    for (size_t i = 0; i < countof(strings); i++)
        TRY(put_str(w, *strings[i], e));
    uint32_t n = (uint32_t)site->n_ns;
    TRY(put(w, &n, sizeof n, e));
    for (size_t i = 0; i < n; i++) {
        uint8_t case_sensitive = site->ns[i].case_sensitive;
        TRY(put(w, &site->ns[i].key, sizeof site->ns[i].key, e));
        TRY(put(w, &case_sensitive, 1, e));
        TRY(put_str(w, site->ns[i].name, e));
    }
    return flush_block(w, e);
}

static status put_records(writer *w, const builder *b, const uint32_t *order, size_t n, err *e) {
    TRY(begin_section(w, WIKI__RECORDS, e));
    uint64_t text_at = 0;
    for (size_t i = 0; i < n; i++) {
        const entry *p = &b->entries[order[i]];
        wiki__record r = {.off = p->off,
                          .text_at = text_at,
                          .len = p->len,
                          .id = p->id,
                          .ns = p->ns,
                          .title_len = p->title_len,
                          .redirect_len = p->redirect_len,
                          .flags = p->flags};
        text_at += (uint64_t)p->title_len + p->redirect_len;
        TRY(put(w, &r, sizeof r, e));
    }
    return flush_block(w, e);
}

static status put_folded(writer *w, const key *folded, size_t n, err *e) {
    TRY(begin_section(w, WIKI__FOLDED, e));
    for (size_t i = 0; i < n; i++)
        TRY(put(w, &folded[i].at, sizeof folded[i].at, e));
    return flush_block(w, e);
}

static status put_texts(writer *w, const builder *b, const uint32_t *order, size_t n, err *e) {
    TRY(begin_section(w, WIKI__TEXT, e));
    for (size_t i = 0; i < n; i++) {
        const entry *p = &b->entries[order[i]];
        TRY(put(w, b->text.ptr + p->text_at, (size_t)p->title_len + p->redirect_len, e));
    }
    return flush_block(w, e);
}

static status write_sections(writer *w, builder *b, const uint32_t *order, const key *folded,
                             size_t n, err *e) {
    TRY(os_new_write(&w->file, &w->h, sizeof w->h, e));
    TRY(put_site(w, &b->site, e));
    TRY(put_records(w, b, order, n, e));
    TRY(put_folded(w, folded, n, e));
    TRY(put_texts(w, b, order, n, e));
    w->h.file_len = w->file.len;
    w->h.sum = wiki__sum((str){(const char *)&w->h, offsetof(wiki__header, sum)});
    return os_new_patch(&w->file, 0, &w->h, sizeof w->h, e);
}

static status write_index(builder *b, const char *path, const uint32_t *order, const key *folded,
                          size_t n, err *e) {
    writer *w = arena_new(&b->perm, writer);
    w->h = (wiki__header){.magic = WIKI__MAGIC,
                          .version = WIKI__VERSION,
                          .fold_version = WIKI__FOLD_VERSION,
                          .n_pages = n,
                          .xml_len = b->xml.len,
                          .xml_mtime_ns = b->xml.mtime_ns,
                          .xml_sum = wiki__xml_sum(os_map_str(&b->xml))};
    TRY(os_new_open(&w->file, path, e));
    status s = write_sections(w, b, order, folded, n, e);
    b->result->index_bytes = w->file.len;
    if (!s) s = os_new_commit(&w->file, e);
    os_new_abort(&w->file);
    return s;
}

// --- All of it -------------------------------------------------------------------------------

static bool is_packed(const char *dump) {
    return str_ends(str_of(dump), STR(".bz2"));
}

// An unpacked file that is not older than the packed one is taken as it is: it got its name only
// when it was whole.
static status unpack(builder *b, const char *xml, err *e) {
    os_file_stat packed, unpacked;
    TRY(os_stat(&packed, b->o->dump, e));
    if (!os_stat(&unpacked, xml, NULL) && unpacked.mtime_ns >= packed.mtime_ns) return OK;
    b->phase = "unpacking";
    return wiki__unpack(b->o->dump, xml, unpack_progress, b, e);
}

// The least a page can take is "<page><title>x</title></page>".
static status reserve(builder *b, err *e) {
    size_t pages = b->xml.len / 28 + 1;
    b->n_lanes = min_size((size_t)os_cpu_count(), LANES_MAX);
    TRY(arena_open(&b->entry_mem, pages * sizeof(entry) + 4096, e));
    TRY(arena_open(&b->text_mem, 2 * b->xml.len + 65536, e));
    TRY(arena_open(&b->sort_mem, pages * 6 * sizeof(key) + 65536, e));
    for (size_t i = 0; i < b->n_lanes; i++)
        TRY(arena_open(&b->lanes[i].scratch, b->xml.len + 4096, e));
    buf_init(&b->text, &b->text_mem, 65536);
    b->entries = (entry *)b->entry_mem.base;
    b->batch = arena_array(&b->perm, wiki__page, BATCH_PAGES);
    b->verdict = arena_array(&b->perm, uint8_t, BATCH_PAGES);
    if (b->n_lanes == 1) return OK;
    return os_pool_open(&b->pool, (int)b->n_lanes - 1, 1, "index", e);  // this thread works too
}

static status sort_and_write(builder *b, const char *path, err *e) {
    uint32_t *order;
    key *folded;
    size_t n = 0;
    b->phase = "sorting";
    tell(b, 0, b->n, true);
    TRY(sort_titles(&order, &n, b, e));
    TRY(sort_folded(&folded, b, order, n, e));
    b->phase = "writing";
    tell(b, n, b->n, true);
    b->result->n_pages = n;
    return write_index(b, path, order, folded, n, e);
}

static status build(builder *b, err *e) {
    const char *dump = b->o->dump;
    if (strlen(dump) >= OS_PATH_MAX)
        return err_set(e, E_LIMIT, "path of %zu bytes, limit %d", strlen(dump), OS_PATH_MAX);
    const char *xml = b->o->xml && is_packed(dump) ? b->o->xml : wiki_xml_path(&b->perm, dump);
    const char *index = b->o->index ? b->o->index : wiki_index_path(&b->perm, dump);
    if (is_packed(dump)) TRY(unpack(b, xml, e));
    TRY(os_map_open(&b->xml, xml, OS_MAP_SEQUENTIAL, e));
    b->phase = "reading";
    b->result->xml_bytes = b->xml.len;
    TRY(reserve(b, e));
    status s = read_pages(b, e);
    if (s) return err_in(e, "%s", xml);
    return sort_and_write(b, index, e);
}

static void release(builder *b) {
    os_pool_close(b->pool);
    for (size_t i = 0; i < b->n_lanes; i++)
        arena_close(&b->lanes[i].scratch);
    arena_close(&b->entry_mem);
    arena_close(&b->text_mem);
    arena_close(&b->sort_mem);
    os_map_close(&b->xml);
}

status wiki_index_build(wiki_build_result *out, const wiki_build_options *o, err *e) {
    *out = (wiki_build_result){0};
    arena perm;
    TRY(arena_open(&perm, 4 << 20, e));
    builder *b = arena_new(&perm, builder);
    *b = (builder){.o = o, .result = out, .start_ns = os_now_ns(), .xml.fd = -1, .perm = perm};
    status s = build(b, e);
    out->seconds = os_seconds_since(b->start_ns);
    release(b);
    arena_close(&perm);
    return s;
}
