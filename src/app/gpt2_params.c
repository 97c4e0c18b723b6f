// Parameters of a generation: a table, a setter for each kind, and the forms that find a row.
//
//   I1  what passes here is in the range that lm/engine.h names, but for ids of logit_bias, which
//       depend on the model
//
// Rejected: OpenAI's silent clamping of what is out of range; a client that asks for temperature 20
// and gets 2 learns nothing. Only top_k in a query is lowered, as the original does.

#include "app/gpt2_params.h"

#include "base/buf.h"

#include <math.h>

enum {
    QUERY_TOP_K = 50,  // the original's default and most
    MAX_LENGTH = 100,
};

#define AT(field)  offsetof(gpt2_params, field)
#define SAY(field) AT(sampling.field)
#define ANY        (GPT2_QUERY | GPT2_BODY | GPT2_CLI)

// clang-format off
const gpt2_param gpt2_param_rows[] = {
    {"prompt", GPT2_TEXT, GPT2_QUERY | GPT2_BODY, AT(prompt), .dflt = "the rest of the path",
     .about = "what is continued"},
    {"model", GPT2_TEXT, GPT2_QUERY | GPT2_BODY, AT(model), .dflt = "the first",
     .about = "a name that `/gpt2/models` lists"},
    {"device", GPT2_TEXT, GPT2_QUERY | GPT2_BODY, AT(device), .dflt = "cpu",
     .about = "for old clients; there is `cpu`"},
    {"max_length", GPT2_LENGTH, ANY, AT(max_length), .dflt = "100",
     .about = "tokens in all, the prompt's included; over the context it is the context"},
    {"seed", GPT2_SEED, ANY, SAY(seed), .dflt = "random",
     .about = "same seed, same text; a negative one counts from 2^64"},
    {"rng", GPT2_RNG, ANY, SAY(rng), .dflt = "torch",
     .about = "whose random numbers: `torch` (PyTorch on the CPU), `torch26` (its 2.0 to 2.6 on "
              "x86) or `cuda`"},
    {"temperature", GPT2_REAL, ANY, SAY(temperature), (double)LM_TEMPERATURE_MIN,
     (double)LM_TEMPERATURE_MAX,
     .or_zero = true, .dflt = "1",
     .about = "over 1 is bolder, under 1 safer; 0 always takes the likeliest"},
    {"top_k", GPT2_INT, GPT2_QUERY, SAY(top_k), 1, QUERY_TOP_K, .lowers = true, .dflt = "50",
     .about = "draw from the likeliest K only; 1 always takes the likeliest. Over 50 it is 50, as "
              "it always was"},
    {"top_k", GPT2_INT, GPT2_BODY | GPT2_CLI, SAY(top_k), 0, LM_TOP_K_MAX, .dflt = "50",
     .about = "draw from the likeliest K only; 1 always takes the likeliest, 0 is no limit"},
    {"top_p", GPT2_REAL, ANY, SAY(top_p), 0, 1, .above = true, .dflt = "1",
     .about = "draw from the fewest whose probabilities reach it; 1 is all"},
    {"min_p", GPT2_REAL, ANY, SAY(min_p), 0, 1, .dflt = "0",
     .about = "draw from those with this share of the likeliest one's probability; 0 is all"},
    {"repetition_penalty", GPT2_REAL, ANY, SAY(repetition), (double)LM_REPETITION_MIN,
     (double)LM_REPETITION_MAX,
     .dflt = "1", .about = "over 1 makes tokens of prompt and text less likely"},
    {"frequency_penalty", GPT2_REAL, ANY, SAY(frequency), -2, 2, .dflt = "0",
     .about = "taken from a token's logit for each time the text has it"},
    {"presence_penalty", GPT2_REAL, ANY, SAY(presence), -2, 2, .dflt = "0",
     .about = "taken from the logit of a token that the text has"},
    {"logit_bias", GPT2_BIAS, ANY, AT(bias), -100, 100, .dflt = "none",
     .about = "added to logits: `ID:VALUE,ID:VALUE`, in JSON `{\"ID\": VALUE}`; -100 forbids"},
    {"stop", GPT2_STOP, ANY, AT(stop), 1, STOP_BYTES_MAX, .dflt = "none",
     .about = "the text ends before this; up to 16 of them, in JSON a string or a list"},
    {"logprobs", GPT2_INT, ANY, SAY(logprobs), 0, LM_LOGPROBS_MAX, .dflt = "none",
     .about = "log probabilities of each token, and of so many of the likeliest; in events only"},
};
// clang-format on
const size_t gpt2_n_param_rows = countof(gpt2_param_rows);

void gpt2_params_default(gpt2_params *p) {
    *p = (gpt2_params){.max_length = MAX_LENGTH, .sampling = lm_sampling_default()};
}

const gpt2_param *gpt2_param_find(str name, gpt2_form form) {
    for (size_t i = 0; i < countof(gpt2_param_rows); i++)
        if (gpt2_param_rows[i].forms & form && str_eq(name, str_of(gpt2_param_rows[i].name)))
            return &gpt2_param_rows[i];
    return NULL;
}

// --- Saying what is wrong --------------------------------------------------------------------

static void bounds(buf *out, const gpt2_param *row, const char *what) {
    if (row->or_zero) buf_add(out, STR("0 or "));
    if (row->above)
        buf_fmt(out, "%s above %g and up to %g", what, row->min, row->max);
    else if (row->lowers)
        buf_fmt(out, "%s, %g or more", what, row->min);
    else
        buf_fmt(out, "%s of %g to %g", what, row->min, row->max);
}

void gpt2_param_range(buf *out, const gpt2_param *row) {
    switch (row->kind) {
    case GPT2_INT:
        bounds(out, row, "a whole number");
        break;
    case GPT2_LENGTH:
        buf_add(out, STR("a whole number"));
        break;
    case GPT2_REAL:
        bounds(out, row, "a number");
        break;
    case GPT2_SEED:
        buf_add(out, STR("a whole number of at most 64 bits"));
        break;
    case GPT2_RNG:
        buf_add(out, STR(LM_RNG_NAMES));
        break;
    case GPT2_TEXT:
        buf_add(out, STR("a text"));
        break;
    case GPT2_STOP:
        buf_fmt(out, "up to %d texts of 1 to %d bytes", STOP_STRINGS_MAX, STOP_BYTES_MAX);
        break;
    case GPT2_BIAS:
        buf_fmt(out, "up to %d pairs of an id and a number of %g to %g", LM_BIAS_MAX, row->min,
                row->max);
        break;
    }
}

// `got` is how the value looks, quotes included.
static status refuse(const gpt2_param *row, str got, err *e) {
    ARENA_ON_STACK(scratch, 256);
    buf range;
    buf_init(&range, &scratch, 0);
    gpt2_param_range(&range, row);
    return err_set(e, E_ARG, "%s must be %.*s, not %.*s", row->name, STR_ARG(buf_str(&range)),
                   STR_ARG(got));
}

static status refuse_text(const gpt2_param *row, str text, arena *a, err *e) {
    return refuse(row, arena_fmt(a, "\"%.*s\"", STR_ARG(str_first(text, 64))), e);
}

// --- Setters by kind -------------------------------------------------------------------------

static void *member(gpt2_params *p, const gpt2_param *row) {
    return (char *)p + row->at;
}

// False when v is out of the row's range; lowered where the row says so.
static bool fits(double *v, const gpt2_param *row) {
    if (row->lowers && *v > row->max) *v = row->max;
    if (row->or_zero && *v == 0) return true;
    return (row->above ? *v > row->min : *v >= row->min) && *v <= row->max;
}

static bool set_int(gpt2_params *p, const gpt2_param *row, int64_t v) {
    double d = (double)v;
    if (row->kind == GPT2_LENGTH) {
        *(int64_t *)member(p, row) = v;
        return true;
    }
    if (!fits(&d, row)) return false;
    *(int *)member(p, row) = (int)d;
    return true;
}

static bool set_real(gpt2_params *p, const gpt2_param *row, double d) {
    double v = (double)(float)d;  // what the engine sees
    if (!fits(&v, row)) return false;
    *(float *)member(p, row) = (float)v;
    return true;
}

static bool set_seed(gpt2_params *p, str text) {
    uint64_t seed;
    int64_t negative;
    if (str_parse_i64(&negative, text))  // as torch.manual_seed takes it
        seed = (uint64_t)negative;
    else if (!str_parse_u64(&seed, text))
        return false;
    p->sampling.seed = seed;
    p->has_seed = true;
    return true;
}

static bool add_stop(gpt2_params *p, const gpt2_param *row, str text) {
    if (p->n_stop == STOP_STRINGS_MAX || text.len < 1 || (double)text.len > row->max) return false;
    p->stop[p->n_stop++] = text;
    return true;
}

static bool add_bias(gpt2_params *p, const gpt2_param *row, str id, double add, arena *a) {
    uint64_t n;
    if (p->n_bias == LM_BIAS_MAX || !str_parse_u64(&n, id) || n > INT32_MAX || !fits(&add, row))
        return false;
    if (!p->bias) p->bias = arena_array(a, lm_bias, LM_BIAS_MAX);
    p->bias[p->n_bias++] = (lm_bias){(int32_t)n, (float)add};
    p->sampling.bias = p->bias;
    p->sampling.n_bias = p->n_bias;
    return true;
}

static bool set_bias_text(gpt2_params *p, const gpt2_param *row, str text, arena *a) {
    while (text.len) {
        str value = str_trim(str_cut(&text, ',')), id = str_trim(str_cut(&value, ':'));
        double add;
        if (!str_parse_f64(&add, str_trim(value)) || !add_bias(p, row, id, add, a)) return false;
    }
    return true;
}

static bool set_text(gpt2_params *p, const gpt2_param *row, str text, arena *a) {
    int64_t n;
    double d;
    switch (row->kind) {
    case GPT2_INT:
    case GPT2_LENGTH:
        return str_parse_i64(&n, text) && set_int(p, row, n);
    case GPT2_REAL:
        return str_parse_f64(&d, text) && set_real(p, row, d);
    case GPT2_SEED:
        return set_seed(p, text);
    case GPT2_RNG:
        return lm_rng_named((lm_rng *)member(p, row), text);
    case GPT2_TEXT:
        *(str *)member(p, row) = text;
        return true;
    case GPT2_STOP:
        return add_stop(p, row, text);
    case GPT2_BIAS:
        return set_bias_text(p, row, text, a);
    }
    return false;
}

status gpt2_param_text(gpt2_params *p, const gpt2_param *row, str text, arena *a, err *e) {
    if (text.len == 0) return OK;
    return set_text(p, row, text, a) ? OK : refuse_text(row, text, a, e);
}

// --- JSON ------------------------------------------------------------------------------------

static bool add_stops(gpt2_params *p, const gpt2_param *row, const json_value *v) {
    str s;
    if (json_is_str(&s, v)) return add_stop(p, row, s);
    if (v->kind != JSON_ARRAY) return false;
    for (uint32_t i = 0; i < v->n; i++)
        if (!json_is_str(&s, &v->items[i]) || !add_stop(p, row, s)) return false;
    return true;
}

static bool set_bias_json(gpt2_params *p, const gpt2_param *row, const json_value *v, arena *a) {
    if (v->kind != JSON_OBJECT) return false;
    double add;
    for (uint32_t i = 0; i < v->n; i++)
        if (!json_is_number(&add, &v->items[i]) || !add_bias(p, row, v->items[i].key, add, a))
            return false;
    return true;
}

static bool set_json(gpt2_params *p, const gpt2_param *row, const json_value *v, arena *a) {
    int64_t n;
    double d;
    str s;
    switch (row->kind) {
    case GPT2_INT:
    case GPT2_LENGTH:
        return json_is_int(&n, v) && set_int(p, row, n);
    case GPT2_REAL:
        return json_is_number(&d, v) && set_real(p, row, d);
    case GPT2_SEED:  // over 2^63 only a string holds it exactly
        if (!json_is_int(&n, v)) return json_is_str(&s, v) && set_seed(p, s);
        p->sampling.seed = (uint64_t)n;
        p->has_seed = true;
        return true;
    case GPT2_STOP:
        return add_stops(p, row, v);
    case GPT2_BIAS:
        return set_bias_json(p, row, v, a);
    case GPT2_RNG:
    case GPT2_TEXT:
        return json_is_str(&s, v) && set_text(p, row, s, a);
    }
    return false;
}

static status refuse_json(const gpt2_param *row, const json_value *v, arena *a, err *e) {
    static const char *const kinds[] = {
        [JSON_NULL] = "null",          [JSON_BOOL] = "true or false",
        [JSON_NUMBER] = "this number", [JSON_STRING] = "this string",
        [JSON_ARRAY] = "this list",    [JSON_OBJECT] = "this object"};
    double d;
    str s;
    if (json_is_str(&s, v)) return refuse_text(row, s, a, e);
    if (json_is_number(&d, v)) return refuse(row, arena_fmt(a, "%.17g", d), e);
    return refuse(row, str_of(kinds[v->kind]), e);
}

status gpt2_params_json(gpt2_params *p, const json_value *object, arena *a, err *e) {
    if (object->kind != JSON_OBJECT)
        return err_set(e, E_ARG, "the JSON body must be an object of parameters");
    for (uint32_t i = 0; i < object->n; i++) {
        const json_value *v = &object->items[i];
        const gpt2_param *row = gpt2_param_find(v->key, GPT2_BODY);
        if (!row)
            return err_set(e, E_ARG, "there is no parameter \"%.*s\"",
                           STR_ARG(str_first(v->key, 64)));
        if (v->kind == JSON_NULL) continue;
        if (!set_json(p, row, v, a)) return refuse_json(row, v, a, e);
    }
    return OK;
}
