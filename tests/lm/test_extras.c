// What requests may want beside a text: scored prompts, embeddings, no early end; and models that
// come and go while the engine runs.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lm/fixture.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { LONG = 400 };  // more than a step's rows

static lm_model *model_wide(void) {
    lm_spec s = tiny;
    s.block_size = 512;
    return model_new(s);
}

static const int32_t *long_prompt(void) {
    static int32_t ids[LONG];
    for (size_t i = 0; i < LONG; i++)
        ids[i] = (int32_t)(i * 7 + i * i % 31) % 300;
    return ids;
}

static lm_request long_request(const lm_model *m, size_t n, int max_length) {
    lm_request r = request(m, n, max_length, 3);
    r.prompt = long_prompt();
    return r;
}

static lm_state finish(size_t *n, lm_stream *s) {
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    *n = drain(ids, CASE_IDS_MAX, &st, s);
    return st;
}

// --- Scored prompts ------------------------------------------------------------------------------

// A text that the model made, with the log probabilities it had then, is scored as a prompt.
static void a_prompt_scores_as_the_text_did(void **state) {
    (void)state;
    enum { BEGIN = 5, TEXT = 300, BEST = 3 };
    lm_model *m = model_wide();
    lm_engine *g = engine_new(2, 0, 0);
    int32_t ids[BEGIN + TEXT];
    memcpy(ids, counting, BEGIN * sizeof *ids);
    lm_request r = request(m, BEGIN, BEGIN + TEXT, 9);
    r.sampling.logprobs = BEST;
    lm_stream *told = submit(g, r);
    lm_state st;
    assert_int_equal(drain(ids + BEGIN, TEXT, &st, told), TEXT);
    for (int more = 0; more < 20; more += 19) {  // no text at all, and some
        r.prompt = ids;
        r.n_prompt = BEGIN + TEXT;
        r.max_length = BEGIN + TEXT + more;
        r.prompt_logprobs = true;
        lm_stream *s = submit(g, r);
        size_t n, n_best;
        assert_int_equal(finish(&n, s), LM_LENGTH);
        assert_int_equal(n, more);
        assert_int_equal(lm_stream_cached(s), 0);  // though pages have all of it
        assert_null(lm_stream_prompt_logprobs(&n_best, s, 0));
        assert_null(lm_stream_prompt_logprobs(&n_best, s, BEGIN + TEXT));
        for (size_t i = 0; i < TEXT; i++) {
            const lm_logprob *was = lm_stream_logprobs(&n_best, told, i);
            const lm_logprob *is = lm_stream_prompt_logprobs(&n_best, s, BEGIN + i);
            assert_int_equal(n_best, BEST);
            assert_int_equal(is->id, ids[BEGIN + i]);
            assert_memory_equal(is, was, (BEST + 1) * sizeof *is);
        }
        for (size_t i = 1; i < BEGIN; i++)
            assert_int_equal(lm_stream_prompt_logprobs(&n_best, s, i)->id, counting[i]);
        lm_stream_close(s);
    }
    lm_stream_close(told);
    lm_engine_close(g);
    lm_model_close(m);
}

static void scores_are_the_same_in_a_crowd(void **state) {
    (void)state;
    enum { CROWD = 4 };
    lm_model *m = model_wide();
    lm_engine *g = engine_new(2, 0, 0);
    static lm_logprob alone[CROWD][LONG];
    lm_stream *s[CROWD];
    size_t n_best, n;
    for (size_t i = 0; i < CROWD; i++) {
        lm_request r = long_request(m, LONG - 50 * i, LONG + 20);
        r.sampling.logprobs = 0;
        r.prompt_logprobs = true;
        s[i] = submit(g, r);
        assert_int_equal(finish(&n, s[i]), LM_LENGTH);
        for (size_t t = 1; t < r.n_prompt; t++)
            alone[i][t] = *lm_stream_prompt_logprobs(&n_best, s[i], t);
        lm_stream_close(s[i]);
        s[i] = NULL;
    }
    for (size_t i = 0; i < CROWD; i++) {
        lm_request r = long_request(m, LONG - 50 * i, LONG + 20);
        r.sampling.logprobs = 0;
        r.prompt_logprobs = i % 3 != 2;  // neighbours that only make text
        s[i] = submit(g, r);
    }
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(finish(&n, s[i]), LM_LENGTH);
        for (size_t t = 1; t < LONG - 50 * i; t++) {
            const lm_logprob *p = lm_stream_prompt_logprobs(&n_best, s[i], t);
            if (i % 3 == 2)
                assert_null(p);
            else
                assert_memory_equal(p, &alone[i][t], sizeof *p);
        }
        lm_stream_close(s[i]);
    }
    lm_engine_close(g);
    lm_model_close(m);
}

static void scores_want_logprobs(void **state) {
    (void)state;
    lm_model *m = model_wide();
    lm_engine *g = engine_new(1, 0, 0);
    lm_request r = request(m, 4, 4, 1);
    r.prompt_logprobs = true;
    lm_stream *s;
    err e = {0};
    assert_int_equal(lm_submit(&s, g, &r, &e), E_ARG);
    assert_string_equal(e.msg, "log probabilities of the prompt want logprobs");
    lm_engine_close(g);
    lm_model_close(m);
}

// --- Embeddings ----------------------------------------------------------------------------------

// The rows after the last norm, by passes of our own.
static void hidden_of(double *sum, float *last, lm_model *m, const int32_t *ids, size_t n) {
    lm_work w;
    lm_pages *pages;
    lm_seq seq;
    size_t c = (size_t)m->spec.n_embd;
    assert_int_equal(lm__work_open(&w, m, NULL), OK);
    assert_int_equal(lm__pages_open(&pages, m, lm__pages_for(n) * lm__page_bytes(m), NULL), OK);
    assert_true(lm__seq_open(&seq, pages, ids, n, n));
    memset(sum, 0, c * sizeof *sum);
    for (size_t at = 0; at < n;) {
        size_t piece = min_size(50, n - at);
        lm_segment seg = {.seq = &seq, .ids = ids + at, .n = piece, .pos = at};
        seg.wants_hidden = true;
        lm__forward(&w, m, NULL, &seg, 1);
        for (size_t i = 0; i < piece; i++)
            for (size_t j = 0; j < c; j++)
                sum[j] += (double)seg.hidden[i * w.ld + j];
        memcpy(last, seg.hidden + (piece - 1) * w.ld, c * sizeof *last);
        at += piece;
        seq.n_past = at;
    }
    lm__seq_close(&seq);
    lm__pages_close(pages);
    lm__work_close(&w);
}

static void check_direction(const float *got, const double *want, size_t n) {
    double length = 0, length_got = 0;
    for (size_t i = 0; i < n; i++)
        length += want[i] * want[i];
    for (size_t i = 0; i < n; i++) {
        assert_true(fabs((double)got[i] - want[i] / sqrt(length)) < 1e-5);
        length_got += (double)got[i] * (double)got[i];
    }
    assert_true(fabs(length_got - 1) < 1e-5);
}

static lm_stream *embed(lm_engine *g, const lm_model *m, size_t n, lm_pooling how) {
    lm_request r = {.model = m, .prompt = long_prompt(), .n_prompt = n, .pooling = how};
    return submit(g, r);
}

static void embeddings_are_pooled_rows(void **state) {
    (void)state;
    lm_model *m = model_wide();
    lm_engine *g = engine_new(2, 0, 0);
    size_t c = (size_t)m->spec.n_embd, none;
    static const size_t lengths[] = {1, 16, 33, LONG};
    for (size_t i = 0; i < countof(lengths); i++) {
        double mean[64], last_d[64];
        float last[64];
        hidden_of(mean, last, m, long_prompt(), lengths[i]);
        for (size_t j = 0; j < c; j++)
            last_d[j] = (double)last[j];
        for (lm_pooling how = LM_POOL_MEAN; how <= LM_POOL_LAST; how++) {
            lm_stream *s = embed(g, m, lengths[i], how);
            assert_int_equal(finish(&none, s), LM_LENGTH);
            assert_int_equal(none, 0);
            check_direction(lm_stream_embedding(s), how == LM_POOL_MEAN ? mean : last_d, c);
            lm_stream_close(s);
        }
    }
    lm_stream *text = submit(g, long_request(m, 5, 20));
    assert_int_equal(finish(&none, text), LM_LENGTH);
    assert_null(lm_stream_embedding(text));
    lm_stream_close(text);
    lm_engine_close(g);
    lm_model_close(m);
}

static void embeddings_are_the_same_in_a_crowd(void **state) {
    (void)state;
    enum { CROWD = 9 };
    lm_model *m = model_wide();
    static float alone[CROWD][64];
    lm_stream *s[CROWD];
    size_t bytes = (size_t)m->spec.n_embd * sizeof(float), none;
    for (size_t i = 0; i < CROWD; i++) {
        lm_engine *fresh = engine_new(1, 0, 0);
        lm_stream *one = embed(fresh, m, 40 * (i + 1), i % 2 ? LM_POOL_MEAN : LM_POOL_LAST);
        assert_int_equal(finish(&none, one), LM_LENGTH);
        memcpy(alone[i], lm_stream_embedding(one), bytes);
        lm_stream_close(one);
        lm_engine_close(fresh);
    }
    lm_engine *g = engine_new(2, 0, 0);
    lm_stream *text = submit(g, long_request(m, 300, 400));
    for (size_t i = 0; i < CROWD; i++)
        s[i] = embed(g, m, 40 * (i + 1), i % 2 ? LM_POOL_MEAN : LM_POOL_LAST);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(finish(&none, s[i]), LM_LENGTH);
        assert_memory_equal(lm_stream_embedding(s[i]), alone[i], bytes);
        lm_stream_close(s[i]);
    }
    lm_stream_close(text);
    lm_engine_close(g);
    lm_model_close(m);
}

// --- Pages -----------------------------------------------------------------------------------

static size_t cached_of(lm_engine *g, lm_request r) {
    size_t n;
    lm_stream *s = submit(g, r);
    assert_int_equal(finish(&n, s), LM_LENGTH);
    size_t cached = lm_stream_cached(s);
    lm_stream_close(s);
    return cached;
}

static void a_stream_says_what_it_found(void **state) {
    (void)state;
    lm_model *m = model_wide();
    lm_engine *g = engine_new(1, 0, 0);
    assert_int_equal(cached_of(g, long_request(m, 200, 210)), 0);
    assert_int_equal(cached_of(g, long_request(m, 200, 210)), 199);
    assert_int_equal(cached_of(g, long_request(m, 100, 110)), 99);
    lm_request pooled = {.model = m, .prompt = long_prompt(), .n_prompt = 200};
    pooled.pooling = LM_POOL_LAST;
    assert_int_equal(cached_of(g, pooled), 199);
    pooled.pooling = LM_POOL_MEAN;
    assert_int_equal(cached_of(g, pooled), 0);
    lm_engine_close(g);
    lm_model_close(m);
}

// A text is the same whether its prompt was read, or found up to the middle of a page.
static void half_a_page_that_was_found_changes_nothing(void **state) {
    (void)state;
    lm_model *m = model_wide();
    lm_engine *alone = engine_new(1, 0, 0), *known = engine_new(1, 0, 0);
    int32_t prompt[100], want[CASE_IDS_MAX], got[CASE_IDS_MAX];
    lm_state st;
    (void)run_alone(want, &st, known, long_request(m, 100, 130));
    for (size_t same = 33; same < 100; same += 13) {
        memcpy(prompt, long_prompt(), sizeof prompt);
        prompt[same] ^= 1;
        lm_request r = long_request(m, 100, 130);
        r.prompt = prompt;
        assert_int_equal(run_alone(want, &st, alone, r), 30);
        assert_int_equal(cached_of(known, r), same);
        assert_int_equal(run_alone(got, &st, known, r), 30);
        assert_memory_equal(got, want, 30 * sizeof *got);
        assert_true(lm_engine_forget(alone, m));
    }
    lm_engine_close(alone);
    lm_engine_close(known);
    lm_model_close(m);
}

// --- Ends of text --------------------------------------------------------------------------------

// So likely that each is drawn wherever it may be.
static lm_request eager_to_end(lm_model *m, const lm_bias *loud) {
    m->spec.n_eos = 3;
    memcpy(m->spec.eos, (int32_t[]){5, 80, 299}, 3 * sizeof *m->spec.eos);
    lm_request r = request(m, 4, 44, 1);
    r.sampling.bias = loud;
    r.sampling.n_bias = 1;
    return r;
}

static void each_end_of_text_ends(void **state) {
    (void)state;
    lm_model *m = model_wide();
    lm_engine *g = engine_new(1, 0, 0);
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    for (int i = 0; i < 3; i++) {
        lm_bias loud = {((int32_t[]){5, 80, 299})[i], 100};
        lm_request r = eager_to_end(m, &loud);
        assert_int_equal(run_alone(ids, &st, g, r), 0);
        assert_int_equal(st, LM_STOPPED);
        r.min_tokens = 11;
        assert_int_equal(run_alone(ids, &st, g, r), 11);
        assert_int_equal(st, LM_STOPPED);
        r.min_tokens = 1000;
        assert_int_equal(run_alone(ids, &st, g, r), 40);
        assert_int_equal(st, LM_LENGTH);
        r.min_tokens = 0;
        r.ignores_eos = true;
        assert_int_equal(run_alone(ids, &st, g, r), 40);
        assert_int_equal(st, LM_LENGTH);
        for (size_t at = 0; at < 40; at++)
            assert_false(lm_spec_ends(&m->spec, ids[at]));
    }
    lm_bias none = {5, 1};
    lm_request r = eager_to_end(m, &none);
    r.min_tokens = -1;
    lm_stream *s;
    assert_int_equal(lm_submit(&s, g, &r, NULL), E_ARG);
    lm_engine_close(g);
    lm_model_close(m);
}

// --- Forgotten models ----------------------------------------------------------------------------

static void a_forgotten_model_gives_its_pages_back(void **state) {
    (void)state;
    lm_model *m = model_wide(), *other = model_new(tiny);
    lm_engine *g = engine_new(1, 0, 0);
    int32_t before[CASE_IDS_MAX], after[CASE_IDS_MAX];
    lm_state st;
    assert_true(lm_engine_forget(g, m));  // it never ran
    size_t n = run_alone(before, &st, g, long_request(m, 100, 150));
    assert_int_equal(n, run_alone(before, &st, g, long_request(m, 100, 150)));
    assert_int_equal(run_alone(after, &st, g, request(other, 3, 30, 1)), 27);
    wait_idle(g);
    lm_counters had = counters(g);
    assert_int_equal(had.prefix_hit_tokens, 99);
    assert_true(lm_engine_forget(g, m));
    lm_counters has = counters(g);
    assert_true(has.pages_total < had.pages_total && has.kv_kept < had.kv_kept);
    assert_int_equal(has.prefix_hit_tokens, 99);  // a counter never goes back
    assert_int_equal(has.prefix_looked_tokens, had.prefix_looked_tokens);
    assert_int_equal(run_alone(after, &st, g, long_request(m, 100, 150)), n);
    assert_memory_equal(before, after, n * sizeof *before);
    assert_true(lm_engine_forget(g, other));
    assert_true(lm_engine_forget(g, m));
    assert_int_equal(counters(g).pages_total, 0);
    lm_engine_close(g);
    lm_model_close(other);
    lm_model_close(m);
}

static void a_model_in_use_is_not_forgotten(void **state) {
    (void)state;
    lm_model *m = model_wide();
    lm_engine *g = engine_new(1, 1, 4);  // the second waits
    int32_t ids[CASE_IDS_MAX], want[CASE_IDS_MAX];
    lm_state st;
    lm_request r = long_request(m, 100, 500);  // more ids than fit ahead of its reader: it pauses
    size_t n = run_alone(want, &st, g, r);
    lm_stream *live = submit(g, r), *waits = submit(g, request(m, 3, 20, 1));
    assert_false(lm_engine_forget(g, m));
    lm_stream_close(waits);
    assert_false(lm_engine_forget(g, m));
    assert_int_equal(drain(ids, CASE_IDS_MAX, &st, live), n);
    assert_memory_equal(ids, want, n * sizeof *ids);
    lm_stream_close(live);
    for (int i = 0; i < 8; i++) {  // who is closed is no user any more, whatever step it is in
        live = submit(g, r);
        if (i % 2)
            while (lm_stream_read(ids, 1, &st, live) == 0)
                sleep_ms(1);
        lm_stream_close(live);
        assert_true(lm_engine_forget(g, m));
    }
    lm_engine_close(g);
    lm_model_close(m);
}

static void more_models_than_there_are_places_one_after_another(void **state) {
    (void)state;
    lm_engine *g = engine_new(1, 0, 0);
    lm_model *stays = model_new(tiny);
    int32_t want[CASE_IDS_MAX], ids[CASE_IDS_MAX];
    lm_state st;
    size_t n = run_alone(want, &st, g, request(stays, 5, 9, 1));
    for (int i = 0; i < LM_MODELS_MAX + 5; i++) {
        lm_model *m = model_new(tiny);
        assert_int_equal(run_alone(ids, &st, g, request(m, 5, 9, 1)), n);
        assert_memory_equal(ids, want, n * sizeof *ids);
        assert_int_equal(run_alone(ids, &st, g, request(stays, 5, 9, 1)), n);
        assert_true(lm_engine_forget(g, m));
        lm_model_close(m);
    }
    lm_engine_close(g);
    lm_model_close(stays);
}

// Threads that load, use, and drop models of their own beside one that all share.
typedef struct comer {
    lm_engine *g;
    const lm_model *shared;
    size_t number;
    bool ok;
} comer;

static void *come_and_go(void *arg) {
    comer *c = arg;
    c->ok = true;
    for (size_t i = 0; i < 4; i++) {
        lm_spec spec = tiny;
        lm_model *m;
        if (lm__model_random(&m, &spec, c->number + i, NULL)) return NULL;
        lm_request q = request(i % 2 ? c->shared : m, 5 + c->number, 40, i),
                   q2 = request(m, 3, 90, i);
        lm_stream *a, *b;
        err e = {0};
        c->ok &= lm_submit(&a, c->g, &q, &e) == OK && lm_submit(&b, c->g, &q2, &e) == OK;
        if (!c->ok) return NULL;
        int32_t ids[CASE_IDS_MAX];
        lm_state st;
        size_t n = drain(ids, CASE_IDS_MAX, &st, a);
        c->ok &= n == 35 - c->number && st == LM_LENGTH;
        (void)lm_engine_forget(c->g, c->shared);
        lm_stream_close(b);
        lm_stream_close(a);
        c->ok &= lm_engine_forget(c->g, m);
        lm_model_close(m);
    }
    return NULL;
}

static void models_come_and_go_from_many_threads(void **state) {
    (void)state;
    enum { THREADS = 4 };
    lm_model *shared = model_new(tiny);
    lm_engine *g = engine_new(2, 0, 0);
    pthread_t thread[THREADS];
    comer c[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        c[i] = (comer){g, shared, i, false};
        assert_int_equal(pthread_create(&thread[i], NULL, come_and_go, &c[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_true(c[i].ok);
    }
    assert_true(lm_engine_forget(g, shared));
    assert_int_equal(counters(g).pages_total, 0);
    lm_engine_close(g);
    lm_model_close(shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_scores_as_the_text_did),
        cmocka_unit_test(scores_are_the_same_in_a_crowd),
        cmocka_unit_test(scores_want_logprobs),
        cmocka_unit_test(embeddings_are_pooled_rows),
        cmocka_unit_test(embeddings_are_the_same_in_a_crowd),
        cmocka_unit_test(a_stream_says_what_it_found),
        cmocka_unit_test(half_a_page_that_was_found_changes_nothing),
        cmocka_unit_test(each_end_of_text_ends),
        cmocka_unit_test(a_forgotten_model_gives_its_pages_back),
        cmocka_unit_test(a_model_in_use_is_not_forgotten),
        cmocka_unit_test(more_models_than_there_are_places_one_after_another),
        cmocka_unit_test(models_come_and_go_from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
