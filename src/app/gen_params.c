// Parameters of a generation: a table, a setter for each kind, and the forms that find a row.
//
//   I1  what passes here is in the range that lm/engine.h names, but for ids of logit_bias, which
//       depend on the model
//
// Rejected: OpenAI's silent clamping of what is out of range; a client that asks for temperature 20
// and gets 2 learns nothing. Only top_k in a query is lowered, as the original does.

#include "app/gen_params.h"

#include "base/buf.h"

#include <math.h>

enum {
    QUERY_TOP_K = 50,  // the original's default and most
    MAX_LENGTH = 100,
    IGNORED_MAX = 1024,  // bytes of names of which a reply tells
};

#define AT(field)  offsetof(gen_params, field)
#define SAY(field) AT(sampling.field)
#define OURS       (GEN_QUERY | GEN_BODY | GEN_LLM_QUERY | GEN_LLM_BODY)
#define LLM        (GEN_LLM_QUERY | GEN_LLM_BODY)
#define TEXTS      (GEN_COMPLETION | GEN_CHAT)
#define ANY        (OURS | GEN_CLI | TEXTS)

// clang-format off
const gen_param gen_param_rows[] = {
    {"prompt", GEN_TEXT, OURS, AT(prompt), .dflt = "the rest of the path",
     .about = "what is continued"},
    {"prompt", GEN_JSON, GEN_COMPLETION, AT(inputs), .dflt = "must be there",
     .about = "what is continued: a text, a list of texts, a list of ids, or a list of these"},
    {"messages", GEN_JSON, GEN_CHAT, AT(messages), .dflt = "must be there",
     .about = "the conversation, as OpenAI has it; of parts of a message those of type `text`"},
    {"input", GEN_JSON, GEN_EMBEDDING, AT(inputs), .dflt = "must be there",
     .about = "a text, a list of texts, a list of ids, or a list of these"},
    {"model", GEN_TEXT, OURS | GEN_OPENAI, AT(model), .dflt = "the first",
     .about = "a name that `/gpt2/models`, `/llm/models` or `/v1/models` lists"},
    {"device", GEN_TEXT, OURS, AT(device), .dflt = "cpu",
     .about = "for old clients; there is `cpu`"},
    {"chat", GEN_BOOL, LLM, AT(chat), .dflt = "no",
     .about = "the prompt is a user's message, put into the model's chat template"},
    {"system", GEN_TEXT, LLM, AT(system), .dflt = "none",
     .about = "with `chat`: the message before it"},
    {"max_length", GEN_LENGTH, OURS | GEN_CLI, AT(max_length), .dflt = "100",
     .about = "tokens in all, the prompt's included; over the context it is the context"},
    {"max_tokens", GEN_INT, TEXTS, AT(max_tokens), 0, INT32_MAX,
     .dflt = "16; of a chat 4096",
     .about = "new tokens; what does not fit into the context any more is not made"},
    {"max_completion_tokens", GEN_INT, GEN_CHAT, AT(max_tokens), 0, INT32_MAX,
     .dflt = "`max_tokens`", .about = "its new name"},
    {"min_tokens", GEN_INT, TEXTS, AT(min_tokens), 0, INT32_MAX, .dflt = "0",
     .about = "the text does not end before"},
    {"ignore_eos", GEN_BOOL, TEXTS, AT(ignores_eos), .dflt = "no",
     .about = "the text ends at `max_tokens` only"},
    {"n", GEN_INT, TEXTS, AT(n), 1, GEN_N_MAX, .dflt = "1",
     .about = "so many answers; with a seed the next ones have the seeds after it"},
    {"best_of", GEN_INT, GEN_COMPLETION, AT(best_of), 1, GEN_N_MAX, .dflt = "n",
     .about = "for old clients; must be `n`"},
    {"stream", GEN_BOOL, TEXTS, AT(stream), .dflt = "no",
     .about = "server-sent events, the last of them `[DONE]`"},
    {"stream_options", GEN_JSON, TEXTS, AT(stream_options), .dflt = "none",
     .about = "`{\"include_usage\": true}`: one more event at the end has the counts"},
    {"seed", GEN_SEED, ANY, SAY(seed), .dflt = "random",
     .about = "same seed, same text; a negative one counts from 2^64"},
    {"rng", GEN_RNG, ANY, SAY(rng), .dflt = "torch",
     .about = "whose random numbers: `torch` (PyTorch on the CPU), `torch26` (its 2.0 to 2.6 on "
              "x86) or `cuda`"},
    {"temperature", GEN_REAL, ANY, SAY(temperature), (double)LM_TEMPERATURE_MIN,
     (double)LM_TEMPERATURE_MAX,
     .or_zero = true, .dflt = "1",
     .about = "over 1 is bolder, under 1 safer; 0 always takes the likeliest"},
    {"top_k", GEN_INT, GEN_QUERY, SAY(top_k), 1, QUERY_TOP_K, .lowers = true, .dflt = "50",
     .about = "draw from the likeliest K only; 1 always takes the likeliest. Over 50 it is 50, as "
              "it always was"},
    {"top_k", GEN_INT, GEN_LLM_QUERY, SAY(top_k), 1, LM_TOP_K_MAX, .lowers = true, .dflt = "50",
     .about = "draw from the likeliest K only; 1 always takes the likeliest. Over 1024 it is 1024"},
    {"top_k", GEN_INT, GEN_BODY | GEN_LLM_BODY | GEN_CLI, SAY(top_k), 0, LM_TOP_K_MAX,
     .dflt = "50",
     .about = "draw from the likeliest K only; 1 always takes the likeliest, 0 is no limit"},
    {"top_k", GEN_INT, TEXTS, SAY(top_k), 0, LM_TOP_K_MAX, .dflt = "0",
     .about = "draw from the likeliest K only; 1 always takes the likeliest, 0 is no limit"},
    {"top_p", GEN_REAL, ANY, SAY(top_p), 0, 1, .above = true, .dflt = "1",
     .about = "draw from the fewest whose probabilities reach it; 1 is all"},
    {"min_p", GEN_REAL, ANY, SAY(min_p), 0, 1, .dflt = "0",
     .about = "draw from those with this share of the likeliest one's probability; 0 is all"},
    {"repetition_penalty", GEN_REAL, ANY, SAY(repetition), (double)LM_REPETITION_MIN,
     (double)LM_REPETITION_MAX,
     .dflt = "1", .about = "over 1 makes tokens of prompt and text less likely"},
    {"frequency_penalty", GEN_REAL, ANY, SAY(frequency), -2, 2, .dflt = "0",
     .about = "taken from a token's logit for each time the text has it"},
    {"presence_penalty", GEN_REAL, ANY, SAY(presence), -2, 2, .dflt = "0",
     .about = "taken from the logit of a token that the text has"},
    {"logit_bias", GEN_BIAS, ANY, AT(bias), -100, 100, .dflt = "none",
     .about = "added to logits: `ID:VALUE,ID:VALUE`, in JSON `{\"ID\": VALUE}`; -100 forbids"},
    {"stop", GEN_STOP, ANY, AT(stop), 1, STOP_BYTES_MAX, .dflt = "none",
     .about = "the text ends before this; up to 16 of them, in JSON a string or a list"},
    {"logprobs", GEN_INT, OURS | GEN_CLI, SAY(logprobs), 0, LM_LOGPROBS_MAX, .dflt = "none",
     .about = "log probabilities of each token, and of so many of the likeliest; in events only"},
    {"logprobs", GEN_INT, GEN_COMPLETION, SAY(logprobs), 0, LM_LOGPROBS_MAX, .dflt = "none",
     .about = "log probabilities of each token, and of so many of the likeliest"},
    {"logprobs", GEN_BOOL, GEN_CHAT, AT(has_logprobs), .dflt = "no",
     .about = "log probabilities of each token"},
    {"top_logprobs", GEN_INT, GEN_CHAT, AT(top_logprobs), 0, LM_LOGPROBS_MAX, .dflt = "0",
     .about = "with `logprobs`: and of so many of the likeliest"},
    {"echo", GEN_BOOL, GEN_COMPLETION, AT(echo), .dflt = "no",
     .about = "the text begins with the prompt; with `logprobs`, so do they"},
    {"response_format", GEN_JSON, TEXTS, AT(format), .dflt = "text",
     .about = "`{\"type\": \"json_object\"}` or `{\"type\": \"json_schema\", \"json_schema\": "
              "{\"schema\": ...}}`: the text is such a value. A schema that cannot be promised is "
              "refused, naming the keyword"},
    {"tools", GEN_JSON, GEN_CHAT, AT(tools), .dflt = "none",
     .about = "functions that the model may call, as OpenAI has them"},
    {"tool_choice", GEN_JSON, GEN_CHAT, AT(tool_choice), .dflt = "auto",
     .about = "`auto`, `none`, `required` or `{\"type\": \"function\", \"function\": {\"name\": "
              "...}}`; of the last two the call's form is certain"},
    {"parallel_tool_calls", GEN_BOOL, GEN_CHAT, AT(parallel_calls), .dflt = "yes",
     .about = "no: the answer ends with its first call"},
    {"chat_template_kwargs", GEN_JSON, GEN_CHAT, AT(kwargs), .dflt = "none",
     .about = "variables of the model's template, like `{\"enable_thinking\": false}`"},
    {"add_generation_prompt", GEN_BOOL, GEN_CHAT, AT(generates), .dflt = "yes",
     .about = "the prompt ends where the answer begins"},
    {"reasoning_effort", GEN_TEXT, GEN_CHAT, AT(reasoning_effort), .dflt = "the template's",
     .about = "that variable of the template"},
    {"encoding_format", GEN_TEXT, GEN_EMBEDDING, AT(encoding), .dflt = "float",
     .about = "`float` or `base64` (of little-endian floats)"},
    {"pooling", GEN_TEXT, GEN_EMBEDDING, AT(pooling), .dflt = "mean",
     .about = "`mean` of all tokens' states, or the `last` one's"},
    {"suffix", GEN_REFUSED, GEN_COMPLETION, .dflt = "none", .about = "texts have no middle here"},
    {"functions", GEN_REFUSED, GEN_CHAT, .dflt = "none", .about = "ask with `tools`"},
    {"function_call", GEN_REFUSED, GEN_CHAT, .dflt = "none", .about = "ask with `tool_choice`"},
    {"audio", GEN_REFUSED, GEN_CHAT, .dflt = "none", .about = "models speak in text"},
    {"web_search_options", GEN_REFUSED, GEN_CHAT, .dflt = "none", .about = "there is no web here"},
    {"dimensions", GEN_REFUSED, GEN_EMBEDDING, .dflt = "the model's",
     .about = "vectors are as long as the model's"},
};
// clang-format on
const size_t gen_n_param_rows = countof(gen_param_rows);

void gen_params_default(gen_params *p) {
    *p = (gen_params){.max_length = MAX_LENGTH,
                      .sampling = lm_sampling_default(),
                      .parallel_calls = true,
                      .generates = true,
                      .max_tokens = -1,
                      .n = 1,
                      .top_logprobs = -1};
}

const gen_param *gen_param_find(str name, gen_form form) {
    for (size_t i = 0; i < countof(gen_param_rows); i++)
        if (gen_param_rows[i].forms & form && str_eq(name, str_of(gen_param_rows[i].name)))
            return &gen_param_rows[i];
    return NULL;
}

// --- Saying what is wrong --------------------------------------------------------------------

static void bounds(buf *out, const gen_param *row, const char *what) {
    int digits = row->max > 1e6 ? 10 : 6;
    if (row->or_zero) buf_add(out, STR("0 or "));
    if (row->above)
        buf_fmt(out, "%s above %g and up to %g", what, row->min, row->max);
    else if (row->lowers)
        buf_fmt(out, "%s, %g or more", what, row->min);
    else
        buf_fmt(out, "%s of %g to %.*g", what, row->min, digits, row->max);
}

void gen_param_range(buf *out, const gen_param *row) {
    switch (row->kind) {
    case GEN_INT:
        bounds(out, row, "a whole number");
        break;
    case GEN_LENGTH:
        buf_add(out, STR("a whole number"));
        break;
    case GEN_REAL:
        bounds(out, row, "a number");
        break;
    case GEN_BOOL:
        buf_add(out, STR("true or false"));
        break;
    case GEN_JSON:
        buf_add(out, STR("a value"));
        break;
    case GEN_REFUSED:
        buf_add(out, STR("not supported"));
        break;
    case GEN_SEED:
        buf_add(out, STR("a whole number of at most 64 bits"));
        break;
    case GEN_RNG:
        buf_add(out, STR(LM_RNG_NAMES));
        break;
    case GEN_TEXT:
        buf_add(out, STR("a text"));
        break;
    case GEN_STOP:
        buf_fmt(out, "up to %d texts of 1 to %d bytes", STOP_STRINGS_MAX, STOP_BYTES_MAX);
        break;
    case GEN_BIAS:
        buf_fmt(out, "up to %d pairs of an id and a number of %g to %g", LM_BIAS_MAX, row->min,
                row->max);
        break;
    }
}

// `got` is how the value looks, quotes included.
static status refuse(gen_params *p, const gen_param *row, str got, err *e) {
    p->wrong = row->name;
    if (row->kind == GEN_REFUSED)
        return err_set(e, E_ARG, "%s is not supported: %s", row->name, row->about);
    ARENA_ON_STACK(scratch, 256);
    buf range;
    buf_init(&range, &scratch, 0);
    gen_param_range(&range, row);
    return err_set(e, E_ARG, "%s must be %.*s, not %.*s", row->name, STR_ARG(buf_str(&range)),
                   STR_ARG(got));
}

static status refuse_text(gen_params *p, const gen_param *row, str text, arena *a, err *e) {
    return refuse(p, row, arena_fmt(a, "\"%.*s\"", STR_ARG(str_first(text, 64))), e);
}

// --- Setters by kind -------------------------------------------------------------------------

static void *member(gen_params *p, const gen_param *row) {
    return (char *)p + row->at;
}

// False when v is out of the row's range; lowered where the row says so.
static bool fits(double *v, const gen_param *row) {
    if (row->lowers && *v > row->max) *v = row->max;
    if (row->or_zero && *v == 0) return true;
    return (row->above ? *v > row->min : *v >= row->min) && *v <= row->max;
}

static bool set_int(gen_params *p, const gen_param *row, int64_t v) {
    double d = (double)v;
    if (row->kind == GEN_LENGTH) {
        *(int64_t *)member(p, row) = v;
        return true;
    }
    if (!fits(&d, row)) return false;
    *(int *)member(p, row) = (int)d;
    return true;
}

static bool set_real(gen_params *p, const gen_param *row, double d) {
    double v = (double)(float)d;  // what the engine sees
    if (!fits(&v, row)) return false;
    *(float *)member(p, row) = (float)v;
    return true;
}

static bool set_seed(gen_params *p, str text) {
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

static bool add_stop(gen_params *p, const gen_param *row, str text) {
    if (p->n_stop == STOP_STRINGS_MAX || text.len < 1 || (double)text.len > row->max) return false;
    p->stop[p->n_stop++] = text;
    return true;
}

static bool add_bias(gen_params *p, const gen_param *row, str id, double add, arena *a) {
    uint64_t n;
    if (p->n_bias == LM_BIAS_MAX || !str_parse_u64(&n, id) || n > INT32_MAX || !fits(&add, row))
        return false;
    if (!p->bias) p->bias = arena_array(a, lm_bias, LM_BIAS_MAX);
    p->bias[p->n_bias++] = (lm_bias){(int32_t)n, (float)add};
    p->sampling.bias = p->bias;
    p->sampling.n_bias = p->n_bias;
    return true;
}

static bool set_bias_text(gen_params *p, const gen_param *row, str text, arena *a) {
    while (text.len) {
        str value = str_trim(str_cut(&text, ',')), id = str_trim(str_cut(&value, ':'));
        double add;
        if (!str_parse_f64(&add, str_trim(value)) || !add_bias(p, row, id, add, a)) return false;
    }
    return true;
}

static bool set_bool(gen_params *p, const gen_param *row, str text) {
    static const char *const words[][2] = {
        {"0", "1"}, {"false", "true"}, {"no", "yes"}, {"off", "on"}};
    for (size_t i = 0; i < countof(words); i++)
        for (int is = 0; is < 2; is++)
            if (str_eq_nocase(text, str_of(words[i][is]))) {
                *(bool *)member(p, row) = is;
                return true;
            }
    return false;
}

static bool set_text(gen_params *p, const gen_param *row, str text, arena *a) {
    int64_t n;
    double d;
    switch (row->kind) {
    case GEN_INT:
    case GEN_LENGTH:
        return str_parse_i64(&n, text) && set_int(p, row, n);
    case GEN_REAL:
        return str_parse_f64(&d, text) && set_real(p, row, d);
    case GEN_SEED:
        return set_seed(p, text);
    case GEN_RNG:
        return lm_rng_named((lm_rng *)member(p, row), text);
    case GEN_TEXT:
        *(str *)member(p, row) = text;
        return true;
    case GEN_STOP:
        return add_stop(p, row, text);
    case GEN_BIAS:
        return set_bias_text(p, row, text, a);
    case GEN_BOOL:
        return set_bool(p, row, text);
    case GEN_JSON:
    case GEN_REFUSED:
        return false;
    }
    return false;
}

status gen_param_text(gen_params *p, const gen_param *row, str text, arena *a, err *e) {
    if (text.len == 0) return OK;
    return set_text(p, row, text, a) ? OK : refuse_text(p, row, text, a, e);
}

// --- JSON ------------------------------------------------------------------------------------

static bool add_stops(gen_params *p, const gen_param *row, const json_value *v) {
    str s;
    if (json_is_str(&s, v)) return add_stop(p, row, s);
    if (v->kind != JSON_ARRAY) return false;
    for (uint32_t i = 0; i < v->n; i++)
        if (!json_is_str(&s, &v->items[i]) || !add_stop(p, row, s)) return false;
    return true;
}

static bool set_bias_json(gen_params *p, const gen_param *row, const json_value *v, arena *a) {
    if (v->kind != JSON_OBJECT) return false;
    double add;
    for (uint32_t i = 0; i < v->n; i++)
        if (!json_is_number(&add, &v->items[i]) || !add_bias(p, row, v->items[i].key, add, a))
            return false;
    return true;
}

static bool set_json(gen_params *p, const gen_param *row, const json_value *v, arena *a) {
    int64_t n;
    double d;
    str s;
    switch (row->kind) {
    case GEN_INT:
    case GEN_LENGTH:
        return json_is_int(&n, v) && set_int(p, row, n);
    case GEN_REAL:
        return json_is_number(&d, v) && set_real(p, row, d);
    case GEN_SEED:  // over 2^63 only a string holds it exactly
        if (!json_is_int(&n, v)) return json_is_str(&s, v) && set_seed(p, s);
        p->sampling.seed = (uint64_t)n;
        p->has_seed = true;
        return true;
    case GEN_STOP:
        return add_stops(p, row, v);
    case GEN_BOOL:
        return json_is_bool((bool *)member(p, row), v);
    case GEN_JSON:
        *(const json_value **)member(p, row) = v;
        return true;
    case GEN_REFUSED:
        return false;
    case GEN_BIAS:
        return set_bias_json(p, row, v, a);
    case GEN_RNG:
    case GEN_TEXT:
        return json_is_str(&s, v) && set_text(p, row, s, a);
    }
    return false;
}

static status refuse_json(gen_params *p, const gen_param *row, const json_value *v, arena *a,
                          err *e) {
    static const char *const kinds[] = {
        [JSON_NULL] = "null",          [JSON_BOOL] = "true or false",
        [JSON_NUMBER] = "this number", [JSON_STRING] = "this string",
        [JSON_ARRAY] = "this list",    [JSON_OBJECT] = "this object"};
    double d;
    str s;
    if (json_is_str(&s, v)) return refuse_text(p, row, s, a, e);
    if (json_is_number(&d, v)) return refuse(p, row, arena_fmt(a, "%.17g", d), e);
    return refuse(p, row, str_of(kinds[v->kind]), e);
}

static status unknown(gen_params *p, str name, gen_form form, arena *a, err *e) {
    name = str_first(name, 64);
    if (!(form & GEN_OPENAI))
        return err_set(e, E_ARG, "there is no parameter \"%.*s\"", STR_ARG(name));
    if (p->ignored.len > IGNORED_MAX) return OK;
    p->ignored = p->ignored.len ? arena_fmt(a, "%.*s, %.*s", STR_ARG(p->ignored), STR_ARG(name))
                                : arena_str(a, name);
    return OK;
}

status gen_params_json(gen_params *p, const json_value *object, gen_form form, arena *a, err *e) {
    if (object->kind != JSON_OBJECT)
        return err_set(e, E_ARG, "the JSON body must be an object of parameters");
    for (uint32_t i = 0; i < object->n; i++) {
        const json_value *v = &object->items[i];
        const gen_param *row = gen_param_find(v->key, form);
        if (!row) {
            TRY(unknown(p, v->key, form, a, e));
            continue;
        }
        if (v->kind == JSON_NULL) continue;
        if (!set_json(p, row, v, a)) return refuse_json(p, row, v, a, e);
    }
    return OK;
}
