// An answer in each form: the first byte says which. Any cut of the rest gives the same.

#include "chat/chat.h"
#include "fuzz/fuzz.h"

typedef struct events {
    buf b;
    int last;
} events;

static void collect(void *arg, chat_kind kind, str text) {
    events *ev = arg;
    if (kind == CHAT_CALL || (int)kind != ev->last) buf_fmt(&ev->b, "|%c:", "CRFA"[kind]);
    buf_add(&ev->b, text);
    ev->last = (int)kind;
}

static str events_of(const chat *c, int how, str text, size_t step, arena *a) {
    events ev = {.last = -1};
    buf_init(&ev.b, a, 2 * text.len + 64);
    chat_reply *r = chat_reply_new(a, c, how & 64 ? STR("<think>\n") : STR(""), how & 128);
    for (size_t at = 0; at < text.len; at += step)
        chat_reply_add(r, str_first(str_skip(text, at), step), collect, &ev);
    chat_reply_end(r, collect, &ev);
    return buf_str(&ev.b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static const char *const templates[] = {"",
                                            "<think>",
                                            "<think><tool_call>",
                                            "<think><|python_tag|>",
                                            "<|channel|>",
                                            "<think>[TOOL_CALLS]"};
    static chat *chats[countof(templates)];
    static arena mem;
    if (!mem.base) CHECK(!arena_open(&mem, 1 << 28, NULL));
    if (len < 1) return 0;
    size_t which = (data[0] & 63) % countof(templates);
    chat_files f = {.chat_template = which ? str_of(templates[which]) : STR("plain")};
    if (!chats[which]) CHECK(!chat_open(&chats[which], &f, NULL));
    str text = {(const char *)data + 1, len - 1};
    arena scratch = mem;
    str whole = events_of(chats[which], data[0], text, len, &scratch);
    CHECK(str_eq(whole, events_of(chats[which], data[0], text, 1, &scratch)));
    CHECK(str_eq(whole, events_of(chats[which], data[0], text, 3, &scratch)));
    return 0;
}
