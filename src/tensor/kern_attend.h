// tensor/kern_attend.h -- attention over pages, written once over 16 virtual lanes.
//
// Included by kern_body.h, whose rules (I1, I3) and vectors it uses.

enum { BLOCK_PAGES = 4, BLOCK = BLOCK_PAGES * KERN_PAGE };

// Scores of one page, scaled; positions from `n` on are -infinity.
INLINE vec score_page(const float *q, const float *keys, size_t head, vec scale) {
    vec s = v_set(0);
    for (size_t i = 0; i < head; i++)
        s = v_fma(v_set(q[i]), v_load(keys + i * KERN_PAGE), s);
    return v_mul(s, scale);
}

// One row of queries over positions [0, n), a block at a time: the sum so far is scaled down when a
// block holds a larger score.
static void attend_row(float *out, const float *q, const kern_kv *kv, size_t n, size_t head) {
    _Alignas(KERN_ALIGN) float p[BLOCK];
    vec scale = v_set(1.0F / sqrtf((float)head));
    float max = -INFINITY, sum = 0;
    memset(out, 0, head * sizeof *out);
    for (size_t t = 0; t < n; t += BLOCK) {
        size_t len = min_size(BLOCK, n - t), padded = align_up(len, KERN_PAGE);
        vec top = v_set(max);
        for (size_t at = 0; at < padded; at += KERN_PAGE) {
            const float *keys = kv->base + kv->page[(t + at) / KERN_PAGE] * kv->stride;
            v_store(p + at, score_page(q, keys, head, scale));
            for (size_t i = len; i < at + KERN_PAGE; i++)
                p[i] = -INFINITY;
            top = v_max(v_load(p + at), top);
        }
        float new_max = v_top(top);
        vec factor = exp_vec(v_sub(v_set(max), v_set(new_max))), part = v_set(0);
        for (size_t at = 0; at < padded; at += KERN_PAGE) {
            vec e = exp_vec(v_sub(v_load(p + at), v_set(new_max)));
            v_store(p + at, e);
            part = v_add(part, e);
        }
        float f;
        _Alignas(KERN_ALIGN) float lanes[KERN_LANES];
        v_store(lanes, factor);
        f = lanes[0];
        sum = fmaf(sum, f, v_sum(part));
        max = new_max;
        for (size_t i = 0; i < head; i += KERN_LANES) {
            vec a = v_mul(v_load(out + i), factor);
            for (size_t at = 0; at < len; at++) {
                const float *page = kv->base + kv->page[(t + at) / KERN_PAGE] * kv->stride;
                const float *values = page + KERN_PAGE * head + at % KERN_PAGE * head;
                a = v_fma(v_set(p[at]), v_load(values + i), a);
            }
            v_store(out + i, a);
        }
    }
    for (size_t i = 0; i < head; i += KERN_LANES)
        v_store(out + i, v_div(v_load(out + i), v_set(sum)));
}

static void attend(const kern_attend *a, const kern_kv *kv) {
    for (size_t i = 0; i < a->rows; i++)
        attend_row(a->out + i * a->ld_out, a->q + i * a->ld_q, kv, a->n + i / a->per, a->head);
}
