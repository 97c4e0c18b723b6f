// Damages good files of weights N times each and loads what is still taken for one: `make corrupt`.
// Each is refused with a message, or loads and gives logits. A crash, a refusal without a message
// or a case that hangs fails.
//
//   corrupt_weights N [SEED [KIND [CASE]]]     only this kind of file, only this case

#include "lm/forward.h"
#include "lm/panels.h"
#include "os/clock.h"
#include "tests/tensor/folder.h"

enum { HANG_S = 120, FILE_MAX = 1 << 18, TOKENS = 20 };

static uint64_t state;
static uint8_t good[FILE_MAX], bad[2 * FILE_MAX];
static size_t n_good;

static uint32_t dice(uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

// --- Ways of damage: each changes `bad`, a copy of `good`, and returns its new length -----------

// Metadata is where parsers look: three of four places are in the first or last 4 KiB.
static size_t somewhere(void) {
    size_t edge = n_good < 4096 ? n_good : 4096;
    switch (dice(8)) {
    case 0:
    case 1:
        return dice((uint32_t)n_good);
    case 2:
    case 3:
        return n_good - 1 - dice((uint32_t)edge);
    default:
        return dice((uint32_t)edge);
    }
}

static size_t flip_bits(void) {
    for (uint32_t n = 1 + dice(6); n--;)
        bad[somewhere()] ^= (uint8_t)(1u << dice(8));
    return n_good;
}

static size_t put_bytes(void) {
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff, '"', '{', '[', '9', '-', '\\'};
    size_t at = somewhere(), n = 1 + dice(16);
    uint8_t byte = odd[dice(sizeof odd)];
    for (size_t i = at; i < at + n && i < n_good; i++)
        bad[i] = dice(4) ? byte : (uint8_t)dice(256);
    return n_good;
}

static size_t cut(void) {
    return somewhere();
}

static size_t take_out(void) {
    size_t at = somewhere(), n = 1 + dice(dice(2) ? 8 : 512);
    if (n > n_good - at) n = n_good - at;
    memmove(bad + at, bad + at + n, n_good - at - n);
    return n_good - n;
}

static size_t repeat(void) {
    size_t at = somewhere(), n = 1 + dice(dice(2) ? 8 : 512);
    if (n > n_good - at) n = n_good - at;
    memmove(bad + at + n, bad + at, n_good - at);
    return n_good + n;
}

static size_t copy_run(void) {
    size_t from = somewhere(), to = somewhere(), n = 1 + dice(64), far = from > to ? from : to;
    memmove(bad + to, bad + from, n < n_good - far ? n : n_good - far);
    return n_good;
}

// A number in JSON becomes another.
static size_t change_number(void) {
    static const char *const odd[] = {"0",   "-1",          "1e9",   "9223372036854775807",
                                      "1.5", "18446744073", "1e400", "null"};
    size_t at = somewhere(), n = 0;
    while (at < n_good && (bad[at] < '0' || bad[at] > '9'))
        at++;
    while (at + n < n_good && bad[at + n] >= '0' && bad[at + n] <= '9')
        n++;
    const char *text = odd[dice(sizeof odd / sizeof *odd)];
    size_t len = strlen(text);
    memmove(bad + at + len, bad + at + n, n_good - at - n);
    memcpy(bad + at, text, len);
    return n_good - n + len;
}

static size_t (*const ways[])(void) = {flip_bits, put_bytes, cut,          take_out,
                                       repeat,    copy_run,  change_number};

// --- Making checksums right again, so that damage gets past them --------------------------------

// A ZIP's CRCs become 0, which means that none was computed.
static void mend_zip(size_t len) {
    for (size_t i = 0; i + 46 <= len; i++)
        if (!memcmp(bad + i, "PK\1\2", 4)) memset(bad + i + 16, 0, 4);
}

// The sums of a file of panels: of each run, of the head, of the header.
static void mend_store(size_t len) {
    store_header h;
    if (len < sizeof h) return;
    memcpy(&h, bad, sizeof h);
    if (dice(2)) h.file_len = len;
    store_section *key = &h.section[0];
    if (key->len == sizeof(lm_panels_head) && key->off <= len && key->len <= len - key->off) {
        for (int i = 1; i < STORE_SECTIONS_MAX; i++) {
            store_section *s = &h.section[i];
            if (s->off > len || s->len > len - s->off) continue;
            uint64_t sum = lm__panels_sum((str){(const char *)bad + s->off, s->len});
            memcpy(bad + key->off + offsetof(lm_panels_head, sum) + 8 * (size_t)(i - 1), &sum, 8);
        }
        key->sum = store_sum((str){(const char *)bad + key->off, key->len});
    }
    h.sum = store_sum((str){(const char *)&h, offsetof(store_header, sum)});
    memcpy(bad, &h, sizeof h);
}

static void mend_nothing(size_t len) {
    (void)len;
}

// --- Cases --------------------------------------------------------------------------------------

#define GOLDEN "tests/golden/"
#define SHARD1 "model-00001-of-00002.safetensors"
#define SHARD2 "model-00002-of-00002.safetensors"
#define INDEX  "model.safetensors.index.json"

#define HF GOLDEN "hf/"
#define HUB(name, family, file, other)                                                             \
    { name, file, HF family "/" file, {HF family "/" other}, ".", mend_nothing }
#define GGUF(name, family)                                                                         \
    { name, "model.gguf", HF family "/model.gguf", {0}, "model.gguf", mend_nothing }

// One file of a model is damaged; the others are copied beside it.
static const struct kind {
    const char *name, *file, *from;  // the damaged one; where it comes from
    const char *beside[4];
    const char *open;  // what of the folder is opened
    void (*mend)(size_t len);
} kinds[] = {
    {"pt", "a.pt", GOLDEN "gpt2_bf16.pt", {0}, "a.pt", mend_zip},
    {"safetensors",
     "model.safetensors",
     GOLDEN "hf_single/model.safetensors",
     {GOLDEN "hf_single/config.json"},
     ".",
     mend_nothing},
    {"config",
     "config.json",
     GOLDEN "hf_single/config.json",
     {GOLDEN "hf_single/model.safetensors"},
     ".",
     mend_nothing},
    {"index",
     INDEX,
     GOLDEN "hf_sharded/" INDEX,
     {GOLDEN "hf_sharded/config.json", GOLDEN "hf_sharded/" SHARD1, GOLDEN "hf_sharded/" SHARD2},
     ".",
     mend_nothing},
    HUB("oss", "gpt_oss", "model.safetensors", "config.json"),
    HUB("oss-config", "gpt_oss", "config.json", "model.safetensors"),
    HUB("lfm2-config", "lfm2_moe", "config.json", "model.safetensors"),
    HUB("gemma-config", "gemma3", "config.json", "model.safetensors"),
    HUB("phi-config", "phi3", "config.json", "model.safetensors"),
    HUB("neox-config", "gpt_neox", "config.json", "model.safetensors"),
    HUB("llama-config", "llama", "config.json", "model.safetensors"),
    GGUF("gguf-oss", "gguf_gpt_oss"),
    GGUF("gguf-llama", "gguf_llama"),
    GGUF("gguf-lfm2", "gguf_lfm2_moe"),
    {"panels", "panels", NULL, {GOLDEN "gpt2_f16.pt"}, "gpt2_f16.pt", mend_store},
};

static folder in;

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void must(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void read_good(const char *path) {
    os_map map;
    must(!os_map_open(&map, path, OS_MAP_SEQUENTIAL, NULL) && map.len <= FILE_MAX, path);
    n_good = map.len;
    memcpy(good, map.base, n_good);
    os_map_close(&map);
}

static status open_model(lm_model **m, const struct kind *k, err *note, err *e) {
    char path[400], panels[400];
    snprintf(path, sizeof path, "%s", folder_at(&in, k->open));
    snprintf(panels, sizeof panels, "%s", folder_at(&in, "panels"));
    bool is_panels = !strcmp(k->file, "panels");
    return lm_model_open(m, path, &(lm_load){.panels = is_panels ? panels : NULL, .note = note}, e);
}

static void prepare(const struct kind *k) {
    err e = {0}, note;
    lm_model *m;
    must(folder_open(&in), "no folder");
    for (size_t i = 0; i < 4 && k->beside[i]; i++)
        must(folder_copy(&in, base_name(k->beside[i]), k->beside[i]), k->beside[i]);
    if (k->from) must(folder_copy(&in, k->file, k->from), k->from);
    must(!open_model(&m, k, &note, &e), e.msg);
    lm_model_close(m);
    read_good(folder_at(&in, k->file));
}

// The first logits of a model that loaded: whatever they are.
static void use(const lm_model *m) {
    static volatile float sink;
    lm_work w;
    lm_pages *pages = NULL;
    lm_seq seq;
    int32_t ids[TOKENS] = {0};
    size_t n = min_size(TOKENS, (size_t)m->spec.block_size);
    size_t bytes = lm__pages_for(TOKENS) * lm__page_bytes(m);
    must(!lm__work_open(&w, m, NULL) && !lm__pages_open(&pages, m, bytes, NULL) &&
             lm__seq_open(&seq, pages, ids, n, n),
         "no memory for a pass");
    lm_segment seg = {.seq = &seq, .ids = ids, .n = n, .want = 1};
    lm__forward(&w, m, NULL, &seg, 1);
    sink = sink + seg.logits[0];
    lm__seq_close(&seq);
    lm__pages_close(pages);
    lm__work_close(&w);
}

// Whether the damaged file was taken.
static bool run_case(const struct kind *k) {
    memcpy(bad, good, n_good);
    size_t len = ways[dice(sizeof ways / sizeof *ways)]();
    if (dice(2)) k->mend(len);
    must(folder_put(&in, k->file, (str){(const char *)bad, len}), "cannot write");
    lm_model *m;
    err e = {0}, note = {0};
    if (open_model(&m, k, &note, &e)) {
        must(e.msg[0], "refused without a message");
        return false;
    }
    use(m);
    bool mapped = m->spec.mapped;
    lm_model_close(m);
    if (strcmp(k->file, "panels")) return true;
    must(mapped || note.msg[0], "panels refused without a note");
    return mapped;
}

static void run_kind(const struct kind *k, long n, uint64_t seed, long only) {
    long used = 0;
    int64_t slowest = 0;
    prepare(k);
    for (long i = 0; i < n; i++) {
        if (only >= 0 && i != only) continue;
        state = seed * 1000003 + (uint64_t)i;
        (void)dice(2);
        int64_t start = os_now_ns();
        alarm(HANG_S);
        used += run_case(k);
        int64_t took = os_now_ns() - start;
        if (took > slowest) slowest = took;
    }
    folder_close(&in);
    printf("%-12s %ld damaged: %ld refused, %ld loaded without harm, slowest %lld ms\n", k->name, n,
           n - used, used, (long long)slowest / 1000000);
}

int main(int argc, char **argv) {
    long n = argc > 1 ? atol(argv[1]) : 1000, only = argc > 4 ? atol(argv[4]) : -1;
    uint64_t seed = argc > 2 ? (uint64_t)atoll(argv[2]) : 1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (argc < 4 || !strcmp(argv[3], kinds[i].name)) run_kind(&kinds[i], n, seed, only);
    return 0;
}
