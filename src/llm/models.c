// One lock, one loader thread. Who asks for a model that is not there stands in its line; the
// loader takes models in the order they were first asked for, makes room, loads without the lock,
// and calls the line back.
//
// Rejected: loading on the thread that asks (a loop must not wait), several loads at once (they
// share one disk and one set of cores, and the budget would be promised twice), and dropping a
// model that is held (a text would break off in its middle).
//
//   I1  an entry's parts are there in READY only; the loader alone puts them in and takes them out
//   I2  `used` is the sum of bytes over READY entries and the one that loads
//   I3  a dropped entry has no holders, and nobody who was called back and has not asked since,
//       but for those who took too long: else two models that fit one at a time could drop each
//       other for ever without anybody being served

#include "llm/models.h"

#include "llm/parts.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_ARENA = 8 << 20 };
#define LOOK_NS                                                                                    \
    100000000  // at a broken model's files at most, at who still waits at least so often

typedef struct waiter {
    struct waiter *next;
    void (*ready)(void *arg);
    void *arg;
} waiter;

typedef struct entry {
    const llm_source *source;
    llm_state state;
    llm_parts parts;
    size_t bytes;
    double seconds;
    int64_t created;
    int holders;
    int owed;          // called back, and not heard of since
    int64_t told_ns;   // when
    uint64_t used_at;  // of clock
    uint64_t turn;     // WAITING: whose load comes first
    waiter *line;
    _Atomic unsigned permille;
    status code;  // BROKEN
    char why[LLM_WHY_MAX];
    int64_t failed_ns, looked_ns;  // looked: whether the files have changed
    uint64_t stamp;                // of the files that failed
} entry;

struct llm_models {
    llm_models_config c;
    arena names;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic bool closing;               // set under the lock
    llm_source source[LLM_MODELS_MAX];  // immutable once open
    entry e[LLM_MODELS_MAX];            // of each
    size_t n, used;
    uint64_t clock;
    uint64_t loads, failures, drops;
};

static const char *const state_names[LLM_STATES] = {
    [LLM_COLD] = "cold",   [LLM_WAITING] = "waiting", [LLM_LOADING] = "loading",
    [LLM_READY] = "ready", [LLM_BROKEN] = "broken",
};

const char *llm_state_name(llm_state s) {
    return state_names[s];
}

// --- Lines of those who wait; under the lock -----------------------------------------------------

static status join(entry *x, void (*ready)(void *arg), void *arg) {
    if (!ready) return E_AGAIN;
    waiter *w = malloc(sizeof *w);
    if (!w) return E_MEMORY;
    *w = (waiter){x->line, ready, arg};
    x->line = w;
    return E_AGAIN;
}

static void call_back(entry *x) {
    x->told_ns = os_now_ns();
    for (waiter *w; (w = x->line);) {
        x->line = w->next;
        x->owed++;
        w->ready(w->arg);
        free(w);
    }
}

void llm_models_leave(llm_models *m, void *arg) {
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->n; i++)
        for (waiter **at = &m->e[i].line; *at;) {
            waiter *w = *at;
            if (w->arg != arg) {
                at = &w->next;
                continue;
            }
            *at = w->next;
            free(w);
        }
    pthread_mutex_unlock(&m->lock);
}

// --- Failure -------------------------------------------------------------------------------------

// Whether a message has the path at `at`, as a whole or with more behind a '/'.
static bool is_path_at(str msg, size_t at, str path) {
    char before = at ? msg.ptr[at - 1] : ' ';
    str rest = str_skip(msg, at);
    if ((before != ' ' && before != '"') || !str_starts(rest, path)) return false;
    return rest.len == path.len || memchr("/: \"", rest.ptr[path.len], 4);
}

// The message without what it says of this machine: the model's name stands for its path.
static void tell_why(entry *x, str msg) {
    str path = str_of(x->source->path);
    size_t n = 0, room = sizeof x->why - 1;
    for (size_t at = 0; at < msg.len && n < room;) {
        bool is_path = is_path_at(msg, at, path);
        str put = is_path ? x->source->name : str_first(str_skip(msg, at), 1);
        at += is_path ? path.len : 1;
        put = str_first(put, room - n);
        memcpy(x->why + n, put.ptr, put.len);
        n += put.len;
    }
    x->why[n] = 0;
}

static void fail(llm_models *m, entry *x, status code, const char *msg) {
    x->state = LLM_BROKEN;
    x->code = code;
    x->failed_ns = os_now_ns();
    x->stamp = llm__parts_stamp(&x->created, x->source);
    tell_why(x, str_of(msg));
    m->failures++;
    log_warning("llm", "%.*s: %s", STR_ARG(x->source->name), msg);
}

// Whether a broken one may be tried again.
static bool may_retry(const llm_models *m, entry *x) {
    int64_t created;
    int64_t patience = m->c.retry_ns / (x->code == E_MEMORY ? 30 : 1);  // room comes and goes
    if (os_now_ns() - x->failed_ns >= patience) return true;
    if (os_now_ns() - x->looked_ns < LOOK_NS) return false;
    x->looked_ns = os_now_ns();
    return llm__parts_stamp(&created, x->source) != x->stamp;
}

// --- Room ----------------------------------------------------------------------------------------

static bool may_drop(const llm_models *m, const entry *x) {
    return x->state == LLM_READY && x->holders == 0 &&
           (x->owed == 0 || os_now_ns() - x->told_ns >= m->c.owed_ns);  // I3
}

static entry *least_recent(llm_models *m) {
    entry *best = NULL;
    for (size_t i = 0; i < m->n; i++)
        if (may_drop(m, &m->e[i]) && (!best || m->e[i].used_at < best->used_at)) best = &m->e[i];
    return best;
}

// The lock is let go meanwhile; LOADING keeps others away from the entry.
static void drop(llm_models *m, entry *x) {
    x->state = LLM_LOADING;
    pthread_mutex_unlock(&m->lock);
    bool is_free = !m->c.engine || lm_engine_forget(m->c.engine, x->parts.model);
    if (is_free) llm__parts_close(&x->parts);
    pthread_mutex_lock(&m->lock);
    if (!is_free) {  // a stream outlived its hold; it goes on, and so does the model
        x->state = LLM_READY;
        x->used_at = ++m->clock;
        call_back(x);
        return;
    }
    m->used -= x->bytes;
    m->drops++;
    log_info("llm", "%.*s: dropped, %zu MB", STR_ARG(x->source->name), x->bytes >> 20);
    x->state = x->line ? LLM_WAITING : LLM_COLD;  // somebody may have asked meanwhile
    x->turn = ++m->clock;
    x->owed = 0;
}

static void wait_change(llm_models *m, int64_t ns) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t at = until.tv_sec * 1000000000 + until.tv_nsec + ns;
    until = (struct timespec){at / 1000000000, at % 1000000000};
    pthread_cond_timedwait(&m->changed, &m->lock, &until);
}

// Under the lock. Drops others until `x` fits.
static status make_room(llm_models *m, const entry *x, err *e) {
    size_t budget = m->c.budget;
    if (x->bytes > budget)
        return err_set(e, E_LIMIT, "its weights take %zu MB, the models may take %zu MB in all",
                       x->bytes >> 20, budget >> 20);
    int64_t start = os_now_ns();
    while (x->bytes > budget - m->used) {
        if (m->closing) return err_set(e, E_CLOSED, "the models are closing");
        entry *old = least_recent(m);
        if (old)
            drop(m, old);
        else if (os_now_ns() - start < m->c.room_ns)
            wait_change(m, LOOK_NS);
        else
            return err_set(e, E_MEMORY, "no room: it takes %zu MB, and models in use %zu of %zu MB",
                           x->bytes >> 20, m->used >> 20, budget >> 20);
    }
    return OK;
}

// --- Loading -------------------------------------------------------------------------------------

// Under the lock, which is let go while it works.
static status load(llm_models *m, entry *x, err *e) {
    llm_how how = {m->c.quantises, m->c.quantise, m->c.context,
                   m->c.panels,    &x->permille,  &m->closing};
    size_t bytes;
    pthread_mutex_unlock(&m->lock);
    status st = llm__parts_measure(&bytes, x->source, &how, e);
    pthread_mutex_lock(&m->lock);
    if (st) return st;
    x->bytes = bytes;
    TRY(make_room(m, x, e));
    m->used += bytes;
    pthread_mutex_unlock(&m->lock);
    st = llm__parts_open(&x->parts, x->source, &how, e);
    x->parts.view.name = x->source->name;
    x->parts.view.id = x->source->id;
    pthread_mutex_lock(&m->lock);
    if (st) m->used -= bytes;
    return st;
}

static void load_one(llm_models *m, entry *x) {
    err e = {0};
    int64_t start = os_now_ns();
    x->state = LLM_LOADING;
    x->permille = 0;
    status st = load(m, x, &e);
    x->seconds = os_seconds_since(start);
    if (st) {
        fail(m, x, st, e.msg);
    } else {
        x->state = LLM_READY;
        x->used_at = ++m->clock;
        m->loads++;
        log_info("llm", "%.*s: loaded, %zu MB in %.1f s", STR_ARG(x->source->name), x->bytes >> 20,
                 x->seconds);
    }
    call_back(x);
    if (st) x->owed = 0;
}

// Of those that wait, who was first.
static entry *next_wanted(llm_models *m) {
    entry *first = NULL;
    for (size_t i = 0; i < m->n; i++)
        if (m->e[i].state == LLM_WAITING && (!first || m->e[i].turn < first->turn))
            first = &m->e[i];
    return first;
}

static void *loader(void *arg) {
    llm_models *m = arg;
    pthread_setname_np(pthread_self(), "llm-load");
    pthread_mutex_lock(&m->lock);
    while (!m->closing) {
        entry *x = next_wanted(m);
        if (x)
            load_one(m, x);
        else
            pthread_cond_wait(&m->changed, &m->lock);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

// --- Asking --------------------------------------------------------------------------------------

static void want(llm_models *m, entry *x) {
    x->state = LLM_WAITING;
    x->turn = ++m->clock;
    pthread_cond_broadcast(&m->changed);
}

static void hold(llm_models *m, entry *x) {
    x->holders++;
    x->used_at = ++m->clock;
    x->owed -= x->owed > 0;
}

// "a, b, c" of all names, as many as there is room for.
static const char *list_names(char room[400], const llm_models *m) {
    size_t n = 0;
    room[0] = 0;
    for (size_t i = 0; i < m->n && n + LLM_NAME_MAX + 8 < 400; i++)
        n += (size_t)snprintf(room + n, 400 - n, "%s%.*s", i ? ", " : "",
                              STR_ARG(m->source[i].name));
    if (m->n == 0) return "none";
    return room;
}

// What a client wrote, where a message can show it.
static str shown(str name) {
    name = str_first(str_trim(name), LLM_NAME_MAX);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < ' ' || name.ptr[i] > '~') return STR("?");
    return name;
}

static status not_there(const llm_models *m, str name, err *e) {
    char room[400];
    const char *known = llm__aliased(name);
    if (known)
        return err_set(e, E_NOT_FOUND,
                       "\"%.*s\" is %s, which is not here; the server's --model adds it. There "
                       "are: %s",
                       STR_ARG(shown(name)), known, list_names(room, m));
    return err_set(e, E_NOT_FOUND, "there is no model \"%.*s\", but these: %s",
                   STR_ARG(shown(name)), list_names(room, m));
}

// Under the lock.
static status ask(entry *x, llm_models *m, void (*ready)(void *arg), void *arg, err *e) {
    if (m->closing) return err_set(e, E_CLOSED, "the models are closing");
    if (x->state == LLM_BROKEN && !may_retry(m, x))
        return err_set(e, x->code, "%.*s: %s", STR_ARG(x->source->name), x->why);
    if (x->state == LLM_READY) {
        hold(m, x);
        return OK;
    }
    if (x->state == LLM_COLD || x->state == LLM_BROKEN) want(m, x);
    if (join(x, ready, arg) == E_MEMORY) return err_set(e, E_MEMORY, "no memory to wait");
    return err_set(e, E_AGAIN, "%.*s is being loaded", STR_ARG(x->source->name));
}

status llm_models_get(const llm_model **out, llm_models *m, str name, void (*ready)(void *arg),
                      void *arg, err *e) {
    *out = NULL;
    size_t at = llm__source_of(m->source, m->n, name);
    if (at >= m->n) return not_there(m, name, e);
    entry *x = &m->e[at];
    pthread_mutex_lock(&m->lock);
    status st = ask(x, m, ready, arg, e);
    if (!st) *out = &x->parts.view;
    pthread_mutex_unlock(&m->lock);
    return st;
}

void llm_models_release(llm_models *m, const llm_model *model) {
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->n; i++) {
        entry *x = &m->e[i];
        if (&x->parts.view != model) continue;
        CHECK(x->holders > 0);
        x->holders--;
        x->used_at = ++m->clock;
    }
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

// --- Figures -------------------------------------------------------------------------------------

size_t llm_models_rows(llm_row out[LLM_MODELS_MAX], llm_models *m) {
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->n; i++) {
        const entry *x = &m->e[i];
        bool is_ready = x->state == LLM_READY;
        out[i] = (llm_row){.name = x->source->name,
                           .id = x->source->id,
                           .state = x->state,
                           .bytes = x->bytes,
                           .seconds = x->seconds,
                           .holders = x->holders,
                           .context = is_ready ? x->parts.context : 0,
                           .created = x->created};
        out[i].loaded = x->state == LLM_READY     ? 1
                        : x->state == LLM_LOADING ? (double)atomic_load(&x->permille) / 1000
                                                  : 0;
        if (x->state == LLM_BROKEN) memcpy(out[i].why, x->why, sizeof x->why);
    }
    pthread_mutex_unlock(&m->lock);
    return m->n;
}

size_t llm_models_absent(llm_absent out[LLM_ALIASED], const llm_models *m) {
    return llm__absent(out, m->source, m->n);
}

void llm_models_memory(llm_memory *out, llm_models *m) {
    pthread_mutex_lock(&m->lock);
    *out = (llm_memory){m->c.budget, m->used, m->loads, m->failures, m->drops};
    pthread_mutex_unlock(&m->lock);
}

// --- Open and close ------------------------------------------------------------------------------

static void models_free(llm_models *m) {
    for (size_t i = 0; i < m->n; i++) {
        entry *x = &m->e[i];
        CHECK(x->holders == 0 && !x->line);
        if (x->state != LLM_READY) continue;
        if (m->c.engine) (void)lm_engine_forget(m->c.engine, x->parts.model);
        llm__parts_close(&x->parts);
    }
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    arena_close(&m->names);
    free(m);
}

static status read_sources(llm_models *m, err *e) {
    TRY(arena_open(&m->names, NAMES_ARENA, e));
    TRY(llm__sources_read(m->source, &m->n, m->c.specs, m->c.n_specs, &m->names, e));
    if (m->n == 0) return err_set(e, E_ARG, "there is no model");
    for (size_t i = 0; i < m->n; i++) {
        entry *x = &m->e[i];
        x->source = &m->source[i];
        if (llm__parts_stamp(&x->created, x->source)) continue;
        fail(m, x, E_NOT_FOUND, "its path does not exist");
    }
    return OK;
}

static status start(llm_models *m, err *e) {
    TRY(read_sources(m, e));
    return pthread_create(&m->thread, NULL, loader, m)
               ? err_set(e, E_LIMIT, "cannot start the thread that loads models")
               : OK;
}

static void set_default(int64_t *ns, int64_t seconds) {
    if (*ns == 0) *ns = seconds * 1000000000;
}

status llm_models_open(llm_models **out, const llm_models_config *c, err *e) {
    *out = NULL;
    llm_models *m = calloc(1, sizeof *m);
    if (!m) return err_set(e, E_MEMORY, "no memory for a list of models");
    m->c = *c;
    if (m->c.budget == 0) m->c.budget = os_memory() / 3 * 2;
    set_default(&m->c.room_ns, LLM_ROOM_S);
    set_default(&m->c.retry_ns, LLM_RETRY_S);
    set_default(&m->c.owed_ns, LLM_OWED_S);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&m->lock, NULL);
    status st = start(m, e);
    if (st)
        models_free(m);
    else
        *out = m;
    return st;
}

void llm_models_close(llm_models *m) {
    if (!m) return;
    pthread_mutex_lock(&m->lock);
    m->closing = true;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    models_free(m);
}
