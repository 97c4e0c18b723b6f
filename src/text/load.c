// Hugging Face's files: tokenizer.json, or the older vocab.json and merges.txt of GPT-2.
//
// `truncation` and `padding` are passed over: they shape batches, not ids. An added token has the
// id that the model gives its text, if it knows it, else the one that the file tells.
//
//   Source    huggingface/tokenizers src/tokenizer/serialization.rs,
//             src/models/bpe/serialization.rs

#include "text/load.h"

#include "base/utf8.h"
#include "os/file.h"
#include "text/byte_chars.h"

#include <stdio.h>

enum { PERM_BASE = 256 << 20, PERM_PER_BYTE = 24 };

status load_new(tokenizer **out, size_t len, err *e) {
    arena perm;
    *out = NULL;
    TRY(arena_open(&perm, PERM_BASE + PERM_PER_BYTE * len, e));
    tokenizer *t = arena_new(&perm, tokenizer);
    t->norm = arena_array(&perm, norm_op, PARTS_MAX);
    t->pre = arena_array(&perm, pre_op, PARTS_MAX);
    t->perm = perm;
    *out = t;
    return OK;
}

status load_copy(str *out, tokenizer *t, str s, err *e) {
    char *p = (char *)t->perm.base + t->perm.used;
    if (s.len > arena_room(&t->perm)) return err_set(e, E_MEMORY, "no memory for a tokenizer");
    if (s.len) memcpy(p, s.ptr, s.len);
    t->perm.used += s.len;
    *out = (str){p, s.len};
    return OK;
}

status load_finish(tokenizer *t, err *e) {
    return added_open(t, e);
}

// --- BPE ----------------------------------------------------------------------------------------

// The bytes that a name stands for in a vocabulary of bytes; false when it is no such name.
static bool name_bytes(char to[TOKENIZER_TOKEN_MAX], size_t *n, str name) {
    *n = 0;
    for (size_t at = 0; at < name.len;) {
        int32_t cp;
        at += unicode_at(&cp, name, at);
        int byte = bpe__byte_of(cp);
        if (byte < 0) return false;
        to[(*n)++] = (char)byte;
    }
    return true;
}

status load_words(tokenizer *t, bool has_bytes, size_t n_merges, err *e) {
    size_t bytes = 0;
    char room[TOKENIZER_TOKEN_MAX];
    for (uint32_t i = 0; i < t->n; i++)
        bytes += t->tokens[i].name.len;
    TRY(bpe__new(&t->bpe, t->n, bytes, n_merges, &t->perm, e));
    t->bpe->has_chars = !has_bytes;
    t->bpe->unknown = BPE__NONE;
    for (uint32_t i = 0; i < t->n; i++) {
        const token *k = &t->tokens[i];
        str text = k->name;
        bool is_word = k->flags & TOKEN_IS_MODEL && text.len;
        if (is_word && has_bytes) {
            size_t n;
            is_word = name_bytes(room, &n, text);
            if (is_word) text = (str){room, n};
        }
        TRY(bpe__add(t->bpe, is_word ? text : (str){0}, is_word, e));
    }
    return OK;
}

// A part of a merge: its id, which must be of the model.
static status merge_part(uint32_t *id, const tokenizer *t, str name, err *e) {
    int32_t found = tokenizer_id(t, name);
    if (found < 0 || !(t->tokens[found].flags & TOKEN_IS_MODEL))
        return err_set(e, E_FORMAT, "merge %u: \"%s\" is no token", t->bpe->n_merges,
                       load_show(name).text);
    *id = (uint32_t)found;
    return OK;
}

status load_merge(tokenizer *t, str left, str right, size_t prefix, err *e) {
    char both[2 * TOKENIZER_TOKEN_MAX];
    uint32_t l, r, id;
    TRY(merge_part(&l, t, left, e));
    TRY(merge_part(&r, t, right, e));
    if (prefix > right.len)
        return err_set(e, E_FORMAT, "merge %u: a part is shorter than the prefix",
                       t->bpe->n_merges);
    memcpy(both, left.ptr, left.len);
    memcpy(both + left.len, right.ptr + prefix, right.len - prefix);
    TRY(merge_part(&id, t, (str){both, left.len + right.len - prefix}, e));
    return bpe__merge(t->bpe, l, r, id, e);
}

status load_fallback(tokenizer *t, err *e) {
    (void)e;
    t->bpe->has_fallback = true;
    for (int b = 0; b < 256; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)b);
        int32_t id = tokenizer_id(t, str_of(name));
        bool is_token = id >= 0 && t->tokens[id].flags & TOKEN_IS_MODEL;
        t->bpe->fallback[b] = is_token ? (uint32_t)id : BPE__NONE;
    }
    return OK;
}

status load_seal(tokenizer *t, err *e) {
    arena scratch;
    TRY(arena_open(&scratch, (size_t)64 << 20, e));
    status s = bpe__seal(t->bpe, scratch, e);
    arena_close(&scratch);
    return s;
}

// --- Ids of tokenizer.json ----------------------------------------------------------------------

typedef struct file {
    const json_value *root, *model, *vocab, *added;
    const json_value *merges;  // or NULL,
    str merge_lines;           // and these
    bool is_bpe;
} file;

static status get_token_id(int32_t *out, const json_value *v, str name, err *e) {
    int64_t id;
    if (!json_is_int(&id, v) || id < 0)
        return err_set(e, E_FORMAT, "the id of \"%s\" is no whole number", load_show(name).text);
    if (id >= TOKENIZER_VOCAB_MAX)
        return err_set(e, E_LIMIT, "id %lld, limit %d", (long long)id, TOKENIZER_VOCAB_MAX - 1);
    *out = (int32_t)id;
    return OK;
}

// The i-th entry of the model's vocabulary: {"name": id} or [["name", score]].
static status vocab_entry(str *name, int32_t *id, double *score, const file *f, uint32_t i,
                          err *e) {
    const json_value *v = &f->vocab->items[i];
    if (f->is_bpe) {
        *name = v->key;
        return get_token_id(id, v, *name, e);
    }
    *id = (int32_t)i;
    if (v->kind != JSON_ARRAY || v->n != 2 || !json_is_str(name, &v->items[0]) ||
        !json_is_number(score, &v->items[1]))
        return err_set(e, E_FORMAT, "model.vocab: entry %u is no [token, score]", i);
    return OK;
}

static status add_name(tokenizer *t, int32_t id, str name, uint32_t flags, err *e) {
    const token *k = &t->tokens[id];
    if (k->flags & TOKEN_IS_SET && !str_eq(k->name, name))
        return err_set(e, E_FORMAT, "id %d stands for \"%s\" and \"%s\"", id,
                       load_show(k->name).text, load_show(name).text);
    TRY(load_copy(&name, t, name, e));
    return names_add(t, id, name, flags, e);
}

static status count_ids(size_t *n, const file *f, err *e) {
    str name;
    int32_t id;
    double score;
    *n = 0;
    for (uint32_t i = 0; i < f->vocab->n; i++) {
        TRY(vocab_entry(&name, &id, &score, f, i, e));
        *n = max_size(*n, (size_t)id + 1);
    }
    for (uint32_t i = 0; f->added && i < f->added->n; i++) {
        const json_value *v = &f->added->items[i];
        if (!json_is_str(&name, json_get(v, "content")))
            return err_set(e, E_FORMAT, "added token %u has no content", i);
        TRY(get_token_id(&id, json_get(v, "id"), name, e));
        *n = max_size(*n, (size_t)id + 1);
    }
    return OK;
}

static status read_vocab(tokenizer *t, double *scores, const file *f, err *e) {
    for (uint32_t i = 0; i < f->vocab->n; i++) {
        str name = {0};
        int32_t id;
        double score = 0;
        TRY(vocab_entry(&name, &id, &score, f, i, e));
        if (tokenizer_id(t, name) >= 0)
            return err_set(e, E_FORMAT, "\"%s\" is there twice", load_show(name).text);
        TRY(add_name(t, id, name, TOKEN_IS_MODEL, e));
        if (scores) scores[id] = score;
    }
    return OK;
}

static bool flag_of(const json_value *v, const char *key) {
    bool is = false;
    return json_is_bool(&is, json_get(v, key)) && is;
}

static status read_added(tokenizer *t, const file *f, err *e) {
    uint32_t n = f->added ? f->added->n : 0;
    if (n > PARTS_ADDED_MAX)
        return err_set(e, E_LIMIT, "%u added tokens, limit %d", n, PARTS_ADDED_MAX);
    t->added = arena_array(&t->perm, added_token, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        const json_value *v = &f->added->items[i];
        added_token a = {0};
        str content = {0};
        (void)json_is_str(&content, json_get(v, "content"));
        TRY(get_token_id(&a.id, json_get(v, "id"), content, e));
        int32_t known = tokenizer_id(t, content);
        if (known >= 0) a.id = known;
        a.is_special = flag_of(v, "special");
        a.single_word = flag_of(v, "single_word");
        a.lstrip = flag_of(v, "lstrip"), a.rstrip = flag_of(v, "rstrip");
        a.normalized = flag_of(v, "normalized");
        if (content.len == 0) continue;
        TRY(add_name(t, a.id, content, TOKEN_IS_ADDED | (a.is_special ? TOKEN_IS_SPECIAL : 0u), e));
        a.text = t->tokens[a.id].name;
        t->added[t->n_added++] = a;
    }
    return OK;
}

// --- The model ----------------------------------------------------------------------------------

static status check_model_fields(const json_value *model, const char *const *names, size_t n,
                                 err *e) {
    for (uint32_t i = 0; i < model->n; i++) {
        bool is_known = false;
        for (size_t k = 0; k < n; k++)
            is_known |= str_eq(model->items[i].key, str_of(names[k]));
        if (!is_known)
            return err_set(e, E_UNSUPPORTED, "model.%s is not supported",
                           load_show(model->items[i].key).text);
    }
    return OK;
}

// A string of the model that may be null; its copy.
static status model_str(str *out, tokenizer *t, const json_value *model, const char *key,
                        size_t most, err *e) {
    const json_value *v = json_get(model, key);
    *out = (str){0};
    if (!v || v->kind == JSON_NULL) return OK;
    if (!json_is_str(out, v)) return err_set(e, E_FORMAT, "model.%s is no string", key);
    if (out->len > most) return err_set(e, E_LIMIT, "model.%s: over %zu bytes", key, most);
    return load_copy(out, t, *out, e);
}

// "a b" or ["a", "b"].
static status read_merge(tokenizer *t, const json_value *v, size_t prefix, err *e) {
    str left, right;
    if (json_is_str(&right, v))
        left = str_cut(&right, ' ');
    else if (v->kind != JSON_ARRAY || v->n != 2 || !json_is_str(&left, &v->items[0]) ||
             !json_is_str(&right, &v->items[1]))
        return err_set(e, E_FORMAT, "merge %u is neither \"a b\" nor [\"a\", \"b\"]",
                       t->bpe->n_merges);
    return load_merge(t, left, right, prefix, e);
}

// The merges of merges.txt: a line each, after a line that begins with "#version".
static status read_merge_lines(tokenizer *t, str text, err *e) {
    for (bool is_first = true; text.len; is_first = false) {
        str line = str_cut(&text, '\n');
        if (str_ends(line, STR("\r"))) line.len--;
        if (line.len == 0 || (is_first && str_starts(line, STR("#version")))) continue;
        str left = str_cut(&line, ' ');
        TRY(load_merge(t, left, line, 0, e));
    }
    return OK;
}

static size_t count_lines(str s) {
    size_t n = 0;
    for (; s.len; n++)
        str_cut(&s, '\n');
    return n;
}

static status read_bpe_options(tokenizer *t, const json_value *model, err *e) {
    bpe *b = t->bpe;
    const json_value *dropout = json_get(model, "dropout");
    double p = 0;
    str unknown;
    if (json_is_number(&p, dropout) ? p != 0 : dropout && dropout->kind != JSON_NULL)
        return err_set(e, E_UNSUPPORTED, "model.dropout is not supported");
    b->fuses_unknown = flag_of(model, "fuse_unk");
    b->is_whole = flag_of(model, "ignore_merges");
    TRY(model_str(&b->prefix, t, model, "continuing_subword_prefix", BPE__AFFIX_MAX, e));
    TRY(model_str(&b->suffix, t, model, "end_of_word_suffix", BPE__AFFIX_MAX, e));
    TRY(model_str(&unknown, t, model, "unk_token", TOKENIZER_TOKEN_MAX, e));
    if (unknown.len) {
        int32_t id = tokenizer_id(t, unknown);
        bool is_token = id >= 0 && t->tokens[id].flags & TOKEN_IS_MODEL;
        if (!is_token)
            return err_set(e, E_FORMAT, "model.unk_token \"%s\" is no token",
                           load_show(unknown).text);
        b->unknown = (uint32_t)id;
    }
    return flag_of(model, "byte_fallback") ? load_fallback(t, e) : OK;
}

static status read_bpe(tokenizer *t, const file *f, bool has_bytes, err *e) {
    static const char *const fields[] = {"type",
                                         "vocab",
                                         "merges",
                                         "dropout",
                                         "unk_token",
                                         "continuing_subword_prefix",
                                         "end_of_word_suffix",
                                         "fuse_unk",
                                         "byte_fallback",
                                         "ignore_merges"};
    const json_value *merges = f->merges;
    TRY(check_model_fields(f->model, fields, countof(fields), e));
    TRY(load_words(t, has_bytes, merges ? merges->n : count_lines(f->merge_lines), e));
    TRY(read_bpe_options(t, f->model, e));
    for (uint32_t i = 0; merges && i < merges->n; i++)
        TRY(read_merge(t, &merges->items[i], t->bpe->prefix.len, e));
    TRY(read_merge_lines(t, f->merge_lines, e));
    return load_seal(t, e);
}

static status read_unigram(tokenizer *t, const file *f, const double *scores, err *e) {
    static const char *const fields[] = {"type", "vocab", "unk_id", "byte_fallback"};
    const json_value *unknown = json_get(f->model, "unk_id");
    int64_t id = -1;
    TRY(check_model_fields(f->model, fields, countof(fields), e));
    if (unknown && unknown->kind != JSON_NULL &&
        (!json_is_int(&id, unknown) || id < 0 || id >= f->vocab->n))
        return err_set(e, E_FORMAT, "model.unk_id is no id");
    return unigram_open(&t->unigram, t, scores, id, flag_of(f->model, "byte_fallback"), e);
}

// --- All of it ----------------------------------------------------------------------------------

static status find_parts(file *f, const json_value *root, err *e) {
    str type = STR("BPE");
    *f = (file){.root = root, .model = json_get(root, "model")};
    if (!f->model || f->model->kind != JSON_OBJECT)
        return err_set(e, E_FORMAT, "model is missing or no object");
    const json_value *t = json_get(f->model, "type");
    if (t && !json_is_str(&type, t)) return err_set(e, E_FORMAT, "model.type is no string");
    f->is_bpe = str_eq(type, STR("BPE"));
    if (!f->is_bpe && !str_eq(type, STR("Unigram")))
        return err_set(e, E_UNSUPPORTED, "model %s is not supported", load_show(type).text);
    f->vocab = json_get(f->model, "vocab");
    if (!f->vocab || f->vocab->kind != (f->is_bpe ? JSON_OBJECT : JSON_ARRAY))
        return err_set(e, E_FORMAT, "model.vocab is missing or no %s",
                       f->is_bpe ? "object of ids" : "array of scores");
    f->added = json_get(root, "added_tokens");
    if (f->added && f->added->kind == JSON_NULL) f->added = NULL;
    if (f->added && f->added->kind != JSON_ARRAY)
        return err_set(e, E_FORMAT, "added_tokens is no array");
    f->merges = json_get(f->model, "merges");
    if (f->is_bpe && (!f->merges || f->merges->kind != JSON_ARRAY))
        return err_set(e, E_FORMAT, "model.merges is missing or no array");
    return OK;
}

static status fill(tokenizer *t, const file *f, err *e) {
    size_t n;
    double *scores = NULL;
    bool has_bytes;
    TRY(count_ids(&n, f, e));
    TRY(names_open(t, n, e));
    if (!f->is_bpe) {
        scores = arena_try_array(&t->perm, n + 1, sizeof *scores);
        if (!scores) return err_set(e, E_MEMORY, "no memory for %zu scores", n);
    }
    TRY(read_vocab(t, scores, f, e));
    TRY(read_added(t, f, e));
    TRY(load_normalizer(t, json_get(f->root, "normalizer"), e));
    TRY(load_pre_tokenizer(t, json_get(f->root, "pre_tokenizer"), f->is_bpe, &has_bytes, e));
    t->keeps_bytes = has_bytes && !t->n_norm;
    TRY(f->is_bpe ? read_bpe(t, f, has_bytes, e) : read_unigram(t, f, scores, e));
    TRY(load_post_processor(t, json_get(f->root, "post_processor"), e));
    TRY(load_decoder(t, json_get(f->root, "decoder"), e));
    return load_finish(t, e);
}

static status open_file(tokenizer **out, const file *f, size_t len, err *e) {
    TRY(load_new(out, len, e));
    status s = fill(*out, f, e);
    if (!s) return OK;
    tokenizer_close(*out);
    *out = NULL;
    return s;
}

static status open_json(tokenizer **out, str text, arena *a, err *e) {
    const json_value *root;
    file f;
    TRY(json_read(&root, text, a, e));
    TRY(find_parts(&f, root, e));
    return open_file(out, &f, text.len, e);
}

// What GPT-2's older files name only in the program that reads them.
static const char gpt2_parts[] =
    "{\"added_tokens\":[%.*s],\"model\":{},"
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},"
    "\"decoder\":{\"type\":\"ByteLevel\"}}";
static const char gpt2_end[] =
    "{\"id\":%lld,\"content\":\"<|endoftext|>\",\"special\":true,\"normalized\":false}";

static status open_lists(tokenizer **out, str vocab, str merges, arena *a, err *e) {
    file f = {.is_bpe = true, .merge_lines = merges};
    str end = {0};
    int64_t id;
    TRY(json_read(&f.vocab, vocab, a, e));
    if (f.vocab->kind != JSON_OBJECT) return err_set(e, E_FORMAT, "the vocabulary is no object");
    if (json_is_int(&id, json_get(f.vocab, "<|endoftext|>")))
        end = arena_fmt(a, gpt2_end, (long long)id);
    TRY(json_read(&f.root, arena_fmt(a, gpt2_parts, STR_ARG(end)), a, e));
    f.model = json_get(f.root, "model");
    f.added = json_get(f.root, "added_tokens");
    return open_file(out, &f, vocab.len + merges.len, e);
}

static status open_text(tokenizer **out, str text, const str *merges, err *e) {
    arena a;
    size_t len = text.len + (merges ? merges->len : 0);
    *out = NULL;
    if (len > TOKENIZER_FILE_MAX)
        return err_set(e, E_LIMIT, "a tokenizer of %zu bytes, limit %d", len, TOKENIZER_FILE_MAX);
    TRY(arena_open(&a, json_read_arena(text.len) + (1 << 20), e));
    status s = merges ? open_lists(out, text, *merges, &a, e) : open_json(out, text, &a, e);
    arena_close(&a);
    return s;
}

status tokenizer_open_json(tokenizer **out, str text, err *e) {
    return open_text(out, text, NULL, e);
}

status tokenizer_open_lists(tokenizer **out, str vocab, str merges, err *e) {
    return open_text(out, vocab, &merges, e);
}

static status open_json_file(tokenizer **out, const char *path, err *e) {
    os_map m;
    TRY(os_map_open(&m, path, OS_MAP_SEQUENTIAL, e));
    status s = tokenizer_open_json(out, os_map_str(&m), e);
    os_map_close(&m);
    return s ? err_in(e, "%s", path) : OK;
}

static status open_list_files(tokenizer **out, const char *vocab, const char *merges, err *e) {
    os_map v, m;
    TRY(os_map_open(&v, vocab, OS_MAP_SEQUENTIAL, e));
    status s = os_map_open(&m, merges, OS_MAP_SEQUENTIAL, e);
    if (!s) {
        s = tokenizer_open_lists(out, os_map_str(&v), os_map_str(&m), e);
        if (s) err_in(e, "%s and merges.txt", vocab);
        os_map_close(&m);
    }
    os_map_close(&v);
    return s;
}

static status open_gguf_file(tokenizer **out, const char *path, err *e) {
    gguf *g;
    TRY(gguf_open(&g, path, e));
    status s = tokenizer_open_gguf(out, g, e);
    gguf_close(g);
    return s ? err_in(e, "%s", path) : OK;
}

status tokenizer_open_path(tokenizer **out, const char *path, err *e) {
    os_file_stat st;
    *out = NULL;
    TRY(os_stat(&st, path, e));
    if (st.is_dir) return tokenizer_open_folder(out, path, e);
    if (str_ends(str_of(path), STR(".gguf"))) return open_gguf_file(out, path, e);
    if (str_ends(str_of(path), STR(".json"))) return open_json_file(out, path, e);
    return err_set(e, E_ARG, "%s: neither a folder nor a .json or .gguf file", path);
}

status tokenizer_open_folder(tokenizer **out, const char *folder, err *e) {
    char path[3][OS_PATH_MAX];
    static const char *const name[] = {"tokenizer.json", "vocab.json", "merges.txt"};
    os_file_stat st;
    *out = NULL;
    for (size_t i = 0; i < countof(name); i++)
        if (snprintf(path[i], sizeof path[i], "%s/%s", folder, name[i]) >= OS_PATH_MAX)
            return err_set(e, E_LIMIT, "a path of over %d bytes", OS_PATH_MAX);
    if (!os_stat(&st, path[0], NULL)) return open_json_file(out, path[0], e);
    if (!os_stat(&st, path[1], NULL)) return open_list_files(out, path[1], path[2], e);
    return err_set(e, E_NOT_FOUND, "%s: neither tokenizer.json nor vocab.json is in it", folder);
}
