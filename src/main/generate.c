// parallelopedia generate: continuations on the terminal. One is written as it comes; several are
// followed line by line on stderr, and their texts stand on stdout in the order of their seeds.
//
//   I1  a stream stays open until its text is printed: its log probabilities live in it

#include "main/cli.h"

#include "app/gpt2_app.h"
#include "base/utf8.h"
#include "main/sampling.h"
#include "os/clock.h"

#include <pthread.h>
#include <stdio.h>

enum { SEEDS_MAX = 4096, LINE_COLUMNS = 76, TEXT_LIMIT = 4 << 20, JSON_LIMIT = 64 << 20 };

typedef struct generate_options {
    cli_common common;
    const char *model, *panels, *prompt, *seeds;
    const char *max_length, *bias, *logprobs;
    cli_sampling sampling;
    opt_list stop;
    int64_t parallel, threads;
    bool json;
} generate_options;

#define AT(field) offsetof(generate_options, field)

static const opt options[] = {
    {"model", OPT_STR, AT(model), .arg = "PATH[,TYPE]",
     .about = "A checkpoint (.pt) or a Hugging Face folder; TYPE is f32, bf16, f16, int8 or int4"},
    {"panels", OPT_STR, AT(panels), .arg = "DIR",
     .about = "Folder that keeps repacked weights for the next start"},
    {"prompt", OPT_STR, AT(prompt), .arg = "TEXT", .about = "What to continue",
     .dflt = "Einstein's Theory of Relativity states that"},
    {"max-length", OPT_STR, AT(max_length), .arg = "N",
     .about = "Tokens in all, the prompt's included", .dflt = "100"},
    {"seeds", OPT_STR, AT(seeds), .arg = "LIST", .about = "A text for each: 0-7 or 1,2,42"},
    {"parallel", OPT_INT, AT(parallel), 1, LM_STREAMS_MAX, .arg = "N",
     .about = "Texts at once: of --seeds, or of so many seeds from --seed on", .dflt = "1"},
    CLI_SAMPLING(AT(sampling), false, "Same seed, same text. Default: random, and told at the end"),
    {"logit-bias", OPT_STR, AT(bias), .arg = "ID:VALUE,...",
     .about = "Added to logits; -100 forbids a token"},
    {"logprobs", OPT_STR, AT(logprobs), .arg = "N",
     .about = "With --json: log probabilities of each token and of the N likeliest"},
    {"stop", OPT_LIST, AT(stop), .arg = "TEXT", .about = "End before this text"},
    {"threads", OPT_INT, AT(threads), 0, 1024, .arg = "N",
     .about = "Compute threads; 0 is one per core", .dflt = "0"},
    {"json", OPT_FLAG, AT(json), .about = "A JSON object a text on stdout, then one of them all"},
    CLI_COMMON,
};

typedef struct text_run {
    uint64_t seed;
    lm_stream *stream;
    bool is_over;
    lm_state state;
    gen_text text;
    arena a;
    buf out;         // the text so far, without the prompt
    size_t n_shown;  // bytes of it that were followed
    uint64_t n_tokens;
    int64_t start_ns, first_ns, end_ns;
} text_run;

typedef struct runs {
    const generate_options *o;
    gen_params p;
    gpt2_model model;
    lm_engine *engine;
    arena a;
    int32_t *ids;
    size_t n_ids;
    text_run *one;
    size_t n, n_begun, n_printed, n_live;
    int64_t start_ns;
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool is_rung;
} runs;

// --- The command line ------------------------------------------------------------------------

static status parse_params(gen_params *p, const generate_options *o, arena *a, err *e) {
    gen_params_default(p);
    TRY(cli_param(p, "max_length", o->max_length, a, e));
    TRY(cli_param(p, "logit_bias", o->bias, a, e));
    TRY(cli_param(p, "logprobs", o->logprobs, a, e));
    for (size_t i = 0; i < o->stop.n; i++)
        TRY(cli_param(p, "stop", o->stop.items[i], a, e));
    TRY(cli_sampling_read(p, &o->sampling, a, e));
    if (!o->model) return err_set(e, E_ARG, "say which model: --model FILE.pt or a folder");
    if (p->sampling.logprobs >= 0 && !o->json)
        return err_set(e, E_ARG, "--logprobs are for --json");
    return OK;
}

static status add_seeds(text_run *one, size_t *n, uint64_t first, uint64_t last, err *e) {
    if (last < first || last - first >= SEEDS_MAX - *n)
        return err_set(e, E_ARG, "--seeds: %llu-%llu is no range of at most %d seeds in all",
                       (unsigned long long)first, (unsigned long long)last, SEEDS_MAX);
    for (uint64_t seed = first; *n < SEEDS_MAX; seed++) {
        one[(*n)++].seed = seed;
        if (seed == last) break;
    }
    return OK;
}

// "0-7,42"; without it as many as run at once, from --seed on.
static status parse_seeds(runs *r, const generate_options *o, err *e) {
    uint64_t first = r->p.sampling.seed, last;
    if (!o->seeds) return add_seeds(r->one, &r->n, first, first + (uint64_t)o->parallel - 1, e);
    str list = str_of(o->seeds);
    while (list.len) {
        str item = str_trim(str_cut(&list, ',')), to = item, from = str_cut(&to, '-');
        if (!str_parse_u64(&first, from) || (to.len && !str_parse_u64(&last, to)) ||
            (!to.len && from.len != item.len))
            return err_set(e, E_ARG, "--seeds wants whole numbers like 0-7 or 1,2,42, not \"%.*s\"",
                           STR_ARG(str_first(item, 64)));
        TRY(add_seeds(r->one, &r->n, first, to.len ? last : first, e));
    }
    return r->n ? OK : err_set(e, E_ARG, "--seeds is empty");
}

// --- Running ---------------------------------------------------------------------------------

// The engine's thread says when there is something to read.
static void ring(void *arg) {
    runs *r = arg;
    pthread_mutex_lock(&r->lock);
    r->is_rung = true;
    pthread_cond_signal(&r->rung);
    pthread_mutex_unlock(&r->lock);
}

static void wait_for_bell(runs *r) {
    pthread_mutex_lock(&r->lock);
    while (!r->is_rung)
        pthread_cond_wait(&r->rung, &r->lock);
    r->is_rung = false;
    pthread_mutex_unlock(&r->lock);
}

static status begin(runs *r, text_run *one, err *e) {
    lm_request q = {
        .model = r->model.model,
        .prompt = r->ids,
        .n_prompt = r->n_ids,
        .max_length = (int)min_i64(r->p.max_length, INT32_MAX),
        .sampling = r->p.sampling,
        .notify = ring,
        .arg = r,
    };
    q.sampling.seed = one->seed;
    TRY(arena_open(&one->a, (size_t)2 * TEXT_LIMIT, e));
    buf_init(&one->out, &one->a, 1 << 12);
    one->out.limit = TEXT_LIMIT;
    TRY(gen_text_init(&one->text, r->model.tokens, r->p.stop, r->p.n_stop, e));
    one->start_ns = one->end_ns = os_now_ns();
    one->state = LM_LENGTH;
    one->is_over = (int64_t)r->n_ids >= r->p.max_length;
    if (!one->is_over) TRY(lm_submit(&one->stream, r->engine, &q, e));
    r->n_begun++;
    r->n_live += !one->is_over;
    return OK;
}

// Takes what is there. False when nothing was.
static bool advance(runs *r, text_run *one) {
    int32_t ids[64];
    size_t n = lm_stream_read(ids, countof(ids), &one->state, one->stream);
    if (n && !one->first_ns) one->first_ns = os_now_ns();
    for (size_t i = 0; i < n && !one->text.is_stopped; i++, one->n_tokens++)
        gen_text_add(&one->text, &one->out, ids[i]);
    if (n == 0 && one->state == LM_RUNNING) return false;
    if (n && !one->text.is_stopped) return true;
    gen_text_end(&one->text, &one->out);
    one->is_over = true;
    one->end_ns = os_now_ns();
    r->n_live--;
    return true;
}

// --- Following -------------------------------------------------------------------------------

static void write_new(text_run *one) {
    fwrite(one->out.ptr + one->n_shown, 1, one->out.len - one->n_shown, stdout);
    one->n_shown = one->out.len;
    fflush(stdout);
}

// How much of `s` makes a line: up to a line feed, or to the last space of the columns.
static size_t line_of(str s, bool is_over) {
    size_t feed = str_find_byte(s, '\n');
    if (feed < s.len && feed <= LINE_COLUMNS) return feed + 1;
    if (s.len <= LINE_COLUMNS) return is_over ? s.len : 0;
    for (size_t i = LINE_COLUMNS; i > LINE_COLUMNS / 2; i--)
        if (s.ptr[i] == ' ') return i;
    return utf8_complete(str_first(s, LINE_COLUMNS));
}

static void write_lines(text_run *one) {
    size_t n;
    while ((n = line_of(str_skip(buf_str(&one->out), one->n_shown), one->is_over)) > 0) {
        str line = str_trim(str_first(str_skip(buf_str(&one->out), one->n_shown), n));
        one->n_shown += n;
        if (line.len) fprintf(stderr, "%llu| %.*s\n", (unsigned long long)one->seed, STR_ARG(line));
    }
}

static void follow(const runs *r, text_run *one) {
    if (r->o->json) return;
    if (r->n == 1)
        write_new(one);
    else
        write_lines(one);
}

// --- Printing --------------------------------------------------------------------------------

static const char *reason_of(const text_run *one) {
    if (one->text.is_stopped) return "stop string";
    return one->state == LM_STOPPED ? "end of text" : "length";
}

static double first_ms(const text_run *one) {
    return one->first_ns ? (double)(one->first_ns - one->start_ns) * 1e-6 : 0;
}

static double rate_of(const text_run *one) {
    double s = one->first_ns ? (double)(one->end_ns - one->first_ns) * 1e-9 : 0;
    return s > 0 && one->n_tokens > 1 ? (double)(one->n_tokens - 1) / s : 0;
}

static void put_logprob(json *j, const text_run *one, lm_logprob p) {
    json_key(j, "id"), json_i64(j, p.id);
    json_key(j, "token"), json_str(j, tokenizer_bytes(one->text.tokens, p.id));
    json_key(j, "logprob"), json_f64(j, (double)p.log, 6);
}

static void put_logprobs(json *j, const text_run *one) {
    json_open(j, '[');
    for (uint64_t i = 0; i < one->n_tokens; i++) {
        size_t n = 0;
        const lm_logprob *p = lm_stream_logprobs(&n, one->stream, (size_t)i);
        if (!p) continue;
        json_open(j, '{');
        put_logprob(j, one, p[0]);
        json_key(j, "top"), json_open(j, '[');
        for (size_t k = 1; k <= n; k++) {
            json_open(j, '{');
            put_logprob(j, one, p[k]);
            json_close(j, '}');
        }
        json_close(j, ']');
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void put_run(json *j, const runs *r, const text_run *one) {
    json_open(j, '{');
    json_key(j, "seed"), json_u64(j, one->seed);
    json_key(j, "prompt"), json_str(j, str_of(r->o->prompt));
    json_key(j, "text"), json_str(j, buf_str(&one->out));
    json_key(j, "n"), json_u64(j, one->n_tokens);
    json_key(j, "reason"), json_str(j, str_of(reason_of(one)));
    json_key(j, "first_token_ms"), json_f64(j, first_ms(one), 2);
    json_key(j, "tok_s"), json_f64(j, rate_of(one), 1);
    if (r->p.sampling.logprobs >= 0) json_key(j, "logprobs"), put_logprobs(j, one);
    json_close(j, '}');
}

static status print_json(const runs *r, const text_run *one, err *e) {
    arena a;
    TRY(arena_open(&a, (size_t)2 * JSON_LIMIT, e));
    buf out;
    buf_init(&out, &a, 1 << 12);
    out.limit = JSON_LIMIT;
    json j;
    json_init(&j, &out);
    put_run(&j, r, one);
    buf_byte(&out, '\n');
    status s = out.failed ? err_set(e, E_LIMIT, "the JSON is over %d bytes", JSON_LIMIT) : OK;
    if (!s) fwrite(out.ptr, 1, out.len, stdout);
    arena_close(&a);
    return s;
}

static void print_rates(const text_run *one) {
    fprintf(stderr, "%llu tokens, first after %.0f ms, %.1f tok/s, seed %llu, ended by %s\n",
            (unsigned long long)one->n_tokens, first_ms(one), rate_of(one),
            (unsigned long long)one->seed, reason_of(one));
}

static status print(runs *r, text_run *one, err *e) {
    if (one->state == LM_FAILED) return err_set(e, E_MEMORY, "the engine failed");
    if (r->o->json) TRY(print_json(r, one, e));
    if (!r->o->json && r->n == 1) putchar('\n');
    if (!r->o->json && r->n > 1)
        printf("--- seed %llu\n%s%.*s\n", (unsigned long long)one->seed, r->o->prompt,
               (int)one->out.len, one->out.ptr);
    if (!r->o->json) print_rates(one);
    lm_stream_close(one->stream);  // I1
    one->stream = NULL;
    arena_close(&one->a);
    return OK;
}

static void print_all(const runs *r) {
    uint64_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += r->one[i].n_tokens;
    double s = os_seconds_since(r->start_ns), rate = s > 0 ? (double)n / s : 0;
    if (r->o->json)
        printf("{\"texts\": %zu, \"n\": %llu, \"seconds\": %.3f, \"tok_s\": %.1f}\n", r->n,
               (unsigned long long)n, s, rate);
    else if (r->n > 1)
        fprintf(stderr, "%zu texts: %llu tokens in %.2f s, %.1f tok/s together\n", r->n,
                (unsigned long long)n, s, rate);
}

// --- All of them -----------------------------------------------------------------------------

// Begins what may run, reads what has come, prints what is over in the order of the seeds.
static status turn(runs *r, bool *was_news, err *e) {
    *was_news = false;
    while (r->n_begun < r->n && r->n_live < (size_t)r->o->parallel)
        TRY(begin(r, &r->one[r->n_begun], e));
    for (size_t i = r->n_printed; i < r->n_begun; i++) {
        if (r->one[i].is_over || !advance(r, &r->one[i])) continue;
        follow(r, &r->one[i]);
        *was_news = true;
    }
    for (; r->n_printed < r->n_begun && r->one[r->n_printed].is_over; *was_news = true)
        TRY(print(r, &r->one[r->n_printed++], e));
    return OK;
}

static status generate(runs *r, err *e) {
    r->start_ns = os_now_ns();
    if (!r->o->json && r->n == 1) fputs(r->o->prompt, stdout);
    status s = OK;
    while (!s && r->n_printed < r->n) {
        bool was_news;
        s = turn(r, &was_news, e);
        if (!s && !was_news) wait_for_bell(r);
    }
    for (size_t i = 0; i < r->n; i++) {
        lm_stream_close(r->one[i].stream);
        arena_close(&r->one[i].a);
    }
    if (!s) print_all(r);
    return s;
}

static status open_all(runs *r, const gpt2_spec *spec, err *e) {
    const generate_options *o = r->o;
    lm_config c = {.n_threads = (int)o->threads, .streams_max = (int)o->parallel};
    TRY(gpt2_model_open(&r->model, spec, o->panels, e));
    TRY(gpt2_encode(&r->ids, &r->n_ids, &r->model, str_of(o->prompt), &r->a, e));
    if (r->n_ids == 0) return err_set(e, E_ARG, "the prompt is empty");
    return lm_engine_open(&r->engine, &c, e);
}

static int run(void *opts, const opt_list *rest) {
    (void)rest;
    const generate_options *o = opts;
    static text_run one[SEEDS_MAX];
    runs r = {
        .o = o, .one = one, .lock = PTHREAD_MUTEX_INITIALIZER, .rung = PTHREAD_COND_INITIALIZER};
    err e = {0};
    if (arena_open(&r.a, (size_t)1 << 30, &e)) return cli_fail(CLI_FAILED, "generate: %s", e.msg);
    r.one = arena_array(&r.a, text_run, SEEDS_MAX);
    gpt2_spec spec;
    status s = parse_params(&r.p, o, &r.a, &e);
    if (!s) s = gpt2_spec_parse(&spec, str_of(o->model), &r.a, &e);
    if (!s) s = parse_seeds(&r, o, &e);
    int code = s ? CLI_USAGE : CLI_OK;
    if (!code && (open_all(&r, &spec, &e) || generate(&r, &e))) code = CLI_FAILED;
    lm_engine_close(r.engine);
    gpt2_model_close(&r.model);
    arena_close(&r.a);
    return code ? cli_fail(code, "generate: %s", e.msg) : CLI_OK;
}

const cli_command cli_generate = {
    .table =
        {
            .command = "generate",
            .about = "Continue a prompt on the terminal, once or with many seeds at once.",
            .row = options,
            .n = countof(options),
        },
    .options_len = sizeof(generate_options),
    .run = run,
};
