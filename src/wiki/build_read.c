// Reading: workers take chunks of whole pages, scan them, and leave records in sorts of their own.
//
// Only one thing is done in the dump's order: a chunk, once scanned, waits for its turn to get the
// ordinals of its pages. Everything that costs time (digests, links, folding) happens after that,
// side by side. Which worker saw a page is lost in the sorts, so the index does not depend on it.
//
//   R1  chunk 0 has filled the site before any page is looked into: looking comes after the turn
//   R2  of several errors the one nearest to the dump's start is told: a worker gives up only for
//       an error in a chunk before its own
//   R3  a snapshot is taken when every worker stands between two chunks
//   R4  "#REDIRECT [[X]]" is no link to X that is counted: the redirect lends X what links to it

#include "os/pool.h"
#include "wiki/build.h"
#include "wiki/extract.h"

#include <errno.h>
#include <unistd.h>

enum {
    SCRATCH_KEEP = 4 << 20,
    SCRATCH_LEAST = 16 << 20,
    FOUND_SCRATCH = 512 << 10,  // of which wiki_extract takes half
    LONG_TEXT = 256 << 10,      // behind a longer one memory is given back
    // Room for a text, decoded, and for the set of what it links to: "[[a]]" is 5 bytes, a set
    // has at most 8 places of 8 bytes for each member, and its smaller forms before it take a
    // third of that.
    TEXT_GROWTH = 1 + 8 * 8 * 4 / 3 / 5 + 1,
    PAGE_LEAST = 28,  // bytes of "<page><title>a</title></page>"
};
#define FROM_READER (UINT64_MAX - 1)

typedef struct chunk_pages {
    wiki__page *page;
    size_t n;
    uint64_t first;  // ordinal
    wiki__row *row;
} chunk_pages;

// --- Scan ------------------------------------------------------------------------------------

// The chunk is seen as the end of the dump, so that every offset is one in the dump.
static str whole_until(const wiki_chunk *c) {
    return (str){(const char *)((uintptr_t)c->text.ptr - c->off), c->off + c->text.len};
}

status wiki__chunk_dump(wiki__dump *d, const wiki_chunk *c, wiki_site *site, arena *perm, err *e) {
    if (c->number == 0) {
        TRY(wiki__dump_open(d, c->text, site, perm, e));
        d->n_pages = !c->is_last;  // the header may be a chunk of its own: pages come
        return OK;
    }
    *d = (wiki__dump){.xml = whole_until(c), .at = c->off, .n_pages = 1};
    return OK;
}

// Room for `need` bytes; what the arena held is lost. Address space is taken as the dump asks for
// it, so that a limit on it (ulimit -v) is met by odd pages only.
static status fit(arena *a, size_t need, err *e) {
    if (a->reserve >= need) return OK;
    arena_close(a);
    return arena_open(a, need, e);
}

static status scan(chunk_pages *out, bool *has_root, bool *has_footer, wiki__worker *w,
                   const wiki_chunk *c, err *e) {
    wiki__dump d;
    size_t most = c->text.len / PAGE_LEAST + 2;
    TRY(wiki__chunk_dump(&d, c, &w->b->site, &w->b->perm, e));
    arena_reset(&w->pages, SCRATCH_KEEP);
    TRY(fit(&w->pages, most * (sizeof(wiki__page) + sizeof(wiki__row) + 16), e));
    *out = (chunk_pages){.page = (wiki__page *)w->pages.base};
    for (bool more = true; more;) {
        wiki__page p;
        TRY(wiki__dump_next(&more, &p, &d, e));
        if (!more) break;
        wiki__page *to = arena_try(&w->pages, align_up(sizeof p, 16));
        if (!to) return err_set(e, E_LIMIT, "more pages than fit at byte %zu", (size_t)p.off);
        out->page[out->n++] = p;
    }
    *has_root = d.has_root, *has_footer = d.has_footer;
    return OK;
}

// --- Records ---------------------------------------------------------------------------------

static status too_long(const wiki__page *p, const char *what, size_t len, size_t limit, err *e) {
    return err_set(e, E_LIMIT, "page at byte %zu: %s of %zu bytes, limit %zu", (size_t)p->off, what,
                   len, limit);
}

static status decode(str *out, const wiki__page *p, const char *what, str raw, char *to, err *e) {
    if (raw.len > 8 * WIKI_TITLE_MAX) return too_long(p, what, raw.len, WIKI_TITLE_MAX, e);
    *out = (str){to, wiki__decode(to, raw)};
    if (out->len > WIKI_TITLE_MAX) return too_long(p, what, out->len, WIKI_TITLE_MAX, e);
    if (str_find_byte(*out, 0) < out->len)
        return err_set(e, E_FORMAT, "page at byte %zu: a zero byte in %s", (size_t)p->off, what);
    return OK;
}

uint64_t wiki__title_hash(str title) {
    return str_hash(title, 0x5761e1);
}

static status add_mention(wiki__worker *w, uint64_t hash, wiki__mention_kind kind,
                          uint32_t ordinal) {
    return wiki__parts_add(w->mentions, hash, (uint8_t)kind, ordinal, &w->e);
}

static status add_title(wiki__worker *w, str title, const wiki__row *row, uint32_t ordinal) {
    char rec[(STORE_FOLD_GROWTH + 1) * WIKI_TITLE_MAX + 2 + WIKI__TITLED_TAIL];
    size_t n = store_fold(rec, title);
    rec[n++] = 0;
    memcpy(rec + n, title.ptr, title.len);
    n += title.len;
    rec[n++] = 0;
    wiki__put_be32((uint8_t *)rec + n, ordinal);
    memcpy(rec + n + 4, &row->ns, 4);
    rec[n + 8] = (char)row->flags;
    return store_sort_add(w->titles, rec, n + WIKI__TITLED_TAIL, &w->e);
}

bool wiki__title_record(wiki__titled *out, str rec) {
    if (rec.len < 2 + WIKI__TITLED_TAIL) return false;
    const char *tail = rec.ptr + rec.len - WIKI__TITLED_TAIL;
    str rest = str_first(rec, rec.len - WIKI__TITLED_TAIL - 1);
    str_cut(&rest, 0);
    *out =
        (wiki__titled){.title = rest, .ordinal = wiki__get_be32(tail), .flags = (uint8_t)tail[8]};
    memcpy(&out->ns, tail + 4, 4);
    return true;
}

// --- The links of one page ---------------------------------------------------------------------

// A set of hashes. It grows with what a page links to, as the page's decoded text does.
typedef struct hash_set {
    uint64_t *slot;  // 0: free
    size_t cap, n;
    arena mem;
} hash_set;

static uint64_t *slot_of(const hash_set *s, uint64_t h) {
    size_t i = h & (s->cap - 1);
    while (s->slot[i] && s->slot[i] != h)
        i = (i + 1) & (s->cap - 1);
    return &s->slot[i];
}

static bool grow(hash_set *s) {
    hash_set old = *s;
    s->cap = old.cap ? old.cap * 4 : 64;
    s->slot = arena_try_array(&s->mem, s->cap, sizeof *s->slot);
    for (size_t i = 0; s->slot && i < old.cap; i++)
        if (old.slot[i]) *slot_of(s, old.slot[i]) = old.slot[i];
    return s->slot != NULL;
}

// Whether the hash was added before; *is_full when there is no room to know.
static bool seen_before(bool *is_full, hash_set *s, uint64_t h) {
    h += !h;
    *is_full = s->n >= s->cap / 2 && !grow(s);
    if (*is_full) return false;
    uint64_t *slot = slot_of(s, h);
    if (*slot) return true;
    *slot = h;
    s->n++;
    return false;
}

// --- What a text says ------------------------------------------------------------------------

typedef struct found {
    wiki__worker *w;
    uint32_t ordinal;
    bool is_redirect, needs_target;
    hash_set seen;
    status s;
} found;

static status add_link(found *f, str title) {
    bool is_full;
    uint64_t h = wiki__title_hash(title);
    if (seen_before(&is_full, &f->seen, h)) return OK;
    if (is_full) return err_set(&f->w->e, E_LIMIT, "more links on a page than %zu", f->seen.n);
    return add_mention(f->w, h, MENTION_LINK, f->ordinal);
}

// An ordinal behind a name: ranks are not known yet.
static status add_category(wiki__worker *w, str title, uint32_t ordinal) {
    uint8_t rec[WIKI_TITLE_MAX + 8];
    str name = str_skip(title, str_find_byte(title, ':') + 1);
    if (!name.len || str_find_byte(name, 0) < name.len) return OK;
    memcpy(rec, name.ptr, name.len);
    wiki__put_be32(rec + name.len, ordinal);
    return store_sort_add(w->categories, rec, name.len + 4, &w->e);
}

static void on_found(void *arg, const wiki_extracted *x) {
    found *f = arg;
    if (f->s) return;
    bool is_wanted = f->w->b->o->with & WIKI_WITH_CATEGORIES;
    if (x->kind == WIKI_CATEGORY) {
        if (is_wanted) f->s = add_category(f->w, x->title, f->ordinal);
    } else if (f->needs_target) {
        f->needs_target = false;
        f->s = add_mention(f->w, wiki__title_hash(x->title), MENTION_NORMAL, f->ordinal);
    } else if (!f->is_redirect) {
        f->s = add_link(f, x->title);
    }
}

static status read_redirect(wiki__worker *w, const wiki__page *p, uint32_t ordinal) {
    char room[8 * WIKI_TITLE_MAX];
    str raw, fragment;
    int32_t ns;
    TRY(decode(&raw, p, "a redirect target", p->redirect, room, &w->e));
    arena a = w->scratch;
    str normal = wiki_title_normalise(&ns, &fragment, &w->b->site, raw, &a);
    TRY(add_mention(w, wiki__title_hash(raw), MENTION_REDIRECT, ordinal));
    if (str_eq(raw, normal)) return OK;
    return add_mention(w, wiki__title_hash(normal), MENTION_NORMAL, ordinal);
}

static void check_sha1(wiki__row *row, wiki__worker *w, const wiki__page *p, str title, str text) {
    str want = str_trim(p->sha1);
    char got[WIKI__SHA1_DIGITS];
    if (!p->has_text || !want.len) {
        w->n_without_sha1++;
        return;
    }
    if (wiki__sha1(got, text) && str_eq(want, (str){got, sizeof got})) return;
    row->flags |= WIKI__IS_BAD;
    w->n_bad++;
    wiki__build *b = w->b;
    if (!b->o->bad_page) return;
    pthread_mutex_lock(&b->lock);
    b->o->bad_page(b->o->arg, title, "its text does not match its sha1");
    pthread_mutex_unlock(&b->lock);
}

static bool is_wikitext(const wiki__page *p) {
    str model = str_trim(p->model);
    return !model.len || str_eq(model, STR("wikitext"));
}

static status read_links(wiki__row *row, wiki__worker *w, const wiki__page *p, str title, str text,
                         arena a, uint32_t ordinal) {
    if (!p->is_redirect && wiki_is_disambiguation(title, text))
        row->flags |= WIKI__IS_DISAMBIGUATION;
    arena normal = {.base = a.base + a.used, .reserve = FOUND_SCRATCH};
    a.used += FOUND_SCRATCH;
    found f = {.w = w,
               .ordinal = ordinal,
               .is_redirect = p->is_redirect,
               .needs_target = p->is_redirect && !p->redirect.len,
               .seen = {.mem = a}};
    wiki_extract(text, &w->b->site, normal, on_found, &f);
    return f.s;
}

static status read_text(wiki__row *row, wiki__worker *w, const wiki__page *p, str title,
                        uint32_t ordinal) {
    TRY(fit(&w->scratch, p->text.len * TEXT_GROWTH + SCRATCH_LEAST, &w->e));
    arena a = w->scratch;
    str text = p->text;
    if (str_find_byte(text, '&') < text.len) {
        char *to = (char *)a.base + a.used;  // not zeroed first, as arena_alloc would
        text = (str){to, wiki__decode(to, p->text)};
        a.used += align_up(p->text.len, 16);
    }
    check_sha1(row, w, p, title, text);
    if (is_wikitext(p)) TRY(read_links(row, w, p, title, text, a, ordinal));
    if (p->text.len > LONG_TEXT) {
        a.used = a.reserve;
        arena_reset(&a, SCRATCH_KEEP);
    }
    return OK;
}

// --- Pages -----------------------------------------------------------------------------------

static status see_ns(wiki__worker *w, int32_t ns) {
    for (size_t i = 0; i < w->n_ns; i++)
        if (w->ns[i] == ns) return OK;
    if (w->n_ns == WIKI__NS_SEEN_MAX)
        return err_set(&w->e, E_LIMIT, "more than %d namespaces", WIKI__NS_SEEN_MAX);
    w->ns[w->n_ns++] = ns;
    return OK;
}

static void see_time(wiki__worker *w, str t) {
    t = str_trim(t);
    if (t.len >= sizeof w->newest || str_cmp(t, str_of(w->newest)) <= 0) return;
    memcpy(w->newest, t.ptr, t.len);
    w->newest[t.len] = 0;
}

static status read_page(wiki__row *row, wiki__worker *w, const wiki__page *p, uint32_t ordinal) {
    char room[8 * WIKI_TITLE_MAX];
    str title;
    if (p->len > UINT32_MAX) return too_long(p, "a page", p->len, UINT32_MAX, &w->e);
    *row = (wiki__row){.off = p->off,
                       .len = (uint32_t)p->len,
                       .id = wiki__page_id(p->id),
                       .ns = wiki__ns_key(p->ns),
                       .flags = p->is_redirect ? WIKI__IS_REDIRECT : 0};
    TRY(decode(&title, p, "a title", p->title, room, &w->e));
    TRY(see_ns(w, row->ns));
    see_time(w, p->timestamp);
    if (p->is_redirect && p->redirect.len) TRY(read_redirect(w, p, ordinal));
    TRY(read_text(row, w, p, title, ordinal));
    return add_title(w, title, row, ordinal);
}

static status write_rows(const wiki__build *b, const wiki__row *row, size_t n, uint64_t first,
                         err *e) {
    const char *p = (const char *)row;
    size_t len = n * sizeof *row;
    for (uint64_t off = first * sizeof *row; len;) {
        ssize_t did = pwrite(b->rows_fd, p, len, (off_t)off);
        if (did < 0 && errno == EINTR) continue;
        if (did < 0) return err_sys(e, "%s: temporary file", b->temp);
        p += did, len -= (size_t)did, off += (uint64_t)did;
    }
    return OK;
}

static status read_pages(wiki__worker *w, const wiki_chunk *c, chunk_pages *in) {
    wiki__build *b = w->b;
    for (size_t i = 0; i < in->n; i++) {
        if (wiki__build_cancelled(b)) return wiki__build_cancel(&w->e);
        if (atomic_load_explicit(&b->failed_at, memory_order_relaxed) < c->number) return OK;  // R2
        TRY(read_page(&in->row[i], w, &in->page[i], (uint32_t)(in->first + i)));
    }
    return write_rows(b, in->row, in->n, in->first, &w->e);
}

// --- The turn --------------------------------------------------------------------------------

static void fail(wiki__worker *w, uint64_t chunk) {
    wiki__build *b = w->b;
    pthread_mutex_lock(&b->lock);
    if (chunk < atomic_load(&b->failed_at)) {
        atomic_store(&b->failed_at, chunk);
        b->e = w->e;
    }
    pthread_cond_broadcast(&b->turn);
    pthread_mutex_unlock(&b->lock);
}

// False when a chunk before this one failed.
static bool wait_for_turn(wiki__build *b, uint64_t number) {
    while (b->next_chunk != number && atomic_load(&b->failed_at) >= number)
        pthread_cond_wait(&b->turn, &b->lock);
    return b->next_chunk == number;
}

static status take_turn(bool *is_ours, wiki__worker *w, const wiki_chunk *c, chunk_pages *in,
                        bool has_root, bool has_footer) {
    wiki__build *b = w->b;
    status s = OK;
    pthread_mutex_lock(&b->lock);
    *is_ours = wait_for_turn(b, c->number);
    if (*is_ours) {
        in->first = b->n_ordinals;
        b->n_ordinals += in->n;
        b->next_chunk++;
        b->xml_end = c->off + c->text.len;
        b->has_root |= has_root, b->has_footer |= has_footer;
        if (b->n_ordinals >= UINT32_MAX - 1)
            s = err_set(&w->e, E_LIMIT, "more than %u pages", UINT32_MAX - 2);
        wiki__build_tell(b, wiki_reader_packed_at(b->reader), wiki_reader_file(b->reader)->len,
                         c->is_last);
        pthread_cond_broadcast(&b->turn);
    }
    pthread_mutex_unlock(&b->lock);
    return s;
}

static status on_chunk(wiki__worker *w, const wiki_chunk *c) {
    chunk_pages in;
    bool has_root = false, has_footer = false, is_ours;
    TRY(scan(&in, &has_root, &has_footer, w, c, &w->e));
    TRY(take_turn(&is_ours, w, c, &in, has_root, has_footer));
    if (!is_ours || !in.n) return OK;
    in.row = arena_try_array(&w->pages, in.n, sizeof *in.row);
    if (!in.row) return err_set(&w->e, E_LIMIT, "%zu pages in a chunk", in.n);
    return read_pages(w, c, &in);
}

// --- Snapshots -------------------------------------------------------------------------------

static status take_snapshot(wiki__build *b, err *e) {
    const char *phase = b->phase;
    const char *path = arena_fmt(&b->perm, "%s.partial", b->index).ptr;
    TRY(wiki__build_finish(b, path, 0, e));
    b->phase = phase;
    uint64_t done = wiki_reader_packed_at(b->reader);
    wiki_progress p = {done, wiki_reader_file(b->reader)->len, b->n_ordinals, 0, phase};
    b->o->snapshot(b->o->arg, path, &p);
    while (b->next_snapshot <= b->n_ordinals)
        b->next_snapshot *= 2;
    return OK;
}

// R3: the last worker that comes here takes it; the others wait.
static status between_chunks(wiki__worker *w) {
    wiki__build *b = w->b;
    status s = OK;
    pthread_mutex_lock(&b->lock);
    while (b->n_ordinals >= b->next_snapshot && atomic_load(&b->failed_at) == UINT64_MAX) {
        if (b->n_waiting + 1 == b->n_running) {
            s = take_snapshot(b, &w->e);
            if (s) b->next_snapshot = UINT64_MAX;
            pthread_cond_broadcast(&b->turn);
            break;
        }
        b->n_waiting++;
        pthread_cond_wait(&b->turn, &b->lock);
        b->n_waiting--;
    }
    pthread_mutex_unlock(&b->lock);
    return s;
}

// --- Workers ---------------------------------------------------------------------------------

static status next_chunk(bool *more, wiki_chunk *c, wiki__worker *w) {
    TRY(between_chunks(w));
    if (wiki__build_cancelled(w->b)) return wiki__build_cancel(&w->e);
    return wiki_reader_next(more, c, w->b->reader, &w->e);
}

static void work(wiki__worker *w) {
    wiki__build *b = w->b;
    for (bool more = true; more && atomic_load(&b->failed_at) == UINT64_MAX;) {
        wiki_chunk c;
        if (next_chunk(&more, &c, w)) {
            fail(w, FROM_READER);
            return;
        }
        if (!more) return;
        if (on_chunk(w, &c)) fail(w, c.number);
        wiki_reader_give_back(b->reader, &c);
    }
}

static void run_worker(void *arg, size_t i) {
    wiki__build *b = arg;
    pthread_mutex_lock(&b->lock);
    b->n_running++;
    pthread_mutex_unlock(&b->lock);
    work(&b->workers[i]);
    store_sort_settle(b->workers[i].titles);
    store_sort_settle(b->workers[i].categories);
    pthread_mutex_lock(&b->lock);
    b->n_running--;
    pthread_cond_broadcast(&b->turn);
    pthread_mutex_unlock(&b->lock);
}

status wiki__build_read(wiki__build *b, err *e) {
    os_pool *pool = NULL;
    if (b->n_workers > 1) TRY(os_pool_open(&pool, b->n_workers - 1, 1, "index", e));
    os_pool_for(pool, (size_t)b->n_workers, run_worker, b);
    os_pool_close(pool);
    if (atomic_load(&b->failed_at) != UINT64_MAX) {
        if (e) *e = b->e;
        return b->e.code;
    }
    wiki__dump d;  // says what is wrong with a file that has no chunk
    return b->next_chunk ? OK : wiki__dump_open(&d, (str){0}, NULL, NULL, e);
}
