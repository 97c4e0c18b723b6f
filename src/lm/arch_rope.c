// Rotary frequencies, from config.json's rope_scaling, or rope_parameters of later versions.
//
// As transformers computes them, in f32 where it does (modeling_rope_utils.py).
//
//   I1  a rope is a function of the config and, with longrope, of the context window chosen when
//       the model is loaded; never of a text's length
//
// transformers turns longrope's long divisors on for a pass that goes beyond the original context,
// for old and new positions alike, so that keys that were cached before have been turned by other
// angles. Here a window up to the original context has the short divisors, a longer one the long
// ones, and both equal transformers' for texts that fill them. Rejected: choosing by position (the
// angle between two tokens would jump where the tables meet), by text (cached keys would have to be
// turned again).

#include "lm/arch_in.h"

#include <stdio.h>

static float plain_freq(const lm_rope_in *in, int i) {
    float power = (float)pow((double)(float)in->theta, (double)(2.0F * (float)i / (float)in->dims));
    return in->by && in->kind == ROPE_LONG ? 1.0F / (in->by[i] * power) : 1.0F / power;
}

static float llama3_freq(const lm_rope_in *in, float freq) {
    double low = in->original / in->low, high = in->original / in->high;
    double wave = 2 * (double)(float)M_PI / (double)freq;
    if (wave < high) return freq;
    if (wave > low) return freq / (float)in->factor;
    double smooth = (in->original / wave - in->low) / (in->high - in->low);
    return (float)((1 - smooth) * (double)freq / in->factor + smooth * (double)freq);
}

static double yarn_dim(const lm_rope_in *in, double turns) {
    return in->dims * log(in->original / (turns * 2 * M_PI)) / (2 * log(in->theta));
}

static float yarn_freq(const lm_rope_in *in, int i, float freq) {
    double low = yarn_dim(in, in->beta_fast), high = yarn_dim(in, in->beta_slow);
    if (!in->is_exact) low = floor(low), high = ceil(high);
    low = fmax(low, 0), high = fmin(high, in->dims - 1);
    if (low == high) high += 0.001;
    double ramp = fmin(fmax((i - low) / (high - low), 0), 1);
    return (float)((double)freq / in->factor * ramp + (double)freq * (1 - ramp));
}

static double yarn_scale(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

static double attention_of(const lm_rope_in *in) {
    if (!isnan(in->attention)) return in->attention;
    switch (in->kind) {
    case ROPE_YARN:
        return in->mscale != 0 && in->mscale_all != 0
                   ? yarn_scale(in->factor, in->mscale) / yarn_scale(in->factor, in->mscale_all)
                   : yarn_scale(in->factor, 1);
    case ROPE_LONG:
        return in->factor <= 1 ? 1 : sqrt(1 + log(in->factor) / log(in->original));
    default:
        return 1;
    }
}

void lm__rope_fill(lm_rope *out, const lm_rope_in *in) {
    *out = (lm_rope){.dims = in->dims, .factor = (float)attention_of(in)};
    for (int i = 0; i < in->dims / 2; i++) {
        float freq = plain_freq(in, i);
        switch (in->kind) {
        case ROPE_LINEAR:
            freq /= (float)in->factor;
            break;
        case ROPE_LLAMA3:
            freq = llama3_freq(in, freq);
            break;
        case ROPE_YARN:
            freq = yarn_freq(in, i, freq);
            break;
        case ROPE_PLAIN:
            if (in->by) freq /= in->by[i];
            break;
        case ROPE_LONG:
            break;
        }
        out->freq[i] = freq;
    }
}

// --- config.json --------------------------------------------------------------------------------

static const struct {
    const char *name;
    lm_rope_kind kind;
} kinds[] = {
    {"default", ROPE_PLAIN}, {"linear", ROPE_LINEAR}, {"llama3", ROPE_LLAMA3},
    {"yarn", ROPE_YARN},     {"longrope", ROPE_LONG}, {"su", ROPE_LONG},  // longrope's first name
    {"dynamic", ROPE_PLAIN},  // changes beyond max_position_embeddings only, where no text goes
};

static const char *const known[] = {
    "type",
    "rope_type",
    "rope_theta",
    "factor",
    "low_freq_factor",
    "high_freq_factor",
    "beta_fast",
    "beta_slow",
    "original_max_position_embeddings",
    "mscale",
    "mscale_all_dim",
    "attention_factor",
    "truncate",
    "short_factor",
    "long_factor",
    "partial_rotary_factor",
};

static status check_known(const json_value *v, err *e) {
    char room[80];
    for (size_t i = 0; i < v->n; i++) {
        bool is_known = v->items[i].kind == JSON_NULL;
        for (size_t k = 0; k < countof(known) && !is_known; k++)
            is_known = str_eq(v->items[i].key, str_of(known[k]));
        if (!is_known)
            return err_set(e, E_UNSUPPORTED, "config.json: rope_scaling.%.*s is %s, not known here",
                           STR_ARG(str_first(v->items[i].key, 60)), lm__shown(room, &v->items[i]));
    }
    return OK;
}

// A positive number; `absent` when it is not there.
static status real(double *out, const json_value *v, const char *key, double absent, err *e) {
    char room[80];
    const json_value *n = json_get(v, key);
    *out = absent;
    if (!n || n->kind == JSON_NULL) return OK;
    if (!json_is_number(out, n) || !(*out > 0) || !(*out < 1e12))
        return err_set(e, E_FORMAT, "config.json: rope_scaling.%s is %s, must be a number above 0",
                       key, lm__shown(room, n));
    return OK;
}

static status needs(double v, const char *key, err *e) {
    if (!isnan(v)) return OK;
    return err_set(e, E_FORMAT, "config.json: rope_scaling.%s is missing", key);
}

static status kind_of(lm_rope_kind *out, const json_value *v, const lm_facts *f, err *e) {
    char room[80];
    const json_value *type = json_get(v, "rope_type");
    if (!type) type = json_get(v, "type");
    *out = ROPE_PLAIN;
    if (!type || type->kind == JSON_NULL) return OK;
    str name;
    bool is_phi3 = !strcmp(f->family->type, "phi3");
    for (size_t i = 0; i < countof(kinds) && json_is_str(&name, type); i++) {
        if (!str_eq(name, str_of(kinds[i].name))) continue;
        *out = is_phi3 && kinds[i].kind == ROPE_YARN ? ROPE_LONG : kinds[i].kind;
        return OK;
    }
    return err_set(e, E_UNSUPPORTED,
                   "config.json: rope_scaling.rope_type is %s, only default, linear, dynamic, "
                   "llama3, yarn and longrope are supported",
                   lm__shown(room, type));
}

static status read_numbers(lm_rope_in *in, const json_value *v, err *e) {
    double nan = (double)NAN;
    const json_value *truncate = json_get(v, "truncate");
    bool rounds = true;
    (void)json_is_bool(&rounds, truncate);
    in->is_exact = !rounds;
    TRY(real(&in->factor, v, "factor", nan, e));
    TRY(real(&in->low, v, "low_freq_factor", nan, e));
    TRY(real(&in->high, v, "high_freq_factor", nan, e));
    TRY(real(&in->beta_fast, v, "beta_fast", 32, e));
    TRY(real(&in->beta_slow, v, "beta_slow", 1, e));
    TRY(real(&in->mscale, v, "mscale", 0, e));
    TRY(real(&in->mscale_all, v, "mscale_all_dim", 0, e));
    TRY(real(&in->attention, v, "attention_factor", nan, e));
    return real(&in->original, v, "original_max_position_embeddings", nan, e);
}

static status read_divisors(float *by, const json_value *v, const char *key, int n, err *e) {
    const json_value *list = json_get(v, key);
    if (!list || list->kind != JSON_ARRAY || list->n != (uint32_t)n)
        return err_set(e, E_FORMAT, "config.json: rope_scaling.%s must be a list of %d numbers",
                       key, n);
    for (int i = 0; i < n; i++) {
        double d;
        if (!json_is_number(&d, &list->items[i]) || !(d > 0) || !(d < 1e9))
            return err_set(e, E_FORMAT,
                           "config.json: rope_scaling.%s has an item that is not "
                           "above 0",
                           key);
        by[i] = (float)d;
    }
    return OK;
}

static int dims_of(const lm_facts *f, double partial) {
    return (int)((double)f->s.head_dim * partial);
}

// Both tables; the model begins with the short one and the original context.
static status add_long(lm_facts *f, lm_rope_in *in, const json_value *v, err *e) {
    float by[LM_HEAD_DIM_MAX / 2];
    lm_spec *s = &f->s;
    bool has_original = f->original_context > 0;
    if (has_original) in->original = f->original_context;
    if (isnan(in->original)) in->original = s->block_size;
    if (has_original || isnan(in->factor)) in->factor = (double)s->block_size / in->original;
    in->by = by;
    TRY(read_divisors(by, v, "short_factor", in->dims / 2, e));
    lm__rope_fill(&s->rope[s->n_rope++], in);
    TRY(read_divisors(by, v, "long_factor", in->dims / 2, e));
    lm__rope_fill(&s->rope[s->n_rope], in);
    s->rope_long = s->n_rope++;
    s->context_max = s->context_short = s->block_size;
    if (in->original < s->block_size) s->block_size = s->context_short = (int)in->original;
    return OK;
}

// One rope more, of what `v` says (rope_scaling, rope_parameters, or NULL).
static status add(lm_facts *f, const json_value *v, double theta, err *e) {
    lm_spec *s = &f->s;
    double partial;
    lm_rope_in in = {.attention = (double)NAN};
    if (v && v->kind == JSON_NULL) v = NULL;
    if (v && v->kind != JSON_OBJECT)
        return err_set(e, E_FORMAT, "config.json: rope_scaling must be an object");
    if (v) TRY(check_known(v, e));
    TRY(kind_of(&in.kind, v, f, e));
    TRY(read_numbers(&in, v, e));
    TRY(real(&in.theta, v, "rope_theta", theta, e));
    TRY(real(&partial, v, "partial_rotary_factor", f->partial, e));
    in.dims = dims_of(f, partial);
    if (in.dims < 2 || in.dims % 2 || in.dims > s->head_dim)
        return err_set(e, E_UNSUPPORTED, "rope turns %d of a head's %d values, must be even",
                       in.dims, s->head_dim);
    if (in.kind == ROPE_LONG) return add_long(f, &in, v, e);
    if (in.kind != ROPE_PLAIN) TRY(needs(in.factor, "factor", e));
    if (in.kind == ROPE_LLAMA3) {
        TRY(needs(in.low, "low_freq_factor", e));
        TRY(needs(in.high, "high_freq_factor", e));
        TRY(needs(in.original, "original_max_position_embeddings", e));
    }
    if (isnan(in.original)) in.original = s->block_size;
    lm__rope_fill(&s->rope[s->n_rope++], &in);
    return OK;
}

status lm__ropes_read(lm_facts *f, const json_value *config, err *e) {
    const json_value *newer = json_get(config, "rope_parameters");
    const json_value *scaling = json_get(config, "rope_scaling");
    const json_value *full = json_get(newer, "full_attention");
    const json_value *sliding = json_get(newer, "sliding_attention");
    if (f->s.has_wpe) return OK;
    if (newer && newer->kind == JSON_OBJECT) scaling = full ? full : newer;
    if (f->family->needs_scaling && !scaling)
        return err_set(e, E_FORMAT, "config.json: rope_scaling is missing");
    TRY(add(f, scaling, f->theta, e));
    f->rope_sliding = f->rope_full = 0;
    if (!(f->theta_local > 0) && !sliding) return OK;
    f->rope_sliding = f->s.n_rope;
    return add(f, sliding, f->theta_local > 0 ? f->theta_local : f->theta, e);
}
