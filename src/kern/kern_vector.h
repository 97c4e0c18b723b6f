// kern/kern_vector.h -- norms, rotary positions, caps and sums of exponentials; part of
// kern_body.h.

// --- Norms -----------------------------------------------------------------------------------

static void layernorm(float *y, const float *x, const float *gain, const float *bias, float eps,
                      size_t n) {
    vec sum = v_set(0), square = v_set(0);
    for (size_t i = 0; i < n; i += KERN_LANES)
        sum = v_add(sum, v_load(x + i));
    vec mean = v_set(v_sum(sum) / (float)n);
    for (size_t i = 0; i < n; i += KERN_LANES) {
        vec d = v_sub(v_load(x + i), mean);
        square = v_fma(d, d, square);
    }
    vec scale = v_set(1.0F / sqrtf(v_sum(square) / (float)n + eps));
    for (size_t i = 0; i < n; i += KERN_LANES) {
        vec d = v_mul(v_sub(v_load(x + i), mean), scale);
        vec g = v_load(gain + i);
        v_store(y + i, bias ? v_fma(d, g, v_load(bias + i)) : v_mul(d, g));
    }
}

static void rmsnorm(float *y, const float *x, const float *gain, float eps, size_t n) {
    vec square = v_set(0);
    for (size_t i = 0; i < n; i += KERN_LANES)
        square = v_fma(v_load(x + i), v_load(x + i), square);
    vec scale = v_set(1.0F / sqrtf(v_sum(square) / (float)n + eps));
    for (size_t i = 0; i < n; i += KERN_LANES)
        v_store(y + i, v_mul(v_mul(v_load(x + i), scale), v_load(gain + i)));
}

// --- Rotary positions, caps ------------------------------------------------------------------

INLINE void turn(float *a, float *b, const float *cos, const float *sin) {
    vec x = v_load(a), y = v_load(b), c = v_load(cos), s = v_load(sin);
    v_store(a, v_fma(x, c, v_sub(v_set(0), v_mul(y, s))));
    v_store(b, v_fma(y, c, v_mul(x, s)));
}

// n < KERN_LANES values, through a vector that has them all.
static void turn_last(float *a, float *b, const float *cos, const float *sin, size_t n) {
    float *from[] = {a, b, (float *)cos, (float *)sin};
    _Alignas(KERN_ALIGN) float v[4][KERN_LANES] = {0};
    for (int i = 0; i < 4; i++)
        memcpy(v[i], from[i], n * sizeof *a);
    turn(v[0], v[1], v[2], v[3]);
    memcpy(a, v[0], n * sizeof *a);
    memcpy(b, v[1], n * sizeof *b);
}

static void rope(float *x, size_t heads, size_t head, size_t half, const float *cos,
                 const float *sin) {
    for (size_t h = 0; h < heads; h++, x += head) {
        size_t i = 0;
        for (; i + KERN_LANES <= half; i += KERN_LANES)
            turn(x + i, x + half + i, cos + i, sin + i);
        if (i < half) turn_last(x + i, x + half + i, cos + i, sin + i, half - i);
    }
}

static void softcap(float *x, float c, size_t n) {
    _Alignas(KERN_ALIGN) float last[KERN_LANES] = {0};
    size_t i = 0;
    for (; i + KERN_LANES <= n; i += KERN_LANES)
        v_store(x + i, cap_vec(v_load(x + i), v_set(c)));
    memcpy(last, x + i, (n - i) * sizeof *x);
    v_store(last, cap_vec(v_load(last), v_set(c)));
    memcpy(x + i, last, (n - i) * sizeof *x);
}

// --- Softmax ---------------------------------------------------------------------------------

INLINE vec soften(float *p, vec max) {
    vec e = soft_exp_vec(v_sub(v_load(p), max));
    v_store(p, e);
    return e;
}

// Four vectors at a time, each with a largest and a sum of its own: one chain of maxima, then of
// additions, would take half as long again.
static float exp_sum(float *p, size_t n) {
    enum { STEP = 4 * KERN_LANES };
    vec top[4], sum[4];
    size_t i = 0, j = 0;
    UNROLL for (int c = 0; c < 4; c++) {
        top[c] = v_set(-FLT_MAX);
        sum[c] = v_set(0);
    }
    for (; i + STEP <= n; i += STEP)
        UNROLL for (int c = 0; c < 4; c++) top[c] = v_max(v_load(p + i + c * KERN_LANES), top[c]);
    for (; i < n; i += KERN_LANES)
        top[0] = v_max(v_load(p + i), top[0]);
    vec max = v_set(v_top(v_max(v_max(top[0], top[2]), v_max(top[1], top[3]))));
    for (; j + STEP <= n; j += STEP)
        UNROLL for (int c = 0; c < 4; c++) sum[c] =
            v_add(sum[c], soften(p + j + c * KERN_LANES, max));
    for (; j < n; j += KERN_LANES)
        sum[0] = v_add(sum[0], soften(p + j, max));
    return v_sum(v_add(v_add(sum[0], sum[2]), v_add(sum[1], sum[3])));
}
