// make_model -- a hub's folder in the shape of a known model, with random weights: to load, and to
// measure with.
//
//   make_model SHAPE FOLDER [--type bf16|f16|f32] [--layers N] [--dense]
//   make_model              lists the shapes
//
// Writes config.json and model.safetensors. Norms are ones. Without --dense only the first 4 KiB of
// a tensor are random and the rest is a hole, which reads as zeros and takes no disk. gpt-oss'
// experts are bytes of MXFP4, as the hub has them.

#include "base/arena.h"
#include "base/buf.h"
#include "lm/arch_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKENS(bos, eos) "\"bos_token_id\":" #bos ",\"eos_token_id\":" #eos ","

// %d: the number of layers.
static const struct shape {
    const char *name, *config;
    int layers;
} shapes[] = {
    {"smollm2-135m",
     "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\"," TOKENS(
         0, 0) "\"hidden_size\":576,\"intermediate_size\":1536,\"max_position_embeddings\":8192,"
               "\"num_attention_heads\":9,\"num_hidden_layers\":%d,\"num_key_value_heads\":3,"
               "\"rms_norm_eps\":1e-05,\"rope_theta\":100000,\"tie_word_embeddings\":true,"
               "\"vocab_size\":49152}",
     30},
    {"llama-3.2-1b",
     "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\"," TOKENS(
         128000,
         128001) "\"head_dim\":64,\"hidden_size\":2048,\"intermediate_size\":8192,"
                 "\"max_position_embeddings\":131072,\"num_attention_heads\":32,\"num_hidden_"
                 "layers\":%d,"
                 "\"num_key_value_heads\":8,\"rms_norm_eps\":1e-05,\"rope_scaling\":{\"factor\":32."
                 "0,"
                 "\"high_freq_factor\":4.0,\"low_freq_factor\":1.0,\"original_max_position_"
                 "embeddings\":8192,"
                 "\"rope_type\":\"llama3\"},\"rope_theta\":500000.0,\"tie_word_embeddings\":true,"
                 "\"vocab_size\":128256}",
     16},
    {"qwen3-4b",
     "{\"architectures\":[\"Qwen3ForCausalLM\"],\"model_type\":\"qwen3\"," TOKENS(
         151643, 151645) "\"head_dim\":128,\"hidden_size\":2560,\"intermediate_size\":9728,"
                         "\"max_position_embeddings\":40960,\"num_attention_heads\":32,\"num_"
                         "hidden_layers\":%d,"
                         "\"num_key_value_heads\":8,\"rms_norm_eps\":1e-06,\"rope_theta\":1000000,"
                         "\"tie_word_embeddings\":true,\"vocab_size\":151936}",
     36},
    {"qwen3-30b-a3b",
     "{\"architectures\":[\"Qwen3MoeForCausalLM\"],\"model_type\":\"qwen3_moe\"," TOKENS(
         151643,
         151645) "\"head_dim\":128,\"hidden_size\":2048,\"intermediate_size\":6144,"
                 "\"max_position_embeddings\":40960,\"moe_intermediate_size\":768,\"norm_topk_"
                 "prob\":true,"
                 "\"num_attention_heads\":32,\"num_experts\":128,\"num_experts_per_tok\":8,"
                 "\"num_hidden_layers\":%d,\"num_key_value_heads\":4,\"rms_norm_eps\":1e-06,"
                 "\"rope_theta\":1000000.0,\"tie_word_embeddings\":false,\"vocab_size\":151936}",
     48},
    {"gpt-oss-20b",
     "{\"architectures\":[\"GptOssForCausalLM\"],\"model_type\":\"gpt_oss\"," TOKENS(
         199998,
         200002) "\"attention_bias\":true,\"head_dim\":64,\"hidden_size\":2880,\"intermediate_"
                 "size\":2880,"
                 "\"max_position_embeddings\":131072,\"num_attention_heads\":64,\"num_experts_per_"
                 "tok\":4,"
                 "\"num_hidden_layers\":%d,\"num_key_value_heads\":8,\"num_local_experts\":32,"
                 "\"quantization_config\":{\"quant_method\":\"mxfp4\"},\"rms_norm_eps\":1e-05,"
                 "\"rope_scaling\":{\"beta_fast\":32.0,\"beta_slow\":1.0,\"factor\":32.0,"
                 "\"original_max_position_embeddings\":4096,\"rope_type\":\"yarn\",\"truncate\":"
                 "false},"
                 "\"rope_theta\":150000,\"sliding_window\":128,\"swiglu_limit\":7.0,"
                 "\"tie_word_embeddings\":false,\"vocab_size\":201088}",
     24},
    {"lfm2-8b-a1b",
     "{\"architectures\":[\"Lfm2MoeForCausalLM\"],\"model_type\":\"lfm2_moe\"," TOKENS(
         1, 7) "\"conv_L_cache\":3,\"conv_bias\":false,\"full_attn_idxs\":[2,6,10,14,18,21],"
               "\"hidden_size\":2048,\"intermediate_size\":7168,\"max_position_embeddings\":128000,"
               "\"moe_intermediate_size\":1792,\"norm_eps\":1e-05,\"norm_topk_prob\":true,"
               "\"num_attention_heads\":32,\"num_dense_layers\":2,\"num_experts\":32,"
               "\"num_experts_per_tok\":4,\"num_hidden_layers\":%d,\"num_key_value_heads\":8,"
               "\"rope_theta\":1000000.0,\"routed_scaling_factor\":1.0,\"use_expert_bias\":true,"
               "\"vocab_size\":65536}",
     24},
};

static const struct type {
    const char *name, *file;
    size_t bytes;
} types[] = {{"bf16", "BF16", 2}, {"f16", "F16", 2}, {"f32", "F32", 4}};

enum { RANDOM = 4096, CHUNK = 1 << 16, HEADER_MAX = 64 << 20 };

typedef struct maker {
    FILE *to;  // NULL: the header is being made
    buf header;
    const struct type *type;
    bool dense;
    uint64_t at, data, state;  // of the data; where it begins in the file
} maker;

static void must(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "make_model: %s\n", what);
    exit(1);
}

// An element around 0, or 1, as the type has it.
static size_t element(uint8_t *out, maker *m, bool one) {
    m->state = m->state * 6364136223846793005U + 1442695040888963407U;
    float v = one ? 1 : ((float)(m->state >> 40) * 0x1p-24F - 0.5F) * 0.1F;
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint32_t half = (bits >> 16 & 0x8000) | (v == 0 ? 0 : ((bits >> 13 & 0x3ffff) - (112 << 10)));
    if (m->type->bytes == 4) memcpy(out, &bits, 4);
    if (m->type->file[0] == 'B') memcpy(out, (const uint8_t *)&bits + 2, 2);
    if (m->type->file[0] == 'F' && m->type->bytes == 2) memcpy(out, &half, 2);
    return m->type->bytes;
}

static void fill(maker *m, uint64_t bytes, bool one, bool is_bytes) {
    uint8_t chunk[CHUNK];
    must(!fseeko(m->to, (off_t)(m->data + m->at), SEEK_SET), "cannot seek");
    for (uint64_t done = 0; done < bytes && (m->dense || one || done < RANDOM); done += CHUNK) {
        size_t n = 0, most = bytes - done < CHUNK ? (size_t)(bytes - done) : CHUNK;
        if (!m->dense && !one && most > RANDOM) most = RANDOM;
        while (n < most)
            if (is_bytes)
                m->state = m->state * 6364136223846793005U + 1442695040888963407U,
                chunk[n++] = (uint8_t)(one ? 122 + (m->state >> 62) : m->state >> 56);
            else
                n += element(chunk + n, m, one);
        must(fwrite(chunk, 1, most, m->to) == most, "cannot write");
    }
}

static void put(void *arg, const char *name, tensor_dtype dtype, const int64_t *dim, int n) {
    maker *m = arg;
    bool is_bytes = dtype == TENSOR_U8;
    uint64_t bytes = is_bytes ? 1 : m->type->bytes;
    for (int i = 0; i < n; i++)
        bytes *= (uint64_t)dim[i];
    bool one = strstr(name, "norm") || strstr(name, "_scales");
    if (m->to) {
        fill(m, bytes, one, is_bytes);
    } else {
        buf_fmt(&m->header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", m->at ? "," : "", name,
                is_bytes ? "U8" : m->type->file);
        for (int i = 0; i < n; i++)
            buf_fmt(&m->header, "%s%lld", i ? "," : "", (long long)dim[i]);
        buf_fmt(&m->header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)m->at,
                (unsigned long long)(m->at + bytes));
    }
    m->at += bytes;
}

static void read_spec(lm_spec *s, const char *config) {
    arena a;
    const json_value *v;
    lm_facts f;
    err e = {0};
    str text = str_of(config);
    status st = arena_open(&a, json_read_arena(text.len), &e);
    if (!st) st = json_read(&v, text, &a, &e);
    if (!st) st = lm__config_read(&f, v, &e);
    if (!st) st = lm__facts_finish(&f, &e);
    must(!st, e.msg);
    *s = f.s;
    arena_close(&a);
}

static FILE *create(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    must(f != NULL, path);
    return f;
}

static void make(const struct shape *shape, const char *folder, int layers, maker m) {
    static lm_spec s;
    static char config[4096];
    snprintf(config, sizeof config, shape->config, layers ? layers : shape->layers);
    read_spec(&s, config);
    must(!mkdir(folder, 0777) || access(folder, W_OK) == 0, folder);
    FILE *f = create(folder, "config.json");
    must(fputs(config, f) >= 0 && !fclose(f), "cannot write config.json");
    arena a;
    must(!arena_open(&a, HEADER_MAX, NULL), "no memory");
    buf_init(&m.header, &a, 0);
    buf_fmt(&m.header, "{");
    lm__arch_list(&s, put, &m);
    buf_fmt(&m.header, "}");
    must(!m.header.failed, "the header is too long");
    while (m.header.len % 8)
        buf_fmt(&m.header, " ");
    uint64_t len = m.header.len, total = m.at;
    f = create(folder, "model.safetensors");
    must(fwrite(&len, 8, 1, f) == 1 && fwrite(m.header.ptr, 1, len, f) == len, "cannot write");
    m.to = f, m.at = 0, m.data = 8 + len;
    lm__arch_list(&s, put, &m);
    must(!fflush(f) && !ftruncate(fileno(f), (off_t)(8 + len + total)) && !fclose(f),
         "cannot write");
    printf("%s: %d layers, %.2f GB in %s\n", folder, s.n_layer, (double)total / 1e9, m.type->name);
    arena_close(&a);
}

int main(int argc, char **argv) {
    maker m = {.type = &types[0], .state = 1};
    int layers = 0;
    for (int i = 3; i < argc; i++) {
        if (!strcmp(argv[i], "--dense")) m.dense = true;
        if (!strcmp(argv[i], "--layers") && i + 1 < argc) layers = atoi(argv[++i]);
        for (size_t t = 0; t < countof(types); t++)
            if (!strcmp(argv[i], types[t].name)) m.type = &types[t];
    }
    for (size_t i = 0; i < countof(shapes); i++) {
        if (argc < 3) printf("%s\n", shapes[i].name);
        if (argc < 3 || strcmp(argv[1], shapes[i].name)) continue;
        make(&shapes[i], argv[2], layers, m);
        return 0;
    }
    must(argc < 3, "no such shape");
    return 0;
}
