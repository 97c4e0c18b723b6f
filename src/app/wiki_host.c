// Which wikis are hosted: opening them by name, and a request's way to one.
//
// "--wiki NAME=DUMP" once per dump; the same NAME again lays an update over it. A wiki that cannot
// be opened is kept, so that its routes say 503 while the others serve; when none can, the app is
// broken.
//
//   I1  a name has only characters that need no encoding in a URL, and is there once
//   I2  a request that has entered a view leaves it when its reply is sent

#include "app/wiki_images.h"
#include "app/wiki_render.h"

#include "os/log.h"

#include <stdio.h>

typedef struct spec {  // one wiki of the command line
    str name;          // empty: what the dump says
    const char *dumps[WIKI_LAYERS_MAX];
    size_t n;
} spec;

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

// "NAME=DUMP" or "DUMP".
static str cut_name(const char **path, const char *text) {
    str s = str_of(text);
    size_t n = 0;
    while (n < s.len && is_plain(s.ptr[n]))
        n++;
    bool is_named = n > 0 && n <= WIKI_NAME_MAX && n < s.len && s.ptr[n] == '=';
    *path = is_named ? text + n + 1 : text;
    return str_first(s, is_named ? n : 0);
}

static status read_specs(spec *specs, size_t *n, const app_options *o, err *e) {
    *n = 0;
    for (size_t i = 0; i < o->n_wiki; i++) {
        const char *path;
        str name = cut_name(&path, o->wiki[i]);
        size_t k = 0;
        while (k < *n && !(name.len && str_eq(specs[k].name, name)))
            k++;
        if (k == WIKI_HOSTS_MAX) return err_set(e, E_LIMIT, "over %d wikis", WIKI_HOSTS_MAX);
        if (k == *n) specs[(*n)++] = (spec){.name = name};
        if (specs[k].n == WIKI_LAYERS_MAX)
            return err_set(e, E_LIMIT, "%.*s: over %d dumps", STR_ARG(name), WIKI_LAYERS_MAX);
        specs[k].dumps[specs[k].n++] = path;
    }
    return OK;
}

static void on_log(void *arg, const char *line) {
    (void)arg;
    log_info("wiki", "%s", line);
}

// I1
static const char *url_name(arena *a, str name) {
    char *to = arena_cstr(a, str_first(name, WIKI_NAME_MAX));
    for (char *p = to; *p; p++)
        if (!is_plain(*p)) *p = '_';
    return *to ? to : "wiki";
}

static const wiki_host *host_named(const wiki_hosts *hs, str name) {
    for (size_t i = 0; i < hs->n; i++)
        if (str_eq(name, str_of(hs->at[i].name))) return &hs->at[i];
    return NULL;
}

static void log_opened(const wiki_host *h) {
    wiki_state s;
    wiki_state_get(&s, h->w);
    if (s.is_building)
        log_info("wiki", "%s: the index is being built; serving what is read so far", h->name);
    else
        log_info("wiki", "%s: %llu pages, %.1f MB of XML", h->name, (unsigned long long)s.n_pages,
                 (double)s.xml_bytes / 1e6);
}

static status open_wiki(wiki_hosts *hs, const spec *sp, const app_options *o, err *e) {
    wiki_host h = {.name = sp->name.len ? arena_cstr(&hs->mem, sp->name) : NULL};
    wiki_options w = {
        .name = h.name,
        .dumps = sp->dumps,
        .n_dumps = sp->n,
        .index = hs->n == 0 ? o->wiki_index : NULL,
        .cache_bytes = o->wiki_cache,
        .builds = o->wiki_builds,
        .memory = o->wiki_memory,
        .with = WIKI_WITH_ALL,
        .log = on_log,
    };
    status s = wiki_open(&h.w, &w, e);
    if (s) h.w = NULL;
    const char *slash = strrchr(sp->dumps[0], '/');
    str found = s ? str_of(slash ? slash + 1 : sp->dumps[0]) : str_of(wiki_name(h.w));
    if (!h.name) h.name = url_name(&hs->mem, found);
    if (!s && host_named(hs, str_of(h.name))) {
        wiki_close(h.w);
        return err_set(e, E_ARG, "two wikis are called \"%s\": name them NAME=DUMP", h.name);
    }
    h.links = arena_fmt(&hs->mem, "/w/%s/wiki/%c", h.name, 0).ptr;
    h.reads = arena_fmt(&hs->mem, "/w/%s/read/%c", h.name, 0).ptr;
    hs->at[hs->n++] = h;
    if (!s) log_opened(&h);
    return s;
}

void wiki_app_close(void *self) {
    wiki_hosts *hs = self;
    for (size_t i = 0; i < hs->n; i++)
        wiki_close(hs->at[i].w);
    wiki_renders_close(hs->renders);
    wiki_images_close(hs->images);
    arena_close(&hs->cache_mem);
    arena a = hs->mem;  // the struct lies in it
    arena_close(&a);
}

// Without their pictures, articles are still worth serving.
static void open_images(wiki_hosts *hs, const char *dir) {
    err e = {0};
    if (dir && wiki_images_open(&hs->images, dir, &hs->mem, &e)) log_error("wiki", "%s", e.msg);
}

status wiki_app_open(void **self, const app_options *o, err *e) {
    if (o->n_wiki == 0) return OK;
    arena a;
    TRY(arena_open(&a, 1 << 20, e));
    wiki_hosts *hs = arena_new(&a, wiki_hosts);
    spec *specs = arena_array(&a, spec, WIKI_HOSTS_MAX);
    hs->mem = a;
    size_t n = 0, n_good = 0;
    status s = wiki_cache_open(&hs->cache, &hs->cache_mem, e);
    if (!s) s = wiki_renders_open(&hs->renders, o->page_cache, o->page_cache / 4, &hs->mem, e);
    if (!s) open_images(hs, o->images);
    if (!s) s = read_specs(specs, &n, o, e);
    for (size_t i = 0; i < n && !s; i++) {
        err why = {0};
        status st = open_wiki(hs, &specs[i], o, &why);
        n_good += st == OK;
        if (st && n == 1)
            s = err_set(e, st, "%s", why.msg);
        else if (st)
            log_error("wiki", "%s", why.msg);
    }
    if (!s && n_good == 0) s = err_set(e, E_NOT_FOUND, "none of %zu wikis could be opened", n);
    if (s)
        wiki_app_close(hs);
    else
        *self = hs;
    return s;
}

// --- A request's wiki ------------------------------------------------------------------------

static void leave(void *view) {
    wiki_leave(view);
}

static void reply_no_such(http_req *rq, const wiki_hosts *hs, str name) {
    buf b;
    buf_init(&b, http_arena(rq), 256);
    for (size_t i = 0; i < hs->n; i++)
        buf_fmt(&b, "%s%s", i ? ", " : "", hs->at[i].name);
    http_reply_error(rq, 404, "No wiki \"%.*s\" here; there are: %.*s",
                     STR_ARG(str_first(name, WIKI_NAME_MAX)), STR_ARG(buf_str(&b)));
}

static double percent_of(const wiki_progress *p) {
    return p->total ? 100.0 * (double)p->done / (double)p->total : 0;
}

static void add_progress(http_req *rq, wiki_host *h) {
    wiki_state s;
    wiki_state_get(&s, h->w);
    if (!s.is_building) return;
    http_add_header_fmt(rq, "X-Index-Progress", "%.1f%%; pages=%llu", percent_of(&s.progress),
                        (unsigned long long)s.progress.pages);
}

static void reply_nothing_yet(http_req *rq, wiki_host *h) {
    wiki_state s = {0};
    if (h->w) wiki_state_get(&s, h->w);
    if (!s.is_building) {
        http_reply_error(rq, 503, "%s could not be opened; the server's log says why", h->name);
        return;
    }
    add_progress(rq, h);
    http_add_header(rq, "Retry-After", STR("1"));
    http_reply_error(rq, 503, "The index of %s is being built: %.1f%%", h->name,
                     percent_of(&s.progress));
}

bool wiki_ask_named(wiki_ask *q, http_req *rq, void *app, str name) {
    wiki_hosts *hs = app;
    wiki_host *h = name.len ? (wiki_host *)host_named(hs, name) : &hs->at[0];
    if (!h) {
        reply_no_such(rq, hs, name);
        return false;
    }
    wiki_view *v = h->w ? wiki_enter(h->w) : NULL;
    if (!v) {
        reply_nothing_yet(rq, h);
        return false;
    }
    http_at_end(rq, leave, v);  // I2
    if (wiki_view_is_partial(v)) add_progress(rq, h);
    *q = (wiki_ask){rq, hs, h, v, http_arena(rq), h->links, false};
    return true;
}

bool wiki_ask_begin(wiki_ask *q, http_req *rq, void *app) {
    str db = http_param(rq, "db");
    if (!wiki_ask_named(q, rq, app, db)) return false;
    if (!db.len) q->links = "/wiki/wiki/";
    return true;
}

void wiki_ask_to_read(wiki_ask *q) {
    q->links = http_param(q->rq, "db").len ? q->host->reads : "/read/";
    q->is_to_read = true;
}

bool wiki_ask_name(str *name, http_req *rq) {
    *name = http_tail(rq);
    if (name->len || http_query(name, rq, "name")) return true;
    http_reply_error(rq, 400, "Missing name");
    return false;
}

bool wiki_ask_number(int64_t *out, http_req *rq, const char *key, int64_t dflt, int64_t min,
                     int64_t max) {
    str text;
    *out = dflt;
    if (!http_query(&text, rq, key) || text.len == 0) return true;
    if (str_parse_i64(out, text) && *out >= min && *out <= max) return true;
    http_reply_error(rq, 400, "%s must be a whole number from %lld to %lld", key, (long long)min,
                     (long long)max);
    return false;
}

bool wiki_ask_find(wiki_hit *h, const wiki_ask *q, str name) {
    if (name.len == 0)
        http_reply_error(q->rq, 400, "Name too short (< 1 char)");
    else if (wiki_resolve(h, q->view, name, q->a))
        return true;
    else
        http_reply_error(q->rq, 404, "Not Found");
    return false;
}

void wiki_put_url(buf *b, str links, str title) {
    buf_add(b, links);
    for (size_t n; title.len; title = str_skip(title, n + 1)) {
        n = str_find_byte(title, ' ');
        buf_url(b, str_first(title, n), ":(),!*@;/");
        if (n < title.len) buf_byte(b, '_');
    }
}

void wiki_put_page_url(buf *b, const wiki_host *host, str title) {
    wiki_put_url(b, str_of(host->links), title);
}

void wiki_reply_unread(http_req *rq, status s) {
    if (s == E_LIMIT || s == E_MEMORY)
        http_reply_error(rq, 413, "Over %d MB of a packed dump", WIKI_UNPACK_MAX >> 20);
    else if (s == E_ARG)
        http_reply_error(rq, 400, "The range spans two dumps");
    else
        http_reply_error(rq, 500, "The dump could not be read there; it may be damaged");
}

bool wiki_ask_xml(str *xml, const wiki_ask *q, const wiki_hit *h) {
    if (h->page.len > WIKI_UNPACK_MAX) {
        http_reply_error(q->rq, 413, "The page is over %d MB", WIKI_UNPACK_MAX >> 20);
        return false;
    }
    err e;
    status s = wiki_page_xml(xml, q->view, h, q->a, &e);
    if (s) wiki_reply_unread(q->rq, s);
    return !s;
}

bool wiki_ask_slice(str *xml, const wiki_ask *q, uint64_t off, uint64_t len) {
    status s = len > WIKI_UNPACK_MAX ? E_LIMIT : wiki_read(xml, q->view, off, len, q->a, NULL);
    if (s) wiki_reply_unread(q->rq, s);
    return !s;
}

static bool is_called(const wiki_host *h, str prefix) {
    wiki_view *v = h->w ? wiki_enter(h->w) : NULL;
    if (!v) return str_eq_nocase(prefix, str_of(h->name));
    const wiki_site *site = wiki_view_site(v);
    bool is_it = str_eq_nocase(prefix, str_of(h->name)) || str_eq_nocase(prefix, site->dbname) ||
                 str_eq_nocase(prefix, site->lang);
    wiki_leave(v);
    return is_it;
}

const char *wiki_links_to(void *ask, str prefix) {
    const wiki_ask *q = ask;
    for (size_t i = 0; prefix.len && i < q->hosts->n; i++) {
        const wiki_host *h = &q->hosts->at[i];
        if (is_called(h, prefix))
            return h == q->host ? q->links : q->is_to_read ? h->reads : h->links;
    }
    return NULL;
}

// --- State -----------------------------------------------------------------------------------

static void put_build(json *j, const wiki_state *s) {
    const wiki_progress *p = &s->progress;
    json_key(j, "building"), json_bool(j, s->is_building);
    if (s->failed[0]) json_key(j, "build_failed"), json_bool(j, true);
    if (!s->is_building) return;
    double rate = p->seconds > 0 ? (double)p->done / p->seconds : 0;
    json_key(j, "progress"), json_f64(j, percent_of(p) / 100, 4);
    json_key(j, "phase"), json_str(j, str_of(p->phase ? p->phase : ""));
    json_key(j, "pages_read"), json_u64(j, p->pages);
    json_key(j, "bytes_per_second"), json_f64(j, rate, 0);
    json_key(j, "seconds_left");
    if (rate > 0 && p->total >= p->done)
        json_f64(j, (double)(p->total - p->done) / rate, 1);
    else
        json_null(j);
}

static void put_counters(json *j, const wiki_state *s) {
    json_key(j, "xml_bytes"), json_u64(j, s->xml_bytes);
    json_key(j, "index_bytes"), json_u64(j, s->index_bytes);
    json_key(j, "layers"), json_u64(j, s->n_layers);
    json_key(j, "cache"), json_open(j, '{');
    json_key(j, "hits"), json_u64(j, s->cache.hits);
    json_key(j, "misses"), json_u64(j, s->cache.misses);
    json_key(j, "bytes"), json_u64(j, s->cache.bytes);
    json_key(j, "evicted"), json_u64(j, s->cache.evicted);
    json_close(j, '}');
}

void wiki_put_state(json *j, const wiki_host *host, bool is_whole) {
    wiki_state s = {0};
    wiki_view *v = host->w ? wiki_enter(host->w) : NULL;
    if (host->w) wiki_state_get(&s, host->w);
    json_key(j, "name"), json_str(j, str_of(host->name));
    json_key(j, "available"), json_bool(j, v != NULL);
    if (v) {
        const wiki_site *site = wiki_view_site(v);
        json_key(j, "sitename"), json_str(j, site->name);
        json_key(j, "dbname"), json_str(j, site->dbname);
        json_key(j, "lang"), json_str(j, site->lang);
        json_key(j, "base"), json_str(j, site->base);
        wiki_leave(v);
    }
    json_key(j, "pages"), json_u64(j, s.n_pages);
    put_build(j, &s);
    if (is_whole) put_counters(j, &s);
}

void wiki_app_stats(json *j, void *self) {
    const wiki_hosts *hs = self;
    const wiki_host *first = &hs->at[0];
    wiki_state s = {0};
    wiki_view *v = first->w ? wiki_enter(first->w) : NULL;
    if (first->w) wiki_state_get(&s, first->w);
    if (v) {  // the first one's facts stand where they stood when there was but one
        const wiki_site *site = wiki_view_site(v);
        json_key(j, "name"), json_str(j, site->name);
        json_key(j, "dbname"), json_str(j, site->dbname);
        json_key(j, "lang"), json_str(j, site->lang);
        wiki_leave(v);
    }
    json_key(j, "pages"), json_u64(j, s.n_pages);
    json_key(j, "xml_bytes"), json_u64(j, s.xml_bytes);
    put_build(j, &s);
    json_key(j, "wikis"), json_open(j, '[');
    for (size_t i = 0; i < hs->n; i++) {
        json_open(j, '{');
        wiki_put_state(j, &hs->at[i], true);
        json_close(j, '}');
    }
    json_close(j, ']');
    wiki_renders_stats(j, hs->renders);
}

#define AT(field) offsetof(wiki_state, field)

void wiki_app_metrics(metrics *m, void *self) {
    static const struct {
        metrics_kind kind;
        const char *name, *help;
        size_t at;  // of a uint64_t
    } rows[] = {
        {METRICS_GAUGE, "wiki_pages", "Pages that can be seen.", AT(n_pages)},
        {METRICS_GAUGE, "wiki_xml_bytes", "Unpacked text of all its dumps.", AT(xml_bytes)},
        {METRICS_GAUGE, "wiki_index_bytes", "Size of its indexes.", AT(index_bytes)},
        {METRICS_GAUGE, "wiki_cache_bytes", "Unpacked text that is kept.", AT(cache.bytes)},
        {METRICS_COUNTER, "wiki_cache_hits_total", "Blocks that were kept.", AT(cache.hits)},
        {METRICS_COUNTER, "wiki_cache_misses_total", "Blocks that were not.", AT(cache.misses)},
    };
    const wiki_hosts *hs = self;
    wiki_state state[WIKI_HOSTS_MAX] = {0};
    for (size_t i = 0; i < hs->n; i++)
        if (hs->at[i].w) wiki_state_get(&state[i], hs->at[i].w);
    for (size_t k = 0; k < countof(rows); k++) {
        metrics_family(m, rows[k].kind, rows[k].name, rows[k].help);
        for (size_t i = 0; i < hs->n; i++)
            metrics_u64(m, &(metrics_label){"wiki", str_of(hs->at[i].name)},
                        *(const uint64_t *)((const char *)&state[i] + rows[k].at));
    }
    metrics_family(m, METRICS_GAUGE, "wiki_building", "1 while an index is being built.");
    for (size_t i = 0; i < hs->n; i++)
        metrics_u64(m, &(metrics_label){"wiki", str_of(hs->at[i].name)}, state[i].is_building);
    wiki_renders_metrics(m, hs->renders);
}
