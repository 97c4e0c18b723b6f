// Rendered pages: one table by place in the dumps, a list in order of use, and who waits.
//
//   I1  an entry is in the table from the moment somebody begins to make it; `page` is NULL until
//       it is made, and immutable then
//   I2  a held request is in exactly one list: of the entry it waits for, or of those that wait for
//       a lane; whoever takes it out resumes it, outside the lock
//   I3  an entry dies when it is out of the table and its last share is given back

#include "app/wiki_render.h"

#include "families/families.h"

#include "os/clock.h"
#include "os/cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BUCKETS = 4096,
    FRESH_MS = 1000,  // so long a made page stays, for those who waited for it
    ROOM_LEAST = 256 << 20,
    ROOM_KEPT = 4 << 20,  // of an arena, between two pages
};

typedef struct key {
    const wiki_host *host;
    uint64_t view, off, len, links;
} key;

typedef struct held {
    struct held *next;
    http_req *rq;
} held;

typedef struct entry {
    key key;
    struct entry *next;           // in its bucket
    struct entry *older, *newer;  // by last use, made ones only
    held *waiting;
    wiki_rendered *page;
    size_t bytes;
    int64_t made_ns;
    int shares;  // requests, and one of the table
} entry;

// What one render works in.
typedef struct lane {
    struct lane *next;
    arena mem, scratch;
} lane;

struct wiki_renders {
    pthread_mutex_t lock;
    entry *bucket[BUCKETS];
    entry *oldest, *newest;
    held *first_held, *last_held;  // for a lane
    lane *spare;
    int running, slow, lanes;
    wt_cache *trees;
    wiki_render_counters count;
};

status wiki_renders_open(wiki_renders **out, size_t page_bytes, size_t tree_bytes, arena *mem,
                         err *e) {
    wiki_renders *r = arena_new(mem, wiki_renders);
    *out = r;
    r->lanes = os_cpu_count();
    r->count.limit = page_bytes;
    if (pthread_mutex_init(&r->lock, NULL)) return err_set(e, E_MEMORY, "a lock");
    return wt_cache_open(&r->trees, tree_bytes, e);
}

static void free_entry(entry *n) {
    free(n->page);
    free(n);
}

void wiki_renders_close(wiki_renders *r) {
    if (!r) return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (entry *n = r->bucket[i], *next; n; n = next)
            next = n->next, free_entry(n);
    for (lane *l = r->spare, *next; l; l = next) {
        next = l->next;
        arena_close(&l->mem), arena_close(&l->scratch);
        free(l);
    }
    wt_cache_close(r->trees);
    pthread_mutex_destroy(&r->lock);
}

// --- The table: all under the lock ---------------------------------------------------------------

static entry **place_of(wiki_renders *r, const key *k) {
    uint64_t h = (k->off ^ k->len << 40 ^ k->view << 20 ^ k->links) * 0x9E3779B97F4A7C15u;
    entry **at = &r->bucket[(h ^ (uint64_t)(uintptr_t)k->host >> 4) >> 7 & (BUCKETS - 1)];
    while (*at && memcmp(&(*at)->key, k, sizeof *k) != 0)
        at = &(*at)->next;
    return at;
}

static void unlink_used(wiki_renders *r, entry *n) {
    *(n->older ? &n->older->newer : &r->oldest) = n->newer;
    *(n->newer ? &n->newer->older : &r->newest) = n->older;
    n->older = n->newer = NULL;
}

static void link_newest(wiki_renders *r, entry *n) {
    n->older = r->newest;
    *(r->newest ? &r->newest->newer : &r->oldest) = n;
    r->newest = n;
}

static void give_back(entry *n) {
    if (--n->shares == 0) free_entry(n);  // I3
}

static void remove_entry(wiki_renders *r, entry *n) {
    entry **at = place_of(r, &n->key);
    *at = n->next;
    if (n->page) {
        unlink_used(r, n);
        r->count.bytes -= n->bytes;
        r->count.entries--;
    }
    give_back(n);
}

static void shrink(wiki_renders *r, int64_t now) {
    while (r->oldest && r->count.bytes > r->count.limit &&
           now - r->oldest->made_ns > (int64_t)FRESH_MS * 1000000)
        remove_entry(r, r->oldest);
}

static bool is_stale(const entry *n, int64_t now) {
    return n->page && n->page->page.is_volatile &&
           now - n->made_ns > (int64_t)RENDER_VOLATILE_MS * 1000000;
}

// Holds the request until the page is made or a lane is free. I2
static void hold(wiki_renders *r, entry *n, http_req *rq) {
    held *h = arena_new(http_arena(rq), held);
    h->rq = rq;
    http_hold(rq);
    r->count.waited++;
    if (n) {
        h->next = n->waiting;
        n->waiting = h;
    } else {
        *(r->last_held ? &r->last_held->next : &r->first_held) = h;
        r->last_held = h;
    }
}

static held *next_for_lane(wiki_renders *r) {
    held *h = r->running < r->lanes ? r->first_held : NULL;
    if (!h) return NULL;
    r->first_held = h->next;
    if (!r->first_held) r->last_held = NULL;
    h->next = NULL;
    return h;
}

static void resume_all(held *h) {
    for (held *next; h; h = next) {
        next = h->next;  // the request's memory is its own again from here on
        http_resume(h->rq);
    }
}

// --- Making a page -----------------------------------------------------------------------------

static lane *take_lane(wiki_renders *r) {
    pthread_mutex_lock(&r->lock);
    lane *l = r->spare;
    if (l) r->spare = l->next;
    pthread_mutex_unlock(&r->lock);
    if (l) return l;
    l = calloc(1, sizeof *l);
    if (!l) return NULL;
    if (!arena_open_most(&l->mem, wt_room(SIZE_MAX), ROOM_LEAST, NULL) &&
        !arena_open_most(&l->scratch, wt_room(SIZE_MAX), ROOM_LEAST, NULL))
        return l;
    arena_close(&l->mem);
    free(l);
    return NULL;
}

static void put_lane(wiki_renders *r, lane *l) {
    arena_reset(&l->mem, ROOM_KEPT);
    arena_reset(&l->scratch, ROOM_KEPT);
    pthread_mutex_lock(&r->lock);
    l->next = r->spare;
    r->spare = l;
    pthread_mutex_unlock(&r->lock);
}

// The job of one leader.
typedef struct making {
    wiki_renders *r;
    const wiki_ask *q;
    bool is_slow;  // has given its lane to the next
} making;

static void on_slow(void *arg) {
    making *m = arg;
    wiki_renders *r = m->r;
    held *next = NULL;
    pthread_mutex_lock(&r->lock);
    if (r->slow < r->lanes) {
        m->is_slow = true;
        r->slow++, r->running--;
        r->count.slow++;
        next = next_for_lane(r);
    }
    pthread_mutex_unlock(&r->lock);
    resume_all(next);
}

static size_t size_of_section(const wt_section *s) {
    return sizeof *s + s->number.len + s->anchor.len + s->html.len + s->text.len + s->from.len + 96;
}

static size_t size_of(const wiki_rendered *w) {
    const wt_page *p = &w->page;
    size_t n = sizeof *w + p->html.len + p->display_title.len + p->redirect.len + 1024 +
               w->title.len + w->timestamp.len + w->model.len + w->sha1.len;
    for (size_t i = 0; i < p->n_sections; i++)
        n += size_of_section(&p->sections[i]);
    for (size_t i = 0; i < p->n_indicators; i++)
        n += size_of_section(&p->indicators[i]);
    for (size_t i = 0; i < p->n_categories; i++)
        n += sizeof *p->categories + p->categories[i].name.len + p->categories[i].sort_key.len + 48;
    for (size_t i = 0; i < p->n_languages; i++)
        n += sizeof *p->languages + p->languages[i].len + 32;
    return n;
}

static const wt_section *copy_sections(const wt_section *from, size_t n, arena *a) {
    wt_section *to = arena_array(a, wt_section, n + 1);
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
        to[i].number = arena_str(a, from[i].number);
        to[i].anchor = arena_str(a, from[i].anchor);
        to[i].html = arena_str(a, from[i].html);
        to[i].text = arena_str(a, from[i].text);
        to[i].from = arena_str(a, from[i].from);
    }
    return to;
}

static void copy_lists(wt_page *p, arena *a) {
    wt_category *categories = arena_array(a, wt_category, p->n_categories + 1);
    for (size_t i = 0; i < p->n_categories; i++)
        categories[i] = (wt_category){arena_str(a, p->categories[i].name),
                                      arena_str(a, p->categories[i].sort_key)};
    str *languages = arena_array(a, str, p->n_languages + 1);
    for (size_t i = 0; i < p->n_languages; i++)
        languages[i] = arena_str(a, p->languages[i]);
    p->categories = categories, p->languages = languages;
}

// All of a page in one allocation; what only rendering needed to know is left out.
static wiki_rendered *keep(size_t *bytes, const wiki_rendered *from) {
    *bytes = size_of(from);
    arena a = {.base = calloc(1, *bytes), .reserve = *bytes};
    if (!a.base) return NULL;
    wiki_rendered *w = arena_new(&a, wiki_rendered);
    *w = *from;
    w->page.sections = copy_sections(from->page.sections, from->page.n_sections, &a);
    w->page.indicators = copy_sections(from->page.indicators, from->page.n_indicators, &a);
    copy_lists(&w->page, &a);
    w->page.html = arena_str(&a, from->page.html);
    w->page.display_title = arena_str(&a, from->page.display_title);
    w->page.redirect = arena_str(&a, from->page.redirect);
    w->title = arena_str(&a, from->title);
    w->timestamp = arena_str(&a, from->timestamp);
    w->model = arena_str(&a, from->model);
    w->sha1 = arena_str(&a, from->sha1);
    w->page.default_sort = (str){0}, w->page.used = NULL, w->page.costs = NULL;
    w->page.n_used = w->page.n_costs = 0;
    return w;
}

// The hash covers the words, too: links are red or blue by other pages than those it is made of.
static void set_etag(wiki_rendered *w) {
    uint64_t hash = wt_page_hash(&w->page, w->sha1) ^ str_hash(w->page.html, WT_VERSION);
    snprintf(w->etag, sizeof w->etag, "\"%016llx\"", (unsigned long long)hash);
}

static wt_options options_of(making *m, const wiki_revision *rev, const wt_world *world,
                             const char *links, int64_t now) {
    return (wt_options){
        .world = world,
        .title = rev->title,
        .model = rev->model,
        .page_id = rev->page_id,
        .rev_id = rev->rev_id,
        .timestamp = rev->timestamp,
        .article_path = links,
        .limits = {.output_bytes = RENDER_OUTPUT_MAX,
                   .deadline_ns = now + (int64_t)RENDER_DEADLINE_MS * 1000000},
        .cache = m->r->trees,
        .families = &families,
        .no_toc = true,
        .on_slow = on_slow,
        .on_slow_arg = m,
        .slow_ns = now + (int64_t)RENDER_SLOW_MS * 1000000,
    };
}

static wiki_rendered *render_in(size_t *bytes, making *m, lane *l, str xml, const char *links) {
    const wiki_ask *q = m->q;
    wiki_revision rev;
    wiki_world w = {
        .view = q->view, .links_to = wiki_links_to, .arg = (void *)q, .images = q->hosts->images};
    wt_world world;
    if (wiki_revision_parse(&rev, xml, &l->mem, NULL)) {
        http_reply_error(q->rq, 400,
                         "That is not one whole page: take the range from /wiki/offsets");
        return NULL;
    }
    int64_t start = os_now_ns();
    wiki_world_fill(&world, &w);
    wt_options o = options_of(m, &rev, &world, links, start);
    wiki_rendered made = {.title = rev.title,
                          .timestamp = rev.timestamp,
                          .model = rev.model,
                          .sha1 = rev.sha1,
                          .page_id = rev.page_id,
                          .rev_id = rev.rev_id};
    wiki_rendered *kept = NULL;
    if (!wt_render(&made.page, rev.text, &o, &l->mem, l->scratch)) {
        int64_t ns = os_now_ns() - start;
        made.ms = (double)ns / 1e6;
        set_etag(&made);
        kept = keep(bytes, &made);
        pthread_mutex_lock(&m->r->lock);
        m->r->count.ns += (uint64_t)ns;
        m->r->count.wikitext_bytes += rev.text.len;
        m->r->count.over += made.page.over != 0;
        pthread_mutex_unlock(&m->r->lock);
    }
    if (!kept) http_reply_error(q->rq, 500, "The page could not be rendered: out of memory");
    return kept;
}

static wiki_rendered *make(size_t *bytes, making *m, uint64_t off, uint64_t len,
                           const char *links) {
    str xml;
    if (!wiki_ask_slice(&xml, m->q, off, len)) return NULL;
    lane *l = take_lane(m->r);
    if (!l) {
        http_reply_error(m->q->rq, 500, "The page could not be rendered: out of memory");
        return NULL;
    }
    wiki_rendered *page = render_in(bytes, m, l, xml, links);
    put_lane(m->r, l);
    return page;
}

// --- Asking --------------------------------------------------------------------------------------

typedef struct share {
    wiki_renders *r;
    entry *entry;
} share;

static void end_share(void *arg) {
    share *s = arg;
    pthread_mutex_lock(&s->r->lock);
    give_back(s->entry);
    pthread_mutex_unlock(&s->r->lock);
}

// Under the lock: the request reads the page until its reply is sent.
static const wiki_rendered *take_share(wiki_renders *r, entry *n, http_req *rq) {
    share *s = arena_new(http_arena(rq), share);
    *s = (share){r, n};
    n->shares++;
    http_at_end(rq, end_share, s);
    return n->page;
}

// Under the lock: the made page, or NULL with the request held, or NULL with *mine to be made.
static const wiki_rendered *find_or_begin(entry **mine, wiki_renders *r, const key *k,
                                          http_req *rq) {
    int64_t now = os_now_ns();
    entry **at = place_of(r, k), *n = *at;
    *mine = NULL;
    if (n && is_stale(n, now)) {
        remove_entry(r, n);
        at = place_of(r, k), n = NULL;
    }
    if (n && n->page) {
        r->count.hits++;
        unlink_used(r, n);
        link_newest(r, n);
        const wiki_rendered *page = take_share(r, n, rq);
        shrink(r, now);
        return page;
    }
    if (n || r->running >= r->lanes) {
        hold(r, n, rq);
        return NULL;
    }
    n = calloc(1, sizeof *n);
    if (!n) return NULL;
    *n = (entry){.key = *k, .shares = 1};
    *at = *mine = n;
    r->running++;
    r->count.misses++;
    return NULL;
}

// Under the lock: the page is made, or could not be (NULL). Returns who is to be resumed.
static held *finish(const wiki_rendered **out, making *m, entry *n, wiki_rendered *page,
                    size_t bytes) {
    wiki_renders *r = m->r;
    *(m->is_slow ? &r->slow : &r->running) -= 1;
    held *waiting = n->waiting, *next = next_for_lane(r);
    n->waiting = NULL;
    if (next) next->next = waiting, waiting = next;
    *out = NULL;
    if (!page) {
        remove_entry(r, n);
        return waiting;
    }
    n->page = page, n->bytes = bytes, n->made_ns = os_now_ns();
    link_newest(r, n);
    r->count.pages++, r->count.entries++;
    r->count.bytes += bytes;
    *out = take_share(r, n, m->q->rq);
    shrink(r, n->made_ns);
    return waiting;
}

const wiki_rendered *wiki_render(const wiki_ask *q, uint64_t off, uint64_t len, const char *links) {
    wiki_renders *r = q->hosts->renders;
    key k = {q->host, wiki_view_number(q->view), off, len, str_hash(str_of(links), 1)};
    making m = {.r = r, .q = q};
    entry *mine;
    pthread_mutex_lock(&r->lock);
    const wiki_rendered *page = find_or_begin(&mine, r, &k, q->rq);
    held *next = page ? next_for_lane(r) : NULL;  // who waited for a lane did not need it
    pthread_mutex_unlock(&r->lock);
    resume_all(next);
    if (mine) {
        size_t bytes = 0;
        wiki_rendered *made = make(&bytes, &m, off, len, links);
        pthread_mutex_lock(&r->lock);
        held *waiting = finish(&page, &m, mine, made, bytes);
        pthread_mutex_unlock(&r->lock);
        resume_all(waiting);
    }
    if (page) {
        http_set_modified(q->rq, wiki_view_modified_ns(q->view));
        http_set_etag(q->rq, str_of(page->etag));
    }
    return page;
}

// --- Figures -------------------------------------------------------------------------------------

#define AT(field) offsetof(wiki_render_counters, field)

static const struct {
    metrics_kind kind;
    const char *key;  // in /stats
    const char *name, *help;
    size_t at;  // of a uint64_t
} figures[] = {
    {METRICS_COUNTER, "pages", "wiki_pages_rendered_total", "Pages rendered.", AT(pages)},
    {METRICS_COUNTER, "hits", "wiki_page_hits_total", "Requests that found their page made.",
     AT(hits)},
    {METRICS_COUNTER, "misses", "wiki_page_misses_total", "Requests that made their page.",
     AT(misses)},
    {METRICS_COUNTER, "held", "wiki_page_held_total",
     "Times a request waited for one in the making, or for its turn.", AT(waited)},
    {METRICS_COUNTER, "slow", "wiki_page_slow_total", "Pages that gave their turn to the next.",
     AT(slow)},
    {METRICS_COUNTER, "over_limits", "wiki_page_over_limits_total",
     "Pages that ended in a note about a limit.", AT(over)},
    {METRICS_COUNTER, "wikitext_bytes", "wiki_page_wikitext_bytes_total", "Wikitext rendered.",
     AT(wikitext_bytes)},
    {METRICS_GAUGE, "entries", "wiki_page_cache_entries", "Rendered pages that are kept.",
     AT(entries)},
    {METRICS_GAUGE, "bytes", "wiki_page_cache_bytes", "Their size.", AT(bytes)},
    {METRICS_GAUGE, "limit", "wiki_page_cache_limit_bytes", "What it is kept under.", AT(limit)},
    {METRICS_COUNTER, "tree_hits", "wiki_tree_hits_total", "Templates found parsed.",
     AT(trees.hits)},
    {METRICS_COUNTER, "tree_misses", "wiki_tree_misses_total", "Templates parsed.",
     AT(trees.misses)},
    {METRICS_GAUGE, "tree_bytes", "wiki_tree_bytes", "Parsed templates that are kept.",
     AT(trees.bytes)},
};

static uint64_t figure(const wiki_render_counters *c, size_t i) {
    return *(const uint64_t *)((const char *)c + figures[i].at);
}

void wiki_renders_count(wiki_render_counters *out, wiki_renders *r) {
    pthread_mutex_lock(&r->lock);
    *out = r->count;
    pthread_mutex_unlock(&r->lock);
    wt_cache_count(&out->trees, r->trees);
}

void wiki_renders_stats(json *j, wiki_renders *r) {
    wiki_render_counters c;
    wiki_renders_count(&c, r);
    json_key(j, "rendering"), json_open(j, '{');
    for (size_t i = 0; i < countof(figures); i++)
        json_key(j, figures[i].key), json_u64(j, figure(&c, i));
    json_key(j, "seconds"), json_f64(j, (double)c.ns / 1e9, 3);
    json_close(j, '}');
}

void wiki_renders_metrics(metrics *m, wiki_renders *r) {
    wiki_render_counters c;
    wiki_renders_count(&c, r);
    for (size_t i = 0; i < countof(figures); i++) {
        metrics_family(m, figures[i].kind, figures[i].name, figures[i].help);
        metrics_u64(m, NULL, figure(&c, i));
    }
    metrics_family(m, METRICS_COUNTER, "wiki_page_seconds_total", "Time spent rendering.");
    metrics_f64(m, NULL, (double)c.ns / 1e9);
}
