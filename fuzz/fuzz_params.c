// Parameters of a generation, from JSON and from "name=value" pairs, and what they lead to: all
// that passes is what the engine takes, and no stop string is ever in a text.

#include "app/gen_params.h"
#include "app/gen_text.h"
#include "fuzz/fuzz.h"
#include "lm/sampler.h"

static status from_pairs(gen_params *p, str text, gen_form form, arena *a, err *e) {
    while (text.len) {
        str value = str_cut(&text, '&'), name = str_cut(&value, '=');
        const gen_param *row = gen_param_find(name, form);
        if (row) TRY(gen_param_text(p, row, value, a, e));
    }
    return OK;
}

static status from_json(gen_params *p, str text, arena *a, err *e) {
    const json_value *v;
    TRY(json_read(&v, text, a, e));
    return gen_params_json(p, v, GEN_BODY, a, e);
}

// Ids that the bytes say, as text up to a stop string.
static void write_text(const gen_params *p, str bytes, arena *a) {
    gen_text t;
    err e = {0};
    buf out;
    buf_init(&out, a, 64);
    CHECK(!gen_text_init(&t, tokenizer_gpt2(), p->stop, p->n_stop, &e));
    for (size_t i = 0; i < bytes.len && i < 512; i++)
        gen_text_add(&t, &out, (uint8_t)bytes.ptr[i]);
    gen_text_end(&t, &out);
    for (size_t i = 0; i < p->n_stop; i++)
        CHECK(str_find(buf_str(&out), p->stop[i]) == out.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    if (!mem.base) CHECK(!arena_open(&mem, 1 << 30, NULL));
    if (len == 0) return 0;
    arena scratch = mem;
    str text = {(const char *)data + 1, len - 1};
    gen_params p;
    err e = {0};
    gen_params_default(&p);
    status s = data[0] == 'j'   ? from_json(&p, text, &scratch, &e)
               : data[0] == 'q' ? from_pairs(&p, text, GEN_QUERY, &scratch, &e)
                                : from_pairs(&p, text, GEN_CLI, &scratch, &e);
    CHECK(s == OK || e.msg[0]);
    if (s) return 0;
    CHECK(p.n_stop <= STOP_STRINGS_MAX && p.n_bias <= LM_BIAS_MAX);
    p.sampling.n_bias = 0;  // whether an id is one depends on the model
    CHECK(!lm__sampling_check(&p.sampling, INT32_MAX, &e));
    write_text(&p, text, &scratch);
    return 0;
}
