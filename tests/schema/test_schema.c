// Schemas beside texts, refusals by name, no dead ends, bounds of nesting, choices, masks.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/schema.h"
#include "tests/schema/cases.h"

#include <stdio.h>

static arena mem;
static char quoted[1 << 15];

// ' becomes ".
static str quote(const char *text) {
    size_t n = strlen(text);
    assert_true(n < sizeof quoted);
    for (size_t i = 0; i <= n; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    return (str){quoted, n};
}

static const json_value *read_json(const char *text) {
    const json_value *v;
    err e = {0};
    str s = arena_str(&mem, quote(text));
    if (json_read(&v, s, &mem, &e)) fail_msg("%s: %s", text, e.msg);
    return v;
}

static schema *open_ok(const char *text) {
    schema *s;
    err e = {0};
    if (schema_open(&s, read_json(text), &e)) fail_msg("%s: %s", text, e.msg);
    return s;
}

static bool takes(const schema *s, str text) {
    schema_state *st = malloc(schema_state_bytes(s));
    schema_start(st, s);
    bool ok = true;
    for (size_t i = 0; i < text.len && ok; i++)
        ok = schema_step(st, s, (uint8_t)text.ptr[i]);
    ok = ok && schema_may_end(st, s);
    free(st);
    return ok;
}

static int reset(void **state) {
    (void)state;
    arena_reset(&mem, 0);
    return 0;
}

// --- Texts ---------------------------------------------------------------------------------------

static void texts(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(schema_cases); i++) {
        const schema_case *c = &schema_cases[i];
        arena_reset(&mem, 0);
        schema *s = open_ok(c->schema);
        for (size_t k = 0; k < countof(c->good) && c->good[k]; k++)
            if (!takes(s, quote(c->good[k]))) fail_msg("%s refuses %s", c->schema, c->good[k]);
        for (size_t k = 0; k < countof(c->bad) && c->bad[k]; k++)
            if (takes(s, quote(c->bad[k]))) fail_msg("%s takes %s", c->schema, c->bad[k]);
        schema_close(s);
    }
    assert_true(countof(schema_cases) >= 170);
    schema_close(NULL);
}

static uint32_t draw(uint64_t *seed, uint32_t n) {
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((*seed >> 33) % n);
}

// From every state that chance leads to, something may come or the text may end; a copy goes where
// the original goes.
static void wander(const schema *s, uint64_t seed, const char *what) {
    schema_state *st = malloc(schema_state_bytes(s)), *next = malloc(schema_state_bytes(s));
    schema_start(st, s);
    for (int n = 0; n < 25; n++) {
        uint8_t may[256];
        uint32_t count = 0;
        for (uint32_t b = 0; b < 256; b++) {
            schema_copy(next, st, s);
            if (schema_step(next, s, (uint8_t)b)) may[count++] = (uint8_t)b;
        }
        if (count == 0) {
            if (!schema_may_end(st, s)) fail_msg("%s: a dead end", what);
            break;
        }
        assert_true(schema_step(st, s, may[draw(&seed, count)]));
    }
    free(st);
    free(next);
}

static void no_dead_ends(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(schema_cases); i++) {
        arena_reset(&mem, 0);
        schema *s = open_ok(schema_cases[i].schema);
        wander(s, i, schema_cases[i].schema);
        schema_close(s);
    }
}

// --- Refusals ------------------------------------------------------------------------------------

static void refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(refused_schemas); i++) {
        schema *s;
        err e = {0};
        arena_reset(&mem, 0);
        const refused_schema *x = &refused_schemas[i];
        status got = schema_open(&s, read_json(x->schema), &e);
        if (got != x->want) fail_msg("%s: %s", x->schema, e.msg);
        if (x->says) assert_string_equal(e.msg, x->says);
        assert_int_equal(s == NULL, got != OK);
        schema_close(s);
    }
    assert_int_equal(schema_open(&(schema *){NULL}, read_json("{'not':1}"), NULL), E_UNSUPPORTED);
}

// --- Depth ---------------------------------------------------------------------------------------

static void depth(void **state) {
    (void)state;
    schema *s = open_ok("{'type':'array','items':{'$ref':'#'}}");
    char text[2 * (SCHEMA_DEPTH_MAX + 1)];
    memset(text, '[', sizeof text / 2);
    memset(text + sizeof text / 2, ']', sizeof text / 2);
    assert_false(takes(s, (str){text, sizeof text}));
    assert_true(takes(s, (str){text + 1, sizeof text - 2}));
    schema_close(s);
    // What must be deeper does not begin where there is no room for it.
    s = open_ok("{'anyOf':[{'type':'null'},{'type':'array','items':{'type':'object','properties':"
                "{'a':{'$ref':'#'}},'required':['a']}}]}");
    schema_state *st = malloc(schema_state_bytes(s));
    schema_start(st, s);
    for (int i = 0; i < SCHEMA_DEPTH_MAX / 2; i++)
        for (const char *p = "[{\"a\":"; *p; p++)
            assert_true(schema_step(st, s, (uint8_t)*p));
    schema_state *other = malloc(schema_state_bytes(s));
    schema_copy(other, st, s);
    assert_false(schema_step(other, s, '['));
    assert_true(schema_step(st, s, 'n'));
    free(st);
    free(other);
    schema_close(s);
}

static void many_keys(void **state) {
    (void)state;
    schema *s = open_ok("{'type':'object','additionalProperties':{'type':'null'}}");
    char text[2000] = "{";
    size_t n = 1;
    for (int i = 0; i < 65; i++) {
        bool fits = takes(s, (str){text, n + (size_t)snprintf(text + n, 30, "}")});
        assert_true(fits);
        n += (size_t)snprintf(text + n, 30, "%s\"k%d\":null", i ? "," : "", i);
        assert_int_equal(takes(s, (str){text, n + (size_t)snprintf(text + n, 3, "}")}), i < 64);
    }
    schema_close(s);
}

// --- Choices and expressions ---------------------------------------------------------------------

static void choices(void **state) {
    (void)state;
    schema *s;
    err e = {0};
    schema_choice all[] = {
        {STR("<call>{\"name\":\"a\",\"arguments\":"),
         read_json("{'type':'object','properties':{'x':{'type':'integer'}},'required':['x']}"),
         STR("}</call>")},
        {STR("<call>{\"name\":\"ab\",\"arguments\":"), read_json("{'type':'integer'}"),
         STR("0}</call>")},
        {STR("plain"), NULL, STR("")},
        {STR(""), read_json("{'$ref':'#/$defs/a','$defs':{'a':{'const':[1]}}}"), STR("")},
    };
    assert_int_equal(schema_open_choice(&s, all, countof(all), &e), OK);
    assert_true(takes(s, STR("<call>{\"name\":\"a\",\"arguments\":{\"x\":1}}</call>")));
    assert_true(takes(s, STR("<call>{\"name\":\"ab\",\"arguments\":10}</call>")));
    assert_true(takes(s, STR("<call>{\"name\":\"ab\",\"arguments\":100}</call>")));
    assert_false(takes(s, STR("<call>{\"name\":\"ab\",\"arguments\":1}</call>")));
    assert_false(takes(s, STR("<call>{\"name\":\"b\",\"arguments\":1}</call>")));
    assert_false(takes(s, STR("<call>{\"name\":\"a\",\"arguments\":{\"x\":1}}</call")));
    assert_true(takes(s, STR("plain")));
    assert_false(takes(s, STR("plai")));
    assert_true(takes(s, STR("[1]")));
    assert_false(takes(s, STR(" [1]")));
    wander(s, 5, "choices");
    schema_close(s);
    assert_int_equal(schema_open_choice(&s, all, 0, &e), E_LIMIT);
    all[0].before = all[0].after = STR("");
    all[0].value = NULL;
    assert_int_equal(schema_open_choice(&s, all, 1, &e), E_ARG);
    all[0].value = read_json("{'not':{}}");
    assert_int_equal(schema_open_choice(&s, all, 1, &e), E_UNSUPPORTED);
    assert_string_equal(e.msg, "/not: keyword not supported");
}

static void expressions(void **state) {
    (void)state;
    static const struct {
        const char *regex, *good[4], *bad[4];
    } cases[] = {
        {"yes|no", {"yes", "no"}, {"", "ye", "yesno"}},
        {"[0-9]+", {"0", "123"}, {"", "a", "1a"}},
        {"", {""}, {"a"}},
        {"a*", {"", "a", "aaa"}, {"b"}},
        {"\"\\\\\n\xc3\xa9.", {"\"\\\n\xc3\xa9x"}, {"\"", "\"\\\n\xc3\xa9"}},
        {"^a$", {"a"}, {"", "aa"}},
        {"(a|ab)(c|bcd)(d*)", {"abcd", "ac", "abc", "acddd"}, {"ab", "abcdb"}},
        {"[\\s\\S]", {"a", "\n"}, {"", "ab"}},
    };
    schema *s;
    err e = {0};
    for (size_t i = 0; i < countof(cases); i++) {
        if (schema_open_regex(&s, str_of(cases[i].regex), &e)) fail_msg("%s", e.msg);
        for (size_t k = 0; k < 4 && cases[i].good[k]; k++)
            if (!takes(s, str_of(cases[i].good[k]))) fail_msg("%s", cases[i].good[k]);
        for (size_t k = 0; k < 4 && cases[i].bad[k]; k++)
            if (takes(s, str_of(cases[i].bad[k]))) fail_msg("%s", cases[i].bad[k]);
        schema_close(s);
    }
    assert_int_equal(schema_open_regex(&s, STR("a$b"), &e), E_FORMAT);
    assert_string_equal(e.msg, "no text matches the expression");
    assert_int_equal(schema_open_regex(&s, STR("\xff"), &e), E_FORMAT);
    assert_null(s);
}

static void any_object(void **state) {
    (void)state;
    schema *s;
    assert_int_equal(schema_open(&s, NULL, NULL), OK);
    assert_true(takes(s, STR("{\"a\": [1, {\"b\": null}]}")));
    assert_false(takes(s, STR("[]")));
    schema_close(s);
}

// --- Masks ---------------------------------------------------------------------------------------

enum { N_TOKENS = 400 };

static str token_of(const void *self, int32_t id) {
    const str *all = self;
    return all[id];
}

// All bytes, pairs and runs of what texts hold, the same token twice, one of nothing, a long one.
static void make_tokens(str *all) {
    static const char parts[][6] = {"\"",   "{",     "}",   "[",  "]",     ",",     ":",
                                    " ",    "\n",    "a",   "b",  "\\",    "\\u00", "\xc3",
                                    "\xa9", "\xf0",  "e9",  "12", "-",     "null",  "tru",
                                    "é",    "\"a\"", "\":", "},", "\",\"", "\x01",  "\xe6\x97"};
    uint64_t seed = 3;
    for (size_t i = 0; i < N_TOKENS; i++) {
        char *p = arena_alloc(&mem, 400);
        size_t n = 0;
        if (i < 256) p[n++] = (char)i;
        for (uint32_t k = i < 256 ? 0 : 1 + draw(&seed, 4); k; k--)
            n += strlen(strcpy(p + n, parts[draw(&seed, countof(parts))]));
        all[i] = (str){p, n};
    }
    all[300].len = 0;
    all[301] = all['"'];
    memset((char *)all[302].ptr, 'a', 300);
    all[302].len = 300;  // over what is kept: it never fits
    memset((char *)all[303].ptr, 'a', 30);
    all[303].len = 30;
}

static bool fits(const schema_state *st, const schema *s, str token, schema_state *spare) {
    schema_copy(spare, st, s);
    for (size_t i = 0; i < token.len; i++)
        if (!schema_step(spare, s, (uint8_t)token.ptr[i])) return false;
    return token.len > 0 && token.len < 256;
}

// Every mask of a walk says what its tokens do, one by one.
static void check_masks(const schema *s, const str *tokens, const schema_vocab *v, uint64_t seed) {
    uint32_t bits[(N_TOKENS + 31) / 32];
    schema_state *st = malloc(schema_state_bytes(s)), *spare = malloc(schema_state_bytes(s));
    void *scratch = malloc(schema_mask_scratch(v, s));
    schema_start(st, s);
    for (int round = 0; round < 3; round++) {
        uint32_t may[N_TOKENS], n = 0;
        memset(bits, 0xA5, sizeof bits);
        schema_mask(bits, v, st, s, scratch);
        for (uint32_t id = 0; id < N_TOKENS; id++) {
            bool is_in = bits[id / 32] >> (id % 32) & 1;
            assert_int_equal(is_in, fits(st, s, tokens[id], spare));
            if (is_in) may[n++] = id;
        }
        if (n == 0) break;
        str token = tokens[may[draw(&seed, n)]];
        for (size_t i = 0; i < token.len; i++)
            assert_true(schema_step(st, s, (uint8_t)token.ptr[i]));
    }
    free(st);
    free(spare);
    free(scratch);
}

static void masks(void **state) {
    (void)state;
    str tokens[N_TOKENS];
    arena keep = mem;
    schema_vocab *v;
    make_tokens(tokens);
    assert_int_equal(schema_vocab_open(&v, N_TOKENS, token_of, tokens, NULL), OK);
    keep = mem;
    for (size_t i = 0; i < countof(schema_cases); i += 2) {
        mem = keep;
        schema *s = open_ok(schema_cases[i].schema);
        check_masks(s, tokens, v, i);
        schema_close(s);
    }
    schema_vocab_close(v);
    schema_vocab_close(NULL);
}

static void masks_inside(void **state) {
    (void)state;
    str tokens[N_TOKENS];
    schema_vocab *v;
    make_tokens(tokens);
    assert_int_equal(schema_vocab_open(&v, N_TOKENS, token_of, tokens, NULL), OK);
    for (unsigned most = 0; most < 40; most += 5) {
        char text[100];
        snprintf(text, sizeof text, "{'type':'string','minLength':%u,'maxLength':%u}", most / 2,
                 most);
        schema *s = open_ok(text);
        for (uint64_t seed = 0; seed < 2; seed++)
            check_masks(s, tokens, v, seed);
        schema_close(s);
    }
    schema_vocab_close(v);
}

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, 64 << 20, NULL);
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

int main(void) {
#define T(f) cmocka_unit_test_setup(f, reset)
    const struct CMUnitTest tests[] = {
        T(texts),   T(no_dead_ends), T(refusals),   T(depth), T(many_keys),
        T(choices), T(expressions),  T(any_object), T(masks), T(masks_inside),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
