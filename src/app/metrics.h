// app/metrics.h -- writes figures for Prometheus.
//
// An app's `metrics` writes families, one after another: metrics_family, then its samples.
//
//   Threads   one thread at a time per metrics
//   Limits    those of the buf it writes to, whose `failed` tells
//   Format    Prometheus text exposition format 0.0.4: HELP, TYPE, samples; all samples of a family
//             stand together; base units (seconds, bytes); names begin with "parallelopedia_"
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include "base/buf.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef struct metrics {
    buf *to;
    const char *name;  // of the family
} metrics;

typedef enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM } metrics_kind;

typedef struct metrics_label {
    const char *name;
    str value;  // any bytes; escaped here
} metrics_label;

// `name` without "parallelopedia_"; a counter's ends in "_total". Lives as long as the metrics.
void metrics_family(metrics *m, metrics_kind kind, const char *name, const char *help);

// One sample; `label` may be NULL.
void metrics_u64(metrics *m, const metrics_label *label, uint64_t v);
void metrics_f64(metrics *m, const metrics_label *label, double v);

// counts[i] values are at most bounds[i] and over bounds[i - 1]; counts[n] are over all of them.
void metrics_histogram(metrics *m, const double *bounds, const uint64_t *counts, size_t n,
                       double sum);

// A family of one sample.
void metrics_one(metrics *m, metrics_kind kind, const char *name, const char *help, double v);

#endif
