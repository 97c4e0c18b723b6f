// The engine that all apps share, and its figures in /metrics.

#include "app/gen_engine.h"

#include "os/log.h"

enum { PROBE_BYTES = 128 << 20 };  // where nothing tells how large a model is

status gen_engine_get(lm_engine **out, const app_options *o, size_t model_bytes, err *e) {
    app_shared *s = o->shared;
    lm_config c = {.n_threads = o->n_compute,
                   .streams_max = o->streams_max,
                   .queue_max = o->queue_max,
                   .client_max = o->client_max,
                   .probe_bytes = !o->calibrates ? 0
                                  : model_bytes  ? model_bytes
                                                 : PROBE_BYTES};
    *out = s->engine;
    if (s->engine) return OK;
    TRY(lm_engine_open(&s->engine, &c, e));
    *out = s->engine;
    const probe *p = lm_engine_calibration(s->engine);
    if (p)
        log_info("engine", "limits: %.1f GB/s read, %.0f GFLOP/s in f32, %.0f GOP/s in int8",
                 p->read_bytes_per_s / 1e9, p->f32_flops / 1e9, p->int8_ops / 1e9);
    return OK;
}

void gen_engine_close(app_shared *s) {
    lm_engine_close(s->engine);
    s->engine = NULL;
}

// --- Figures ---------------------------------------------------------------------------------

#define COUNTER METRICS_COUNTER
#define GAUGE   METRICS_GAUGE

static void put_counts(metrics *m, const lm_counters *c) {
    const struct {
        metrics_kind kind;
        const char *name, *help;
        uint64_t v;
    } rows[] = {
        {GAUGE, "lm_streams_live", "Generations that run.", (uint64_t)c->streams_live},
        {GAUGE, "lm_streams_waiting", "Generations in the queue.", (uint64_t)c->streams_waiting},
        {GAUGE, "lm_streams_paused", "Of the live, those whose reader is behind.",
         (uint64_t)c->streams_paused},
        {GAUGE, "lm_clients", "Addresses that have a generation.", (uint64_t)c->clients},
        {COUNTER, "lm_streams_total", "Generations so far.", c->streams_total},
        {COUNTER, "lm_streams_cancelled_total", "Left by their readers.", c->streams_cancelled},
        {COUNTER, "lm_streams_failed_total", "Ended by want of memory or a number.",
         c->streams_failed},
        {COUNTER, "lm_refused_busy_total", "Refused: the queue was full.", c->refused_busy},
        {COUNTER, "lm_refused_client_total", "Refused: the client had its share.",
         c->refused_client},
        {COUNTER, "lm_prompt_tokens_total", "Tokens of prompts, computed.", c->tokens_prompt},
        {COUNTER, "lm_generated_tokens_total", "Tokens drawn.", c->tokens_generated},
        {COUNTER, "lm_prefix_hit_tokens_total", "Tokens of prompts that were found in pages.",
         c->prefix_hit_tokens},
        {COUNTER, "lm_prefix_looked_tokens_total", "Tokens of prompts that were looked for.",
         c->prefix_looked_tokens},
        {COUNTER, "lm_steps_total", "Passes through a model.", c->steps},
        {COUNTER, "lm_rows_total", "Tokens through a model.", c->rows},
        {COUNTER, "lm_weight_read_bytes_total", "Weights read.", c->weight_bytes},
        {COUNTER, "lm_kv_read_bytes_total", "Keys and values read.", c->kv_bytes},
        {COUNTER, "lm_flops_total", "Multiplications and additions.", c->flops},
        {GAUGE, "lm_pages", "Pages of keys and values that there can be.", c->pages_total},
        {GAUGE, "lm_pages_used", "Of them, those of live generations.", c->pages_used},
        {GAUGE, "lm_pages_kept", "Of them, those kept for a prompt to come.", c->pages_kept},
        {GAUGE, "lm_kv_max_bytes", "Memory that pages may take.", c->kv_max},
        {GAUGE, "lm_kv_used_bytes", "Of it, live generations'.", c->kv_used},
        {GAUGE, "lm_kv_kept_bytes", "Of it, kept for a prompt to come.", c->kv_kept},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        metrics_family(m, rows[i].kind, rows[i].name, rows[i].help);
        metrics_u64(m, NULL, rows[i].v);
    }
}

static void put_times(metrics *m, const lm_counters *c) {
    const struct {
        const char *name, *help;
        const lm_histogram *h;
    } rows[] = {
        {"lm_first_token_seconds", "From the request to its first token.", &c->first_token},
        {"lm_between_tokens_seconds", "From one token to the next.", &c->between_tokens},
        {"lm_queue_wait_seconds", "From the request to its admission.", &c->queue_wait},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        metrics_family(m, METRICS_HISTOGRAM, rows[i].name, rows[i].help);
        metrics_histogram(m, lm_bucket_s, rows[i].h->count, LM_BUCKETS, rows[i].h->sum_s);
    }
}

static double share(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

// What was achieved while steps ran, beside what the machine can do.
static void put_limits(metrics *m, const app_shared *s, const lm_counters *c) {
    const probe *p = lm_engine_calibration(s->engine);
    probe limits = p ? *p : (probe){0};
    double busy = (double)c->busy_ns * 1e-9;
    double read = share((double)(c->weight_bytes + c->kv_bytes), busy);
    double math = share((double)c->flops, busy);
    double most = s->has_floats ? limits.f32_flops : limits.int8_ops;
    const struct {
        metrics_kind kind;
        const char *name, *help;
        double v;
    } rows[] = {
        {COUNTER, "lm_busy_seconds_total", "Time in steps.", busy},
        {GAUGE, "lm_read_bytes_per_second", "Weights, keys and values read while busy.", read},
        {GAUGE, "lm_flops_per_second", "Arithmetic done while busy.", math},
        {GAUGE, "machine_read_bytes_per_second", "What it can read at most; 0: not measured.",
         limits.read_bytes_per_s},
        {GAUGE, "machine_f32_flops_per_second", "What it can do at most in f32.", limits.f32_flops},
        {GAUGE, "machine_int8_ops_per_second", "What it can do at most in int8.", limits.int8_ops},
        {GAUGE, "lm_read_fraction", "Achieved share of the read limit.",
         share(read, limits.read_bytes_per_s)},
        {GAUGE, "lm_flops_fraction", "Achieved share of the arithmetic limit.", share(math, most)},
    };
    for (size_t i = 0; i < countof(rows); i++)
        metrics_one(m, rows[i].kind, rows[i].name, rows[i].help, rows[i].v);
}

void gen_metrics(metrics *m, const app_shared *s) {
    lm_counters c;
    if (!s->engine) return;
    lm_engine_counters(&c, s->engine);
    put_counts(m, &c);
    put_times(m, &c);
    put_limits(m, s, &c);
}
