// app/app.h -- the apps: what each one is called, which routes it has, how it opens its data.
//
// An app kind is a row of app_kinds[]: `serve` opens those that were asked for, `docs` prints
// their routes, /stats lists them. Handlers get the app's own state as `app`.
//
//   Owner     app_set owns the opened apps and the joined route table; it must outlive the server
//   Threads   open and close: one thread, no server running. Handlers: as http/http.h says.
//   Blocks    open: on disk
//   Errors    an app that was asked for and cannot open is kept, unavailable: its routes answer 503
//             and the rest of the server serves
#ifndef APP_APP_H
#define APP_APP_H

#include "base/json.h"
#include "http/http.h"
#include "http/server.h"
#include "kern/kern.h"

struct metrics;  // app/metrics.h

// What the apps of a set have together; app_set_open makes it.
typedef struct app_shared {
    struct lm_engine *engine;  // app/gen_engine.h
    bool has_floats;           // models that are not held as integers
    void *llm;                 // of llm/llm.h; NULL before it is opened
} app_shared;

typedef struct app_options {
    const char **wiki;  // "[NAME=]DUMP"; the same NAME again is an update over it
    size_t n_wiki;
    const char *wiki_index;          // of the first; NULL: beside the dump
    size_t wiki_cache, wiki_memory;  // bytes of unpacked text of each; for building an index
    size_t page_cache;               // bytes of rendered pages, of all wikis together
    const char *images;              // folder of pictures; NULL: none
    bool wiki_builds;                // missing and stale indexes, in the background
    const char **gpt2;               // "[NAME=]PATH[,TYPE]"
    size_t n_gpt2;
    const char **models;  // "NAME=PATH[,TYPE]" or PATH (llm/models.h)
    size_t n_models;
    bool quantises;
    kern_type quantise;   // models that name no type
    int context;          // tokens; 0: each model's own
    size_t model_memory;  // bytes of weights of `models` at once; 0: two thirds of the machine's
    str api_key;          // what clients of the models must show; "": nothing
    const char *panels;   // folder of repacked weights; NULL: none
    bool calibrates;      // measures the machine's limits
    int n_compute;        // threads that generate; 0 is one per core
    int streams_max;      // generations at once
    int queue_max;        // waiting beyond
    int client_max;       // of both, one address's
    app_shared *shared;
} app_options;

typedef struct app_kind {
    const char *name;          // "wiki"
    const char *class_name;    // what the original called it; NULL: it had none
    const http_route *routes;  // .app and .refuse are filled in when the app is opened
    size_t n_routes;
    // How it tells what the server itself refuses on its routes; NULL: as an error page.
    void (*refuse)(http_req *rq, int code, const char *why);
    const char *needs;  // the option that gives it data; NULL: none needed, always present
    // *self stays NULL, with OK, when the options name no data for it.
    status (*open)(void **self, const app_options *o, err *e);
    void (*stats)(json *j, void *self);  // its object in /stats; self is NULL when unavailable
    void (*metrics)(struct metrics *m, void *self);  // its families in /metrics; NULL: none
    void (*close)(void *self);
} app_kind;

void app_metrics(http_req *rq, void *set);  // the handler of /metrics

extern const app_kind app_plaintext, app_wiki, app_gpt2, app_stats, app_ui;
extern const app_kind app_llm, app_openai;  // src/llm
extern const app_kind *const app_kinds[];
extern const size_t app_n_kinds;

// By short name or by the original's dotted class name ("parallelopedia.wiki.WikiApp"); NULL.
const app_kind *app_kind_named(str name);

typedef struct app_one {
    const app_kind *kind;
    void *self;      // NULL when it needs no state or could not open
    bool is_broken;  // asked for, could not open
    char why[400];   // the operator's line, when broken
} app_one;

enum { APP_MAX = 16, APP_ROUTES_MAX = 128 };

typedef struct app_set {
    app_one app[APP_MAX];
    size_t n_apps;
    http_route routes[APP_ROUTES_MAX];
    size_t n_routes;
    app_shared shared;
    _Atomic(const http_server *) server;  // for /stats; set once the server runs, NULL before
    int64_t start_ns;
} app_set;

// Opens the named kinds, or with n_names 0 all whose data the options name. E_ARG for an unknown
// name, or a named app without data; a broken app is no error (see above).
NODISCARD status app_set_open(app_set *s, const app_options *o, const char **names, size_t n_names,
                              err *e);
void app_set_close(app_set *s);

// A buf for a reply's body in the request's arena, bounded so that there is always room left for
// the reply's header; and the reply of it, or 500 when it did not fit.
void app_buf_init(buf *b, http_req *rq, size_t cap);
void app_reply_buf(http_req *rq, const char *type, const buf *b);

#endif
