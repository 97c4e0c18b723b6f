// A guide over a tokenizer: what it accepts one by one is what its mask says of all, ends included,
// and whatever it lets through is a text of the schema.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "llm/llm.h"
#include "lm/model.h"

#include <string.h>

enum { BYTES = 256, MERGED = 3, END = BYTES + MERGED, N_IDS = END + 1, WORDS = (N_IDS + 31) / 32 };

typedef struct world {
    arena a;
    tokenizer *tokens;
    schema_vocab *vocab;
    lm_model *lm;
    llm_model model;
} world;

// A byte-level tokenizer with three merges and an end: GPT-2's character for each byte.
static str tokenizer_text(arena *a) {
    int extra = 0;
    buf out;
    buf_init(&out, a, 0);
    buf_add(&out,
            STR("{\"added_tokens\": [{\"id\": 259, \"content\": \"<|end|>\", \"special\": true,"
                "\"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
                "\"normalized\": false}], \"normalizer\": null, \"pre_tokenizer\": "
                "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true},"
                "\"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\"}, \"model\": "
                "{\"type\": \"BPE\", \"merges\": [\"{ \\\"\", \"t r\", \"\\\" :\"], \"vocab\": {"));
    for (int b = 0; b < BYTES; b++) {
        bool is_plain = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        buf_fmt(&out, "\"\\u%04x\": %d, ", (unsigned)(is_plain ? b : 256 + extra), b);
        extra += !is_plain;
    }
    buf_add(&out, STR("\"{\\\"\": 256, \"tr\": 257, \"\\\":\": 258}}}"));
    return buf_str(&out);
}

static str bytes_of(const void *self, int32_t id) {
    return id == END ? (str){0} : tokenizer_bytes(self, id);
}

static int open_world(void **state) {
    static world w;
    err e = {0};
    assert_int_equal(arena_open(&w.a, 64 << 20, NULL), OK);
    if (tokenizer_open_json(&w.tokens, tokenizer_text(&w.a), &e)) fail_msg("%s", e.msg);
    assert_int_equal(schema_vocab_open(&w.vocab, N_IDS, bytes_of, w.tokens, NULL), OK);
    w.lm = NULL;
    lm_spec spec = {.block_size = 64,
                    .vocab_size = N_IDS,
                    .n_ids = N_IDS,
                    .n_layer = 1,
                    .n_head = 1,
                    .n_embd = 16};
    if (lm__model_random(&w.lm, &spec, 1, &e)) fail_msg("%s", e.msg);
    // Such a model ends where GPT-2 does, an id that it has not.
    lm_spec *own = (lm_spec *)lm_model_spec(w.lm);
    own->n_eos = 1;
    own->eos[0] = END;
    w.model = (llm_model){.tokens = w.tokens, .vocab = w.vocab, .model = w.lm};
    *state = &w;
    return 0;
}

static int close_world(void **state) {
    world *w = *state;
    tokenizer_close(w->tokens);
    schema_vocab_close(w->vocab);
    lm_model_close(w->lm);
    arena_close(&w->a);
    return 0;
}

static schema *schema_new(const char *text, arena *a) {
    const json_value *v;
    schema *s;
    err e = {0};
    assert_int_equal(json_read(&v, str_of(text), a, NULL), OK);
    if (schema_open(&s, v, &e)) fail_msg("%s: %s", text, e.msg);
    return s;
}

static bool bit(const uint32_t *bits, int32_t id) {
    return bits[id / 32] >> (id % 32) & 1;
}

// Draws among what may come, ends when it may and the draw says so; all ways agree at every step.
static void walk(world *w, const schema *s, uint64_t seed) {
    arena a = w->a;
    lm_guide g;
    uint32_t bits[WORDS];
    uint64_t x = seed * 0x9E3779B97F4A7C15U + 1;
    assert_int_equal(llm_guide_new(&g, &w->model, s, &a, NULL), OK);
    for (int step = 0; step < 300; step++) {
        int32_t may[N_IDS];
        size_t n = 0;
        memset(bits, 0xA5, sizeof bits);
        g.mask(g.self, bits);
        for (int32_t id = 0; id < N_IDS; id++) {
            assert_int_equal(bit(bits, id), g.accepts(g.self, id));
            if (bit(bits, id)) may[n++] = id;
        }
        assert_true(n > 0);
        x = x * 6364136223846793005U + 1442695040888963407U;
        int32_t id = may[(x >> 33) % n];
        if (bit(bits, END) && (n == 1 || step > 200)) return;
        if (id == END) continue;
        if (x & 1) assert_true(g.accepts(g.self, id));  // the last that was asked about, or not
        g.advance(g.self, id);
    }
}

static void test_mask_and_accepts_agree(void **state) {
    static const char *const texts[] = {
        "{\"const\": \"ab\"}",
        "{\"type\": \"object\", \"properties\": {\"tr\": {\"type\": \"boolean\"}, \"x\\\"y\": "
        "{\"type\": \"integer\"}}, \"required\": [\"tr\"], \"additionalProperties\": false}",
        "{\"type\": \"array\", \"items\": {\"type\": \"string\", \"maxLength\": 3}, \"maxItems\": "
        "2}",
        "{\"enum\": [true, null, \"é\", 12]}",
    };
    world *w = *state;
    for (size_t i = 0; i < countof(texts); i++) {
        schema *s = schema_new(texts[i], &w->a);
        for (uint64_t seed = 0; seed < 4; seed++)
            walk(w, s, seed);
        schema_close(s);
    }
}

static void test_a_constant(void **state) {
    world *w = *state;
    arena a = w->a;
    schema *s = schema_new("{\"const\": \"ab\"}", &a);
    lm_guide g;
    assert_int_equal(llm_guide_new(&g, &w->model, s, &a, NULL), OK);
    assert_false(g.accepts(g.self, END));
    assert_false(g.accepts(g.self, 'a'));
    for (const char *c = "\"ab\""; *c; c++) {
        assert_true(g.accepts(g.self, *c));
        assert_false(g.accepts(g.self, 'z'));  // advance looks again
        g.advance(g.self, *c);
    }
    assert_true(g.accepts(g.self, END));
    assert_false(g.accepts(g.self, 'a'));
    schema_close(s);
}

static void test_no_room(void **state) {
    world *w = *state;
    schema *s = schema_new("{\"type\": \"string\"}", &w->a);
    ARENA_ON_STACK(small, 64);
    lm_guide g;
    assert_int_equal(llm_guide_new(&g, &w->model, s, &small, NULL), E_LIMIT);
    schema_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask_and_accepts_agree),
        cmocka_unit_test(test_a_constant),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
