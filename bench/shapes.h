// Shapes of models for benches, with random weights.
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

#include "lm/arch.h"

#include <math.h>

static inline void shape_layers(lm_spec *s, int rope, bool is_moe, int window_of_even) {
    for (int i = 0; i < s->n_layer; i++)
        s->layer[i] =
            (lm_layer_spec){.rope = rope, .is_moe = is_moe, .window = i % 2 ? 0 : window_of_even};
    if (rope < 0) return;
    s->n_rope = rope + 1;
    s->rope[rope] = (lm_rope){.dims = s->head_dim, .factor = 1};
    for (int i = 0; i < s->head_dim / 2; i++)
        s->rope[rope].freq[i] = powf(1e5F, -2.0F * (float)i / (float)s->head_dim);
}

// What most families share.
static inline lm_spec shape_base(void) {
    return (lm_spec){.family = "llama",
                     .bos = -1,
                     .block_size = 4096,
                     .norm = LM_NORM_RMS,
                     .norm_at = LM_NORM_PRE,
                     .norm_eps = 1e-5F,
                     .act = LM_ACT_SILU,
                     .is_gated = true,
                     .is_tied = true,
                     .embed_scale = 1,
                     .routed_scale = 1,
                     .head_dim = 64,
                     .step = -1,
                     .val_loss = (double)NAN};
}

static inline void shape_smollm2_135m(lm_spec *s) {
    s->vocab_size = 49152;
    s->n_layer = 30, s->n_embd = 576, s->n_head = 9, s->n_kv_head = 3, s->n_ff = 1536;
    shape_layers(s, 0, false, 0);
}

static inline void shape_qwen3_4b(lm_spec *s) {
    s->vocab_size = 151936;
    s->n_layer = 36, s->n_embd = 2560, s->n_head = 32, s->n_kv_head = 8, s->n_ff = 9728;
    s->head_dim = 128;
    s->qk_norm = LM_QK_HEAD;
    shape_layers(s, 0, false, 0);
}

static inline void shape_gpt_oss_20b(lm_spec *s) {
    s->vocab_size = 201088;
    s->n_layer = 24, s->n_embd = 2880, s->n_head = 64, s->n_kv_head = 8;
    s->n_ff_expert = 2880, s->n_expert = 32, s->n_used = 4;
    s->act = LM_ACT_OSS;
    s->router = LM_ROUTE_TOP_SOFTMAX;
    s->has_sinks = true;
    s->is_tied = false;
    s->biases = 1U << LM_Q | 1U << LM_K | 1U << LM_V | 1U << LM_O | 1U << LM_ROUTER |
                1U << LM_GATE | 1U << LM_UP | 1U << LM_DOWN;
    shape_layers(s, 0, true, 128);
}

static inline void shape_lfm2_8b_a1b(lm_spec *s) {
    s->vocab_size = 65536;
    s->n_layer = 24, s->n_embd = 2048, s->n_head = 32, s->n_kv_head = 8, s->n_ff = 7168;
    s->n_ff_expert = 1792, s->n_expert = 32, s->n_used = 4;
    s->router = LM_ROUTE_SIGMOID;
    s->norm_top = true;
    s->qk_norm = LM_QK_HEAD;
    s->n_conv = 3;
    shape_layers(s, 0, true, 0);
    static const int attends[] = {2, 6, 10, 14, 18, 21};
    for (int i = 0; i < s->n_layer; i++)
        s->layer[i].mixer = LM_MIX_CONV;
    for (size_t i = 0; i < countof(attends); i++)
        s->layer[attends[i]].mixer = LM_MIX_ATTENTION;
    s->layer[0].is_moe = s->layer[1].is_moe = false;
}

// False for a name that is none of these.
static inline bool shape_named(lm_spec *s, const char *name) {
    static const struct {
        const char *name;
        void (*fill)(lm_spec *s);
    } all[] = {{"smollm2-135m", shape_smollm2_135m},
               {"qwen3-4b", shape_qwen3_4b},
               {"gpt-oss-20b", shape_gpt_oss_20b},
               {"lfm2-8b-a1b", shape_lfm2_8b_a1b}};
    if (!strcmp(name, "gpt2")) {
        *s = (lm_spec){.block_size = 1024,
                       .vocab_size = 50304,
                       .n_layer = 12,
                       .n_head = 12,
                       .n_embd = 768,
                       .step = -1,
                       .val_loss = (double)NAN};
        return true;
    }
    *s = shape_base();
    for (size_t i = 0; i < countof(all); i++)
        if (!strcmp(name, all[i].name)) {
            all[i].fill(s);
            s->n_ids = s->vocab_size;
            s->attn_scale = 1 / sqrtf((float)s->head_dim);
            return true;
        }
    return false;
}

#endif
