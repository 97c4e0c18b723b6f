// GGUF's tokenizers: the vocabulary is in the file, its components are only named.
//
// A name stands for the components that Hugging Face's tokenizer.json of those models has; they are
// written here as they stand there, and read by the same code. A SentencePiece vocabulary has
// scores instead of merges: every way to cut a token into two others is a merge, in the order of
// the scores, which is how Hugging Face's own conversion makes them. Added tokens are told by their
// type; whether they take white space with them is not in the file.
//
//   Source    ggml docs/gguf.md; llama.cpp src/llama-vocab.cpp (names); transformers
//             convert_slow_tokenizer.py generate_merges

#include "text/load.h"

#include "base/utf8.h"

#include <stdlib.h>

enum { TYPE_UNKNOWN = 2, TYPE_CONTROL, TYPE_USER, TYPE_UNUSED, TYPE_BYTE };

#define SPLIT(regex)                                                                               \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex "\"},\"behavior\":\"Isolated\"}"
#define BYTES         "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}"
#define GPT2          "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"
#define SEQUENCE(...) "{\"type\":\"Sequence\",\"pretokenizers\":[" __VA_ARGS__ "]}"
#define DIGITS        "{\"type\":\"Digits\",\"individual_digits\":true}"
#define NFC           "{\"type\":\"NFC\"}"

#define ENDINGS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SIGNS   "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*"
#define PATHS   "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*"
#define SPACES  "|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define WORD    "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?"
#define UPPER   "[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]"
#define LOWER   "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]"

#define LLAMA3 SPLIT(ENDINGS "|" WORD "\\\\p{L}+|\\\\p{N}{1,3}" SIGNS SPACES) "," BYTES
#define QWEN2  SPLIT(ENDINGS "|" WORD "\\\\p{L}+|\\\\p{N}" SIGNS SPACES) "," BYTES
#define TEKKEN                                                                                     \
    SPLIT(WORD UPPER "*" LOWER "+|" WORD UPPER "+" LOWER "*|\\\\p{N}" PATHS SPACES) "," BYTES
#define O200K                                                                                      \
    SPLIT(WORD UPPER "*" LOWER "+" ENDINGS "?|" WORD UPPER "+" LOWER "*" ENDINGS                   \
                     "?|\\\\p{N}{1,3}" PATHS SPACES)                                               \
    "," BYTES
#define CJK "[一-龥ࠀ-一가-퟿]+"
#define DEEPSEEK_CODER                                                                             \
    SPLIT("[\\r\\n]")                                                                              \
    "," SPLIT("\\\\s?\\\\p{L}+") "," SPLIT("\\\\s?\\\\p{P}+") "," SPLIT(CJK) "," DIGITS "," BYTES
#define DEEPSEEK_LETTERS                                                                           \
    "A-Za-z\\\\x{B5}\\\\x{C0}-\\\\x{D6}\\\\x{D8}-\\\\x{F6}\\\\x{F8}-\\\\x{1BA}\\\\x{1BC}-"         \
    "\\\\x{1BF}\\\\x{1C4}-\\\\x{293}\\\\x{295}-\\\\x{2AF}\\\\x{370}-\\\\x{373}\\\\x{376}"          \
    "\\\\x{377}\\\\x{37B}-\\\\x{37D}\\\\x{37F}\\\\x{386}\\\\x{388}-\\\\x{38A}\\\\x{38C}"           \
    "\\\\x{38E}-\\\\x{3A1}\\\\x{3A3}-\\\\x{3F5}\\\\x{3F7}-\\\\x{481}\\\\x{48A}-\\\\x{52F}"         \
    "\\\\x{531}-\\\\x{556}\\\\x{10A0}-\\\\x{10C5}\\\\x{13A0}-\\\\x{13F5}\\\\x{13F8}-\\\\x{13FD}"   \
    "\\\\x{1C90}-\\\\x{1CBA}\\\\x{1CBD}-\\\\x{1CBF}\\\\x{1D00}-\\\\x{1D2B}\\\\x{1D6B}-"            \
    "\\\\x{1D77}\\\\x{1D79}-\\\\x{1D9A}\\\\x{1E00}-\\\\x{1F15}\\\\x{1F18}-\\\\x{1F1D}"             \
    "\\\\x{1F20}-\\\\x{1F45}\\\\x{1F48}-\\\\x{1F4D}\\\\x{1F50}-\\\\x{1F57}\\\\x{1F59}"             \
    "\\\\x{1F5B}\\\\x{1F5D}\\\\x{1F5F}-\\\\x{1F7D}\\\\x{1F80}-\\\\x{1FB4}\\\\x{1FB6}-"             \
    "\\\\x{1FBC}\\\\x{1FBE}\\\\x{1FC2}-\\\\x{1FC4}\\\\x{1FC6}-\\\\x{1FCC}\\\\x{1FD0}-"             \
    "\\\\x{1FD3}\\\\x{1FD6}-\\\\x{1FDB}\\\\x{1FE0}-\\\\x{1FEC}\\\\x{1FF2}-\\\\x{1FF4}"             \
    "\\\\x{1FF6}-\\\\x{1FFC}\\\\x{2102}\\\\x{2107}\\\\x{210A}-\\\\x{2113}\\\\x{2115}"              \
    "\\\\x{2119}-\\\\x{211D}\\\\x{2124}\\\\x{2126}\\\\x{2128}\\\\x{212A}-\\\\x{212D}"              \
    "\\\\x{212F}-\\\\x{2134}\\\\x{2139}\\\\x{213C}-\\\\x{213F}\\\\x{2145}-\\\\x{2149}"             \
    "\\\\x{214E}\\\\x{2183}\\\\x{2184}\\\\x{2C00}-\\\\x{2C7B}\\\\x{2C7E}-\\\\x{2CE4}"              \
    "\\\\x{2CEB}-\\\\x{2CEE}\\\\x{2CF2}\\\\x{2CF3}\\\\x{A640}-\\\\x{A66D}\\\\x{A680}-"             \
    "\\\\x{A69B}\\\\x{A722}-\\\\x{A76F}\\\\x{A771}-\\\\x{A787}\\\\x{A78B}-\\\\x{A78E}"             \
    "\\\\x{AB70}-\\\\x{ABBF}\\\\x{FB00}-\\\\x{FB06}\\\\x{FB13}-\\\\x{FB17}\\\\x{FF21}-"            \
    "\\\\x{FF3A}\\\\x{FF41}-\\\\x{FF5A}\\\\x{10400}-\\\\x{1044F}\\\\x{104B0}-\\\\x{104D3}"         \
    "\\\\x{104D8}-\\\\x{104FB}\\\\x{10C80}-\\\\x{10CB2}\\\\x{10CC0}-\\\\x{10CF2}\\\\x{118A0}-"     \
    "\\\\x{118DF}\\\\x{1E900}-\\\\x{1E943}"
#define DEEPSEEK_SIGNS "\\\\s?[!-/:-~！-／：-～‘-‟　-。]+"
#define DEEPSEEK_LLM                                                                               \
    SPLIT("[\\r\\n]")                                                                              \
    "," SPLIT("\\\\s?[" DEEPSEEK_LETTERS "]+") "," SPLIT(DEEPSEEK_SIGNS) "," SPLIT(                \
        "\\\\s+$") "," SPLIT(CJK) "," DIGITS "," BYTES
#define DEEPSEEK3                                                                                  \
    SPLIT("\\\\p{N}{1,3}")                                                                         \
    "," SPLIT("[一-龥぀-ゟ゠-ヿ]+") "," SPLIT(                                               \
        "[!\\\"#$%&'()*+,\\\\-./:;<=>?@\\\\[\\\\\\\\\\\\]^_`{|}~][A-Za-z]+|"                       \
        "[^\\r\\n\\\\p{L}\\\\p{P}\\\\p{S}]?[\\\\p{L}\\\\p{M}]+| "                                  \
        "?[\\\\p{P}\\\\p{S}]+[\\r\\n]*" SPACES) "," BYTES
#define FALCON                                                                                     \
    "{\"type\":\"Punctuation\",\"behavior\":\"Contiguous\"}," GPT2                                 \
    ",{\"type\":\"Digits\",\"individual_digits\":false}," SPLIT("[0-9][0-9][0-9]")

typedef struct set {
    const char *names;  // separated by spaces
    const char *pre, *normalizer;
    bool is_whole, adds_bos;
} set;

static const set sets[] = {
    {"default gpt-2 phi-2", GPT2, NULL, false, false},
    {"olmo mpt", GPT2, NFC, false, false},
    {"llama-bpe llama3 llama-v3 falcon3 lfm2", SEQUENCE(LLAMA3), NULL, true, true},
    {"dbrx smaug-bpe", SEQUENCE(LLAMA3), NULL, false, false},
    {"qwen2 deepseek-r1-qwen", SEQUENCE(QWEN2), NFC, false, false},
    {"stablelm2", SEQUENCE(QWEN2), NULL, false, false},
    {"starcoder refact smollm", SEQUENCE(DIGITS "," GPT2), NULL, false, false},
    {"falcon", SEQUENCE(FALCON), NULL, false, false},
    {"deepseek-llm", SEQUENCE(DEEPSEEK_LLM), NULL, false, false},
    {"deepseek-coder", SEQUENCE(DEEPSEEK_CODER), NULL, false, false},
    {"deepseek-v3", SEQUENCE(DEEPSEEK3), NULL, false, false},
    {"gpt-4o llama4", SEQUENCE(O200K), NULL, false, false},
    {"tekken", SEQUENCE(TEKKEN), NULL, true, true},
};

static const char mark_spaces[] =
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"▁\"}";
static const char mark_all[] = "{\"type\":\"Sequence\",\"normalizers\":["
                               "{\"type\":\"Prepend\",\"prepend\":\"▁\"},"
                               "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
                               "\"content\":\"▁\"}]}";
#define UNMARK                                                                                     \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"▁\"},\"content\":\" \"},"                   \
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}"
static const char unmark[] = "{\"type\":\"Sequence\",\"decoders\":[" UNMARK "]}";
static const char unmark_strip[] =
    "{\"type\":\"Sequence\",\"decoders\":[" UNMARK
    ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}";

typedef struct source {
    const gguf *g;
    tokenizer *t;
    arena *a;  // for JSON and merges
    err *e;
    gguf_array types;
    bool has_types;
} source;

typedef status load_part(tokenizer *t, const json_value *v, err *e);

static status load_text(const source *s, load_part *load, const char *text) {
    const json_value *v;
    if (!text) return OK;
    TRY(json_read(&v, str_of(text), s->a, s->e));
    return load(s->t, v, s->e);
}

// --- Ids ----------------------------------------------------------------------------------------

static int type_of(const source *s, size_t id) {
    double v;
    return s->has_types && gguf_item_number(&v, &s->types, id) && v >= 0 && v < 7 ? (int)v : 1;
}

static status read_tokens(source *s, bool is_spm) {
    gguf_array list;
    size_t at = 0;
    str name;
    if (!gguf_items(&list, s->g, "tokenizer.ggml.tokens") || !list.is_str)
        return err_set(s->e, E_FORMAT, "tokenizer.ggml.tokens is missing or no list of strings");
    s->has_types = gguf_items(&s->types, s->g, "tokenizer.ggml.token_type") && !s->types.is_str;
    TRY(names_open(s->t, list.n, s->e));
    s->t->added = arena_try_array(&s->t->perm, list.n + 1, sizeof *s->t->added);
    if (!s->t->added) return err_set(s->e, E_MEMORY, "no memory for %zu ids", list.n);
    for (int32_t id = 0; gguf_item_str(&name, &list, &at); id++) {
        int type = type_of(s, (size_t)id);
        bool is_special = type == TYPE_UNKNOWN || type == TYPE_CONTROL;
        bool is_added = is_special || type == TYPE_USER;
        uint32_t flags = is_spm || !is_added ? TOKEN_IS_MODEL : 0u;
        if (is_added) flags |= TOKEN_IS_ADDED | (is_special ? TOKEN_IS_SPECIAL : 0u);
        TRY(load_copy(&name, s->t, name, s->e));
        TRY(names_add(s->t, id, name, flags, s->e));
        if (!is_added || !name.len) continue;
        if (s->t->n_added == PARTS_ADDED_MAX)
            return err_set(s->e, E_LIMIT, "over %d added tokens", PARTS_ADDED_MAX);
        s->t->added[s->t->n_added++] =
            (added_token){.text = name, .id = id, .is_special = is_special};
    }
    return OK;
}

// bos, eos, unknown: -1 when the file has none.
static status get_id(int32_t *out, const source *s, const char *key) {
    double v;
    *out = -1;
    if (!gguf_number(&v, s->g, key)) return OK;
    if (!(v >= 0 && v < s->t->n)) return err_set(s->e, E_FORMAT, "%s is no id", key);
    *out = (int32_t)v;
    return OK;
}

static status add_ends(const source *s, bool adds_bos) {
    tokenizer *t = s->t;
    bool adds_eos = false;
    int32_t bos, eos;
    (void)gguf_bool(&adds_bos, s->g, "tokenizer.ggml.add_bos_token");
    (void)gguf_bool(&adds_eos, s->g, "tokenizer.ggml.add_eos_token");
    TRY(get_id(&bos, s, "tokenizer.ggml.bos_token_id"));
    TRY(get_id(&eos, s, "tokenizer.ggml.eos_token_id"));
    if (adds_bos && bos >= 0) t->before[t->n_before++] = bos;
    if (adds_eos && eos >= 0) t->after[t->n_after++] = eos;
    return OK;
}

// --- Byte-level vocabularies --------------------------------------------------------------------

static bool is_named(const char *names, str name) {
    str all = str_of(names);
    while (all.len)
        if (str_eq(str_cut(&all, ' '), name)) return true;
    return false;
}

static status find_set(const set **out, const source *s) {
    str pre = STR("default");
    (void)gguf_str(&pre, s->g, "tokenizer.ggml.pre");
    for (size_t i = 0; i < countof(sets); i++) {
        *out = &sets[i];
        if (is_named(sets[i].names, pre)) return OK;
    }
    return err_set(s->e, E_UNSUPPORTED, "tokenizer.ggml.pre %s is not supported",
                   load_show(pre).text);
}

static status open_bytes(source *s) {
    const set *k;
    const json_value *v;
    bool has_bytes;
    gguf_array merges;
    size_t at = 0;
    str line;
    TRY(find_set(&k, s));
    TRY(read_tokens(s, false));
    if (!gguf_items(&merges, s->g, "tokenizer.ggml.merges") || !merges.is_str)
        return err_set(s->e, E_FORMAT, "tokenizer.ggml.merges is missing or no list of strings");
    TRY(load_text(s, load_normalizer, k->normalizer));
    TRY(json_read(&v, str_of(k->pre), s->a, s->e));
    TRY(load_pre_tokenizer(s->t, v, true, &has_bytes, s->e));
    s->t->keeps_bytes = has_bytes && !s->t->n_norm;
    TRY(load_words(s->t, has_bytes, merges.n, s->e));
    s->t->bpe->is_whole = k->is_whole;
    while (gguf_item_str(&line, &merges, &at)) {
        str left = str_cut(&line, ' ');
        TRY(load_merge(s->t, left, line, 0, s->e));
    }
    TRY(load_seal(s->t, s->e));
    TRY(add_ends(s, k->adds_bos));
    return load_text(s, load_decoder, GPT2);
}

// --- SentencePiece vocabularies -----------------------------------------------------------------

typedef struct cut {
    float score;
    uint32_t len[2];  // in characters
    uint32_t left, right, id, order;
} cut;

// Higher scores first, then longer left parts, then longer right ones, then as they were found.
static int compare_cuts(const void *x, const void *y) {
    const cut *a = x, *b = y;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    for (int i = 0; i < 2; i++)
        if (a->len[i] != b->len[i]) return a->len[i] > b->len[i] ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static int compare_parts(const void *x, const void *y) {
    const cut *a = x, *b = y;
    if (a->left != b->left) return a->left < b->left ? -1 : 1;
    return a->right < b->right ? -1 : a->right > b->right;
}

typedef struct cuts {
    cut *at;
    size_t n, cap;
} cuts;

// All ways to cut one token into two others, in the order of these.
static status cut_token(cuts *to, const source *s, uint32_t id, float score) {
    str name = s->t->tokens[id].name;
    size_t first = to->n;
    for (size_t i = 1; i < name.len; i++) {
        if (((unsigned char)name.ptr[i] & 0xC0) == 0x80) continue;
        str left = str_first(name, i), right = str_skip(name, i);
        int32_t l = tokenizer_id(s->t, left), r = l < 0 ? -1 : tokenizer_id(s->t, right);
        if (r < 0) continue;
        if (to->n == to->cap)
            return err_set(s->e, E_LIMIT, "over %zu ways to cut tokens in two", to->cap);
        to->at[to->n++] =
            (cut){score,       {(uint32_t)utf8_count(left), (uint32_t)utf8_count(right)},
                  (uint32_t)l, (uint32_t)r,
                  id,          0};
    }
    qsort(to->at + first, to->n - first, sizeof *to->at, compare_parts);
    return OK;
}

static status merge_by_scores(const source *s, cuts *all) {
    gguf_array scores;
    double v;
    if (!gguf_items(&scores, s->g, "tokenizer.ggml.scores") || scores.is_str || scores.n != s->t->n)
        return err_set(s->e, E_FORMAT,
                       "tokenizer.ggml.scores is missing or has not one for each id");
    for (uint32_t id = 0; id < s->t->n; id++)
        if (gguf_item_number(&v, &scores, id)) TRY(cut_token(all, s, id, (float)v));
    for (size_t i = 0; i < all->n; i++)
        all->at[i].order = (uint32_t)i;
    qsort(all->at, all->n, sizeof *all->at, compare_cuts);
    return OK;
}

static status open_pieces(source *s) {
    bool adds_space = true;
    int32_t unknown;
    cuts all = {.cap = BPE__MERGES_MAX};
    (void)gguf_bool(&adds_space, s->g, "tokenizer.ggml.add_space_prefix");
    TRY(read_tokens(s, true));
    all.at = arena_try_array(s->a, all.cap, sizeof *all.at);
    if (!all.at) return err_set(s->e, E_MEMORY, "no memory for merges");
    TRY(merge_by_scores(s, &all));
    TRY(load_text(s, load_normalizer, adds_space ? mark_all : mark_spaces));
    TRY(load_words(s->t, false, all.n, s->e));
    TRY(load_fallback(s->t, s->e));
    TRY(get_id(&unknown, s, "tokenizer.ggml.unknown_token_id"));
    if (unknown >= 0) s->t->bpe->unknown = (uint32_t)unknown;
    s->t->bpe->fuses_unknown = true;
    for (size_t i = 0; i < all.n; i++)
        TRY(bpe__merge(s->t->bpe, all.at[i].left, all.at[i].right, all.at[i].id, s->e));
    TRY(load_seal(s->t, s->e));
    TRY(add_ends(s, true));
    return load_text(s, load_decoder, adds_space ? unmark_strip : unmark);
}

// --- All of it ----------------------------------------------------------------------------------

static status fill(source *s) {
    str model = {0};
    if (!gguf_str(&model, s->g, "tokenizer.ggml.model"))
        return err_set(s->e, E_NOT_FOUND, "tokenizer.ggml.model is missing");
    if (str_eq(model, STR("gpt2")))
        TRY(open_bytes(s));
    else if (str_eq(model, STR("llama")))
        TRY(open_pieces(s));
    else
        return err_set(s->e, E_UNSUPPORTED, "tokenizer.ggml.model %s is not supported",
                       load_show(model).text);
    return load_finish(s->t, s->e);
}

status tokenizer_open_gguf(tokenizer **out, const gguf *g, err *e) {
    arena a;
    source s = {.g = g, .a = &a, .e = e};
    *out = NULL;
    TRY(arena_open(&a, (size_t)256 << 20, e));
    status r = load_new(&s.t, TOKENIZER_FILE_MAX, e);
    if (!r) r = fill(&s);
    arena_close(&a);
    if (!r)
        *out = s.t;
    else
        tokenizer_close(s.t);
    return r;
}
