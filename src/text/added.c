// Ids by their names, and added tokens: which texts they are, and whether the normalizers go first.

#include "text/parts.h"

enum { NAME_PROBES_MAX = 512 };

static uint64_t name_hash(str s) {
    return str_hash(s, 0x70617274u);
}

status names_open(tokenizer *t, size_t n, err *e) {
    unsigned log2 = 4;
    if (n > TOKENIZER_VOCAB_MAX)
        return err_set(e, E_LIMIT, "%zu ids, limit %d", n, TOKENIZER_VOCAB_MAX);
    while ((size_t)1 << log2 < 2 * n)
        log2++;
    t->n = (uint32_t)n;
    t->name_shift = 64 - log2;
    t->tokens = arena_try_array(&t->perm, n + 1, sizeof *t->tokens);
    t->name_slots = arena_try_array(&t->perm, (size_t)1 << log2, sizeof *t->name_slots);
    return t->tokens && t->name_slots ? OK : err_set(e, E_MEMORY, "no memory for %zu ids", n);
}

status names_add(tokenizer *t, int32_t id, str name, uint32_t flags, err *e) {
    size_t mask = ~(size_t)0 >> t->name_shift, first = name_hash(name) >> t->name_shift;
    token *k = &t->tokens[id];
    if (name.len > TOKENIZER_TOKEN_MAX)
        return err_set(e, E_LIMIT, "id %d has %zu bytes, limit %d", id, name.len,
                       TOKENIZER_TOKEN_MAX);
    k->name = k->bytes = name;
    k->flags |= flags | TOKEN_IS_SET;
    for (size_t i = 0; i < NAME_PROBES_MAX; i++) {
        uint32_t *slot = &t->name_slots[(first + i) & mask];
        if (*slot && !str_eq(t->tokens[*slot - 1].name, name)) continue;
        if (!*slot) *slot = (uint32_t)id + 1;
        return OK;
    }
    return err_set(e, E_LIMIT, "over %d tokens collide", NAME_PROBES_MAX);
}

int32_t tokenizer_id(const tokenizer *t, str name) {
    size_t mask = ~(size_t)0 >> t->name_shift;
    uint32_t slot;
    for (size_t i = name_hash(name) >> t->name_shift; (slot = t->name_slots[i & mask]); i++)
        if (str_eq(t->tokens[slot - 1].name, name)) return (int32_t)slot - 1;
    return -1;
}

// --- Added tokens -------------------------------------------------------------------------------

static str found_text(const tokenizer *t, const added_token *a, arena *room, err *e, status *s) {
    bool lost;
    str out = a->text;
    *s = a->normalized ? norm_run(&out, t, a->text, &lost, room, e) : OK;
    return out;
}

static status fill_set(added_set *set, tokenizer *t, bool normalized, arena scratch, err *e) {
    size_t bytes = 0;
    str *text = arena_try_array(&scratch, t->n_added + 1, sizeof *text);
    status s;
    if (!text) return err_set(e, E_MEMORY, "no memory for %u added tokens", t->n_added);
    for (uint32_t i = 0; i < t->n_added; i++) {
        if (t->added[i].normalized != normalized) continue;
        text[i] = found_text(t, &t->added[i], &scratch, e, &s);
        if (s) return s;
        bytes += text[i].len;
        set->n++;
    }
    set->at = t->added;
    TRY(trie_init(&set->trie, bytes, &t->perm, e));
    // Special ones first: of two that the normalizers make equal, the first is found.
    for (int special = 1; special >= 0; special--)
        for (uint32_t i = 0; i < t->n_added; i++)
            if (t->added[i].normalized == normalized && t->added[i].is_special == special)
                TRY(trie_add(&set->trie, text[i], i, e));
    return OK;
}

status added_open(tokenizer *t, err *e) {
    arena scratch;
    TRY(arena_open(&scratch, (size_t)1 << 30, e));
    status s = fill_set(&t->raw, t, false, scratch, e);
    if (!s) s = fill_set(&t->normal, t, true, scratch, e);
    arena_close(&scratch);
    return s;
}
