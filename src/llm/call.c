// From a request to its parameters and its model.
//
//   I1  a call that goes on holds its model, which http_at_end releases: whatever the reply is, and
//       also when the client has gone
//   I2  a request that waits for its model gives back what it took of its arena: its handler starts
//       anew, and may wait several times

#include "llm/llm.h"

#include "app/gen_stream.h"

typedef struct held {
    llm_models *models;
    const llm_model *model;
} held;

static void release(void *arg) {
    const held *h = arg;
    llm_models_release(h->models, h->model);
}

static void resume(void *rq) {
    http_resume(rq);
}

// The second look is with the request held, as the model's coming resumes it; where it came in
// between, we resume it ourselves.
static void wait_for(http_req *rq, llm *l, str name) {
    const llm_model *m;
    err e = {0};
    http_hold(rq);
    status s = llm_models_get(&m, l->models, name, resume, rq, &e);
    if (s == E_AGAIN) return;
    if (!s) llm_models_release(l->models, m);
    http_resume(rq);
}

bool llm_acquire(const llm_model **out, http_req *rq, llm *l, str name, size_t used,
                 llm_complain *complain) {
    err e = {0};
    status s = llm_models_get(out, l->models, name, NULL, NULL, &e);
    if (s == E_AGAIN) {
        http_arena(rq)->used = used;  // I2
        wait_for(rq, l, name);
        return false;
    }
    if (s) {
        complain(rq, l, s, &e);
        return false;
    }
    held *h = arena_new(http_arena(rq), held);
    *h = (held){l->models, *out};
    http_at_end(rq, release, h);  // I1
    return true;
}

static void complain(http_req *rq, const llm *l, status s, const err *e) {
    if (s == E_NOT_FOUND)
        llm_error_of(rq, l, s, "model", e);
    else
        llm_error(rq, s == E_LIMIT || s == E_UNSUPPORTED || s == E_FORMAT ? 500 : 503, "model",
                  "model_not_loaded", "%s", e->msg);
}

static bool read_body(llm_call *c) {
    err e = {0};
    status s = gen_read_json(&c->body, c->rq, &e);
    if (s) {
        llm_error(c->rq, 400, NULL, NULL, "the body is no JSON: %s", e.msg);
        return false;
    }
    if (c->body->kind == JSON_OBJECT) return true;
    llm_error(c->rq, 400, NULL, NULL, "the body must be a JSON object");
    return false;
}

static bool read_params(llm_call *c, gen_form form, const lm_sampling *sampling) {
    err e = {0};
    gen_params_default(&c->p);
    if (sampling) c->p.sampling = *sampling;
    if (!gen_params_json(&c->p, c->body, form, c->a, &e)) return true;
    llm_error(c->rq, 400, c->p.wrong, NULL, "%s", e.msg);
    return false;
}

static bool open_call(llm_call *c, http_req *rq, llm *l) {
    *c = (llm_call){.rq = rq, .l = l, .a = http_arena(rq)};
    return llm_may(rq, l) && read_body(c);
}

bool llm_call_open(llm_call *c, http_req *rq, void *l, gen_form form) {
    size_t used = http_arena(rq)->used;
    // Once to see what is wrong before a model is loaded, then over that model's defaults.
    if (!open_call(c, rq, l) || !read_params(c, form, NULL) ||
        !llm_acquire(&c->model, rq, l, c->p.model, used, complain) ||
        !read_params(c, form, &c->model->sampling))
        return false;
    if (c->p.ignored.len) http_add_header(rq, "X-Ignored-Parameters", c->p.ignored);
    http_add_header(rq, "Cache-Control", STR("no-store"));
    return true;
}

bool llm_call_open_plain(llm_call *c, http_req *rq, void *l) {
    size_t used = http_arena(rq)->used;
    if (!open_call(c, rq, l)) return false;
    const json_value *model = json_get(c->body, "model");
    if (model && model->kind != JSON_NULL && !json_is_str(&c->p.model, model)) {
        llm_error(rq, 400, "model", NULL, "model must be a text");
        return false;
    }
    return llm_acquire(&c->model, rq, l, c->p.model, used, complain);
}
