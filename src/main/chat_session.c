// Each answer renders the whole conversation by the model's template; what an answer before had in
// common with it is found in the engine's pages, so that only what is new is computed.

#include "main/chat_session.h"

#include "os/clock.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TURN_ARENA = 1 << 30, ANSWER_MAX = 64 << 20 };

typedef struct message {
    const char *role;
    str text;  // of malloc
} message;

struct session {
    llm_models *models;
    lm_engine *engine;
    const llm_model *model;
    message system;
    message *list;
    size_t n, room;
    sem_t bell;
    _Atomic bool cancelled;
};

// --- The conversation ----------------------------------------------------------------------------

static status copy_text(str *out, str text, err *e) {
    char *own = malloc(text.len + 1);
    if (!own) return err_set(e, E_MEMORY, "no memory for a message");
    if (text.len) memcpy(own, text.ptr, text.len);
    *out = (str){own, text.len};
    return OK;
}

static status add_message(session *s, const char *role, str text, err *e) {
    if (s->n == s->room) {
        size_t room = s->room * 2 + 16;
        message *list = realloc(s->list, room * sizeof *list);
        if (!list) return err_set(e, E_MEMORY, "no memory for a message");
        s->list = list;
        s->room = room;
    }
    TRY(copy_text(&s->list[s->n].text, text, e));
    s->list[s->n++].role = role;
    return OK;
}

static void cut_messages(session *s, size_t n) {
    while (s->n > n)
        free((char *)s->list[--s->n].text.ptr);
}

status session_system(session *s, str text, err *e) {
    str own;
    TRY(copy_text(&own, text, e));
    free((char *)s->system.text.ptr);
    s->system = (message){"system", own};
    return OK;
}

void session_clear(session *s) {
    cut_messages(s, 0);
}

size_t session_n(const session *s) {
    return s->n;
}

static void put_message(json *j, const message *m) {
    json_open(j, '{');
    json_key(j, "role"), json_str(j, str_of(m->role));
    json_key(j, "content"), json_str(j, m->text);
    json_close(j, '}');
}

void session_put(json *j, const session *s) {
    json_open(j, '[');
    if (s->system.text.len) put_message(j, &s->system);
    for (size_t i = 0; i < s->n; i++)
        put_message(j, &s->list[i]);
    json_close(j, ']');
}

// --- Opening -------------------------------------------------------------------------------------

static void ring(void *arg) {
    sem_post(arg);
}

static void show_progress(const session *s, const session_config *c) {
    llm_row rows[LLM_MODELS_MAX];
    if (c->progress && llm_models_rows(rows, s->models)) c->progress(rows[0].name, rows[0].loaded);
}

// True: somebody rang. False: a tenth of a second is over, or a signal came.
static bool wait_bell(session *s) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return sem_timedwait(&s->bell, &until) == 0;
}

static status load(session *s, const session_config *c, err *e) {
    llm_row rows[LLM_MODELS_MAX];
    llm_models_config mc = {.specs = (const char **)&c->model,
                            .n_specs = 1,
                            .quantises = c->quantises,
                            .quantise = c->quantise,
                            .context = c->context,
                            .budget = SIZE_MAX / 2,  // the operator asked for this one
                            .panels = c->panels,
                            .engine = s->engine};
    TRY(llm_models_open(&s->models, &mc, e));
    size_t n = llm_models_rows(rows, s->models);
    if (n > 1)
        return err_set(e, E_ARG, "%s has %zu models, name one of them, like %.*s", c->model, n,
                       STR_ARG(rows[0].name));
    status st;
    while ((st = llm_models_get(&s->model, s->models, STR(""), ring, &s->bell, e)) == E_AGAIN)
        while (!wait_bell(s))
            show_progress(s, c);
    return st;
}

static status open_session(session *s, const session_config *c, err *e) {
    lm_config ec = {.n_threads = c->n_threads, .streams_max = 1, .queue_max = 1};
    TRY(lm_engine_open(&s->engine, &ec, e));
    TRY(load(s, c, e));
    if (s->model->chat) return OK;
    return err_set(e, E_UNSUPPORTED, "%.*s has no chat template%s%.*s", STR_ARG(s->model->name),
                   s->model->chat_why.len ? " that can be used: " : "",
                   STR_ARG(s->model->chat_why));
}

status session_open(session **out, const session_config *c, err *e) {
    *out = NULL;
    session *s = calloc(1, sizeof *s);
    if (!s) return err_set(e, E_MEMORY, "no memory for a conversation");
    sem_init(&s->bell, 0, 0);
    status st = open_session(s, c, e);
    if (st)
        session_close(s);
    else
        *out = s;
    return st;
}

void session_close(session *s) {
    if (!s) return;
    if (s->models) llm_models_leave(s->models, &s->bell);
    if (s->model) llm_models_release(s->models, s->model);
    llm_models_close(s->models);
    lm_engine_close(s->engine);
    cut_messages(s, 0);
    free(s->list);
    free((char *)s->system.text.ptr);
    sem_destroy(&s->bell);
    free(s);
}

const llm_model *session_model(const session *s) {
    return s->model;
}

// --- An answer -----------------------------------------------------------------------------------

typedef struct answer {
    session *s;
    const session_how *how;
    arena a;
    str prompt;
    int32_t *ids;
    size_t n_ids;
    arena said;
    buf content;  // what the conversation keeps
} answer;

static void put_extra(json *j, const session_how *how) {
    json_open(j, '{');
    if (how->has_thinking) json_key(j, "enable_thinking"), json_bool(j, how->thinks);
    if (how->effort.len) json_key(j, "reasoning_effort"), json_str(j, how->effort);
    json_close(j, '}');
}

// The conversation as the template reads it.
static status read_request(const json_value **out, answer *t, err *e) {
    buf text;
    json j;
    buf_init(&text, &t->a, 1 << 12);
    text.limit = TOKENIZER_TEXT_MAX;
    json_init(&j, &text);
    json_open(&j, '{');
    json_key(&j, "messages"), session_put(&j, t->s);
    json_key(&j, "extra"), put_extra(&j, t->how);
    json_close(&j, '}');
    if (text.failed)
        return err_set(e, E_LIMIT, "the conversation is over %d MB", TOKENIZER_TEXT_MAX >> 20);
    return json_read(out, buf_str(&text), &t->a, e);
}

static status encode(answer *t, err *e) {
    const llm_model *m = t->s->model;
    const json_value *all;
    TRY(read_request(&all, t, e));
    chat_request r = {.messages = json_get(all, "messages"),
                      .extra = json_get(all, "extra"),
                      .add_generation_prompt = true,
                      .now = os_wall_ns() / 1000000000};
    TRY(chat_render(&t->prompt, m->chat, &r, &t->a, e));
    TRY(tokenizer_encode(&t->ids, &t->n_ids, m->tokens, t->prompt, 0, &t->a, e));
    int context = lm_model_spec(m->model)->block_size;
    if (t->n_ids < (size_t)context) return OK;
    return err_set(
        e, E_LIMIT,
        "the conversation has %zu tokens, and the model's context is %d: /clear begins a "
        "new one",
        t->n_ids, context);
}

static void put_piece(void *arg, chat_kind kind, str text) {
    answer *t = arg;
    if (kind == CHAT_CONTENT) buf_add(&t->content, text);
    t->how->put(t->how->arg, kind, text);
}

// --- As it comes ---------------------------------------------------------------------------------

typedef struct follower {
    answer *t;
    session_turn *turn;
    lm_stream *stream;
    tokenizer_stream decoder;
    chat_reply *reply;
    int64_t first_ns, last_ns;
} follower;

static void give(follower *f, buf *text) {
    if (text->len) chat_reply_add(f->reply, buf_str(text), put_piece, f->t);
    buf_reset(text);
}

// Takes what is there. False at the end.
static bool advance(follower *f, buf *text) {
    int32_t ids[64];
    size_t n = lm_stream_read(ids, countof(ids), &f->turn->state, f->stream);
    if (n && !f->first_ns) f->first_ns = os_now_ns();
    if (n) f->last_ns = os_now_ns();
    for (size_t i = 0; i < n; i++) {
        tokenizer_stream_add(&f->decoder, text, ids[i]);
        give(f, text);
    }
    f->turn->n_tokens += n;
    return n || f->turn->state == LM_RUNNING;
}

static void follow(follower *f, session *s) {
    ARENA_ON_STACK(a, 8192);
    buf text;
    buf_init(&text, &a, 4096);
    while (advance(f, &text)) {
        f->turn->is_cancelled = atomic_load(&s->cancelled);
        if (f->turn->is_cancelled) break;
        if (f->turn->state == LM_RUNNING) (void)wait_bell(s);
    }
    tokenizer_stream_end(&f->decoder, &text);
    give(f, &text);
    chat_reply_end(f->reply, put_piece, f->t);
}

static status submit(lm_stream **out, const answer *t, err *e) {
    const session_how *how = t->how;
    int64_t most = how->max_tokens ? (int64_t)t->n_ids + how->max_tokens : INT32_MAX;
    lm_request q = {.model = t->s->model->model,
                    .prompt = t->ids,
                    .n_prompt = t->n_ids,
                    .max_length = (int)min_i64(most, INT32_MAX),
                    .sampling = how->sampling,
                    .notify = ring,
                    .arg = &t->s->bell};
    return lm_submit(out, t->s->engine, &q, e);
}

static status generate(session_turn *turn, answer *t, err *e) {
    session *s = t->s;
    follower f = {.t = t, .turn = turn};
    atomic_store(&s->cancelled, false);
    int64_t start = os_now_ns();
    TRY(submit(&f.stream, t, e));
    f.reply = chat_reply_new(&t->a, s->model->chat, t->prompt, false);
    tokenizer_stream_init(&f.decoder, s->model->tokens, true);
    follow(&f, s);
    turn->n_prompt = t->n_ids;
    turn->n_cached = lm_stream_cached(f.stream);
    if (f.first_ns) {
        turn->first_s = (double)(f.first_ns - start) * 1e-9;
        turn->seconds = (double)(f.last_ns - f.first_ns) * 1e-9;
    }
    lm_stream_close(f.stream);
    return turn->state == LM_FAILED ? err_set(e, E_MEMORY, "the engine failed") : OK;
}

static status answer_open(answer *t, err *e) {
    TRY(arena_open(&t->a, TURN_ARENA, e));
    TRY(arena_open(&t->said, 2 * (size_t)ANSWER_MAX, e));
    buf_init(&t->content, &t->said, 1 << 12);
    t->content.limit = ANSWER_MAX;
    return OK;
}

// Answers the last message, which is the user's.
static status answer_last(session_turn *turn, session *s, const session_how *how, err *e) {
    answer t = {.s = s, .how = how};
    *turn = (session_turn){0};
    status st = answer_open(&t, e);
    if (!st) st = encode(&t, e);
    if (!st) st = generate(turn, &t, e);
    bool keeps = !st && (!turn->is_cancelled || t.content.len);
    if (keeps) st = add_message(s, "assistant", buf_str(&t.content), e);
    arena_close(&t.a);
    arena_close(&t.said);
    return st;
}

status session_say(session_turn *out, session *s, str text, const session_how *how, err *e) {
    size_t before = s->n;
    TRY(add_message(s, "user", text, e));
    status st = answer_last(out, s, how, e);
    if (s->n != before + 2) cut_messages(s, before);
    return st;
}

status session_again(session_turn *out, session *s, const session_how *how, err *e) {
    size_t before = s->n;
    if (before < 2) return err_set(e, E_ARG, "there is nothing to answer anew");
    message old = s->list[--s->n];
    status st = answer_last(out, s, how, e);
    if (s->n == before) {
        free((char *)old.text.ptr);
    } else {
        s->list[s->n++] = old;  // its place is still there
    }
    return st;
}

void session_cancel(session *s) {
    atomic_store(&s->cancelled, true);
    sem_post(&s->bell);
}
