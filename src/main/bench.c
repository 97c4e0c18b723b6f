// parallelopedia bench: what this machine could do with a model, and what it does.
//
// The limits are measured in the same run, on the same threads, so that a share of them means
// something on any machine. A round of decoding counts from the moment all streams have begun to
// the moment the first one ends; of several rounds the median is told.
//
//   I1  end-of-text is forbidden and prompts are random ids, so that every stream runs its length
//       and no prefix is found in the pages of an earlier round

#include "main/cli.h"

#include "app/gpt2_app.h"
#include "app/process.h"
#include "os/clock.h"
#include "os/cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROUNDS_MAX = 99,
    LIST_MAX = 16,
    PROMPT = 10,
    PREFILL = 512,
    DECODE = 128,
    MEMORY_STREAMS = 64
};

typedef struct bench_options {
    cli_common common;
    const char *model, *type, *panels, *streams;
    int64_t threads, rounds;
    bool json;
} bench_options;

#define AT(field) offsetof(bench_options, field)

static const opt options[] = {
    {"model", OPT_STR, AT(model), .arg = "PATH",
     .about = "A checkpoint (.pt) or a Hugging Face folder"},
    {"type", OPT_STR, AT(type), .arg = "TYPE",
     .about = "f32, bf16, f16, int8 or int4. Default: as the file has it"},
    {"panels", OPT_STR, AT(panels), .arg = "DIR",
     .about = "Folder that keeps repacked weights for the next start"},
    {"threads", OPT_INT, AT(threads), 0, 1024, .arg = "N",
     .about = "Compute threads; 0 is one per core", .dflt = "0"},
    {"streams", OPT_STR, AT(streams), .arg = "LIST",
     .about = "How many generations at once: numbers, with commas between", .dflt = "1,16"},
    {"rounds", OPT_INT, AT(rounds), 1, ROUNDS_MAX, .arg = "N",
     .about = "Rounds of each measurement, of which the median is told", .dflt = "5"},
    {"json", OPT_FLAG, AT(json), .about = "One JSON object on stdout"},
    CLI_COMMON,
};

typedef struct bench {
    gpt2_model model;
    const lm_spec *spec;
    lm_engine *engine;
    probe limits;
    int n_threads, n_rounds;
    int streams[LIST_MAX];
    size_t n_streams;
    int32_t *ids;  // scratch for prompts
    uint64_t seed;
    arena a;
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool is_rung;

    double decode[LIST_MAX];  // tokens a second, of all streams together
    int prefill_n;
    double prefill, first_s;
    uint64_t resident_1, resident_many;
} bench;

// --- Streams ---------------------------------------------------------------------------------

static void ring(void *arg) {
    bench *b = arg;
    pthread_mutex_lock(&b->lock);
    b->is_rung = true;
    pthread_cond_signal(&b->rung);
    pthread_mutex_unlock(&b->lock);
}

static void wait_for_bell(bench *b) {
    pthread_mutex_lock(&b->lock);
    while (!b->is_rung)
        pthread_cond_wait(&b->rung, &b->lock);
    b->is_rung = false;
    pthread_mutex_unlock(&b->lock);
}

// A prompt of `n` random ids, and `n_new` tokens behind it.
static status submit(lm_stream **out, bench *b, int n, int n_new, err *e) {
    static const lm_bias forbidden = {TOKENIZER_GPT2_END, -100};
    int n_ids = b->spec->vocab_size < TOKENIZER_GPT2_END ? b->spec->vocab_size : TOKENIZER_GPT2_END;
    for (int i = 0; i < n; i++) {
        b->seed = b->seed * 6364136223846793005U + 1442695040888963407U;
        b->ids[i] = (int32_t)((b->seed >> 33) % (uint64_t)n_ids);
    }
    lm_request r = {
        .model = b->model.model,
        .prompt = b->ids,
        .n_prompt = (size_t)n,
        .max_length = n + n_new,
        .sampling = lm_sampling_default(),
        .notify = ring,
        .arg = b,
    };
    r.sampling.seed = b->seed;
    if (n_ids == TOKENIZER_GPT2_END) r.sampling.bias = &forbidden, r.sampling.n_bias = 1;
    return lm_submit(out, b->engine, &r, e);
}

// Takes what is there; false once the stream is over.
static bool take(uint64_t *n, lm_stream *s, err *e) {
    int32_t ids[64];
    lm_state state;
    size_t k;
    while ((k = lm_stream_read(ids, countof(ids), &state, s)) > 0)
        *n += k;
    if (state == LM_FAILED) err_set(e, E_MEMORY, "the engine failed");
    return state == LM_RUNNING;
}

typedef struct round_of {
    lm_stream *s[LM_STREAMS_MAX];
    uint64_t n[LM_STREAMS_MAX];  // tokens so far
    int count;
} round_of;

// Reads all streams until the least of them has `least` tokens, or one is over.
static bool read_all(bench *b, round_of *r, uint64_t least, err *e) {
    for (;;) {
        bool goes_on = true, is_there = true;
        for (int i = 0; i < r->count; i++) {
            if (!take(&r->n[i], r->s[i], e)) goes_on = false;
            if (r->n[i] < least) is_there = false;
        }
        if (!goes_on || is_there) return goes_on;
        wait_for_bell(b);
    }
}

static uint64_t total(const round_of *r) {
    uint64_t n = 0;
    for (int i = 0; i < r->count; i++)
        n += r->n[i];
    return n;
}

// Tokens a second of `count` streams at once, unless `rate` is NULL; the process's memory while all
// of them run.
static status decode_once(double *rate, uint64_t *resident, bench *b, int count, err *e) {
    round_of *r = calloc(1, sizeof *r);
    if (!r) return err_set(e, E_MEMORY, "no memory");
    int n_new = (int)min_i64(DECODE, b->spec->block_size - PROMPT);
    status s = OK;
    for (; r->count < count && !s; r->count += !s)
        s = submit(&r->s[r->count], b, PROMPT, n_new, e);
    if (!s && !read_all(b, r, 1, e)) s = err_set(e, E_LIMIT, "a stream ended before all ran");
    int64_t start = os_now_ns();
    uint64_t before = total(r);
    if (!s) *resident = process_resident();
    if (!s && rate) {
        read_all(b, r, UINT64_MAX, e);
        double seconds = os_seconds_since(start);
        *rate = seconds > 0 ? (double)(total(r) - before) / seconds : 0;
    }
    for (int i = 0; i < r->count; i++)
        lm_stream_close(r->s[i]);
    free(r);
    return s ? s : e->code;
}

// Seconds from the request to its first token.
static status first_once(double *seconds, bench *b, int n_prompt, err *e) {
    round_of r = {.count = 1};
    int64_t start = os_now_ns();
    TRY(submit(&r.s[0], b, n_prompt, 1, e));
    while (r.n[0] == 0 && read_all(b, &r, 1, e))
        ;
    *seconds = os_seconds_since(start);
    lm_stream_close(r.s[0]);
    return e->code;
}

// --- Measuring -------------------------------------------------------------------------------

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

static status measure_decode(double *rate, uint64_t *resident, bench *b, int count, err *e) {
    double v[ROUNDS_MAX];
    for (int i = 0; i < b->n_rounds; i++)
        TRY(decode_once(&v[i], resident, b, count, e));
    *rate = median(v, b->n_rounds);
    return OK;
}

static status measure_first(double *seconds, bench *b, int n_prompt, err *e) {
    double v[ROUNDS_MAX];
    for (int i = 0; i < b->n_rounds; i++)
        TRY(first_once(&v[i], b, n_prompt, e));
    *seconds = median(v, b->n_rounds);
    return OK;
}

static status measure(bench *b, err *e) {
    double seconds, ignored;
    uint64_t resident;
    TRY(decode_once(&ignored, &b->resident_1, b, 1, e));  // the first round warms up, too
    for (size_t i = 0; i < b->n_streams; i++)
        TRY(measure_decode(&b->decode[i], &resident, b, b->streams[i], e));
    b->prefill_n = b->spec->block_size - 1 < PREFILL ? b->spec->block_size - 1 : PREFILL;
    TRY(measure_first(&seconds, b, b->prefill_n, e));
    b->prefill = b->prefill_n / seconds;
    TRY(measure_first(&b->first_s, b, PROMPT, e));
    return decode_once(NULL, &b->resident_many, b, MEMORY_STREAMS, e);
}

// --- Limits ----------------------------------------------------------------------------------

// Tokens a second when `rows` of them share one read of the weights, and memory and arithmetic
// overlap; `heads` of them want logits. Attention and sampling are not in it.
static double limit_of(const bench *b, double rows, double heads, const char **what) {
    double math = kern_type_is_int(b->spec->type) ? b->limits.int8_ops : b->limits.f32_flops;
    double read_s = (double)b->spec->bytes_per_token / b->limits.read_bytes_per_s;
    double head = 2.0 * b->spec->vocab_size * b->spec->n_embd;
    double math_s = (rows * ((double)b->spec->flops_per_token - head) + heads * head) / math;
    *what = read_s > math_s ? "memory" : "arithmetic";
    return rows / (read_s > math_s ? read_s : math_s);
}

static double share(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

// --- Printing --------------------------------------------------------------------------------

static void print_rate(const bench *b, const char *name, double rows, double heads, double rate) {
    const char *what;
    double limit = limit_of(b, rows, heads, &what);
    printf("%-24s %10.1f tok/s   %5.1f %% of %.1f (%s)\n", name, rate, 100 * share(rate, limit),
           limit, what);
}

static void print_text(const bench *b) {
    ARENA_ON_STACK(scratch, 512);
    buf say;
    char name[32];
    buf_init(&say, &scratch, 0);
    gpt2_model_say(&say, &b->model);
    printf("%s, %d thread%s\n%.*s\n\n", os_cpu_name(), b->n_threads, b->n_threads == 1 ? "" : "s",
           STR_ARG(buf_str(&say)));
    printf("%-24s %10.1f GB/s\n", "read", b->limits.read_bytes_per_s / 1e9);
    printf("%-24s %10.1f GFLOP/s\n", "f32", b->limits.f32_flops / 1e9);
    printf("%-24s %10.1f GOP/s\n", "int8", b->limits.int8_ops / 1e9);
    printf("%-24s %10.3f s\n\n", "load", b->model.load_s);
    for (size_t i = 0; i < b->n_streams; i++) {
        snprintf(name, sizeof name, "decode, %d stream%s", b->streams[i],
                 b->streams[i] == 1 ? "" : "s");
        print_rate(b, name, b->streams[i], b->streams[i], b->decode[i]);
    }
    snprintf(name, sizeof name, "prefill %d", b->prefill_n);
    print_rate(b, name, b->prefill_n, 1, b->prefill);
    printf("first token after %-6d %10.2f ms\n\n", PROMPT, b->first_s * 1e3);
    printf("%-24s %10.1f MB\n", "memory, 1 stream", (double)b->resident_1 / 1e6);
    snprintf(name, sizeof name, "memory, %d streams", MEMORY_STREAMS);
    printf("%-24s %10.1f MB\n", name, (double)b->resident_many / 1e6);
}

static void put_rate(json *j, const bench *b, int streams, double rows, double rate) {
    const char *what;
    double limit = limit_of(b, rows, streams ? rows : 1, &what);
    json_open(j, '{');
    json_key(j, streams ? "streams" : "tokens"), json_i64(j, streams ? streams : (int64_t)rows);
    json_key(j, "tok_s"), json_f64(j, rate, 2);
    json_key(j, "limit_tok_s"), json_f64(j, limit, 2);
    json_key(j, "limited_by"), json_str(j, str_of(what));
    json_key(j, "fraction"), json_f64(j, share(rate, limit), 4);
    json_close(j, '}');
}

static void print_json(const bench *b) {
    ARENA_ON_STACK(scratch, 8192);
    buf out;
    json j;
    buf_init(&out, &scratch, 0);
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "cpu"), json_str(&j, str_of(os_cpu_name()));
    json_key(&j, "threads"), json_i64(&j, b->n_threads);
    json_key(&j, "type"), json_str(&j, str_of(kern_type_name(b->spec->type)));
    json_key(&j, "bytes_per_token"), json_u64(&j, b->spec->bytes_per_token);
    json_key(&j, "flops_per_token"), json_u64(&j, b->spec->flops_per_token);
    json_key(&j, "read_bytes_per_s"), json_f64(&j, b->limits.read_bytes_per_s, 0);
    json_key(&j, "f32_flops"), json_f64(&j, b->limits.f32_flops, 0);
    json_key(&j, "int8_ops"), json_f64(&j, b->limits.int8_ops, 0);
    json_key(&j, "load_s"), json_f64(&j, b->model.load_s, 4);
    json_key(&j, "decode"), json_open(&j, '[');
    for (size_t i = 0; i < b->n_streams; i++)
        put_rate(&j, b, b->streams[i], b->streams[i], b->decode[i]);
    json_close(&j, ']');
    json_key(&j, "prefill"), put_rate(&j, b, 0, b->prefill_n, b->prefill);
    json_key(&j, "first_token_ms"), json_f64(&j, b->first_s * 1e3, 3);
    json_key(&j, "resident_bytes_1"), json_u64(&j, b->resident_1);
    json_key(&j, "resident_bytes_64"), json_u64(&j, b->resident_many);
    json_close(&j, '}');
    printf("%.*s\n", (int)out.len, out.ptr);
}

// --- The command -----------------------------------------------------------------------------

static status parse_streams(bench *b, const char *text, err *e) {
    str list = str_of(text);
    while (list.len) {
        str item = str_trim(str_cut(&list, ','));
        int64_t n;
        if (b->n_streams == LIST_MAX || !str_parse_i64(&n, item) || n < 1 || n > LM_STREAMS_MAX)
            return err_set(e, E_ARG, "--streams wants up to %d numbers of 1 to %d, not \"%.*s\"",
                           LIST_MAX, LM_STREAMS_MAX, STR_ARG(str_first(item, 32)));
        b->streams[b->n_streams++] = (int)n;
    }
    return b->n_streams ? OK : err_set(e, E_ARG, "--streams is empty");
}

static status parse(gpt2_spec *spec, bench *b, const bench_options *o, err *e) {
    if (!o->model) return err_set(e, E_ARG, "say which model: --model FILE.pt or a folder");
    TRY(gpt2_spec_parse(spec, str_of(o->model), &b->a, e));
    if (o->type && !(spec->has_type = kern_type_named(&spec->type, str_of(o->type))))
        return err_set(e, E_ARG, "--type must be f32, bf16, f16, int8 or int4, not \"%s\"",
                       o->type);
    return parse_streams(b, o->streams, e);
}

static status open_all(bench *b, const gpt2_spec *spec, const char *panels, err *e) {
    TRY(gpt2_model_open(&b->model, spec, panels, e));
    b->spec = lm_model_spec(b->model.model);
    if (b->spec->block_size <= 2 * PROMPT)
        return err_set(e, E_LIMIT, "a context of %d is too short to measure", b->spec->block_size);
    b->ids = arena_array(&b->a, int32_t, (size_t)b->spec->block_size);
    lm_config c = {.n_threads = b->n_threads,
                   .streams_max = LM_STREAMS_MAX,
                   .probe_bytes = b->spec->bytes_per_token};
    TRY(lm_engine_open(&b->engine, &c, e));
    const probe *p = lm_engine_calibration(b->engine);
    if (!p) return err_set(e, E_MEMORY, "no memory to measure the machine");
    b->limits = *p;
    return OK;
}

static int run(void *opts, const opt_list *rest) {
    (void)rest;
    const bench_options *o = opts;
    bench b = {.n_threads = o->threads ? (int)o->threads : os_cpu_count(),
               .n_rounds = (int)o->rounds,
               .lock = PTHREAD_MUTEX_INITIALIZER,
               .rung = PTHREAD_COND_INITIALIZER};
    gpt2_spec spec;
    err e = {0};
    if (arena_open(&b.a, 1 << 20, &e)) return cli_fail(CLI_FAILED, "bench: %s", e.msg);
    int code = parse(&spec, &b, o, &e) ? CLI_USAGE : CLI_OK;
    if (!code && (open_all(&b, &spec, o->panels, &e) || measure(&b, &e))) code = CLI_FAILED;
    if (!code && o->json) print_json(&b);
    if (!code && !o->json) print_text(&b);
    lm_engine_close(b.engine);
    gpt2_model_close(&b.model);
    arena_close(&b.a);
    return code ? cli_fail(code, "bench: %s", e.msg) : CLI_OK;
}

const cli_command cli_bench = {
    .table =
        {
            .command = "bench",
            .about = "Measure a model on this machine beside what the machine can do.",
            .row = options,
            .n = countof(options),
        },
    .options_len = sizeof(bench_options),
    .run = run,
};
