// The compact vocabulary (table.c has its format) as a tokenizer: GPT-2's, which is in the program.

#include "text/load.h"

#include "base/utf8.h"

#include <pthread.h>

// The name that tokenizer.json would give these bytes.
static status name_of(str *out, tokenizer *t, str bytes, err *e) {
    arena *a = &t->perm;
    if (bytes.len * UTF8_MAX > arena_room(a)) return err_set(e, E_MEMORY, "no memory for names");
    return bytes_as_chars(out, bytes, a, e);
}

static status add_ids(tokenizer *t, err *e) {
    const bpe *b = t->bpe;
    for (uint32_t id = 0; id < b->n; id++) {
        str bytes = {b->bytes + b->words[id].off, b->words[id].len}, name;
        if (bytes.len == 0) continue;
        TRY(name_of(&name, t, bytes, e));
        TRY(names_add(t, (int32_t)id, name, TOKEN_IS_MODEL, e));
        t->tokens[id].bytes = bytes;
    }
    return OK;
}

// An id behind the words that ends a text.
static status add_end(tokenizer *t, str name, err *e) {
    t->added = arena_array(&t->perm, added_token, 1);
    int32_t id = (int32_t)t->n - 1;
    if (t->tokens[id].flags) return OK;
    t->added[t->n_added++] = (added_token){.text = name, .id = id, .is_special = true};
    return names_add(t, id, name, TOKEN_IS_ADDED | TOKEN_IS_SPECIAL, e);
}

static status fill(tokenizer *t, str table, err *e) {
    TRY(bpe__open_table(&t->bpe, table, &t->perm, e));
    TRY(names_open(t, t->bpe->n, e));
    TRY(add_ids(t, e));
    if (t->n) TRY(add_end(t, STR("<|endoftext|>"), e));
    TRY(pre_add(t, (pre_op){.kind = PRE_GPT2}, e));
    t->keeps_bytes = t->decode.is_bytes = true;
    return load_finish(t, e);
}

status tokenizer_open_table(tokenizer **out, str table, err *e) {
    tokenizer *t;
    *out = NULL;
    TRY(load_new(&t, table.len, e));
    status s = fill(t, table, e);
    if (s)
        tokenizer_close(t);
    else
        *out = t;
    return s;
}

extern const char bpe__gpt2_table[], bpe__gpt2_table_end[];
static tokenizer *gpt2;

static void open_gpt2(void) {
    size_t len = (size_t)(bpe__gpt2_table_end - bpe__gpt2_table);
    CHECK(tokenizer_open_table(&gpt2, (str){bpe__gpt2_table, len}, NULL) == OK);
    CHECK(gpt2->n == TOKENIZER_GPT2_VOCAB);
}

const tokenizer *tokenizer_gpt2(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_gpt2);
    return gpt2;
}
