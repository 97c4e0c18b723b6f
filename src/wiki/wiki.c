// An opened wiki: its dumps and indexes, who is in which view, and building in the background.
//
//   I1  an index is of the very dump beside it: length, time, and the sum of its first and last MiB
//   I2  `current` holds the number of the current view and how many have entered it. Entering adds
//       one; replacing swaps the word and adds those who entered to the view's balance, from which
//       each leaver takes one: whoever brings it to zero frees the view. No lock, no waiting
//   I3  only the building thread makes views after wiki_open; wiki_close joins it first
//   I4  a dump is seen when all before it are settled, so that a layer's number and where its XML
//       starts in the whole stay as they are from the first view it is in

#include "wiki/view.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    VIEWS_MAX = 64,
    SNAPSHOT_PAGES = 20000,
    NAME_MAX_LEN = 64,
    CACHE = 64 << 20,
    KEPT_SHARE = 8
};
#define ENTERED ((UINT64_C(1) << 56) - 1)

struct wiki {
    _Atomic(uint64_t) current;    // view number << 56 | entered
    wiki_view *views[VIEWS_MAX];  // 0 is none
    uint64_t n_views;
    wiki_options o;
    wiki__layer *layers[WIKI_LAYERS_MAX];  // one share each; NULL: not indexed yet
    bool is_settled[WIKI_LAYERS_MAX];      // indexed whole, or given up
    size_t building;                       // which dump
    wiki__mapped mapped;
    char name[NAME_MAX_LEN];
    pthread_t thread;
    bool has_thread;
    _Atomic(bool) cancel;
    pthread_mutex_t lock;  // of state
    wiki_state state;
    arena mem;
};

// --- Entering and leaving ------------------------------------------------------------------------

wiki_view *wiki_enter(wiki *w) {
    return w->views[atomic_fetch_add(&w->current, 1) >> 56];
}

static void settle(wiki_view *v, int64_t by) {
    if (atomic_fetch_add(&v->balance, by) + by == 0) wiki__view_drop(v);
}

void wiki_leave(wiki_view *v) {
    if (!v) return;
    wiki__trim(v);
    settle(v, -1);
}

// The next view, or none; false when there were too many already.
static bool publish(wiki *w, wiki_view *v) {
    if (w->n_views + 1 >= VIEWS_MAX) return false;
    w->views[++w->n_views] = v;
    uint64_t old = atomic_exchange(&w->current, w->n_views << 56);
    // One more than entered, taken at once: a view nobody entered is dropped, too.
    wiki_view *last = w->views[old >> 56];
    if (last) {
        atomic_fetch_add(&last->balance, (int64_t)(old & ENTERED) + 1);
        settle(last, -1);
    }
    return true;
}

// --- Layers ----------------------------------------------------------------------------------

static const char *index_path(arena *a, const wiki *w, size_t i) {
    return i == 0 && w->o.index ? w->o.index : wiki_index_path(a, w->o.dumps[i]);
}

static size_t cache_share(const wiki *w) {
    return (w->o.cache_bytes ? w->o.cache_bytes : CACHE) / w->o.n_dumps;
}

static status fill_layer(wiki__layer *l, const wiki *w, size_t i, const char *index, err *e) {
    os_file_stat st;
    const char *dump = w->o.dumps[i];
    TRY(os_stat(&st, dump, e));
    TRY(wiki_index_open(&l->ix, index, st.len, st.mtime_ns, e));
    wiki_source_options o = {.cache_bytes = cache_share(w) - l->kept.limit};
    o.blocks = wiki_index_blocks(&o.n_blocks, l->ix);
    TRY(wiki_source_open(&l->source, dump, &o, e));
    if (wiki__file_sum(&l->source.file) != l->ix->facts->file_sum)
        return err_set(e, E_STALE, "%s: not the dump that was indexed; build the index again",
                       dump);
    return OK;
}

static status open_layer(wiki__layer **out, const wiki *w, size_t i, const char *index, err *e) {
    wiki__layer *l = calloc(1, sizeof *l);
    if (!l) return err_set(e, E_MEMORY, "no memory for a wiki");
    atomic_init(&l->n_users, 1);
    wiki__kept_init(&l->kept, cache_share(w) / KEPT_SHARE);
    status s = fill_layer(l, w, i, index, e);
    if (s)
        wiki__layer_drop(l);
    else
        *out = l;
    return s;
}

static size_t can_be_seen(wiki__layer *seen[WIKI_LAYERS_MAX], const wiki *w) {
    size_t n = 0;
    for (size_t i = 0; i < w->o.n_dumps; i++) {
        if (w->layers[i]) seen[n++] = w->layers[i];
        if (!w->is_settled[i]) break;  // I4
    }
    return n;
}

static status show(wiki *w, err *e) {
    wiki__layer *seen[WIKI_LAYERS_MAX];
    size_t n = can_be_seen(seen, w);
    wiki_view *v;
    if (!n) return OK;
    TRY(wiki__view_make(&v, seen, n, &w->mapped, e));
    pthread_mutex_lock(&w->lock);
    w->state.n_pages = wiki_view_pages(v), w->state.xml_bytes = wiki_view_xml_len(v);
    w->state.n_layers = n, w->state.index_bytes = 0;
    for (size_t i = 0; i < n; i++)
        w->state.index_bytes += wiki_index_bytes(seen[i]->ix);
    pthread_mutex_unlock(&w->lock);
    if (!publish(w, v)) wiki__view_drop(v);
    return OK;
}

// --- Building --------------------------------------------------------------------------------

static void say(wiki *w, const char *line) {
    if (w->o.log) w->o.log(w->o.arg, line);
}

// Steps whose length is not known leave the share where it was.
static void set_progress(void *arg, const wiki_progress *p) {
    wiki *w = arg;
    wiki_progress next = *p;
    pthread_mutex_lock(&w->lock);
    if (!next.total) next.done = w->state.progress.done, next.total = w->state.progress.total;
    w->state.progress = next;
    pthread_mutex_unlock(&w->lock);
}

static status replace_layer(wiki *w, const char *index, bool is_partial, err *e) {
    wiki__layer *l;
    TRY(open_layer(&l, w, w->building, index, e));
    l->is_partial = is_partial;
    wiki__layer_drop(w->layers[w->building]);
    w->layers[w->building] = l;
    w->is_settled[w->building] = !is_partial;
    return show(w, e);
}

static void take_snapshot(void *arg, const char *path, const wiki_progress *p) {
    wiki *w = arg;
    err e = {0};
    set_progress(w, p);
    bool has_room = w->n_views + 1 + w->o.n_dumps < VIEWS_MAX;
    if (has_room && replace_layer(w, path, true, &e)) say(w, e.msg);
    unlink(path);
}

static status build_one(wiki *w, size_t i, err *e) {
    arena a;
    TRY(arena_open(&a, 4 * OS_PATH_MAX, e));
    w->building = i;
    wiki_build_result r;
    wiki_build_options o = {
        .dump = w->o.dumps[i],
        .index = index_path(&a, w, i),
        .memory = w->o.memory,
        .with = w->o.with,
        .progress = set_progress,
        .snapshot = take_snapshot,
        .arg = w,
        .cancel = &w->cancel,
        .snapshot_pages = SNAPSHOT_PAGES,
    };
    status s = wiki_index_build(&r, &o, e);
    if (!s) s = replace_layer(w, o.index, false, e);
    arena_close(&a);
    return s;
}

static void tell_failure(wiki *w, const err *e) {
    pthread_mutex_lock(&w->lock);
    snprintf(w->state.failed, sizeof w->state.failed, "%s", e->msg);
    pthread_mutex_unlock(&w->lock);
    say(w, e->msg);
}

static void *build_missing(void *arg) {
    wiki *w = arg;
    for (size_t i = 0; i < w->o.n_dumps && !w->cancel; i++) {
        err e = {0};
        if (w->layers[i] || !build_one(w, i, &e)) continue;
        tell_failure(w, &e);
        w->is_settled[i] = true;
        if (!w->cancel && show(w, &e)) tell_failure(w, &e);
    }
    pthread_mutex_lock(&w->lock);
    w->state.is_building = false;
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

// --- Open ------------------------------------------------------------------------------------

static void put_name(wiki *w, str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len && n + 1 < sizeof w->name; i++) {
        char c = s.ptr[i];
        bool is_kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-';
        if (is_kept) w->name[n++] = c;
    }
    w->name[n] = 0;
}

static void choose_name(wiki *w) {
    const char *slash = strrchr(w->o.dumps[0], '/');
    str file = str_of(slash ? slash + 1 : w->o.dumps[0]);
    file = str_first(file, min_size(str_find_byte(file, '-'), str_find_byte(file, '.')));
    if (w->o.name) put_name(w, str_of(w->o.name));
    if (!w->name[0] && w->layers[0]) put_name(w, wiki_index_site(w->layers[0]->ix)->dbname);
    if (!w->name[0]) put_name(w, file);
    if (!w->name[0]) put_name(w, STR("wiki"));
}

static status open_layers(wiki *w, bool *is_missing, err *e) {
    *is_missing = false;
    for (size_t i = 0; i < w->o.n_dumps; i++) {
        arena a = w->mem;
        status s = open_layer(&w->layers[i], w, i, index_path(&a, w, i), e);
        os_file_stat st;
        bool is_built = w->o.builds && (s == E_NOT_FOUND || s == E_STALE || s == E_FORMAT) &&
                        !os_stat(&st, w->o.dumps[i], NULL);
        if (s == E_NOT_FOUND && !is_built)
            return err_in(e, "run `parallelopedia index %s` first", w->o.dumps[i]);
        if (s && !is_built) return s;
        w->is_settled[i] = s == OK;
        *is_missing |= s != OK;
    }
    return OK;
}

static status start(wiki *w, err *e) {
    bool is_missing;
    TRY(open_layers(w, &is_missing, e));
    choose_name(w);
    TRY(show(w, e));
    if (!is_missing) return OK;
    w->state.is_building = true;
    if (pthread_create(&w->thread, NULL, build_missing, w))
        return err_set(e, E_MEMORY, "no thread to build an index");
    w->has_thread = true;
    return OK;
}

status wiki_open(wiki **out, const wiki_options *o, err *e) {
    *out = NULL;
    if (!o->n_dumps || o->n_dumps > WIKI_LAYERS_MAX)
        return err_set(e, E_ARG, "%zu dumps; 1 to %d make a wiki", o->n_dumps, WIKI_LAYERS_MAX);
    arena mem;
    TRY(arena_open(&mem, sizeof(wiki) + (WIKI_LAYERS_MAX + 4) * (size_t)OS_PATH_MAX * 2, e));
    wiki *w = arena_new(&mem, wiki);
    w->o = *o;
    const char **dumps = arena_array(&mem, const char *, o->n_dumps);
    for (size_t i = 0; i < o->n_dumps; i++)
        dumps[i] = arena_cstr(&mem, str_first(str_of(o->dumps[i]), OS_PATH_MAX));
    w->o.dumps = dumps;
    if (o->index) w->o.index = arena_cstr(&mem, str_first(str_of(o->index), OS_PATH_MAX));
    w->mem = mem;
    pthread_mutex_init(&w->lock, NULL);
    status s = start(w, e);
    if (s)
        wiki_close(w);
    else
        *out = w;
    return s;
}

void wiki_close(wiki *w) {
    if (!w) return;
    w->cancel = true;
    if (w->has_thread) pthread_join(w->thread, NULL);
    publish(w, NULL);
    for (size_t i = 0; i < w->o.n_dumps; i++)
        wiki__layer_drop(w->layers[i]);
    pthread_mutex_destroy(&w->lock);
    arena mem = w->mem;
    arena_close(&mem);
}

const char *wiki_name(const wiki *w) {
    return w->name;
}

void wiki_state_get(wiki_state *out, wiki *w) {
    pthread_mutex_lock(&w->lock);
    *out = w->state;
    pthread_mutex_unlock(&w->lock);
    wiki_view *v = wiki_enter(w);
    for (int i = 0; v && i < v->n; i++) {
        wiki_cache_counters c = {0};
        if (v->layer[i]->source.is_packed) wiki_source_counters(&c, &v->layer[i]->source);
        wiki__kept_count(&out->kept, &v->layer[i]->kept);
        out->cache.hits += c.hits, out->cache.misses += c.misses;
        out->cache.bytes += c.bytes, out->cache.evicted += c.evicted;
    }
    wiki_leave(v);
}
