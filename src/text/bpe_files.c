// Hugging Face's files of a GPT-2 tokenizer: tokenizer.json, or the older vocab.json + merges.txt.
//
// All there is to say about such a tokenizer is which of many components its file names; a table of
// rules lists the ones that GPT-2 has, and any other is refused by its name. Strings in the
// vocabulary are written with a printable character for each byte ("\u0120the" is " the"). Merges
// are kept as pairs, so that also a list whose order is not that of the ids is followed exactly.
// Rejected: matching added tokens in a text, as Hugging Face does (who may write the end of a text
// is the caller's decision); ignoring what is not known.
//
// `truncation` and `padding` are passed over: they shape batches, not ids.
//
// Source: github.com/huggingface/tokenizers 0.23, src/models/bpe, src/pre_tokenizers/byte_level.rs

#include "base/json_read.h"
#include "base/utf8.h"
#include "os/file.h"
#include "text/byte_chars.h"
#include "text/table.h"

#include <stdio.h>

enum { ID_ROOM = 32 };  // bytes of the arena for each id

// --- Which tokenizer it is ----------------------------------------------------------------------

typedef struct rule {
    const char *part, *key;  // part.key, or all of part
    bool may_lack;           // null or absent is right, too
    json_kind kind;
    const char *want;  // NULL: nothing but null
} rule;

static const rule rules[] = {
    {"normalizer", NULL, true, JSON_NULL, NULL},
    {"pre_tokenizer", "type", false, JSON_STRING, "ByteLevel"},
    {"pre_tokenizer", "add_prefix_space", false, JSON_BOOL, "false"},
    {"pre_tokenizer", "use_regex", true, JSON_BOOL, "true"},
    {"post_processor", "type", true, JSON_STRING, "ByteLevel"},
    {"decoder", "type", false, JSON_STRING, "ByteLevel"},
    {"model", "type", true, JSON_STRING, "BPE"},
    {"model", "dropout", true, JSON_NUMBER, "0"},
    {"model", "continuing_subword_prefix", true, JSON_STRING, ""},
    {"model", "end_of_word_suffix", true, JSON_STRING, ""},
    {"model", "byte_fallback", true, JSON_BOOL, "false"},
    {"model", "ignore_merges", true, JSON_BOOL, "false"},
};

// A string of the file as a message may hold it: its beginning, on one line.
typedef struct shown {
    char text[65];
} shown;

static shown show(str s) {
    shown out = {0};
    for (size_t i = 0; i < s.len && i + 1 < sizeof out.text; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        out.text[i] = c < ' ' || c == 0x7F ? '?' : s.ptr[i];
    }
    return out;
}

// A value to compare and to show: strings without quotes.
static str text_of(const json_value *v) {
    switch (v ? v->kind : JSON_NULL) {
    case JSON_NULL:
        return STR("null");
    case JSON_BOOL:
        return v->boolean ? STR("true") : STR("false");
    case JSON_NUMBER:
        return v->number == 0 ? STR("0") : STR("a number that is not 0");
    case JSON_STRING:
        return v->string;
    case JSON_ARRAY:
        return STR("an array");
    case JSON_OBJECT:
        break;
    }
    return STR("an object");
}

static status check_rule(const rule *r, const json_value *root, err *e) {
    const json_value *part = json_get(root, r->part), *v = r->key ? json_get(part, r->key) : part;
    bool lacks = !v || v->kind == JSON_NULL;
    str is = text_of(v);
    if (r->key && part && part->kind != JSON_NULL && part->kind != JSON_OBJECT)
        return err_set(e, E_FORMAT, "%s is no object", r->part);
    if (lacks ? r->may_lack : r->want && v->kind == r->kind && str_eq(is, str_of(r->want)))
        return OK;
    return err_set(e, E_UNSUPPORTED,
                   "%s%s%s is %s: only GPT-2's tokenizer is supported, where it is %s", r->part,
                   r->key ? "." : "", r->key ? r->key : "", show(is).text,
                   !r->want   ? "null"
                   : *r->want ? r->want
                              : "empty");
}

// --- Bytes as characters ------------------------------------------------------------------------

typedef struct token {
    char at[BPE_TOKEN_MAX];
    size_t len;
} token;

// Adds the bytes that `s` stands for. False when a character stands for none, or there are too
// many.
static bool add_bytes(token *t, str s) {
    while (s.len) {
        int32_t cp;
        s = str_skip(s, utf8_decode(&cp, s));
        int byte = bpe__byte_of(cp);
        if (byte < 0 || t->len == sizeof t->at) return false;
        t->at[t->len++] = (char)byte;
    }
    return true;
}

// The id of the word that `a` and `b` together stand for, or BPE__NONE.
static uint32_t find(const bpe *b, str left, str right) {
    token t = {.len = 0};
    if (!add_bytes(&t, left) || !add_bytes(&t, right) || t.len == 0) return BPE__NONE;
    return bpe__find(b, t.at, t.len, t.at + t.len);
}

// --- Ids ----------------------------------------------------------------------------------------

typedef struct entry {
    str text;
    bool is_set, is_special;
    bool is_added;  // written plainly, and no word
} entry;
_Static_assert(sizeof(entry) <= ID_ROOM, "the arena has room");

typedef struct ids {
    entry *at;
    size_t n, cap, n_bytes;
} ids;

static status set_id(ids *to, const json_value *id, entry x, err *e) {
    int64_t v;
    if (!json_is_int(&v, id) || v < 0)
        return err_set(e, E_FORMAT, "the id of \"%s\" is no whole number", show(x.text).text);
    if ((uint64_t)v >= to->cap)
        return err_set(e, E_LIMIT, "id %lld, limit %zu", (long long)v, to->cap - 1);
    entry *old = &to->at[v];
    if (old->is_set && (!x.is_added || !str_eq(old->text, x.text)))
        return err_set(e, E_FORMAT, "id %lld stands for \"%s\" and \"%s\"", (long long)v,
                       show(old->text).text, show(x.text).text);
    if (old->is_set) x.is_added = old->is_added;  // a word that is listed as added, too
    x.is_set = true;
    *old = x;
    to->n = max_size(to->n, (size_t)v + 1);
    to->n_bytes += x.text.len;
    return OK;
}

static status read_ids(ids *to, const json_value *vocab, const json_value *added, err *e) {
    if (!vocab || vocab->kind != JSON_OBJECT)
        return err_set(e, E_FORMAT, "the vocabulary is no object of ids");
    if (added && added->kind != JSON_ARRAY && added->kind != JSON_NULL)
        return err_set(e, E_FORMAT, "added_tokens is no array");
    for (uint32_t i = 0; i < vocab->n; i++)
        TRY(set_id(to, &vocab->items[i], (entry){.text = vocab->items[i].key}, e));
    for (uint32_t i = 0; added && added->kind == JSON_ARRAY && i < added->n; i++) {
        const json_value *t = &added->items[i];
        entry x = {.is_added = true};
        if (!json_is_str(&x.text, json_get(t, "content")))
            return err_set(e, E_FORMAT, "added token %u has no content", i);
        (void)json_is_bool(&x.is_special, json_get(t, "special"));
        TRY(set_id(to, json_get(t, "id"), x, e));
    }
    return OK;
}

static status add_id(bpe *b, const entry *x, err *e) {
    token t = {.len = 0};
    if (!x->is_set || x->is_special) return bpe__add(b, (str){0}, false, e);
    bool is_word = !x->is_added && add_bytes(&t, x->text);
    return bpe__add(b, is_word ? (str){t.at, t.len} : x->text, is_word, e);
}

// --- Merges -------------------------------------------------------------------------------------

static status add_merge(bpe *b, str left, str right, err *e) {
    uint32_t l = find(b, left, (str){0}), r = find(b, (str){0}, right), id = find(b, left, right);
    if (l == BPE__NONE || r == BPE__NONE || id == BPE__NONE)
        return err_set(e, E_FORMAT, "merge %u: \"%s\", \"%s\" or both together are no tokens",
                       b->n_merges, show(left).text, show(right).text);
    return bpe__merge(b, l, r, id, e);
}

static status add_merge_line(bpe *b, str line, err *e) {
    str left = str_cut(&line, ' ');
    return add_merge(b, left, line, e);
}

// "a b" or ["a", "b"].
static status add_merge_value(bpe *b, const json_value *v, err *e) {
    str left, right;
    if (json_is_str(&left, v)) return add_merge_line(b, left, e);
    if (v->kind != JSON_ARRAY || v->n != 2 || !json_is_str(&left, &v->items[0]) ||
        !json_is_str(&right, &v->items[1]))
        return err_set(e, E_FORMAT, "merge %u is neither \"a b\" nor [\"a\", \"b\"]", b->n_merges);
    return add_merge(b, left, right, e);
}

// The merges of merges.txt: a line each, after a line that begins with "#version".
static status add_merge_lines(bpe *b, str text, err *e) {
    for (bool is_first = true; text.len; is_first = false) {
        str line = str_cut(&text, '\n');
        if (str_ends(line, STR("\r"))) line.len--;
        if (line.len == 0 || (is_first && str_starts(line, STR("#version")))) continue;
        TRY(add_merge_line(b, line, e));
    }
    return OK;
}

static size_t count_lines(str s) {
    size_t n = 0;
    for (; s.len; n++)
        str_cut(&s, '\n');
    return n;
}

// --- Files --------------------------------------------------------------------------------------

// What both forms come to.
typedef struct parts {
    const json_value *vocab, *added;
    const json_value *merges;  // or NULL,
    str merge_lines;           // and these
} parts;

static status fill(bpe *b, const parts *p, const ids *all, err *e) {
    for (size_t i = 0; i < all->n; i++)
        TRY(add_id(b, &all->at[i], e));
    for (uint32_t i = 0; p->merges && i < p->merges->n; i++)
        TRY(add_merge_value(b, &p->merges->items[i], e));
    TRY(add_merge_lines(b, p->merge_lines, e));
    return bpe__seal_bytes(b, e);
}

static status build(bpe **out, const parts *p, arena *a, err *e) {
    ids all = {.cap = BPE_VOCAB_MAX};
    all.at = arena_try_array(a, all.cap, sizeof *all.at);
    if (!all.at) return err_set(e, E_MEMORY, "no memory for a vocabulary");
    TRY(read_ids(&all, p->vocab, p->added, e));
    if (p->merges && p->merges->kind != JSON_ARRAY)
        return err_set(e, E_FORMAT, "the merges are no array");
    size_t n_merges = p->merges ? p->merges->n : count_lines(p->merge_lines);
    bpe *b = NULL;
    TRY(bpe__new(&b, all.n, all.n_bytes, n_merges, e));
    status s = fill(b, p, &all, e);
    if (s)
        bpe_close(b);
    else
        *out = b;
    return s;
}

static status open_tokenizer(bpe **out, str text, arena *a, err *e) {
    const json_value *root, *model;
    TRY(json_read(&root, text, a, e));
    for (size_t i = 0; i < countof(rules); i++)
        TRY(check_rule(&rules[i], root, e));
    model = json_get(root, "model");
    parts p = {
        json_get(model, "vocab"), json_get(root, "added_tokens"), json_get(model, "merges"), {0}};
    if (!p.merges) return err_set(e, E_FORMAT, "model.merges is missing");
    return build(out, &p, a, e);
}

// The end of a text, which GPT-2's older files name only in the program that reads them.
static const char eot[] = "[{\"id\":%lld,\"content\":\"<|endoftext|>\",\"special\":true}]";

static status open_lists(bpe **out, str vocab, str merges, arena *a, err *e) {
    parts p = {.merge_lines = merges};
    TRY(json_read(&p.vocab, vocab, a, e));
    int64_t id;
    if (json_is_int(&id, json_get(p.vocab, "<|endoftext|>")))
        TRY(json_read(&p.added, arena_fmt(a, eot, (long long)id), a, e));
    return build(out, &p, a, e);
}

static status open_text(bpe **out, str text, const str *merges, err *e) {
    arena a;
    *out = NULL;
    if (text.len > BPE_TOKENIZER_MAX || (merges && merges->len > BPE_TOKENIZER_MAX))
        return err_set(e, E_LIMIT, "over %d bytes, no tokenizer", BPE_TOKENIZER_MAX);
    size_t room = json_read_arena(text.len) + (size_t)BPE_VOCAB_MAX * ID_ROOM + (1 << 20);
    TRY(arena_open(&a, room, e));
    status s = merges ? open_lists(out, text, *merges, &a, e) : open_tokenizer(out, text, &a, e);
    arena_close(&a);
    return s;
}

status bpe_open_json_text(bpe **out, str text, err *e) {
    return open_text(out, text, NULL, e);
}

status bpe_open_lists_text(bpe **out, str vocab, str merges, err *e) {
    return open_text(out, vocab, &merges, e);
}

status bpe_open_json(bpe **out, const char *path, err *e) {
    os_map m;
    *out = NULL;
    TRY(os_map_open(&m, path, OS_MAP_SEQUENTIAL, e));
    status s = bpe_open_json_text(out, os_map_str(&m), e);
    os_map_close(&m);
    return s ? err_in(e, "%s", path) : OK;
}

static status open_list_files(bpe **out, const char *vocab, const char *merges, err *e) {
    os_map v, m;
    TRY(os_map_open(&v, vocab, OS_MAP_SEQUENTIAL, e));
    status s = os_map_open(&m, merges, OS_MAP_SEQUENTIAL, e);
    if (!s) {
        s = bpe_open_lists_text(out, os_map_str(&v), os_map_str(&m), e);
        if (s) err_in(e, "%s and merges.txt", vocab);
        os_map_close(&m);
    }
    os_map_close(&v);
    return s;
}

status bpe_open_folder(bpe **out, const char *folder, err *e) {
    char path[3][OS_PATH_MAX];
    static const char *const name[] = {"tokenizer.json", "vocab.json", "merges.txt"};
    os_file_stat st;
    *out = NULL;
    for (size_t i = 0; i < countof(name); i++)
        if (snprintf(path[i], sizeof path[i], "%s/%s", folder, name[i]) >= OS_PATH_MAX)
            return err_set(e, E_LIMIT, "a path of over %d bytes", OS_PATH_MAX);
    if (!os_stat(&st, path[0], NULL)) return bpe_open_json(out, path[0], e);
    if (!os_stat(&st, path[1], NULL)) return open_list_files(out, path[1], path[2], e);
    return err_set(e, E_NOT_FOUND, "%s: neither tokenizer.json nor vocab.json is in it", folder);
}
