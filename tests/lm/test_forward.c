// The same request gives the same bits: alone or in a crowd, whole or in pieces, after a prefix was
// found, on any number of threads, with every set of kernels and every type of weights.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lm/forward.h"

#include <math.h>
#include <string.h>

enum { CONTEXT = 64, PROMPT = 53, VOCAB = 160, CROWD = 16, THREADS_MAX = 3 };

// The thread sanitizer slows the scalar kernels down most, which have nothing to do with threads.
#ifdef __SANITIZE_THREAD__
enum { KERNS_TRIED = 1 };
#else
enum { KERNS_TRIED = KERN_SETS_MAX };
#endif

static const lm_spec small = {
    .block_size = CONTEXT, .vocab_size = VOCAB, .n_layer = 2, .n_head = 3, .n_embd = 48};

static lm_model *model_new(kern_type type) {
    lm_spec s = small;
    lm_model *m;
    s.type = type;
    assert_int_equal(lm__model_random(&m, &s, 7, NULL), OK);
    assert_int_equal(m->layers[1].out.type, type);
    return m;
}

static int32_t id_at(size_t stream, size_t pos) {
    return (int32_t)((stream * 37 + pos * 11 + pos * pos * stream) % VOCAB);
}

// --- A machine: kernels, threads, pages ----------------------------------------------------------

typedef struct rig {
    lm_model *m;
    os_pool *pool;
    lm_work w;
    lm_pages *pages;
    int32_t ids[CROWD][PROMPT];
} rig;

static void rig_open(rig *r, lm_model *m, os_pool *pool) {
    *r = (rig){.m = m, .pool = pool};
    size_t bytes = CROWD * lm__pages_for(CONTEXT) * lm__page_bytes(m);
    assert_int_equal(lm__work_open(&r->w, m, NULL), OK);
    assert_int_equal(lm__pages_open(&r->pages, m, bytes, NULL), OK);
    for (size_t i = 0; i < CROWD; i++)
        for (size_t j = 0; j < PROMPT; j++)
            r->ids[i][j] = id_at(i, j);
}

static void rig_close(rig *r) {
    lm__pages_close(r->pages);
    lm__work_close(&r->w);
}

// Logits after the prompt of stream `i`, read in pieces of `piece` rows. *found: what pages had.
static void read_prompt(float *logits, size_t *found, rig *r, size_t i, size_t piece) {
    lm_seq seq;
    assert_true(lm__seq_open(&seq, r->pages, r->ids[i], PROMPT, CONTEXT));
    *found = seq.n_past;
    while (seq.n_past < PROMPT) {
        size_t n = min_size(piece, PROMPT - seq.n_past), past = seq.n_past;
        lm_segment seg = {&seq, r->ids[i] + past, n, past, past + n == PROMPT, NULL};
        lm__forward(&r->w, r->m, r->pool, &seg, 1);
        assert_int_equal(seg.logits != NULL, seg.want);
        if (seg.want) memcpy(logits, seg.logits, VOCAB * sizeof *logits);
        lm__seq_advance(&seq, r->ids[i], n);
    }
    lm__seq_close(&seq);
}

// A crowd: stream i has read a part of its prompt before, and reads the rest a token a pass beside
// the others.
static void read_together(float (*logits)[VOCAB], rig *r) {
    lm_seq seq[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        assert_true(lm__seq_open(&seq[i], r->pages, r->ids[i], PROMPT, CONTEXT));
        lm_segment seg = {&seq[i], r->ids[i], PROMPT - 1 - i % 5, 0, 0, NULL};
        lm__forward(&r->w, r->m, r->pool, &seg, 1);
        lm__seq_advance(&seq[i], r->ids[i], seg.n);
    }
    for (bool more = true; more;) {
        lm_segment segs[CROWD];
        size_t of[CROWD], n = 0;
        for (size_t i = 0; i < CROWD; i++) {
            size_t past = seq[i].n_past;
            if (past == PROMPT) continue;
            segs[n] = (lm_segment){&seq[i], r->ids[i] + past, 1, past, 1, NULL};
            of[n++] = i;
        }
        more = n > 0;
        if (more) lm__forward(&r->w, r->m, r->pool, segs, n);
        for (size_t j = 0; j < n; j++) {
            memcpy(logits[of[j]], segs[j].logits, sizeof logits[0]);
            lm__seq_advance(&seq[of[j]], r->ids[of[j]], 1);
        }
    }
    for (size_t i = 0; i < CROWD; i++)
        lm__seq_close(&seq[i]);
}

static bool same_bits(const float *a, const float *b) {
    return memcmp(a, b, VOCAB * sizeof *a) == 0;
}

// --- Equality ----------------------------------------------------------------------------------

// The first set of kernels on this thread alone, each prompt in one piece.
static void reference(float (*want)[VOCAB], lm_model *m, const kern *k) {
    rig r;
    size_t found;
    m->kern = k;
    rig_open(&r, m, NULL);
    for (size_t i = 0; i < CROWD; i++) {
        read_prompt(want[i], &found, &r, i, PROMPT);
        for (size_t j = 0; j < VOCAB; j++)
            assert_true(isfinite(want[i][j]));
        assert_true(i == 0 || !same_bits(want[i], want[i - 1]));
    }
    rig_close(&r);
}

static void check_rig(float (*want)[VOCAB], lm_model *m, os_pool *pool) {
    static const size_t pieces[] = {1, 7, 16, PROMPT};
    float got[CROWD][VOCAB];
    size_t found;
    rig r;
    for (size_t i = 0; i < countof(pieces); i++) {
        rig_open(&r, m, pool);
        read_prompt(got[0], &found, &r, i, pieces[i]);
        assert_int_equal(found, 0);
        assert_true(same_bits(got[0], want[i]));
        read_prompt(got[0], &found, &r, i, pieces[i]);
        assert_int_equal(found, PROMPT / KERN_PAGE * KERN_PAGE);
        assert_true(same_bits(got[0], want[i]));
        rig_close(&r);
    }
    rig_open(&r, m, pool);
    read_together(got, &r);
    for (size_t i = 0; i < CROWD; i++)
        assert_true(same_bits(got[i], want[i]));
    rig_close(&r);
}

static void every_way_gives_the_same_bits(void **state) {
    (void)state;
    static float want[CROWD][VOCAB];
    const kern *all[KERN_SETS_MAX];
    size_t kerns = min_size(kern_all(all), KERNS_TRIED);
    for (kern_type t = 0; t <= KERN_INT4; t++) {
        lm_model *m = model_new(t);
        reference(want, m, all[0]);
        for (size_t k = 0; k < kerns; k++) {
            m->kern = all[k];
            check_rig(want, m, NULL);
        }
        m->kern = all[0];
        for (int threads = 1; threads <= THREADS_MAX; threads++) {
            os_pool *pool;
            assert_int_equal(os_pool_open(&pool, threads, 1, "test", NULL), OK);
            check_rig(want, m, pool);
            os_pool_close(pool);
        }
        lm_model_close(m);
    }
}

// Logits of several rows of a segment are those of each row alone.
static void logits_of_any_rows_may_be_wanted(void **state) {
    (void)state;
    enum { WANT = 5 };
    lm_model *m = model_new(KERN_F32);
    rig r;
    lm_seq seq;
    float alone[WANT][VOCAB];
    rig_open(&r, m, NULL);
    assert_true(lm__seq_open(&seq, r.pages, r.ids[3], PROMPT, CONTEXT));
    for (size_t i = 0; i < WANT; i++) {
        size_t n = i ? 1 : PROMPT - WANT + 1;
        lm_segment seg = {&seq, r.ids[3] + seq.n_past, n, seq.n_past, 1, NULL};
        lm__forward(&r.w, m, NULL, &seg, 1);
        memcpy(alone[i], seg.logits, sizeof alone[i]);
        lm__seq_advance(&seq, r.ids[3], n);
    }
    lm__seq_close(&seq);
    lm_seq both[2];
    for (size_t i = 0; i < 2; i++)
        assert_true(lm__seq_open(&both[i], r.pages, r.ids[4 - i], 20, CONTEXT));
    lm_segment segs[] = {
        {&both[0], r.ids[4], 20, 0, 2, NULL},
        {&both[1], r.ids[3] + both[1].n_past, PROMPT - both[1].n_past, both[1].n_past, WANT, NULL}};
    lm__forward(&r.w, m, NULL, segs, 2);
    for (size_t i = 0; i < WANT; i++)
        assert_true(same_bits(alone[i], segs[1].logits + i * r.w.ld_logits));
    assert_ptr_equal(segs[1].logits, segs[0].logits + 2 * r.w.ld_logits);
    for (size_t i = VOCAB; i < lm__logits_padded(m); i++)
        assert_true(isinf(segs[1].logits[i]) && segs[1].logits[i] < 0);
    lm__seq_close(&both[0]);
    lm__seq_close(&both[1]);
    rig_close(&r);
    lm_model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_the_same_bits),
        cmocka_unit_test(logits_of_any_rows_may_be_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
