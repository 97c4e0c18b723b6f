// A schema leads a stream: ids in, bytes through the automaton.
//
//   I1  `now` has taken the bytes of all ids that came; `next`, when `next_id` is not -1, those of
//       that id as well: most ids that are asked about are the ones that come

#include "llm/llm.h"

typedef struct guide {
    const schema *s;
    const schema_vocab *vocab;
    const tokenizer *tokens;
    const lm_spec *spec;
    schema_state *now, *next;
    int32_t next_id;
    void *scratch;
} guide;

static bool is_end(const guide *g, int32_t id) {
    for (int i = 0; i < g->spec->n_eos; i++)
        if (g->spec->eos[i] == id) return true;
    return false;
}

static bool accepts(void *self, int32_t id) {
    guide *g = self;
    if (is_end(g, id)) return schema_may_end(g->now, g->s);
    str bytes = tokenizer_bytes(g->tokens, id);
    g->next_id = -1;
    if (bytes.len == 0) return false;
    schema_copy(g->next, g->now, g->s);
    for (size_t i = 0; i < bytes.len; i++)
        if (!schema_step(g->next, g->s, (uint8_t)bytes.ptr[i])) return false;
    g->next_id = id;
    return true;
}

static void advance(void *self, int32_t id) {
    guide *g = self;
    if (g->next_id != id) CHECK(accepts(g, id));
    schema_state *was = g->now;
    g->now = g->next;
    g->next = was;
    g->next_id = -1;
}

static void mask(void *self, uint32_t *bits) {
    guide *g = self;
    schema_mask(bits, g->vocab, g->now, g->s, g->scratch);
    bool may_end = schema_may_end(g->now, g->s);
    for (int i = 0; i < g->spec->n_eos; i++) {
        uint32_t id = (uint32_t)g->spec->eos[i], bit = 1U << id % 32;
        bits[id / 32] = may_end ? bits[id / 32] | bit : bits[id / 32] & ~bit;
    }
}

status llm_guide_new(lm_guide *out, const llm_model *m, const schema *s, arena *a, err *e) {
    guide *g = arena_try(a, sizeof *g);
    size_t bytes = align_up(schema_state_bytes(s), 16);
    uint8_t *states = arena_try(a, 2 * bytes);
    void *scratch = arena_try(a, schema_mask_scratch(m->vocab, s));
    if (!g || !states || !scratch)
        return err_set(e, E_LIMIT, "the schemas of so many answers take too much memory");
    *g = (guide){.s = s,
                 .vocab = m->vocab,
                 .tokens = m->tokens,
                 .spec = lm_model_spec(m->model),
                 .now = (schema_state *)(void *)states,
                 .next = (schema_state *)(void *)(states + bytes),
                 .next_id = -1,
                 .scratch = scratch};
    schema_start(g->now, s);
    *out = (lm_guide){g, accepts, mask, advance};
    return OK;
}
