// kern/kern_int_quantise.h -- activations as int8; part of kern_int_body.h.

// One group: q, scale, and what sums of it start at. Numbers that are not finite make the scale
// NaN, and so every sum.
static void quantise_group(int8_t *q, float *scale, int32_t *sum, const float *x) {
    ivec top = i_abs_bits(v_load(x)), half[2];
    for (size_t i = KERN_LANES; i < KERN_GROUP; i += KERN_LANES)
        top = i_max(top, i_abs_bits(v_load(x + i)));
    int32_t bits = i_top(top);
    float max;
    memcpy(&max, &bits, sizeof max);
    bool finite = bits < 0x7F800000, usable = finite && max >= KERN_INT_TINY;
    *scale = usable ? max / 127.0F : finite ? 0 : NAN;
    if (!usable) {
        memset(q, 0, KERN_GROUP);
        sum[0] = sum[1] = 0;
        return;
    }
    vec inverse = v_set(127.0F / max);
    for (size_t i = 0; i < KERN_GROUP; i += KERN_LANES) {
        ivec v = v_round(v_mul(v_load(x + i), inverse));
        i_store_low(q + i, v);
        half[i / 32] = i % 32 ? i_add(half[i / 32], v) : v;
    }
    sum[1] = -128 * i_sum(half[1]);
    sum[0] = sum[1] - 128 * i_sum(half[0]);
}

void KERN_INT_NAME(quantise)(const kern_rows *x, size_t row, size_t k) {
    const float *from = x->x + row * x->ld;
    int8_t *q = x->q + row * x->ld_q;
    float *scale = x->scale + row * (x->ld_q / KERN_GROUP);
    int32_t *sum = x->sum + row * (x->ld_q / 32);
    for (size_t at = 0; at < k; at += KERN_GROUP, q += KERN_GROUP, scale++, sum += 2) {
        float last[KERN_GROUP] = {0};
        if (k - at < KERN_GROUP) memcpy(last, from + at, (k - at) * sizeof *last);
        quantise_group(q, scale, sum, k - at < KERN_GROUP ? last : from + at);
    }
}
