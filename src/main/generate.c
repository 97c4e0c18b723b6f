// parallelopedia generate: one continuation on the terminal, token by token.

#include "main/cli.h"

#include "lm/engine.h"
#include "os/clock.h"
#include "os/rand.h"
#include "text/bpe.h"

#include <pthread.h>
#include <stdio.h>

typedef struct generate_options {
    cli_common common;
    const char *model, *prompt, *rng;
    int64_t max_length, top_k, threads;
    const char *seed;
} generate_options;

static const opt options[] = {
    {"model", OPT_STR, offsetof(generate_options, model), .arg = "FILE.pt",
     .about = "The checkpoint (PyTorch, GPT-2)"},
    {"prompt", OPT_STR, offsetof(generate_options, prompt), .arg = "TEXT",
     .about = "What to continue", .dflt = "Einstein's Theory of Relativity states that"},
    {"max-length", OPT_INT, offsetof(generate_options, max_length), 1, 1 << 20, .arg = "N",
     .about = "Tokens in all, the prompt's included", .dflt = "100"},
    {"top-k", OPT_INT, offsetof(generate_options, top_k), 1, LM_TOP_K_MAX, .arg = "K",
     .about = "Draw from the K likeliest tokens; 1 is greedy", .dflt = "50"},
    {"seed", OPT_STR, offsetof(generate_options, seed), .arg = "N",
     .about = "Same seed, same text. Default: random, and told at the end"},
    {"rng", OPT_STR, offsetof(generate_options, rng), .arg = "NAME",
     .about =
         "Whose random numbers: torch (PyTorch on the CPU), torch26 (its 2.0 to 2.6 on x86) or "
         "cuda",
     .dflt = "torch"},
    {"threads", OPT_INT, offsetof(generate_options, threads), 0, 1024, .arg = "N",
     .about = "Compute threads; 0 is one per core", .dflt = "0"},
    CLI_COMMON,
};

// The engine's thread says when there is something to read.
typedef struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool is_rung;
} bell;

static void ring(void *arg) {
    bell *b = arg;
    pthread_mutex_lock(&b->lock);
    b->is_rung = true;
    pthread_cond_signal(&b->rung);
    pthread_mutex_unlock(&b->lock);
}

static void wait_for(bell *b) {
    pthread_mutex_lock(&b->lock);
    while (!b->is_rung)
        pthread_cond_wait(&b->rung, &b->lock);
    b->is_rung = false;
    pthread_mutex_unlock(&b->lock);
}

// Prints ids as they come; returns how many there were.
static uint64_t print_stream(lm_stream *stream, bell *b, lm_state *state, int64_t *first_ns) {
    bpe_stream decoder = {0};
    uint64_t n_tokens = 0;
    do {
        int32_t ids[64];
        ARENA_ON_STACK(scratch, 4096);
        buf text;
        buf_init(&text, &scratch, 0);
        size_t n = lm_stream_read(ids, 16, state, stream);
        if (n && !*first_ns) *first_ns = os_now_ns();
        for (size_t i = 0; i < n; i++)
            bpe_stream_add(&decoder, &text, bpe_gpt2(), ids[i]);
        n_tokens += n;
        bool is_over = n == 0 && *state != LM_RUNNING;
        if (is_over) bpe_stream_end(&decoder, &text);
        if (text.len) fwrite(text.ptr, 1, text.len, stdout);
        fflush(stdout);
        if (is_over) return n_tokens;
        if (n == 0) wait_for(b);
    } while (true);
}

static status parse(lm_request *r, const generate_options *o, err *e) {
    int64_t negative;
    if (!o->model) return err_set(e, E_ARG, "say which checkpoint: --model FILE.pt");
    if (!lm_rng_named(&r->sampling.rng, str_of(o->rng)))
        return err_set(e, E_ARG, "--rng must be " LM_RNG_NAMES ", not \"%s\"", o->rng);
    r->sampling.seed = os_rand_u32();
    if (!o->seed || str_parse_u64(&r->sampling.seed, str_of(o->seed))) return OK;
    if (!str_parse_i64(&negative, str_of(o->seed)))
        return err_set(e, E_ARG, "--seed must be a whole number of at most 64 bits, not \"%s\"",
                       o->seed);
    r->sampling.seed = (uint64_t)negative;
    return OK;
}

static status check_context(const lm_request *r, err *e) {
    int context = lm_model_spec(r->model)->block_size;
    return r->n_prompt > (size_t)context
               ? err_set(e, E_LIMIT, "the prompt is %zu tokens, the model's context is %d",
                         r->n_prompt, context)
               : OK;
}

static status generate(const generate_options *o, lm_engine *g, lm_request *r, err *e) {
    bell b = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    r->notify = ring;
    r->arg = &b;
    lm_stream *stream;
    lm_state state;
    int64_t start = os_now_ns(), first = 0;
    TRY(lm_submit(&stream, g, r, e));
    fputs(o->prompt, stdout);
    uint64_t n = print_stream(stream, &b, &state, &first);
    lm_stream_close(stream);
    putchar('\n');
    double rest = first ? os_seconds_since(first) : 0;
    fprintf(stderr, "%llu tokens, first after %.0f ms, %.1f tok/s, seed %llu, ended by %s\n",
            (unsigned long long)n, first ? (double)(first - start) * 1e-6 : 0,
            rest > 0 && n > 1 ? (double)(n - 1) / rest : 0, (unsigned long long)r->sampling.seed,
            state == LM_STOPPED ? "end of text" : "length");
    return state == LM_FAILED ? err_set(e, E_MEMORY, "the engine failed") : OK;
}

static int run(void *opts, const opt_list *rest) {
    (void)rest;
    const generate_options *o = opts;
    lm_request r = {.max_length = (int)o->max_length, .sampling = lm_sampling_default()};
    lm_config c = {.n_threads = (int)o->threads};
    lm_model *model = NULL;
    lm_engine *g = NULL;
    arena a = {0};
    err e = {0};
    int32_t *ids;
    r.sampling.top_k = (int)o->top_k;
    status s = parse(&r, o, &e);
    if (!s) s = arena_open(&a, (size_t)1 << 30, &e);
    if (!s) s = lm_model_open(&model, o->model, NULL, &e);
    if (!s) s = bpe_encode(&ids, &r.n_prompt, bpe_gpt2(), str_of(o->prompt), &a, &e);
    if (!s) r.prompt = ids, r.model = model, s = check_context(&r, &e);
    if (!s) s = lm_engine_open(&g, &c, &e);
    if (!s) s = generate(o, g, &r, &e);
    lm_engine_close(g);
    lm_model_close(model);
    arena_close(&a);
    return s ? cli_fail(CLI_FAILED, "generate: %s", e.msg) : CLI_OK;
}

const cli_command cli_generate = {
    .table =
        {
            .command = "generate",
            .about = "Continue a prompt on the terminal.",
            .row = options,
            .n = countof(options),
        },
    .options_len = sizeof(generate_options),
    .run = run,
};
