// Attention of every kernel set must give the scalar oracle's bits, and the oracle must be near the
// exact value.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tensor/kern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rng_state = 1;

static float uniform(void) {  // [-1, 1)
    rng_state = rng_state * 6364136223846793005U + 1442695040888963407U;
    return (float)(rng_state >> 40) * 0x1p-23F - 1;
}

static float *numbers(size_t n) {
    float *p = aligned_alloc(KERN_ALIGN, align_up(max_size(n, 1) * sizeof *p, KERN_ALIGN));
    for (size_t i = 0; i < n; i++)
        p[i] = uniform();
    return p;
}

static void assert_same_bits(const float *a, const float *b, size_t n) {
    assert_memory_equal(a, b, n * sizeof *a);
}

typedef struct heads {
    size_t head, n, padded;
    float *q, *k, *v;
    uint32_t page[20];
    kern_kv kv;
} heads;

static heads heads_new(size_t head, size_t n) {
    heads h = {.head = head, .n = n, .padded = align_up(n, KERN_LANES)};
    h.q = numbers(head);
    h.k = numbers(n * head);
    h.v = numbers(n * head);
    h.kv.stride = 2 * KERN_PAGE * head;
    h.kv.base = numbers(h.padded / KERN_PAGE * h.kv.stride);  // unwritten positions hold rubbish
    for (uint32_t i = 0; i < h.padded / KERN_PAGE; i++)       // pages lie backwards
        h.page[i] = (uint32_t)(h.padded / KERN_PAGE) - 1 - i;
    h.kv.page = h.page;
    for (size_t t = 0; t < n; t++)
        kern_kv_put(&h.kv, t, h.k + t * head, h.v + t * head, head);
    return h;
}

static void heads_free(heads *h) {
    float *all[] = {h->q, h->k, h->v, h->kv.base};
    for (size_t i = 0; i < countof(all); i++)
        free(all[i]);
}

static void check_attention_exact(const heads *h, const float *out) {
    double *p = calloc(h->n, sizeof *p), sum = 0;
    for (size_t t = 0; t < h->n; t++) {
        for (size_t i = 0; i < h->head; i++)
            p[t] += (double)h->q[i] * (double)h->k[t * h->head + i];
        p[t] = exp(p[t] / sqrt((double)h->head));
        sum += p[t];
    }
    for (size_t i = 0; i < h->head; i++) {
        double y = 0;
        for (size_t t = 0; t < h->n; t++)
            y += p[t] / sum * (double)h->v[t * h->head + i];
        assert_true(fabs(y - (double)out[i]) < 2e-6);
    }
    free(p);
}

static void attention(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    static const size_t ns[] = {1, 2, 15, 16, 17, 63, 64, 65, 100, 300};
    for (size_t i = 0; i < countof(ns); i++)
        for (size_t head = 16; head <= 128; head += 48) {
            heads h = heads_new(head, ns[i]);
            float want[128], out[128];
            kern_attend a = {h.q, want, head, head, 1, 1, h.n, head};
            h.kv.page = h.page;
            all[kerns - 1]->attend(&a, &h.kv);
            check_attention_exact(&h, want);
            for (size_t j = 0; j + 1 < kerns; j++) {
                a.out = out;
                all[j]->attend(&a, &h.kv);
                assert_same_bits(want, out, head);
            }
            heads_free(&h);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
