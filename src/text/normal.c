// Normalisers: each makes a text of a text. Most texts pass through without a copy.

#include "text/parts.h"

#include "base/utf8.h"
#include "text/byte_chars.h"

// Writes of unknown length, at the end of an arena: what was written is taken, nothing is zeroed.
typedef struct writer {
    arena *a;
    char *at;
    size_t len, room;
    bool failed;
} writer;

static writer writer_open(arena *a) {
    size_t at = align_up(a->used, 16);
    size_t room = at < a->reserve ? a->reserve - at : 0;
    return (writer){a, (char *)a->base + at, 0, room, false};
}

static void put(writer *w, str s) {
    if (s.len > w->room - w->len) {
        w->failed = true;
        return;
    }
    if (s.len) memcpy(w->at + w->len, s.ptr, s.len);
    w->len += s.len;
}

static void put_char(writer *w, int32_t cp) {
    char bytes[UTF8_MAX];
    put(w, (str){bytes, utf8_encode(bytes, cp)});
}

static status writer_close(str *out, writer *w, err *e) {
    if (w->failed) return err_set(e, E_LIMIT, "no room to normalize a text");
    w->a->used = (size_t)((uint8_t *)w->at - w->a->base) + w->len;
    *out = (str){w->at, w->len};
    return OK;
}

static status lowercase(str *out, str s, arena *a, err *e) {
    writer w = writer_open(a);
    for (size_t at = 0; at < s.len;) {
        int32_t cp;
        at += unicode_at(&cp, s, at);
        put_char(&w, cp == 0x130 ? 'i' : unicode_lower(cp));
        if (cp == 0x130) put_char(&w, 0x307);
    }
    return writer_close(out, &w, e);
}

static str strip(str s, bool left, bool right) {
    int32_t cp;
    for (size_t len; left && s.len && (len = unicode_at(&cp, s, 0)) && unicode_is_space(cp);)
        s = str_skip(s, len);
    while (right && s.len) {
        size_t len = unicode_before(s, s.len);
        unicode_at(&cp, s, s.len - len);
        if (!unicode_is_space(cp)) break;
        s.len -= len;
    }
    return s;
}

static status strip_accents(str *out, str s, arena *a, err *e) {
    writer w = writer_open(a);
    for (size_t at = 0; at < s.len;) {
        int32_t cp;
        at += unicode_at(&cp, s, at);
        if (!(unicode_category_bit(cp) & UNICODE_MARK)) put_char(&w, cp);
    }
    return writer_close(out, &w, e);
}

// Nmt: control characters go, what counts as white space becomes a space.
static int32_t nmt(int32_t cp) {
    static const struct {
        int32_t lo, hi, to;
    } map[] = {{1, 8, -1},
               {0x9, 0xA, ' '},
               {0xB, 0xB, -1},
               {0xC, 0xD, ' '},
               {0xE, 0x1F, -1},
               {0x7F, 0x7F, -1},
               {0x8F, 0x8F, -1},
               {0x9F, 0x9F, -1},
               {0x1680, 0x1680, ' '},
               {0x200B, 0x200F, ' '},
               {0x2028, 0x2029, ' '},
               {0x2581, 0x2581, ' '},
               {0xFEFF, 0xFEFF, ' '},
               {0xFFFD, 0xFFFD, ' '}};
    for (size_t i = 0; i < countof(map); i++)
        if (cp >= map[i].lo && cp <= map[i].hi) return map[i].to;
    return cp;
}

static status normalize_nmt(str *out, str s, arena *a, err *e) {
    writer w = writer_open(a);
    for (size_t at = 0; at < s.len;) {
        int32_t cp;
        at += unicode_at(&cp, s, at);
        if ((cp = nmt(cp)) >= 0) put_char(&w, cp);
    }
    return writer_close(out, &w, e);
}

// Room for the text written and for the search is one arena: the search has its upper half.
static status replace(str *out, const norm_op *op, str s, arena *a, err *e) {
    regex_run r;
    bool found;
    arena low = *a, high = *a;
    low.reserve = a->used + (a->reserve - a->used) / 2;
    high.used = low.reserve;
    writer w = writer_open(&low);
    size_t start = 0, end = 0, from = 0;
    regex_run_init(&r, op->re, s, high);
    for (;;) {
        TRY(regex_next(&start, &end, &found, &r, e));
        if (!found) break;
        put(&w, (str){s.ptr + from, start - from});
        put(&w, op->content);
        from = end;
    }
    *out = s;
    if (w.len == 0 && from == 0 && !w.failed) return OK;
    put(&w, str_skip(s, from));
    TRY(writer_close(out, &w, e));
    a->used = low.used;
    return OK;
}

static status prepend_text(str *out, str head, str s, arena *a, err *e) {
    writer w = writer_open(a);
    put(&w, head);
    put(&w, s);
    return writer_close(out, &w, e);
}

status bytes_as_chars(str *out, str s, arena *a, err *e) {
    writer w = writer_open(a);
    for (size_t i = 0; i < s.len; i++)
        put_char(&w, bpe__char_of((unsigned char)s.ptr[i]));
    return writer_close(out, &w, e);
}

static status run_op(str *s, const norm_op *op, bool *lost_head, arena *a, err *e) {
    str kept;
    switch (op->kind) {
    case NORM_FORM:
        return unicode_normal(s, *s, op->form, a, e);
    case NORM_LOWERCASE:
        return lowercase(s, *s, a, e);
    case NORM_STRIP:
        kept = strip(*s, op->left, op->right);
        *lost_head |= kept.ptr != s->ptr;
        *s = kept;
        return OK;
    case NORM_STRIP_ACCENTS:
        return strip_accents(s, *s, a, e);
    case NORM_REPLACE:
        return replace(s, op, *s, a, e);
    case NORM_PREPEND:
        return s->len ? prepend_text(s, op->content, *s, a, e) : OK;
    case NORM_NMT:
        return normalize_nmt(s, *s, a, e);
    case NORM_BYTES:
        return bytes_as_chars(s, *s, a, e);
    }
    return OK;
}

status norm_run(str *out, const tokenizer *t, str s, bool *lost_head, arena *a, err *e) {
    *lost_head = false;
    for (uint32_t i = 0; i < t->n_norm; i++)
        TRY(run_op(&s, &t->norm[i], lost_head, a, e));
    *out = s;
    return OK;
}

status norm_add(tokenizer *t, norm_op op, err *e) {
    if (t->n_norm == PARTS_MAX) return err_set(e, E_LIMIT, "over %d normalizers", PARTS_MAX);
    t->norm[t->n_norm++] = op;
    return OK;
}
