// Pre-tokenisers: a text is cut into pieces, each of which the model sees alone.
//
// A piece goes through all of them before the next one is cut, so that no list of pieces is kept
// and memory does not depend on how many there are. What a step writes (a mark in front, bytes as
// characters) lies in an arena by value and is gone with the piece.

#include "text/parts.h"

#include "base/utf8.h"
#include "text/split.h"

// What a step cuts off one after another: the parts of a text, those that match and those between.
typedef struct cutter {
    const pre_op *op;
    str text;
    size_t at;
    regex_run run;      // of SPLIT
    size_t start, end;  // of its next match
    bool has_match, is_done;
} cutter;

typedef struct part {
    size_t from, to;
    bool is_match;
} part;

static bool class_at(const pre_op *op, str s, size_t at, size_t *len) {
    int32_t cp;
    *len = unicode_at(&cp, s, at);
    return op->is_in ? op->is_in(cp) : cp == op->mark;
}

static void next_of_class(cutter *c, part *p) {
    size_t len, to = c->at;
    bool is_in = false;
    while (to < c->text.len && !(is_in = class_at(c->op, c->text, to, &len)))
        to += len;
    if (to == c->at && is_in) {
        *p = (part){to, to + len, true};
        return;
    }
    *p = (part){c->at, to, false};
}

static status next_of_regex(cutter *c, part *p, err *e) {
    if (!c->has_match && !c->is_done) {
        TRY(regex_next(&c->start, &c->end, &c->has_match, &c->run, e));
        c->is_done = !c->has_match;
    }
    *p = (part){c->at, c->is_done ? c->text.len : c->start, false};
    if (c->has_match && c->at == c->start) {
        *p = (part){c->start, c->end, true};
        c->has_match = false;
    }
    return OK;
}

// False at the end. Parts may be empty.
static status next_part(cutter *c, part *p, bool *more, err *e) {
    *more = c->at < c->text.len || c->has_match;
    if (!*more) return OK;
    if (c->op->kind == PRE_SPLIT)
        TRY(next_of_regex(c, p, e));
    else
        next_of_class(c, p);
    c->at = p->to;
    if (c->op->invert) p->is_match = !p->is_match;
    return OK;
}

// Whether the part behind `last` (which was what is_match says of it) belongs to the same piece.
static bool joins(split_how how, bool last_is_match, bool is_match) {
    switch (how) {
    case SPLIT_CONTIGUOUS:
        return last_is_match == is_match;
    case SPLIT_PREVIOUS:
        return is_match && !last_is_match;
    case SPLIT_NEXT:
        return last_is_match && !is_match;
    case SPLIT_ISOLATED:
    case SPLIT_REMOVED:
        break;
    }
    return false;
}

static status run(encoding *x, uint32_t k, str text, const char *end, bool is_first, arena room);

// One piece goes on to the step behind k.
static status pass(encoding *x, uint32_t k, str text, part p, bool is_first, const arena *room) {
    if (p.from == p.to) return OK;
    str piece = {text.ptr + p.from, p.to - p.from};
    return run(x, k + 1, piece, text.ptr + text.len, is_first && p.from == 0, *room);
}

static status run_split(encoding *x, uint32_t k, str text, bool is_first, arena room) {
    const pre_op *op = &x->t->pre[k];
    cutter c = {.op = op, .text = text};
    part p = {0}, held = {0};
    bool more, is_held = false;
    if (op->kind == PRE_SPLIT) regex_run_init(&c.run, op->re, text, room);
    const arena *rest = op->kind == PRE_SPLIT ? &c.run.room : &room;
    for (;;) {
        TRY(next_part(&c, &p, &more, x->e));
        if (!more) break;
        if (op->how == SPLIT_REMOVED && p.is_match) continue;
        if (is_held && joins(op->how, held.is_match, p.is_match)) {
            held.to = p.to;
            held.is_match = p.is_match;
            continue;
        }
        if (is_held) TRY(pass(x, k, text, held, is_first, rest));
        held = p;
        is_held = true;
    }
    return is_held ? pass(x, k, text, held, is_first, rest) : OK;
}

static status run_gpt2(encoding *x, uint32_t k, str text, bool is_first, arena room) {
    for (size_t at = 0, len; at < text.len; at += len) {
        len = split_gpt2(str_skip(text, at));
        TRY(pass(x, k, text, (part){at, at + len, true}, is_first, &room));
    }
    return OK;
}

// White space goes; what is of words and what is not are pieces.
static status run_words(encoding *x, uint32_t k, str text, bool is_first, arena room) {
    enum { SPACE, WORD, OTHER } last = SPACE, now;
    size_t from = 0;
    for (size_t at = 0, len; at < text.len; at += len) {
        int32_t cp;
        len = unicode_at(&cp, text, at);
        now = unicode_is_alphabetic_word(cp) ? WORD : unicode_is_space(cp) ? SPACE : OTHER;
        if (now == last) continue;
        if (last != SPACE) TRY(pass(x, k, text, (part){from, at, true}, is_first, &room));
        last = now;
        from = at;
    }
    return last == SPACE ? OK : pass(x, k, text, (part){from, text.len, true}, is_first, &room);
}

static status no_room(const encoding *x, size_t len) {
    return err_set(x->e, E_LIMIT, "no room to cut a text of %zu bytes", len);
}

// Where the next word ends: in front of a mark that is not at its beginning.
static size_t word_end(str s, str mark) {
    size_t skip = str_starts(s, mark) ? mark.len : 0;
    return skip + str_find(str_skip(s, skip), mark);
}

static status run_metaspace(encoding *x, uint32_t k, str text, bool is_first, arena room) {
    const pre_op *op = &x->t->pre[k];
    str mark = op->mark_text;
    bool has_head = (text.len && text.ptr[0] == ' ') || str_starts(text, mark);
    bool adds =
        !has_head && (op->prepend == PREPEND_ALWAYS || (op->prepend == PREPEND_FIRST && is_first));
    char *to = (char *)room.base + room.used;
    size_t n = 0, left = arena_room(&room);
    if (text.len > left / UTF8_MAX - 1 || left < 2 * UTF8_MAX) return no_room(x, text.len);
    if (adds) memcpy(to, mark.ptr, mark.len), n = mark.len;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == ' ')
            memcpy(to + n, mark.ptr, mark.len), n += mark.len;
        else
            to[n++] = text.ptr[i];
    room.used += n;
    str marked = {to, n};
    for (size_t at = 0, len; at < n; at += len) {
        len = op->splits ? word_end(str_skip(marked, at), mark) : n;
        TRY(pass(x, k, marked, (part){at, at + len, true}, is_first, &room));
    }
    return OK;
}

static status run_space_first(encoding *x, uint32_t k, str text, bool is_first, arena room) {
    if (text.ptr[0] == ' ') return pass(x, k, text, (part){0, text.len, true}, is_first, &room);
    if (text.len + 1 > arena_room(&room)) return no_room(x, text.len);
    char *to = (char *)room.base + room.used;
    to[0] = ' ';
    memcpy(to + 1, text.ptr, text.len);
    room.used += text.len + 1;
    return pass(x, k, (str){to, text.len + 1}, (part){0, text.len + 1, true}, is_first, &room);
}

static status run(encoding *x, uint32_t k, str text, const char *end, bool is_first, arena room) {
    const tokenizer *t = x->t;
    if (k == t->n_pre)
        return t->bpe ? bpe__encode(&x->out, t->bpe, text, end, room, x->e)
                      : unigram_encode(&x->out, t->unigram, text, room, x->e);
    switch (t->pre[k].kind) {
    case PRE_SPLIT:
    case PRE_CLASS:
        return run_split(x, k, text, is_first, room);
    case PRE_GPT2:
        return run_gpt2(x, k, text, is_first, room);
    case PRE_WORDS:
        return run_words(x, k, text, is_first, room);
    case PRE_METASPACE:
        return run_metaspace(x, k, text, is_first, room);
    case PRE_SPACE_FIRST:
        return run_space_first(x, k, text, is_first, room);
    case PRE_BYTES:
        TRY(bytes_as_chars(&text, text, &room, x->e));
        return pass(x, k, text, (part){0, text.len, true}, is_first, &room);
    }
    return OK;
}

status pretok_run(encoding *x, str text, bool is_first, arena room) {
    return text.len ? run(x, 0, text, text.ptr + text.len, is_first, room) : OK;
}

status pre_add(tokenizer *t, pre_op op, err *e) {
    if (t->n_pre == PARTS_MAX) return err_set(e, E_LIMIT, "over %d pre-tokenizers", PARTS_MAX);
    t->pre[t->n_pre++] = op;
    return OK;
}
