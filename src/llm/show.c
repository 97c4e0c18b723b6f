// The models in /stats and /metrics.

#include "llm/models.h"

void llm_models_stats(json *j, llm_models *m) {
    llm_row row[LLM_MODELS_MAX];
    llm_memory memory;
    size_t n = llm_models_rows(row, m);
    llm_models_memory(&memory, m);
    json_key(j, "budget_bytes"), json_u64(j, memory.budget);
    json_key(j, "used_bytes"), json_u64(j, memory.used);
    json_key(j, "models"), json_open(j, '[');
    for (size_t i = 0; i < n; i++) {
        const llm_row *r = &row[i];
        json_open(j, '{');
        json_key(j, "name"), json_str(j, r->name);
        json_key(j, "id"), json_str(j, r->id);
        json_key(j, "state"), json_str(j, str_of(llm_state_name(r->state)));
        json_key(j, "bytes"), json_u64(j, r->bytes);
        json_key(j, "loaded"), json_f64(j, r->loaded, 3);
        json_key(j, "load_seconds"), json_f64(j, r->seconds, 3);
        json_key(j, "holders"), json_i64(j, r->holders);
        json_key(j, "created"), json_i64(j, r->created);
        if (r->why[0]) json_key(j, "why"), json_str(j, str_of(r->why));
        json_close(j, '}');
    }
    json_close(j, ']');
}

typedef struct shown {
    const char *name, *help;
    double (*of)(const llm_row *r);
} shown;

static double ready(const llm_row *r) {
    return r->state == LLM_READY;
}
static double loaded(const llm_row *r) {
    return r->loaded;
}
static double bytes(const llm_row *r) {
    return r->state == LLM_READY ? (double)r->bytes : 0;
}
static double seconds(const llm_row *r) {
    return r->seconds;
}
static double holders(const llm_row *r) {
    return r->holders;
}

static const shown gauges[] = {
    {"llm_model_ready", "Whether the model is loaded.", ready},
    {"llm_model_loaded_ratio", "How much of it is loaded.", loaded},
    {"llm_model_bytes", "Bytes of weights it holds.", bytes},
    {"llm_model_load_seconds", "Time its last load took.", seconds},
    {"llm_model_holders", "Requests that use it.", holders},
};

void llm_models_metrics(metrics *to, llm_models *m) {
    llm_row row[LLM_MODELS_MAX];
    llm_memory memory;
    size_t n = llm_models_rows(row, m);
    llm_models_memory(&memory, m);
    for (size_t g = 0; g < countof(gauges); g++) {
        metrics_family(to, METRICS_GAUGE, gauges[g].name, gauges[g].help);
        for (size_t i = 0; i < n; i++) {
            metrics_label label = {"model", row[i].name};
            metrics_f64(to, &label, gauges[g].of(&row[i]));
        }
    }
    metrics_one(to, METRICS_GAUGE, "llm_budget_bytes", "Bytes that weights may take.",
                (double)memory.budget);
    metrics_one(to, METRICS_GAUGE, "llm_used_bytes", "Bytes that weights take.",
                (double)memory.used);
    metrics_one(to, METRICS_COUNTER, "llm_loads_total", "Models loaded.", (double)memory.loads);
    metrics_one(to, METRICS_COUNTER, "llm_load_failures_total", "Loads that failed.",
                (double)memory.failures);
    metrics_one(to, METRICS_COUNTER, "llm_drops_total", "Models dropped for others.",
                (double)memory.drops);
}
