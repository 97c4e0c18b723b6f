// The body of POST /v1/chat/completions, up to where a model would run: JSON, parameters, tools,
// schema, template, tokens. What is refused is refused in words; what leads the answer is walked
// with the bytes of the body.

#include "fuzz/fuzz.h"
#include "llm/llm.h"

#include <stdlib.h>

static const char template[] =
    "{% if tools %}{% for t in tools %}{{ t | tojson }}{% endfor %}<tool_call></tool_call>{% endif "
    "%}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

// A byte-level tokenizer without merges: GPT-2's character for each byte, in JSON.
static void put_vocabulary(buf *out) {
    int extra = 0;
    for (int b = 0; b < 256; b++) {
        bool is_plain = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        buf_fmt(out, "%s\"\\u%04x\": %d", b ? ", " : "", (unsigned)(is_plain ? b : 256 + extra), b);
        extra += !is_plain;
    }
}

static tokenizer *open_tokenizer(arena a) {
    tokenizer *t;
    err e = {0};
    buf out;
    buf_init(&out, &a, 0);
    buf_add(&out, STR("{\"added_tokens\": [], \"normalizer\": null, \"pre_tokenizer\": "
                      "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": "
                      "true}, \"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\"}, "
                      "\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {"));
    put_vocabulary(&out);
    buf_add(&out, STR("}}}"));
    CHECK(!tokenizer_open_json(&t, buf_str(&out), &e));
    return t;
}

static str bytes_of(const void *self, int32_t id) {
    return tokenizer_bytes(self, id);
}

static llm_model open_model(arena *a) {
    chat *c;
    schema_vocab *v;
    tokenizer *t = open_tokenizer(*a);
    err e = {0};
    chat_files files = {.chat_template = str_of(template)};
    CHECK(!chat_open(&c, &files, &e));
    CHECK(!schema_vocab_open(&v, 256, bytes_of, t, &e));
    return (llm_model){.name = STR("tiny"), .tokens = t, .chat = c, .vocab = v};
}

static llm host;
static llm_model model;

static void close_all(void) {
    llm_schemas_close(host.schemas);
    schema_vocab_close((schema_vocab *)model.vocab);
    chat_close((chat *)model.chat);
    tokenizer_close((tokenizer *)model.tokens);
}

// The bytes of the body, as far as the schema lets them through.
static void walk(const schema *s, str bytes, arena *a) {
    schema_state *st = arena_try(a, schema_state_bytes(s));
    if (!st) return;
    schema_start(st, s);
    for (size_t i = 0; i < bytes.len; i++)
        if (!schema_step(st, s, (uint8_t)bytes.ptr[i])) return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    if (!mem.base) {
        CHECK(!arena_open(&mem, 64 << 20, NULL));
        model = open_model(&mem);
        CHECK((host.schemas = llm_schemas_open()));
        CHECK(!atexit(close_all));
    }
    arena a = mem;
    str body = {(const char *)data, len};
    llm_call c = {.l = &host, .model = &model, .a = &a};
    llm_run_spec spec = {0};
    err e = {0};
    gen_params_default(&c.p);
    if (json_read(&c.body, body, &a, &e)) return 0;
    status s = gen_params_json(&c.p, c.body, GEN_CHAT, &a, &e);
    if (!s) s = llm_chat_plan(&spec, &c, &e);
    CHECK(s == OK ? spec.prompts->n > 0 || spec.prompts->text.len == 0 : e.msg[0] != 0);
    if (spec.guide) {
        walk(llm_schema_of(spec.guide), body, &a);
        llm_schema_release(host.schemas, spec.guide);
    }
    return 0;
}
