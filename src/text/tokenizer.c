// Text to ids: added tokens are cut out of the text, what is between them is normalized, searched
// for those added tokens that are normalized too, and cut into pieces for the model.
//
// Ids are written where the arena ends, and what steps write lies behind the room for all ids there
// can be, so nothing is copied at the end and only what is needed is touched.
//
//   Source    huggingface/tokenizers src/tokenizer/added_vocabulary.rs

#include "text/parts.h"

#include "base/utf8.h"
#include "text/split.h"

enum { IDS_PART = 4 };  // of the arena: one part in 4 is for the ids

static status add_id(encoding *x, int32_t id) {
    if (x->out.n == x->out.cap)
        return err_set(x->e, E_LIMIT, "no room for over %zu ids", x->out.cap);
    x->out.id[x->out.n++] = id;
    return OK;
}

// --- Added tokens in a text ---------------------------------------------------------------------

static bool is_word_at(str s, size_t at) {
    int32_t cp;
    if (at >= s.len) return false;
    unicode_at(&cp, s, at);
    return unicode_is_alphabetic_word(cp);
}

static bool is_word_before(str s, size_t at) {
    return at > 0 && is_word_at(s, at - unicode_before(s, at));
}

static size_t spaces_before(str s, size_t at, size_t least) {
    while (at > least) {
        int32_t cp;
        size_t len = unicode_before(s, at);
        unicode_at(&cp, s, at - len);
        if (!unicode_is_space(cp) || at - len < least) break;
        at -= len;
    }
    return at;
}

static size_t spaces_behind(str s, size_t at) {
    int32_t cp;
    for (size_t len; at < s.len && (len = unicode_at(&cp, s, at)) && unicode_is_space(cp);)
        at += len;
    return at;
}

typedef struct found {
    size_t from, to;  // white space that it takes counts; empty when another took all of it
    const added_token *token;
} found;

// The next added token at *at or behind it, which moves behind the match; what is in front of
// `least` is taken already.
static bool next_added(found *f, size_t *at, const added_set *set, str s, size_t least,
                       bool is_plain) {
    for (; *at < s.len; ++*at) {
        uint32_t value = 0;
        if (!set->trie.first[(unsigned char)s.ptr[*at]]) continue;
        size_t len = trie_longest(&value, &set->trie, s, *at);
        if (!len) continue;
        const added_token *a = &set->at[value];
        size_t from = *at, to = from + len;
        *at = to;
        bool glued = a->single_word && (is_word_before(s, from) || is_word_at(s, to));
        if ((is_plain && a->is_special) || glued) {
            --*at;
            continue;
        }
        if (a->lstrip) from = max_size(spaces_before(s, from, min_size(least, from)), least);
        if (a->rstrip) to = spaces_behind(s, to);
        *f = (found){from, to, a};
        return true;
    }
    return false;
}

// --- Encoding -----------------------------------------------------------------------------------

// A part of the text between those added tokens that are found before normalizing.
static status encode_part(encoding *x, str part, bool is_first, arena room) {
    const tokenizer *t = x->t;
    bool lost_head, is_plain = x->flags & TOKENIZER_PLAIN;
    size_t at = 0, done = 0;
    found f;
    TRY(norm_run(&part, t, part, &lost_head, &room, x->e));
    is_first &= !lost_head;
    while (t->normal.n && next_added(&f, &at, &t->normal, part, done, is_plain)) {
        if (done < f.from)
            TRY(pretok_run(x, (str){part.ptr + done, f.from - done}, is_first && done == 0, room));
        if (f.from < f.to) TRY(add_id(x, f.token->id));
        done = f.to;
    }
    return pretok_run(x, str_skip(part, done), is_first && done == 0, room);
}

static status encode_all(encoding *x, str text, arena room) {
    const tokenizer *t = x->t;
    bool is_plain = x->flags & TOKENIZER_PLAIN;
    size_t at = 0, done = 0;
    found f;
    while (t->raw.n && next_added(&f, &at, &t->raw, text, done, is_plain)) {
        if (done < f.from)
            TRY(encode_part(x, (str){text.ptr + done, f.from - done}, done == 0, room));
        if (f.from < f.to) TRY(add_id(x, f.token->id));
        done = f.to;
    }
    return done < text.len ? encode_part(x, str_skip(text, done), done == 0, room) : OK;
}

// U+FFFD for what is malformed.
static status clean(str *out, str s, arena *room, err *e) {
    size_t n = 0;
    *out = s;
    if (utf8_valid(s)) return OK;
    if (s.len > arena_room(room) / 3)
        return err_set(e, E_LIMIT, "no room to tokenize %zu bytes", s.len);
    char *to = (char *)room->base + room->used;
    while (s.len) {
        int32_t cp;
        size_t len = utf8_decode(&cp, s);
        if (cp == UTF8_BAD)
            n += utf8_encode(to + n, UTF8_REPLACEMENT);
        else
            memcpy(to + n, s.ptr, len), n += len;
        s = str_skip(s, len);
    }
    room->used += n;
    *out = (str){to, n};
    return OK;
}

static status encode(encoding *x, str text, arena room) {
    const tokenizer *t = x->t;
    bool adds = x->flags & TOKENIZER_SPECIAL;
    if (!t->keeps_bytes) TRY(clean(&text, text, &room, x->e));
    for (uint32_t i = 0; adds && i < t->n_before; i++)
        TRY(add_id(x, t->before[i]));
    TRY(encode_all(x, text, room));
    for (uint32_t i = 0; adds && i < t->n_after; i++)
        TRY(add_id(x, t->after[i]));
    return OK;
}

// Ids at the end of the arena, and behind the room for them what is by value.
static status begin(encoding *x, arena *room, const tokenizer *t, str text, unsigned flags,
                    const arena *a, err *e) {
    if (text.len > TOKENIZER_TEXT_MAX)
        return err_set(e, E_LIMIT, "text of %zu bytes to tokenize, limit %d", text.len,
                       TOKENIZER_TEXT_MAX);
    *room = *a;
    room->used = align_up(room->used, sizeof(uint64_t));
    if (room->used > room->reserve) return err_set(e, E_LIMIT, "no room to tokenize");
    size_t cap = arena_room(room) / IDS_PART / sizeof *x->out.id;
    *x = (encoding){t, {(int32_t *)(void *)(room->base + room->used), 0, cap}, flags, e};
    room->used += cap * sizeof *x->out.id;
    return OK;
}

static void keep(int32_t **ids, size_t *n, const encoding *x, arena *a) {
    *ids = x->out.id, *n = x->out.n;
    a->used = (size_t)((uint8_t *)(x->out.id + x->out.n) - a->base);
}

status tokenizer_encode(int32_t **ids, size_t *n, const tokenizer *t, str text, unsigned flags,
                        arena *a, err *e) {
    encoding x;
    arena room;
    *ids = NULL, *n = 0;
    TRY(begin(&x, &room, t, text, flags, a, e));
    TRY(encode(&x, text, room));
    keep(ids, n, &x, a);
    return OK;
}

// Whether pieces are GPT-2's and nothing else happens to a text.
static bool is_plain_gpt2(const tokenizer *t, unsigned flags) {
    bool has_added = false;
    for (uint32_t i = 0; i < t->n_added; i++)
        has_added |= !(flags & TOKENIZER_PLAIN && t->added[i].is_special);
    return t->keeps_bytes && t->n_pre == 1 && t->pre[0].kind == PRE_GPT2 && !has_added &&
           !(flags & TOKENIZER_SPECIAL);
}

status tokenizer_encode_part(int32_t **ids, size_t *n, size_t *used, const tokenizer *t, str text,
                             unsigned flags, arena *a, err *e) {
    encoding x;
    arena room;
    *ids = NULL, *n = 0, *used = 0;
    TRY(begin(&x, &room, t, text, flags, a, e));
    if (!is_plain_gpt2(t, flags)) return OK;
    for (str todo = text; todo.len;) {
        size_t len = split_gpt2(todo);
        if (len + SPLIT_LOOK_AHEAD > todo.len) break;
        TRY(bpe__encode(&x.out, t->bpe, str_first(todo, len), todo.ptr + todo.len, room, e));
        todo = str_skip(todo, len);
        *used += len;
    }
    keep(ids, n, &x, a);
    return OK;
}

void tokenizer_close(tokenizer *t) {
    if (!t) return;
    arena perm = t->perm;
    arena_close(&perm);
}
