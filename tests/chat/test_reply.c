// Answers to content, thoughts and calls: each form by examples, and any cutting of a text gives
// what the whole gives.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chat/chat.h"

#include <stdio.h>
#include <stdlib.h>

static arena mem;

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, (size_t)1 << 30, NULL) ? 1 : 0;
}
static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

static chat *open_form(const char *template) {
    chat *c;
    err e = {0};
    chat_files f = {.chat_template = str_of(template)};
    if (chat_open(&c, &f, &e)) fail_msg("%s", e.msg);
    return c;
}

// Events as one text: C:content R:reasoning F:name A:arguments; neighbours of a kind are joined.
typedef struct events {
    buf b;
    int last;
} events;

static void collect(void *arg, chat_kind kind, str text) {
    events *ev = arg;
    assert_true(text.len || kind == CHAT_CALL);
    if (kind == CHAT_CALL || (int)kind != ev->last) {
        if (ev->last >= 0) buf_byte(&ev->b, '|');
        buf_byte(&ev->b, "CRFA"[kind]);
        buf_byte(&ev->b, ':');
    }
    buf_add(&ev->b, text);
    ev->last = (int)kind;
}

// The text cut after every `step` bytes, or at random places.
static str run(const chat *c, const char *prompt, bool has_tools, str text, size_t step) {
    events ev = {.last = -1};
    buf_init(&ev.b, &mem, text.len + 64);
    arena *own = &mem;
    chat_reply *r = chat_reply_new(own, c, str_of(prompt), has_tools);
    for (size_t at = 0; at < text.len;) {
        size_t n = step ? step : (size_t)(rand() % 9);
        str part = str_first(str_skip(text, at), n);
        chat_reply_add(r, part, collect, &ev);
        at += part.len;
    }
    chat_reply_end(r, collect, &ev);
    return buf_str(&ev.b);
}

static void expect(const chat *c, const char *prompt, bool has_tools, const char *text,
                   const char *want) {
    arena before = mem;
    for (size_t step = 0; step <= strlen(text) + 1; step++) {
        str got = run(c, prompt, has_tools, str_of(text), step);
        if (!str_eq(got, str_of(want)))
            fail_msg("in steps of %zu: %s\n  got  %.*s\n  want %s", step, text, STR_ARG(got), want);
        mem = before;
    }
}

typedef struct example {
    const char *text, *want;
} example;

static void plain(void **state) {
    (void)state;
    static const example cases[] = {
        {"", ""},
        {"Hello", "C:Hello"},
        {"  Hello \n", "C:  Hello \n"},
        {"<think>a</think>b", "C:<think>a</think>b"},
        {"<tool_call>{}</tool_call>", "C:<tool_call>{}</tool_call>"},
    };
    chat *c = open_form("{{ messages }}");
    assert_int_equal(chat_form_of(c), CHAT_PLAIN);
    for (size_t i = 0; i < countof(cases); i++)
        expect(c, "", true, cases[i].text, cases[i].want);
    chat_close(c);
}

static void thoughts(void **state) {
    (void)state;
    static const example cases[] = {
        {"Hello", "C:Hello"},
        {"<think>\nI see.\n</think>\n\nHello", "R:I see.|C:Hello"},
        {" \n<think>x</think>", "R:x"},
        {"<think></think>y", "C:y"},
        {"<think>never ends \n", "R:never ends \n"},
        {"<think>a</thin", "R:a</thin"},
        {"<thin", "C:<thin"},
        {"  <thinker> a", "C:  <thinker> a"},
        {"a <think>b</think>", "C:a <think>b</think>"},
        {"<think>a</think><think>b</think>", "R:a|C:<think>b</think>"},
        {" \n ", "C: \n "},
    };
    chat *c = open_form("{% if enable_thinking %}<think>{% endif %}");
    for (size_t i = 0; i < countof(cases); i++)
        expect(c, "", false, cases[i].text, cases[i].want);
    expect(c, "<|assistant|>\n<think>\n", false, "hm\n</think>\n\nyes", "R:hm|C:yes");
    expect(c, "<|assistant|>\n<think>\n", false, "hm", "R:hm");
    expect(c, "<think>\n\n</think>\n\n", false, "yes", "C:yes");
    chat_close(c);
}

static void hermes(void **state) {
    (void)state;
    static const example cases[] = {
        {"<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1.50}}\n</tool_call>",
         "F:f|A:{\"a\": 1.50}"},
        {"Let me see.\n<tool_call>{\"arguments\": {\"q\": \"</x> {[\\\"\"}, \"name\": "
         "\"f\"}</tool_call>\n",
         "C:Let me see.|F:f|A:{\"q\": \"</x> {[\\\"\"}"},
        {"<tool_call>{\"name\": \"a\", \"arguments\": {}}</tool_call>\n<tool_call>{\"name\": "
         "\"b\", \"arguments\": {\"x\": [1, {\"y\": 2}]}}</tool_call>",
         "F:a|A:{}|F:b|A:{\"x\": [1, {\"y\": 2}]}"},
        {"<tool_call>{\"name\": \"a\"}</tool_call>", "F:a|A:{}"},
        {"<tool_call>{\"name\": \"a\", \"arguments\": \"{\\\"x\\\": 1}\"}</tool_call>",
         "F:a|A:{\"x\": 1}"},
        {"<tool_call>{\"name\": \"a\", \"arguments\": {}}", "F:a|A:{}"},
        {"<tool_call>{\"name\": \"a\", \"arguments\": {}}\n<tool_call>{\"name\": \"b\"}",
         "F:a|A:{}|F:b|A:{}"},
        {"<tool_call>{\"name\": \"a\", \"argum", "C:<tool_call>{\"name\": \"a\", \"argum"},
        {"<tool_call>{broken}</tool_call> x", "C:<tool_call>{broken}</tool_call> x"},
        {"<tool_call>{broken} <tool_call>{\"name\": \"b\"}</tool_call>",
         "C:<tool_call>{broken}|F:b|A:{}"},
        {"<tool_call>{\"name\": 5}</tool_call>", "C:<tool_call>{\"name\": 5}</tool_call>"},
        {"<tool_call>{\"name\": \"a\", \"arguments\": [1]}</tool_call>",
         "C:<tool_call>{\"name\": \"a\", \"arguments\": [1]}</tool_call>"},
        {"a <tool_ca", "C:a <tool_ca"},
        {"a <tool> b  ", "C:a <tool> b  "},
        {"<think>\n<tool_call>\n</think>\n<tool_call>{\"name\": \"f\"}</tool_call>",
         "R:<tool_call>|F:f|A:{}"},
        {"<tool_call>{\"name\": \"f\"}</tool_call>\n\nDone.", "F:f|A:{}|C:Done."},
    };
    chat *c = open_form("<think> <tool_call>\\n</tool_call>");
    assert_int_equal(chat_form_of(c), CHAT_HERMES);
    for (size_t i = 0; i < countof(cases); i++)
        expect(c, "", true, cases[i].text, cases[i].want);
    expect(c, "", false, cases[0].text,
           "C:<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": "
           "1.50}}\n</tool_call>");
    chat_close(c);
}

static void llama3(void **state) {
    (void)state;
    static const example cases[] = {
        {"Hello", "C:Hello"},
        {"{\"name\": \"f\", \"parameters\": {\"a\": \"b}\"}}", "F:f|A:{\"a\": \"b}\"}"},
        {" \n{ \"name\" : \"f\", \"parameters\": {}}\n", "F:f|A:{}"},
        {"<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": 1}}", "F:f|A:{\"a\": 1}"},
        {"{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}", "F:f|A:{}"},
        {"{\"name\": \"a\", \"parameters\": {}}; {\"name\": \"b\", \"parameters\": {\"x\": 2}}",
         "F:a|A:{}|F:b|A:{\"x\": 2}"},
        {"{\"name\": \"a\", \"parameters\": {}} ok", "F:a|A:{}|C:ok"},
        {"{\"name\": \"Ann\", \"age\": 3}", "C:{\"name\": \"Ann\", \"age\": 3}"},
        {"{\"nam", "C:{\"nam"},
        {"{\"answer\": 42}", "C:{\"answer\": 42}"},
        {"{\"name\": \"Ann\", \"age\": 3", "C:{\"name\": \"Ann\", \"age\": 3"},
        {"{\"name\": 7}", "C:{\"name\": 7}"},
        {"<|python_tag|>print(1)", "C:print(1)"},
        {"Calling.<|python_tag|>{\"name\": \"f\"}", "C:Calling.|F:f|A:{}"},
        {"<|python", "C:<|python"},
        {"{", "C:{"},
    };
    chat *c = open_form("<|python_tag|>");
    assert_int_equal(chat_form_of(c), CHAT_LLAMA3);
    for (size_t i = 0; i < countof(cases); i++)
        expect(c, "", true, cases[i].text, cases[i].want);
    expect(c, "", false, "{\"name\": \"f\"}", "C:{\"name\": \"f\"}");
    chat_close(c);
}

static void mistral(void **state) {
    (void)state;
    static const example cases[] = {
        {"Hello [there]", "C:Hello [there]"},
        {"[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": \"]}\"}}]",
         "F:f|A:{\"a\": \"]}\"}"},
        {"[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"a\": [1]}, \"id\": \"VvvODy9mT\"} , "
         "{\"name\": \"g\", \"arguments\": {}}]\n",
         "F:f|A:{\"a\": [1]}|F:g|A:{}"},
        {"Look:\n[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}}] Done.",
         "C:Look:|F:f|A:{}|C:Done."},
        {"[TOOL_CALLS] [{\"name\": \"f\"}, {\"name\": 5}]",
         "C:[TOOL_CALLS] [{\"name\": \"f\"}, {\"name\": 5}]"},
        {"[TOOL_CALLS] [{\"name\": \"f\"}, 7]", "C:[TOOL_CALLS] [{\"name\": \"f\"}, 7]"},
        {"[TOOL_CALLS] []", "C:[TOOL_CALLS] []"},
        {"[TOOL_CALLS] [{\"name\": \"f\"", "C:[TOOL_CALLS] [{\"name\": \"f\""},
        {"[TOOL_CALLS] none", "C:[TOOL_CALLS] none"},
        {"[TOOL_CALLS]", "C:[TOOL_CALLS]"},
        {"a [TOOL_", "C:a [TOOL_"},
    };
    chat *c = open_form("[TOOL_CALLS] [");
    assert_int_equal(chat_form_of(c), CHAT_MISTRAL);
    for (size_t i = 0; i < countof(cases); i++)
        expect(c, "", true, cases[i].text, cases[i].want);
    expect(c, "", false, "[TOOL_CALLS] [{\"name\": \"f\"}]", "C:[TOOL_CALLS] [{\"name\": \"f\"}]");
    char room[CHAT_ID_MAX];
    assert_int_equal(chat_call_id(room, c, UINT64_MAX).len, 9);  // its template counts
    chat_close(c);
    c = open_form("[TOOL_CALLS]f[ARGS]{}");
    assert_int_equal(chat_form_of(c), CHAT_PLAIN);
    assert_true(str_starts(chat_call_id(room, c, 1), STR("call_0")));
    chat_close(c);
}

static void harmony(void **state) {
    (void)state;
    static const example cases[] = {
        {"<|channel|>final<|message|>Hi <b>", "C:Hi <b>"},
        {"<|channel|>analysis<|message|>Hm. <|end|><|start|>assistant<|channel|>final<|message|>Hi"
         "<|return|>",
         "R:Hm. |C:Hi"},
        {"<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>commentary "
         "to=functions.get_weather <|constrain|>json<|message|>{\"city\": \"Oslo\"}<|call|>",
         "R:x|F:get_weather|A:{\"city\": \"Oslo\"}"},
        {" to=functions.f<|channel|>commentary<|message|>{}<|call|>", "F:f|A:{}"},
        {"<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant to=functions.g"
         "<|channel|>commentary json<|message|>{}<|call|><|start|>assistant<|channel|>commentary "
         "to=functions.h<|message|>{\"a\":1}",
         "C:I will look.|F:g|A:{}|F:h|A:{\"a\":1}"},
        {"Just text", "C:Just text"},
        {"Text<|channel|>final<|message|>more", "C:Textmore"},
        {"<|channel|>analysis", ""},
        {"<|channel|>final<|message|>a<|en", "C:a<|en"},
        {"<|channel|>final<|message|>a <|endless|> b<|end|>\n", "C:a <|endless|> b"},
    };
    chat *c = open_form("<|channel|>");
    assert_int_equal(chat_form_of(c), CHAT_HARMONY);
    for (size_t i = 0; i < countof(cases); i++)
        expect(c, "<|start|>assistant", true, cases[i].text, cases[i].want);
    expect(c, "<|start|>assistant", false,
           "<|channel|>commentary to=functions.f<|message|>{}<|call|>", "C:{}");
    chat_close(c);
}

// Texts of markers, halves of markers and words, cut anywhere.
static void any_cut(void **state) {
    (void)state;
    static const char *const bits[] = {"<think>",
                                       "</think>",
                                       "<tool_call>",
                                       "</tool_call>",
                                       "<|python_tag|>",
                                       "<|channel|>",
                                       "<|message|>",
                                       "<|end|>",
                                       "<|start|>",
                                       "<|call|>",
                                       "[TOOL_CALLS]",
                                       "[TOOL",
                                       "[",
                                       "]",
                                       ",",
                                       "assistant",
                                       "analysis",
                                       "final",
                                       "commentary to=functions.f",
                                       " ",
                                       "\n",
                                       "{\"name\": \"f\", \"arguments\": {\"a\": [1]}}",
                                       "{\"name\": \"g\", \"parameters\": {}}",
                                       "{\"name\": ",
                                       "\"f\"",
                                       "{",
                                       "}",
                                       ";",
                                       "word",
                                       "<",
                                       "</",
                                       "<tool",
                                       "<|",
                                       "\"",
                                       "\\",
                                       "é",
                                       "😀"};
    static const char *const forms[] = {"<think>", "<think><tool_call>", "<think><|python_tag|>",
                                        "<|channel|>", "<think>[TOOL_CALLS]"};
    srand(7);
    for (size_t f = 0; f < countof(forms); f++) {
        chat *c = open_form(forms[f]);
        for (int round = 0; round < 1500; round++) {
            arena before = mem;
            buf text;
            buf_init(&text, &mem, 0);
            for (int n = rand() % 12; n >= 0; n--)
                buf_add(&text, str_of(bits[(size_t)rand() % countof(bits)]));
            const char *prompt = round % 5 ? "" : "<think>\n";
            str whole = run(c, prompt, round % 7, buf_str(&text), text.len + 1);
            str bytes = run(c, prompt, round % 7, buf_str(&text), 1);
            str any = run(c, prompt, round % 7, buf_str(&text), 0);
            if (!str_eq(whole, bytes) || !str_eq(whole, any))
                fail_msg("%.*s\n  whole %.*s\n  bytes %.*s\n  any   %.*s", (int)text.len, text.ptr,
                         STR_ARG(whole), STR_ARG(bytes), STR_ARG(any));
            mem = before;
        }
        chat_close(c);
    }
}

// A call of more than CHAT_CALL_MAX is content, however it is cut, and costs linear time.
static void long_call(void **state) {
    (void)state;
    chat *c = open_form("<tool_call>");
    arena before = mem;
    for (int over = 0; over < 2; over++) {
        buf text;
        buf_init(&text, &mem, 0);
        buf_add(&text, STR("<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": \""));
        while (text.len < CHAT_CALL_MAX - 200 + (over ? 4096 : 0))
            buf_add(&text, STR("0123456789abcdef"));
        buf_add(&text, STR("\"}}</tool_call>"));
        for (size_t step = 5; step <= text.len; step *= 41) {
            str got = run(c, "", true, buf_str(&text), step);
            assert_memory_equal(got.ptr, over ? "C:" : "F:", 2);
            assert_true(over ? got.len == text.len + 2 : got.len > CHAT_CALL_MAX - 400);
        }
        mem = before;
    }
    chat_close(c);
}

// A header that goes on and on is content, and the answer goes on behind it.
static void long_header(void **state) {
    (void)state;
    chat *c = open_form("<|channel|>");
    arena before = mem;
    for (int n = 900; n < 1300; n += 40) {
        buf text, want;
        buf_init(&text, &mem, 0);
        buf_add(&text, STR(" <|channel|>final"));
        for (int i = 0; i < n; i++)
            buf_byte(&text, 'x');
        str head = arena_str(&mem, buf_str(&text));
        buf_add(&text, STR("<|message|>Hi<|end|>"));
        buf_init(&want, &mem, 0);
        if (head.len > 1024)
            buf_fmt(&want, "C:%.*s<|message|>Hi", STR_ARG(head));
        else
            buf_add(&want, STR("C:Hi"));
        for (size_t step = 0; step <= text.len; step += 1 + step / 2) {
            str got = run(c, "<|start|>assistant", true, buf_str(&text), step);
            assert_true(str_eq(got, buf_str(&want)));
        }
        mem = before;
    }
    chat_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),   cmocka_unit_test(thoughts),  cmocka_unit_test(hermes),
        cmocka_unit_test(llama3),  cmocka_unit_test(mistral),   cmocka_unit_test(harmony),
        cmocka_unit_test(any_cut), cmocka_unit_test(long_call), cmocka_unit_test(long_header),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
