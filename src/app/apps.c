// The app table, and opening a set of them into one route table.
//
//   I1  every row of s->routes has .app set to what its handler expects
//   I2  a broken app keeps its routes, with a handler that answers 503: a client then learns that
//       the thing exists and does not work now, where 404 would say that it never did

#include "app/app.h"

#include "app/gen_engine.h"
#include "os/clock.h"
#include "os/log.h"

#include <stdio.h>

// Those later in the table may use what earlier ones opened, and are closed before them.
const app_kind *const app_kinds[] = {&app_plaintext, &app_wiki,  &app_gpt2, &app_llm,
                                     &app_openai,    &app_stats, &app_ui};
const size_t app_n_kinds = countof(app_kinds);

const app_kind *app_kind_named(str name) {
    for (size_t i = 0; i < app_n_kinds; i++) {
        const app_kind *k = app_kinds[i];
        if (str_eq(name, str_of(k->name))) return k;
        if (k->class_name && str_eq(name, str_of(k->class_name))) return k;
    }
    return NULL;
}

static void answer_unavailable(http_req *rq, void *app) {
    const app_one *one = app;
    char why[128];
    snprintf(why, sizeof why, "%s could not be opened; the server's log says why", one->kind->name);
    if (one->kind->refuse)
        one->kind->refuse(rq, 503, why);
    else
        http_reply_error(rq, 503, "%s", why);
}

static void add_routes(app_set *s, app_one *one) {
    for (size_t i = 0; i < one->kind->n_routes; i++) {
        CHECK(s->n_routes < APP_ROUTES_MAX);
        http_route r = one->kind->routes[i];
        r.app = one->self;
        r.refuse = one->kind->refuse;
        if (one->is_broken) r.app = one, r.handler = answer_unavailable, r.run = HTTP_LOOP;
        s->routes[s->n_routes++] = r;
    }
}

// Opens one kind. `is_asked`: by name, so that missing data is worth an error.
static status add(app_set *s, const app_kind *kind, const app_options *o, bool is_asked, err *e) {
    for (size_t i = 0; i < s->n_apps; i++)
        if (s->app[i].kind == kind) return OK;
    app_one *one = &s->app[s->n_apps];
    *one = (app_one){.kind = kind};
    if (kind == &app_stats) {
        one->self = s;
    } else if (kind->open) {
        err why = {0};
        if (kind->open(&one->self, o, &why)) {
            one->is_broken = true;
            snprintf(one->why, sizeof one->why, "%s", why.msg);
            log_error(kind->name, "%s", why.msg);
        }
    }
    bool is_absent = kind->needs && !one->self && !one->is_broken;
    if (is_absent && is_asked)
        return err_set(e, E_ARG, "app %s has no data: give it with %s", kind->name, kind->needs);
    if (is_absent) return OK;
    s->n_apps++;
    add_routes(s, one);
    return OK;
}

status app_set_open(app_set *s, const app_options *o, const char **names, size_t n_names, err *e) {
    *s = (app_set){.start_ns = os_now_ns()};
    app_options mine = *o;
    mine.shared = &s->shared;
    o = &mine;
    status st = OK;
    for (size_t i = 0; i < n_names && !st; i++) {
        const app_kind *kind = app_kind_named(str_of(names[i]));
        st = kind ? add(s, kind, o, true, e)
                  : err_set(e, E_ARG,
                            "unknown app \"%s\": there are plaintext, wiki, gpt2, "
                            "llm and openai",
                            names[i]);
    }
    for (size_t i = 0; i < app_n_kinds && !st; i++) {
        bool is_always = app_kinds[i] == &app_stats || app_kinds[i] == &app_ui;
        if (n_names == 0 || is_always) st = add(s, app_kinds[i], o, false, e);
    }
    if (st) app_set_close(s);
    return st;
}

enum { REPLY_ROOM = 1 << 20 };  // kept free in a request's arena for what the server adds

void app_buf_init(buf *b, http_req *rq, size_t cap) {
    arena *a = http_arena(rq);
    size_t room = arena_room(a);
    buf_init(b, a, 0);
    b->limit = room > REPLY_ROOM ? room - REPLY_ROOM : 0;
    if (cap && !buf_room(b, cap)) b->failed = true;
}

void app_reply_buf(http_req *rq, const char *type, const buf *b) {
    if (b->failed)
        http_reply_error(rq, 500, "The answer is too large");
    else
        http_reply(rq, 200, type, buf_str(b));
}

void app_set_close(app_set *s) {
    for (size_t k = app_n_kinds; k-- > 0;)
        for (size_t i = 0; i < s->n_apps; i++) {
            const app_one *one = &s->app[i];
            if (one->kind == app_kinds[k] && one->kind->close && one->self)
                one->kind->close(one->self);
        }
    gen_engine_close(&s->shared);
    s->n_apps = s->n_routes = 0;
}
