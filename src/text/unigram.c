// Unigram: the way through a text whose tokens' scores (logarithms of how likely they are) add up
// to most (Kudo 2018). One pass forward keeps for each place the best token that ends there.
//
//   Source    huggingface/tokenizers src/models/unigram/model.rs, encode_optimized; of equal sums
//             the first that is found stays, and what is no token costs 10 more than the worst one

#include "text/parts.h"

enum { FUSED = -1 };

struct unigram {
    trie trie;
    const double *score;
    double unknown_score;
    int64_t unknown;  // -1: none
    bool has_fallback;
    int32_t fallback[256];
    const tokenizer *t;
};

typedef struct step {
    double score;
    uint32_t from;  // UINT32_MAX: nothing ends here
    int32_t id;
} step;

status unigram_open(unigram **out, tokenizer *t, const double *scores, int64_t unknown,
                    bool has_fallback, err *e) {
    unigram *u = arena_new(&t->perm, unigram);
    size_t bytes = 0;
    double least = 0;
    bool is_first = true;
    *u = (unigram){.score = scores, .unknown = unknown, .has_fallback = has_fallback, .t = t};
    for (uint32_t i = 0; i < t->n; i++)
        if (t->tokens[i].flags & TOKEN_IS_MODEL) bytes += t->tokens[i].name.len;
    TRY(trie_init(&u->trie, bytes, &t->perm, e));
    for (uint32_t i = 0; i < t->n; i++) {
        if (!(t->tokens[i].flags & TOKEN_IS_MODEL)) continue;
        if (is_first || scores[i] < least) least = scores[i];
        is_first = false;
        TRY(trie_add(&u->trie, t->tokens[i].name, i, e));
    }
    u->unknown_score = least - 10.0;
    for (int b = 0; b < 256; b++) {
        static const char hex[] = "0123456789ABCDEF";
        char name[] = {'<', '0', 'x', hex[b >> 4], hex[b & 15], '>'};
        u->fallback[b] = tokenizer_id(t, (str){name, sizeof name});
    }
    *out = u;
    return OK;
}

static void offer(step *to, double score, size_t from, int32_t id) {
    if (to->from == UINT32_MAX || score > to->score) *to = (step){score, (uint32_t)from, id};
}

static status forward(step *steps, const unigram *u, str s, err *e) {
    for (size_t at = 0, len; at < s.len; at += len) {
        int32_t cp;
        bool has_single = false;
        uint32_t node = 0;
        len = unicode_at(&cp, s, at);
        for (size_t i = at; i < s.len; i++) {
            node = trie_step(&u->trie, node, (unsigned char)s.ptr[i]);
            if (!node) break;
            uint32_t id = u->trie.value[node];
            if (id == TRIE_NONE) continue;
            offer(&steps[i + 1], u->score[id] + steps[at].score, at, (int32_t)id);
            has_single |= i + 1 - at == len;
        }
        if (has_single) continue;
        if (u->unknown < 0)
            return err_set(e, E_FORMAT, "model.unk_id is null, and a character is no token");
        offer(&steps[at + len], u->unknown_score + steps[at].score, at, (int32_t)u->unknown);
    }
    return OK;
}

static status push(bpe_out *out, int32_t id, err *e) {
    if (out->n == out->cap) return err_set(e, E_LIMIT, "no room for over %zu ids", out->cap);
    out->id[out->n++] = id;
    return OK;
}

// What one step, or several unknown ones together, come to.
static status add_token(bpe_out *out, const unigram *u, str text, int32_t id, err *e) {
    bool falls_back = u->has_fallback && id == u->unknown;
    if (id == u->unknown) {  // what is unknown may be a token's name when it stands together
        int32_t whole = tokenizer_id(u->t, text);
        if (whole >= 0 && u->t->tokens[whole].flags & TOKEN_IS_MODEL) return push(out, whole, e);
    }
    for (size_t i = 0; i < text.len && falls_back; i++)
        falls_back = u->fallback[(unsigned char)text.ptr[i]] >= 0;
    if (!falls_back) return push(out, id, e);
    for (size_t i = 0; i < text.len; i++)
        TRY(push(out, u->fallback[(unsigned char)text.ptr[i]], e));
    return OK;
}

status unigram_encode(bpe_out *out, const unigram *u, str s, arena scratch, err *e) {
    step *steps = arena_try_array(&scratch, s.len + 1, sizeof *steps);
    if (!steps || s.len >= UINT32_MAX)
        return err_set(e, E_LIMIT, "no room to tokenize %zu bytes", s.len);
    for (size_t i = 0; i <= s.len; i++)
        steps[i].from = UINT32_MAX;
    TRY(forward(steps, u, s, e));
    // Turned round: `from` of each place on the way becomes where the next token ends.
    size_t end = s.len, next = s.len;
    int32_t id = FUSED;
    while (end > 0) {
        size_t from = steps[end].from;
        int32_t mine = steps[end].id;
        steps[end].from = (uint32_t)next, steps[end].id = id;
        next = end, id = mine, end = from;
    }
    for (size_t from = 0; from < s.len;) {
        size_t to = next;
        int32_t mine = id;
        for (;;) {
            next = steps[to].from, id = steps[to].id;
            if (to == s.len || mine != u->unknown || id != mine) break;
            to = next;
        }
        TRY(add_token(out, u, (str){s.ptr + from, to - from}, mine, e));
        from = to;
    }
    return OK;
}
