// Components of a tokenizer.json: each kind is a row of a table with the fields it may have.
//
// What is not in a table is refused by its name, and so is a field of what is. A sequence is
// flattened; its components run in its order.
//
//   Source    huggingface/tokenizers src/{normalizers,pre_tokenizers,processors,decoders}

#include "text/load.h"

#include "base/utf8.h"
#include "text/byte_chars.h"

typedef struct loader {
    tokenizer *t;
    const json_value *v;  // the component
    err *e;
    bool is_bpe, has_bytes;
    int depth;
    // of a decoder
    bool has_fuse;
} loader;

typedef struct row {
    const char *type;
    const char *fields[8];  // that it may have, "type" aside
    status (*load)(loader *l);
} row;

enum { DEPTH_MAX = 8 };

load_shown load_show(str s) {
    load_shown out = {0};
    for (size_t i = 0; i < s.len && i + 1 < sizeof out.text; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        out.text[i] = c < ' ' || c == 0x7F ? '?' : s.ptr[i];
    }
    return out;
}

static status check_fields(const loader *l, const row *r, const char *what) {
    for (uint32_t i = 0; i < l->v->n; i++) {
        str key = l->v->items[i].key;
        bool is_known = str_eq(key, STR("type"));
        for (size_t k = 0; k < countof(r->fields) && r->fields[k]; k++)
            is_known |= str_eq(key, str_of(r->fields[k]));
        if (!is_known)
            return err_set(l->e, E_UNSUPPORTED, "%s %s: field %s is not supported", what, r->type,
                           load_show(key).text);
    }
    return OK;
}

// Loads one component, or each of a sequence, whose items are under `list`.
static status load_any(loader *l, const char *what, const row *rows, size_t n, const char *list) {
    str type;
    const json_value *v = l->v;
    if (v->kind != JSON_OBJECT || !json_is_str(&type, json_get(v, "type")))
        return err_set(l->e, E_FORMAT, "%s: no object with a type", what);
    if (str_eq(type, STR("Sequence"))) {
        const json_value *items = json_get(v, list);
        if (!items || items->kind != JSON_ARRAY || ++l->depth > DEPTH_MAX)
            return err_set(l->e, E_FORMAT, "%s Sequence: no %s, or too deep", what, list);
        for (uint32_t i = 0; i < items->n; i++) {
            l->v = &items->items[i];
            TRY(load_any(l, what, rows, n, list));
        }
        l->depth--;
        return OK;
    }
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(type, str_of(rows[i].type))) continue;
        TRY(check_fields(l, &rows[i], what));
        return rows[i].load(l);
    }
    return err_set(l->e, E_UNSUPPORTED, "%s %s is not supported", what, load_show(type).text);
}

// --- Fields -------------------------------------------------------------------------------------

static status bad_field(const loader *l, const char *key) {
    str type = {0};
    (void)json_is_str(&type, json_get(l->v, "type"));
    return err_set(l->e, E_FORMAT, "%s.%s is missing or wrong", load_show(type).text, key);
}

static status get_bool(bool *out, const loader *l, const char *key, bool otherwise) {
    const json_value *v = json_get(l->v, key);
    *out = otherwise;
    if (!v || v->kind == JSON_NULL) return OK;
    return json_is_bool(out, v) ? OK : bad_field(l, key);
}

static status get_str(str *out, const loader *l, const char *key) {
    if (!json_is_str(out, json_get(l->v, key)) || out->len > PARTS_STRING_MAX)
        return bad_field(l, key);
    return OK;
}

static status get_copy(str *out, const loader *l, const char *key) {
    TRY(get_str(out, l, key));
    return load_copy(out, l->t, *out, l->e);
}

// A string of exactly one character.
static status get_char(int32_t *cp, const loader *l, const char *key) {
    str s;
    TRY(get_str(&s, l, key));
    if (!s.len || utf8_decode(cp, s) != s.len || *cp == UTF8_BAD) return bad_field(l, key);
    return OK;
}

// {"String": ...} or {"Regex": ...}; an older form is the string alone.
static status get_pattern(const regex **out, const loader *l, bool *is_empty) {
    const json_value *p = json_get(l->v, "pattern");
    regex *re = NULL;
    str s;
    *is_empty = false;
    if (json_is_str(&s, json_get(p, "Regex"))) {
        TRY(regex_compile(&re, s, &l->t->perm, l->e));
    } else if (json_is_str(&s, json_get(p, "String")) || json_is_str(&s, p)) {
        *is_empty = s.len == 0;
        TRY(regex_literal(&re, s, &l->t->perm, l->e));
    } else {
        return bad_field(l, "pattern");
    }
    *out = re;
    return OK;
}

typedef struct choice {
    const char *name;
    int value;
} choice;

static status get_choice(int *out, const loader *l, const char *key, const choice *c, size_t n) {
    str s;
    TRY(get_str(&s, l, key));
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(s, str_of(c[i].name))) continue;
        *out = c[i].value;
        return OK;
    }
    return err_set(l->e, E_UNSUPPORTED, "%s %s is not supported", key, load_show(s).text);
}

static status get_behavior(split_how *out, const loader *l) {
    static const choice all[] = {{"Isolated", SPLIT_ISOLATED},
                                 {"Removed", SPLIT_REMOVED},
                                 {"Contiguous", SPLIT_CONTIGUOUS},
                                 {"MergedWithPrevious", SPLIT_PREVIOUS},
                                 {"MergedWithNext", SPLIT_NEXT}};
    int how = SPLIT_ISOLATED;
    if (json_get(l->v, "behavior")) TRY(get_choice(&how, l, "behavior", all, countof(all)));
    *out = (split_how)how;
    return OK;
}

static status get_prepend(prepend *out, const loader *l) {
    static const choice all[] = {
        {"first", PREPEND_FIRST}, {"never", PREPEND_NEVER}, {"always", PREPEND_ALWAYS}};
    int how = PREPEND_ALWAYS;
    bool adds;
    if (json_get(l->v, "prepend_scheme"))
        TRY(get_choice(&how, l, "prepend_scheme", all, countof(all)));
    TRY(get_bool(&adds, l, "add_prefix_space", true));
    *out = adds ? (prepend)how : PREPEND_NEVER;
    return OK;
}

// --- Normalizers --------------------------------------------------------------------------------

static status norm_form(loader *l, unicode_form form) {
    return norm_add(l->t, (norm_op){.kind = NORM_FORM, .form = form}, l->e);
}
static status norm_nfc(loader *l) {
    return norm_form(l, UNICODE_NFC);
}
static status norm_nfd(loader *l) {
    return norm_form(l, UNICODE_NFD);
}
static status norm_nfkc(loader *l) {
    return norm_form(l, UNICODE_NFKC);
}
static status norm_nfkd(loader *l) {
    return norm_form(l, UNICODE_NFKD);
}
static status norm_lowercase(loader *l) {
    return norm_add(l->t, (norm_op){.kind = NORM_LOWERCASE}, l->e);
}
static status norm_accents(loader *l) {
    return norm_add(l->t, (norm_op){.kind = NORM_STRIP_ACCENTS}, l->e);
}
static status norm_nmt(loader *l) {
    return norm_add(l->t, (norm_op){.kind = NORM_NMT}, l->e);
}
static status norm_bytes(loader *l) {
    return norm_add(l->t, (norm_op){.kind = NORM_BYTES}, l->e);
}
static status norm_strip(loader *l) {
    norm_op op = {.kind = NORM_STRIP};
    TRY(get_bool(&op.left, l, "strip_left", true));
    TRY(get_bool(&op.right, l, "strip_right", true));
    return norm_add(l->t, op, l->e);
}
static status norm_prepend(loader *l) {
    norm_op op = {.kind = NORM_PREPEND};
    TRY(get_copy(&op.content, l, "prepend"));
    return norm_add(l->t, op, l->e);
}
static status norm_replace(loader *l) {
    norm_op op = {.kind = NORM_REPLACE};
    bool is_empty;
    TRY(get_pattern(&op.re, l, &is_empty));
    TRY(get_copy(&op.content, l, "content"));
    return norm_add(l->t, op, l->e);
}

static const row normalizers[] = {
    {"NFC", {0}, norm_nfc},
    {"NFD", {0}, norm_nfd},
    {"NFKC", {0}, norm_nfkc},
    {"NFKD", {0}, norm_nfkd},
    {"Lowercase", {0}, norm_lowercase},
    {"StripAccents", {0}, norm_accents},
    {"Nmt", {0}, norm_nmt},
    {"ByteLevel", {0}, norm_bytes},
    {"Strip", {"strip_left", "strip_right"}, norm_strip},
    {"Prepend", {"prepend"}, norm_prepend},
    {"Replace", {"pattern", "content"}, norm_replace},
};

status load_normalizer(tokenizer *t, const json_value *v, err *e) {
    loader l = {.t = t, .v = v, .e = e};
    if (!v || v->kind == JSON_NULL) return OK;
    return load_any(&l, "normalizer", normalizers, countof(normalizers), "normalizers");
}

// --- Pre-tokenizers -----------------------------------------------------------------------------

static status pre_byte_level(loader *l) {
    bool has_space, has_regex;
    TRY(get_bool(&has_space, l, "add_prefix_space", true));
    TRY(get_bool(&has_regex, l, "use_regex", true));
    if (has_space) TRY(pre_add(l->t, (pre_op){.kind = PRE_SPACE_FIRST}, l->e));
    if (has_regex) TRY(pre_add(l->t, (pre_op){.kind = PRE_GPT2}, l->e));
    return pre_add(l->t, (pre_op){.kind = PRE_BYTES}, l->e);
}
static status pre_split(loader *l) {
    pre_op op = {.kind = PRE_SPLIT};
    bool is_empty;
    TRY(get_pattern(&op.re, l, &is_empty));
    TRY(get_behavior(&op.how, l));
    TRY(get_bool(&op.invert, l, "invert", false));
    return pre_add(l->t, op, l->e);
}
static status pre_digits(loader *l) {
    bool is_each;
    TRY(get_bool(&is_each, l, "individual_digits", false));
    return pre_add(l->t,
                   (pre_op){.kind = PRE_CLASS,
                            .is_in = unicode_is_numeric,
                            .how = is_each ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS},
                   l->e);
}
static status pre_punctuation(loader *l) {
    pre_op op = {.kind = PRE_CLASS, .is_in = unicode_is_punctuation};
    TRY(get_behavior(&op.how, l));
    return pre_add(l->t, op, l->e);
}
static status pre_whitespace(loader *l) {
    return pre_add(l->t, (pre_op){.kind = PRE_WORDS}, l->e);
}
static status pre_whitespace_split(loader *l) {
    return pre_add(
        l->t, (pre_op){.kind = PRE_CLASS, .is_in = unicode_is_space, .how = SPLIT_REMOVED}, l->e);
}
static status pre_delimiter(loader *l) {
    pre_op op = {.kind = PRE_CLASS, .how = SPLIT_REMOVED};
    TRY(get_char(&op.mark, l, "delimiter"));
    return pre_add(l->t, op, l->e);
}
static status pre_metaspace(loader *l) {
    pre_op op = {.kind = PRE_METASPACE};
    TRY(get_char(&op.mark, l, "replacement"));
    TRY(get_copy(&op.mark_text, l, "replacement"));
    TRY(get_prepend(&op.prepend, l));
    TRY(get_bool(&op.splits, l, "split", true));
    return pre_add(l->t, op, l->e);
}

static const row pre_tokenizers[] = {
    {"ByteLevel", {"add_prefix_space", "use_regex", "trim_offsets"}, pre_byte_level},
    {"Split", {"pattern", "behavior", "invert"}, pre_split},
    {"Digits", {"individual_digits"}, pre_digits},
    {"Punctuation", {"behavior"}, pre_punctuation},
    {"Whitespace", {0}, pre_whitespace},
    {"WhitespaceSplit", {0}, pre_whitespace_split},
    {"CharDelimiterSplit", {"delimiter"}, pre_delimiter},
    {"Metaspace",
     {"replacement", "prepend_scheme", "add_prefix_space", "split", "str_rep"},
     pre_metaspace},
};

// A ByteLevel at the end needs no text of its own: the model takes the bytes as they are. Before it
// a regex that is GPT-2's own is that of ByteLevel.
status load_pre_tokenizer(tokenizer *t, const json_value *v, bool is_bpe, bool *has_bytes, err *e) {
    loader l = {.t = t, .v = v, .e = e};
    *has_bytes = false;
    if (!v || v->kind == JSON_NULL) return OK;
    TRY(load_any(&l, "pre_tokenizer", pre_tokenizers, countof(pre_tokenizers), "pretokenizers"));
    if (is_bpe && t->n_pre && t->pre[t->n_pre - 1].kind == PRE_BYTES) {
        *has_bytes = true;
        for (uint32_t i = 0; i + 1 < t->n_pre; i++)
            if (t->pre[i].kind == PRE_BYTES) *has_bytes = false;
        t->n_pre -= *has_bytes;
    }
    return OK;
}

// --- Post-processors ----------------------------------------------------------------------------

static status add_around(loader *l, bool is_before, const int32_t *ids, uint32_t n) {
    tokenizer *t = l->t;
    int32_t *to = is_before ? t->before : t->after;
    uint32_t *len = is_before ? &t->n_before : &t->n_after;
    if (*len + n > PARTS_TEMPLATE_MAX)
        return err_set(l->e, E_LIMIT, "post_processor adds over %d ids", PARTS_TEMPLATE_MAX);
    // What a later processor puts before goes before what is there, and behind it, behind.
    if (is_before) memmove(to + n, to, *len * sizeof *to);
    memcpy(is_before ? to : to + *len, ids, n * sizeof *ids);
    *len += n;
    return OK;
}

static status get_id(int32_t *out, const loader *l, const json_value *v) {
    int64_t id;
    if (!json_is_int(&id, v) || id < 0 || id >= (int64_t)l->t->n)
        return err_set(l->e, E_FORMAT, "post_processor: an id that is none");
    *out = (int32_t)id;
    return OK;
}

// The ids of special token `name` of a TemplateProcessing.
static status template_ids(loader *l, str name, int32_t ids[PARTS_TEMPLATE_MAX], uint32_t *n) {
    const json_value *list = json_get(json_get_str(json_get(l->v, "special_tokens"), name), "ids");
    if (!list || list->kind != JSON_ARRAY || *n + list->n > PARTS_TEMPLATE_MAX)
        return err_set(l->e, E_FORMAT, "TemplateProcessing: no ids of %s", load_show(name).text);
    for (uint32_t i = 0; i < list->n; i++)
        TRY(get_id(&ids[(*n)++], l, &list->items[i]));
    return OK;
}

static status post_template(loader *l) {
    const json_value *single = json_get(l->v, "single");
    int32_t ids[2][PARTS_TEMPLATE_MAX];
    uint32_t n[2] = {0, 0}, behind = 0;
    if (!single || single->kind != JSON_ARRAY) return bad_field(l, "single");
    for (uint32_t i = 0; i < single->n; i++) {
        const json_value *special = json_get(&single->items[i], "SpecialToken");
        const json_value *sequence = json_get(&single->items[i], "Sequence");
        str id;
        if (json_is_str(&id, json_get(special, "id"))) {
            TRY(template_ids(l, id, ids[behind], &n[behind]));
        } else if (json_is_str(&id, json_get(sequence, "id"))) {
            if (behind || !str_eq(id, STR("A")))
                return err_set(l->e, E_UNSUPPORTED,
                               "TemplateProcessing: the text twice, or another one");
            behind = 1;
        } else {
            return bad_field(l, "single");
        }
    }
    if (!behind) return err_set(l->e, E_UNSUPPORTED, "TemplateProcessing without the text");
    TRY(add_around(l, true, ids[0], n[0]));
    return add_around(l, false, ids[1], n[1]);
}

// BertProcessing and RobertaProcessing: ["[CLS]", 101] before, ["[SEP]", 102] behind.
static status post_bert(loader *l) {
    static const char *const keys[] = {"cls", "sep"};
    for (int i = 0; i < 2; i++) {
        const json_value *v = json_get(l->v, keys[i]);
        int32_t id;
        if (!v || v->kind != JSON_ARRAY || v->n != 2) return bad_field(l, keys[i]);
        TRY(get_id(&id, l, &v->items[1]));
        TRY(add_around(l, i == 0, &id, 1));
    }
    return OK;
}

static status post_byte_level(loader *l) {
    (void)l;  // places only
    return OK;
}

static const row post_processors[] = {
    {"TemplateProcessing", {"single", "pair", "special_tokens"}, post_template},
    {"BertProcessing", {"sep", "cls"}, post_bert},
    {"RobertaProcessing", {"sep", "cls", "trim_offsets", "add_prefix_space"}, post_bert},
    {"ByteLevel", {"add_prefix_space", "trim_offsets", "use_regex"}, post_byte_level},
};

status load_post_processor(tokenizer *t, const json_value *v, err *e) {
    loader l = {.t = t, .v = v, .e = e};
    if (!v || v->kind == JSON_NULL) return OK;
    return load_any(&l, "post_processor", post_processors, countof(post_processors), "processors");
}

// --- Decoders -----------------------------------------------------------------------------------

// Maps the bytes of each token; what `map` writes is copied.
static status map_tokens(loader *l, status (*map)(str *, const loader *, const token *, arena *),
                         uint32_t but) {
    tokenizer *t = l->t;
    arena room;
    TRY(arena_open(&room, (size_t)64 << 20, l->e));
    status s = OK;
    for (uint32_t i = 0; i < t->n && !s; i++) {
        token *k = &t->tokens[i];
        arena scratch = room;
        str out = k->bytes;
        if (!(k->flags & TOKEN_IS_SET) || k->flags & but) continue;
        s = map(&out, l, k, &scratch);
        if (!s && out.len > TOKENIZER_TOKEN_MAX)
            s = err_set(l->e, E_LIMIT, "id %u decodes to over %d bytes", i, TOKENIZER_TOKEN_MAX);
        if (!s && !str_eq(out, k->bytes)) s = load_copy(&k->bytes, t, out, l->e);
    }
    arena_close(&room);
    return s;
}

static status to_bytes(str *out, const loader *l, const token *k, arena *a) {
    char *to = arena_alloc(a, k->bytes.len);
    size_t n = 0;
    (void)l;
    for (size_t at = 0; at < k->bytes.len;) {
        int32_t cp;
        at += unicode_at(&cp, k->bytes, at);
        int byte = bpe__byte_of(cp);
        if (byte < 0) return OK;
        to[n++] = (char)byte;
    }
    *out = (str){to, n};
    return OK;
}

static status to_fallback(str *out, const loader *l, const token *k, arena *a) {
    int byte = byte_token(k->bytes);
    (void)l;
    if (byte < 0) return OK;
    char *to = arena_alloc(a, 1);
    *to = (char)byte;
    *out = (str){to, 1};
    return OK;
}

static status to_replaced(str *out, const loader *l, const token *k, arena *a) {
    bool lost;
    return norm_run(out, l->t, k->bytes, &lost, a, l->e);
}

static status too_late(const loader *l, const char *what) {
    return err_set(l->e, E_UNSUPPORTED, "decoder %s behind another that joins tokens", what);
}

static status decode_bytes(loader *l) {
    decode_rule *d = &l->t->decode;
    if (d->is_bytes || d->has_fallback || l->has_fuse) return too_late(l, "ByteLevel");
    d->is_bytes = true;
    return map_tokens(l, to_bytes, 0);
}

static status decode_fallback(loader *l) {
    tokenizer *t = l->t;
    if (t->decode.is_bytes || l->has_fuse) return too_late(l, "ByteFallback");
    if (t->decode.has_fallback) return OK;
    t->decode.has_fallback = true;
    for (uint32_t i = 0; i < t->n; i++)
        if (byte_token(t->tokens[i].bytes) >= 0) t->tokens[i].flags |= TOKEN_IS_BYTE;
    return map_tokens(l, to_fallback, 0);
}

static status decode_fuse(loader *l) {
    l->has_fuse = true;
    return OK;
}

// The same as the normalizer, on each token by itself: it is run as one for a moment.
static status decode_replace(loader *l) {
    tokenizer *t = l->t;
    norm_op op = {.kind = NORM_REPLACE};
    bool is_empty;
    if (t->decode.is_bytes || t->decode.has_fallback || l->has_fuse) return too_late(l, "Replace");
    TRY(get_pattern(&op.re, l, &is_empty));
    TRY(get_copy(&op.content, l, "content"));
    norm_op *norm = t->norm;
    uint32_t n = t->n_norm;
    t->norm = &op, t->n_norm = 1;
    status s = map_tokens(l, to_replaced, 0);
    t->norm = norm, t->n_norm = n;
    return s;
}

static status decode_metaspace(loader *l) {
    decode_rule *d = &l->t->decode;
    prepend how;
    int32_t mark;
    char bytes[UTF8_MAX];
    regex *re;
    if (d->is_bytes || d->has_fallback || l->has_fuse) return too_late(l, "Metaspace");
    TRY(get_prepend(&how, l));
    TRY(get_char(&mark, l, "replacement"));
    TRY(get_copy(&d->mark, l, "replacement"));
    d->drops_marks = how != PREPEND_NEVER;
    TRY(regex_literal(&re, (str){bytes, utf8_encode(bytes, mark)}, &l->t->perm, l->e));
    norm_op op = {.kind = NORM_REPLACE, .re = re, .content = STR(" ")}, *norm = l->t->norm;
    uint32_t n = l->t->n_norm;
    l->t->norm = &op, l->t->n_norm = 1;
    status s = map_tokens(l, to_replaced, 0);
    l->t->norm = norm, l->t->n_norm = n;
    return s;
}

static status decode_strip(loader *l) {
    decode_rule *d = &l->t->decode;
    int64_t start, stop;
    int32_t cp;
    TRY(get_char(&cp, l, "content"));
    if (!json_is_int(&start, json_get(l->v, "start")) || start < 0 || start > 16)
        return bad_field(l, "start");
    if (!json_is_int(&stop, json_get(l->v, "stop")) || stop < 0) return bad_field(l, "stop");
    if (!l->has_fuse || cp >= 0x80 || stop || d->strip)
        return err_set(l->e, E_UNSUPPORTED,
                       "decoder Strip of single tokens, of an end, or of more than ASCII");
    d->strip = (uint32_t)start;
    d->strip_char = (char)cp;
    return OK;
}

static const row decoders[] = {
    {"ByteLevel", {"add_prefix_space", "trim_offsets", "use_regex"}, decode_bytes},
    {"ByteFallback", {0}, decode_fallback},
    {"Fuse", {0}, decode_fuse},
    {"Replace", {"pattern", "content"}, decode_replace},
    {"Metaspace",
     {"replacement", "prepend_scheme", "add_prefix_space", "split", "str_rep"},
     decode_metaspace},
    {"Strip", {"content", "start", "stop"}, decode_strip},
};

status load_decoder(tokenizer *t, const json_value *v, err *e) {
    loader l = {.t = t, .v = v, .e = e};
    t->decode.joins_spaces = !v || v->kind == JSON_NULL;
    if (t->decode.joins_spaces) return OK;
    return load_any(&l, "decoder", decoders, countof(decoders), "decoders");
}
