// A decoder that only says what lm/spec.h means: row by row from the file, in f64, without panels,
// caches or kernels. What tests compare lm/arch with, before and beside the real forward pass.
#ifndef TESTS_LM_PLAIN_H
#define TESTS_LM_PLAIN_H

#include "lm/arch.h"

#include <math.h>
#include <stdlib.h>

enum { PLAIN_DIM = 2048, PLAIN_TOKENS = 256 };

typedef struct plain {
    const weights *w;
    const lm_spec *s;
    size_t n;  // tokens
    int layer, expert;
} plain;

typedef double plain_row[PLAIN_DIM];

// Fails the test when the model lacks what its spec has.
static inline bool plain_part(lm_rows *m, const plain *p, lm_role role, bool bias) {
    err e = {0};
    bool has;
    status st = bias ? lm__arch_bias(m, &has, p->w, p->s, role, p->layer, p->expert, &e)
                     : lm__arch_weight(m, &has, p->w, p->s, role, p->layer, p->expert, &e);
    if (st) fail_msg("%s", e.msg);
    return has;
}

static inline size_t plain_vector(double *out, const plain *p, lm_role role, bool bias) {
    lm_rows m;
    if (!plain_part(&m, p, role, bias)) return 0;
    for (size_t i = 0; i < m.n; i++) {
        float v;
        tensor_row row = lm__rows_at(&m, i);
        tensor_row_to_f32(&v, &row, m.k);
        out[i] = (double)v;
    }
    return m.n;
}

// y = W x + b for one token.
static inline void plain_matrix(double *y, const double *x, const plain *p, lm_role role) {
    lm_rows m;
    float row[PLAIN_DIM];
    plain_row bias = {0};
    assert_true(plain_part(&m, p, role, false));
    assert_true(m.k <= PLAIN_DIM && m.n <= PLAIN_DIM);
    plain_vector(bias, p, role, true);
    for (size_t r = 0; r < m.n; r++) {
        tensor_row at = lm__rows_at(&m, r);
        tensor_row_to_f32(row, &at, m.k);
        double sum = bias[r];
        for (size_t i = 0; i < m.k; i++)
            sum += (double)row[i] * x[i];
        y[r] = sum;
    }
}

static inline void plain_norm_with(double *y, const double *x, size_t n, const lm_spec *s,
                                   const double *gain, const double *bias) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < n && s->norm == LM_NORM_LAYER; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (x[i] - mean) * (x[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) / sqrt(square + (double)s->norm_eps) * gain[i] + bias[i];
}

// Without the norm in the model: y = x.
static inline void plain_norm(double *y, const double *x, const plain *p, lm_role role) {
    plain_row gain, bias = {0};
    size_t n = plain_vector(gain, p, role, false);
    plain_vector(bias, p, role, true);
    if (n)
        plain_norm_with(y, x, n, p->s, gain, bias);
    else
        memmove(y, x, (size_t)p->s->n_embd * sizeof *y);
}

static inline void plain_qk_norm(double *x, size_t heads, const plain *p, lm_role role) {
    plain_row gain, bias = {0};
    size_t n = plain_vector(gain, p, role, false), all = heads * (size_t)p->s->head_dim;
    for (size_t at = 0; n && at < all; at += n)
        plain_norm_with(x + at, x + at, n, p->s, gain, bias);
}

static inline void plain_rope(double *x, size_t heads, size_t pos, const plain *p) {
    const lm_layer_spec *l = &p->s->layer[p->layer];
    if (l->rope < 0) return;
    const lm_rope *rope = &p->s->rope[l->rope];
    size_t half = (size_t)rope->dims / 2, head = (size_t)p->s->head_dim;
    for (size_t h = 0; h < heads; h++)
        for (size_t i = 0; i < half; i++) {
            double *a = &x[h * head + i], *b = a + half;
            double angle = (double)((float)pos * rope->freq[i]), was = *a;
            double c = cos(angle) * (double)rope->factor, s = sin(angle) * (double)rope->factor;
            *a = was * c - *b * s;
            *b = *b * c + was * s;
        }
}

static inline double plain_act(double x, lm_act act) {
    if (act == LM_ACT_SILU) return x / (1 + exp(-x));
    if (act == LM_ACT_GELU_ERF) return 0.5 * x * (1 + erf(x / sqrt(2)));
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

// out += weight * MLP of x, of p->expert.
static inline void plain_mlp_one(double *out, const double *x, const plain *p, double weight) {
    plain_row gate, up, down;
    size_t ff = (size_t)(p->expert >= 0 ? p->s->n_ff_expert : p->s->n_ff);
    plain_matrix(up, x, p, LM_UP);
    if (p->s->is_gated) plain_matrix(gate, x, p, LM_GATE);
    for (size_t i = 0; i < ff; i++) {
        double g = gate[i], u = up[i];
        if (p->s->act == LM_ACT_OSS) {
            g = fmin(g, 7), u = fmin(fmax(u, -7), 7);
            up[i] = (u + 1) * g / (1 + exp(-1.702 * g));
        } else {
            up[i] = p->s->is_gated ? plain_act(g, p->s->act) * u : plain_act(u, p->s->act);
        }
    }
    plain_matrix(down, up, p, LM_DOWN);
    for (size_t i = 0; i < (size_t)p->s->n_embd; i++)
        out[i] += weight * down[i];
}

static inline void plain_experts(double *out, const double *x, const plain *p) {
    const lm_spec *s = p->s;
    plain_row score, choose, bias = {0};
    int n = s->n_expert, used[LM_USED_MAX];
    double sum = 0, all = 0, top = 0;
    plain_matrix(score, x, p, LM_ROUTER);
    plain_vector(bias, p, LM_ROUTER_BIAS, false);
    for (int i = 0; i < n; i++) {
        if (s->router == LM_ROUTE_SIGMOID) score[i] = 1 / (1 + exp(-score[i]));
        choose[i] = score[i] + bias[i];
    }
    for (int j = 0; j < s->n_used; j++) {
        used[j] = 0;
        for (int i = 1; i < n; i++)
            if (choose[i] > choose[used[j]]) used[j] = i;
        choose[used[j]] = -(double)INFINITY;
    }
    for (int i = 0; i < n; i++)
        all += exp(score[i]);
    for (int j = 0; j < s->n_used; j++) {
        double v = score[used[j]];
        top += exp(v);
        sum += s->router == LM_ROUTE_SIGMOID ? v : exp(v) / all;
    }
    for (int j = 0; j < s->n_used; j++) {
        double v = score[used[j]], weight = v;
        if (s->router == LM_ROUTE_TOP_SOFTMAX) weight = exp(v) / top;
        if (s->router == LM_ROUTE_SOFTMAX_TOP) weight = exp(v) / all / (s->norm_top ? sum : 1);
        if (s->router == LM_ROUTE_SIGMOID && s->norm_top) weight = v / (sum + 1e-6);
        plain one = *p;
        one.expert = used[j];
        plain_mlp_one(out, x, &one, weight * (double)s->routed_scale);
    }
}

static inline void plain_attend(plain_row *out, plain_row *q, plain_row *k, plain_row *v,
                                const plain *p) {
    const lm_spec *s = p->s;
    size_t head = (size_t)s->head_dim, per = (size_t)(s->n_head / s->n_kv_head);
    size_t window = (size_t)s->layer[p->layer].window;
    plain_row sinks;
    bool has_sinks = plain_vector(sinks, p, LM_SINKS, false) > 0;
    for (size_t t = 0; t < p->n; t++)
        for (size_t h = 0; h < (size_t)s->n_head; h++) {
            double sum = has_sinks ? exp(sinks[h]) : 0, *to = &out[t][h * head];
            memset(to, 0, head * sizeof *to);
            for (size_t u = window && t + 1 > window ? t + 1 - window : 0; u <= t; u++) {
                double dot = 0;
                for (size_t i = 0; i < head; i++)
                    dot += q[t][h * head + i] * k[u][h / per * head + i];
                dot *= (double)s->attn_scale;
                if (s->attn_softcap > 0)
                    dot = (double)s->attn_softcap * tanh(dot / (double)s->attn_softcap);
                sum += exp(dot);
                for (size_t i = 0; i < head; i++)
                    to[i] += exp(dot) * v[u][h / per * head + i];
            }
            for (size_t i = 0; i < head; i++)
                to[i] /= sum;
        }
}

// out[t] = what attention or convolution makes of x, all tokens.
static inline void plain_mix(plain_row *out, plain_row *x, const plain *p) {
    const lm_spec *s = p->s;
    plain_row *q = calloc(4 * p->n, sizeof *q), *k = q + p->n, *v = k + p->n, *y = v + p->n;
    size_t embd = (size_t)s->n_embd, taps = (size_t)s->n_conv;
    bool attends = s->layer[p->layer].mixer == LM_MIX_ATTENTION;
    for (size_t t = 0; t < p->n && attends; t++) {
        plain_matrix(q[t], x[t], p, LM_Q);
        plain_matrix(k[t], x[t], p, LM_K);
        plain_matrix(v[t], x[t], p, LM_V);
        plain_qk_norm(q[t], (size_t)s->n_head, p, LM_NORM_Q);
        plain_qk_norm(k[t], (size_t)s->n_kv_head, p, LM_NORM_K);
        plain_rope(q[t], (size_t)s->n_head, t, p);
        plain_rope(k[t], (size_t)s->n_kv_head, t, p);
    }
    if (attends) plain_attend(y, q, k, v, p);
    for (size_t t = 0; t < p->n && !attends; t++) {
        lm_rows m;
        float tap[LM_CONV_MAX];
        plain_matrix(q[t], x[t], p, LM_CONV_IN);  // B, C, x
        assert_true(plain_part(&m, p, LM_CONV, false));
        for (size_t i = 0; i < embd; i++) {
            tensor_row row = lm__rows_at(&m, i);
            tensor_row_to_f32(tap, &row, taps);
            double sum = 0;
            for (size_t j = 0; j < taps && j <= t; j++)
                sum += (double)tap[taps - 1 - j] * q[t - j][i] * q[t - j][2 * embd + i];
            y[t][i] = q[t][embd + i] * sum;
        }
    }
    for (size_t t = 0; t < p->n; t++)
        plain_matrix(out[t], y[t], p, attends ? LM_O : LM_CONV_OUT);
    free(q);
}

static inline void plain_layer(plain_row *x, plain_row *in, plain_row *mixed, const plain *p) {
    size_t embd = (size_t)p->s->n_embd;
    for (size_t t = 0; t < p->n; t++)
        plain_norm(in[t], x[t], p, LM_NORM_IN);
    plain_mix(mixed, in, p);
    for (size_t t = 0; t < p->n; t++) {
        plain_row mlp = {0}, into;
        plain_norm(mixed[t], mixed[t], p, LM_NORM_POST_IN);
        if (p->s->is_parallel) plain_norm(into, x[t], p, LM_NORM_MLP);
        for (size_t i = 0; i < embd; i++)
            x[t][i] += mixed[t][i];
        if (!p->s->is_parallel) plain_norm(into, x[t], p, LM_NORM_MLP);
        if (p->s->layer[p->layer].is_moe)
            plain_experts(mlp, into, p);
        else
            plain_mlp_one(mlp, into, p, 1);
        plain_norm(mlp, mlp, p, LM_NORM_POST_MLP);
        for (size_t i = 0; i < embd; i++)
            x[t][i] += mlp[i];
    }
}

// x[t] = row ids[t] of a table times `scale`, added.
static inline void plain_add_row(double *x, size_t row, const plain *p, lm_role role,
                                 double scale) {
    lm_rows m;
    float v[PLAIN_DIM];
    if (!plain_part(&m, p, role, false)) return;
    tensor_row at = lm__rows_at(&m, row);
    tensor_row_to_f32(v, &at, m.k);
    for (size_t i = 0; i < m.k; i++)
        x[i] += (double)v[i] * scale;
}

// Logits of every token, [n][vocab_size].
static inline void plain_forward(float *logits, const weights *w, const lm_spec *s,
                                 const int32_t *ids, size_t n) {
    plain p = {w, s, n, -1, -1};
    plain_row *x = calloc(3 * n, sizeof *x), out;
    for (size_t t = 0; t < n; t++) {
        plain_add_row(x[t], (size_t)ids[t], &p, LM_EMBED, (double)s->embed_scale);
        plain_add_row(x[t], t, &p, LM_WPE, 1);
    }
    for (p.layer = 0; p.layer < s->n_layer; p.layer++)
        plain_layer(x, x + n, x + 2 * n, &p);
    p.layer = -1;
    for (size_t t = 0; t < n; t++) {
        plain_norm(x[t], x[t], &p, LM_NORM_OUT);
        plain_matrix(out, x[t], &p, LM_HEAD);
        for (size_t i = 0; i < (size_t)s->vocab_size; i++) {
            double cap = (double)s->final_softcap;
            logits[t * (size_t)s->vocab_size + i] =
                (float)(cap > 0 ? cap * tanh(out[i] / cap) : out[i]);
        }
    }
    free(x);
}

#endif
